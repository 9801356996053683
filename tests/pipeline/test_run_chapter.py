"""A reader runs one chapter with parameters: what goes wrong is said plainly."""

import projects
import pytest

from tools import notebook, run_chapter
from tools.project import UserError

DECLARED = {
    "n": run_chapter.Parameter("n", "int", "3", "a count"),
    "rate": run_chapter.Parameter("rate", "float", "0.5", "a rate"),
    "name": run_chapter.Parameter("name", "str", '"x"', "a name"),
    "fast": run_chapter.Parameter("fast", "bool", "True", "a switch"),
    "sizes": run_chapter.Parameter("sizes", "list[int]", "[1]", "sizes"),
}


def test_values_take_the_declared_types():
    given = ["n=4", "rate=1", "name=a=b", "fast=False", "sizes=[1, 2]"]
    values = run_chapter.parse(DECLARED, given)
    assert values == {"n": 4, "rate": 1.0, "name": "a=b", "fast": False, "sizes": [1, 2]}
    assert isinstance(values["rate"], float)


@pytest.mark.parametrize("given", ["n=4.5", "n=x", "n=True", "rate=high", "fast=1", "sizes=3"])
def test_a_value_of_another_type(given):
    with pytest.raises(UserError, match="must be of type") as error:
        run_chapter.parse(DECLARED, [given])
    assert "rate: float = 0.5  # a rate" in str(error.value)


def test_an_unknown_name():
    with pytest.raises(UserError, match="no parameter 'm'") as error:
        run_chapter.parse(DECLARED, ["m=1"])
    assert "n: int = 3  # a count" in str(error.value)


def test_no_value():
    with pytest.raises(UserError, match="name=value"):
        run_chapter.parse(DECLARED, ["n"])


def test_the_parameters_are_read_from_the_chapter():
    path = projects.FIXTURE / "chapters" / "01-coin.md"
    found = run_chapter.parameters(notebook.read_chapter(path))
    assert [str(item) for item in found.values()] == [
        "n_tosses: int = 100  # number of tosses",
        "seed: int = 7  # seed of the random numbers",
        'label: str = "coin"  # name printed beside the result',
    ]


@pytest.mark.parametrize(("arguments", "message"), [
    (["nine"], "There is no chapter 'nine'"),
    (["01", "sides=6"], "There is no parameter 'sides'"),
    (["01", "seed=soon"], "seed must be of type int, but 'soon' is not"),
])
def test_the_command_refuses(book, arguments, message):
    done = projects.run(book, "tools.run_chapter", *arguments)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (book / "build" / "run").exists()


def test_the_command_runs_the_chapter(book):
    done = projects.run(book, "tools.run_chapter", "1", "n_tosses=400", "label=penny")
    assert done.returncode == 0, done.stdout
    assert "Executing: 100%" in done.stdout
    page = (book / "build/run/01-coin/chapters/01-coin.html").read_text(encoding="utf-8")
    assert "penny: share of heads" in page
    assert "400" in page
    assert projects.stale(book) == set()
