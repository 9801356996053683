"""Recording new references: only on demand, and with the difference in plain sight."""

import projects


def test_accept_prints_what_changed_and_then_validation_passes(book):
    projects.replace(book / "chapters/01-coin.md", "seed: int = 7", "seed: int = 8")
    done = projects.run(book, "tools.accept", "01")
    assert done.returncode == 0, done.stdout
    assert '-    "seed: int = 7  # seed' in done.stdout
    assert '+    "seed: int = 8  # seed' in done.stdout
    assert "02-table" not in done.stdout
    done = projects.run(book, "tools.validate", "01")
    assert done.returncode == 0, done.stdout


def test_accept_changes_nothing_when_nothing_changed(book):
    before = projects.fingerprint(book / "tests" / "reference")
    done = projects.run(book, "tools.accept")
    assert "01-coin: unchanged" in done.stdout
    assert "02-table: unchanged" in done.stdout
    assert projects.fingerprint(book / "tests" / "reference") == before


def test_a_new_cell_changes_nothing_but_its_own_lines(book):
    projects.replace(book / "chapters/02-table.md", "```{code-cell} ipython3\nfrom coin",
                     "```{code-cell} ipython3\nprint('new')\n```\n\n"
                     "```{code-cell} ipython3\nfrom coin")
    done = projects.run(book, "tools.accept", "02")
    removed = [line for line in done.stdout.splitlines()
               if line.startswith("-") and not line.startswith("---")]
    assert removed == [], done.stdout


def test_accept_refuses_an_unknown_chapter(book):
    done = projects.run(book, "tools.accept", "77")
    assert done.returncode == 1
    assert "There is no chapter '77'" in done.stdout
