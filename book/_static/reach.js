/* The keyboard stops only at those formulas, tables and figures that have to be scrolled. */
(() => {
  "use strict";
  const places = [...document.querySelectorAll("article :is(.table-scroll, .figure-scroll, div.math)[tabindex]")];
  const look = () => {
    const wide = places.map((each) => !each.clientWidth || each.scrollWidth > each.clientWidth);
    places.forEach((each, at) => { if (wide[at]) each.tabIndex = 0; else each.removeAttribute("tabindex"); });
  };
  look();
  const seen = new ResizeObserver(look);
  for (const each of places) seen.observe(each);
})();
