"""Proof that validation can fail: it says where, and the old site stays."""

import json

import projects

COIN = "chapters/01-coin.md"


def test_one_digit_of_a_reference(book, must_fail):
    projects.replace(book / "tests/reference/01-coin.ipynb", "heads 0.55", "heads 0.56")
    output = must_fail()
    assert "FAILED   validate  01-coin" in output
    assert "cell     01-coin-004 (code cell 3)" in output
    assert "| coin: share of heads 0.56" in output.split("expected")[1].split("got")[0]
    assert "| coin: share of heads 0.55" in output.split("got")[1]


def test_nbval_alone_sees_one_digit_of_a_reference(book):
    projects.replace(book / "tests/reference/01-coin.ipynb", "heads 0.55", "heads 0.56")
    done = projects.run(book, "pytest", "--nbval", "tests/reference", "-q")
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_nbval_accepts_the_references_as_they_are(book):
    done = projects.run(book, "pytest", "--nbval", "tests/reference", "-q")
    assert done.returncode == 0, done.stdout


def test_one_glued_number(book, must_fail):
    reference = book / "tests/reference/01-coin.ipynb"
    projects.replace(reference, "\"'100'\"", "\"'101'\"")
    assert "cell     01-coin-005" in must_fail()


def test_a_change_of_the_package(book, must_fail):
    module = book / "src/coin/__init__.py"
    projects.replace(module, "return heads / tosses", "return heads / tosses + 1e-3")
    output = must_fail()
    assert "FAILED   validate  02-table" in output
    assert "0.571" in output.split("got")[1]


def test_one_digit_of_the_data(book, must_fail):
    projects.replace(book / "data/tosses.csv", "448", "449")
    output = must_fail()
    assert "FAILED   validate  02-table" in output
    assert "01-coin" not in output


def test_a_stale_reference_names_the_cell_and_the_remedy(book, must_fail):
    projects.replace(book / COIN, "share of heads {share:.2f}", "share {share:.2f}")
    output = must_fail()
    assert "stale: cell 01-coin-004; run make accept CHAPTER=01 or undo the edit" in output
    assert '    - print(f"{label}: share of heads {share:.2f}")' in output
    assert '    + print(f"{label}: share {share:.2f}")' in output
    assert "heads = int" not in output


def test_a_new_cell_makes_the_reference_stale(book, must_fail):
    projects.replace(book / COIN, "## Exercises", "```{code-cell} ipython3\nx = 1\n```\n")
    output = must_fail()
    assert "reference is stale: cell 01-coin-008" in output
    assert "changed\n    + x = 1\n" in output


def test_an_output_that_shows_an_address(book, must_fail):
    executed = book / "build/executed/01-coin.ipynb"
    projects.replace(executed, "coin: share of heads 0.55", "<object at 0x7f00>")
    output = must_fail("validate:01-coin")
    assert "cell     01-coin-004" in output
    assert "the output cannot be reproduced" in output


def test_a_missing_reference(book, must_fail):
    (book / "tests/reference/02-table.ipynb").unlink()
    assert "there is no reference for 02-table; run make accept CHAPTER=02" in must_fail()


def test_a_table_that_shows_more_than_its_text(book, must_fail):
    path = book / "chapters/02-table.md"
    projects.replace(
        path, "table.round(digits)", "import pandas as pd\npd.DataFrame({'x': range(100)})"
    )
    projects.run(book, "tools.build.accept", "02")
    output = must_fail("validate:02-table")
    assert "the table shows what its text leaves out" in output


def test_an_executed_notebook_that_somebody_changed(book, must_fail):
    path = book / "build/executed/01-coin.ipynb"
    projects.replace(path, "heads 0.55", "heads 0.65")
    assert json.loads(path.read_text())["cells"]
    assert "cell     01-coin-004" in must_fail()


def test_a_reference_without_a_chapter(book, must_fail):
    orphan = book / "tests/reference/03-gone.ipynb"
    projects.copy(book / "tests/reference/02-table.ipynb", orphan)
    output = must_fail()
    assert "FAILED   references" in output
    assert "tests/reference/03-gone.ipynb belongs to no chapter; delete it" in output
    orphan.unlink()
    done = projects.run(book, "doit")
    assert done.returncode == 0, done.stdout
