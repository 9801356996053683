"""The registry of estimators: every name computes, looks like no other, and passes over groups."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import estimators, mixed_model
from mixfolio.errors import DataError
from mixfolio.estimators import CONTROLS, ESTIMATORS
from mixfolio.mixed_model import with_time_steps

RNG = np.random.default_rng(2)
DATES = pd.date_range("2014-01-03", periods=90, freq="W-FRI")
NAMES = list("abcdefgh")
COMMON = 0.02 * RNG.standard_normal((90, 1))
RETURNS = pd.DataFrame(COMMON + 0.02 * RNG.standard_normal((90, 8)), DATES, NAMES)
GROUPS = pd.Series(list("xxxxyyyy"), index=NAMES)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_gives_a_labelled_definite_matrix(name):
    V = ESTIMATORS[name](RETURNS, GROUPS)
    assert list(V.index) == list(V.columns) == NAMES
    assert np.linalg.eigvalsh(V)[0] > 0


def test_every_estimator_works_with_fewer_periods_than_assets():
    singular = {
        name
        for name, estimate in ESTIMATORS.items()
        if name != "Tyler" and np.linalg.eigvalsh(estimate(RETURNS[:7], GROUPS))[0] < 1e-12
    }
    assert singular == {"sample", "EWMA", "winsorised"}


def test_no_two_estimators_look_alike():
    looks = [(each.colour, each.marker) for each in (ESTIMATORS | CONTROLS).values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("name", ["sample", "LW identity", "nonlinear", "POET"])
def test_groups_are_passed_over_where_none_are_used(name):
    with_groups = ESTIMATORS[name](RETURNS, GROUPS)
    pd.testing.assert_frame_equal(with_groups, ESTIMATORS[name](RETURNS), check_exact=True)


def test_time_steps_change_variances_and_even_out_correlations():
    renewed = with_time_steps(ESTIMATORS["sample"])
    past = RETURNS[:40]
    found, plain = renewed(past, GROUPS), mixed_model.even_periods(past).cov()
    p = 0.5 ** (np.arange(39, -1, -1) / 52)  # weeks
    expected = [p @ (past[x] - past[x].mean()) ** 2 / p.sum() * 40 / 39 for x in NAMES]
    np.testing.assert_allclose(np.diagonal(found), expected, rtol=1e-12)
    correlation = plain / np.sqrt(np.outer(np.diagonal(plain), np.diagonal(plain)))
    np.testing.assert_allclose(found / np.sqrt(np.outer(expected, expected)), correlation)
    assert list(found.columns) == NAMES


@pytest.mark.parametrize("n_factors", [1, 3])
def test_factors_above_noise(n_factors):
    rng = np.random.default_rng(6)
    loadings = rng.standard_normal((n_factors, 40)) * 0.8
    values = rng.standard_normal((400, n_factors)) @ loadings + rng.standard_normal((400, 40))
    assert estimators._factors_above_noise(values) == n_factors
    assert estimators._factors_above_noise(1e-12 * values + 3e-12) == n_factors


def test_factors_of_nothing():
    assert estimators._factors_above_noise(np.random.default_rng(7).normal(size=(30, 1))) == 1
    with pytest.raises(DataError, match=r"1 asset\(s\) never move"):
        estimators._factors_above_noise(np.column_stack([np.arange(9.0), np.full(9, 0.1)]))


def test_both_steps_are_those_of_the_recommended_estimate():
    """Without a model, and all weight on the sample, the two are the same."""
    found = with_time_steps(ESTIMATORS["sample"])(RETURNS, None)
    fitted = mixed_model.fit(RETURNS, GROUPS)
    sample = fitted.components()["sample"] / (1 - fitted.intensity)
    np.testing.assert_allclose(found, sample, rtol=1e-10)


def test_controls_are_peers_with_steps_and_the_estimate_without_groups():
    for name, control in CONTROLS.items():
        if name == "mixed model, no groups":
            expected = mixed_model.covariance(RETURNS)
        else:
            peer = ESTIMATORS[name.removesuffix(" + steps")]
            assert control.colour == peer.colour
            expected = with_time_steps(peer)(RETURNS, GROUPS)
        pd.testing.assert_frame_equal(control(RETURNS, GROUPS), expected)
