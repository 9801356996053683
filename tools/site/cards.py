"""Links that answer where they stand: terms of the glossary, and cards for what they lead to.

The first time that a chapter uses a term of the glossary, the term becomes a link. What a link of
the book leads to stands in a ``template`` at the end of the page, once for every target: a figure
or a formula of another page, the title and the first sentence of a section, the meaning of a term,
an entry of the bibliography, the signature and the first sentence of a function. Pages from a disk
may not fetch other pages, so they bring what they need. ``book/_static/cards.js`` shows it, and
copies figures and formulas of the same page by itself.
"""

import copy
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement

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
WITHOUT = ("search.html", "genindex.html")  # lists of links, which need no cards
SHOWN = "figure, div.math"
BOXES = {"figure", "table", "details"}
BOX_CLASSES = {"admonition", "cell", "launch", "live", "editions"}
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"])")
LONGEST = 240  # signs of a signature


def _text(element: Tag) -> str:
    return " ".join(element.get_text().split())


Terms = dict[str, str]  # by the id of a term: the term


def read_terms(site: Path) -> Terms:
    """The terms of the glossary, if the book has one."""
    page = site / GLOSSARY
    if not page.exists():
        return {}
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return {
        str(name["id"]): _text(name).removesuffix("#").strip()
        for name in soup.select("dl.glossary dt[id]")
    }


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
    left = {key: _word(term) for key, term in terms.items() if term not in COMMON}
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


@dataclass
class Shelf:
    """The pages of the site, each read when somebody asks for it."""

    site: Path
    pages: dict[str, BeautifulSoup] = field(default_factory=dict)
    places: dict[str, dict[str, Tag]] = field(default_factory=dict)

    def article(self, name: str) -> Tag | None:
        if name not in self.pages:
            path = self.site / name
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            self.pages[name] = BeautifulSoup(text, "html.parser")
        return self.pages[name].article

    def place(self, name: str, key: str) -> Tag | None:
        """The element of a page that has an id; without one, its article."""
        article = self.article(name)
        if article is None or not key:
            return article
        if name not in self.places:
            self.places[name] = {str(tag["id"]): tag for tag in article.find_all(id=True)}
        return self.places[name].get(key)


def _line(kind: str, *content: PageElement | str) -> Tag:
    """A paragraph of a card, without what only its own page needs."""
    line = BeautifulSoup("", "html.parser").new_tag("p", attrs={"class": kind} if kind else {})
    line.extend([copy.copy(part) for part in content])
    return line


def _first_sentence(paragraph: Tag) -> list[PageElement]:
    kept: list[PageElement] = []
    for part in paragraph.children:
        if type(part) is NavigableString and (end := SENTENCE.search(part)):
            return [*kept, NavigableString(part[: end.start()])]
        kept.append(part)
    return kept


def _boxed(paragraph: Tag) -> bool:
    return any(
        parent.name in BOXES or BOX_CLASSES.intersection(parent.get_attribute_list("class"))
        for parent in paragraph.parents
    )


def _paragraph(place: Tag) -> Tag | None:
    """The first paragraph of a section that is no box and no output."""
    found = (one for one in place.find_all("p") if not _boxed(one))
    first = next(found, None)
    near = first and first.find_parent(["section", "article"])
    return first if place.name == "article" or near is place else None


def _of_section(place: Tag) -> list[Tag]:
    title, said = place.find(["h1", "h2", "h3", "h4"]), _paragraph(place)
    if not isinstance(title, Tag) or said is None:
        return []
    return [_line("card-title", *title.contents), _line("", *_first_sentence(said))]


def _of_name(place: Tag) -> list[Tag]:
    """A documented name: how it is called, and the first sentence about it."""
    shown = copy.copy(place)
    for link in shown.select(".headerlink, .viewcode-link"):
        link.decompose()
    call = _text(shown)
    call = call if len(call) <= LONGEST else f"{call[:LONGEST].rpartition(',')[0]}, …)"
    described = place.find_next_sibling("dd")
    said = described.find("p") if isinstance(described, Tag) else None
    lines = [_line("card-call", call)]
    return [*lines, _line("", *_first_sentence(said))] if isinstance(said, Tag) else lines


def _content(place: Tag) -> list[Tag]:
    """What a card shows of a place in the book; nothing if it has nothing to show."""
    if place.name == "dt" and place.find_parent("dl", class_="py"):
        return _of_name(place)
    if place.name == "dt":
        meaning = place.find_next_sibling("dd")
        said = meaning.select("p:not(.uses)") or [meaning] if isinstance(meaning, Tag) else []
        return [_line("", *paragraph.contents) for paragraph in said]
    if "citation" in place.get_attribute_list("class"):
        return [_line("", *paragraph.contents) for paragraph in place.select("p")]
    if place.name in ("section", "article"):
        return _of_section(place)
    shown = place if place.css.match(SHOWN) else place.select_one(SHOWN)
    if shown is not None:
        return [copy.copy(shown)]
    section = place.find_parent("section")
    return _of_section(section) if isinstance(section, Tag) else []


def _cleaned(content: list[Tag], page: str, name: str) -> list[Tag]:
    """The copy as it may stand on the page called `name`: no links, no ids, pictures found."""
    for part in content:
        for noise in part.select(".headerlink, .live-controls, script"):
            noise.decompose()
        for link in part.select("a"):
            link.unwrap()
        for element in [part, *part.find_all(True)]:
            for key in ("id", "tabindex", "aria-live"):
                element.attrs.pop(key, None)
        for image in part.select("img[src]"):
            there = posixpath.join(posixpath.dirname(page), str(image["src"]))
            image["src"] = posixpath.relpath(there, posixpath.dirname(name) or ".")
    return content


def _card(soup: BeautifulSoup, name: str, href: str, shelf: Shelf) -> Tag | None:
    path, _, key = href.partition("#")
    page = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    if not page.endswith(".html") or page in WITHOUT or not (path or key):
        return None
    place = shelf.place(page, unquote(key))
    if place is None or (page == name and place.css.match(f"{SHOWN}, :has({SHOWN}):not(section)")):
        return None
    content = _content(place)
    if not content:
        return None
    card = soup.new_tag("template", attrs={"data-for": href})
    card.extend(_cleaned(content, page, name))
    return card


def fill(soup: BeautifulSoup, name: str, shelf: Shelf) -> None:
    """Put what the links of a page lead to at its end."""
    for link in soup.select("article .bibtex-citation a[title]"):
        del link["title"]  # the card says it better
    if name in WITHOUT or soup.body is None:
        return
    links = (str(a["href"]) for a in soup.select("article a[href]:not(.headerlink, [download])"))
    for href in dict.fromkeys(one for one in links if not ELSEWHERE.match(one)):
        if (card := _card(soup, name, href, shelf)) is not None:
            soup.body.append(card)
