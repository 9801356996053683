"""Tables of what the portfolio did in the past: measures, years, months, falls and crises.

Everything is after costs. Rates are a year, so that they can be compared with each other.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mixfolio import metrics
from mixfolio.report.pipeline import EQUAL, Comparison, Inputs

__all__ = [
    "by_month",
    "by_year",
    "crises",
    "falls",
    "measures",
    "records",
    "rolling_volatility",
]

TAIL = 0.05  # share of the periods that count as the worst
FALLS = 5  # rows of a table of falls
CRISES = {  # first and last day
    "Financial crisis, November 2007 to February 2009": ("2007-11-01", "2009-02-28"),
    "Pandemic, February and March 2020": ("2020-02-01", "2020-03-31"),
    "Rising rates, 2022": ("2022-01-01", "2022-12-31"),
}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
NONE = "–"


def records(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Returns after costs of the portfolio, of 1/N, and of the benchmark if there is one.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of shape (n_periods, 2 or 3)
    """
    table = compared.result.returns[[compared.chosen, EQUAL]].copy()
    if inputs.benchmark is not None:
        table[str(inputs.benchmark.name)] = inputs.benchmark.loc[table.index]
    return table


def measures(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Measures of reward and risk, one column per record.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of str
        Beta and tracking error are against the benchmark, and against 1/N without one.
    """
    table = records(inputs, compared)
    riskless = 0.0 if inputs.riskless is None else inputs.riskless.loc[table.index]
    excess = table.sub(riskless, axis=0)
    against = table.columns[-1]
    year = inputs.frequency.periods_per_year
    return pd.DataFrame(
        {
            str(name): _measures(inputs, table[name], excess[name], table[against], against, year)
            for name in table
        }
    )


def _measures(
    inputs: Inputs,
    returns: pd.Series,
    excess: pd.Series,
    against: pd.Series,
    name: str,
    year: float,
) -> dict[str, str]:
    growth = float(metrics.wealth(returns).iloc[-1]) ** (year / len(returns)) - 1
    deepest = -metrics.maximum_drawdown(returns)
    below = metrics.downside_deviation(excess, year)
    worst = returns.nsmallest(max(1, round(TAIL * len(returns)))).mean()
    noun = {52.0: "weeks", 12.0: "months", 4.0: "quarters"}.get(year, "years")
    premium = "" if inputs.riskless is None else " over the riskless asset"
    apart = returns - against
    return {
        "Compound return a year": f"{growth:.1%}",
        f"Mean return a year{premium}": f"{excess.mean() * year:.1%}",
        "Volatility a year": f"{metrics.annualised_volatility(returns, year):.1%}",
        "Sharpe ratio" if premium else "Return / volatility": (
            f"{metrics.sharpe_ratio(excess, year):.2f}"
        ),
        "Sortino ratio": f"{excess.mean() * year / below:.2f}" if below > 0 else NONE,
        f"Mean of the worst {TAIL:.0%} of {noun} (CVaR)": f"{worst:.1%}",
        "Deepest loss from a peak": f"{-deepest:.1%}",
        "Calmar ratio": f"{growth / deepest:.2f}" if deepest > 0 else NONE,
        f"Beta to {name}": f"{returns.cov(against) / against.var():.2f}",
        f"Tracking error to {name}, a year": (
            f"{apart.std() * np.sqrt(year):.1%}" if apart.any() else NONE
        ),
    }


def by_year(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Compound returns of calendar years.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of str
        The latest year first; a year that is not whole has its number of periods.
    """
    table = records(inputs, compared)
    years = pd.DatetimeIndex(table.index).year
    found = (1 + table).groupby(years).prod() - 1
    counts = table.groupby(years).size()
    whole = inputs.frequency.periods_per_year
    found.index = pd.Index(
        [
            str(year) if count >= whole else f"{year} ({count} of {whole:.0f})"
            for year, count in counts.items()
        ]
    )
    return _percent(found.iloc[::-1])


def by_month(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Compound returns of the portfolio by month, one row per year.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of str
        Empty where periods are longer than months. A week counts where it ends.
    """
    if inputs.frequency.periods_per_year < 12:
        return pd.DataFrame()
    returns = compared.result.returns[compared.chosen]
    months = pd.DatetimeIndex(returns.index)
    found = ((1 + returns).groupby([months.year, months.month]).prod() - 1).unstack()
    found = found.reindex(columns=range(1, 13)).set_axis(MONTHS, axis=1)
    return _percent(found.set_axis(found.index.astype(str)).iloc[::-1])


class _Fall(NamedTuple):
    """A fall of wealth from a peak: its dates, and its depth."""

    start: Any
    trough: Any
    end: Any
    depth: float


def falls(compared: Comparison) -> pd.DataFrame:
    """The deepest falls of the portfolio from a peak.

    Parameters
    ----------
    compared : Comparison

    Returns
    -------
    DataFrame of str
        The first and the lowest date of each, the date at which the peak was reached again, and
        the depth.
    """
    found = sorted(_falls(compared.result.returns[compared.chosen]), key=lambda fall: fall.depth)
    rows = [
        {
            "from": f"{fall.start:%Y-%m-%d}",
            "lowest": f"{fall.trough:%Y-%m-%d}",
            "recovered": "not yet" if fall.end is None else f"{fall.end:%Y-%m-%d}",
            "depth": f"{fall.depth:.1%}",
        }
        for fall in found[:FALLS]
    ]
    return pd.DataFrame(rows, index=[str(place + 1) for place in range(len(rows))])


def _falls(returns: pd.Series) -> list[_Fall]:
    """Every fall; it starts with the first loss after a peak."""
    down = metrics.drawdown(returns)
    under = down < -1e-12
    number = (under & ~under.shift(fill_value=False)).cumsum()
    found = []
    for _, part in down[under].groupby(number[under]):
        later = down.index[down.index > part.index[-1]]
        end = later[0] if len(later) else None
        found.append(_Fall(part.index[0], part.idxmin(), end, float(part.min())))
    return found


def crises(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Returns in crises that the records cover as a whole.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of str
        One row per crisis, not annualised; empty where the records cover none.
    """
    table = records(inputs, compared)
    slack = pd.Timedelta(366 / inputs.frequency.periods_per_year, "D")
    rows = {
        name: (1 + table.loc[first:last]).prod() - 1
        for name, (first, last) in CRISES.items()
        if table.index[0] <= pd.Timestamp(first) + slack and table.index[-1] >= pd.Timestamp(last)
    }
    return _percent(pd.DataFrame(rows, index=table.columns).T)


def rolling_volatility(inputs: Inputs, compared: Comparison) -> pd.DataFrame:
    """Volatility of the last year at every period, or of eight periods if a year has fewer.

    Parameters
    ----------
    inputs : Inputs
    compared : Comparison

    Returns
    -------
    DataFrame of shape (n_periods, 2 or 3)
        A year.
    """
    year = inputs.frequency.periods_per_year
    table = records(inputs, compared)
    return pd.DataFrame(table.rolling(max(8, round(year))).std() * np.sqrt(year)).dropna()


def _percent(table: pd.DataFrame) -> pd.DataFrame:
    """A table of shares as text, where what is missing is a dash."""
    shown = {str(name): [_share(share) for share in column] for name, column in table.items()}
    return pd.DataFrame(shown, index=table.index.rename(None))


def _share(share: float) -> str:
    """A share in per cent, never a minus before zero."""
    return NONE if np.isnan(share) else f"{round(share, 3) + 0.0:.1%}"
