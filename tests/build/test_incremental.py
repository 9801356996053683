"""What a change makes the build do again, and that nothing else is done."""

import hashlib
import os
import re
import time

import projects

from tools.build import reads
from tools.build.project import Project

EXECUTED = {"execute:01-coin", "execute:02-table"}


def test_nothing_changed_runs_nothing_in_two_seconds(book):
    start = time.monotonic()
    done = projects.run(book, "doit")
    assert time.monotonic() - start < 2
    assert done.stdout.strip() == "Up to date."


def test_a_touched_file_is_not_a_change(book):
    for path in [
        *(book / "chapters").iterdir(),
        *(book / "data").iterdir(),
        *(book / "src").rglob("*.py"),
        *(book / "book").rglob("*.md"),
    ]:
        os.utime(path)
    assert projects.stale(book) == set()


def test_a_moved_project_is_not_a_change(book):
    moved = book.rename(book.with_name("moved"))
    assert projects.stale(moved) == set()


def test_one_chapter(book):
    projects.replace(book / "chapters/01-coin.md", "# A coin", "# One coin")
    assert projects.stale(book) == {"execute:01-coin", "validate:01-coin", "site"}


def test_the_first_build_records_what_each_chapter_read(book):
    project, package = Project(book), "src/coin/__init__.py"
    assert set(reads.recorded(project, "01-coin")) == {package}
    assert set(reads.recorded(project, "02-table")) == {
        package,
        "src/coin/recorded.py",
        "data/tosses.csv",
    }
    for chapter in project.chapters():
        for name, digest in reads.recorded(project, chapter).items():
            assert digest == hashlib.sha256((book / name).read_bytes()).hexdigest()


def test_a_module_that_every_chapter_loads(book):
    projects.replace(book / "src/coin/__init__.py", '"""Heads over tosses."""', '"""Heads."""')
    assert projects.stale(book) == {*EXECUTED, "site"}


def test_a_module_that_one_chapter_loads(book):
    projects.replace(book / "src/coin/recorded.py", "of two coins", "of both coins")
    assert projects.stale(book) == {"execute:02-table", "site"}


def test_a_module_that_no_chapter_loads(book):
    projects.replace(book / "src/coin/unloaded.py", "No chapter", "Nobody")
    assert projects.stale(book) == {"site"}  # its docstring may be part of the reference


def test_a_module_that_is_gone(book):
    (book / "src/coin/recorded.py").unlink()
    assert projects.stale(book) == {"execute:02-table", "site"}


def test_data_only_concern_the_chapters_that_read_them(book):
    projects.replace(book / "data/tosses.csv", "448", "449")
    assert projects.stale(book) == {"execute:02-table"}


def test_data_that_nobody_reads(book):
    projects.replace(book / "data/unread.csv", "this", "that")
    assert projects.stale(book) == set()


def test_a_data_file_that_is_gone(book):
    (book / "data/tosses.csv").unlink()
    assert projects.stale(book) == {"execute:02-table"}


def test_prose_of_the_book_only_concerns_the_site(book):
    projects.replace(book / "book/preface.md", "A little book", "A small book")
    assert projects.stale(book) == {"site"}


def test_a_reference_concerns_its_validation(book):
    projects.replace(book / "tests/reference/02-table.ipynb", "0.570", "0.571")
    assert projects.stale(book) == {"validate:02-table"}


def test_a_lost_site_is_rendered_again(book):
    (book / "build/site/index.html").unlink()
    assert projects.stale(book) == {"site"}


def test_a_comment_in_a_chapter_runs_only_that_chapter(book):
    projects.replace(book / "chapters/02-table.md", "# A table", "# A small table")
    done = projects.run(book, "doit")
    assert done.returncode == 0, done.stdout
    assert "02-table" in done.stdout
    assert "01-coin" not in done.stdout
    assert re.search(
        r"^Time: \d+ s in all; execute .* s, validate .* s, site .* s "
        r"\(stages overlap\)\.$",
        done.stdout,
        re.MULTILINE,
    )
    assert "A small table" in (book / "build/site/chapters/02-table.html").read_text()
