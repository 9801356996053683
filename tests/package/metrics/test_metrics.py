"""Measures against hand-computed numbers and their definitions."""

import inspect
import math

import numpy as np
import pandas as pd
import pytest

from mixfolio import expected_returns, metrics, optimization
from mixfolio.errors import DataError, SingularCovarianceError

RETURNS = [0.10, -0.20, 0.05, 0.00]
COVARIANCE = np.array([[0.04, 0.01], [0.01, 0.09]])
RANDOM = np.random.default_rng(0).normal(0.01, 0.05, 240)

BY_HAND = [
    # Squared deviations from -.0125 add up to .051875; divided by 3.
    ("annualised_volatility", {"periods_per_year": 1}, math.sqrt(0.051875 / 3)),
    ("annualised_volatility", {"periods_per_year": 12}, math.sqrt(12 * 0.051875 / 3)),
    ("sharpe_ratio", {}, -0.0125 / math.sqrt(0.051875 / 3)),
    ("sharpe_ratio", {"periods_per_year": 4}, -0.025 / math.sqrt(0.051875 / 3)),
    ("certainty_equivalent", {"risk_aversion": 0}, -0.0125),
    ("certainty_equivalent", {"risk_aversion": 4}, -0.0125 - 2 * 0.051875 / 3),
    ("downside_deviation", {}, math.sqrt(0.04 / 4)),
    ("downside_deviation", {"floor": 0.05}, math.sqrt((0.0625 + 0.0025) / 4)),
    ("downside_deviation", {"periods_per_year": 12}, math.sqrt(12 * 0.04 / 4)),
    ("maximum_drawdown", {}, -0.2),
]


@pytest.mark.parametrize(("name", "options", "expected"), BY_HAND)
@pytest.mark.parametrize("form", [list, np.array, pd.Series])
def test_measures_of_a_series_by_hand(name, options, expected, form):
    found = getattr(metrics, name)(form(RETURNS), **options)
    assert type(found) is float
    assert found == pytest.approx(expected, rel=1e-13)


def test_ruin():
    assert metrics.maximum_drawdown([0.5, -1.0, 0.5]) == -1.0


def test_no_shortfall_at_all():
    assert metrics.downside_deviation([0.0, 0.1]) == 0.0


@pytest.mark.parametrize("periods_per_year", [1.0, 12.0, 252.0])
def test_scaling_with_time(periods_per_year):
    root = math.sqrt(periods_per_year)
    assert metrics.annualised_volatility(RANDOM, periods_per_year) == pytest.approx(
        root * np.std(RANDOM, ddof=1), rel=1e-13
    )
    assert metrics.sharpe_ratio(RANDOM, periods_per_year) == pytest.approx(
        root * RANDOM.mean() / np.std(RANDOM, ddof=1), rel=1e-13
    )


def test_wealth_and_drawdown_are_loops():
    level, peak, levels, losses = 1.0, 1.0, [], []
    for r in RANDOM:
        level *= 1 + r
        peak = max(peak, level)
        levels.append(level)
        losses.append(level / peak - 1)
    np.testing.assert_allclose(metrics.wealth(RANDOM), levels, rtol=1e-13)
    np.testing.assert_allclose(metrics.drawdown(RANDOM), losses, rtol=0, atol=1e-14)
    assert metrics.maximum_drawdown(RANDOM) == pytest.approx(min(losses), rel=1e-13)


def test_drawdown_starts_from_a_wealth_of_one():
    """A loss in the first period is a loss, and the way back ends at one."""
    assert metrics.drawdown([-0.5, 0.5, 1.0]).tolist() == pytest.approx([-0.5, -0.25, 0.0])
    assert metrics.maximum_drawdown([-0.1, 0.0, 0.0]) == pytest.approx(-0.1)
    assert metrics.maximum_drawdown([0.1, 0.2]) == 0.0


@pytest.mark.parametrize("measure", [metrics.wealth, metrics.drawdown])
def test_series_keep_their_dates(measure):
    series = pd.Series(RETURNS, pd.date_range("2020-01-31", periods=4, freq="ME"))
    found = measure(series)
    pd.testing.assert_index_equal(found.index, series.index)
    np.testing.assert_array_equal(found, measure(np.array(RETURNS)))
    assert type(measure(np.array(RETURNS))) is np.ndarray


# ------------------------------------------------------------------- measures of a portfolio


def test_measures_of_a_portfolio_by_hand():
    """Weights .5 and .5: variance (.04 + .02 + .09) / 4; marginal risks .025 and .05."""
    w = [0.5, 0.5]
    assert metrics.volatility(w, COVARIANCE) == pytest.approx(math.sqrt(0.0375), rel=1e-14)
    assert metrics.diversification_ratio(w, COVARIANCE) == pytest.approx(
        0.25 / math.sqrt(0.0375), rel=1e-14
    )
    np.testing.assert_allclose(
        metrics.risk_contributions(w, COVARIANCE), [1 / 3, 2 / 3], rtol=1e-14
    )


def test_contributions_add_up_and_hedges_count_negatively():
    contributions = metrics.risk_contributions([1.2, -0.2], COVARIANCE)
    assert contributions.sum() == pytest.approx(1.0, abs=1e-14)
    hedge = metrics.risk_contributions([0.9, 0.1], [[0.04, -0.03], [-0.03, 0.09]])
    assert hedge[1] < 0 < hedge[0]


def test_one_asset_diversifies_nothing():
    assert metrics.diversification_ratio([1.0, 0.0], COVARIANCE) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    "measure", [metrics.volatility, metrics.diversification_ratio, metrics.risk_contributions]
)
def test_weights_are_matched_by_label(measure):
    labelled = pd.DataFrame(COVARIANCE, ["a", "b"], ["a", "b"])
    expected = measure([0.7, 0.3], COVARIANCE)
    found = measure(pd.Series({"b": 0.3, "a": 0.7}), labelled)
    np.testing.assert_array_equal(np.asarray(found), expected)
    if measure is metrics.risk_contributions:
        assert list(found.index) == ["a", "b"]


@pytest.mark.parametrize(
    ("weights", "number", "gross"),
    [([0.25] * 4, 4.0, 1.0), ([1, 0, 0], 1.0, 1.0), ([1.5, -0.5], 0.4, 2.0)],
)
def test_effective_number_and_gross_exposure(weights, number, gross):
    assert metrics.effective_number(weights) == pytest.approx(number, rel=1e-14)
    assert metrics.gross_exposure(weights) == pytest.approx(gross, rel=1e-14)


def test_turnover_counts_purchases_and_sales():
    assert metrics.turnover([0.2, 0.5, 0.3], [0.4, 0.3, 0.3]) == pytest.approx(0.4, abs=1e-15)
    assert metrics.turnover([0.0, 1.0], [1.0, 0.0]) == 2.0
    now = pd.Series({"a": 0.2, "b": 0.5, "c": 0.3})
    before = pd.Series({"c": 0.3, "b": 0.3, "a": 0.4})
    assert metrics.turnover(now, before) == pytest.approx(0.4, abs=1e-15)


# ------------------------------------------------------------------------------ frames

RECORDS = pd.DataFrame(
    {
        ("mine", "net"): RANDOM[:60],
        ("mine", "gross"): RANDOM[60:120],
        ("1/N", "net"): RANDOM[120:180],
    },
    pd.date_range("2001-01-31", periods=60, freq="ME"),
)
HELD = pd.DataFrame({"mine": [0.7, 0.3], "1/N": [0.5, 0.5]}, ["a", "b"])
LABELLED = pd.DataFrame(COVARIANCE, ["a", "b"], ["a", "b"])
OF_FRAMES = [
    (metrics.annualised_volatility, RECORDS, {"periods_per_year": 12}),
    (metrics.sharpe_ratio, RECORDS, {"periods_per_year": 12}),
    (metrics.certainty_equivalent, RECORDS, {"risk_aversion": 3}),
    (metrics.downside_deviation, RECORDS, {"floor": 0.01}),
    (metrics.maximum_drawdown, RECORDS, {}),
    (metrics.wealth, RECORDS, {}),
    (metrics.drawdown, RECORDS, {}),
    (metrics.volatility, HELD, {"covariance": LABELLED}),
    (metrics.diversification_ratio, HELD, {"covariance": LABELLED}),
    (metrics.risk_contributions, HELD, {"covariance": LABELLED}),
    (metrics.effective_number, HELD, {}),
    (metrics.distance_to_equal, HELD, {}),
    (metrics.gross_exposure, HELD, {}),
    (metrics.turnover, HELD, {"previous": [0.5, 0.5]}),
]


def test_every_measure_takes_a_frame():
    taken = {measure.__name__ for measure, *_ in OF_FRAMES}
    assert taken == {name for name in metrics.__all__ if name.islower()} - {"risk_attribution"}


@pytest.mark.parametrize(("measure", "frame", "options"), OF_FRAMES)
@pytest.mark.parametrize("named", [False, True], ids=["by place", "by name"])
def test_a_frame_is_measured_column_by_column(measure, frame, options, named):
    first = next(iter(inspect.signature(measure).parameters))
    found = measure(**{first: frame}, **options) if named else measure(frame, **options)
    labels = found.columns if isinstance(found, pd.DataFrame) else found.index
    pd.testing.assert_index_equal(labels, frame.columns)
    for column in frame:
        alone = measure(frame[column], **options)
        np.testing.assert_array_equal(found[column], alone)
        if isinstance(alone, pd.Series):
            pd.testing.assert_index_equal(found.index, frame.index)


def test_a_column_that_cannot_be_measured_is_named():
    holed = RECORDS.copy()
    holed.iloc[7, 1] = np.nan
    with pytest.raises(DataError, match=r"column \('mine', 'gross'\): .* position 7"):
        metrics.sharpe_ratio(holed)
    with pytest.raises(DataError, match="returns is a table without columns"):
        metrics.wealth(RECORDS.iloc[:, :0])


# ---------------------------------------------------------------------------- refusals

SERIES = [
    "annualised_volatility",
    "sharpe_ratio",
    "certainty_equivalent",
    "downside_deviation",
    "wealth",
    "drawdown",
    "maximum_drawdown",
    "effective_number",
    "gross_exposure",
]
NEEDED = {
    "annualised_volatility": {"periods_per_year": 12},
    "certainty_equivalent": {"risk_aversion": 1},
}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.1, np.nan, 0.2, np.inf], r"2 missing or infinite .* position 1\. Drop or fill"),
        ([], r"shape \(0,\); it must be one series"),
        ([[0.1, 0.2]], r"shape \(1, 2\); it must be one series"),
        (["0.1", "n/a"], r"not a number .*n/a"),
    ],
    ids=["missing", "empty", "table", "text"],
)
def test_series_that_cannot_be_measured(name, values, message):
    with pytest.raises(DataError, match=message):
        getattr(metrics, name)(values, **NEEDED.get(name, {}))


@pytest.mark.parametrize("name", ["annualised_volatility", "sharpe_ratio", "certainty_equivalent"])
def test_a_variance_needs_two_periods(name):
    with pytest.raises(DataError, match=r"at least 2 period"):
        getattr(metrics, name)([0.1], **NEEDED.get(name, {}))


@pytest.mark.parametrize("value", [0.0, 0.01, 1 / 3])
def test_a_constant_series_has_no_sharpe_ratio(value):
    with pytest.raises(DataError, match=r"never change; .*variance above zero"):
        metrics.sharpe_ratio([value] * 7)


@pytest.mark.parametrize("measure", [metrics.diversification_ratio, metrics.risk_contributions])
def test_a_portfolio_without_risk(measure):
    with pytest.raises(DataError, match=r"no variance"):
        measure([0.0, 0.0], COVARIANCE)
    assert metrics.volatility([0.0, 0.0], COVARIANCE) == 0.0


@pytest.mark.parametrize(
    "measure", [metrics.volatility, metrics.diversification_ratio, metrics.risk_contributions]
)
def test_a_negative_variance(measure):
    with pytest.raises(
        SingularCovarianceError, match=r"indefinite: .* is -1, a negative eigenvalue.*clip"
    ):
        measure([1.0, -1.0], [[1.0, 2.0], [2.0, 1.0]])


def test_no_portfolio_at_all():
    with pytest.raises(DataError, match="all weights are zero"):
        metrics.effective_number([0.0, 0.0])


@pytest.mark.parametrize("other", [[0.5, 0.5], pd.Series({"a": 0.5, "b": 0.3, "x": 0.2})])
def test_portfolios_of_different_assets(other):
    now = pd.Series({"a": 0.2, "b": 0.5, "c": 0.3})
    with pytest.raises(DataError, match=r"one entry (an|per) asset|1 missing \['c'\], 1 unknown"):
        metrics.turnover(now, other)


def test_effective_number_and_distance():
    w = np.array([0.7, 0.3, 0.0, 0.0])
    assert metrics.effective_number(w) == pytest.approx(1 / 0.58)
    assert metrics.distance_to_equal(w) == pytest.approx(0.5)
    assert metrics.distance_to_equal(np.full(4, 0.25)) == 0
    assert metrics.distance_to_equal([2.0, -1.0]) == pytest.approx(1.5)


@pytest.mark.parametrize("value", [0, -12, np.nan, np.inf, "12 months"], ids=repr)
@pytest.mark.parametrize(
    "measure",
    [metrics.annualised_volatility, metrics.sharpe_ratio, metrics.downside_deviation],
    ids=lambda f: f.__name__,
)
def test_impossible_numbers_of_periods_are_named(measure, value):
    with pytest.raises(DataError, match="periods_per_year is"):
        measure([0.01, -0.02, 0.03], value)


INDEFINITE = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])


@pytest.mark.parametrize(
    "measure",
    [
        metrics.volatility,
        metrics.diversification_ratio,
        metrics.risk_contributions,
        lambda _, matrix: optimization.risk_parity(matrix),
        lambda w, matrix: expected_returns.black_litterman(matrix, w),
        lambda w, matrix: expected_returns.view_matrices([], matrix, w),
        lambda _, matrix: expected_returns.james_stein(np.eye(4, 3), covariance=matrix),
    ],
    ids=["volatility", "ratio", "contributions", "parity", "equilibrium", "views", "james_stein"],
)
def test_indefinite_covariances_are_refused_where_the_portfolio_does_not_show_it(measure):
    w = np.full(3, 1 / 3)
    assert w @ INDEFINITE @ w > 0
    scale = np.array([1e-6, 1.0, 100.0])
    for matrix in (INDEFINITE, INDEFINITE * np.outer(scale, scale)):
        with pytest.raises(SingularCovarianceError, match=r"indefinite: .* is -0\.8, .*shrink"):
            measure(w, matrix)
    singular = np.cov(np.random.default_rng(0).normal(size=(3, 3)).T)
    measure(w, singular)
    measure(w, singular.astype(np.float32))


def test_a_variance_below_zero_is_refused_and_one_of_zero_has_no_shares():
    """Long one, short the other of two assets that correlate by a little more than 1."""
    beyond = np.array([[1.0, 1 + 1e-13], [1 + 1e-13, 1.0]])
    with pytest.raises(SingularCovarianceError, match=r"variance is -2e-13.*clip"):
        metrics.volatility([1.0, -1.0], beyond)
    assert metrics.volatility([1.0, -1.0], np.ones((2, 2))) == 0
    with pytest.raises(DataError, match="no variance"):
        metrics.risk_contributions([1.0, -1.0], np.ones((2, 2)))


def test_one_period_is_a_record_and_none_is_not():
    assert metrics.maximum_drawdown([-0.1]) == pytest.approx(-0.1)
    assert metrics.maximum_drawdown([0.1]) == 0
    assert metrics.downside_deviation([-0.1]) == pytest.approx(0.1)
    with pytest.raises(DataError, match=r"shape \(0,\)"):
        metrics.maximum_drawdown([])
