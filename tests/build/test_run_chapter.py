"""A reader runs one chapter with parameters: what goes wrong is said plainly."""

import re

import projects
import pytest
from bs4 import BeautifulSoup

from tools.build import notebook, run_chapter
from tools.build.project import Project, UserError

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


LIMITED = {
    "n": run_chapter.Parameter("n", "int", "100", "stocks in the figure, 2 to 400"),
    "share": run_chapter.Parameter("share", "float", "0.2", "of the cells, 0 to 0.5"),
    "rate": run_chapter.Parameter("rate", "float", "0.02", "may be negative"),
    "n_draws": run_chapter.Parameter("n_draws", "int", "10", "draws"),
    "n_jobs": run_chapter.Parameter("n_jobs", "int", "1", "processes; -1 for all cores"),
    "seed": run_chapter.Parameter("seed", "int", "1", "of the random numbers"),
    "since": run_chapter.Parameter("since", "str", '"2015-01-01"', "a day"),
    "year": run_chapter.Parameter("year", "str", '"1980"', "a year"),
}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("n=401", "from 2 to 400"),
        ("n=1", "from 2 to 400"),
        ("share=0.6", r"from 0 to 0\.5"),
        ("rate=1e999", "finite"),
        ("n_draws=0", "at least 1"),
        ("n_jobs=0", "at least 1"),
        ("n_jobs=-2", "at least 1"),
        ("seed=-1", "at least 0"),
        ("since=2015-02-30", "a date, as 2015-01-01"),
        ("since=yesterday", "a date"),
        ("year=80", "a year, as 1980"),
    ],
)
def test_a_value_that_the_chapter_cannot_take_is_refused_by_name(given, why):
    name, value = given.split("=")
    with pytest.raises(UserError, match=rf"^{name} is {value}; it must be .*{why}"):
        run_chapter.parse(LIMITED, [given])


def test_values_at_the_ends_are_taken():
    given = ["n=400", "share=0", "rate=-0.1", "n_jobs=-1", "seed=0", "since=1999-12-31"]
    assert len(run_chapter.parse(LIMITED, given)) == 6


@pytest.mark.book
@pytest.mark.parametrize("chapter", Project().chapters())
def test_every_chapter_takes_its_own_parameters_and_bends_none(chapter):
    """What a chapter cuts to size has its range in the comment, where the command reads it."""
    nb = notebook.read_chapter(Project().source(chapter))
    code = "\n".join(cell.source for cell in notebook.code_cells(nb))
    for one in run_chapter.parameters(nb).values():
        assert not run_chapter.impossible(one, run_chapter._literal(one.default))
        if re.search(rf"\b(?:min|clip)\((?:max\()?{one.name}\b", code):
            assert run_chapter.RANGE.search(one.help), f"{one.name} is cut, and has no range"


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nine"], "There is no chapter 'nine'"),
        (["01", "sides=6"], "There is no parameter 'sides'"),
        (["01", "seed=soon"], "seed must be of type int, but 'soon' is not"),
    ],
)
def test_the_command_refuses(book, arguments, message):
    done = projects.run(book, "tools.build.run_chapter", *arguments)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (book / "build" / "run").exists()


def test_without_a_chapter_the_command_shows_what_there_is(book):
    for arguments in ([], ["seed=8"]):
        done = projects.run(book, "tools.build.run_chapter", *arguments)
        assert done.returncode == 1
        assert "01-coin\n  n_tosses: int = 100  # number of tosses" in done.stdout
        assert "02-table\n  digits: int = 3  # decimals shown" in done.stdout


def test_runs_with_other_parameters_have_other_names():
    assert run_chapter.run_name("01-coin", {}) == "01-coin"
    assert run_chapter.run_name("01-coin", {"rate": 0.5}) == "01-coin--rate-0.5"
    names = {run_chapter.run_name("01-coin", {"name": name}) for name in ("a_b", "a b", "a/b")}
    assert len(names) == 3
    assert all("/" not in name for name in names)


def test_the_command_runs_the_chapter(book):
    done = projects.run(book, "tools.build.run_chapter", "1", "n_tosses=400", "label=penny")
    assert done.returncode == 0, done.stdout
    assert "Executing: 100%" in done.stdout
    path = book / "build/run/01-coin--n_tosses-400--label-penny/chapters/01-coin.html"
    assert f"Page:     {path}" in done.stdout
    page = path.read_text(encoding="utf-8")
    assert "penny: share of heads" in page
    text = " ".join(BeautifulSoup(page, "html.parser").get_text().split())
    assert "Rerun with n_tosses=400, label=penny. The text was written for the default" in text
    assert "We toss a coin 400 times" in text
    assert "1. A coin" in text
    assert "Fig. 1.1" in text
    assert projects.stale(book) == set()
