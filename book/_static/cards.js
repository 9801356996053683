/* Cards: what a link leads to, shown while the pointer rests on it or the keyboard is at it.
   Terms and citations bring their text; figures and formulas of the page are copied. */
(() => {
  "use strict";
  const COPIED = "figure, div.math";
  let card = null;
  let timer = 0;

  function content(link) {
    if (link.dataset.card) {
      const text = document.createElement("p");
      text.textContent = link.dataset.card;
      return text;
    }
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const shown = target && (target.matches(COPIED) ? target : target.querySelector(COPIED));
    if (!shown) return null;
    const copy = shown.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll("[id], [tabindex]")]) {
      each.removeAttribute("id");
      each.removeAttribute("tabindex");
    }
    for (const each of copy.querySelectorAll(".headerlink, .live-controls")) each.remove();
    return copy;
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
    const left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8));
    const below = at.bottom + 6 + size.height < innerHeight || at.top < size.height;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(below ? at.bottom + 6 : at.top - size.height - 6) + scrollY}px`;
    link.setAttribute("aria-describedby", box.id);
    card = { link, box };
    box.addEventListener("pointerleave", hide);
  }

  const wanted = (event) => event.target.closest?.("article a[data-card], article a[href^='#']:not(.headerlink)");
  const soon = (link) => { clearTimeout(timer); timer = setTimeout(() => show(link), 150); };

  document.addEventListener("pointerover", (event) => {
    const link = event.pointerType === "mouse" ? wanted(event) : null;
    if (link && card?.link !== link) soon(link);
    else if (!link && !event.target.closest?.(".card-box")) hide();
  });
  document.addEventListener("focusin", (event) => {
    const link = wanted(event);
    if (link?.matches(":focus-visible")) show(link);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
