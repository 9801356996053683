"""Covariance estimators against NumPy, pandas and their definitions."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import covariance
from mixfolio.errors import DataError


def table(seed=0, shape=(60, 4)):
    names = [f"asset{j}" for j in range(shape[1])]
    dates = pd.date_range("2001-01-31", periods=shape[0], freq="ME")
    values = np.random.default_rng(seed).normal(0.01, 0.04, size=shape)
    values[:, 0] += values[:, -1]
    return pd.DataFrame(values, dates, names)


@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (60, 4), (500, 30)], ids=str)
def test_sample_is_that_of_numpy(shape):
    returns = table(1, shape)
    expected = np.atleast_2d(np.cov(returns.T))
    found = covariance.sample(returns.to_numpy())
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-17)


def test_sample_by_hand():
    returns = [[0.01, 0.04], [0.03, 0.00], [0.05, -0.01]]
    # Deviations (-.02, 0, .02) and (.03, -.01, -.02); products over T - 1 = 2.
    expected = [[0.0004, -0.0005], [-0.0005, 0.0007]]
    np.testing.assert_allclose(covariance.sample(returns), expected, rtol=1e-13)


@pytest.mark.parametrize("halflife", [0.5, 3.0, 12.0, 60.0])
def test_ewma_is_that_of_pandas(halflife):
    returns = table(2)
    expected = returns.ewm(halflife=halflife).cov(bias=False).loc[returns.index[-1]]
    pd.testing.assert_frame_equal(
        covariance.ewma(returns, halflife=halflife),
        expected,
        rtol=1e-12,
        atol=1e-16,
        check_names=False,
    )


def test_ewma_by_hand():
    """Weights 1/3 and 2/3: mean .03, sum p d^2 = .0002, 1 - sum p^2 = 4/9."""
    found = covariance.ewma([[0.01], [0.04]], halflife=1.0)
    assert found[0, 0] == pytest.approx(0.0002 / (4 / 9), rel=1e-13)


def test_ewma_looks_at_the_latest_rows_most():
    returns = table(3)
    calm = returns.copy()
    calm.iloc[-20:] *= 0.1
    assert np.trace(covariance.ewma(calm, halflife=5)) < 0.1 * np.trace(covariance.sample(calm))
    assert np.trace(covariance.ewma(calm[::-1], halflife=5)) > np.trace(covariance.sample(calm))


@pytest.mark.parametrize(("halflife", "tolerance"), [(1e5, 1e-2), (1e9, 1e-6), (np.inf, 1e-14)])
def test_a_long_halflife_gives_the_sample_covariance(halflife, tolerance):
    returns = table(4).to_numpy()
    expected = covariance.sample(returns)
    miss = np.abs(covariance.ewma(returns, halflife=halflife) - expected).max()
    assert miss <= tolerance * np.abs(expected).max()


ESTIMATORS = {
    "sample": covariance.sample,
    "ewma": lambda returns: covariance.ewma(returns, halflife=12),
}
estimators = pytest.mark.parametrize("estimate", ESTIMATORS.values(), ids=ESTIMATORS)


@estimators
@pytest.mark.parametrize("shape", [(2, 6), (10, 10), (60, 4)], ids=str)
def test_estimates_are_positive_semidefinite(estimate, shape):
    found = estimate(table(5, shape).to_numpy())
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-18)
    eigenvalues = np.linalg.eigvalsh(found)
    assert eigenvalues[0] >= -1e-14 * eigenvalues[-1]
    assert (eigenvalues > 1e-12 * eigenvalues[-1]).sum() == min(shape[1], shape[0] - 1)


@estimators
def test_labels_in_labels_out(estimate):
    returns = table(6)
    found = estimate(returns)
    assert list(found.index) == list(found.columns) == list(returns.columns)
    np.testing.assert_array_equal(found.to_numpy(), estimate(returns.to_numpy()))


@estimators
def test_level_and_units(estimate):
    returns = table(7).to_numpy()
    np.testing.assert_allclose(estimate(5 + 100 * returns), 1e4 * estimate(returns), rtol=1e-9)


@estimators
def test_order_of_assets(estimate):
    returns = table(8)
    order = list(returns.columns[[2, 0, 3, 1]])
    pd.testing.assert_frame_equal(
        estimate(returns[order]), estimate(returns).loc[order, order], rtol=1e-13
    )


@estimators
def test_inputs_are_left_alone(estimate):
    values = np.asfortranarray(table(9).to_numpy(copy=True))
    kept = values.copy()
    values.flags.writeable = False
    estimate(values)
    np.testing.assert_array_equal(values, kept)


@estimators
def test_one_period_is_too_short(estimate):
    with pytest.raises(DataError, match=r"1 period\(s\); this method needs at least 2"):
        estimate(table().iloc[:1])


@pytest.mark.parametrize("halflife", [0, -3, np.nan, "long", None])
def test_halflife_is_a_positive_number(halflife):
    with pytest.raises(DataError, match=r"halflife is .*; it must be a"):
        covariance.ewma(table(), halflife=halflife)


@pytest.mark.parametrize("halflife", [1e-3, 0.02, 0.04])
def test_halflife_that_leaves_one_period(halflife):
    with pytest.raises(DataError, match=r"so short that the last period has all .* longer"):
        covariance.ewma(table(), halflife=halflife)
