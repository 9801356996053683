"""Returns from prices, and the compounding of returns, against plain loops."""

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.prices import _returns as returns


def prices():
    dates = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-04"])
    return pd.DataFrame({"a": [100.0, 110.0, 99.0, 99.0], "b": [50, 40, 50, 60]}, dates)


def daily(seed=0, periods=400, n=3):
    dates = pd.bdate_range("2019-01-02", periods=periods, name="date")
    values = np.random.default_rng(seed).normal(0.0005, 0.01, size=(periods, n))
    return pd.DataFrame(values, dates, list("abcdef")[:n])


def test_simple_returns_by_hand():
    found = returns.to_returns(prices())
    expected = pd.DataFrame({"a": [0.1, -0.1, 0.0], "b": [-0.2, 0.25, 0.2]}, prices().index[1:])
    pd.testing.assert_frame_equal(found, expected, rtol=1e-13)


def test_log_returns_are_the_logarithm_of_growth():
    found = returns.to_returns(prices(), kind="log")
    np.testing.assert_allclose(found, np.log(1 + returns.to_returns(prices())), rtol=1e-13)
    growth = np.exp(found.sum())
    np.testing.assert_allclose(growth, prices().iloc[-1] / prices().iloc[0], rtol=1e-13)


def test_a_missing_price_makes_two_returns_missing():
    daily_prices = (1 + daily(1, 6)).cumprod()
    gappy = daily_prices.copy()
    gappy.iloc[3, 1] = np.nan
    found = returns.to_returns(gappy)
    missing = found.isna()
    assert missing.sum().sum() == 2
    assert missing.iloc[2, 1]
    assert missing.iloc[3, 1]
    kept = ~missing
    np.testing.assert_array_equal(
        found.to_numpy()[kept], returns.to_returns(daily_prices).to_numpy()[kept]
    )


@pytest.mark.parametrize("freq", ["W", "M", "Q", "Y"])
def test_compounding_is_a_loop_over_periods(freq):
    table = daily(2)
    found = returns.compound(table, freq)
    growth, last = {}, {}
    for date, row in table.iterrows():
        period = date.to_period(freq)
        growth[period] = growth.get(period, 1.0) * (1.0 + row.to_numpy())
        last[period] = date
    np.testing.assert_allclose(found, np.array(list(growth.values())) - 1, rtol=0, atol=1e-14)
    assert list(found.index) == list(last.values())
    assert list(found.columns) == list(table.columns)
    assert found.index.name == "date"


def test_compounding_by_hand():
    dates = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-28"])
    table = pd.DataFrame({"a": [0.1, 0.1, -0.5]}, dates)
    found = returns.compound(table, "M")
    assert found["a"].to_list() == pytest.approx([0.21, -0.5], abs=1e-15)
    assert list(found.index) == list(dates[1:])


def test_the_wrong_formula_is_off_by_exactly_one():
    """(1 + prod(1 + r)) - 1 is a growth factor, one more than the return it stands for."""
    table = daily(3)
    wrong = (1.0 + table).groupby(table.index.to_period("M")).prod()
    wrong = (1.0 + wrong) - 1.0
    np.testing.assert_allclose(wrong.to_numpy() - returns.compound(table, "M"), 1.0, atol=1e-15)


def test_compounding_in_two_steps_is_the_same():
    table = daily(4)
    direct = returns.compound(table, "Y")
    steps = returns.compound(returns.compound(table, "M"), "Y")
    pd.testing.assert_frame_equal(direct, steps, rtol=0, atol=1e-14)


def test_a_missing_return_makes_its_period_missing_and_no_other():
    table = daily(5)
    table.iloc[25, 1] = np.nan
    found = returns.compound(table, "M")
    missing = found.isna()
    assert missing.sum().sum() == 1
    assert missing.loc[table.index[25].strftime("%Y-%m"), "b"].all()


def test_prices_and_compounding_agree():
    table = daily(6)
    levels = pd.concat(
        [
            pd.DataFrame(1.0, [table.index[0] - pd.offsets.BDay()], table.columns),
            (1 + table).cumprod(),
        ]
    )
    pd.testing.assert_frame_equal(
        returns.to_returns(levels), table, check_freq=False, check_names=False, rtol=0, atol=1e-14
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.iloc[:1], r"prices has 1 row\(s\); a return needs two"),
        (
            lambda p: p - 99,
            r"prices has 6 price\(s\) that are not positive and finite, .*"
            r"row 2020-01-30 00:00:00, column 'b'",
        ),
        (lambda p: p.replace(110.0, np.inf), r"1 price.*row 2020-01-31 00:00:00, column 'a'"),
        (lambda p: p.astype(object).replace(40, "n/a"), r"not a number .*'n/a'.*Convert"),
        (lambda p: p[::-1], r"dates of prices do not increase.*sort_index"),
        (lambda p: p.iloc[[0, 1, 1, 2]], r"prices has the date .* twice"),
        (lambda p: p.to_numpy(), r"prices is of type ndarray; it must be a DataFrame"),
        (lambda p: p["a"] - 100, r"prices is of type Series; .*prices.to_frame\(\)"),
    ],
    ids=["one row", "negative", "infinite", "text", "newest first", "twice", "array", "series"],
)
def test_prices_that_give_no_returns(change, message):
    with pytest.raises(DataError, match=message):
        returns.to_returns(change(prices()))


def test_unknown_kind():
    with pytest.raises(DataError, match=r"kind is 'geometric'; it must be 'simple' or 'log'"):
        returns.to_returns(prices(), kind="geometric")


@pytest.mark.parametrize(
    ("table", "freq", "message"),
    [
        (daily().reset_index(drop=True), "M", r"index of type RangeIndex;.*to_datetime"),
        (daily().to_numpy(), "M", r"index of type NoneType"),
        (daily(), "fortnight", r"freq is 'fortnight', .*Use 'W', 'M', 'Q' or 'Y'"),
        (daily().astype(object).replace(daily().iloc[0, 0], "?"), "M", r"not a number .*Convert"),
        (daily(), None, r"freq is None"),
        (daily()[::-1], "M", r"dates of returns do not increase.*sort_index"),
        (daily().iloc[[0, 1, 1, 2]], "M", r"returns has the date .* twice.*duplicated"),
        (daily().rename(index={daily().index[3]: pd.NaT}), "M", r"1 row\(s\) without a date"),
        (daily().replace(daily().iloc[0, 0], np.inf), "M", r"infinite value"),
    ],
    ids=[
        "no dates",
        "array",
        "unknown",
        "text",
        "none",
        "newest first",
        "twice",
        "no date",
        "infinite",
    ],
)
def test_returns_that_cannot_be_compounded(table, freq, message):
    with pytest.raises(DataError, match=message):
        returns.compound(table, freq)


def test_periods_of_a_time_zone_are_those_of_its_clocks(recwarn):
    """Half past eleven on the last of January in New York is February in London."""
    table = pd.DataFrame({"A": 0.1}, pd.date_range("2024-01-30 23:30", periods=4))
    expected = returns.compound(table, "M")
    found = returns.compound(table.tz_localize("America/New_York"), "M")
    assert not recwarn.list
    assert str(found.index.tz) == "America/New_York"
    pd.testing.assert_frame_equal(found.tz_localize(None), expected, check_freq=False)


def test_what_is_lost_does_not_grow_again():
    """Two losses of 300 % would multiply to a gain of 300 %."""
    table = pd.DataFrame({"A": [-3.0, -3.0, 0.5], "B": 0.0}, pd.date_range("2024-01-01", periods=3))
    assert returns.compound(table, "M").to_numpy().tolist() == [[-1.0, 0.0]]
