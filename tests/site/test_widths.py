"""Formulas and tables fit their column, and what may scroll on a phone says so and is reached."""

import json

import pytest
from conftest import pages

WIDTHS = (360, 390, 768, 1280)
DESK = 1280
OPEN = "document.querySelectorAll('article details').forEach(d => { d.open = true })"
MEASURE = """() => {
  const said = element => {
    const before = [...document.querySelectorAll('article :is(h1, h2, h3)')].filter(
      heading => heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    const under = before.length ? before.at(-1).textContent.replace('#', '').trim() : '';
    return `${under}: ${element.textContent.trim().replace(/\\s+/g, ' ').slice(0, 50)}`;
  };
  const found = { scrolls: [], cut: [], mute: [], lost: [] };
  const places = document.querySelectorAll('article :is(div.math, .table-scroll)');
  for (const place of places) {
    const over = place.scrollWidth - place.clientWidth;
    const style = getComputedStyle(place);
    if (over > 1) {
      found.scrolls.push(`${over} px, ${said(place)}`);
      if (style.overflowX !== 'auto') found.cut.push(said(place));
      if (!style.backgroundImage.includes('gradient')) found.mute.push(said(place));
      if (place.tabIndex !== 0) found.lost.push(said(place));
    }
    const high = place.scrollHeight - place.clientHeight;
    if (high > 1) found.cut.push(`${high} px high, ${said(place)}`);
  }
  for (const inside of document.querySelectorAll('article :is(div.math > math, table)')) {
    const place = inside.closest('div.math, .table-scroll');
    if (!place) { found.cut.push(`no frame, ${said(inside)}`); continue; }
    const left = inside.getBoundingClientRect().left - place.getBoundingClientRect().left;
    if (left + place.scrollLeft < -1) found.cut.push(`its left, ${said(inside)}`);
  }
  for (const formula of document.querySelectorAll('article :is(p, li, dd, td) math')) {
    const around = formula.closest('p, li, dd, td').getBoundingClientRect();
    const over = formula.getBoundingClientRect().width - around.width;
    if (over > 1 && !formula.closest('.table-scroll, div.math')) found.cut.push(said(formula));
  }
  return found;
}"""


def measured(tab, width):
    """What scrolls, what is cut, what gives no hint that it goes on, what no key can reach."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return tab.evaluate(MEASURE)


@pytest.fixture
def tab(browser):
    context = browser.new_context(color_scheme="light", reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("page", pages())
def test_formulas_and_tables_fit(tab, site, page):
    tab.goto(f"{site.as_uri()}/{page}")
    tab.evaluate(OPEN)
    for width in WIDTHS:
        found = measured(tab, width)
        scrolls = found.pop("scrolls")
        assert found == {"cut": [], "mute": [], "lost": []}, (width, found)
        if width == DESK:
            assert scrolls == []


@pytest.mark.parametrize(
    ("intruder", "kind"),
    [
        ("<div class='table-scroll'><table><tr><td>{wide}</td></tr></table></div>", "lost"),
        ("<div class='math' style='overflow: hidden'><math>{wide}</math></div>", "cut"),
        (
            "<div class='math' style='background: none' tabindex='0'><math>{wide}</math></div>",
            "mute",
        ),
        ("<p><math>{wide}</math></p>", "cut"),
        ("<div class='math' style='height: 9px'><math><mtext>x</mtext></math></div>", "cut"),
    ],
    ids=["unreached", "cut", "mute", "in a line", "high"],
)
def test_what_does_not_fit_is_found(tab, site, intruder, kind):
    tab.goto(f"{site.as_uri()}/index.html")
    wide = f"<mtext>{'x' * 300}</mtext>" if "math" in intruder else "x" * 300
    text = json.dumps(intruder.format(wide=wide))
    tab.evaluate(f"document.querySelector('article').insertAdjacentHTML('beforeend', {text})")
    assert measured(tab, DESK)[kind]
