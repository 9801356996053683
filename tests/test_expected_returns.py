"""Expected returns against a literal reading of Jorion (1986)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio import expected_returns
from mixfolio.errors import DataError, SingularCovarianceError


def table(seed=0, shape=(60, 4), spread=0.01):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1])) * 0.02
    values += rng.normal(0, spread, shape[1])
    names = [f"asset{j}" for j in range(shape[1])]
    return pd.DataFrame(values, pd.date_range("2001-01-31", periods=shape[0], freq="ME"), names)


def literal(returns):
    """Equations 14 to 17 with explicit inverses and the prior precision itself."""
    T, N = returns.shape
    m = returns.sum(axis=0) / T
    S = sum(np.outer(r - m, r - m) for r in returns) / (T - 1)
    V = S * (T - 1) / (T - N - 2)
    inverse, ones = np.linalg.inv(V), np.ones(N)
    m0 = (ones @ inverse @ m) / (ones @ inverse @ ones)
    distance = (m - m0 * ones) @ inverse @ (m - m0 * ones)
    phi = (N + 2) / ((N + 2) + T * distance)
    precision = (N + 2) / distance
    assert phi == pytest.approx(precision / (T + precision), rel=1e-12)
    covariance = V * (1 + 1 / (T + precision)) + precision / (T * (T + 1 + precision)) * np.outer(
        ones, ones
    ) / (ones @ inverse @ ones)
    return (1 - phi) * m + phi * m0, covariance, phi, m0


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12), extra=st.integers(3, 200))
@settings(max_examples=40)
def test_bayes_stein_is_jorions(seed, n, extra):
    returns = table(seed, (n + extra, n)).to_numpy()
    mean, covariance, phi, m0 = literal(returns)
    found = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-12)
    assert found.intensity == pytest.approx(phi, rel=1e-6)
    assert found.target == pytest.approx(m0, rel=1e-5, abs=1e-9)
    assert 0 < found.intensity < 1
    np.testing.assert_array_equal(expected_returns.bayes_stein(returns), found.mean)


def test_intensity_falls_as_means_spread_and_the_sample_grows():
    returns = table(1, (60, 4), spread=0.0).to_numpy()
    centred = returns - returns.mean(axis=0)
    ladder = np.array([-1.5, -0.5, 0.5, 1.5])
    intensities = [
        expected_returns.bayes_stein_moments(centred + size * ladder).intensity
        for size in (1e-6, 1e-3, 1e-2, 1.0)
    ]
    assert intensities[0] == pytest.approx(1.0, abs=1e-4)
    assert intensities[-1] == pytest.approx(0.0, abs=1e-2)
    assert (np.diff(intensities) < -1e-3).all()
    once = expected_returns.bayes_stein_moments(centred + 0.001 * ladder)
    often = expected_returns.bayes_stein_moments(np.tile(centred + 0.001 * ladder, (50, 1)))
    assert often.intensity < 0.2 * once.intensity


@pytest.mark.parametrize("n", [1, 3])
def test_equal_means_are_shrunk_completely(n):
    """The limit of a prior that knows: all means equal, and one asset always."""
    returns = table(2, (40, n)).to_numpy(copy=True)
    returns += 0.005 - returns.mean(axis=0)
    found = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(found.mean, 0.005, rtol=1e-10)
    assert found.intensity == pytest.approx(1.0, abs=1e-10)
    V = np.atleast_2d(np.cov(returns.T)) * 39 / (40 - n - 2)
    np.testing.assert_allclose(found.covariance, V + 1 / 40 / np.linalg.inv(V).sum(), rtol=1e-8)


def test_shrinkage_keeps_the_order_and_the_target():
    returns = table(3)
    raw = expected_returns.sample(returns)
    found = expected_returns.bayes_stein_moments(returns)
    assert list(found.mean.sort_values().index) == list(raw.sort_values().index)
    np.testing.assert_allclose(
        found.mean - found.target, (1 - found.intensity) * (raw - found.target), rtol=1e-12
    )


def test_sample_is_the_arithmetic_mean():
    returns = pd.DataFrame({"a": [0.01, 0.03, -0.01], "b": [0.0, 0.1, 0.2]})
    pd.testing.assert_series_equal(
        expected_returns.sample(returns), pd.Series({"a": 0.01, "b": 0.1}), check_names=False
    )
    found = expected_returns.sample(returns.to_numpy())
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, [0.01, 0.1], rtol=1e-14)


def test_labels_in_labels_out():
    returns = table(4)
    found = expected_returns.bayes_stein_moments(returns)
    assert list(found.mean.index) == list(found.covariance.index) == list(returns.columns)
    assert list(found.covariance.columns) == list(returns.columns)
    plain = expected_returns.bayes_stein_moments(returns.to_numpy())
    assert type(plain.mean) is np.ndarray
    np.testing.assert_array_equal(found.mean, plain.mean)
    np.testing.assert_array_equal(found.covariance, plain.covariance)


def test_order_of_assets():
    returns = table(5)
    order = list(returns.columns[[2, 0, 3, 1]])
    pd.testing.assert_series_equal(
        expected_returns.bayes_stein(returns[order]),
        expected_returns.bayes_stein(returns)[order],
        rtol=1e-10,
    )


def test_units():
    returns = table(6).to_numpy()
    percent = expected_returns.bayes_stein_moments(100 * returns)
    plain = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(percent.mean, 100 * plain.mean, rtol=1e-10)
    np.testing.assert_allclose(percent.covariance, 1e4 * plain.covariance, rtol=1e-10)
    assert percent.intensity == pytest.approx(plain.intensity, rel=1e-10)


def test_too_few_periods():
    with pytest.raises(DataError, match=r"6 periods for 4 assets; .*needs at least 7.*longer"):
        expected_returns.bayes_stein(table(7, (6, 4)))
    expected_returns.bayes_stein(table(7, (7, 4)))


def test_an_asset_that_is_a_mixture_of_others_is_always_noticed():
    for seed in range(60):
        returns = table(seed, (60, 5)).to_numpy()
        mixture = returns @ np.random.default_rng(seed).dirichlet(np.ones(5))
        with pytest.raises(SingularCovarianceError, match=r"rank is 5 of 6"):
            expected_returns.bayes_stein(np.column_stack([returns, mixture]))
