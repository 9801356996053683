"""Recording new references: only on demand, and with the difference in plain sight."""

import projects


def test_accept_prints_what_changed_and_then_validation_passes(book):
    projects.replace(book / "chapters/01-coin.md", "seed: int = 7", "seed: int = 8")
    done = projects.run(book, "tools.build.accept", "01")
    assert done.returncode == 0, done.stdout
    assert "01-coin: changed\ncode cell 1\n  source\n    - seed: int = 7  # seed" in done.stdout
    assert "    + seed: int = 8  # seed" in done.stdout
    assert "code cell 3\n  output\n    - coin: share of heads 0.55\n    + coin:" in done.stdout
    assert done.stdout.endswith("recorded; now run make book\n")
    assert "02-table" not in done.stdout
    assert "\\n" not in done.stdout
    done = projects.run(book, "tools.build.validate", "01")
    assert done.returncode == 0, done.stdout


def test_accept_changes_nothing_when_nothing_changed(book):
    before = projects.fingerprint(book / "tests" / "reference")
    done = projects.run(book, "tools.build.accept")
    assert "01-coin: unchanged" in done.stdout
    assert "02-table: unchanged" in done.stdout
    assert projects.fingerprint(book / "tests" / "reference") == before


def test_a_new_cell_changes_nothing_but_its_own_lines(book):
    projects.replace(
        book / "chapters/02-table.md",
        "```{code-cell} ipython3\nfrom coin",
        "```{code-cell} ipython3\nprint('new')\n```\n\n```{code-cell} ipython3\nfrom coin",
    )
    done = projects.run(book, "tools.build.accept", "02")
    assert (
        "02-table: changed\ncode cell 2, which is new\n  source\n    + print('new')\n"
        "  output\n    + new\nrecorded" in done.stdout
    )


def test_accept_refuses_what_is_different_in_every_run(book):
    before = projects.fingerprint(book / "tests" / "reference")
    projects.replace(book / "chapters/02-table.md", "table.round(digits)", "object()")
    done = projects.run(book, "tools.build.accept", "02")
    assert done.returncode == 1
    assert "02-table: not recorded\ncell     02-table-002 (code cell 2)" in done.stdout
    assert "it shows a memory address: <object at 0x" in done.stdout
    assert "assign the last expression to _" in done.stdout
    assert projects.fingerprint(book / "tests" / "reference") == before


def test_accept_refuses_an_unknown_chapter(book):
    done = projects.run(book, "tools.build.accept", "77")
    assert done.returncode == 1
    assert "There is no chapter '77'" in done.stdout
