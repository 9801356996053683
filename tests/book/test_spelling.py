"""No common misspelling stands in the book, its package or its tools."""

import subprocess
import sys

from tools.build.project import Project

ROOT = Project().root
PLACES = (
    "chapters",
    "book",
    "src",
    "tools",
    "tests",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
GENERATED = "*.ipynb,*.csv,*.json,*.svg,*.bib,*.html"


def misspelt(*paths):
    command = [sys.executable, "-m", "codespell_lib", "--skip", GENERATED, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_nothing_is_misspelt():
    assert misspelt(*PLACES) == []


def test_a_misspelling_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("We rec" + "ieve ret" + "runs.\n")
    assert len(misspelt(page)) == 2
