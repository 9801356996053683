"""Regimes of volatility: dating without look-ahead, shrinkage by regime, refusals."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import covariance
from mixfolio.errors import DataError

NAMES = ["a", "b", "c", "d"]


def draw(n_periods=240, seed=0):
    rng = np.random.default_rng(seed)
    values = 0.01 * (rng.standard_normal((n_periods, 1)) + rng.standard_normal((n_periods, 4)))
    dates = pd.date_range("2001-01-05", periods=n_periods, freq="W-FRI")
    return pd.DataFrame(values, dates, NAMES)


def test_a_period_is_dated_by_those_before_it():
    returns = draw()
    dated = covariance.volatility_regimes(returns, span=6)
    index = returns.mean(axis=1)
    volatility = np.array([index.iloc[t - 6 : t].std() for t in range(6, 241)])
    low, high = np.quantile(volatility, [1 / 3, 2 / 3])
    expected = (volatility > low).astype(int) + (volatility > high)
    assert len(dated) == len(returns) + 1
    assert (dated[:6] == -1).all()
    np.testing.assert_array_equal(dated[6:], expected)
    np.testing.assert_allclose(np.bincount(dated[6:]), len(volatility) / 3, atol=1)


def test_the_coming_regime_does_not_need_the_coming_return():
    returns = draw()
    wild = returns.copy()
    wild.iloc[-1] *= 50
    calm, after = (covariance.volatility_regimes(each) for each in (returns, wild))
    np.testing.assert_array_equal(np.delete(calm, -1)[:-1], np.delete(after, -1)[:-1])
    assert after[-1] == 2
    assert after[-2] == calm[-2]  # the wild period itself is dated by what was before it


def test_each_regime_is_shrunk_toward_the_other_periods_at_its_level():
    returns = draw()
    dated = covariance.volatility_regimes(returns)[:-1]
    found = covariance.regime_covariances(returns, dated, covariance.linear_shrinkage)
    assert sorted(found) == [0, 1, 2]
    for regime, result in found.items():
        part = returns[dated == regime]
        others = covariance.linear_shrinkage(returns[dated != regime])
        level = np.trace(np.linalg.solve(others, part.cov())) / len(NAMES)
        expected = covariance.empirical_bayes(part, level * others)
        pd.testing.assert_frame_equal(result.covariance, expected, rtol=1e-6)
        assert result.level == pytest.approx(level, rel=1e-12)
        assert result.intensity == pytest.approx(
            covariance.empirical_bayes_intensity(part, level * others), abs=1e-6
        )
        assert result.n_periods == len(part)


def test_regimes_that_are_alike_are_pooled_and_others_are_not():
    regimes = np.random.default_rng(1).integers(0, 2, 4000)
    same = draw(4000, 2)
    louder = same.mul(1 + 2 * regimes, axis=0)  # another level, the same correlations
    for table in (same, louder):
        alike = covariance.regime_covariances(table, regimes, covariance.sample)
        assert min(each.intensity for each in alike.values()) > 0.6
    assert alike[1].level == pytest.approx(9, rel=0.1)
    turned = draw(4000, 3).to_numpy() * [1, -1, 1, -1]
    differ = pd.DataFrame(np.where(regimes[:, None] == 0, same, turned), columns=NAMES)
    apart = covariance.regime_covariances(differ, regimes, covariance.sample)
    assert max(each.intensity for each in apart.values()) < 0.3


def test_the_estimate_sees_no_period_of_the_regime_and_all_others():
    values = draw().to_numpy()
    regimes = np.full(240, -1)
    regimes[100:150] = 7
    seen = []

    def estimate(others):
        seen.append(others)
        return covariance.sample(others)

    found = covariance.regime_covariances(values, regimes, estimate)
    assert list(found) == [7]
    assert isinstance(found[7].covariance, np.ndarray)
    np.testing.assert_array_equal(seen[0], np.delete(values, np.s_[100:150], axis=0))


def test_refusals():
    returns = draw(40)
    estimate = covariance.linear_shrinkage
    with pytest.raises(DataError, match="needs at least 10"):
        covariance.volatility_regimes(returns.iloc[:9])
    with pytest.raises(DataError, match="span"):
        covariance.volatility_regimes(returns, span=1)
    for regimes in (np.zeros(39, int), np.zeros(40), np.array(["calm"] * 40)):
        with pytest.raises(DataError, match="one whole number for each of the 40 periods"):
            covariance.regime_covariances(returns, regimes, estimate)
    few = np.zeros(40, int)
    few[:1] = 1
    with pytest.raises(DataError, match=r"regime 1 has 1 period\(s\)"):
        covariance.regime_covariances(returns, few, estimate)
    still = returns.copy()
    still.iloc[:20, 1] = 0.0
    with pytest.raises(DataError, match="never move, the first is b"):
        covariance.regime_covariances(still, np.repeat([0, 1], 20), estimate)
