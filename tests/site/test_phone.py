"""On a phone a figure is the drawing that was made for it, and all of its letters can be read."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import SITE, pages

from tools.site import drawings

PHONE = 360  # pixels, the narrowest of common screens
WIDE = 1280
CHAPTERS = [page for page in pages() if page.startswith("chapters/")]
DRAWN = [path.name for path in sorted(SITE.glob("_images/*.phone.svg"))]
# Every drawing that is seen, once it is loaded: its file, its width, and where it ends.
SEEN = """async () => {
  const found = [];
  for (const image of document.querySelectorAll('img.drawn')) {
    if (!image.offsetParent) continue;
    image.scrollIntoView();
    image.loading = 'eager';
    await image.decode();
    const box = image.getBoundingClientRect(), frame = image.closest('.figure-scroll');
    found.push([image.currentSrc, box.width, box.left, box.right,
      frame && image.closest('picture') ? frame.scrollWidth - frame.clientWidth : 0]);
  }
  return found;
}"""


def opened(browser, page, width, scheme="light"):
    """A tab with the page, all that is folded open, and the files that it asks for."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    tab, asked = context.new_page(), []
    tab.on("request", lambda request: asked.append(unquote(urlsplit(request.url).path)))
    tab.goto(f"{SITE.as_uri()}/{page}")
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return tab, asked


def least(svg, width):
    """The smallest letters of a drawing that is shown so wide, in pixels."""
    return min(drawings.letters(svg), default=99.0) * width / drawings.size(svg)[0]


def test_every_figure_of_the_book_has_one():
    without = [
        f"{page}: {figure.get('id')}"
        for page in CHAPTERS
        for figure in BeautifulSoup((SITE / page).read_text("utf-8"), "html.parser").select(
            "figure:has(img.drawn)"
        )
        if len(figure.select("picture > source + img.drawn")) != 2
    ]
    assert without == []
    assert DRAWN


@pytest.mark.parametrize("name", DRAWN)
def test_letters_of_a_drawing_for_phones(name):
    svg = (SITE / "_images" / name).read_text(encoding="utf-8")
    assert least(svg, 328) >= drawings.LEAST_TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", CHAPTERS)
def test_figures_on_a_phone(browser, page, scheme):
    tab, asked = opened(browser, page, PHONE, scheme)
    for address, width, left, right, hidden in tab.evaluate(SEEN):
        file = SITE / "_images" / address.rpartition("/")[2]
        dark = address.endswith(".dark.svg")
        assert dark == (scheme == "dark")
        assert ".phone." in address, f"{address} was not made for phones"
        assert least(file.read_text(encoding="utf-8"), width) >= drawings.LEAST_TEXT
        assert left >= 0
        assert right <= PHONE
        assert hidden == 0, "it scrolls sideways"
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE
    loaded = [path for path in asked if re.search(r"_images/\w+\.", path)]
    assert all(".phone." in path for path in loaded), "a phone loads drawings that it does not show"
    tab.context.close()


def test_a_wide_screen_has_the_wide_drawings(browser):
    tab, asked = opened(browser, "chapters/01-mean-variance.html", WIDE)
    shown = [address for address, *_ in tab.evaluate(SEEN)]
    assert shown
    assert not [path for path in [*shown, *asked] if ".phone." in path]
    tab.context.close()


def test_small_letters_and_wide_figures_are_found(browser):
    """The drawings for wide screens fail on a phone."""
    tab, _ = opened(browser, "chapters/01-mean-variance.html", PHONE)
    tab.evaluate("document.querySelectorAll('picture > source').forEach(s => s.remove())")
    tab.add_style_tag(content="picture > img.drawn { width: 600px !important }")
    shown = tab.evaluate(SEEN)
    assert any(right > PHONE for _, _, _, right, _ in shown)
    file = SITE / "_images" / shown[0][0].rpartition("/")[2]
    assert least(file.read_text(encoding="utf-8"), 328) < drawings.LEAST_TEXT
    tab.context.close()
