"""The checker of the pages sees every kind of defect that it is there for."""

import projects
import pytest

from tools.build.project import Project
from tools.site import check_site, stage

PAGE = "chapters/01-coin.html"
END = "</article>"

DEFECTS = {
    '<a href="nowhere.html">x</a>': "refers to nowhere.html, which does not exist",
    '<a href="#nothing">x</a>': "no such anchor",
    '<a href="02-table.html#nothing">x</a>': "no such anchor",
    '<img alt="A curve that rises" src="gone.svg">': "refers to gone.svg",
    '<img src="../_static/logo.svg">': "has no alternative text",
    '<img alt="" src="../_static/logo.svg">': "has no alternative text",
    '<img alt="../_images/0123abcd.png" src="../_static/logo.svg">': "poor alternative text",
    '<img alt="logo.svg" src="../_static/logo.svg">': "poor alternative text",
    '<script src="https://example.org/a.js"></script>': "loads https://example.org/a.js",
    '<link rel="stylesheet" href="//example.org/a.css">': "loads //example.org/a.css",
    '<img alt="A picture from elsewhere" src="https://example.org/a.png">': "loads https://",
    '<p onclick="print()">x</p>': "has a script in the attribute onclick of <p>",
    '<a href="javascript:print()">x</a>': "has a script in the attribute href of <a>",
    "<script>print()</script>": "has a script whose hash is not in its policy: 'print()'",
}


def problems(book):
    project = Project(book)
    pages = stage.pages(project)
    return check_site.check(project.site_dir, pages, project)


def test_the_site_as_built_has_none(book):
    assert problems(book) == []


@pytest.mark.parametrize("markup", DEFECTS)
def test_a_defect_of_a_page(book, markup):
    projects.replace(book / "build/site" / PAGE, END, markup + END)
    found = problems(book)
    assert any(DEFECTS[markup] in line and PAGE in line for line in found), found


def test_links_to_elsewhere_are_no_defect(book):
    projects.replace(book / "build/site" / PAGE, END, '<a href="https://example.org">x</a>' + END)
    assert problems(book) == []


POLICIES = {
    "Content-Security-Policy": ("Refresh", "has 0 policies (Content-Security-Policy), not one"),
    "script-src ": ("script-src 'unsafe-inline' ", "has another policy than the one that"),
    "default-src 'none'; ": ("", "has another policy than the one that its scripts need"),
    '<meta charset="utf-8">': ("<script>1</script>", "has its Content-Security-Policy only after"),
}


@pytest.mark.parametrize("part", POLICIES)
def test_a_page_whose_policy_is_weak(book, part):
    changed, problem = POLICIES[part]
    projects.replace(book / "build/site" / PAGE, part, changed)
    assert any(problem in line and PAGE in line for line in problems(book)), problems(book)


def test_a_page_that_is_gone(book):
    (book / "build/site/colophon.html").unlink()
    assert "colophon.html was not made" in problems(book)


def test_an_output_that_the_page_does_not_show(book):
    projects.replace(book / "build/site" / PAGE, "coin: share of heads 0.55", "coin: share")
    expected = "chapters/01-coin.html does not show the output of cell 01-coin-004"
    assert expected in problems(book)


def test_a_table_that_the_page_does_not_show(book):
    projects.replace(book / "build/site/chapters/02-table.html", "<td>448</td>", "<td></td>")
    expected = "chapters/02-table.html does not show the output of cell 02-table-002"
    assert expected in problems(book)


@pytest.mark.parametrize(
    "rule", ['@import "https://example.org/x.css";', "p { background: url(gone.png); }"]
)
def test_a_style_sheet_that_refers_to_what_is_not_there(book, rule):
    sheet = book / "build/site/_static/book.css"
    sheet.write_text(rule, encoding="utf-8")
    assert any("book.css refers to" in line for line in problems(book))
