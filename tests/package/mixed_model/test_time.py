"""The steps that concern time: half-lives, prices that stand still, recent factors."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mixfolio import datasets, mixed_model, optimization, portfolio, relationship
from mixfolio.errors import DataError

RNG = np.random.default_rng(3)
N_PERIODS, NAMES = 250, list("abcdef")
DAYS = pd.bdate_range("2020-01-01", periods=N_PERIODS)
RETURNS = pd.DataFrame(
    0.01 * (RNG.standard_normal((N_PERIODS, 1)) + RNG.standard_normal((N_PERIODS, 6))), DAYS, NAMES
)


@pytest.mark.parametrize(
    ("step", "periods_per_year"), [("B", 252), ("W-FRI", 52), ("ME", 12), ("QE", 4), ("YE", 1)]
)
def test_the_half_life_is_a_time(step, periods_per_year):
    dates = pd.date_range("2000-01-01", periods=30, freq=step)
    spans = dates.to_period(step[:1].replace("B", "D"))
    for table in (RETURNS[:30].set_axis(dates), RETURNS[:30].set_axis(spans)):
        assert mixed_model.usual_halflife(table) == pytest.approx(np.sqrt(52 * periods_per_year))


@pytest.mark.parametrize(
    "returns",
    [
        RETURNS.to_numpy(),
        RETURNS.to_numpy().tolist(),
        RETURNS.reset_index(drop=True),
        RETURNS[:2],
        RETURNS[:9].set_axis(pd.date_range("2020", periods=9, freq="h")),
    ],
    ids=["array", "lists", "numbers", "two", "hours"],
)
def test_without_a_calendar_all_periods_count_the_same(returns):
    assert mixed_model.usual_halflife(returns) == np.inf


def test_the_length_of_the_window_does_not_change_the_half_life():
    for window in (63, 250):
        past = RETURNS[-window:]
        found = mixed_model.covariance(past)
        expected = mixed_model.covariance(past, halflife=np.sqrt(52 * 252))
        pd.testing.assert_frame_equal(found, expected)


# ------------------------------------------------------------------ prices that stand still


def stale(kind):
    """Returns of which the first asset does not move, or hardly."""
    table = RETURNS.copy()
    if kind == "one jump":
        table["a"] = 0.0
        table.iloc[100, 0] = 0.3
    elif kind == "halted":
        table.iloc[-40:, 0] = 0.0
    elif kind == "weekly prices":
        table.loc[np.arange(N_PERIODS) % 5 > 0, "a"] = 0.0
    elif kind == "rounding":
        table["a"] = 1e-9 * RNG.standard_normal(N_PERIODS)
        table.iloc[20, 0] = -0.2
    return table


@pytest.mark.parametrize("kind", ["one jump", "halted", "weekly prices", "rounding"])
def test_what_does_not_move_is_named_and_gets_no_cap(kind):
    table = stale(kind)
    with pytest.warns(UserWarning, match=r"1 asset\(s\) stand still .*, the first is a\."):
        V = mixed_model.covariance(table)
    moving = table["a"].abs() > 1e-4 * table["a"].abs().max()
    deviations = (table["a"] - table["a"].mean())[moving]
    correction = N_PERIODS / (N_PERIODS - 1)
    assert V.loc["a", "a"] == pytest.approx(correction * (deviations**2).mean(), rel=0.2)
    with pytest.warns(UserWarning, match="first is a"):
        found = portfolio.mixed_model_portfolio(table, max_position=0.5)
    assert found.weights["a"] < 0.45
    with pytest.warns(UserWarning, match="first is a"):
        shrunk = portfolio.mixed_model_portfolio(table, max_position=0.5, min_heritability=1.0)
    assert shrunk.used == "shrinkage"
    assert shrunk.weights["a"] < 0.45
    assert found.weights["a"] < optimization.minimum_variance(table.cov())["a"]


def test_ordinary_returns_are_not_stale():
    some_zeros = RETURNS.mask(RNG.random(RETURNS.shape) < 0.3, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mixed_model.covariance(RETURNS)
        mixed_model.covariance(some_zeros)
        for name in ("stocks-weekly", "asset-classes"):
            mixed_model.covariance(datasets.load(name).iloc[-121:-1])


# ------------------------------------------------------------------ recent factors


def worlds(market):
    """A one-factor world whose market has the given standard deviations over time."""
    rng = np.random.default_rng(8)
    f = market[:, None] * rng.standard_normal((len(market), 1))
    loadings = rng.uniform(0.5, 1.5, 30)
    noise = rng.standard_normal((len(market), 30))
    return pd.DataFrame(0.01 * (f * loadings + noise))


def mean_correlation(V):
    spread = np.sqrt(np.diagonal(V))
    R = V / np.outer(spread, spread)
    return (R.to_numpy().sum() - len(R)) / (len(R) * (len(R) - 1))


@pytest.mark.parametrize(("last", "rises"), [(3.0, True), (0.3, False)])
def test_a_market_that_becomes_wild_raises_correlations(last, rises):
    returns = worlds(np.r_[np.ones(400), np.full(100, last)])
    plain = mixed_model.covariance(returns, halflife=60)
    renewed = mixed_model.covariance(returns, halflife=60, recent_factors=True)
    assert (mean_correlation(renewed) > mean_correlation(plain)) == rises
    np.testing.assert_allclose(np.diagonal(renewed), np.diagonal(plain), rtol=1e-12)
    assert np.linalg.eigvalsh(renewed)[0] > 0


def test_with_all_periods_alike_recent_factors_change_nothing():
    plain = mixed_model.covariance(RETURNS, halflife=np.inf)
    renewed = mixed_model.covariance(RETURNS, halflife=np.inf, recent_factors=True)
    pd.testing.assert_frame_equal(renewed, plain, rtol=1e-12)


def test_recent_factors_are_those_of_the_definition():
    """Step by step, from the fit, with loops."""
    found = mixed_model.fit(RETURNS, halflife=60)
    L = found.model.loadings.to_numpy()
    own = np.asarray(found.model.specific_variance)
    Y = (RETURNS - RETURNS.mean()).to_numpy()
    F = np.array([L.T @ np.diag(1 / own) @ y / (1 + L.T @ np.diag(1 / own) @ L)[0, 0] for y in Y])
    U = Y - F @ L.T
    w = np.array([0.5 ** ((N_PERIODS - 1 - t) / 60) for t in range(N_PERIODS)])
    w /= w.sum()
    specific = np.mean([w @ u**2 / np.mean(u**2) for u in U.T])
    rho = np.clip(np.sqrt(w @ F[:, 0] ** 2 / np.mean(F[:, 0] ** 2) / specific), 0.25, 4)
    V = found.covariance().to_numpy()
    scale = found._scale[:, None] * L
    after = V + 0.9 * (rho - 1) * scale @ scale.T
    size = np.sqrt(np.diagonal(V) / np.diagonal(after))
    expected = after * np.outer(size, size)
    renewed = mixed_model.covariance(RETURNS, halflife=60, recent_factors=True)
    np.testing.assert_allclose(renewed, expected, rtol=1e-9)


def test_recent_factors_need_loadings():
    K = relationship.from_groups(pd.Series(list("xxyyzz"), NAMES))
    with pytest.raises(DataError, match="recent_factors needs loadings"):
        mixed_model.covariance(RETURNS, relationship=K, recent_factors=True)
