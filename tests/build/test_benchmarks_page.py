"""The appendix on speed says what was recorded, and refuses records that lack something."""

import copy
import json
import re

import projects
import pytest

from tools.build.project import Project, UserError
from tools.site import benchmarks_page, benchmarks_picture

SCRIPT = '"""Sorting a list.\n\nOurs against a `peer`.\n"""\n'


def spread(median):
    return {
        "median": median,
        "lower quartile": median / 2,
        "upper quartile": median * 2,
        "rounds": 7,
    }


def recorded():
    beaten = {
        "work": "sort",
        "size": "N = 10",
        "peer": "Slow",
        "seconds": spread(0.00025),
        "peer seconds": spread(0.01),
        "times as fast": spread(40.0),
        "error": 1.5e-16,
        "peer error": 0.0,
        "targets": [
            {"figure": "times as fast", "at least": 20, "met": True},
            {"figure": "error", "at most": 1e-17, "met": False},
        ],
    }
    alone = {
        "work": "shuffle",
        "size": "N = 10",
        "peer": None,
        "seconds": spread(2.0),
        "targets": [{"figure": "seconds", "at most": 1, "met": False}],
    }
    return {
        "machine": {"processor": "Abacus", "cores": 1},
        "versions": {"python": "3.11"},
        "threads": 1,
        "benchmarks": {"sorting": {"load before": 0.25, "rows": [beaten, alone]}},
    }


@pytest.fixture
def project(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/sorting.py").write_text(SCRIPT, encoding="utf-8")
    return Project(tmp_path)


def page(project, results):
    text = results if isinstance(results, str) else json.dumps(results)
    (project.root / "benchmarks/results.json").write_text(text, encoding="utf-8")
    return benchmarks_page.page(project)


def test_every_record_is_shown(project):
    found = page(project, recorded())
    assert "## Sorting a list\n\nOurs against a `peer`.\n" in found
    assert (
        "| sort | N = 10 | Slow | 250 µs | 10.0 ms | 40.0 (20.0 to 80.0) | 1.5e-16 | 0 |" in found
    )
    assert "| shuffle | N = 10 | – | 2.00 s | – | – | – | – |" in found
    assert "Of 3, 1 were met and 2 missed." in found
    missed, met = re.split(r"### Met", found.partition("### Missed")[2])
    assert "| sort | N = 10 | Slow | error: at most 1e-17 | 1.5e-16 |" in missed
    assert "| shuffle | N = 10 | – | time: at most 1.00 s | 2.00 s |" in missed
    assert "| times as fast: at least 20 | 40.0 |" in met
    assert "| processor | Abacus |" in found
    assert "0.25 to 0.25" in found


def test_the_picture_shows_every_pair(project):
    results = recorded()
    rows = results["benchmarks"]["sorting"]["rows"]
    rows.append(
        copy.deepcopy(rows[0]) | {"peer": "Quick", "times as fast": spread(0.5), "targets": []}
    )
    found = page(project, results)
    assert "1 of 2 dots lie right of the line at one." in found
    assert "Pairs that lie left:\n1 of 2." in found
    drawing = benchmarks_picture.picture(project)
    assert drawing == benchmarks_picture.picture(project)
    assert drawing.count("<use") > 2
    rows.pop()
    page(project, results)
    assert benchmarks_picture.picture(project) != drawing


def test_without_peers_there_is_no_picture(project):
    results = recorded()
    del results["benchmarks"]["sorting"]["rows"][0]
    assert "figure" not in page(project, results).partition("## What was aimed at")[0]
    assert benchmarks_picture.picture(project) is None


def test_the_machine_stands_beside_the_numbers(project):
    results = recorded()
    results["versions"]["linear algebra"] = "openblas 1, kernel Beads"
    assert "from Abacus, with openblas 1, kernel Beads for linear algebra" in page(project, results)


def test_the_page_of_this_book_can_be_made():
    assert "## " in benchmarks_page.page(Project())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.00123456, "0.00123"),
        (0.000123, "1.2e-04"),
        (1.0, "1.00"),
        (9.999, "10.0"),
        (12.345, "12.3"),
        (123.45, "123"),
        (12345, "12,300"),
        (-86.6, "-86.6"),
        (1e6, "1.0e+06"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert benchmarks_page.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5e-7, "0.250 µs"), (0.0009994, "999 µs"), (0.0125, "12.5 ms"), (75.0, "75.0 s")],
)
def test_durations_have_a_unit(seconds, text):
    assert benchmarks_page.duration(seconds) == text


def without(*path):
    """The record with one entry left out, and the name of the entry."""
    results = recorded()
    place = results
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return results, path[-1]


ROWS = ("benchmarks", "sorting", "rows")


@pytest.mark.parametrize(
    "path",
    [
        ("machine",),
        ("versions",),
        ("threads",),
        ("benchmarks",),
        ROWS,
        (*ROWS, 0, "work"),
        (*ROWS, 0, "size"),
        (*ROWS, 0, "peer"),
        (*ROWS, 0, "seconds"),
        (*ROWS, 1, "seconds", "rounds"),
        (*ROWS, 0, "peer seconds"),
        (*ROWS, 0, "times as fast", "lower quartile"),
        (*ROWS, 0, "error"),
        (*ROWS, 0, "targets", 0, "figure"),
        (*ROWS, 0, "targets", 0, "met"),
    ],
    ids=str,
)
def test_what_is_missing_is_named(project, path):
    results, name = without(*path)
    with pytest.raises(benchmarks_page.BenchmarkError, match=rf"'{name}'.*run make bench"):
        page(project, results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": spread(-1.0)}, "seconds has median -1.0"),
        ({"seconds": spread(float("nan"))}, "seconds has median nan"),
        ({"times as fast": spread(4.0)}, "is 4.0, at least 20 was wanted, but 'met' says True"),
        ({"targets": [{"figure": "error", "met": True}]}, "without one bound"),
    ],
)
def test_what_is_wrong_is_named(project, change, message):
    results = copy.deepcopy(recorded())
    results["benchmarks"]["sorting"]["rows"][0].update(change)
    with pytest.raises(benchmarks_page.BenchmarkError, match=f"sorting, row 0.*{message}"):
        page(project, results)


def test_no_file_broken_file_no_script(project):
    with pytest.raises(UserError, match="does not exist; run make bench"):
        benchmarks_page.page(project)
    with pytest.raises(UserError, match="is not JSON"):
        page(project, "{")
    results = recorded()
    results["benchmarks"]["searching"] = results["benchmarks"]["sorting"]
    with pytest.raises(UserError, match=r"no benchmarks/searching\.py"):
        page(project, results)
    (project.root / "benchmarks/searching.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"searching\.py has no docstring"):
        page(project, results)


def test_the_site_has_the_page_and_follows_the_record(book):
    (book / "benchmarks").mkdir()
    (book / "benchmarks/sorting.py").write_text(SCRIPT, encoding="utf-8")
    results = book / "benchmarks/results.json"
    results.write_text(json.dumps(recorded()), encoding="utf-8")
    projects.replace(
        book / "book/_toc.yml", "file: bibliography", "file: bibliography\n      - file: benchmarks"
    )
    done = projects.run(book, "doit")
    assert done.returncode == 0, done.stdout
    found = (book / "build/site/benchmarks.html").read_text(encoding="utf-8")
    assert "Abacus" in found
    assert projects.stale(book) == set()
    assert 'src="_images/benchmarks.svg"' in found
    projects.replace(results, "Abacus", "Quipu")
    assert projects.stale(book) == {"site"}
    assert "Quipu" in benchmarks_page.page(Project(book))
