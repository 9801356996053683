"""The book as an e-book: ``python -m tools.site.epub_edition`` makes the EPUB in ``build/``.

EPUB 3: every page as XHTML with MathML, its drawings as SVG, and a contents that reading systems
understand. The same site makes the same file, byte for byte.
"""

import html
import mimetypes
import re
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from bs4 import BeautifulSoup, Tag

from tools.build.project import Project, UserError, run_command
from tools.site import drawings, take_away

STYLE = Path(__file__).with_name("epub_edition.css")
FONT = "_static/mathematics.woff2"
LOGO = "_static/logo.svg"
NAMESPACES = {"math": "http://www.w3.org/1998/Math/MathML", "svg": "http://www.w3.org/2000/svg"}
DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\s*")
DATE = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: its own is none of the reader's
MIMETYPES = {".xhtml": "application/xhtml+xml", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" \
xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" type="text/css" href="book.css"/></head>
<body{kind}>
{body}
</body>
</html>
"""
ACCESS = {
    "accessMode": ("textual", "visual"),
    "accessModeSufficient": ("textual",),
    "accessibilityFeature": (
        "alternativeText",
        "MathML",
        "structuralNavigation",
        "tableOfContents",
    ),
    "accessibilityHazard": ("none",),
    "accessibilitySummary": (
        "Figures have alternative texts, formulas are MathML, and headings are in order.",
    ),
}


def _page(title: str, body: str, kind: str = "") -> str:
    """One document of the e-book, or an error when it is not well formed."""
    kind = f' epub:type="{kind}"' if kind else ""
    text = PAGE.format(title=html.escape(title), body=body, kind=kind)
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UserError(f"the page {title!r} is not well-formed XHTML: {error}") from None
    return text


def _as_xml(article: Tag, slugs: dict[str, str]) -> str:
    """The article as XHTML; ``slugs`` has the page of every place that a link leads to."""
    for name, namespace in NAMESPACES.items():
        for element in article.find_all(name):
            element["xmlns"] = namespace
    for drawing in article.find_all("svg"):
        if "viewbox" in drawing.attrs:
            drawing["viewBox"] = drawing.attrs.pop("viewbox")
    for element in article.select("math [displaystyle], math [scriptlevel]"):
        _wrap_style(element)
    for link in article.find_all("a", href=re.compile("^#")):
        place = str(link["href"])[1:]
        link["href"] = f"{slugs[place]}.xhtml#{place}"
    return article.decode(formatter="minimal")


def _wrap_style(element: Tag) -> None:
    """MathML 3, which reading systems are checked against, knows these on ``mstyle`` only."""
    if element.name != "mstyle":
        kept = {key: element.attrs.pop(key, None) for key in ("displaystyle", "scriptlevel")}
        attributes = {key: value for key, value in kept.items() if value is not None}
        element.wrap(BeautifulSoup("", "html.parser").new_tag("mstyle", attrs=attributes))


def _sections(page: take_away.Page) -> Iterator[tuple[str, str]]:
    """Place and title of every section of a page."""
    for section in page.article.select("section[id]"):
        if isinstance(heading := section.find("h2", recursive=False), Tag):
            yield str(section["id"]), " ".join(heading.get_text().split())


def _contents(pages: list[take_away.Page]) -> str:
    lines = []
    for page in pages:
        below = "".join(
            f'<li><a href="{page.slug}.xhtml#{place}">{html.escape(title)}</a></li>\n'
            for place, title in _sections(page)
        )
        below = f"\n<ol>{below}</ol>" if below else ""
        lines.append(f'<li><a href="{page.slug}.xhtml">{html.escape(page.title)}</a>{below}</li>\n')
    body = f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'
    return _page("Contents", body, "frontmatter")


def _title_page(project: Project) -> str:
    book, subtitle = take_away.book(project)
    body = (
        f'<section class="title-page"><img alt="" src="{LOGO}"/><h1>{html.escape(book.title)}</h1>'
        f"<p>{html.escape(subtitle[:1].upper() + subtitle[1:])}</p>"
        f"<p>{html.escape(book.author)}</p>"
        f"<p>Version {book.version}, {book.released}. Text under CC BY 4.0, code under the MIT "
        "licence.</p></section>"
    )
    return _page(book.title, body, "titlepage")


def _metadata(project: Project) -> str:
    """What the catalogue of a reading system shows, from CITATION.cff."""
    book, subtitle = take_away.book(project)
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{book.title} {book.version}")
    dated = f"<dc:date>{book.released}</dc:date>" if book.released else ""
    access = "".join(
        f'<meta property="schema:{key}">{html.escape(value)}</meta>\n'
        for key, values in ACCESS.items()
        for value in values
    )
    return (
        f'<dc:identifier id="name">urn:uuid:{name}</dc:identifier>\n'
        f"<dc:title>{html.escape(book.title)}</dc:title>\n<dc:language>en</dc:language>\n"
        f"<dc:creator>{html.escape(book.author)}</dc:creator>\n{dated}\n"
        f"<dc:description>{html.escape(subtitle or book.title)}</dc:description>\n"
        "<dc:rights>CC BY 4.0 (text and figures), MIT (code)</dc:rights>\n"
        f'<meta property="dcterms:modified">{book.released or "1980-01-01"}T00:00:00Z</meta>\n'
        f"{access}"
    )


def _package(project: Project, files: dict[str, bytes], spine: list[str]) -> str:
    items, numbers = [], {name: f"f{place}" for place, name in enumerate(files)}
    for name, content in files.items():
        kinds = ["nav"] * (name == "contents.xhtml") + ["cover-image"] * (name == LOGO)
        if name.endswith(".xhtml"):
            kinds += [
                kind for kind, tag in (("mathml", b"<math"), ("svg", b"<svg")) if tag in content
            ]
        suffix = Path(name).suffix
        kind = MIMETYPES.get(suffix) or mimetypes.guess_type(name)[0]
        said = f' properties="{" ".join(kinds)}"' if kinds else ""
        items.append(f'<item id="{numbers[name]}" href="{name}" media-type="{kind}"{said}/>\n')
    order = "".join(f'<itemref idref="{numbers[name]}"/>\n' for name in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" '
        'version="3.0" unique-identifier="name" xml:lang="en">\n'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n{_metadata(project)}</metadata>\n'
        f"<manifest>\n{''.join(items)}</manifest>\n<spine>\n{order}</spine>\n</package>\n"
    )


def _drawing(path: Path) -> bytes:
    """A picture; a drawing without what only its maker needs."""
    if path.suffix != ".svg":
        return path.read_bytes()
    text = DOCTYPE.sub("", path.read_text(encoding="utf-8"))
    return drawings.METADATA.sub("", text).encode()


def contents(project: Project) -> dict[str, bytes]:
    """Every file of the e-book by its name."""
    pages = take_away.pages(project)
    slugs = {page.slug: page.slug for page in pages} | {
        str(element["id"]): page.slug
        for page in pages
        for element in page.article.find_all(id=True)
    }
    texts = {"title.xhtml": _title_page(project), "contents.xhtml": _contents(pages)}
    pictures = {LOGO} | {
        str(image["src"]) for page in pages for image in page.article.find_all("img", src=True)
    }
    for page in pages:
        body = f'<div id="{page.slug}">{_as_xml(page.article, slugs)}</div>'
        texts[f"{page.slug}.xhtml"] = _page(page.title, body)
    files = {name: text.encode() for name, text in texts.items()}
    font = (project.site_dir / FONT).read_bytes()
    files |= {"book.css": STYLE.read_bytes(), FONT: font}
    files |= {name: _drawing(project.site_dir / name) for name in sorted(pictures)}
    return files | {"package.opf": _package(project, files, list(texts)).encode()}


def write(project: Project, target: Path) -> None:
    """Pack the e-book."""
    inside = {"META-INF/container.xml": CONTAINER.encode()}
    inside |= {f"book/{name}": content for name, content in contents(project).items()}
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", DATE), b"application/epub+zip")  # not packed
        for name, content in inside.items():
            archive.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED, 9)


def make(project: Project) -> None:
    """Make the e-book, and let the site offer it."""
    target = take_away.edition(project, "epub")
    partial = target.with_suffix(".partial")
    write(project, partial)
    partial.replace(target)
    take_away.offer(project, "epub")
    print(f"Made: {target}")


if __name__ == "__main__":
    sys.exit(run_command(make))
