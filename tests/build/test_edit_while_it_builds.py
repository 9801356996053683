"""An edit while a step runs is not lost: the next build sees it."""

import os
import subprocess
import sys
import time

import projects

PATIENCE = 120  # seconds
HOLD = """
import pathlib, time
_root = pathlib.Path(__file__).resolve().parents[2]
(_root / "started").touch()
_end = time.monotonic() + 120
while not (_root / "go").exists() and time.monotonic() < _end:
    time.sleep(0.05)
"""
CHAPTER = "chapters/02-table.md"


def build_with_an_edit(book, edit):
    """Build; edit while the file that holds it up is loaded; the build has to go on."""
    variables = {**os.environ, "PYTHONPATH": str(book / "src"), "NO_COLOR": "1"}
    building = subprocess.Popen(
        [sys.executable, "-m", "doit"], cwd=book, env=variables, stdout=subprocess.PIPE, text=True
    )
    end = time.monotonic() + PATIENCE
    while not (book / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    edit()
    (book / "go").touch()
    output, _ = building.communicate(timeout=PATIENCE)
    assert building.returncode == 0, output


def build_again(book):
    done = projects.run(book, "doit")
    assert done.returncode == 0, done.stdout
    assert projects.stale(book) == set()


def add(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_an_edit_of_a_chapter_of_its_data_or_of_a_module_that_it_loads(book):
    held, data = "src/coin/recorded.py", "data/tosses.csv"
    add(book / held, HOLD)
    old = {name: (book / name).read_text(encoding="utf-8") for name in (CHAPTER, data, held)}
    new = {name: text + "\n" for name, text in old.items()}
    new[CHAPTER] = old[CHAPTER].replace("# A table", "# A second edit")

    def write(texts):
        for name, text in texts.items():
            (book / name).write_text(text, encoding="utf-8")

    build_with_an_edit(book, lambda: write(new))
    write(old)  # what the chapter has read is there again, so it is up to date
    assert not {"execute:01-coin", "execute:02-table"} & projects.stale(book)
    for name in new:
        write({**old, name: new[name]})
        assert "execute:02-table" in projects.stale(book), name
        assert "execute:01-coin" not in projects.stale(book), name
    write(new)
    build_again(book)
    assert "A second edit" in (book / "build/site/chapters/02-table.html").read_text()


def test_an_edit_of_what_the_site_is_made_from(book):
    page, module = book / "book/preface.md", book / "src/coin/unloaded.py"
    add(book / "tools/site/check_site.py", HOLD)
    build_with_an_edit(book, lambda: [add(path, "\n# A second edit\n") for path in (page, module)])
    for path in (page, module):
        edited = path.read_text(encoding="utf-8")
        projects.replace(path, "\n# A second edit\n", "")
        assert projects.stale(book) == {"site"}, "the other edit is there"
        path.write_text(edited, encoding="utf-8")
    build_again(book)
    assert "A second edit" in (book / "build/site/index.html").read_text()
