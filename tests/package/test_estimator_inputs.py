"""Every estimator of the package beside every awkward input: a right answer or a named error.

`ESTIMATORS` names all public functions that take returns; a new one fails a test until it is
listed. `REFUSALS` says which inputs an estimator refuses, and how; all others it must answer.
"""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from mixfolio import covariance, expected_returns
from mixfolio.errors import DataError, MixfolioError, SingularCovarianceError

MODULES = (covariance, expected_returns)


def plain_target(returns):
    """A multiple of the identity in the units of the returns."""
    numbers = (
        pd.DataFrame(np.asarray(returns)).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    )
    known = np.abs(numbers[np.isfinite(numbers)])
    return (np.median(known) ** 2 if len(known) else 1.0) * np.eye(numbers.shape[1])


def shrinkage(target):
    return {
        f"linear_shrinkage {target}": (
            covariance.linear_shrinkage,
            lambda returns: covariance.linear_shrinkage(returns, target=target),
        ),
        f"shrinkage_intensity {target}": (
            covariance.shrinkage_intensity,
            lambda returns: covariance.shrinkage_intensity(returns, target=target),
        ),
    }


def itself(function):
    return function, function


def fixed(function, *arguments, **keywords):
    return function, lambda returns: function(returns, *arguments, **keywords)


# name: the public function that it is about, and the function to call with returns
ESTIMATORS = {
    "sample": itself(covariance.sample),
    "ewma": fixed(covariance.ewma, halflife=12),
    **shrinkage("identity"),
    **shrinkage("diagonal"),
    **shrinkage("constant_correlation"),
    **shrinkage("single_factor"),
    "oas": itself(covariance.oas),
    "nonlinear_shrinkage": itself(covariance.nonlinear_shrinkage),
    "clip_eigenvalues": itself(covariance.clip_eigenvalues),
    "pca": fixed(covariance.pca, n_factors=1),
    "poet": fixed(covariance.poet, n_factors=1),
    "winsorised": itself(covariance.winsorised),
    "tyler": itself(covariance.tyler),
    "mean": itself(expected_returns.sample),
    "james_stein": itself(expected_returns.james_stein),
    "james_stein_intensity": itself(expected_returns.james_stein_intensity),
    "bayes_stein": itself(expected_returns.bayes_stein),
    "bayes_stein_moments": (
        expected_returns.bayes_stein_moments,
        lambda returns: expected_returns.bayes_stein_moments(returns).covariance,
    ),
}
if hasattr(covariance, "empirical_bayes"):
    for function in (covariance.empirical_bayes, covariance.empirical_bayes_intensity):
        ESTIMATORS[function.__name__] = (
            function,
            lambda returns, function=function: function(returns, plain_target(returns)),
        )
ESTIMATORS["posterior"] = (
    covariance.posterior,
    lambda returns: covariance.posterior(returns, plain_target(returns)).covariance(),
)
ESTIMATORS["regime_covariances"] = (
    covariance.regime_covariances,
    lambda returns: (
        covariance.regime_covariances(
            returns, np.zeros(len(returns), int), lambda others: plain_target(returns)
        )[0].covariance
    ),
)
NO_ESTIMATES = {covariance.volatility_regimes}  # gives a date's regime, not a moment
# What they give: a covariance, a mean, or a number without a unit.
MEANS = {"mean", "james_stein", "bayes_stein"}
NUMBERS = {name for name in ESTIMATORS if "intensity" in name}

X = np.random.default_rng(0).standard_t(5, (40, 6)) * np.linspace(1, 3, 6)
X += np.random.default_rng(1).standard_normal((40, 1))


def with_column(value):
    values = X.copy()
    values[:, 2] = value
    return values


def with_cell(value):
    values = X.copy()
    values[3, 1] = value
    return values


CASES = {
    "constant column": with_column(0.1),
    "constant but for rounding": with_column(0.1 + 1e-18 * np.arange(40)),
    "two periods": X[:2],
    "three periods": X[:3],
    "fewer periods than assets": X[:5],
    "as many periods as assets": X[:6],
    "one period more than assets": X[:7],
    "one asset": X[:, :1],
    "one asset, two periods": X[:2, :1],
    "duplicate columns": X[:, [0, 1, 2, 3, 4, 5, 5]],
    "copies only": X[:, [0, 0, 0]],
    "missing": with_cell(np.nan),
    "infinite": with_cell(np.inf),
    "minus infinite": with_cell(-np.inf),
    "scale 1e-12": 1e-12 * X,
    "scale 1e12": 1e12 * X,
    "integers": np.random.default_rng(2).integers(-9, 10, (40, 6)),
    "small integers": np.random.default_rng(2).integers(-9, 10, (40, 6)).astype(np.int8),
    "repeated labels": pd.DataFrame(X, columns=list("abcdea")),
    "one period": X[:1],
    "no assets": X[:, :0],
    "a vector": X[:, 0],
    "words": pd.DataFrame(X).astype(object).replace({X[0, 0]: "n/a"}),
}

CELL = r"1 cell\(s\) that are missing or infinite, the first in row 3, column 1"
STILL = r"1 asset\(s\) never move, the first is 2"
HARDLY = "asset 2 does not move in more than half"
SHORT = r"returns has \d periods? for \d assets?; .* needs at least"
SINGULAR = "not positive definite"
COMMON = {
    "missing": (DataError, CELL),
    "infinite": (DataError, CELL),
    "minus infinite": (DataError, CELL),
    "repeated labels": (DataError, r"1 repeated asset label\(s\), the first is 'a'"),
    "no assets": (DataError, "at least one asset"),
    "a vector": (DataError, r"must be \(n_periods, n_assets\)"),
    "words": (DataError, "not a number"),
    "one period": (DataError, r"1 period\(s\); this method needs at least|" + SHORT),
}
CONSTANT = ("constant column", "constant but for rounding")
FEW = ("two periods", "three periods", "fewer periods than assets", "as many periods as assets")
FEW += ("one period more than assets", "one asset, two periods")
TWO = ("two periods", "one asset, two periods")
COPIES = ("duplicate columns", "copies only")


def refusals(cases, error, message):
    return dict.fromkeys(cases, (error, message))


THREE = refusals(TWO, DataError, r"2 period\(s\); this method needs at least 3")
MOVING = refusals(CONSTANT, DataError, STILL)
LONG = refusals(FEW, DataError, SHORT) | refusals(COPIES, SingularCovarianceError, SINGULAR)
REFUSALS = {
    **{name: THREE | MOVING for name in ESTIMATORS if "shrinkage" in name},
    **dict.fromkeys(("nonlinear_shrinkage", "oas", "clip_eigenvalues", "poet"), MOVING),
    **dict.fromkeys(("empirical_bayes", "empirical_bayes_intensity"), MOVING),
    **dict.fromkeys(("posterior", "regime_covariances"), MOVING),
    **dict.fromkeys(("bayes_stein", "bayes_stein_moments"), MOVING | LONG),
    "winsorised": refusals(CONSTANT, DataError, HARDLY),
    "tyler": refusals(CONSTANT, DataError, HARDLY) | LONG,
    # The mean of one period is that period.
    "mean": {"one period": None},
}
# Where an answer may be as close as an iteration takes it, and no closer.
LOOSE = {"tyler": 1e-6, "empirical_bayes": 1e-6, "empirical_bayes_intensity": 1e-6}
LOOSE["regime_covariances"] = 1e-6


def refusal(name, case):
    own = REFUSALS.get(name, {})
    return own[case] if case in own else COMMON.get(case)


def require_right(name, found, values):
    """Finite; a covariance symmetric and positive semidefinite; a share between 0 and 1."""
    n_assets = values.shape[1]
    found = np.asarray(found)
    assert np.isfinite(found).all()
    if name in NUMBERS:
        assert found.shape == ()
        assert 0 <= found <= 1
    elif name in MEANS:
        assert found.shape == (n_assets,)
        # Between the extremes of the sample means, with room for rounding.
        means = np.asarray(values, dtype=float).mean(axis=0)
        assert means.min() - 1e-9 * np.ptp(values) <= found.min()
        assert found.max() <= means.max() + 1e-9 * np.ptp(values)
    else:
        assert found.shape == (n_assets, n_assets)
        np.testing.assert_array_equal(found, found.T)
        eigenvalues = np.linalg.eigvalsh(found)
        assert eigenvalues[-1] > 0
        assert eigenvalues[0] >= -1e-14 * n_assets * eigenvalues[-1]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_right_answer_or_a_named_error(name, case):
    estimate, values = ESTIMATORS[name][1], CASES[case]
    before = np.array(values)
    expected = refusal(name, case)
    if expected is None:
        require_right(name, estimate(values), np.asarray(values))
    else:
        error, message = expected
        with pytest.raises(error, match=message) as raised:
            estimate(values)
        assert isinstance(raised.value, MixfolioError)
        assert re.search(r"[.] [A-Z]", str(raised.value)) or ";" in str(raised.value), "a remedy"
    np.testing.assert_array_equal(np.array(values), before)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_units_come_out_as_they_go_in(name, scale):
    """A covariance has their square, a mean has them, and a share has none."""
    estimate = ESTIMATORS[name][1]
    unit, found = np.asarray(estimate(X)), np.asarray(estimate(scale * X))
    power = 0 if name in NUMBERS else 1 if name in MEANS else 2
    tolerance = LOOSE.get(name, 1e-11)
    largest = np.abs(unit).max()
    np.testing.assert_allclose(found / scale**power, unit, rtol=0, atol=tolerance * largest)
    np.testing.assert_allclose(found / scale**power, unit, rtol=100 * tolerance)


@pytest.mark.parametrize("case", ["integers", "small integers"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_integers_are_numbers(name, case):
    estimate = ESTIMATORS[name][1]
    found, wanted = estimate(CASES[case]), estimate(CASES[case].astype(float))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in NUMBERS])
def test_copies_are_treated_alike(name):
    if refusal(name, "duplicate columns"):
        with pytest.raises(SingularCovarianceError):
            ESTIMATORS[name][1](CASES["duplicate columns"])
        return
    found = np.asarray(ESTIMATORS[name][1](CASES["duplicate columns"]))
    tolerance = 1e-9 * np.abs(found).max()
    if found.ndim == 1:
        assert abs(found[5] - found[6]) <= tolerance
    else:
        np.testing.assert_allclose(found[5, :5], found[6, :5], rtol=0, atol=tolerance)
        assert found[5, 5] == pytest.approx(found[6, 6], rel=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_labels_change_no_number(name):
    names = [f"asset{j}" for j in range(6)]
    estimate = ESTIMATORS[name][1]
    wanted = estimate(X)
    found = estimate(pd.DataFrame(X, columns=names))
    np.testing.assert_array_equal(found, wanted)
    if name not in NUMBERS:
        assert list(found.index) == names


def public_estimators():
    """Functions of the two rooms whose first argument is called returns."""
    for module in MODULES:
        for name in module.__all__:
            member = getattr(module, name)
            if inspect.isfunction(member) and next(iter(inspect.signature(member).parameters)) == (
                "returns"
            ):
                yield member


def test_every_public_estimator_is_here():
    listed = {function for function, _ in ESTIMATORS.values()}
    missing = {
        f"{f.__module__}.{f.__name__}" for f in set(public_estimators()) - listed - NO_ESTIMATES
    }
    assert not missing, f"list {sorted(missing)} in ESTIMATORS, in test_estimator_inputs.py"
    assert len(listed) > 15


def test_refusals_name_estimators_and_cases():
    optional = {"empirical_bayes", "empirical_bayes_intensity"}
    assert set(REFUSALS) - optional <= set(ESTIMATORS)
    assert {case for own in REFUSALS.values() for case in own} <= set(CASES)
    assert set(COMMON) <= set(CASES)
