"""The book to take away: its pages cleaned for paper and for readers of e-books.

`make pdf` and `make epub` make one file each from the rendered site, put it beside the pages and
let every page offer it. A site that is rendered anew offers neither, until they are made again:
an edition never has other numbers than the pages that offer it.
"""

import posixpath
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Comment, Tag

from tools.build.project import Project, UserError
from tools.site import metadata, stage
from tools.site.polish_html import html_pages

NAME = "portfolios-from-noisy-data"
KINDS = {"pdf": "PDF", "epub": "EPUB"}
NOISE = (
    "script, noscript, button, .headerlink, .only-dark, .toctree-wrapper, .doors, .editions, "
    "details > summary > .collapsed, .ledger-tools, .live-controls"
)
# Marks of code that take the colour of the text here: thousands of them make the files large.
PLAIN = ".highlight :is(.n, .o, .p, .w, .nn, .pm), .highlight span:empty"
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
REFERENCES = ("aria-labelledby", "aria-describedby", "for", "headers")
DROPPED = {"tabindex", "loading", "valign", "download", "title"}
MENU = re.compile(r'dropdown-download-buttons">.*?<ul class="dropdown-menu">', re.DOTALL)
OFFER = re.compile(r'<li data-edition>.*?</li>\n|<p class="editions">.*?</p>\n', re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One page of the site, cleaned."""

    name: str  # as in the table of contents, the first page by its file: chapters/01-mean-variance
    title: str
    part: str  # the part of the contents that begins with it, or nothing
    article: Tag

    @property
    def slug(self) -> str:
        return slug(self.name)


def slug(name: str) -> str:
    return name.replace("/", "-")


def entries(project: Project) -> dict[str, str]:
    """Every page of the editions with the part that it begins: all but the package's reference."""
    toc = yaml.safe_load((project.book_dir / "_toc.yml").read_text(encoding="utf-8"))
    found = {"index": ""}
    for part in toc.get("parts", []):
        names = [name for name in stage.toc_entries(part["chapters"]) if name != "api"]
        found |= {name: part["caption"] if name == names[0] else "" for name in names}
    return found


def pages(project: Project) -> list[Page]:
    """The pages in order, with links between them as ``#page--id``."""
    if not (project.site_dir / "index.html").exists():
        raise UserError(f"{project.site_dir} has no pages to take away; run make book first")
    wanted = entries(project)
    return [_page(project.site_dir, name, part, set(wanted)) for name, part in wanted.items()]


def _page(site: Path, name: str, part: str, known: set[str]) -> Page:
    path = site / f"{name}.html"
    if not path.exists():
        raise UserError(f"the site has no page {path.name}; run make book, then try again")
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    article = soup.article
    if article is None or article.h1 is None:
        raise UserError(f"{path} has no article with a title, so that no edition can hold it")
    clean(article)
    if name == "index":  # its title is that of the book
        article.h1.string = "Preface"
    title = " ".join(article.h1.get_text().split())
    _open(article)
    _lead(article, name, known)
    return Page(name, title, part, article)


def clean(article: Tag) -> None:
    """Without all that needs a screen: scripts, handles, the twins for the dark scheme."""
    for element in article.select(f"{NOISE}, picture > source"):
        element.decompose()
    for picture in article.find_all("picture"):
        picture.unwrap()
    for mark in article.select(PLAIN):
        mark.unwrap()
    article.smooth()
    for comment in article.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for element in article.find_all(True):
        for key in [k for k in element.attrs if k in DROPPED or k.startswith("data-")]:
            del element[key]
    for image in article.select("img[style]"):
        del image["style"]


def _open(article: Tag) -> None:
    """What is folded on the screen lies open: the fold becomes a box, its handle a heading."""
    for fold in article.find_all("details"):
        fold.name, fold.attrs = "div", {"class": "unfolded"}
        if isinstance(handle := fold.find("summary"), Tag):
            said = re.sub(r"^Hide the ", "", " ".join(handle.get_text().split()))
            handle.name, handle.attrs = "p", {"class": "handle"}
            handle.string = said[:1].upper() + said[1:]


def _lead(article: Tag, name: str, known: set[str]) -> None:
    """Names of places are unique in the whole book, and links lead to them or to elsewhere."""
    for element in article.find_all(id=True):
        element["id"] = f"{slug(name)}--{element['id']}"
    for key in REFERENCES:
        for element in article.find_all(attrs={key: True}):
            ids = element.get_attribute_list(key)
            element[key] = " ".join(f"{slug(name)}--{one}" for one in " ".join(ids).split())
    folder = posixpath.dirname(name)
    for image in article.find_all("img", src=True):
        image["src"] = posixpath.normpath(posixpath.join(folder, str(image["src"])))
    for link in article.find_all("a", href=True):
        href = str(link["href"])
        if REMOTE.match(href):
            continue
        path, _, fragment = href.partition("#")
        target = posixpath.normpath(posixpath.join(folder, path)) if path else f"{name}.html"
        page = target.removesuffix(".html")
        if page in known and target.endswith(".html"):
            link["href"] = f"#{slug(page)}" + (f"--{fragment}" if fragment else "")
        else:
            link.unwrap()  # a file or a page that stays with the site


def book(project: Project) -> tuple[metadata.Book, str]:
    """What is known of the book, and its subtitle."""
    path = project.root / "CITATION.cff"
    title = yaml.safe_load(path.read_text(encoding="utf-8"))["title"] if path.exists() else ""
    return metadata.Book.of(project), title.partition(": ")[2]


def edition(project: Project, kind: str) -> Path:
    """Where the edition is made."""
    return project.build_dir / f"{NAME}.{kind}"


def offer(project: Project, kind: str) -> None:
    """Put a finished edition beside the pages; the first page and the menu of each lead there.

    The pages are changed as text: what stands in them besides is as it was.
    """
    made, site = edition(project, kind), project.site_dir
    shutil.copyfile(made, site / made.name)
    there = {k: n for k, n in KINDS.items() if (site / f"{NAME}.{k}").exists()}
    for path in html_pages(site):
        up = "../" * (len(path.relative_to(site).parts) - 1)
        text = OFFER.sub("", path.read_text(encoding="utf-8"))
        items = "".join(
            f'<li data-edition><a class="btn btn-sm dropdown-item" download href="{up}{NAME}.{k}">'
            f"The whole book (.{k})</a></li>\n"
            for k in there
        )
        text = MENU.sub(lambda found, items=items: found[0] + "\n" + items, text, count=1)
        if path == site / "index.html":
            text = _invite(text, there)
        path.write_text(text, encoding="utf-8")


def _invite(text: str, there: dict[str, str]) -> str:
    links = [f'<a download href="{NAME}.{kind}">{name}</a>' for kind, name in there.items()]
    line = f'<p class="editions">To take away: the whole book as {" or as ".join(links)}.</p>\n'
    place = text.find("<section id=", text.find("</h1>"))
    if place < 0:
        raise UserError("the first page has no section before which its editions could be offered")
    return text[:place] + line + text[place:]
