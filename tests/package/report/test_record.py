"""The record of the past: every figure is that of a plain computation."""

import numpy as np
import pandas as pd
import pytest

from mixfolio.report import pipeline as own_prices
from mixfolio.report import record
from tests.package.report import own_data
from tests.package.report.own_data import write

CHOSEN, MARKET = "mixed model", "MSCI World USD"


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """Inputs with a benchmark and a riskless rate, and the comparison."""
    folder = tmp_path_factory.mktemp("record")
    inputs = own_prices.read_inputs(
        write(folder, own_data.monthly(240)), benchmark=MARKET, riskless="0.02"
    )
    plan = own_prices.make_plan(inputs, window=30, costs=0.002)
    return inputs, own_prices.compare(inputs, plan, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def returns(past):
    inputs, compared = past
    table = compared.result.returns[[CHOSEN, "1/N"]]
    return table.assign(**{MARKET: inputs.benchmark.loc[table.index]})


def test_the_measures_are_plain(past, returns):
    found = record.measures(*past)
    assert list(found) == [CHOSEN, "1/N", MARKET]
    mine, market = returns[CHOSEN].to_numpy(), returns[MARKET].to_numpy()
    excess = mine - (1.02 ** (1 / 12) - 1)
    wealth = np.cumprod(1 + mine)
    growth = wealth[-1] ** (12 / len(mine)) - 1
    depth = 1 - (wealth / np.maximum.accumulate(np.append(1, wealth))[1:]).min()
    worst = np.sort(mine)[: round(0.05 * len(mine))].mean()
    expected = {
        "Compound return a year": f"{growth:.1%}",
        "Mean return a year over the riskless asset": f"{12 * excess.mean():.1%}",
        "Volatility a year": f"{mine.std(ddof=1) * 12**0.5:.1%}",
        "Sharpe ratio": f"{excess.mean() / excess.std(ddof=1) * 12**0.5:.2f}",
        "Sortino ratio": (
            f"{12**0.5 * excess.mean() / np.mean(np.minimum(excess, 0) ** 2) ** 0.5:.2f}"
        ),
        "Mean of the worst 5% of months (CVaR)": f"{worst:.1%}",
        "Deepest loss from a peak": f"{-depth:.1%}",
        "Calmar ratio": f"{growth / depth:.2f}",
        f"Beta to {MARKET}": f"{np.cov(mine, market)[0, 1] / market.var(ddof=1):.2f}",
        f"Tracking error to {MARKET}, a year": f"{(mine - market).std(ddof=1) * 12**0.5:.1%}",
    }
    assert found[CHOSEN].to_dict() == expected
    assert found.loc[f"Beta to {MARKET}", MARKET] == "1.00"
    assert found.loc[f"Tracking error to {MARKET}, a year", MARKET] == record.NONE


def test_years_and_months_compound_to_the_whole(past, returns):
    years, months = record.by_year(*past), record.by_month(*past)
    first = returns.index[0]
    count = (returns.index.year == first.year).sum()
    assert years.index[-1] == str(first.year) + ("" if count == 12 else f" ({count} of 12)")
    year = returns.loc["2020", CHOSEN]
    assert years.loc["2020", CHOSEN] == f"{(1 + year).prod() - 1:.1%}"
    assert months.loc["2020", "Mar"] == f"{year.loc['2020-03'].iloc[0]:.1%}"
    assert months.index[0] == "2026" and months.loc["2026", "Dec"] == record.NONE
    assert not (months == "-0.0%").any(axis=None)


def test_falls_start_reach_bottom_and_end(past, returns):
    wealth = (1 + returns[CHOSEN]).cumprod()
    peak = wealth.cummax().clip(lower=1)
    found = record.falls(past[1])
    depth = (wealth / peak - 1).min()
    top = found.iloc[0]
    assert top["depth"] == f"{depth:.1%}" and len(found) <= 5
    assert top["lowest"] == f"{(wealth / peak).idxmin():%Y-%m-%d}"
    before = wealth[: top["from"]].iloc[:-1]
    assert before.iloc[-1] == pytest.approx(peak[top["lowest"]])
    if top["recovered"] != "not yet":
        assert wealth[top["recovered"]] >= peak[top["lowest"]]
    assert found["depth"].str.rstrip("%").astype(float).is_monotonic_increasing


def test_a_fall_that_goes_on_is_not_yet_recovered():
    index = pd.date_range("2020-01-31", periods=4, freq="ME")
    found = record._falls(pd.Series([-0.1, 0.2, -0.2, 0.1], index))
    assert [fall.end for fall in found] == [index[1], None]
    assert [round(fall.depth, 2) for fall in found] == [-0.1, -0.2]


def test_crises_are_shown_where_the_record_covers_them(past, returns):
    inputs, compared = past
    found = record.crises(inputs, compared)
    name = "Pandemic, February and March 2020"
    assert name in found.index and "Financial crisis" not in " ".join(found.index)
    expected = (1 + returns.loc["2020-02":"2020-03", MARKET]).prod() - 1
    assert found.loc[name, MARKET] == f"{expected:.1%}"


def test_rolling_volatility_is_of_the_year_before(past, returns):
    found = record.rolling_volatility(*past)
    last = returns[MARKET].iloc[-12:].std() * 12**0.5
    assert found[MARKET].iloc[-1] == pytest.approx(last)
    assert found.index[0] == returns.index[11]


def test_every_cell_has_text(past):
    tables = [record.measures(*past), record.falls(past[1])]
    for table in [*tables, *(f(*past) for f in (record.by_year, record.by_month, record.crises))]:
        cells = table.to_numpy().ravel()
        assert all(isinstance(cell, str) and cell and "nan" not in cell for cell in cells)
