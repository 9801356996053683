"""Links that answer where they stand: terms of the glossary, and cards for what they lead to.

The first time that a chapter uses a term of the glossary, the term becomes a link. Links to terms
and to the bibliography carry what they lead to in ``data-card``; ``book/_static/cards.js`` shows
it, and shows figures and formulas of the same page by itself.

The glossary is the index as well: below each term are the sections where the chapters that use it
most use it first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

GLOSSARY = "glossary.html"
COMMON = {
    "target",
    "in sample",
    "loading",
    "kernel",
    "control",
}  # words that also mean other things
NO_LINK = {"a", "code", "pre", "math", "script", "summary", "figcaption", "h1", "h2", "h3", "h4"}
PLACES = "article p:not(.live-says), article li"  # sentences of live figures are replaced
MOST = 6  # chapters that the index names for a term
USE = re.compile(r'<a\b[^>]*\bclass="term"[^>]*>')
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


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
    for line in soup.select("p.uses"):
        line.decompose()
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
    texts = {id(one): one for one in _texts(soup)}.values()  # each once: lists have paragraphs
    uses = {key: sum(len(word.findall(text)) for text in texts) for key, word in left.items()}
    for text in texts:
        for key, word in list(left.items()):
            if (found := word.search(text)) is None:
                continue
            link = soup.new_tag("a", attrs={"class": "term", "href": f"../{GLOSSARY}#{key}"})
            link.attrs |= {"id": f"use-{key}", "data-uses": str(uses[key])}
            link["data-section"] = _section(text)
            link.string = found[0]
            rest = NavigableString(text[found.end() :])
            text.replace_with(NavigableString(text[: found.start()]), link, rest)
            text = rest
            del left[key]


def _section(text: NavigableString) -> str:
    """The number of the section that a text stands in, without a dot at its end."""
    section = text.find_parent("section")
    number = section.select_one(".section-number") if section else None
    return _text(number).rstrip(".") if number else ""


def _places(site: Path) -> dict[str, list[tuple[int, str, str]]]:
    """For each term: how often a chapter uses it, where it does so first, and in which section."""
    found = defaultdict(list)
    for page in sorted((site / "chapters").glob("*.html")):
        for link in USE.findall(page.read_text(encoding="utf-8")):
            at = dict(ATTRIBUTE.findall(link))
            address = f"chapters/{page.name}#{at['id']}"
            key = at["href"].partition("#")[2]
            found[key].append((int(at["data-uses"]), address, at["data-section"]))
    return found


def write_index(site: Path) -> None:
    """Let the glossary say where its terms are used: the book's index."""
    page = site / GLOSSARY
    if not page.exists():
        return
    soup, places = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser"), _places(site)
    for line in soup.select("p.uses"):
        line.decompose()
    for meaning in soup.select("dl.glossary dd"):
        names, before = [], meaning.find_previous_sibling(["dt", "dd"])
        while isinstance(before, Tag) and before.name == "dt":
            names.append(before.get("id"))
            before = before.find_previous_sibling(["dt", "dd"])
        found = _one_a_chapter(place for name in names for place in places.get(str(name), []))
        most = sorted(found, key=lambda place: -place[0])[:MOST]
        if most:
            meaning.append(_uses(soup, [place for place in found if place in most]))
    page.write_text(soup.decode(formatter="html5"), encoding="utf-8")


def _one_a_chapter(places: Iterable[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """The more frequent of two names, where a chapter uses both."""
    best: dict[str, tuple[int, str, str]] = {}
    for place in places:
        chapter = place[1].partition("#")[0]
        best[chapter] = max(best.get(chapter, place), place)
    return list(best.values())


def _uses(soup: BeautifulSoup, places: list[tuple[int, str, str]]) -> Tag:
    line = soup.new_tag("p", attrs={"class": "uses"})
    line.append("Used in ")
    for n, (_, address, section) in enumerate(sorted(places, key=lambda place: place[1])):
        link = soup.new_tag("a", attrs={"href": address})
        link.string = section
        line.extend([", "] * bool(n) + [link])
    return line


def fill(soup: BeautifulSoup, terms: Terms) -> None:
    """Give links to terms and works the text of their card."""
    for link in soup.select(f'article a[href*="{GLOSSARY}#"]'):
        key = str(link["href"]).partition("#")[2]
        if key in terms:
            link["data-card"] = terms[key][1]
    for link in soup.select("article .bibtex-citation a[title]"):
        link["data-card"] = link.attrs.pop("title")
