/* Search without a server: sections with excerpts, as you type, small misspellings forgiven.
   The index (search-index.js, made with the pages) is loaded when somebody searches. */
(() => {
  "use strict";
  const ROOT = document.documentElement.dataset.content_root || "./";
  const WORD = /[\p{L}\p{N}_]+/gu;
  const SHOWN = 12;
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  let words = null; // word -> Map(section -> weight)

  const loaded = () => new Promise((done, failed) => {
    if (window.bookIndex) { done(); return; }
    const script = document.createElement("script");
    Object.assign(script, { src: `${ROOT}_static/search-index.js`, onload: done, onerror: failed });
    document.head.append(script);
  });

  function count(section, text, weight) {
    for (const word of plain(text).match(WORD) || []) {
      if (!words.has(word)) words.set(word, new Map());
      const found = words.get(word);
      found.set(section, Math.min((found.get(section) || 0) + weight, 12));
    }
  }

  function prepare() {
    if (words) return;
    words = new Map();
    window.bookIndex.forEach(({ page, title, text }, section) => {
      count(section, title, 6);
      count(section, page, 2);
      count(section, text, 1);
    });
  }

  /* Whether b is within `limit` changes of a; rows of the usual table of edits. */
  function near(a, b, limit) {
    if (Math.abs(a.length - b.length) > limit) return false;
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const swap = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
        next.push(Math.min(row[j] + 1, next[j - 1] + 1, swap));
      }
      if (Math.min(...next) > limit) return false;
      row = next;
    }
    return row[b.length] <= limit;
  }

  function alike(asked) {
    if (words.has(asked)) {
      const longer = [...words.keys()].filter((w) => w !== asked && w.startsWith(asked));
      return [[asked, 1], ...longer.map((w) => [w, 0.5])];
    }
    const starts = [...words.keys()].filter((w) => w.startsWith(asked));
    if (starts.length) return starts.map((w) => [w, 0.7]);
    const limit = asked.length < 4 ? 0 : asked.length < 8 ? 1 : 2;
    return limit ? [...words.keys()].filter((w) => near(asked, w, limit)).map((w) => [w, 0.4]) : [];
  }

  function search(query) {
    prepare();
    const asked = [...new Set(plain(query).match(WORD) || [])];
    const scores = new Map();
    const hits = new Set();
    for (const one of asked) {
      const best = new Map();
      for (const [word, trust] of alike(one)) {
        hits.add(word);
        for (const [section, weight] of words.get(word)) {
          best.set(section, Math.max(best.get(section) || 0, trust * (1 + Math.log(weight))));
        }
      }
      for (const [section, score] of best) {
        const sum = scores.get(section) || { score: 0, matched: 0 };
        scores.set(section, { score: sum.score + score, matched: sum.matched + 1 });
      }
    }
    const ranked = [...scores].map(([section, { score, matched }]) => {
      const entry = window.bookIndex[section];
      return { entry, score: score * entry.weight * (matched / asked.length) ** 2 };
    });
    ranked.sort((a, b) => b.score - a.score);
    return { ranked, hits };
  }

  function excerpt(text, hits) {
    const matches = [...text.matchAll(WORD)];
    const first = matches.find((m) => hits.has(plain(m[0])));
    const from = first ? Math.max(0, text.lastIndexOf(" ", Math.max(0, first.index - 60)) + 1) : 0;
    const part = text.slice(from, from + 190);
    const line = document.createElement("p");
    if (from) line.append("… ");
    let at = 0;
    for (const m of part.matchAll(WORD)) {
      if (!hits.has(plain(m[0]))) continue;
      const mark = document.createElement("mark");
      mark.textContent = m[0];
      line.append(part.slice(at, m.index), mark);
      at = m.index + m[0].length;
    }
    line.append(part.slice(at), from + 190 < text.length ? " …" : "");
    return line;
  }

  function item({ entry }, hits) {
    const li = document.createElement("li");
    const link = document.createElement("a");
    link.href = ROOT + entry.url;
    link.textContent = entry.title;
    const where = document.createElement("small");
    where.textContent = entry.title === entry.page ? "" : entry.page;
    li.append(link, " ", where, excerpt(entry.text, hits));
    return li;
  }

  async function show(query, place) {
    place.dataset.query = query;
    if (query.trim().length < 2) { place.replaceChildren(); return; }
    await loaded();
    if (place.dataset.query !== query) return; // somebody has typed on
    const { ranked, hits } = search(query);
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    const n = ranked.length;
    status.textContent = n === 0 ? `Nothing is like “${query}”.`
      : n > SHOWN ? `The best ${SHOWN} of ${n} sections` : `${n} section${n > 1 ? "s" : ""}`;
    const list = document.createElement("ol");
    list.className = "search-list";
    list.append(...ranked.slice(0, SHOWN).map((each) => item(each, hits)));
    place.replaceChildren(status, list);
  }

  const dialog = document.querySelector("#pst-search-dialog");
  if (dialog) {
    const place = document.createElement("div");
    place.className = "search-found";
    dialog.append(place);
    const field = dialog.querySelector("input[type=search]");
    field.addEventListener("focus", () => loaded(), { once: true });
    field.addEventListener("input", () => show(field.value, place));
  }
  const page = document.querySelector("#search-results");
  if (page) {
    const query = new URLSearchParams(location.search).get("q") || "";
    const field = document.querySelector("article input[name=q]");
    field.value = query;
    field.focus();
    field.addEventListener("input", () => show(field.value, page));
    show(query, page);
  }
})();
