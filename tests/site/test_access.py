"""No page breaks a rule of accessibility or runs over the edge: light, dark, desk, phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import pages

OPTIONS = {"preload": False, "resultTypes": ["violations"]}


def violations(tab):
    found = Axe().run(tab, options=OPTIONS).response["violations"]
    return [
        f"{item['id']} ({len(item['nodes'])}): {item['nodes'][0]['html'][:160]} "
        f"{item['nodes'][0]['failureSummary'][:300]}"
        for item in found
    ]


def overflow(tab, width):
    """The first elements that reach beyond the right edge, if the page scrolls sideways."""
    if tab.evaluate("document.documentElement.scrollWidth") <= width:
        return []
    return tab.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => "
        f"e.getBoundingClientRect().right > {width + 1}).slice(0, 3)"
        ".map(e => e.outerHTML.slice(0, 120))"
    ) or ["something"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
@pytest.mark.parametrize("page", pages())
def test_page_is_open_to_all(browser, site, page, scheme, width):
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",  # what unfolds slowly has another contrast on its way
    )
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/{page}")
    tab.evaluate("document.querySelectorAll('article details').forEach(d => d.open = true)")
    tab.wait_for_timeout(400)  # the unfolding is animated
    assert overflow(tab, width) == []
    assert violations(tab) == []
    context.close()


def test_axe_can_find_something(browser, site):
    tab = browser.new_page()
    tab.goto(f"{site.as_uri()}/index.html")
    tab.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=x>')")
    assert any("image-alt" in line for line in violations(tab))
    tab.close()


def test_overflow_can_be_found(browser, site):
    tab = browser.new_page(viewport={"width": 360, "height": 700})
    tab.goto(f"{site.as_uri()}/index.html")
    wide = "<div style='width: 900px'>wide</div>"
    tab.evaluate(f'document.querySelector("article").insertAdjacentHTML("beforeend", "{wide}")')
    assert overflow(tab, 360)
    tab.close()
