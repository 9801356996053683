"""The strategies of DeMiguel, Garlappi and Uppal (2009), down to their printed figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixfolio import datasets, metrics
from mixfolio.backtest import _engine as backtest
from mixfolio.errors import DataError, MixfolioError, SingularCovarianceError
from mixfolio.studies import one_over_n as strategies

GOLDEN = Path(__file__).parents[2] / "golden"
SHARPE = pd.read_csv(GOLDEN / "published_dgu2009_table3_sharpe.csv", index_col="Strategy")
CEQ = pd.read_csv(GOLDEN / "published_dgu2009_table4_ceq.csv", index_col="Strategy")
STUDY = strategies.demiguel_garlappi_uppal()

SETS = {
    "dgu-sectors": "S&P_sectors",
    "dgu-industry": "industry",
    "dgu-international": "international",
}
EXACT = ["EW", "MV", "BS", "MIN", "MIN-C", "G-MIN-C", "VW", "MP", "MV-MIN", "EW-MIN"]
ALSO_EXACT = {"dgu-sectors": ["MV-C", "BS-C"], "dgu-industry": [], "dgu-international": []}
MONTHS = 120
HALF_A_UNIT = 0.5e-4 * (1 + 1e-6)


@pytest.mark.parametrize("data", SETS)
def test_published_figures_to_four_decimals(data):
    """Sharpe ratio and certainty equivalent at risk aversion 1, per month, out of sample."""
    names = [*EXACT, *ALSO_EXACT[data]]
    bill = datasets.load(data, role="risk_free").iloc[:, 0]
    earned = backtest.walk_forward(
        datasets.load(data), {name: STUDY[name] for name in names}, window=MONTHS, risk_free=bill
    ).returns
    found = pd.DataFrame(
        {
            "sharpe": earned.apply(metrics.sharpe_ratio),
            "ceq": earned.apply(metrics.certainty_equivalent, risk_aversion=1.0),
        }
    )
    published = pd.DataFrame({"sharpe": SHARPE[SETS[data]], "ceq": CEQ[SETS[data]]}).loc[names]
    assert len(found) == len(names) >= 10
    differs = (found - published).abs().max(axis=1) > HALF_A_UNIT
    assert not differs.any(), f"{found[differs]}\npublished:\n{published[differs]}"


@pytest.mark.parametrize("data", SETS)
def test_published_sharpe_ratio_in_sample(data):
    """The best that a constant portfolio could have done over the evaluation period."""
    values = datasets.load(data).to_numpy()[MONTHS:]
    T, N = values.shape
    mean, V = values.mean(axis=0), np.cov(values.T) * (T - 1) / (T - N - 2)
    found = np.sqrt(mean @ np.linalg.inv(V) @ mean)
    published = SHARPE.loc["MV (in sample)", SETS[data]]
    assert found == pytest.approx(published, abs=HALF_A_UNIT, rel=0)


def past(seed=0, periods=60, n=5):
    """Excess returns with a market in the last column."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.008, 0.04, periods)
    slopes = rng.uniform(0.5, 1.5, n - 1)
    assets = 0.002 + np.outer(market, slopes) + rng.normal(0, 0.03, (periods, n - 1))
    names = [f"asset{j}" for j in range(n - 1)] + ["market"]
    dates = pd.date_range("2001-01-31", periods=periods, freq="ME")
    return pd.DataFrame(np.column_stack([assets, market]), dates, names)


def literal_moments(returns):
    values = returns.to_numpy()
    return values.mean(axis=0), np.cov(values.T), *values.shape


def normalised(direction):
    return direction / abs(direction.sum())


def literal_bayes_stein(returns):
    m, S, T, N = literal_moments(returns)
    V, ones = S * (T - 1) / (T - N - 2), np.ones(N)
    inverse = np.linalg.inv(V)
    m0 = ones @ inverse @ m / (ones @ inverse @ ones)
    d = (m - m0) @ inverse @ (m - m0)
    phi, precision = (N + 2) / (N + 2 + T * d), (N + 2) / d
    common = precision / (T * (T + 1 + precision)) / (ones @ inverse @ ones)
    predictive = V * (1 + 1 / (T + precision)) + common
    return np.linalg.inv(predictive) @ ((1 - phi) * m + phi * m0)


def literal_kan_zhou(returns):
    m, S, T, N = literal_moments(returns)
    inverse, ones = np.linalg.inv(S * (T - 1) / T), np.ones(N)
    m0 = ones @ inverse @ m / (ones @ inverse @ ones)
    slope = (m - m0) @ inverse @ (m - m0)
    weight = ((T - N - 1) * slope - (N - 1)) / T
    return weight * inverse @ m + N / T * m0 * inverse @ ones


def literal_mackinlay_pastor(returns):
    values = returns.to_numpy()
    _, _, rows = np.linalg.svd(values, full_matrices=False)
    return (rows[0] @ values.mean(axis=0)) * rows[0]


def literal_data_and_model(returns, mispricing=0.01 / 12):
    """Regress each asset on the market, shrink its intercept, rebuild the moments."""
    values = returns.to_numpy()
    T, N = values.shape
    market = values[:, -1]
    q2, s2 = market.mean() ** 2 / market.var(ddof=1), market.var(ddof=1)
    fits = [np.polyfit(market, values[:, j], 1) for j in range(N - 1)]
    slopes, intercepts = np.array(fits).T
    residuals = values[:, :-1] - intercepts - np.outer(market, slopes)
    specific = residuals.T @ residuals / (T - 2)
    spread = np.trace(specific) / (N - 1)
    shrunk = intercepts / (1 + (1 + q2) * spread / (T * mispricing**2))
    mean = np.append(shrunk + slopes * market.mean(), market.mean())
    V = np.zeros((N, N))
    V[:-1, :-1] = specific
    return np.linalg.inv(V + s2 * np.outer([*slopes, 1], [*slopes, 1])) @ mean


LITERAL = {
    "DM": literal_data_and_model,
    "EW": lambda r: np.ones(r.shape[1]),
    "VW": lambda r: np.eye(r.shape[1])[-1],
    "MV": lambda r: np.linalg.inv(r.cov()) @ r.mean(),
    "MIN": lambda r: np.linalg.inv(r.cov()).sum(axis=0),
    "BS": literal_bayes_stein,
    "MP": literal_mackinlay_pastor,
    "MV-MIN": literal_kan_zhou,
}


@pytest.mark.parametrize("name", LITERAL)
@pytest.mark.parametrize("seed", range(4))
def test_strategies_are_their_formulas(name, seed):
    returns = past(seed)
    expected = normalised(np.asarray(LITERAL[name](returns)))
    np.testing.assert_allclose(STUDY[name](returns), expected, rtol=1e-9, atol=1e-12)


def test_mixture_of_equal_and_minimum_variance_beats_both_in_expectation():
    """Its weights minimise the expected variance that the Wishart moments give."""
    returns = past(1)
    _, S, T, N = literal_moments(returns)
    V, ones = S * (T - 1) / T, np.ones(N)
    safe = np.linalg.inv(V) @ ones
    a = T / (T - N - 2)
    b = T**2 * (T - 2) / ((T - N - 1) * (T - N - 2) * (T - N - 4))

    def expected_variance(c):
        d = (1 - c) / safe.sum()
        return c**2 * V.sum() / N**2 + 2 * a * c * d + b * d**2 * safe.sum()

    grid = np.linspace(-1, 2, 30001)
    best = grid[np.argmin([expected_variance(c) for c in grid])]
    weights = STUDY["EW-MIN"](returns)
    expected = best * ones / N + (1 - best) * safe / safe.sum()
    np.testing.assert_allclose(weights, expected, atol=1e-4)


def test_a_firm_prior_holds_the_market():
    returns = past(2)
    firm = strategies._data_and_model(returns, mispricing=1e-9)
    np.testing.assert_allclose(firm, np.eye(5)[-1], atol=1e-6)
    loose = strategies._data_and_model(returns, mispricing=1e3)
    assert np.abs(loose[:-1]).max() > 0.1


@pytest.mark.parametrize("name", ["MV-C", "BS-C", "MIN-C", "G-MIN-C"])
@pytest.mark.parametrize("seed", range(4))
def test_constrained_strategies_are_long_only(name, seed):
    weights = STUDY[name](past(seed))
    floor = 0.1 if name == "G-MIN-C" else 0.0
    assert weights.min() >= floor - 1e-15
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("name", STUDY)
@pytest.mark.parametrize("seed", range(4))
def test_every_strategy_is_labelled_and_net_one(name, seed):
    returns = past(seed)
    weights = STUDY[name](returns)
    assert list(weights.index) == list(returns.columns)
    assert abs(weights.sum()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", EXACT)
def test_units_do_not_matter(name):
    returns = past(3)
    percent, plain = STUDY[name](100 * returns), STUDY[name](returns)
    np.testing.assert_allclose(percent, plain, rtol=1e-8, atol=1e-14)


def test_a_net_short_position_stays_short():
    weights = strategies._relative_weights(np.array([1.0, -3.0]), None)
    np.testing.assert_array_equal(weights, [0.5, -1.5])
    assert strategies._mean_variance(-past(4)).sum() == pytest.approx(-1.0)


def test_no_net_position():
    with pytest.raises(DataError, match="long as much as it is short"):
        strategies._relative_weights(np.array([1.0, -1.0]), None)


@pytest.mark.parametrize("name", STUDY)
@pytest.mark.parametrize("periods", range(1, 12))
def test_short_windows_are_refused_by_name_or_work(name, periods):
    """Never a division by zero, a negative covariance or a weight that is not finite."""
    try:
        weights = STUDY[name](past(5, periods=periods))
    except MixfolioError as error:
        assert isinstance(error, DataError | SingularCovarianceError)
        return
    assert np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("name", "periods", "message"),
    [
        ("MV-C", 7, r"7 periods for 5 assets; .*at least 8"),
        ("BS-C", 7, r"7 periods for 5 assets; .*at least 8"),
        ("EW-MIN", 9, r"9 periods for 5 assets; .*at least 10.*longer window"),
        ("MIN-C", 5, r"rank is 4 of 5"),
        ("MV", 5, r"rank is 4 of 5"),
    ],
)
def test_windows_that_are_too_short(name, periods, message):
    with pytest.raises(MixfolioError, match=message):
        STUDY[name](past(6, periods=periods))
    STUDY[name](past(6, periods=periods + 1))
