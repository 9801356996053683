"""No page breaks a rule of accessibility, in light or in dark, on a desk or on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import pages

OPTIONS = {"preload": False, "resultTypes": ["violations"]}


def violations(tab):
    found = Axe().run(tab, options=OPTIONS).response["violations"]
    return [f"{item['id']} ({len(item['nodes'])}): {item['nodes'][0]['html'][:160]} "
            f"{item['nodes'][0]['failureSummary'][:300]}" for item in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", pages())
def test_axe(browser, site, page, scheme):
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/{page}")
    tab.evaluate("document.querySelectorAll('article details').forEach(d => d.open = true)")
    tab.wait_for_timeout(400)
    assert violations(tab) == []
    context.close()


@pytest.mark.parametrize("page", pages())
def test_axe_on_a_phone(browser, site, page):
    context = browser.new_context(viewport={"width": 360, "height": 740})
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/{page}")
    tab.wait_for_timeout(400)
    assert violations(tab) == []
    context.close()


def test_axe_can_find_something(browser, site):
    tab = browser.new_page()
    tab.goto(f"{site.as_uri()}/index.html")
    tab.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=x>')")
    assert any("image-alt" in line for line in violations(tab))
    tab.close()
