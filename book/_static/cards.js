/* Cards: what a link leads to, shown while the pointer rests on it or the keyboard is at it.
   The page brings what other pages have, in templates; its own figures and formulas are copied. */
(() => {
  "use strict";
  const COPIED = "figure, div.math";
  const brought = new Map();
  for (const each of document.querySelectorAll("template[data-for]")) brought.set(each.dataset.for, each);
  let card = null;
  let timer = 0;

  function copied(link) {
    if (!link.hash || link.pathname !== location.pathname) return null;
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target || target.matches("section")) return null;
    const shown = target.matches(COPIED) ? target : target.querySelector(COPIED);
    if (!shown) return null;
    const copy = shown.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll("[id], [tabindex]")]) {
      each.removeAttribute("id");
      each.removeAttribute("tabindex");
    }
    for (const each of copy.querySelectorAll(".headerlink, .live-controls")) each.remove();
    return copy;
  }

  function content(link) {
    const template = brought.get(link.getAttribute("href"));
    return template ? document.importNode(template.content, true) : copied(link);
  }

  function hide() {
    clearTimeout(timer);
    if (!card) return;
    card.link.removeAttribute("aria-describedby");
    card.box.remove();
    card = null;
  }

  function show(link) {
    hide();
    const inside = content(link);
    if (!inside) return;
    const box = document.createElement("div");
    box.className = "card-box";
    box.id = "card-box";
    box.setAttribute("role", "tooltip");
    box.append(inside);
    document.querySelector("article").append(box);
    const at = link.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8));
    const below = at.bottom + 6 + size.height < innerHeight || at.top < size.height;
    const parent = box.offsetParent || document.documentElement;
    const from = parent.getBoundingClientRect();
    box.style.left = `${left - from.left + parent.scrollLeft}px`;
    box.style.top = `${(below ? at.bottom + 6 : at.top - size.height - 6) - from.top + parent.scrollTop}px`;
    if (box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
    link.setAttribute("aria-describedby", box.id);
    card = { link, box };
  }

  const soon = (action, wait) => { clearTimeout(timer); timer = setTimeout(action, wait); };
  const wanted = (event) => event.target.closest?.("article a[href]:not(.headerlink)");

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const link = wanted(event);
    if (event.target.closest?.(".card-box") || (link && card?.link === link)) clearTimeout(timer);
    else if (link) soon(() => show(link), 150);
    else if (card?.link === document.activeElement) clearTimeout(timer);
    else soon(hide, 250); // time to reach the card
  });
  document.addEventListener("focusin", (event) => {
    const link = wanted(event);
    if (link?.matches(":focus-visible")) show(link);
  });
  document.addEventListener("focusout", (event) => {
    if (!event.relatedTarget?.closest?.(".card-box")) hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
