"""The walk-forward engine against a plain loop, and proof that it cannot see the future."""

from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest

from mixfolio.backtest import _engine as backtest
from mixfolio.backtest import _rebalancing as rebalancing
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, MixfolioError, SingularCovarianceError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import one_over_n as strategies


def table(seed=0, periods=60, n=4):
    names = [f"asset{j}" for j in range(n)]
    dates = pd.date_range("2001-01-31", periods=periods, freq="ME")
    values = np.random.default_rng(seed).normal(0.01, 0.05, size=(periods, n))
    return pd.DataFrame(values, dates, names)


def bold(past):
    """Long-short, far from 1/N, not summing to one: whatever the engine does shows."""
    return past.mean() / past.var() / 50


STRATEGIES = {
    "equal": strategies.equal_weight,
    "safe": lambda past: optimization.minimum_variance(covariance.sample(past)),
    "bold": bold,
}
RISK_FREE = pd.Series(np.linspace(0.001, 0.006, 60), table().index)


def plain_loop(returns, strategy, window, step, costs, expanding, risk_free):
    """Hold numbers of money in each asset, period after period."""
    values = returns.to_numpy()
    safe = np.broadcast_to(risk_free, len(values))
    earned, weights, turnover = [], [], []
    money, cash = None, 0.0
    for t in range(window, len(values)):
        arrived = None if money is None else money / (cash + money.sum())
        if (t - window) % step == 0:
            first = 0 if expanding else t - window
            now = np.asarray(strategy(returns.iloc[first:t]), dtype=float)
        else:
            now = arrived
        traded = np.nan if arrived is None else np.abs(now - arrived).sum()
        weights.append(now)
        turnover.append(traded)
        earned.append(now @ values[t] - costs * (0.0 if arrived is None else traded))
        money, cash = now * (1 + values[t] + safe[t]), (1 - now.sum()) * (1 + safe[t])
    return np.array(earned), np.array(weights), np.array(turnover)


@pytest.mark.parametrize("step", [1, 3, 12, 100])
@pytest.mark.parametrize("costs", [0.0, 0.005])
@pytest.mark.parametrize("expanding", [False, True])
@pytest.mark.parametrize("risk_free", [0.0, RISK_FREE], ids=["total", "excess"])
def test_engine_is_a_plain_loop(step, costs, expanding, risk_free):
    returns = table(1)
    result = backtest.walk_forward(
        returns,
        STRATEGIES,
        window=24,
        step=step,
        costs=costs,
        expanding=expanding,
        risk_free=risk_free,
    )
    for name, strategy in STRATEGIES.items():
        earned, weights, turnover = plain_loop(
            returns, strategy, 24, step, costs, expanding, risk_free
        )
        np.testing.assert_allclose(result.returns[name], earned, rtol=0, atol=1e-14)
        np.testing.assert_allclose(result.weights[name], weights, rtol=0, atol=1e-14)
        np.testing.assert_allclose(result.turnover[name], turnover, rtol=0, atol=1e-14)
    pd.testing.assert_index_equal(result.returns.index, returns.index[24:])
    assert list(result.returns.columns) == list(result.turnover.columns) == list(STRATEGIES)
    assert list(result.weights["safe"].columns) == list(returns.columns)
    pd.testing.assert_index_equal(result.weights["safe"].index, returns.index[24:])


def test_two_periods_by_hand():
    """Halves; the first asset doubles, so it holds two thirds; trade back a sixth each way."""
    returns = pd.DataFrame({"a": [0.0, 1.0, 0.1], "b": [0.0, 0.0, 0.3]})
    result = backtest.walk_forward(
        returns, {"equal": strategies.equal_weight}, window=1, costs=0.01
    )
    assert result.returns["equal"].to_list() == pytest.approx([0.5, 0.2 - 0.01 / 3])
    assert np.isnan(result.turnover["equal"].iloc[0])
    assert result.turnover["equal"].iloc[1] == pytest.approx(1 / 3)
    held = backtest.walk_forward(
        returns, {"equal": strategies.equal_weight}, window=1, step=5, costs=0.01
    )
    assert held.weights["equal"].iloc[1].to_list() == pytest.approx([2 / 3, 1 / 3])
    assert held.returns["equal"].iloc[1] == pytest.approx(0.2 / 3 + 0.1)
    assert held.turnover["equal"].iloc[1] == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("expanding", [False, True])
def test_weights_do_not_know_the_future(step, expanding):
    """Change every number after a decision: the weights decided are the same to the last bit."""
    returns = table(2)
    options = {"window": 20, "step": step, "expanding": expanding, "risk_free": 0.0}
    before = backtest.walk_forward(returns, STRATEGIES, **options)
    for decided in (20, 24, 40, 56):
        changed = returns.copy()
        changed.iloc[decided:] = np.random.default_rng(decided).normal(
            0.05, 0.2, changed.iloc[decided:].shape
        )
        after = backtest.walk_forward(changed, STRATEGIES, **options)
        for name in STRATEGIES:
            kept = slice(0, decided - 20 + 1)
            np.testing.assert_array_equal(
                after.weights[name].to_numpy()[kept], before.weights[name].to_numpy()[kept]
            )
            np.testing.assert_array_equal(
                after.returns[name].to_numpy()[: decided - 20],
                before.returns[name].to_numpy()[: decided - 20],
            )


def test_the_latest_past_matters():
    """The last row before a decision is used, so the test above is not about ignoring data."""
    returns = table(3)
    changed = returns.copy()
    changed.iloc[29] += [0.3, 0.0, -0.2, 0.1]
    before, after = (
        backtest.walk_forward(r, STRATEGIES, window=20, risk_free=0.0).weights["safe"]
        for r in (returns, changed)
    )
    differs = (before != after).any(axis=1).to_numpy()
    np.testing.assert_array_equal(np.flatnonzero(differs), np.arange(10, 30))


@pytest.mark.parametrize("expanding", [False, True])
def test_strategies_see_the_window_and_nothing_else(expanding):
    returns, seen = table(4), []
    backtest.walk_forward(
        returns,
        {"spy": lambda past: seen.append(past.copy()) or strategies.equal_weight(past)},
        window=10,
        step=7,
        expanding=expanding,
    )
    assert len(seen) == 8
    for i, past in enumerate(seen):
        last = 10 + 7 * i
        expected = returns.iloc[0 if expanding else last - 10 : last]
        pd.testing.assert_frame_equal(past, expected, check_freq=False)


def test_a_strategy_cannot_change_the_data():
    returns = table(5)
    kept = returns.copy()

    def vandal(past):
        past.iloc[:, :] = 9.0
        past["market"] = 1.0
        past.index = past.index[::-1]
        return np.full(4, 0.25)

    both = {"vandal": vandal, "safe": STRATEGIES["safe"]}
    result = backtest.walk_forward(returns, both, window=10)
    alone = backtest.walk_forward(returns, {"safe": STRATEGIES["safe"]}, window=10)
    pd.testing.assert_frame_equal(returns, kept)
    pd.testing.assert_frame_equal(result.weights["safe"], alone.weights["safe"])


def test_weights_may_come_in_any_order_and_form():
    returns = table(6)
    weights = pd.Series([0.1, 0.2, 0.3, 0.4], returns.columns)
    result = backtest.walk_forward(
        returns,
        {
            "series": lambda past: weights,
            "reversed": lambda past: weights[::-1],
            "array": lambda past: weights.to_numpy(),
            "list": lambda past: weights.to_list(),
        },
        window=12,
    )
    for name in ("reversed", "array", "list"):
        pd.testing.assert_series_equal(
            result.returns[name], result.returns["series"], check_names=False
        )


def test_summary():
    returns = table(7)
    result = backtest.walk_forward(returns, STRATEGIES, window=24, costs=0.001, risk_free=0.0)
    summary = result.summary(12)
    earned = result.returns["bold"]
    row = summary.loc["bold"]
    assert row["mean"] == pytest.approx(12 * earned.mean())
    assert row["volatility"] == pytest.approx(np.sqrt(12) * np.std(earned, ddof=1))
    assert row["sharpe"] == pytest.approx(row["mean"] / row["volatility"])
    level = np.append(1.0, (1 + earned).cumprod())
    assert row["maximum_drawdown"] == pytest.approx(
        (level / np.maximum.accumulate(level) - 1).min()
    )
    assert row["turnover"] == pytest.approx(np.nanmean(result.turnover["bold"]))
    squares = (result.weights["bold"] ** 2).sum(axis=1)
    assert row["effective_number"] == pytest.approx(1 / squares.mean())
    assert summary.loc["equal", "effective_number"] == pytest.approx(4.0)
    held = result.weights["bold"].to_numpy()
    assert row["gross_exposure"] == pytest.approx(np.abs(held).sum(axis=1).mean())
    assert row["distance_to_equal"] == pytest.approx(np.abs(held - 0.25).sum(axis=1).mean() / 2)
    assert summary.loc["equal", "distance_to_equal"] == pytest.approx(0.0)
    assert list(summary.index) == list(STRATEGIES)


@pytest.mark.parametrize("window", [1, 59])
def test_the_shortest_and_the_longest_window(window):
    result = backtest.walk_forward(table(), {"equal": strategies.equal_weight}, window=window)
    assert len(result.returns) == 60 - window


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0},
        {"window": -5},
        {"window": 60},
        {"window": 24.0},
        {"window": 24, "step": 0},
        {"window": 24, "step": 1.5},
    ],
    ids=str,
)
def test_windows_that_make_no_sense(options):
    with pytest.raises(DataError, match=r"window is .*between 1 and 59|step is .*at least 1"):
        backtest.walk_forward(table(), STRATEGIES, **options)


@pytest.mark.parametrize("costs", [-0.001, np.nan, np.inf, "low", 10])
def test_costs_are_a_number_and_not_negative(costs):
    with pytest.raises(DataError, match=r"costs is"):
        backtest.walk_forward(table(), STRATEGIES, window=24, costs=costs)


@pytest.mark.parametrize(
    ("risk_free", "message"),
    [
        (RISK_FREE.iloc[1:], r"different dates"),
        (RISK_FREE.shift(1, freq="ME"), r"different dates.*reindex"),
        (RISK_FREE.reset_index(drop=True), r"different dates"),
        (RISK_FREE.where(RISK_FREE > 0.002), r"risk_free has \d+ cell"),
        (RISK_FREE.to_numpy()[1:], r"risk_free has shape \(59,\)"),
        (RISK_FREE.to_frame(), r"risk_free has shape \(60, 1\)"),
    ],
    ids=["short", "shifted", "undated", "missing", "short array", "table"],
)
def test_risk_free_rates_that_do_not_fit(risk_free, message):
    with pytest.raises(DataError, match=message):
        backtest.walk_forward(table(), STRATEGIES, window=24, risk_free=risk_free)


def test_an_array_has_no_dates_to_report():
    with pytest.raises(DataError, match="must be a DataFrame"):
        backtest.walk_forward(table().to_numpy(), STRATEGIES, window=24)


def test_gaps_are_refused_with_their_place():
    gappy = table()
    gappy.iloc[40, 2] = np.nan
    with pytest.raises(DataError, match=r"1 cell.*row 2004-05-31 00:00:00, column asset2"):
        backtest.walk_forward(gappy, STRATEGIES, window=24)


def failing(past):
    if past.index[-1] >= pd.Timestamp("2004-01-31"):
        return optimization.minimum_variance(np.ones((4, 4)))
    return strategies.equal_weight(past)


def crashing(past):
    return past["no such asset"]


@pytest.mark.parametrize(
    ("strategy", "error", "date"),
    [
        (failing, SingularCovarianceError, "2004-01-31"),
        (crashing, KeyError, "2002-12-31"),
        (lambda past: 1 / 0, ZeroDivisionError, "2002-12-31"),
        (lambda past: None, DataError, "2002-12-31"),
        (lambda past: np.full(3, 1 / 3), DataError, "2002-12-31"),
        (lambda past: np.array([0.5, 0.5, np.nan, 0.0]), DataError, "2002-12-31"),
        (lambda past: strategies.equal_weight(past)[:3], DataError, "2002-12-31"),
    ],
    ids=["ours", "theirs", "arithmetic", "none", "short", "missing", "unlabelled asset"],
)
def test_errors_of_a_strategy_name_it_and_the_date(strategy, error, date):
    with pytest.raises(error) as caught:
        backtest.walk_forward(table(), {"first": bold, "mine": strategy}, window=24, risk_free=0.0)
    assert caught.value.__notes__ == [f"Strategy 'mine', deciding with data to {date} 00:00:00."]


def test_a_portfolio_that_is_wiped_out_while_it_drifts():
    returns = pd.DataFrame({"a": [0.0, -0.6, 0.1], "b": [0.0, 0.0, 0.1]})
    with pytest.raises(MixfolioError, match=r"'levered' .* by -0\.2 up to 1: nothing is left"):
        backtest.walk_forward(
            returns, {"levered": lambda past: np.array([2.0, -1.0])}, window=1, step=2
        )


def test_a_table_from_the_future_to_the_past_is_refused():
    backwards = table().iloc[::-1]
    with pytest.raises(DataError, match=r"order of time.*sort_index"):
        backtest.walk_forward(backwards, {"equal": strategies.equal_weight}, window=24)


def test_per_cent_and_losses_of_more_than_everything_are_refused():
    percent = 100 * table()
    with pytest.raises(DataError, match=r"below -1.* row .* column .*0\.01 is one per cent"):
        backtest.walk_forward(percent, {"equal": strategies.equal_weight}, window=24)


# ------------------------------------------------------------------ when to trade


def test_calendars_review_at_the_first_period_of_each_month_or_quarter():
    dates = pd.bdate_range("2019-11-18", "2020-05-20")
    returns = pd.DataFrame(
        np.random.default_rng(8).normal(0, 0.01, (len(dates), 3)), dates, list("abc")
    )
    for rule, length in (("monthly", 1), ("quarterly", 3), ("yearly", 12)):
        seen = []
        backtest.walk_forward(
            returns,
            {"spy": lambda past, seen=seen: seen.append(past.index[-1]) or np.full(3, 1 / 3)},
            window=5,
            rebalance=rule,
        )
        expected = [
            dates[t - 1]
            for t in range(5, len(dates))
            if t == 5
            or (dates[t].year * 12 + dates[t].month - 1) // length
            != (dates[t - 1].year * 12 + dates[t - 1].month - 1) // length
        ]
        assert seen == expected


def tolerance_loop(returns, targets, window, deviation, interval):
    """Trade to `targets[t]` only when due; weights at the start of each period."""
    rows, held, last = [], None, None
    for t in range(window, len(returns)):
        if held is None or (t - last >= interval and np.abs(held - targets[t]).max() > deviation):
            held, last = targets[t], t
        rows.append(held)
        grown = held * (1 + returns[t])
        held = grown / grown.sum()
    return np.array(rows)


@pytest.mark.parametrize("deviation", [0.0, 0.02, 0.05, 1.0])
@pytest.mark.parametrize("interval", [1, 6])
def test_thresholds_trade_only_when_due(deviation, interval):
    returns = table(9)
    result = backtest.walk_forward(
        returns,
        {"equal": strategies.equal_weight},
        window=12,
        rebalance=rebalancing.Threshold(deviation, interval),
    )
    targets = np.full((60, 4), 0.25)
    expected = tolerance_loop(returns.to_numpy(), targets, 12, deviation, interval)
    np.testing.assert_allclose(result.weights["equal"], expected, rtol=0, atol=1e-14)
    traded = result.turnover["equal"].to_numpy()[1:] > 0
    assert traded.sum() == {(0.0, 1): 47, (1.0, 1): 0, (1.0, 6): 0}.get(
        (deviation, interval), traded.sum()
    )
    assert (np.diff(np.flatnonzero(traded)) >= interval).all()


def test_thresholds_between_reviews_are_not_watched():
    returns = table(10)
    rule = rebalancing.Threshold(0.0)
    result = backtest.walk_forward(
        returns, {"equal": strategies.equal_weight}, window=12, step=6, rebalance=rule
    )
    traded = np.flatnonzero(result.turnover["equal"].to_numpy() > 0)
    np.testing.assert_array_equal(traded, np.arange(6, 48, 6))


@pytest.mark.parametrize(
    ("rule", "message"),
    [("weekly", r"rebalance is 'weekly'.*monthly"), (5, r"rebalance is 5; it must be one of")],
)
def test_rules_that_do_not_exist(rule, message):
    with pytest.raises(DataError, match=message):
        backtest.walk_forward(
            table(), {"equal": strategies.equal_weight}, window=24, rebalance=rule
        )


@pytest.mark.parametrize(
    "arguments", [(-0.1,), (np.nan,), ("much",), (0.05, 0), (0.05, 1.5)], ids=str
)
def test_thresholds_that_make_no_sense(arguments):
    with pytest.raises(DataError, match=r"deviation is|minimum_interval is"):
        rebalancing.Threshold(*arguments)


def test_a_calendar_needs_dates():
    undated = table().reset_index(drop=True)
    with pytest.raises(DataError, match=r"no dates but int64.*to_datetime"):
        backtest.walk_forward(
            undated, {"equal": strategies.equal_weight}, window=24, rebalance="monthly"
        )


# ------------------------------------------------------------------ calendars and spans of time


def evaluated(returns, **options):
    return backtest.walk_forward(returns, STRATEGIES | {"fixed": FIXED}, risk_free=0.0, **options)


FIXED = [0.1, 0.2, 0.3, 0.4]
DAILY = table(31, periods=800).set_axis(pd.bdate_range("2001-01-10", periods=800))


@pytest.mark.parametrize("freq", ["ME", "BME", "MS", "period"])
def test_two_years_of_months_are_24_periods(freq):
    dates = (
        pd.period_range("2001-02", periods=60, freq="M")
        if freq == "period"
        else pd.date_range("2001-02-01", periods=60, freq=freq)
    )
    returns = table(32).set_axis(dates)
    assert_same(evaluated(returns, window="2Y"), evaluated(returns, window=24))
    assert_same(evaluated(returns, window="24m"), evaluated(returns, window=24))


@pytest.mark.parametrize(
    ("span", "offset"),
    [("1Y", {"years": 1}), ("26W", {"weeks": 26}), ("200 D", {"days": 200})],
)
@pytest.mark.parametrize("expanding", [False, True])
def test_a_span_of_days_is_a_plain_loop(span, offset, expanding):
    seen = []

    def watching(past):
        seen.append((past.index[0], past.index[-1]))
        return FIXED

    found = backtest.walk_forward(
        DAILY, {"watching": watching}, window=span, expanding=expanding, step=7
    )
    dates = DAILY.index
    first = dates.get_loc(found.returns.index[0])
    expected = []
    for start in range(first, 800, 7):
        since = dates[start - 1] - pd.DateOffset(**offset)
        if span == "1Y" and dates[start].month != dates[start - 1].month:
            since += pd.offsets.MonthEnd(0)  # a month that ends is counted from the end of another
        inside = [day for day in dates[:start] if day > since or expanding]
        expected.append((inside[0], inside[-1]))
    assert seen == expected
    assert dates[first - 1] - pd.DateOffset(**offset) >= dates[0] - pd.Timedelta("1.1D")
    assert dates[first - 2] - pd.DateOffset(**offset) < dates[0] - pd.Timedelta("1.1D")


@pytest.mark.parametrize("window", ["2 years", "Y", "0Y", "-1Y", "1.5Y", "", "2H"])
def test_spans_that_are_none(window):
    with pytest.raises(DataError, match=rf"window is '{window}'; it must be .*'2Y'"):
        evaluated(table(), window=window)


def test_a_span_needs_dates_and_must_leave_some():
    with pytest.raises(DataError, match=r"window is '2Y', and the index of returns has no dates"):
        evaluated(table().reset_index(drop=True), window="2Y")
    with pytest.raises(DataError, match=r"from 2001-01-31 to 2005-12-31 leave no period after it"):
        evaluated(table(), window="5Y")


@pytest.mark.parametrize(
    ("word", "alias"), [("monthly", "ME"), ("quarterly", "QE"), ("yearly", "YE")]
)
def test_words_are_offset_aliases(word, alias):
    words = evaluated(DAILY, window=250, rebalance=word)
    assert_same(words, evaluated(DAILY, window=250, rebalance=alias))
    months = {"ME": range(1, 13), "QE": (1, 4, 7, 10), "YE": (1,)}[alias]
    dates = DAILY.index
    starts = {d for b, d in pairwise(dates) if d.month != b.month}
    starts = {day for day in starts if day.month in months and day > dates[250]}
    traded = words.turnover["fixed"]
    assert set(traded.index[traded > 0]) == starts


def test_a_week_ends_when_the_alias_says():
    """The decision falls after Wednesday's returns: the first day held is a Thursday."""
    traded = evaluated(DAILY, window=250, rebalance="W-WED").turnover["fixed"]
    assert set(traded.index[traded > 0].day_name()) == {"Thursday"}
    assert (traded > 0).sum() == (DAILY.index[251:].day_name() == "Thursday").sum()


def test_fixed_weights_are_a_strategy_in_any_form():
    returns = table(33)
    by_name = pd.Series(FIXED, returns.columns)[::-1]
    forms = {"list": FIXED, "array": np.array(FIXED), "Series": by_name, "call": lambda past: FIXED}
    found = backtest.walk_forward(returns, forms, window=12, step=3)
    for form in forms:
        pd.testing.assert_series_equal(
            found.returns[form], found.returns["call"], check_names=False, check_exact=True
        )


@pytest.mark.parametrize("weights", [[0.5, 0.5], [np.nan, 1, 0, 0], pd.Series({"gold": 1.0})])
def test_fixed_weights_that_do_not_fit(weights):
    with pytest.raises(DataError, match="strategy 'mine'"):
        backtest.walk_forward(table(), {"mine": weights}, window=12)


def test_fixed_weights_in_what_is_not_there_are_refused():
    weights = pd.Series([0.0, 0.5, 0.2, 0.3], gappy_table().columns)
    with pytest.raises(DataError, match=r"'asset3' has no complete history here.* 0\.3") as raised:
        backtest.walk_forward(gappy_table(), {"mine": weights}, window=24, missing="keep")
    assert "Strategy 'mine'" in raised.value.__notes__[0]
    weights = pd.Series([0.0, 0.5, 0.5, 0.0], gappy_table().columns)
    found = backtest.walk_forward(gappy_table(), {"mine": weights}, window=24, missing="keep")
    assert (found.weights["mine"][["asset0", "asset3"]] == 0).all(axis=None)


# ------------------------------------------------------------------ late listings, delistings


def gappy_table():
    returns = table(11)
    returns.iloc[:30, 3] = np.nan
    returns.iloc[45:, 0] = np.nan
    return returns


def test_only_assets_with_a_whole_window_are_offered():
    returns, seen = gappy_table(), []

    def spy(past):
        assert past.notna().all(axis=None)
        seen.append((past.index[-1], list(past.columns)))
        return strategies.equal_weight(past)

    result = backtest.walk_forward(returns, {"spy": spy}, window=10, missing="keep")
    for last, offered in seen:
        t = returns.index.get_loc(last) + 1
        assert offered == list(returns.columns[returns.iloc[t - 10 : t].notna().all()])
    weights = result.weights["spy"]
    assert (weights.iloc[: 40 - 10]["asset3"] == 0).all()
    assert weights.loc[returns.index[40], "asset3"] == 0.25
    assert weights.loc[returns.index[46], "asset0"] == 0


def test_an_asset_delisted_while_held_is_sold_at_its_last_price():
    returns = pd.DataFrame(
        {"a": [0.0, 0.1, np.nan, np.nan, np.nan], "b": [0.0, 0.0, 0.2, 0.1, 0.0]}
    )
    result = backtest.walk_forward(
        returns, {"equal": strategies.equal_weight}, window=1, step=3, missing="keep"
    )
    assert result.returns["equal"].iloc[0] == pytest.approx(0.05)
    held = 0.5 / 1.05
    assert result.returns["equal"].iloc[1] == pytest.approx(0.2 * held)
    assert list(result.frozen["asset"]) == ["a", "a"]
    assert list(result.frozen["date"]) == [2, 3]
    assert result.weights["equal"].iloc[3].to_list() == [0.0, 1.0]
    with_rate = backtest.walk_forward(
        returns,
        {"equal": strategies.equal_weight},
        window=1,
        step=3,
        missing="keep",
        risk_free=0.01,
    )
    money = 0.5 * np.array([1.11, 1.11 * 1.01]), 0.5 * np.array([1.01, 1.01 * 1.21])
    assert with_rate.weights["equal"].iloc[1, 0] == pytest.approx(
        money[0][0] / (money[0][0] + money[1][0])
    )


def test_excluding_changes_nothing_where_nothing_is_missing():
    returns = table(12)
    options = {"window": 20, "step": 3, "risk_free": RISK_FREE}
    plain = backtest.walk_forward(returns, STRATEGIES, **options)
    excluding = backtest.walk_forward(returns, STRATEGIES, missing="keep", **options)
    pd.testing.assert_frame_equal(plain.returns, excluding.returns)


def test_no_asset_with_a_whole_window_is_an_error():
    returns = table(13)
    returns.iloc[::5] = np.nan
    with pytest.raises(DataError, match="no asset has all returns"):
        backtest.walk_forward(
            returns, {"equal": strategies.equal_weight}, window=10, missing="keep"
        )


# ------------------------------------------------------------------ failures, forms, processes


def test_holding_on_when_a_decision_fails():
    result = backtest.walk_forward(
        table(14),
        {"equal": strategies.equal_weight, "mine": failing},
        window=20,
        on_error="hold",
    )
    assert set(result.failures["strategy"]) == {"mine"}
    assert result.failures["date"].iloc[0] == pd.Timestamp("2004-01-31")
    assert result.failures["error"].str.startswith("SingularCovarianceError: ").all()
    assert len(result.failures) == 60 - 37
    assert (result.turnover["mine"].iloc[18:] == 0).all()
    assert (result.turnover["equal"].iloc[18:] > 0).all()


def test_wealth_waits_for_the_first_decision():
    calls = []

    def late(past):
        calls.append(1)
        return 1 / 0 if len(calls) < 3 else strategies.equal_weight(past)

    result = backtest.walk_forward(table(15), {"late": late}, window=20, on_error="hold")
    assert (result.returns["late"].iloc[:2] == 0).all()
    assert result.turnover["late"].iloc[2] == pytest.approx(1.0)


@pytest.mark.parametrize("option", [{"missing": "drop"}, {"on_error": "ignore"}], ids=str)
def test_policies_that_do_not_exist(option):
    with pytest.raises(DataError, match=r"'drop' is unknown|'ignore'; it must be one of"):
        backtest.walk_forward(table(), {"equal": strategies.equal_weight}, window=24, **option)


def test_no_strategies():
    with pytest.raises(DataError, match="strategies is empty"):
        backtest.walk_forward(table(), {}, window=24)


def test_weights_must_sum_to_one_unless_the_rest_earns_something():
    half = {"half": lambda past: np.full(4, 0.125)}
    with pytest.raises(DataError, match=r"weights sum to 0\.5, not to 1.*pass risk_free"):
        backtest.walk_forward(table(), half, window=24)
    with pytest.raises(DataError, match=r"weights sum to 0\.998"):
        backtest.walk_forward(table(), {"less": lambda past: np.full(4, 0.2495)}, window=24)
    rounded = {"rounded": lambda past: np.array([0.333, 0.333, 0.333, 0.0005])}
    net = backtest.walk_forward(table(), rounded, window=24).exposures()["rounded", "net"]
    assert net.iloc[0] == pytest.approx(0.9995)
    result = backtest.walk_forward(table(), half, window=24, risk_free=0.0)
    assert result.exposures()["half", "net"].iloc[0] == 0.5


def test_unknown_assets_are_named():
    with pytest.raises(DataError, match=r"1 missing \['asset3'\], 1 unknown \['gold'\]"):
        backtest.walk_forward(
            table(),
            {"s": lambda past: pd.Series(0.25, ["asset0", "asset1", "asset2", "gold"])},
            window=24,
        )


def test_repeated_dates_are_refused():
    returns = table()
    returns.index = returns.index[:59].append(returns.index[58:59])
    with pytest.raises(DataError, match=r"1 repeated date\(s\), the first is 2005-11-30"):
        backtest.walk_forward(returns, {"equal": strategies.equal_weight}, window=24)


def test_prices_are_refused():
    prices = 100 * (1 + table()).cumprod()
    with pytest.raises(DataError, match=r"Are they prices.*to_returns"):
        backtest.walk_forward(prices, {"equal": strategies.equal_weight}, window=24)


def test_arrays_give_what_tables_give_and_cannot_be_written():
    returns = table(16)

    def on_array(past):
        assert type(past) is np.ndarray
        assert not past.flags.writeable
        assert past.base is None
        return optimization.minimum_variance(covariance.sample(past))

    both = {"table": STRATEGIES["safe"], "array": backtest.OnArrays(on_array)}
    result = backtest.walk_forward(returns, both, window=20, step=2)
    np.testing.assert_array_equal(result.weights["table"], result.weights["array"])


@pytest.mark.slow
def test_processes_change_nothing():
    returns = table(17)
    options = {"window": 20, "step": 2, "risk_free": RISK_FREE, "costs": 0.001}
    one = backtest.walk_forward(returns, STRATEGIES, **options)
    two = backtest.walk_forward(returns, STRATEGIES, n_jobs=2, **options)
    pd.testing.assert_frame_equal(one.returns, two.returns)
    pd.testing.assert_frame_equal(one.turnover, two.turnover)


def fails_when_calm(past):
    if past.iloc[-1].std() < 0.02:
        raise DataError("too calm")
    return optimization.minimum_variance(covariance.sample(past))


def assert_same(one, two):
    for figure in ("returns", "gross", "turnover", "failures", "frozen"):
        pd.testing.assert_frame_equal(getattr(one, figure), getattr(two, figure), check_exact=True)
    for name, held in one.weights.items():
        pd.testing.assert_frame_equal(held, two.weights[name], check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_processes_share_the_reviews_of_a_single_strategy(n_jobs):
    returns, only = table(17), {"only": fails_when_calm}
    options = {"window": 20, "step": 2, "on_error": "hold", "costs": 0.001}
    one = backtest.walk_forward(returns, only, **options)
    assert 0 < len(one.failures) < len(returns)
    assert_same(one, backtest.walk_forward(returns, only, n_jobs=n_jobs, **options))
    with pytest.raises(DataError, match="too calm") as caught:
        backtest.walk_forward(returns, only, window=20, n_jobs=n_jobs)
    assert "Strategy 'only', deciding with data to" in caught.value.__notes__[0]


@pytest.mark.slow
def test_on_a_cluster_the_numbers_are_the_same():
    distributed = pytest.importorskip("distributed")
    returns, only = table(17), {"only": fails_when_calm}
    options = {"window": 20, "step": 2, "on_error": "hold", "costs": 0.001}
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as local,
        distributed.Client(local),
        joblib.parallel_config(backend="dask"),
    ):
        there = backtest.walk_forward(returns, only, n_jobs=-1, **options)
    assert_same(backtest.walk_forward(returns, only, **options), there)


def test_progress_counts_decisions(capsys):
    backtest.walk_forward(
        table(), {"equal": strategies.equal_weight}, window=24, step=3, progress=True
    )
    assert "12/12" in capsys.readouterr().err


def test_gross_less_costs_is_net():
    result = backtest.walk_forward(
        table(18), STRATEGIES, window=24, costs=0.002, risk_free=RISK_FREE
    )
    paid = result.gross - result.returns
    np.testing.assert_allclose(paid, 0.002 * result.turnover.fillna(0.0), rtol=0, atol=1e-16)


def test_exposures():
    result = backtest.walk_forward(table(19), {"bold": bold}, window=24, risk_free=0.0)
    part = result.exposures()["bold"]
    np.testing.assert_allclose(part["long"] - part["short"], part["net"], atol=1e-15)
    np.testing.assert_allclose(part["long"] + part["short"], part["gross"], atol=1e-15)
    assert (part["short"] > 0).any()


def test_strategies_are_named_functions():
    for wrong in ([strategies.equal_weight], strategies.equal_weight, None):
        with pytest.raises(DataError, match="no mapping"):
            backtest.walk_forward(table(), wrong, window=24)
    with pytest.raises(DataError, match="strategy 'mine' is of type NoneType"):
        backtest.walk_forward(table(), {"mine": None}, window=24)
    with pytest.raises(DataError, match="n_jobs is 0"):
        backtest.walk_forward(table(), {"equal": strategies.equal_weight}, window=24, n_jobs=0)


@pytest.mark.parametrize("step", [1, 3])
def test_nothing_comes_after_a_total_loss(step):
    returns = table(20)
    returns.iloc[30, 0] = -1.0
    only = {"only": lambda past: np.eye(4)[0]}
    with pytest.raises(DataError, match=r"by 0 up to 2003-07-31.*nothing is left"):
        backtest.walk_forward(returns, only, window=20, step=step)


def test_a_summary_is_per_period_unless_it_is_asked_for_otherwise():
    result = backtest.walk_forward(table(), STRATEGIES, window=24, risk_free=0.0)
    plain, yearly = result.summary(), result.summary(12)
    pd.testing.assert_frame_equal(plain, result.summary(1))
    np.testing.assert_allclose(plain["mean"], result.returns.mean(), rtol=1e-14)
    np.testing.assert_allclose(plain["volatility"], result.returns.std(ddof=1), rtol=1e-14)
    np.testing.assert_allclose(plain["sharpe"], plain["mean"] / plain["volatility"], rtol=1e-13)
    for column, factor in (("mean", 12), ("volatility", 12**0.5), ("sharpe", 12**0.5)):
        np.testing.assert_allclose(yearly[column], factor * plain[column], rtol=1e-13)
    others = plain.columns.difference(["mean", "volatility", "sharpe"])
    pd.testing.assert_frame_equal(yearly[others], plain[others])


@pytest.mark.parametrize("periods_per_year", [0, -12, np.nan, "monthly"])
def test_a_year_has_a_positive_number_of_periods(periods_per_year):
    result = backtest.walk_forward(table(), {"equal": STRATEGIES["equal"]}, window=24)
    with pytest.raises(DataError, match="periods_per_year"):
        result.summary(periods_per_year)


def test_a_threshold_by_default_waits_for_five_points_and_for_no_time():
    """Targets that move by 4 points are passed over; those of 6 are traded the very next period."""

    def trades(change):
        def swinging(past):
            up = len(past) % 2 * change
            return np.array([0.25 + up, 0.25 - up, 0.25, 0.25])

        flat = 0 * table()
        found = backtest.walk_forward(
            flat, {"a": swinging}, window=24, expanding=True, rebalance=rebalancing.Threshold()
        )
        return (found.turnover["a"] > 0).sum()

    assert trades(0.04) == 0
    assert trades(0.06) == 35
