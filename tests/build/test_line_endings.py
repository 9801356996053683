"""A clone as Git for Windows makes it by default holds the same bytes."""

import subprocess

import projects


def git(folder, *arguments):
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_a_clone_that_converts_line_endings_is_the_same(tmp_path):
    book = projects.copy_of_this_book(tmp_path / "book")
    git(book, "init", "-q")
    git(book, "add", "--all")
    git(book, "commit", "-q", "-m", "all")
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(book), "clone")
    clone = projects.fingerprint(tmp_path / "clone")
    files = {
        name: digest
        for name, digest in projects.fingerprint(book).items()
        if not name.startswith(".git/")
    }
    assert "data/datapackage.json" in files and "tests/reference/01-mean-variance.ipynb" in files
    assert {name: clone.get(name) for name in files} == files
