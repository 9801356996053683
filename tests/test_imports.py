"""Imports inside the package point one way, from what is computed with to what it is computed for.

`ORDER` is the order of the modules. A module may import those above it and no others, so there
can be no cycle. A new module needs a place in it.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import mixfolio

ORDER = [
    "errors",
    "inputs",
    # data
    "returns",
    "grid",
    "prices",
    "checks",
    "datasets",
    # tools
    "quadratic",
    "pivoting",
    "constraints",
    "metrics",
    "losses",
    # returns -> covariance or mean
    "shrinkage",
    "nonlinear",
    "thresholding",
    "wishart",
    "covariance",
    "robust",
    "views",
    "expected_returns",
    "relationship",
    "panel_likelihood",
    "panel_model",
    "kernel_model",
    "variational",
    "loading_model",
    "mixed_model",
    "attribution",
    # (mean, covariance) -> weights
    "optimization",
    "hierarchy",
    "sensitivity",
    # evaluation
    "rebalancing",
    "backtest",
    "strategies",
    "resampling",
    "inference",
    "comparisons",
    "simulation",
    "montecarlo",
    "estimation_error",
    "studies",
    "covariance_study",
    "volatility_study",
    "validation_study",
    # use
    "agents",
    "practice",
    "plotting",
    "own_prices",
    "wording",
    "page",
    "report",
    "command",
    "sklearn",
]
FOLDER = Path(mixfolio.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def imported(name):
    """Full names of the modules that a module of the package imports, anywhere in its text."""
    return found_in(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))


def found_in(tree):
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = "mixfolio" if node.level else ""
            source = ".".join(part for part in (source, node.module) if part)
            if source == "mixfolio":
                found |= {f"mixfolio.{alias.name}" for alias in node.names}
            else:
                found.add(source)
    return found


def inner(name):
    """Names of the modules of this package that a module imports."""
    ours = (full.split(".") for full in imported(name))
    return {parts[1] for parts in ours if parts[0] == "mixfolio" and len(parts) > 1}


def test_every_module_has_its_place():
    assert len(set(ORDER)) == len(ORDER)
    unplaced = set(MODULES) - set(ORDER)
    assert not unplaced, f"give {sorted(unplaced)} a place in ORDER, in {Path(__file__).name}"
    assert not list(FOLDER.glob("*/__init__.py")), "the package is flat"


@pytest.mark.parametrize("name", [name for name in MODULES if name in ORDER])
def test_imports_point_one_way(name):
    above = set(ORDER[: ORDER.index(name)])
    wrong = inner(name) - above
    assert not wrong, f"{name} imports {sorted(wrong)}, which is not above it in ORDER"


def test_the_reader_of_imports_sees_them():
    assert {"errors", "inputs"} <= inner("constraints")
    assert {"quadratic", "constraints"} <= inner("optimization")
    assert {"covariance", "backtest"} <= inner("strategies")
    assert inner("errors") == set()


@pytest.mark.parametrize("name", MODULES)
def test_only_plotting_draws(name):
    if name != "plotting":
        assert not {full for full in imported(name) if full.split(".")[0] == "matplotlib"}


def optional(name):
    """What a module imports inside `try`, ready to do without."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    guarded = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any(getattr(handler.type, "id", "") == "ImportError" for handler in node.handlers)
    )
    return set().union(*(found_in(node) for node in guarded))


@pytest.mark.parametrize("name", MODULES)
def test_only_declared_packages_are_imported(name):
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        re.match(r"[A-Za-z0-9_-]+", requirement)[0]
        for requirement in project["project"]["dependencies"]
    }
    tops = {full.split(".")[0] for full in imported(name) - optional(name)}
    assert not tops - declared - {"mixfolio"} - sys.stdlib_module_names
