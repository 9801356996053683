"""Clean the rendered pages: accessible, valid, self-contained and light.

The theme's pages fail several accessibility rules and carry assets that this
book does not use. Each function below removes one kind of defect from one page.
"""

import copy
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from tools.build.project import Project
from tools.site import (
    cards,
    code_links,
    drawings,
    glossary_index,
    launch,
    mathematics,
    metadata,
    policy,
    search_index,
    ways,
)

UNUSED = (
    "**/*.map",
    "**/*.LICENSE.txt",
    "_static/*webpack-macros.html",
    "_static/locales",
    "_static/vendor",
    "_static/scripts/fontawesome.js",
    "_static/images",
    "_static/plus.png",
    "_static/minus.png",
    "_static/searchtools.js",
    "_static/language_data.js",
    "_static/sphinx_highlight.js",
    "_static/design-tabs.js",
    "_static/togglebutton.js",
    "searchindex.js",
    ".buildinfo",
)
NOT_SEARCHED = ("search.html", "genindex.html")
LONGEST_WHOLE = 20  # signs
WORDS, NO_VALUE = re.compile(r"[^\W\d]{3}"), ("", "none", "NaN", "True", "False")
UNUSED_SCRIPTS = (
    "searchtools.js",
    "language_data.js",
    "searchindex.js",
    "sphinx_highlight.js",
    "design-tabs.js",
    "togglebutton.js",
)
UNUSED_LINES = ("DOCUMENTATION_OPTIONS.", "let toggle", "var toggle", "// Activate the search")
# Scripts of the book that only some pages need, and by what that is seen.
OWN_SCRIPTS = {"ledger.js": "table.ledger", "live.js": "[data-live]"}
# What the theme calls the parts of a folded cell, and what they are in this book.
PROMPTS = {
    "code cell content": "the solution",
    "code cell source": "the code",
    "code cell output": "the output",
}

# The few icons of the site, drawn inline as strokes on a 24 x 24 grid: the theme's icon script
# weighs 1.5 MB.
SHAPES = {
    "angle-left": '<path d="M15 5l-7 7 7 7"/>',
    "angle-right": '<path d="M9 5l7 7-7 7"/>',
    "arrow-up": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "bars": '<path d="M4 6h16M4 12h16M4 18h16"/>',
    "chevron-down": '<path d="M6 9l6 6 6-6"/>',
    "circle-half-stroke": '<circle cx="12" cy="12" r="9"/>'
    '<path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>',
    "download": '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
    "file": '<path d="M6 3h8l4 4v14H6zM14 3v4h4"/>',
    "file-pdf": '<path d="M7 9V3h10v6M7 17H4v-8h16v8h-3M7 14h10v7H7z"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1"/>',
    "magnifying-glass": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>',
    "moon": '<path d="M20 14a8 8 0 1 1-10-10 7 7 0 0 0 10 10z"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2v3M12 19v3M2 12h3M19 12h3'
    'M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2"/>',
}
# What captions call the places of panels, which are others on a narrow screen.
PLACES = re.compile(r"\b(?:left|right|middle|top|bottom|upper|lower|above|below)\b", re.IGNORECASE)
STYLES = {"fa", "fas", "far", "fab", "fa-solid", "fa-regular", "fa-brands", "fa-lg"}


def drop_unused_elements(soup: BeautifulSoup) -> None:
    """The icon script, advertisement and version placeholders, the printed twin of the title."""
    for selector in (
        "script[src*=fontawesome]",
        "#ethical-ad-placement",
        "#jb-print-docs-body",
        ".pst-async-banner-revealer",
        "footer.bd-footer",
        "meta[name^=docsearch]",
        ".sidebar-header-items",
    ):
        for element in soup.select(selector):
            element.decompose()


def lighten_scripts(soup: BeautifulSoup) -> None:
    """Scripts wait until the page is there, and those that the page does not use are gone."""
    idle = [n for n, needed_by in OWN_SCRIPTS.items() if not soup.select_one(needed_by)]
    for script in soup.find_all("script"):
        source, text = str(script.get("src", "")), str(script.string or "").strip()
        if any(name in source for name in (*UNUSED_SCRIPTS, *idle)) or text.startswith(
            UNUSED_LINES
        ):
            script.decompose()
        elif source:
            script["defer"] = ""
    for hint in soup.select("link[rel=preload][as=script]"):
        hint.decompose()


def mend_search_page(soup: BeautifulSoup) -> None:
    """The page of results is an article with a form that says what was asked."""
    container = soup.select_one(".bd-search-container")
    if container is not None:
        container.name, container["class"] = "article", "bd-article bd-search-container"
        for script in container.select("script"):
            script.decompose()


def drop_repeats(soup: BeautifulSoup) -> None:
    """Elements of the head that the theme writes more than once."""
    for tag in soup.select("meta[name=viewport]")[1:]:
        tag.decompose()
    seen = set()
    for script in soup.head.find_all("script", src=False):
        if (text := script.string) in seen:
            script.decompose()
        seen.add(text)


def name_landmarks(soup: BeautifulSoup) -> None:
    """Everything on the page belongs to a landmark, and each has a name of its own."""
    header = soup.select_one("#pst-header")
    if header is not None:  # empty, but the theme's script asks for its height
        header.name = "div"
    labels = {"#pst-primary-sidebar": "Book", "#pst-secondary-sidebar": "On this page"}
    for selector, label in labels.items():
        sidebar = soup.select_one(selector)
        if sidebar is not None:
            sidebar["role"], sidebar["aria-label"] = "complementary", label
    top = soup.select_one("#pst-back-to-top")
    if top is not None and soup.main is not None:
        soup.main.append(top.extract())


def name_controls(soup: BeautifulSoup) -> None:
    """The name that is read aloud is the text that is seen."""
    for button in soup.select("button.search-button-field"):
        button.attrs.pop("aria-label", None)
        button.attrs.pop("title", None)
    for selector, label in (
        (".primary-toggle", "Contents of the book"),
        (".secondary-toggle", "Contents of this page"),
    ):
        for button in soup.select(selector):
            button["aria-label"] = button["title"] = label
    for dialog, label in (
        ("#pst-search-dialog", "Search"),
        ("#pst-primary-sidebar-modal", "Contents of the book"),
        ("#pst-secondary-sidebar-modal", "Contents of this page"),
    ):
        for element in soup.select(dialog):
            element["aria-label"] = label


def mend_bibliography(soup: BeautifulSoup) -> None:
    """Roles that the elements of the bibliography must not have."""
    for element in soup.select("[role=doc-biblioentry], .citation-list[role=list]"):
        del element["role"]


def mend_summaries(soup: BeautifulSoup) -> None:
    """A summary holds phrases, not paragraphs; its words, or its name, say what it opens."""
    for summary in soup.find_all("summary"):
        summary.attrs.pop("aria-label", None)
        if not summary.get_text(strip=True):
            link = summary.find_parent("li").find("a")
            summary["aria-label"] = f"Pages of {link.get_text(strip=True)}"
        for paragraph in summary.find_all("p"):
            paragraph.name = "span"
            text = paragraph.get_text(strip=True)
            for old, new in PROMPTS.items():
                if text.endswith(old):
                    paragraph.string = text.replace(old, new)


def mend_paragraphs(soup: BeautifulSoup) -> None:
    """A paragraph cannot hold a list or a table."""
    for paragraph in soup.select("article p:has(> :is(ul, ol, dl, div, table, pre))"):
        paragraph.name = "div"


def _texts(row: Tag) -> list[str]:
    return [cell.get_text(strip=True) for cell in row.find_all(["th", "td"])]


def _lift_index_names(table: Tag) -> None:
    """Put the names of the index, which pandas gives a row of their own, into the row above."""
    rows = table.select("thead tr")[-2:]
    if len(rows) < 2:
        return
    above, below = map(_texts, rows)
    if len(above) != len(below) or any(a and b for a, b in zip(above, below, strict=True)):
        return
    for cell, text in zip(rows[0].find_all(["th", "td"]), below, strict=True):
        if text:
            cell.string, cell["class"] = text, "index-name"
    rows[1].decompose()


def _mend_header(cell: Tag, scope: str) -> None:
    if cell.get_text(strip=True):
        cell["scope"] = scope
    else:
        cell.name = "td"


def _align_words(table: Tag) -> None:
    """Mark the columns that hold words, which begin at the left and may take several lines."""
    rows = [row.find_all("td") for row in table.select("tbody tr")]
    if not rows or len({len(row) for row in rows}) > 1:
        return
    heads = table.select("thead tr")[-1].find_all(["th", "td"])[-len(rows[0]) :]
    for head, *column in zip(heads, *rows, strict=False):
        texts = [text for cell in column if (text := cell.get_text(strip=True)) not in NO_VALUE]
        if texts and sum(bool(WORDS.search(text)) for text in texts) > len(texts) / 2:
            for cell in (head, *column):
                cell["class"] = [*cell.get("class", []), "words"]


def _let_break(cell: Tag) -> None:
    """A long name of many words may go on in a second line behind each of its underscores."""
    for text in cell.find_all(string=lambda text: "_" in text):
        parts = str(text).split("_")
        for part in parts[:-1]:
            text.insert_before(f"{part}_", BeautifulSoup("<wbr>", "html.parser").wbr)
        text.replace_with(parts[-1])


def mend_dataframes(soup: BeautifulSoup) -> None:
    """Tables of pandas: no inline style, empty headers become cells, headers get a scope."""
    for style in soup.select("article style"):
        style.decompose()
    for table in soup.select("table.dataframe"):
        table.attrs.pop("border", None)
        _lift_index_names(table)
        _align_words(table)
        for row in table.select("tr"):
            row.attrs.pop("style", None)
        for cell in table.select("[halign]"):
            del cell["halign"]
        for cell in table.select("thead th"):
            _mend_header(cell, "colgroup" if cell.get("colspan") else "col")
        for cell in table.select("tbody th"):
            _mend_header(cell, "rowgroup" if cell.get("rowspan") else "row")
        for cell in table.select("th"):
            _let_break(cell)


def mend_tables(soup: BeautifulSoup) -> None:
    """An empty header of any other table becomes a cell as well."""
    for cell in soup.select("table:not(.dataframe) th"):
        if not cell.get_text(strip=True):
            cell.name = "td"


def keep_words_whole(soup: BeautifulSoup) -> None:
    """A short piece of inline code is not broken at its hyphens: an option begins with two."""
    for piece in soup.select("article code > span.pre"):
        if len(piece.get_text()) <= LONGEST_WHOLE:
            piece["class"] = ["pre", "whole"]


def frame_tables(soup: BeautifulSoup) -> None:
    """A wide table scrolls by itself, also from the keyboard."""
    for table in soup.select("article table"):
        frame = table.find_parent("div", class_="table-scroll")
        if frame is None:
            table.wrap(soup.new_tag("div", attrs={"class": "table-scroll", "tabindex": "0"}))


def frame_figures(soup: BeautifulSoup) -> None:
    """On a phone a wide drawing keeps a size at which it can be read, and scrolls by itself."""
    for image in soup.select("img.drawn"):
        image.wrap(soup.new_tag("div", attrs={"class": "figure-scroll", "tabindex": "0"}))


def offer_downloads(soup: BeautifulSoup) -> None:
    """Say what each download is; chapters offer the notebook and its source."""
    for link in soup.select("a.btn-download-source-button"):
        link.attrs.pop("target", None)
        link["download"] = ""
        label = link.select_one(".btn__text-container")
        notebook = str(link["href"]).endswith(".ipynb")
        label.string = "Executed notebook (.ipynb)" if notebook else "Source (.md)"
        link["title"] = "Download " + label.string
        if notebook:
            _offer_source(soup, link)
    for button in soup.select(".btn-download-pdf-button"):
        button.select_one(".btn__text-container").string = button["title"] = "Print"


def _offer_source(soup: BeautifulSoup, link: Tag) -> None:
    item = BeautifulSoup(str(link.find_parent("li")), "html.parser").li
    source = item.a
    source["href"] = str(link["href"]).removesuffix(".ipynb") + ".md"
    source["title"] = "Download Source (.md)"
    source.select_one(".btn__text-container").string = "Source (.md)"
    link.find_parent("li").insert_after(item)


def mark_chapter_figures(soup: BeautifulSoup) -> None:
    """Figures that the chapters draw can be recoloured in the dark scheme."""
    for image in soup.select(".cell_output img"):
        image["class"] = [*image.get("class", []), "drawn"]


def finish_drawings(page: Path, soup: BeautifulSoup) -> None:
    """Give each drawing its size, so that the text does not jump, and a twin for the dark scheme.

    A narrow screen has a drawing of its own, or one that is as wide as its letters need. Only the
    one that is shown is loaded.
    """
    for image in soup.select("img.drawn"):
        image["loading"] = "lazy"
        path = page.parent / str(image["src"])
        drawing = path.read_text(encoding="utf-8") if path.suffix == ".svg" else ""
        if (found := drawings.size(drawing)) is None:
            continue
        width, height, least = found
        image["width"], image["height"] = str(width), str(height)
        image["style"] = f"--least: {least}px"
        dark = copy.copy(image)
        image["class"] = [*image["class"], "only-light"]
        dark["class"] = [*dark["class"], "only-dark"]
        dark["src"] = _darkened(path, str(image["src"]))
        image.insert_after(dark)
        phone = path.with_name(drawings.name_of_phone(drawing))
        if phone.exists():
            _offer_phone(soup, image, dark, phone)


def _darkened(path: Path, reference: str) -> str:
    """Write the twin of a drawing for the dark scheme; returns how the page refers to it."""
    twin = path.with_suffix(".dark.svg")
    twin.write_text(drawings.darken(path.read_text(encoding="utf-8")), encoding="utf-8")
    return reference.removesuffix(".svg") + ".dark.svg"


def _offer_phone(soup: BeautifulSoup, light: Tag, dark: Tag, path: Path) -> None:
    """Let narrow screens load the drawing that was made for them; it has no need to scroll."""
    drawing = path.read_text(encoding="utf-8")
    width, height, _ = drawings.size(drawing) or (0, 0, 0)
    light_file = str(light["src"]).rpartition("/")[0] + f"/{path.name}"
    for image, file in ((light, light_file), (dark, _darkened(path, light_file))):
        source = soup.new_tag("source", attrs={"media": drawings.NARROW, "srcset": file})
        source["width"], source["height"] = str(width), str(height)
        image.wrap(soup.new_tag("picture"))
        image.insert_before(source)
    frame, figure = light.find_parent(class_="figure-scroll"), light.find_parent("figure")
    if frame is not None and _least(light) <= drawings.NARROW_TEXT:
        frame.unwrap()
    moved = drawings.moved_panels(drawing)
    if figure is not None and moved and PLACES.search(figure.figcaption.get_text()):
        figure["data-panels"] = moved


def _least(image: Tag) -> int:
    return int(str(image["style"]).removeprefix("--least: ").removesuffix("px"))


def _icon(name: str) -> Tag:
    """The icon as an element that assistive technology passes over."""
    markup = (
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f"{SHAPES[name]}</svg>"
    )
    return BeautifulSoup(markup, "html.parser").svg


def replace_icons(soup: BeautifulSoup) -> None:
    """Put drawings in the place of the theme's icon-font elements."""
    for element in soup.find_all(["i", "span"], class_=lambda name: name in STYLES):
        classes = element["class"]
        name = next(item[3:] for item in classes if item.startswith("fa-") and item not in STYLES)
        icon = _icon(name)
        icon["class"] = ["icon", *(item for item in classes if not item.startswith("fa"))]
        if "data-mode" in element.attrs:
            icon["data-mode"] = element["data-mode"]
        element.replace_with(icon)


def drop_empty_attributes(soup: BeautifulSoup) -> None:
    """Whitespace and empty class attributes that depend on nothing."""
    for element in soup.find_all(class_=True):
        if not any(element["class"]):
            del element["class"]


STEPS: tuple[Callable[[BeautifulSoup], None], ...] = (
    drop_unused_elements,
    lighten_scripts,
    mend_search_page,
    drop_repeats,
    name_landmarks,
    name_controls,
    mathematics.typeset,
    mend_bibliography,
    mend_summaries,
    mend_paragraphs,
    mend_dataframes,
    mend_tables,
    keep_words_whole,
    frame_tables,
    offer_downloads,
    mark_chapter_figures,
    frame_figures,
    drop_empty_attributes,
)


@dataclass(frozen=True)
class Polished:
    """What the files beside the pages are made from."""

    name: str
    signs: str
    sections: list[dict[str, Any]]


def lead_to_index(soup: BeautifulSoup, root_page: str) -> None:
    """Links to the first page of the contents lead to the index, which it has become."""
    for link in soup.find_all(href=True):
        path, mark, fragment = str(link["href"]).partition("#")
        if path.rpartition("/")[2] == f"{root_page}.html":
            link["href"] = path.removesuffix(f"{root_page}.html") + "index.html" + mark + fragment


def say_how_to_run(page: Path, soup: BeautifulSoup) -> None:
    """A chapter ends with the one command that runs it."""
    number = re.fullmatch(r"(\d\d)-.*", page.stem)
    article = soup.select_one("article")
    if number is None or page.parent.name != "chapters" or article is None:
        return
    line = BeautifulSoup(
        f'<p class="run-this-chapter">Run this chapter: <code>make run CHAPTER={number[1]}</code> '
        "in the folder of the book; "
        '<code>PARAMS="name=value"</code> behind it changes a parameter.</p>',
        "html.parser",
    )
    article.append(line)


@dataclass(frozen=True)
class Facts:
    """What the pages say of each other."""

    book: metadata.Book
    terms: cards.Terms
    names: code_links.Names
    root_page: str

    @classmethod
    def of(cls, site: Path, root_page: str, project: Project) -> "Facts":
        book = metadata.Book.of(project)
        return cls(book, cards.read_terms(site), code_links.read_names(site), root_page)


def clean_page(page: Path, site: Path, facts: Facts) -> BeautifulSoup:
    """One page as it shall be, but for its cards, which need the other pages."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    name = page.relative_to(site).as_posix()
    lead_to_index(soup, facts.root_page)
    say_how_to_run(page, soup)
    ways.number_chapters(soup, name)
    ways.lead_to_errata(soup, page)
    ways.mend_footer(soup, page, site)
    for step in STEPS:
        step(soup)
    finish_drawings(page, soup)
    replace_icons(soup)
    code_links.link_code(soup, name, facts.names)
    cards.link_terms(soup, name, facts.terms)
    launch.offer(soup, name, facts.book.repository)
    metadata.describe(soup, name, facts.book)
    return soup


def polish_pages(pages: list[Path], site: Path, facts: Facts) -> list[Polished]:
    """Clean pages where they are."""
    cleaned = {p.relative_to(site).as_posix(): clean_page(p, site, facts) for p in pages}
    shelf, polished = cards.Shelf(site, dict(cleaned)), []
    for name, soup in cleaned.items():
        cards.fill(soup, name, shelf)
        policy.protect(soup)
        (site / name).write_text(soup.decode(formatter="html5"), encoding="utf-8")
        found = [] if name in NOT_SEARCHED else list(search_index.entries(soup, name))
        polished.append(Polished(name, mathematics.signs(soup), found))
    return polished


def remove_unused(site: Path) -> None:
    """Files that no page needs."""
    for pattern in UNUSED:
        for path in sorted(site.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def drop_icon_fonts(site: Path) -> None:
    """Take the rules that load the icon fonts out of the theme's style sheet."""
    for sheet in sorted(site.glob("_static/styles/*.css")):
        text = sheet.read_text(encoding="utf-8")
        rules = text.split("@font-face{")
        kept = [rules[0]]
        for rule in rules[1:]:
            body, _, rest = rule.partition("}")
            kept.append(rest if "vendor/fontawesome" in body else f"@font-face{{{body}}}{rest}")
        sheet.write_text("".join(kept), encoding="utf-8")


def drop_map_comments(site: Path) -> None:
    """References to source maps, which are not shipped."""
    for path in sorted([*site.glob("_static/**/*.js"), *site.glob("_static/**/*.css")]):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if "sourceMappingURL=" not in line[:30]]
        if kept != lines:
            path.write_text("".join(kept), encoding="utf-8")


def still_search(site: Path) -> None:
    """The theme asks whether Sphinx's search is there to show results; it is not, ours does."""
    options = site / "_static" / "documentation_options.js"
    line = "\nDOCUMENTATION_OPTIONS.search_as_you_type = false;\n"
    options.write_text(options.read_text(encoding="utf-8") + line, encoding="utf-8")


def polish(site: Path, root_page: str, project: Project) -> None:
    """Clean every page of the site; the first page of the contents is the index."""
    (site / f"{root_page}.html").replace(site / "index.html")  # was a bare redirection to it
    remove_unused(site)
    drop_icon_fonts(site)
    drop_map_comments(site)
    still_search(site)
    facts = Facts.of(site, root_page, project)
    polished = polish_pages(html_pages(site), site, facts)
    glossary_index.write(site)
    mathematics.write_font(site, (page.signs for page in polished))
    search_index.write(site, [section for page in polished for section in page.sections])
    metadata.write_files(site, [page.name for page in polished], facts.book)


def polish_again(site: Path, pages: list[Path], root_page: str, project: Project) -> None:
    """Clean some pages of a polished site; its search and its signs stay as they are."""
    polish_pages(pages, site, Facts.of(site, root_page, project))
    glossary_index.write(site)


def html_pages(site: Path) -> list[Path]:
    """Every page that a reader can open."""
    return sorted(
        path
        for path in site.rglob("*.html")
        if path.relative_to(site).parts[0] not in ("_static", "_sources")
    )
