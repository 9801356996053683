"""Check the rendered pages before they replace the site: ``python -m tools.site.check_site``.

Every page of the contents exists; every link, anchor and file that a page refers
to is part of the site; nothing is loaded from elsewhere, and a policy forbids it; every
picture says what it shows; chapter pages show the outputs of the executed notebooks.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from tools.build import notebook
from tools.build.project import Project, run_command
from tools.site import policy, stage
from tools.site.polish_html import html_pages

LOADING = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "embed": "src",
    "object": "data",
    "image": "href",
}
REMOTE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^https?:", re.IGNORECASE)
FILE_NAME = re.compile(r"\.(?:png|svg|jpe?g|gif|webp|ipynb)\b|[\w-]+/[\w-]+/", re.IGNORECASE)
CSS_URL = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s]+)""")
MIN_ALT = 10


@cache
def parse(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path: Path) -> set[str]:
    """Ids and names that a link to the page can point to."""
    soup = parse(path)
    named = {str(tag["name"]) for tag in soup.find_all("a", attrs={"name": True})}
    return {str(tag["id"]) for tag in soup.find_all(id=True)} | named


def missing_pages(site: Path, pages: list[str]) -> Iterator[str]:
    for page in ["index", *pages[1:]]:  # the first page becomes the index
        if not (site / f"{page}.html").is_file():
            yield f"{page}.html was not made"


def remote_loads(site: Path, page: Path) -> Iterator[str]:
    """Anything that the browser would fetch from another host without being asked."""
    soup = parse(page)
    for name, attribute in LOADING.items():
        for tag in soup.find_all(name):
            if REMOTE.match(str(tag.get(attribute, ""))):
                yield f"loads {tag[attribute]}"
    for link in soup.find_all("link", href=True):
        if "canonical" not in link.get("rel", []) and REMOTE.match(str(link["href"])):
            yield f"loads {link['href']}"


def _target(site: Path, page: Path, path: str) -> Path:
    target = (page.parent / unquote(path)).resolve() if path else page
    return target / "index.html" if target.is_dir() else target


def broken_links(site: Path, page: Path) -> Iterator[str]:
    """Links, pictures, scripts and style sheets that lead nowhere."""
    references = [
        (tag, str(tag[name]))
        for name in ("href", "src", "srcset")
        for tag in parse(page).find_all(attrs={name: True})
    ]
    for _, reference in references:
        if REMOTE.match(reference) or reference.startswith(("data:", "mailto:")):
            continue
        path, fragment = urldefrag(reference)
        target = _target(site, page, path.split("?", 1)[0])
        if not target.is_file() or not target.is_relative_to(site.resolve()):
            yield f"refers to {reference}, which does not exist"
        elif fragment and target.suffix == ".html" and unquote(fragment) not in anchors(target):
            yield f"links to {reference}, but that page has no such anchor"


def _is_decoration(image: Tag) -> bool:
    return image.find_parent(class_="navbar-brand") is not None


def poor_alternatives(site: Path, page: Path) -> Iterator[str]:
    """Pictures without a text that could stand in for them."""
    for image in parse(page).find_all("img"):
        text = str(image.get("alt", "")).strip()
        if "alt" not in image.attrs or (not text and not _is_decoration(image)):
            yield f"{image.get('src')} has no alternative text"
        elif text and (FILE_NAME.search(text) or len(text) < MIN_ALT):
            yield f"{image.get('src')} has a poor alternative text: {text!r}"


def unsafe_scripts(site: Path, page: Path) -> Iterator[str]:
    """Scripts that the page's policy does not name, and pages without a policy."""
    return policy.problems(parse(page))


PAGE_CHECKS = (remote_loads, broken_links, poor_alternatives, unsafe_scripts)


def style_sheets(site: Path) -> Iterator[str]:
    """Files that style sheets refer to."""
    for sheet in sorted(site.rglob("*.css")):
        for reference in CSS_URL.findall(sheet.read_text(encoding="utf-8")):
            if reference.startswith(("data:", "#")):
                continue
            target = sheet.parent / reference.split("?", 1)[0].split("#", 1)[0]
            if REMOTE.match(reference) or not target.is_file():
                yield f"{sheet.relative_to(site)} refers to {reference}"


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _absent(cell: NotebookNode, text: str, words: Counter[str]) -> bool:
    """Whether a cell has a printed line or a table that is not in the text or the tables."""
    for output in cell.outputs:
        if output.output_type == "stream" and _squeezed(output.text) not in text:
            return True
        if notebook.table_words(output.get("data", {}).get("text/html", "")) - words:
            return True
    return False


def absent_outputs(site: Path, page: str, executed: Path) -> Iterator[str]:
    """Cells of a chapter whose printed lines or tables its page does not show."""
    soup = parse((site / f"{page}.html").resolve())
    text, words = _squeezed(soup.get_text()), notebook.table_words(str(soup.article))
    for cell in notebook.code_cells(notebook.read_notebook(executed)):
        hidden = {"remove-cell", "remove-output"} & set(notebook.tags(cell))
        if not hidden and _absent(cell, text, words):
            yield f"{page}.html does not show the output of cell {cell['id']}"


def check(site: Path, pages: list[str], project: Project | None = None) -> list[str]:
    """Problems of the site, one a line; none when it may be shown."""
    for cached in (parse, anchors):
        cached.cache_clear()
    problems = [*missing_pages(site, pages), *style_sheets(site)]
    for page in html_pages(site.resolve()):
        name = page.relative_to(site.resolve())
        problems += [f"{name} {text}" for find in PAGE_CHECKS for text in find(site, page)]
    for chapter in project.chapters() if project and not problems else []:
        problems += absent_outputs(site, f"chapters/{chapter}", project.executed(chapter))
    return problems


def check_site(project: Project) -> int:
    pages = stage.pages(project)
    problems = check(project.site_dir, pages, project)
    print("\n".join(problems) or f"{project.site_dir}: {len(pages)} pages, no problem found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(run_command(check_site))
