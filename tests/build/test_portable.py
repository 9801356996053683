"""Chapters under other settings: what differs is found, named, and never recorded."""

import json

import projects
import pytest

from tools.build import portable
from tools.build.project import Project, UserError

HEADS = 'print(f"{label}: share of heads {share:.2f}")'
WHERE = HEADS + "\nimport time\nprint(time.tzname[0])"
KERNEL = HEADS + (
    "\nimport numpy, threadpoolctl\nprint(threadpoolctl.threadpool_info()[0]['num_threads'])"
)


def test_a_chapter_that_prints_the_same_is_confirmed(book):
    done = projects.run(book, "tools.build.portable", "elsewhere", "2-threads")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" ok") == 8
    confirmed = portable.confirmed(Project(book))
    assert confirmed == {name: ["2-threads", "elsewhere"] for name in Project(book).chapters()}


def test_a_chapter_that_prints_something_else_is_named_and_not_confirmed(book):
    record = {"01-coin": {"outputs": "of another one", "settings": ["zen"]}}
    Project(book).confirmed.write_text(json.dumps(record))
    projects.replace(book / "tests/reference/01-coin.ipynb", "heads 0.55", "heads 0.56")
    done = projects.run(book, "tools.build.portable", "elsewhere")
    assert done.returncode == 1
    assert "cell     01-coin-004 (code cell 3)" in done.stdout
    assert [line.split()[-1] for line in done.stdout.splitlines()[-2:]] == ["DIFFERS", "ok"]
    assert list(portable.confirmed(Project(book))) == ["02-table"]


@pytest.mark.parametrize("code", [WHERE, KERNEL], ids=["place", "threads"])
def test_accept_refuses_what_another_machine_prints_otherwise(book, code):
    before = projects.fingerprint(book / "tests" / "reference")
    projects.replace(book / "chapters/01-coin.md", HEADS, code)
    done = projects.run(book, "tools.build.accept", "01")
    assert done.returncode == 1
    assert "01-coin: not recorded" in done.stdout
    assert "it prints something else under nehalem+2-threads+elsewhere" in done.stdout
    assert projects.fingerprint(book / "tests" / "reference") == before


def test_a_confirmation_ends_with_the_reference_that_it_was_of(book):
    project = Project(book)
    portable.record(project, [portable.Result("zen", "01-coin", 0, "")])
    assert portable.confirmed(project) == {"01-coin": ["zen"]}
    projects.replace(project.reference("01-coin"), "heads 0.55", "heads 0.56")
    assert portable.confirmed(project) == {}


def test_a_failure_withdraws_a_confirmation(book):
    project = Project(book)
    portable.record(project, [portable.Result("zen", "01-coin", 0, "")])
    portable.record(project, [portable.Result("zen", "01-coin", 1, "differs")])
    assert portable.confirmed(project) == {}


def test_a_setting_that_the_machine_cannot_have_is_no_failure_and_no_confirmation():
    results = [
        portable.Result("zen", "01-coin", portable.CANNOT, ""),
        portable.Result("own", "01-coin", 0, ""),
    ]
    assert portable.matrix(results).splitlines()[-1].split() == ["01-coin", "-", "ok"]


def test_an_unknown_setting_is_named():
    with pytest.raises(UserError, match="no setting 'z80'"):
        portable.combined("nehalem+z80")


def test_the_probe_fails_where_a_setting_did_not_take(book, monkeypatch):
    impossible = portable.Setting("a kernel that is none", threads=3, architectures=("Z80",))
    code = portable.PROBE.format(
        threads=3, architectures=impossible.architectures, plain_numpy=False, disabled=[]
    )
    with pytest.raises(AssertionError, match="architecture"):
        exec(code, {})
