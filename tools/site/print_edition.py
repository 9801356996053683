"""Print the book: ``python -m tools.site.print_edition`` makes the PDF in ``build/``.

One page of HTML holds the title, the contents and every page in order. A Chromium browser prints
it twice: the first time tells on which page each chapter begins, the second has that in the
contents. Before printing, code, tables and formulas that are wider than the paper are set smaller.
"""

import html
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.build.project import Project, UserError, run_command
from tools.site import take_away

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STYLE = Path(__file__).with_name("print_edition.css")
WIDTH = 627  # the text between the margins of print_edition.css, 166 mm, in pixels
FACES = {  # of Matplotlib, which the book needs anyway: the same paper on every machine
    "Book Serif": ("STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "STIXGeneralBolIta"),
    "Book Sans": ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSans-BoldOblique"),
    "Book Mono": (
        *("DejaVuSansMono", "DejaVuSansMono-Oblique"),
        *("DejaVuSansMono-Bold", "DejaVuSansMono-BoldOblique"),
    ),
}
IMAGE = re.compile(r'(<img\b[^>]*?\ssrc=")')
WIDE = ".bd-article pre, .bd-article table, .bd-article math"

# Sets what is wider than its place smaller, down to the least size that can be read, in pixels.
FIT = """([wide, least]) => {
  for (const element of document.querySelectorAll(wide)) {
    const place = element.parentElement.closest('div, td, th, p, li, section, article');
    const room = () => element.localName === 'pre' ? element.clientWidth : place.clientWidth;
    const needs = () => element.localName === 'pre' ? element.scrollWidth
      : element.getBoundingClientRect().width;
    if (element.localName === 'math' && element.getAttribute('display') !== 'block') continue;
    element.classList.add('fitting');
    const first = parseFloat(getComputedStyle(element).fontSize);
    const shrink = limit => {
      for (let size = first; needs() > room() + 0.5 && size > limit;) {
        size = Math.max(limit, size * 0.97);
        element.style.fontSize = `${size}px`;
      }
    };
    shrink(element.localName === 'table' ? 1.12 * least : least);
    if (needs() > room() + 0.5) {  // then its cells may have more than one line
      element.classList.add('wrapping');
      element.style.fontSize = '';
      shrink(least);
    }
    element.classList.remove('fitting');
  }
}"""
OVERFLOWING = """wide => [...document.querySelectorAll(wide)].filter(element => {
  const right = document.body.getBoundingClientRect().right + 0.5;
  return element.getBoundingClientRect().right > right || element.localName !== 'math'
    && element.scrollWidth > element.clientWidth + 1 && element.clientWidth;
}).map(element => `${element.closest('.page').id}: ${element.textContent.trim().slice(0, 60)}`)"""
NUMBER = """places => Object.entries(places).forEach(([slug, place]) => {
  document.querySelector(`[data-of="${slug}"]`).textContent = place;
})"""
LEAST = 9.34  # pixels: 7 points


class NoBrowserError(UserError):
    """Nothing here can print."""


def _faces() -> Iterator[str]:
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package matplotlib, which has the fonts, is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    for family, files in FACES.items():
        for place, file in enumerate(files):
            yield (
                f'@font-face {{ font-family: "{family}"; src: url("{folder.joinpath(file).as_uri()}'
                f'.ttf"); font-style: {("normal", "italic")[place % 2]}; '
                f"font-weight: {(400, 700)[place // 2]}; }}"
            )


def _style(project: Project, pages: list[take_away.Page]) -> str:
    """The style sheet, with the fonts and a running head for every page."""
    mathematics = (project.site_dir / "_static" / "mathematics.woff2").as_uri()
    heads = [
        f'@page {page.slug} {{ @top-left {{ content: "{page.title}"; }} }}\n'
        f"#{page.slug} {{ page: {page.slug}; }}"
        for page in pages
    ]
    face = f'@font-face {{ font-family: "Book Mathematics"; src: url("{mathematics}"); }}'
    return "\n".join([*_faces(), face, STYLE.read_text(encoding="utf-8"), *heads])


def _title_page(project: Project) -> str:
    book, subtitle = take_away.book(project)
    return (
        f'<header class="title-page"><img alt="" src="_static/logo.svg">'
        f"<p class='title'>{html.escape(book.title)}</p><p class='subtitle'>"
        f"{html.escape(subtitle[:1].upper() + subtitle[1:])}</p><p>{html.escape(book.author)}</p>"
        f"<p class='edition'>Version {book.version}, {book.released}<br>Text under CC BY 4.0, code "
        "under the MIT licence<br>Every number was computed and checked when these pages were "
        "built: see the colophon</p></header>"
    )


def _contents(pages: list[take_away.Page]) -> str:
    lines = []
    for page in pages:
        if page.part:
            lines.append(f"<p class='part'>{html.escape(page.part)}</p>")
        lines.append(
            f"<p class='entry'><a href='#{page.slug}'>{html.escape(page.title)}</a>"
            f"<span data-of='{page.slug}'></span></p>"
        )
    return f"<nav class='contents'><h1>Contents</h1>{''.join(lines)}</nav>"


def page_of_pages(project: Project, pages: list[take_away.Page]) -> str:
    """The whole book as one page of HTML."""
    book, site = take_away.book(project)[0], project.site_dir.as_uri()
    articles = "\n".join(
        f'<section class="page" id="{page.slug}">{page.article.decode(formatter="html5")}</section>'
        for page in pages
    )
    text = (
        f'<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{html.escape(book.title)}</title>"
        f'<link rel="stylesheet" href="{site}/_static/pygments.css"><style>{_style(project, pages)}'
        f"</style></head><body>{_title_page(project)}{_contents(pages)}{articles}"
        "</body></html>\n"
    )
    return IMAGE.sub(rf"\1{site}/", text)


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium browser, or an error that says that there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise NoBrowserError(
            f"the book is printed by a Chromium browser, and none is installed (looked for "
            f"{', '.join(BROWSERS)}); install one, or print single pages from your own browser"
        )
    from playwright.sync_api import sync_playwright  # only here: the pages are made without it

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def laid_out(chromium: Any, file: Path) -> Any:
    """The page of pages in a tab as wide as the paper, with everything set so that it fits."""
    tab = chromium.new_page(viewport={"width": WIDTH, "height": 1000})
    tab.emulate_media(media="print", color_scheme="light")
    tab.goto(file.as_uri(), wait_until="load")
    tab.evaluate("document.fonts.ready.then(() => true)")
    tab.evaluate(FIT, [WIDE, LEAST])
    return tab


def too_wide(tab: Any) -> list[str]:
    """Code, tables and formulas that the paper would cut off."""
    return list(tab.evaluate(OVERFLOWING, WIDE))


def places(pdf: Path, pages: list[take_away.Page]) -> dict[str, int]:
    """On which page of the paper each page of the book begins, by the bookmarks."""
    from pypdf import PdfReader

    reader = PdfReader(pdf)
    found: dict[str, int] = {}
    for mark in reader.outline:
        if not isinstance(mark, list):
            number = reader.get_destination_page_number(mark)
            found[" ".join(str(mark.title).split())] = (number or 0) + 1
    lost = [page.title for page in pages if page.title not in found]
    if lost:
        raise UserError(f"the printed book has no bookmark for {', '.join(lost)}")
    return {page.slug: found[page.title] for page in pages}


def _marks(first: Any) -> Iterator[Any]:
    """Every bookmark from ``first`` on, in the order of the book."""
    while first is not None:
        mark = first.get_object()
        yield mark
        yield from _marks(mark.get("/First"))
        first = mark.get("/Next")


def about(project: Project) -> dict[str, str]:
    """What a catalogue reads of the file: title, author, subject."""
    book, subtitle = take_away.book(project)
    return {"Title": book.title, "Author": book.author, "Subject": subtitle}


def finish(pdf: Path, pages: list[take_away.Page], about: dict[str, str]) -> None:
    """Say what the file is, and let bookmarks say what headings say.

    Chromium doubles the words of a heading that it has moved.
    """
    from pypdf import PdfWriter
    from pypdf.generic import NameObject, TextStringObject

    headings = [one for page in pages for one in page.article.find_all(re.compile("^h[1-6]$"))]
    titles = ["Contents", *(" ".join(heading.get_text().split()) for heading in headings)]
    writer = PdfWriter(pdf, incremental=True)
    writer.add_metadata({f"/{key}": value for key, value in about.items() if value})
    marks = list(_marks(writer.root_object["/Outlines"].get_object().get("/First")))
    if len(marks) != len(titles):
        raise UserError(f"the print has {len(marks)} bookmarks for {len(titles)} headings")
    for mark, title in zip(marks, titles, strict=True):
        if mark["/Title"] != title:
            mark[NameObject("/Title")] = TextStringObject(title)
    writer.write(pdf)


def printed(tab: Any, pages: list[take_away.Page], target: Path, about: dict[str, str]) -> None:
    """Print once to see where each page begins, and once more with that in the contents."""
    for last in (False, True):
        tab.pdf(path=str(target), outline=True, tagged=True, prefer_css_page_size=True)
        if not last:
            tab.evaluate(NUMBER, places(target, pages))
    finish(target, pages, about)


def print_book(project: Project) -> None:
    """Print the book, and let the site offer it."""
    pages, target = take_away.pages(project), take_away.edition(project, "pdf")
    file, partial = target.with_suffix(".print.html"), target.with_suffix(".partial.pdf")
    with browser() as chromium:
        file.write_text(page_of_pages(project, pages), encoding="utf-8")
        tab = laid_out(chromium, file)
        if cut := too_wide(tab):
            raise UserError("wider than the paper:\n" + "\n".join(cut))
        printed(tab, pages, partial, about(project))
    partial.replace(target)
    file.unlink()
    take_away.offer(project, "pdf")
    print(f"Made: {target}")


if __name__ == "__main__":
    sys.exit(run_command(print_book))
