"""Links that run a chapter elsewhere, once ``_config.yml`` says where the repository is.

``repository: {url: ..., branch: main}`` offers Binder, which builds ``binder/`` and opens the
source of the chapter as a notebook. Colab opens notebooks of a repository on GitHub and no other
address, so the published site does not suffice: it is offered when ``repository: notebooks`` also
names a branch that holds the site, with the executed notebooks in ``_sources``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from bs4 import BeautifulSoup

BINDER = "https://mybinder.org/v2"
COLAB = "https://colab.research.google.com/github"
HOSTS = {"github.com": "gh", "gitlab.com": "gl"}


@dataclass(frozen=True)
class Repository:
    """Where the sources of the book are; without an address, nowhere."""

    url: str = ""
    branch: str = "main"
    notebooks: str = ""

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Repository":
        told = {key: str(value) for key, value in (config.get("repository") or {}).items() if value}
        url = told.get("url", "").rstrip("/").removesuffix(".git")
        return cls(url, told.get("branch", "main"), told.get("notebooks", ""))

    def package(self) -> str:
        """What pip installs the package from; empty without an address."""
        return f"git+{self.url}@{self.branch}" if self.url else ""

    def links(self, chapter: str) -> Iterator[tuple[str, str]]:
        """Name and address of each place that can run the chapter."""
        if not self.url:
            return
        host, path = urlsplit(self.url).netloc, urlsplit(self.url).path.strip("/")
        kind = HOSTS.get(host, "git")
        place = {"gh": path, "gl": quote(path, safe=""), "git": quote(self.url, safe="")}[kind]
        opened = quote(f"lab/tree/chapters/{chapter}.md", safe="")
        yield "Binder", f"{BINDER}/{kind}/{place}/{quote(self.branch, safe='')}?urlpath={opened}"
        if kind == "gh" and self.notebooks:
            branch = quote(self.notebooks)
            yield "Colab", f"{COLAB}/{path}/blob/{branch}/_sources/chapters/{chapter}.ipynb"


def offer(soup: BeautifulSoup, name: str, repository: Repository) -> None:
    """Put the links under the title of a chapter."""
    chapter = re.fullmatch(r"chapters/(\d\d-.*)\.html", name)
    title = soup.select_one("article h1")
    links = list(repository.links(chapter[1])) if chapter else []
    if not links or title is None:
        return
    box = soup.new_tag("div", attrs={"class": "launch"})
    for place, address in links:
        link = soup.new_tag("a", attrs={"href": address})
        link.string = f"Run on {place}"
        box.append(link)
    title.insert_after(box)
