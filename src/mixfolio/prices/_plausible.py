"""Refuse tables of numbers that cannot be the prices of different assets.

Each is a number in every cell and passes for prices: dates that are still to come, a column that
stands twice, pence among pounds, gross returns. A price of a liquid asset is close to the one
before and far from its own average. Where most columns are farther from the one before than from
their average, the numbers are returns of some kind.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mixfolio.errors import DataError

FACTORS = (100.0, 1000.0)  # by which prices in another unit, or without separator, differ
NEAR = 0.06  # of the common logarithm of a factor
LEAST_ROWS = 20  # from which noise is told from prices
NEAR_ONE = (0.5, 1.5)  # where gross returns lie
SMALL = 0.2  # typical size of a return, at most


def check_plausible(table: pd.DataFrame, source: str, places: Mapping[Any, str]) -> None:
    """Refuse what is not prices.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_assets)
        Positive numbers; NaN where one is missing.
    source : str
        Name of the table in messages.
    places : mapping of date to str
        Place of each row in a file, where it has one.

    Raises
    ------
    DataError
    """
    _refuse_future(table, source, places)
    _refuse_equal(table, source)
    _refuse_returns(table, source)
    _refuse_factors(table, source, places)


def _at(places: Mapping[Any, str], date: Any) -> str:
    return f"{places[date]}, {date.date()}" if date in places else f"{date.date()}"


def _refuse_future(table: pd.DataFrame, source: str, places: Mapping[Any, str]) -> None:
    tomorrow = pd.Timestamp.now().normalize() + pd.Timedelta(days=1)
    later = table.index[(table.index > tomorrow) & table.notna().any(axis=1)]
    if len(later):
        raise DataError(
            f"{source}: {len(later)} date(s) with prices lie in the future, the first at "
            f"{_at(places, later[0])}. Correct the year, or say with --date-format how dates are "
            "written."
        )


def _refuse_equal(table: pd.DataFrame, source: str) -> None:
    seen: dict[bytes, Any] = {}
    for name in table:
        other = seen.setdefault(table[name].to_numpy().tobytes(), name)
        if other != name and table[name].notna().any():
            raise DataError(
                f"{source}: the columns {other!r} and {name!r} hold the same prices. Remove one."
            )


def _refuse_returns(table: pd.DataFrame, source: str) -> None:
    """Refuse gross returns and positive returns, which scatter about their average."""
    if len(table) < LEAST_ROWS or table.empty:
        return
    with np.errstate(invalid="ignore"):
        noisy = table.diff().std() > table.std()
    middle = float(np.nanmedian(table.to_numpy()))
    if noisy.mean() <= 0.5 or not (middle < SMALL or NEAR_ONE[0] < middle < NEAR_ONE[1]):
        return
    kind = "returns" if middle < SMALL else "gross returns, that is 1 + return"
    raise DataError(
        f"{source}: the numbers scatter about {middle:.3g}, each farther from the one before than "
        f"from the average, in {int(noisy.sum())} of {table.shape[1]} columns, first "
        f"{noisy.idxmax()!r}: these look like {kind}. Give prices: 100 at first, and each next one "
        "is the last times 1 + return."
    )


def _refuse_factors(table: pd.DataFrame, source: str, places: Mapping[Any, str]) -> None:
    last = table.ffill().shift()
    size = np.abs(np.log10((table / last).to_numpy()))
    near = np.logical_or.reduce([np.abs(size - np.log10(factor)) < NEAR for factor in FACTORS])
    if not near.any():
        return
    row, column = np.argwhere(near)[0]
    name, date = table.columns[column], table.index[row]
    factor = 10 ** round(float(size[row, column]))
    raise DataError(
        f"{source}: {name!r} changes by a factor of about {factor} at {_at(places, date)}: "
        f"from {last.iloc[row, column]:.6g} to {table.iloc[row, column]:.6g}. Pence and pounds, a "
        "lost decimal sign, or a split that is not adjusted for? Bring all prices to one unit."
    )
