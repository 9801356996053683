"""What the head of a page and the files beside the pages say to machines."""

import dataclasses
import xml.etree.ElementTree as ET

from bs4 import BeautifulSoup

from tools.build.project import Project
from tools.site import metadata, search_index

PAGE = """<html><head><meta content="old" property="og:title"></head><body><article>
<h1><span class="section-number">4.</span> The law<a class="headerlink">#</a></h1>
<div class="admonition"><p>A box.</p></div><p>A first sentence. A second one.</p>
<section id="deep"><h2>Deep</h2><p>Below <code>it</code> , all.</p></section>
</article></body></html>"""
BOOK = metadata.Book.of(Project())
SOMEWHERE = dataclasses.replace(BOOK, address="https://example.org/book/")


def words(soup):
    return {m.get("name") or m.get("property"): m["content"] for m in soup.select("head meta")}


def described(book):
    soup = BeautifulSoup(PAGE, "html.parser")
    metadata.describe(soup, "chapters/04.html", book)
    return soup


def test_a_page_is_described():
    found = words(described(BOOK))
    assert found["description"] == found["og:description"] == "A first sentence. A second one."
    assert found["citation_title"] == found["og:title"] == "The law"
    assert found["citation_inbook_title"] == BOOK.title
    assert "og:url" not in found


def test_a_page_has_its_address_once_the_book_has_one():
    soup = described(SOMEWHERE)
    assert words(soup)["og:url"] == "https://example.org/book/chapters/04.html"
    assert soup.select_one("link[rel=canonical]")["href"].endswith("/chapters/04.html")


def test_a_long_description_ends_with_a_sentence():
    assert metadata._shortened("One is here. " * 30).endswith("here.")
    assert len(metadata._shortened("word " * 100)) <= metadata.LONGEST + 2


def test_map_and_feed_come_with_an_address(tmp_path):
    metadata.write_files(tmp_path, ["index.html"], BOOK)
    assert [path.name for path in tmp_path.iterdir()] == ["cite.bib"]
    assert BOOK.released[:4] in (tmp_path / "cite.bib").read_text()
    metadata.write_files(tmp_path, ["index.html", "a.html"], SOMEWHERE)
    urls = ET.parse(tmp_path / "sitemap.xml").getroot()
    assert [url[0].text for url in urls] == [
        SOMEWHERE.address + n for n in ("index.html", "a.html")
    ]
    assert ET.parse(tmp_path / "feed.xml").getroot().tag.endswith("feed")
    assert "url = {https://example.org/book/}" in (tmp_path / "cite.bib").read_text()


def test_sections_are_found_with_their_own_text():
    found = list(search_index.entries(BeautifulSoup(PAGE, "html.parser"), "chapters/04.html"))
    assert [(e["url"], e["title"], e["text"]) for e in found] == [
        ("chapters/04.html#deep", "Deep", "Below it, all."),
    ]
