"""What a reader can search: every section of every page, and every function of the package.

The index is a script that sets a variable, since pages that are opened from a disk may not fetch
a file; ``book/_static/search.js`` reads it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

INDEX = "_static/search-index.js"
HEADINGS = ["h1", "h2", "h3", "h4"]
NOT_TEXT = "pre, script, style, svg, table, .headerlink, .section-number, .eqno, summary"
CLOSING, OPENING = re.compile(r" ([,.;:!?)\]])"), re.compile(r"([(\[]) ")
WEIGHTS = {"chapters": 1.0, "api": 0.5}  # by the start of the address; other pages between


def _text(element: Tag) -> str:
    words = " ".join(element.get_text(" ").split())
    return OPENING.sub(r"\1", CLOSING.sub(r"\1", words))


def _weight(address: str) -> float:
    return next((w for start, w in WEIGHTS.items() if address.startswith(start)), 0.8)


def _entry(address: str, page: str, title: str, text: str) -> dict[str, Any]:
    return {"url": address, "page": page, "title": title, "text": text, "weight": _weight(address)}


def entries(soup: BeautifulSoup, address: str) -> Iterator[dict[str, Any]]:
    """Sections and documented names of one page."""
    article = BeautifulSoup(str(soup.article), "html.parser")
    for noise in article.select(NOT_TEXT):
        noise.decompose()
    heading = article.h1
    if heading is None:
        return
    page = _text(heading)
    for name in reversed(article.select("dl.py > dt[id]")):
        described = name.find_next_sibling("dd")
        text = _text(described) if isinstance(described, Tag) else ""
        yield _entry(f"{address}#{name['id']}", page, str(name["id"]), text)
        if isinstance(described, Tag):
            described.decompose()
    for section in reversed(article.select("section[id]")):  # the inner ones first
        title = section.find(HEADINGS)
        if not isinstance(title, Tag):
            continue
        name = _text(title.extract())
        where = address if name == page else f"{address}#{section['id']}"
        yield _entry(where, page, name, _text(section.extract()))


def write(site: Path, found: list[dict[str, Any]]) -> None:
    """Put the index beside the script that reads it."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    (site / INDEX).write_text(f"window.bookIndex = {text};\n", encoding="utf-8")
