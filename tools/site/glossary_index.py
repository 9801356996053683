"""The glossary is the index as well: below each term, where the chapters that use it most do so."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from tools.site.cards import GLOSSARY

MOST = 6  # chapters that are named for a term
USE = re.compile(r'<a\b[^>]*\bclass="term"[^>]*>')
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


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


def write(site: Path) -> None:
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
