"""A page that goes wrong stops the build before the site is replaced."""

import projects

COIN = "chapters/01-coin.md"


def test_a_warning_of_the_renderer_is_an_error(book, must_fail):
    (book / "book/preface.md").write_text("# Preface\n\nSee {doc}`nowhere`.\n")
    assert "nowhere" in must_fail()


def test_a_picture_without_a_text(book, must_fail):
    text = "    alt: A line that starts far from one half and approaches it."
    projects.replace(book / COIN, text, "    width: 300px")
    projects.run(book, "tools.build.accept", "01")
    assert "alternative text" in must_fail()


def test_a_page_that_the_contents_name_but_nobody_wrote(book, must_fail):
    projects.replace(book / "book/_toc.yml", "file: bibliography", "file: biography")
    assert "book/_toc.yml names pages that do not exist: biography" in must_fail()


def test_a_chapter_that_the_contents_forget(book, must_fail):
    projects.replace(book / "book/_toc.yml", "      - file: chapters/02-table\n", "")
    assert "book/_toc.yml does not name: chapters/02-table" in must_fail()
