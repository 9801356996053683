"""Every page in a browser: no error, no request to elsewhere, formulas and figures in place."""

import gzip

import pytest
from conftest import pages

MAX_BYTES = 1_200_000  # compressed, first load
MAX_WITHOUT_PICTURES = 300 * 1024
PICTURES = "/_images/"
QUIET = ("info", "log", "debug", "timeEnd", "warning")


class Visit:
    """One page opened once, with everything that it asked for and complained about."""

    def __init__(self, browser, address, page, **options):
        self.errors, self.requests, self.failed, self.bodies = [], [], [], {}
        self.context = browser.new_context(**options)
        self.tab = self.context.new_page()
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab.on("response", self._receive)
        self.tab.goto(f"{address}/{page}", wait_until="load")
        self.tab.wait_for_load_state("networkidle")

    def _hear(self, message):
        if message.type not in QUIET:
            self.errors.append(message.text)

    def _receive(self, response):
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")
        self.bodies[response.url] = response

    def ask(self, script):
        return self.tab.evaluate(script)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


def test_there_is_a_site():
    assert "index.html" in pages()


@pytest.mark.parametrize("page", pages())
def test_page_is_whole_and_alone(browser, address, page):
    with Visit(browser, address, page) as visit:
        assert visit.errors == []
        assert visit.failed == []
        elsewhere = [url for url in visit.requests if not url.startswith((address, "data:"))]
        assert elsewhere == []
        assert visit.ask("document.querySelectorAll('article .math:not(:has(math))').length") == 0
        broken = visit.ask(
            "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        assert broken == []
        if address.startswith("http"):
            check_weight(visit)


@pytest.mark.parametrize("page", pages())
def test_page_is_quiet_in_the_dark_and_on_a_phone(browser, site, page):
    """Its policy is obeyed there too, with everything unfolded that can be."""
    view = {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"}
    with Visit(browser, site.as_uri(), page, **view) as visit:
        visit.ask("document.querySelectorAll('article details').forEach(d => { d.open = true })")
        visit.ask("window.scrollTo(0, document.body.scrollHeight)")
        visit.tab.wait_for_load_state("networkidle")
        assert visit.errors == []
        assert visit.failed == []


def check_weight(visit):
    """What a first visit transfers, compressed as servers do it."""
    sizes = {url: len(gzip.compress(response.body(), 6)) for url, response in visit.bodies.items()}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) <= MAX_BYTES, largest
    plain = sum(size for url, size in sizes.items() if PICTURES not in url)
    assert plain <= MAX_WITHOUT_PICTURES, largest


@pytest.mark.parametrize("asked", ["heritability", "heritabilty", "Heritab"])
def test_search_finds_a_section_with_an_excerpt(browser, address, asked):
    """Also when the word is misspelt or not ended; chapters come before functions."""
    with Visit(browser, address, f"search.html?q={asked}") as visit:
        visit.tab.wait_for_selector("#search-results li a", timeout=10_000)
        first = visit.tab.locator("#search-results li").first
        assert "chapters/12-reml-blup.html#" in first.locator("a").get_attribute("href")
        assert first.locator("mark").first.inner_text().lower() == "heritability"
        assert "sections" in visit.tab.inner_text("#search-results [role=status]")
        assert visit.errors == []


def test_search_answers_while_one_types(browser, address):
    with Visit(browser, address, "chapters/08-pca.html") as visit:
        visit.tab.keyboard.press("Control+k")
        visit.tab.keyboard.type("turnover")
        link = visit.tab.locator("#pst-search-dialog li a").first
        link.wait_for()
        link.click()
        visit.tab.wait_for_load_state("load")
        assert "turnover" in visit.tab.url
        assert visit.errors == []


def test_search_says_when_it_finds_nothing(browser, site):
    with Visit(browser, site.as_uri(), "search.html?q=zzzzzzzzzz") as visit:
        visit.tab.wait_for_selector("#search-results [role=status]")
        assert "zzzzzzzzzz" in visit.tab.inner_text("#search-results [role=status]")


def test_the_scheme_can_be_changed_and_stays(browser, server):
    with Visit(browser, server, "index.html", color_scheme="light") as visit:
        theme = "document.documentElement.dataset.theme"
        assert visit.ask(theme) == "light"
        visit.tab.click(".theme-switch-button >> visible=true")
        assert visit.ask(theme) == "dark"
        visit.tab.reload()
        assert visit.ask(theme) == "dark"


def test_a_page_reads_without_scripts(browser, site):
    with Visit(browser, site.as_uri(), "index.html", java_script_enabled=False) as visit:
        assert visit.tab.inner_text("article h1")
