"""The ledger can be searched and filtered from the keyboard, and reads without scripts."""

import pytest

PAGE = "chapters/18-replication.html"
SHOWN = "[...document.querySelectorAll('table.ledger tbody tr')].filter(row => !row.hidden).length"


@pytest.fixture
def tab(browser, site):
    tab = browser.new_page()
    tab.goto(f"{site.as_uri()}/{PAGE}")
    yield tab
    tab.close()


def test_words_and_verdicts_narrow_the_ledger(tab):
    everything = tab.evaluate(SHOWN)
    tab.focus(".ledger-tools input")
    tab.keyboard.type("sharpe")
    some = tab.evaluate(SHOWN)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.type("impossible")
    few = tab.evaluate(SHOWN)
    assert 0 < few < some < everything
    live = tab.locator(".ledger-tools [aria-live=polite]")
    assert live.inner_text() == f"{few} of {everything} claims"
    opened = "[...document.querySelectorAll('details.ledger[open]')]"
    assert tab.evaluate(f"{opened}.every(d => d.querySelector('tbody tr:not([hidden])'))")
    assert tab.evaluate(f"{opened}.length") > 0


def test_a_link_to_a_claim_opens_its_section(tab):
    tab.evaluate("location.hash = 'mm-cells-normal'")
    tab.wait_for_timeout(200)
    assert tab.locator("#mm-cells-normal").is_visible()


def test_it_reads_without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/{PAGE}")
    tab.locator("details.ledger summary").first.click()
    assert tab.locator("details.ledger tbody tr").first.is_visible()
    context.close()
