"""What search engines, citation managers and messengers read of a page.

Each page gets a description, the words that Open Graph and Google Scholar ask for, and, once
``_config.yml`` knows the address of the book (``html: baseurl``), its canonical address. Then the
site also has a map and a feed. ``cite.bib`` is always there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import yaml
from bs4 import BeautifulSoup

from tools.build.project import Project
from tools.site.launch import Repository

LONGEST = 200  # signs of a description
BIB = """@misc{{mixfolio,
  title = {{{title}}},
  author = {{{{{author}}}}},
  year = {{{year}}},
  version = {{{version}}},
  url = {{{url}}},
}}
"""


@dataclass(frozen=True)
class Book:
    """What all pages share."""

    title: str
    author: str
    version: str
    released: str
    address: str  # with a slash at its end; empty while nobody has said where the book is
    repository: Repository

    @classmethod
    def of(cls, project: Project) -> "Book":
        config = yaml.safe_load(project.config.read_text(encoding="utf-8"))
        citation: dict[str, Any] = {}
        if (path := project.root / "CITATION.cff").exists():
            citation = yaml.safe_load(path.read_text(encoding="utf-8"))
        address = str(config.get("html", {}).get("baseurl") or "")
        return cls(
            title=str(config["title"]),
            author=str(config["author"]),
            version=str(citation.get("version", "")),
            released=str(citation.get("date-released", "")),
            address=address.rstrip("/") + "/" if address else "",
            repository=Repository.of(config),
        )


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= LONGEST:
        return words
    cut = words[:LONGEST]
    return cut[: cut.rfind(". ") + 1] or cut[: cut.rfind(" ")] + " …"


def description(soup: BeautifulSoup) -> str:
    """The first sentences of the page, before any box."""
    article = BeautifulSoup(str(soup.article or ""), "html.parser")
    for noise in article.select(".admonition, math, figure, table"):
        noise.decompose()
    return _shortened(next((t for p in article.select("p") if (t := p.get_text())), ""))


def _title(soup: BeautifulSoup) -> str:
    heading = BeautifulSoup(str(soup.article.h1), "html.parser") if soup.article else None
    if heading is None:
        return ""
    for noise in heading.select(".headerlink, .section-number"):
        noise.decompose()
    return " ".join(heading.get_text().split())


def describe(soup: BeautifulSoup, name: str, book: Book) -> None:
    """Write the words into the head of the page called `name`."""
    title, about = _title(soup), description(soup)
    if not title:
        return
    front = title == book.title
    named = {"description": about, "author": book.author, "citation_title": title}
    if not front:
        named["citation_inbook_title"] = book.title
    named |= {
        "citation_author": book.author,
        "citation_publication_date": book.released.replace("-", "/"),
        "citation_language": "en",
    }
    graph = {
        "og:title": title,
        "og:description": about,
        "og:type": "website" if front else "article",
        "og:site_name": book.title,
    }
    if book.address:
        named["citation_public_url"] = graph["og:url"] = book.address + name
    for old in soup.select("link[rel=canonical], meta[name=description], meta[property^='og:']"):
        old.decompose()
    for key, attribute, values in (("name", "content", named), ("property", "content", graph)):
        for word, value in values.items():
            if value:
                soup.head.append(soup.new_tag("meta", attrs={key: word, attribute: value}))
    if book.address:
        where = book.address + ("" if name == "index.html" else name)
        soup.head.append(soup.new_tag("link", attrs={"rel": "canonical", "href": where}))


def write_files(site: Path, names: list[str], book: Book) -> None:
    """``cite.bib``; and a map and a feed, which need addresses, when the book has one."""
    bib = BIB.format(year=book.released[:4], url=book.address, **vars(book))
    if not book.address:
        bib = bib.replace("  url = {},\n", "")
    (site / "cite.bib").write_text(bib, encoding="utf-8")
    if not book.address:
        return
    urls = "".join(f"<url><loc>{escape(book.address + n)}</loc></url>" for n in names)
    (site / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>\n',
        encoding="utf-8",
    )
    (site / "robots.txt").write_text(f"Sitemap: {book.address}sitemap.xml\n", encoding="utf-8")
    (site / "feed.xml").write_text(_feed(book), encoding="utf-8")


def _feed(book: Book) -> str:
    """An Atom feed with the edition that this is."""
    when, name = f"{book.released}T00:00:00Z", escape(f"{book.title}, version {book.version}")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(book.title)}</title><id>{escape(book.address)}</id>"
        f"<updated>{when}</updated><author><name>{escape(book.author)}</name></author>"
        f'<link href="{escape(book.address)}"/>'
        f"<entry><title>{name}</title><id>{escape(book.address)}#{escape(book.version)}</id>"
        f'<updated>{when}</updated><link href="{escape(book.address)}"/></entry></feed>\n'
    )
