"""Links that answer where they stand: terms of the glossary, and cards for what they lead to.

The first time that a chapter uses a term of the glossary, the term becomes a link. Links to terms
and to the bibliography carry what they lead to in ``data-card``; ``book/_static/cards.js`` shows
it, and shows figures and formulas of the same page by itself.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

GLOSSARY = "glossary.html"
COMMON = {"target", "in sample", "loading", "kernel"}  # words that also mean other things
NO_LINK = {"a", "code", "pre", "math", "script", "summary", "figcaption", "h1", "h2", "h3", "h4"}
PLACES = "article p:not(.live-says), article li"  # sentences of live figures are replaced


def _text(element: Tag) -> str:
    return " ".join(element.get_text().split())


Terms = dict[str, tuple[str, str]]  # by the id of a term: the term, and what it means


def read_terms(site: Path) -> Terms:
    """The terms of the glossary, if the book has one."""
    page = site / GLOSSARY
    if not page.exists():
        return {}
    return {
        str(name["id"]): (_text(name).removesuffix("#").strip(), meaning)
        for name, meaning in _meanings(page)
    }


def _meanings(page: Path) -> Iterator[tuple[Tag, str]]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for name in soup.select("dl.glossary dt[id]"):
        meaning = name.find_next_sibling("dd")
        yield name, _text(meaning) if isinstance(meaning, Tag) else ""


def _word(term: str) -> re.Pattern[str]:
    exact = term.isupper() or term[:1].isupper()
    return re.compile(rf"\b{re.escape(term)}s?\b", 0 if exact else re.IGNORECASE)


def _texts(soup: BeautifulSoup) -> Iterator[NavigableString]:
    for place in soup.select(PLACES):
        for text in place.find_all(string=True, recursive=True):
            if not any(parent.name in NO_LINK for parent in text.parents):
                yield text


def link_terms(soup: BeautifulSoup, name: str, terms: Terms) -> None:
    """Link the first use of every term of the glossary in a chapter."""
    if not name.startswith("chapters/"):
        return
    left = {key: _word(term) for key, (term, _) in terms.items() if term not in COMMON}
    for text in {id(one): one for one in _texts(soup)}.values():  # each once: lists have paragraphs
        for key, word in list(left.items()):
            if (found := word.search(text)) is None:
                continue
            link = soup.new_tag("a", attrs={"class": "term", "href": f"../{GLOSSARY}#{key}"})
            link.string = found[0]
            rest = NavigableString(text[found.end() :])
            text.replace_with(NavigableString(text[: found.start()]), link, rest)
            text = rest
            del left[key]


def fill(soup: BeautifulSoup, terms: Terms) -> None:
    """Give links to terms and works the text of their card."""
    for link in soup.select(f'article a[href*="{GLOSSARY}#"]'):
        key = str(link["href"]).partition("#")[2]
        if key in terms:
            link["data-card"] = terms[key][1]
    for link in soup.select("article .bibtex-citation a[title]"):
        link["data-card"] = link.attrs.pop("title")
