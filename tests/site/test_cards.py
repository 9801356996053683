"""Cards: what a link leads to is shown where the link stands, also from other pages."""

import pytest
from conftest import pages
from test_access import violations
from test_pages import Visit

from tools.build.project import Project
from tools.site import check_site

PROJECT = Project()
BOX = ".card-box"
# Kinds of links by a selector, with what the card must have.
KINDS = {
    "chapter": ("a.reference[href$='.html']:not([href*='api'])", ".card-title"),
    "section": (
        "a[href*='.html#']:not([href*='api-'], [href*='glossary'], [href*='bibliography'])",
        ".card-title",
    ),
    "term": ("a[href*='glossary.html#']", "p"),
    "citation": (
        ".bibtex-citation a[href*='bibliography.html#'], a[href*='bibliography.html#']",
        "p",
    ),
    "function": ("a.api[href*='api-']", ".card-call"),
    "figure": ("a[href^='#fig-']", "img, svg"),
    "formula": ("a[href^='#equation-']", "math"),
}


def first_link(site, kind):
    """The first page with a link of a kind, and a selector of it."""
    selector, _ = KINDS[kind]
    for page in pages():
        if page.startswith("chapters/"):
            soup = check_site.parse((site / page).resolve())
            for link in soup.select(f"article {selector}"):
                if "headerlink" not in link.get_attribute_list("class"):
                    return page, f"article a[href='{link['href']}']:not(.headerlink)"
    pytest.fail(f"no chapter has a link to a {kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_shows_what_it_leads_to(browser, site, kind):
    page, selector = first_link(site, kind)
    with Visit(browser, site.as_uri(), page, reduced_motion="reduce") as visit:
        tab, link = visit.tab, visit.tab.locator(selector).first
        visit.ask("document.querySelectorAll('article details').forEach(d => { d.open = true })")
        link.scroll_into_view_if_needed()
        link.hover()
        tab.wait_for_selector(BOX)
        assert tab.locator(f"{BOX} :is({KINDS[kind][1]})").count()
        assert tab.locator(BOX).inner_text().strip() or kind == "figure"
        assert link.get_attribute("aria-describedby") == tab.locator(BOX).get_attribute("id")
        assert visit.ask(
            f"[...document.querySelectorAll('{BOX} img')].every(i => i.getAttribute('src'))"
        )
        edge = visit.ask(f"document.querySelector('{BOX}').getBoundingClientRect().right")
        assert edge <= visit.ask("document.documentElement.clientWidth")
        assert violations(tab) == []
        tab.locator(BOX).hover()  # it stays while one reads it
        tab.wait_for_timeout(400)
        assert tab.locator(BOX).count() == 1
        tab.keyboard.press("Escape")
        assert tab.locator(BOX).count() == 0
        assert link.get_attribute("aria-describedby") is None
        assert visit.errors == [] and visit.failed == []


@pytest.fixture
def linked(site):
    """A page with a link of which a card is brought, and the link."""
    return first_link(site, "citation")


def test_the_keyboard_shows_a_card_and_closes_it(browser, site, linked):
    page, selector = linked
    with Visit(browser, site.as_uri(), page) as visit:
        visit.tab.keyboard.press("Tab")  # from now on what has the focus is seen
        visit.tab.locator(selector).first.focus()
        visit.tab.wait_for_selector(BOX)
        visit.tab.keyboard.press("Escape")
        assert visit.tab.locator(BOX).count() == 0
        assert visit.ask("document.activeElement.matches('article a')")
        visit.tab.keyboard.press("Enter")
        visit.tab.wait_for_url("**/bibliography.html#*")


def test_a_touch_follows_the_link(browser, site, linked):
    page, selector = linked
    options = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with Visit(browser, site.as_uri(), page, **options) as visit:
        visit.tab.locator(selector).first.tap()
        visit.tab.wait_for_url("**/bibliography.html#*")


def test_pages_bring_only_what_they_link_to(site):
    for page in pages():
        soup = check_site.parse((site / page).resolve())
        brought = [str(card["data-for"]) for card in soup.select("template[data-for]")]
        links = {str(link["href"]) for link in soup.select("article a[href]")}
        assert len(brought) == len(set(brought)), page
        assert set(brought) <= links, page


def test_code_leads_to_the_reference(site):
    """In every chapter that calls the package, and the keyboard stops once at each name."""
    counted = 0
    for chapter in PROJECT.chapters():
        soup = check_site.parse((site / f"chapters/{chapter}.html").resolve())
        links = soup.select("article pre a.api")
        stops = [link["href"] for link in links if "tabindex" not in link.attrs]
        assert len(stops) == len(set(stops)) == len({link["href"] for link in links}), chapter
        for link in links:
            assert str(link["href"]).endswith(f".{link.get_text().rpartition('.')[2]}"), link
        counted += bool(links)
    assert counted == len(PROJECT.chapters())


def test_code_is_copied_as_it_is_written(browser, server, site):
    """Links inside do not change what the button copies."""
    page = f"chapters/{PROJECT.chapters()[0]}.html"
    with Visit(browser, server, page, permissions=["clipboard-read", "clipboard-write"]) as visit:
        cell = visit.tab.locator("div.cell:not(:has(details)) .highlight:has(pre a.api)").first
        cell.hover()
        cell.locator("button.copybtn").click()
        visit.tab.wait_for_timeout(200)
        copied = visit.ask("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()
        assert "href" not in copied and copied.strip()
