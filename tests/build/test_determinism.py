"""The same sources give the same bytes."""

import nbformat
import projects
import pytest

from tools.build import notebook
from tools.build.project import Project

THIS = Project(projects.ROOT)


def test_two_executions_give_the_same_notebook(book, built_once):
    done = projects.run(book, "tools.build.execute", "01", "02")
    assert done.returncode == 0, done.stdout
    name = "build/executed"
    assert projects.fingerprint(book / name) == projects.fingerprint(built_once / name)


def test_two_renderings_give_the_same_site(book, built_once):
    done = projects.run(book, "tools.site.render")
    assert done.returncode == 0, done.stdout
    name = "build/site"
    assert projects.fingerprint(book / name) == projects.fingerprint(built_once / name)


@pytest.mark.book
@pytest.mark.slow
def test_two_executions_of_this_book_give_the_same_notebook(tmp_path):
    """Byte for byte, figures included, for one quick chapter and the little book above.

    What makes two notebooks differ is the same in every chapter: times, ids, pieces of streams,
    and the names inside a drawing. The numbers of all chapters are compared elsewhere: the build
    runs each of them twice (papermill, then nbval), and ``make portable`` once more for each
    setting. A third run here would take minutes and find nothing else.
    """
    chapter = THIS.chapter("01")
    book = projects.copy_of_this_book(tmp_path / "book")
    done = projects.run(book, "tools.build.execute", chapter)
    assert done.returncode == 0, done.stdout
    again = Project(book).executed(chapter)
    assert again.read_bytes() == THIS.executed(chapter).read_bytes()


@pytest.mark.book
@pytest.mark.slow
def test_two_renderings_of_this_book_give_the_same_site(tmp_path):
    book = projects.copy_of_this_book(tmp_path / "book")
    for name in ("build/executed", "build/reads"):
        projects.copy(THIS.root / name, book / name)
    if (THIS.root / ".git").is_dir():  # the colophon names the commit
        (book / ".git").write_text(f"gitdir: {THIS.root / '.git'}\n", encoding="utf-8")
    done = projects.run(book, "tools.site.render")
    assert done.returncode == 0, done.stdout
    assert projects.fingerprint(book / "build" / "site") == projects.fingerprint(THIS.site_dir)


def test_pieces_of_a_stream_are_put_together():
    pieces = [
        nbformat.v4.new_output("stream", name=name, text=text)
        for name, text in (("stdout", "a\n"), ("stdout", "b\n"), ("stderr", "c"))
    ]
    cell = nbformat.v4.new_code_cell("print()", outputs=pieces)
    done = notebook.strip_run_metadata(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in done.cells[0].outputs] == ["a\nb\n", "c"]
