"""The rooms of the package: a room imports only from rooms below it, and keeps its files private.

A room is a folder, or a file beside the folders. `FLOORS` goes from the roof to the ground; a new
room needs a place in it.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import mixfolio

FLOORS = [
    {"__main__"},
    {"report", "studies", "sklearn", "plotting"},
    {"portfolio", "agents", "estimators"},
    {"mixed_model"},
    {"backtest", "covariance", "expected_returns", "optimization"},
    {"inference", "relationship", "metrics", "simulation", "montecarlo", "datasets", "_linalg"},
    {"prices"},
    {"_inputs"},
    {"errors", "__init__"},
]
DOORS = {("optimization", "plotting")}  # a method `plot` imports upwards, when it is called
MAX_ROOMS, MAX_ARROWS = 26, 90
HOUSE = Path(mixfolio.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))


def room_of(path):
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported(tree):
    """Full names of what a module imports, anywhere in its text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def inner(path):
    """What a file imports from this package, as lists of names below `mixfolio`."""
    names = (full.split(".") for full in imported(parse(path)))
    return [parts[1:] for parts in names if parts[0] == "mixfolio" and len(parts) > 1]


def arrows():
    """Pairs of rooms of which the first imports the second."""
    pairs = {(room_of(path), parts[0]) for path in FILES for parts in inner(path)}
    return {(a, b) for a, b in pairs - DOORS if a != b and b in rooms()}


def rooms():
    return {room_of(path) for path in FILES}


def breaches(pairs):
    """Arrows that do not point down."""
    floor = {room: number for number, level in enumerate(FLOORS) for room in level}
    return sorted((a, b) for a, b in pairs if floor[a] >= floor[b])


def test_every_room_has_a_floor():
    assert set().union(*FLOORS) == rooms()
    assert sum(map(len, FLOORS)) == len(rooms())


def test_imports_point_down():
    assert not breaches(arrows())


@pytest.mark.parametrize(("room", "above"), sorted(DOORS))
def test_a_door_upwards_is_opened_by_a_method_plot_alone(room, above):
    trees = [parse(path) for path in FILES if room_of(path) == room]
    methods = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "plot"
    ]
    everywhere = [name for tree in trees for name in imported(tree)].count(f"mixfolio.{above}")
    inside = [name for method in methods for name in imported(method)].count(f"mixfolio.{above}")
    assert inside == everywhere == 1


def test_the_rule_sees_a_breach_and_a_cycle():
    assert breaches({("prices", "report")}) == [("prices", "report")]
    assert breaches({("covariance", "optimization")}) == [("covariance", "optimization")]
    assert {("mixed_model", "covariance"), ("covariance", "_linalg")} <= arrows()


def test_the_house_is_small():
    assert len(rooms() - {"__init__", "__main__"}) <= MAX_ROOMS
    assert len(arrows()) <= MAX_ARROWS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_files_with_an_underscore_stay_in_their_room(path):
    for room, *names in inner(path):
        private = [name for name in names if name.startswith("_")]
        assert not private or room == room_of(path), f"{path.name} opens {room}.{private[0]}"


@pytest.mark.parametrize("face", sorted(HOUSE.glob("*/__init__.py")), ids=lambda p: p.parent.name)
def test_a_face_holds_imports_and_names_only(face):
    kinds = [type(node) for node in parse(face).body[1:]]
    assert set(kinds) <= {ast.ImportFrom, ast.Assign}
    assert kinds.count(ast.Assign) <= 1


def test_the_public_modules_are_the_rooms_without_an_underscore():
    assert set(mixfolio.__all__) == {room for room in rooms() if not room.startswith("_")}
    for name in mixfolio.__all__:
        assert getattr(mixfolio, name).__name__ == f"mixfolio.{name}"
    assert set(mixfolio.__all__) <= set(dir(mixfolio))
    with pytest.raises(AttributeError, match="no attribute 'portfolios'"):
        _ = mixfolio.portfolios


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_only_plotting_draws(path):
    if room_of(path) != "plotting":
        assert not [name for name in imported(parse(path)) if name.startswith("matplotlib")]


def optional(tree):
    """What a module imports inside `try`, ready to do without."""
    guarded = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any(getattr(handler.type, "id", "") == "ImportError" for handler in node.handlers)
    )
    return set().union(*(set(imported(node)) for node in guarded))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_only_declared_packages_are_imported(path):
    project = tomllib.loads((HOUSE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        re.match(r"[A-Za-z0-9_-]+", requirement)[0]
        for requirement in project["project"]["dependencies"]
    }
    tree = parse(path)
    tops = {full.split(".")[0] for full in set(imported(tree)) - optional(tree)}
    assert not tops - declared - {"mixfolio"} - sys.stdlib_module_names
