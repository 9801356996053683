"""Every refusal is one of the named errors, whatever function meets the bad input."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mixfolio
from mixfolio import errors, metrics
from mixfolio.backtest import _engine as backtest
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, MixfolioError, SingularCovarianceError
from mixfolio.expected_returns import _estimators as expected_returns
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import one_over_n as strategies

HOUSE = Path(mixfolio.__file__).parent
SOURCES = sorted(HOUSE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
ERRORS = set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_named_errors_are_value_errors(name):
    error = getattr(errors, name)
    assert issubclass(error, MixfolioError)
    assert issubclass(error, ValueError)
    assert error.__doc__
    with pytest.raises(ValueError, match="what"):
        raise error("what, where, how much, remedy")


def gives_an_error(function):
    """Whether a function is annotated to return one of the named errors."""
    return isinstance(function.returns, ast.Name) and function.returns.id in ERRORS


def functions_that_give_errors():
    nodes = (node for tree in TREES.values() for node in ast.walk(tree))
    return {n.name for n in nodes if isinstance(n, ast.FunctionDef) and gives_an_error(n)}


GIVE_ERRORS = functions_that_give_errors()

# What Python itself expects: of a missing package or name, and of a command that is told to end.
EXPECTED = {
    "sklearn.py": {"ImportError"},
    "cli.py": {"SystemExit"},
    "__init__.py": {"AttributeError"},
}


def own_errors():
    """Named errors that a module of the package adds to those of `mixfolio.errors`."""
    classes = (n for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    return {c.name for c in classes if {ast.unparse(base) for base in c.bases} & ERRORS}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_the_package_raises_named_errors_only(path):
    tree = TREES[path]
    allowed = ERRORS | GIVE_ERRORS | own_errors() | EXPECTED.get(path.name, set())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        assert isinstance(node.exc, ast.Call), f"{path.name}:{node.lineno}: a bare class"
        called = node.exc.func
        name = called.attr if isinstance(called, ast.Attribute) else called.id
        assert name in allowed, f"{path.name}:{node.lineno}: raises {name}"


# ---------------------------------------------------------------- bad tables, every function

NAMES = list("abcd")
MEAN = pd.Series([0.1, 0.12, 0.08, 0.11], NAMES)
COVARIANCE = pd.DataFrame(np.eye(4) * 0.04 + 0.01, NAMES, NAMES)

TAKE_COVARIANCE = {
    "minimum_variance": optimization.minimum_variance,
    "mean_variance": lambda v: optimization.mean_variance(MEAN.values, v, risk_aversion=2.0),
    "target_return": lambda v: optimization.target_return(MEAN.values, v, 0.1),
    "target_volatility": lambda v: optimization.target_volatility(MEAN.values, v, 0.2),
    "maximum_sharpe": lambda v: optimization.maximum_sharpe(MEAN.values, v),
    "maximum_diversification": optimization.maximum_diversification,
    "risk_parity": optimization.risk_parity,
    "efficient_frontier": lambda v: optimization.efficient_frontier(MEAN.values, v),
    "volatility": lambda v: metrics.volatility(MEAN.values, v),
    "diversification_ratio": lambda v: metrics.diversification_ratio(MEAN.values, v),
    "risk_contributions": lambda v: metrics.risk_contributions(MEAN.values, v),
}


def with_cell(table, row, column, value):
    changed = table.astype(object)
    changed.iloc[row, column] = value
    return changed


BAD_COVARIANCES = {
    "missing": (with_cell(COVARIANCE, 1, 2, np.nan), r"1 cell.*row b, column c.*Drop or fill"),
    "infinite": (with_cell(COVARIANCE, 3, 3, np.inf), r"1 cell.*row d, column d"),
    "text": (with_cell(COVARIANCE, 0, 1, "n/a"), r"not a number .*'n/a'.*Convert"),
    "oblong": (COVARIANCE.iloc[:3], r"shape \(3, 4\); it must be square.*returns instead"),
    "vector": (MEAN.values, r"shape \(4,\); it must be square"),
    "asymmetric": (with_cell(COVARIANCE, 0, 3, 0.03), r"\(a, d\) and its mirror differ by 0\.02"),
    "mislabelled": (COVARIANCE.iloc[::-1], r"row labels that differ .*covariance\.loc"),
    "repeated": (
        COVARIANCE.set_axis(list("abca")).set_axis(list("abca"), axis=1),
        r"1 repeated asset label.* 'a'.*one name",
    ),
    "zero variance": (
        COVARIANCE.mul([1, 1, 0, 1]).mul([1, 1, 0, 1], axis=0),
        r"1 variance.* lowest is 0 for asset c.*Remove",
    ),
}


@pytest.mark.parametrize("call", TAKE_COVARIANCE.values(), ids=TAKE_COVARIANCE)
@pytest.mark.parametrize(("bad", "message"), BAD_COVARIANCES.values(), ids=BAD_COVARIANCES)
def test_bad_covariances(call, bad, message):
    with pytest.raises(DataError, match=message):
        call(bad)


@pytest.mark.parametrize("call", list(TAKE_COVARIANCE.values())[:5], ids=list(TAKE_COVARIANCE)[:5])
@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.cov(np.random.default_rng(0).normal(size=(4, 4)).T), r"rank is 3 of 4.*shrink"),
        (np.ones((4, 4)), r"rank is 1 of 4.*shrink"),
        (np.eye(4) - 0.5, r"indefinite: its lowest eigenvalue is -\d.*negative variance.*shrink"),
    ],
    ids=["as many periods as assets", "one factor", "indefinite"],
)
def test_covariances_that_are_not_positive_definite(call, matrix, message):
    with pytest.raises(SingularCovarianceError, match=message):
        call(matrix)


TAKE_RETURNS = {
    "covariance.sample": covariance.sample,
    "covariance.ewma": lambda r: covariance.ewma(r, halflife=10),
    "expected_returns.sample": expected_returns.sample,
    "expected_returns.bayes_stein": expected_returns.bayes_stein,
    "backtest.walk_forward": lambda r: backtest.walk_forward(
        r, {"equal": strategies.equal_weight}, window=4
    ),
    **{
        f"strategies.{name}": strategy
        for name, strategy in strategies.demiguel_garlappi_uppal().items()
        if name not in ("EW", "VW")  # these look at the names of the columns only
    },
}
RETURNS = pd.DataFrame(
    np.random.default_rng(1).normal(0.01, 0.05, (30, 4)),
    pd.date_range("2001-01-31", periods=30, freq="ME"),
    NAMES,
)
BAD_RETURNS = {
    "missing": (with_cell(RETURNS, 20, 1, np.nan), r"1 cell.*row 2002-09-30.*column b.*Drop"),
    "infinite": (with_cell(RETURNS, 0, 3, -np.inf), r"1 cell.*row 2001-01-31.*column d"),
    "text": (with_cell(RETURNS, 7, 0, "n/a"), r"not a number .*'n/a'.*Convert"),
    "repeated": (RETURNS.set_axis(list("abcc"), axis=1), r"1 repeated asset label.* 'c'"),
    "no assets": (RETURNS[[]], r"shape \(30, 0\); .*at least one asset"),
    "no periods": (RETURNS.iloc[:0], r"returns has 0 period"),
}


@pytest.mark.parametrize("call", TAKE_RETURNS.values(), ids=TAKE_RETURNS)
@pytest.mark.parametrize(("bad", "message"), BAD_RETURNS.values(), ids=BAD_RETURNS)
def test_bad_returns(call, bad, message):
    with pytest.raises(DataError, match=message):
        call(bad)


TAKE_MEAN = {
    "mean_variance": lambda m: optimization.mean_variance(m, COVARIANCE, risk_aversion=2.0),
    "target_return": lambda m: optimization.target_return(m, COVARIANCE, 0.1),
    "target_volatility": lambda m: optimization.target_volatility(m, COVARIANCE, 0.2),
    "maximum_sharpe": lambda m: optimization.maximum_sharpe(m, COVARIANCE),
    "efficient_frontier": lambda m: optimization.efficient_frontier(m, COVARIANCE),
}
BAD_MEANS = {
    "missing": (MEAN.where(MEAN > 0.09), r"mean has 1 cell.* row c"),
    "infinite": (MEAN.replace(0.12, np.inf), r"mean has 1 cell.* row b"),
    "text": (["0.1", "0.2", "n/a", "0.1"], r"mean holds .*not a number .*'n/a'"),
    "short": ([0.1, 0.2], r"mean has shape \(2,\); it must be \(4,\)"),
    "table": (MEAN.to_frame(), r"mean has shape \(4, 1\); it must be \(4,\)"),
    "another asset": (MEAN.set_axis(list("abce")), r"1 missing \['d'\], 1 unknown \['e'\]"),
    "repeated": (MEAN.set_axis(list("abcc")), r"mean has 1 repeated asset label"),
}


@pytest.mark.parametrize("call", TAKE_MEAN.values(), ids=TAKE_MEAN)
@pytest.mark.parametrize(("bad", "message"), BAD_MEANS.values(), ids=BAD_MEANS)
def test_bad_means(call, bad, message):
    with pytest.raises(DataError, match=message):
        call(bad)
