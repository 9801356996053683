"""Numbers in the map, ways to the errata, the footer's links, and the index in the glossary."""

import subprocess

import pytest
from bs4 import BeautifulSoup

from tools.build import sources
from tools.build.project import Project
from tools.site import cards, glossary_index, polish_html, ways

GLOSSARY = """<html><body><article><dl class="glossary">
<dt id="term-BLUP">best prediction</dt><dt id="term-short">BLUP</dt><dd><p>A forecast.</p></dd>
<dt id="term-rare">rare</dt><dd><p>Not used.</p></dd></dl></article></body></html>"""
CHAPTER = """<html><body><article><section><h1><span class="section-number">{n}. </span>X</h1>
<section><h2><span class="section-number">{n}.2. </span>Y</h2><p>{words}</p>
</section></section></article></body></html>"""


def soup(markup):
    return BeautifulSoup(markup, "html.parser")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "glossary.html").write_text(GLOSSARY, encoding="utf-8")
    terms = cards.read_terms(tmp_path)
    for n in range(1, 9):
        page = soup(
            CHAPTER.format(n=n, words="Best prediction. One BLUP. " + "Two BLUPs. " * (n % 8))
        )
        cards.link_terms(page, f"chapters/0{n}-x.html", terms)
        (tmp_path / f"chapters/0{n}-x.html").write_text(str(page), encoding="utf-8")
    return tmp_path


def test_the_glossary_leads_to_the_chapters_that_use_a_term_most(site):
    glossary_index.write(site)
    page = soup((site / "glossary.html").read_text(encoding="utf-8"))
    (line,) = page.select("p.uses")
    assert line.get_text() == "Used in 2.2, 3.2, 4.2, 5.2, 6.2, 7.2"
    for link in line.select("a"):
        address, _, place = link["href"].partition("#")
        assert soup((site / address).read_text(encoding="utf-8")).find(id=place).string == "BLUP"


def test_an_index_that_is_written_twice_is_the_same(site):
    glossary_index.write(site)
    once = (site / "glossary.html").read_text(encoding="utf-8")
    glossary_index.write(site)
    assert (site / "glossary.html").read_text(encoding="utf-8") == once
    assert cards.read_terms(site)["term-short"] == "BLUP"


def test_the_map_has_the_numbers_of_the_chapters():
    row = '<article><table><tr><td><a href="chapters/04-x.html">X</a></td></tr></table></article>'
    page, other = soup(row), soup(row)
    ways.number_chapters(page, "index.html")
    ways.number_chapters(other, "notation.html")
    assert (page.td.get_text(), other.td.get_text()) == ("4. X", "X")


def test_a_box_on_a_source_leads_to_the_errata(tmp_path):
    box = '<article><div class="admonition source-note"><p>Wrong.</p></div></article>'
    page = tmp_path / "01-x.html"
    without = soup(box)
    ways.lead_to_errata(without, page)
    assert without.a is None
    (tmp_path / "18-replication.html").touch()
    found = soup(box)
    ways.lead_to_errata(found, page)
    assert found.select_one(".source-note a")["href"] == "18-replication.html#errata"


def test_the_footer_leads_to_pages_that_exist(tmp_path):
    footer = '<footer class="bd-footer-content"><a href="colophon.html">colophon</a></footer>'
    page = tmp_path / "chapters" / "01-x.html"
    without, found = soup(footer), soup(footer)
    ways.mend_footer(without, page, tmp_path)
    assert without.a is None
    assert without.footer.get_text() == "colophon"
    (tmp_path / "colophon.html").touch()
    ways.mend_footer(found, page, tmp_path)
    assert found.a["href"] == "../colophon.html"


def test_columns_of_words_begin_at_the_left():
    table = soup(
        '<table class="dataframe"><thead><tr><th></th><th>n</th><th>what</th></tr></thead><tbody>'
        "<tr><th>a</th><td>1.5</td><td>two words</td></tr>"
        "<tr><th>b</th><td>none</td><td>more</td></tr></tbody></table>"
    )
    polish_html.mend_dataframes(table)
    assert [cell.get_text() for cell in table.select(".words")] == ["what", "two words", "more"]


def git(folder, *command):
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *names, *command], cwd=folder, check=True, capture_output=True)


def test_the_colophon_names_the_commit_of_the_sources(tmp_path):
    book, project = tmp_path, Project(tmp_path)
    (book / "chapters").mkdir()
    (book / "chapters" / "01-x.md").write_text("some", encoding="utf-8")
    assert sources.commit(project) == ""
    git(book, "init", "-q")
    git(book, "add", "chapters")
    git(book, "commit", "-q", "-m", "chapters", "--date", "2001-02-03T04:05:06Z")
    named = sources.commit(project)
    assert named.startswith("`")
    assert "not committed" not in named
    (book / "notes.txt").write_text("no source", encoding="utf-8")
    git(book, "add", "notes.txt")
    git(book, "commit", "-q", "-m", "notes")
    assert sources.commit(project) == named
    (book / "chapters" / "01-x.md").write_text("other", encoding="utf-8")
    assert sources.commit(project) == f"{named}, with changes that are not committed"
