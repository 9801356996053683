"""A chapter that goes wrong stops the build, and the reader learns where."""

import projects

COIN = "chapters/01-coin.md"
TABLE = "chapters/02-table.md"


def test_a_failing_cell_is_shown_with_its_source(book, must_fail):
    executed = book / "build/executed/02-table.ipynb"
    before = executed.read_bytes()
    projects.replace(book / TABLE, "table.round(digits)", "table.round(1 // 0)")
    output = must_fail()
    assert "FAILED   execute  02-table" in output
    assert "cell     02-table-002 (code cell 2)" in output
    assert "error    ZeroDivisionError: integer division or modulo by zero" in output
    assert "| table.round(1 // 0)" in output
    assert executed.read_bytes() == before
    assert (book / "build/executed/02-table.partial.ipynb").exists()


def test_a_warning_is_an_error(book, must_fail):
    warn = "import warnings; warnings.warn('odd')\ntable.round(digits)"
    projects.replace(book / TABLE, "table.round(digits)", warn)
    output = must_fail("execute:02-table")
    assert "warnings are errors" in output
    assert "UserWarning: odd" in output


def test_a_chapter_that_reaches_for_the_network(book, must_fail):
    reach = "import urllib.request; urllib.request.urlopen('http://example.org')"
    projects.replace(book / TABLE, "table.round(digits)", reach)
    output = must_fail("execute:02-table")
    assert "chapters run without a network, but this one tried to reach 'example.org'" in output


def test_a_number_that_no_cell_provides(book, must_fail):
    text = (book / COIN).read_text(encoding="utf-8")
    line = 1 + text[: text.index("{glue:text}`n`")].count("\n")
    projects.replace(
        book / COIN, "{glue:text}`n` times", "{glue:text}`n` or {glue:text}`m:.2f` times"
    )
    message = f"chapters/01-coin.md:{line}: {{glue:text}}`m:.2f` has no glue('m', ...)"
    output = must_fail()
    assert "FAILED   execute  01-coin" in output
    assert message in output
    assert "`n`" not in output
    for command in (["tools.build.accept", "01"], ["tools.build.run_chapter", "01", "seed=8"]):
        done = projects.run(book, *command)
        assert done.returncode == 1
        assert message in done.stdout
        assert "Traceback" not in done.stdout


def test_a_failure_is_reported_at_once_and_the_rest_is_kept(book):
    hold = "import pathlib, time\nwhile not pathlib.Path('../go').exists():\n    time.sleep(0.05)\n"
    projects.replace(book / TABLE, "table.round(digits)", hold + "table.round(digits)")
    projects.replace(book / COIN, "heads = int", "1 // 0\nheads = int")
    building = projects.start(book, "doit", "execute")
    early = []
    for line in building.stdout:
        early.append(line)
        if line.startswith("kept  "):
            break
    assert building.poll() is None, "the other chapter is still running"
    assert "FAILED   execute  01-coin\n" in early
    assert "error    ZeroDivisionError: integer division or modulo by zero\n" in early
    (book / "go").touch()
    late = building.communicate(timeout=120)[0]
    assert building.returncode != 0
    assert "FAILED   execute  01-coin" in late
    assert "What is finished is kept" in late
    assert {"execute:01-coin"} == {name for name in projects.stale(book) if "execute" in name}
