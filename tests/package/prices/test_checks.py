"""Each check of prices finds what was planted, and nothing in data without it."""

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.prices import _checks as checks


def prices(n_rows=300, n_assets=6, freq="B", seed=4):
    """Prices without any defect."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2020-01-01", periods=n_rows, freq=freq, name="date")
    market = rng.normal(0, 0.01, (n_rows, 1))
    returns = market + rng.normal(0, 0.01, (n_rows, n_assets))
    return pd.DataFrame(100 * (1 + returns).cumprod(axis=0), index, list("ABCDEFGH")[:n_assets])


def concerns(table):
    return [found.text for found in checks.check_prices(table).findings() if found.concern]


def test_clean_prices_raise_no_concern():
    found = checks.check_prices(prices())
    assert concerns(prices()) == []
    assert found.missing.empty and found.stale.empty and found.jumps.empty and found.twins.empty
    first = found.findings()[0].text
    assert "300 rows of 6 assets" in first and "daily" in first and "1 January 2020" in first


@pytest.mark.parametrize(
    ("freq", "name", "periods"),
    [
        ("B", "daily", 252),
        ("D", "daily", 252),
        ("W-FRI", "weekly", 52),
        ("ME", "monthly", 12),
        ("MS", "monthly", 12),
        ("QE", "quarterly", 4),
        ("YE", "yearly", 1),
    ],
)
def test_frequency(freq, name, periods):
    dates = pd.date_range("2000-01-01", periods=30, freq=freq)
    assert checks.find_frequency(dates) == (name, periods)


@pytest.mark.parametrize("freq", ["h", "14D", "180D"])
def test_other_frequencies_are_refused(freq):
    with pytest.raises(DataError, match="Use prices of days, weeks"):
        checks.find_frequency(pd.date_range("2000-01-01", periods=30, freq=freq))
    with pytest.raises(DataError, match="three dates"):
        checks.find_frequency(pd.date_range("2000-01-01", periods=2))


def test_missing_cells_are_told_apart():
    table = prices()
    table.loc[table.index[:40], "A"] = np.nan
    table.loc[table.index[-7:], "B"] = np.nan
    table.loc[table.index[100:103], ["C", "D"]] = np.nan
    missing = checks.check_prices(table).missing
    assert missing["before"].to_dict() == {"A": 40, "B": 0, "C": 0, "D": 0}
    assert missing["after"].to_dict() == {"A": 0, "B": 7, "C": 0, "D": 0}
    assert missing["inside"].to_dict() == {"A": 0, "B": 0, "C": 3, "D": 3}
    assert missing.loc["A", "first"] == table.index[40]
    assert missing.loc["B", "last"] == table.index[-8]
    text = " ".join(concerns(table))
    assert "A starts later than the others (40 missing cells)" in text
    assert "B ends earlier than the others (7 missing cells)" in text
    assert "C and D have gaps inside (6 missing cells)" in text


def test_an_asset_without_any_price_is_refused():
    with pytest.raises(DataError, match="A without a single price"):
        checks.check_prices(prices().assign(A=np.nan))


@pytest.mark.parametrize(("rows", "found"), [(4, False), (5, True), (40, True)])
def test_prices_that_stand_still(rows, found):
    table = prices()
    table.iloc[50 : 50 + rows, 2] = table.iloc[50, 2]
    stale = checks.check_prices(table).stale
    assert (list(stale.index) == ["C"]) == found
    if found:
        assert stale.loc["C", "rows"] == rows
        assert f"for {rows} rows" in " ".join(concerns(table))


def test_prices_that_change_every_other_day_are_stale_too():
    table = prices()
    table.loc[table.index[1::2], "D"] = table.loc[table.index[0::2], "D"].to_numpy()
    stale = checks.check_prices(table).stale
    assert list(stale.index) == ["D"]
    assert 0.45 < stale.loc["D", "share"] < 0.55


def test_a_split_and_a_typing_error_are_jumps_and_told_apart():
    table = prices()
    table.loc[table.index[150] :, "B"] /= 2
    table.loc[table.index[200], "E"] *= 10
    jumps = checks.check_prices(table).jumps
    assert list(jumps["asset"]) == ["E", "E", "B"]
    assert list(jumps["date"]) == list(table.index[[200, 201, 150]])
    assert list(jumps["comes_back"]) == [True, False, False]
    text = " ".join(concerns(table))
    assert "in E and B" in text and "1 of them the next price takes back" in text


def test_twins():
    table = prices()
    table["G"] = table["B"] * 3
    twins = checks.check_prices(table).twins
    assert twins[["asset", "other"]].to_numpy().tolist() == [["B", "G"]]
    assert "There is 1 pair" in " ".join(concerns(table))


def test_a_hole_in_the_dates():
    table = prices().drop(prices().index[100:130])
    found = checks.check_prices(table)
    assert found.longest_break.days == 43
    assert found.break_after == prices().index[99]
    assert "43 days" in " ".join(concerns(table))


def test_long_lists_are_cut():
    table = prices(n_assets=8)
    table.iloc[:3] = np.nan
    table.iloc[:3, 0] = 100.0
    assert "B, C, D, E, F and 2 more start later" in " ".join(concerns(table))
