"""Sensitivity to errors in the inputs: definitions, and properties of what is found."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio import montecarlo
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import sensitivity

NAMES = [f"a{j}" for j in range(6)]


def problem(seed=0, n=6):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, 2 * n)) + rng.standard_normal((1, 2 * n))
    return rng.normal(0.02, 0.01, n), root @ root.T * 0.001


MEAN, MATRIX = problem()


def test_cash_equivalent_by_hand():
    """.5 * .1 + .5 * .2 = .15; variance .25 * .04 + .25 * .08 = .03; divided by 2."""
    found = sensitivity._cash_equivalent(
        np.array([0.5, 0.5]), np.array([0.1, 0.2]), np.diag([0.04, 0.08]), 2.0
    )
    assert found == pytest.approx(0.15 - 0.015, rel=1e-14)


# ------------------------------------------------------------------------------ perturb


def test_perturb_changes_one_kind_of_input_by_the_same_draws():
    z = np.random.default_rng(1).standard_normal(6)
    mean, matrix = sensitivity._perturb(MEAN, MATRIX, "means", 0.1, np.random.default_rng(1))
    np.testing.assert_allclose(mean, MEAN * (1 + 0.1 * z), rtol=1e-14)
    np.testing.assert_array_equal(matrix, MATRIX)

    mean, matrix = sensitivity._perturb(MEAN, MATRIX, "variances", 0.1, np.random.default_rng(1))
    wanted = MATRIX.copy()
    for j in range(6):
        wanted[j, j] *= 1 + 0.1 * z[j]
    np.testing.assert_allclose(matrix, wanted, rtol=1e-14)
    np.testing.assert_array_equal(mean, MEAN)

    mean, matrix = sensitivity._perturb(MEAN, MATRIX, "covariances", 0.1, np.random.default_rng(1))
    draws, wanted = iter(np.random.default_rng(1).standard_normal(15)), MATRIX.copy()
    for i in range(6):
        for j in range(i + 1, 6):
            wanted[i, j] = wanted[j, i] = MATRIX[i, j] * (1 + 0.1 * next(draws))
    np.testing.assert_allclose(matrix, wanted, rtol=1e-14)
    np.testing.assert_array_equal(mean, MEAN)


@given(
    what=st.sampled_from(["means", "variances", "covariances"]),
    size=st.floats(0, 2),
    seed=st.integers(0, 2**32),
    n=st.integers(1, 8),
)
@settings(max_examples=40)
def test_perturb_keeps_symmetry_and_its_inputs(what, size, seed, n):
    mean, matrix = problem(seed, n)
    kept = mean.copy(), matrix.copy()
    wrong_mean, wrong = sensitivity._perturb(mean, matrix, what, size, np.random.default_rng(seed))
    np.testing.assert_array_equal(wrong, wrong.T)
    np.testing.assert_array_equal(mean, kept[0])
    np.testing.assert_array_equal(matrix, kept[1])
    assert not np.shares_memory(wrong, matrix)
    assert not np.shares_memory(wrong_mean, mean)
    if what == "covariances":
        np.testing.assert_array_equal(np.diagonal(wrong), np.diagonal(matrix))


@pytest.mark.parametrize("what", ["means", "variances", "covariances"])
def test_perturb_has_the_stated_size(what):
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(2000):
        mean, matrix = sensitivity._perturb(MEAN, MATRIX, what, 0.1, rng)
        changed = {"means": mean / MEAN, "variances": (matrix / MATRIX).diagonal()}
        ratios.append(changed.get(what, (matrix / MATRIX)[np.triu_indices(6, 1)]))
    errors = np.array(ratios).ravel() - 1
    assert abs(errors.mean()) < 4 * 0.1 / np.sqrt(errors.size)
    assert abs(errors.std() / 0.1 - 1) < 4 / np.sqrt(2 * errors.size)


def test_perturb_unknown_input():
    with pytest.raises(DataError, match="'prices' is no input"):
        sensitivity._perturb(MEAN, MATRIX, "prices", 0.1, np.random.default_rng(0))


# ------------------------------------------------------------------------------- losses


def dumb_losses(rng, mean, matrix, size, tolerances):
    losses = {}
    for what in ("means", "variances", "covariances"):
        wrong_mean, wrong = sensitivity._perturb(mean, matrix, what, size, rng)
        while np.linalg.eigvalsh(wrong)[0] <= 0:
            wrong_mean, wrong = sensitivity._perturb(mean, matrix, what, size, rng)
        for t in tolerances:
            best = optimization.mean_variance(mean, matrix, risk_aversion=2 / t)
            chosen = optimization.mean_variance(wrong_mean, wrong, risk_aversion=2 / t)
            top = best @ mean - best @ matrix @ best / t
            losses[f"{what} {t:g}"] = (top - (chosen @ mean - chosen @ matrix @ chosen / t)) / top
    return losses


@pytest.mark.parametrize("seed", range(5))
def test_losses_by_definition(seed):
    tolerances = (1.0, 3.0)
    found = sensitivity.cash_equivalent_losses(
        np.random.default_rng(seed), mean=MEAN, covariance=MATRIX, risk_tolerances=tolerances
    )
    wanted = dumb_losses(np.random.default_rng(seed), MEAN, MATRIX, 0.10, tolerances)
    assert list(found) == list(wanted)
    np.testing.assert_allclose(list(found.values()), list(wanted.values()), rtol=1e-9, atol=1e-13)


def test_losses_are_never_negative_and_nothing_without_errors():
    for seed in range(10):
        mean, matrix = problem(seed)
        rng = np.random.default_rng(seed)
        losses = sensitivity.cash_equivalent_losses(
            rng, mean=mean, covariance=matrix, size=0.3, risk_tolerances=(2.0,)
        )
        assert min(losses.values()) > -1e-12
        none = sensitivity.cash_equivalent_losses(
            rng, mean=mean, covariance=matrix, size=0.0, risk_tolerances=(2.0,)
        )
        np.testing.assert_allclose(list(none.values()), 0, atol=1e-12)


def test_losses_are_a_study_and_errors_in_means_cost_most():
    def study(rng):
        return sensitivity.cash_equivalent_losses(
            rng, mean=MEAN, covariance=MATRIX, risk_tolerances=(2.0,)
        )

    mean = montecarlo.run(study, 40, seed=0).mean()
    assert mean["means 2"] > 2 * mean["variances 2"] > 0
    assert mean["means 2"] > 2 * mean["covariances 2"] > 0


def test_losses_take_labels():
    found, arrays = (
        sensitivity.cash_equivalent_losses(
            np.random.default_rng(0), mean=m, covariance=v, risk_tolerances=(2.0,)
        )
        for m, v in (
            (pd.Series(MEAN, NAMES)[::-1], pd.DataFrame(MATRIX, NAMES, NAMES)),
            (MEAN, MATRIX),
        )
    )
    assert found == arrays


def test_a_draw_that_is_no_covariance_is_replaced():
    """Errors of this size in correlations of .95 are seldom positive definite."""
    matrix = 0.001 * (0.95 + 0.05 * np.eye(4))
    single = [
        sensitivity._perturb(MEAN[:4], matrix, "covariances", 0.05, np.random.default_rng(seed))[1]
        for seed in range(50)
    ]
    bad = [np.linalg.eigvalsh(wrong)[0] < 0 for wrong in single]
    assert 5 < sum(bad) < 45
    for seed in range(10):
        losses = sensitivity.cash_equivalent_losses(
            np.random.default_rng(seed),
            mean=MEAN[:4],
            covariance=matrix,
            size=0.05,
            risk_tolerances=(2.0,),
        )
        assert np.isfinite(list(losses.values())).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"size": -0.1}, DataError, "size is -0.1"),
        ({"size": np.nan}, DataError, "size is nan"),
        ({"risk_tolerances": (0.0,)}, DataError, "risk_tolerance is 0.0; it must be positive"),
        ({"mean": -MEAN}, DataError, "not positive: no share of it can be lost"),
        ({"mean": MEAN[:5]}, DataError, "mean has shape"),
        ({"covariance": np.ones((6, 6))}, SingularCovarianceError, "none of 1000 draws"),
        ({"covariance": MATRIX * np.nan}, DataError, "missing or infinite"),
    ],
)
def test_losses_of_inputs_that_cannot_be(change, error, message):
    options = {"mean": MEAN, "covariance": MATRIX, "risk_tolerances": (2.0,)} | change
    with pytest.raises(error, match=message):
        sensitivity.cash_equivalent_losses(np.random.default_rng(0), **options)


# ----------------------------------------------------------- the mean that empties a portfolio


def empties(matrix, asset, rise, aversion):
    """Assets without weight when one of the means that make equal weights optimal is raised."""
    n = len(matrix)
    means = aversion * matrix @ np.full(n, 1 / n)
    means[asset] += rise
    weights = optimization.mean_variance(means, matrix, risk_aversion=aversion)
    return int((weights < 1e-12).sum())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("n", [5, 8, 11])
def test_at_the_point_found_the_portfolio_is_emptied_and_just_below_it_is_not(seed, share, n):
    matrix, asset, aversion = problem(seed, n)[1], seed % n, 1.0 + seed
    rise = sensitivity.mean_change_that_empties(
        matrix, asset=asset, share=share, risk_aversion=aversion
    )
    assert empties(matrix, asset, rise, aversion) >= share * n
    assert empties(matrix, asset, rise * (1 - 1e-6), aversion) < share * n
    assert empties(matrix, asset, 0.0, aversion) == 0


def test_all_but_one_can_go_whatever_the_covariances():
    """Hedges included: the last asset leaves only when the mean rises beyond its variance."""
    matrix = np.array([[1.0, -0.9, 0.0], [-0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    rise = sensitivity.mean_change_that_empties(matrix, share=2 / 3, risk_aversion=2.0)
    assert empties(matrix, 0, rise, 2.0) == 2
    assert empties(matrix, 0, rise * (1 - 1e-6), 2.0) == 1
    # All in asset 0: marginal utility m_0 + rise - 2 V_00 against m_1 - 2 V_01.
    implied = 2 * matrix.mean(axis=1)
    assert rise == pytest.approx(2 * (1 + 0.9) + implied[1] - implied[0], rel=1e-9)


def test_mean_change_scales_with_the_period_and_takes_labels():
    matrix = problem(1)[1]
    one = sensitivity.mean_change_that_empties(matrix)
    year = sensitivity.mean_change_that_empties(pd.DataFrame(52 * matrix, NAMES, NAMES))
    assert year == pytest.approx(52 * one, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"asset": 6}, DataError, "asset is 6; it must be between 0 and 5"),
        ({"asset": -1}, DataError, "asset is -1"),
        ({"share": 0.0}, DataError, "share is 0; .* at most 5 of the 6 assets"),
        ({"share": 0.9}, DataError, "share is 0.9"),
        ({"share": np.nan}, DataError, "share is nan"),
        ({"risk_aversion": 0.0}, DataError, "risk_aversion is 0"),
        ({"covariance": np.ones((6, 6))}, SingularCovarianceError, "not positive definite"),
    ],
)
def test_mean_change_errors(options, error, message):
    with pytest.raises(error, match=message):
        sensitivity.mean_change_that_empties(**({"covariance": problem(1)[1]} | options))
