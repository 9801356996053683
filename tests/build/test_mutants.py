"""Planted errors are noticed or reported, and the record of them is kept and told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import mutants
from tools.build.project import Project
from tools.site import colophon_page

HERE = Path(__file__).resolve().parents[2]
MODULE = '''"""A toy: 1 + 1 in a docstring is no code."""

from mixfolio import other

LIMIT: int = 3


def larger(a, b):
    if a > b:
        return a
    return b


def checked(n):
    if n > LIMIT:
        raise ValueError(f"{n + 1} is too many")
    return other.twice(n)
'''
TESTS = """
import pytest
from mixfolio import toy


def test_larger():
    assert [toy.larger(1, 2), toy.larger(2, 1)] == [2, 2]


def test_checked():
    assert [toy.checked(1), toy.checked(3)] == [2, 6]
    with pytest.raises(ValueError):
        toy.checked(4)
"""


@pytest.fixture
def toy(tmp_path):
    """A repository with a room of one module, and its tests."""
    package, tests = tmp_path / "src" / "mixfolio", tmp_path / "tests" / "package"
    package.mkdir(parents=True)
    tests.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "other.py").write_text("def twice(n):\n    return 2 * n\n")
    (package / "toy.py").write_text(MODULE)
    (tests / "test_toy.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()
    return tmp_path


def plant(root, *options):
    command = (
        f"from tools import mutants; mutants.main({[*options, '--root', str(root)]}, ('toy',))"
    )
    return subprocess.run(
        [sys.executable, "-c", command], cwd=HERE, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a mutant runs in a fork")
def test_a_planted_error_is_noticed_or_reported(toy):
    done = plant(toy, "--jobs", "2", "--seed", "3")
    assert "killed   src/mixfolio/toy.py:9: a > b -> (a <= b)" in done.stdout, done.stderr
    assert "SURVIVES src/mixfolio/toy.py:9: a > b -> (a >= b)" in done.stdout
    found = json.loads((toy / "tests" / "mutants.json").read_text())
    assert found["rooms"] == {"toy": {"sampled": 7, "killed": 6}}
    assert [(s["line"], s["text"], s["after"]) for s in found["survivors"]] == [
        (9, "if a > b:", "(a >= b)")
    ]
    assert (toy / "src" / "mixfolio" / "toy.py").read_text() == MODULE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a mutant runs in a fork")
def test_tests_that_fail_already_say_nothing(toy):
    (toy / "tests" / "package" / "test_toy.py").write_text("def test_wrong():\n    assert False\n")
    done = plant(toy)
    assert done.returncode != 0
    assert "fail without any mutant" in done.stderr
    assert not (toy / "tests" / "mutants.json").exists()


def changes(source):
    found = mutants.mutants_of(source.encode(), "src/mixfolio/toy.py")
    return {(mutant.before, mutant.after) for mutant in found}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a - b", {("a - b", "(a + b)")}),
        ("x = a < b", {("a < b", "(a <= b)"), ("a < b", "(a >= b)")}),
        ("x = -a", {("-a", "(a)")}),
        ("x = a and not b", {("a and not b", "(a or not b)"), ("not b", "(b)")}),
        ("x = 7", {("7", "8")}),
        ("x = 0.25", {("0.25", "0.5")}),
        ("x = 1e-9", {("1e-9", repr(1e-9 * 1000))}),
        ("x = True", {("True", "False")}),
        ("x = a.sum(axis=0)", {("0", "1")}),
        ("x = np.maximum(a, b)", {("np.maximum", "np.minimum")}),
        ("x = min(a, b)", {("min", "max")}),
        ("x[i] = a", {("x[i] = a", "pass")}),
        ("x += a", {("x += a", "x -= a"), ("x += a", "pass")}),
        ("check(a)", {("check(a)", "pass")}),
        ("if a:\n    raise ValueError(1 + 1)", {("if a:\n    raise ValueError(1 + 1)", "pass")}),
        ("def f(a: Literal[1]) -> Literal[2]: return a", set()),
        ("@cache(8)\ndef f(a): return a", set()),
        ("@overload\ndef f(a=1): ...", set()),
        ("x = f'{1 + 1}'", set()),
        ("x = NotedError(1 + 1)", set()),
        ("x = eigh(a, overwrite_a=True)", set()),
        ("'''1 + 1'''", set()),
        ("é = 1", {("1", "2")}),
    ],
)
def test_what_is_changed(source, expected):
    assert changes(source) == expected


def test_a_sample_is_the_same_for_the_same_seed(toy):
    once, again, other = (mutants.draw(toy, ["toy"], 4, seed) for seed in (1, 1, 2))
    assert once == again != other
    assert len(once) == 4


def test_sentences_on_survivors_stay_and_rooms_are_renewed_one_by_one():
    lost = mutants.Mutant("src/mixfolio/toy.py", 9, "if a > b:", 0, 5, "a > b", "(a >= b)", 8)
    other = mutants.Mutant("src/mixfolio/bag/_a.py", 1, "x = 1", 4, 5, "1", "2", 0)
    run = {"seed": 1, "sample": 2}
    first = mutants.record({}, [lost, other], [False, False], run)
    first["survivors"][0]["equivalent"] = "Both are the same where a equals b."
    moved = mutants.Mutant("src/mixfolio/toy.py", 19, "if a > b:", 9, 14, "a > b", "(a >= b)", 18)
    again = mutants.record(first, [moved], [False], run)
    assert again["rooms"] == first["rooms"]
    assert {s["file"]: s["equivalent"] for s in again["survivors"]} == {
        "src/mixfolio/toy.py": "Both are the same where a equals b.",
        "src/mixfolio/bag/_a.py": "",
    }
    fresh = mutants.record(again, [moved], [False], {"seed": 2, "sample": 2})
    assert list(fresh["rooms"]) == ["toy"]
    assert [s["equivalent"] for s in fresh["survivors"]] == ["Both are the same where a equals b."]


def test_the_colophon_tells_what_was_planted(tmp_path):
    assert colophon_page.mutants(Project(tmp_path)) == ""
    survivor = {"file": "src/mixfolio/toy.py", "equivalent": "The same."}
    found = {
        "date": "2000-01-01",
        "seed": 5,
        "survivors": [survivor, survivor | {"equivalent": ""}],
    }
    found["rooms"] = {"bag": {"sampled": 6, "killed": 6}, "toy": {"sampled": 6, "killed": 4}}
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "mutants.json").write_text(json.dumps(found))
    page = colophon_page.mutants(Project(tmp_path))
    text = " ".join(page.split())
    assert "So 12 small errors" in text
    assert "The tests noticed 10. Of the others 1 change no result" in text
    assert "leaves 91% noticed (standard error 8.7%)" in text
    assert "Recorded on 2000-01-01; `make mutants SEED=5` repeats it" in text
    assert "| `bag` | 6 | 6 | 0 | 0 |\n| `toy` | 6 | 4 | 1 | 1 |" in page


def test_the_record_of_this_book_is_good():
    """Nine of ten planted errors that change something are noticed, and nothing is left out."""
    found = json.loads((HERE / "tests" / "mutants.json").read_text(encoding="utf-8"))
    assert set(found["rooms"]) <= set(mutants.CORE)
    sampled, killed = (sum(r[k] for r in found["rooms"].values()) for k in ("sampled", "killed"))
    assert sampled == found["sample"] >= 250
    assert len(found["survivors"]) == sampled - killed
    equal = sum(bool(entry["equivalent"]) for entry in found["survivors"])
    assert killed >= 0.9 * (sampled - equal)
