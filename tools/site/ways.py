"""Ways about the book that no page has to write down: numbers, errata, colophon.

Each function looks for what its links lead to. Where a book has no such page, nothing is added.
"""

import re
from pathlib import Path

from bs4 import BeautifulSoup, Tag

CHAPTER = re.compile(r"chapters/(\d\d)-[^/#]+\.html$")
ERRATA = "[0-9][0-9]-replication.html"


def number_chapters(soup: BeautifulSoup, name: str) -> None:
    """Give chapters in the map of the first page the numbers that its last column speaks of."""
    if name != "index.html":
        return
    for link in soup.select("article td:first-child a[href]"):
        if found := CHAPTER.match(str(link["href"])):
            number = soup.new_tag("span", attrs={"class": "section-number"})
            number.string = f"{int(found[1])}. "
            link.insert_before(number)


def lead_to_errata(soup: BeautifulSoup, page: Path) -> None:
    """A box on a published source leads to the list of all of them."""
    errata = next(iter(sorted(page.parent.glob(ERRATA))), None)
    if errata is None or errata.name == page.name:
        return
    for box in soup.select("article .admonition.source-note"):
        line = soup.new_tag("p", attrs={"class": "errata"})
        link = soup.new_tag("a", attrs={"href": f"{errata.name}#errata"})
        link.string = "Errata: all claims of the sources"
        line.append(link)
        box.append(line)


def mend_footer(soup: BeautifulSoup, page: Path, site: Path) -> None:
    """Links of the footer start at the root of the site; those to pages it lacks are words."""
    up = "../" * (len(page.relative_to(site).parts) - 1)
    for link in soup.select("footer.bd-footer-content a[href]"):
        if not isinstance(link, Tag) or ":" in str(link["href"]):
            continue
        if (site / str(link["href"])).exists():
            link["href"] = up + str(link["href"])
        else:
            link.unwrap()
