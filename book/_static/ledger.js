/* Search and filter of the ledger: works on plain tables, which read without it. */
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("div.ledger-tools");
  const rows = [...document.querySelectorAll("table.ledger tbody tr")];
  if (!place || !rows.length) return;

  const control = (label, element) => {
    const frame = document.createElement("label");
    frame.append(label + " ", element);
    place.append(frame);
    return element;
  };
  const choice = (label, key) => {
    const select = document.createElement("select");
    const values = [...new Set(rows.map((row) => row.dataset[key]))].sort();
    for (const value of ["all", ...values]) select.add(new Option(value, value));
    return control(label, select);
  };

  const search = document.createElement("input");
  search.type = "search";
  control("Search", search);
  const source = choice("Source", "source");
  const verdict = choice("Verdict", "verdict");
  const count = document.createElement("output");
  count.setAttribute("aria-live", "polite");
  place.append(count);

  const texts = rows.map((row) => row.textContent.toLowerCase());
  const sections = [...document.querySelectorAll("details.ledger")];
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const narrowed = words.length > 0 || source.value !== "all" || verdict.value !== "all";
    let shown = 0;
    rows.forEach((row, k) => {
      const fits =
        words.every((word) => texts[k].includes(word)) &&
        ["all", row.dataset.source].includes(source.value) &&
        ["all", row.dataset.verdict].includes(verdict.value);
      row.hidden = !fits;
      shown += fits;
    });
    for (const section of sections) {
      const any = section.querySelector("tbody tr:not([hidden])") !== null;
      section.open = narrowed && any;
    }
    count.value = `${shown} of ${rows.length} claims`;
  };
  for (const element of [search, source, verdict]) element.addEventListener("input", update);
  update();

  // A link to a claim opens the section that holds it.
  const reveal = () => {
    const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = row && row.closest("details.ledger");
    if (section) {
      section.open = true;
      row.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", reveal);
  reveal();
});
