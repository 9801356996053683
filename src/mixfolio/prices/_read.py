"""Read prices or returns that a reader brings, and refuse whatever is doubtful.

A file of prices goes wrong in ways that no estimator notices: dates out of order, a decimal comma,
returns in place of prices. Each is an error here that says what is wrong, where (the line in an
editor, or the row of a table, and the column), in how many cells, and what to do. What has one
reading only is read, and a note says how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mixfolio._inputs import checked
from mixfolio.errors import DataError
from mixfolio.prices._dates import parse_dates
from mixfolio.prices._exports import LAYOUTS, Layout, Shape, arrange
from mixfolio.prices._files import Source, read_grid
from mixfolio.prices._grid import Grid, counted
from mixfolio.prices._missing import Missing, complete, require_policy
from mixfolio.prices._numbers import Cells, parse_cells
from mixfolio.prices._plausible import check_plausible

SHARE_OF_LOSSES = 0.05  # so many negative values make a table of prices one of returns
MEDIAN_RETURN = 0.2  # and so does any negative value if the typical size is below this
MEDIAN_PERCENT = 0.25  # a decimal return whose typical size exceeds this is taken for percent
MEDIAN_PRICE = 0.5  # never negative and typically above this: prices, not returns


@checked
def read_prices(
    source: Source,
    *,
    layout: Layout = "auto",
    missing: Missing = "raise",
    min_periods: int = 2,
    date_format: str | None = None,
    decimal: str | None = None,
    separator: str | None = None,
) -> pd.DataFrame:
    """Read a table of prices as programs export it, and check it cell by cell.

    Parameters
    ----------
    source : path, file object or DataFrame
        Text with a header line (may be gzipped), an Excel workbook, Parquet, or a table in memory,
        which goes through the same checks.
    layout : {"auto", "wide", "long"}, default "auto"
        "wide": a column of dates and one column per asset. "long": columns of dates, of symbols,
        and of prices; others are left alone. "auto" tells them apart: a table with a column of
        symbols is long.
    missing : {"raise", "drop-assets", "common-period", "fill", "keep"}, default "raise"
        What to do with empty cells, as :data:`MISSING` says. What was left out is
        listed in ``attrs["dropped"]`` of the result.
    min_periods : int, default 2
        Fewest rows that must remain.
    date_format : str, optional
        How dates are written, such as "%d/%m/%Y". Needed only where they have two readings.
    decimal : {".", ","}, optional
        The decimal sign; the other one separates thousands.
    separator : str, optional
        Letter between columns; the comma, semicolon, tab or bar that fits by default.

    Returns
    -------
    DataFrame, shape (n_periods, n_assets)
        Float64 prices, indexed by local date in rising order. ``attrs["notes"]`` says what was
        chosen or converted on the way, one sentence each.

    Raises
    ------
    DataError
        With line, column, number of cells and remedy, if anything is doubtful: dates that are
        unreadable, repeated, in disorder, in the future or of several time zones; cells that are
        not numbers, prices that are not positive and finite, repeated columns, constant series,
        a change by a factor of 100, returns instead of prices, missing cells, too few periods.
        Messages name the options of the command: ``--date-format`` is `date_format` here.

    Notes
    -----
    What has one reading is read: ISO 8601 dates, numbers of days of a spreadsheet, days that
    cannot be months, ``1,234.50``, ``$ 99``. What has two is refused, with the option that says
    which. Of fields such as open, high, low, close and volume the closing price is taken, the
    adjusted one if it is there.

    Examples
    --------
    The path of a file, or here its text:

    >>> import io
    >>> from mixfolio import prices
    >>> file = io.StringIO('''date,SPY,TLT
    ... 2024-01-31,482.9,95.6
    ... 2024-02-29,508.1,93.4''')
    >>> table = prices.read_prices(file)
    >>> table.loc["2024-02-29"].to_dict()
    {'SPY': 508.1, 'TLT': 93.4}
    """
    options = _Options(layout, missing, min_periods, date_format, decimal, separator)
    return _read(source, options, _check_prices, check_plausible)


@checked
def read_returns(
    source: Source,
    *,
    layout: Layout = "auto",
    missing: Missing = "raise",
    min_periods: int = 2,
    date_format: str | None = None,
    decimal: str | None = None,
    separator: str | None = None,
) -> pd.DataFrame:
    """Read a table of decimal simple returns; the sibling of :func:`read_prices`.

    Parameters
    ----------
    source, layout, missing, min_periods, date_format, decimal, separator
        As in :func:`read_prices`, with returns in place of prices.

    Returns
    -------
    DataFrame, shape (n_periods, n_assets)
        Float64 decimal simple returns (0.01 is one percent per period).

    Raises
    ------
    DataError
        As in :func:`read_prices`; moreover if the values look like prices or like
        percent, or if a loss exceeds the whole investment.

    Notes
    -----
    Percent is recognised by a loss of more than 1 or a median size above 0.25.
    Percent returns that are never that large, those of bills for example, cannot
    be told from decimal ones.

    Examples
    --------
    >>> import io
    >>> from mixfolio import prices
    >>> file = io.StringIO('''date,SPY,TLT
    ... 2024-01-31,0.016,-0.022
    ... 2024-02-29,0.052,-0.023''')
    >>> prices.read_returns(file).mean().round(4).to_dict()
    {'SPY': 0.034, 'TLT': -0.0225}
    """
    options = _Options(layout, missing, min_periods, date_format, decimal, separator)
    return _read(source, options, _check_returns)


# ------------------------------------------------------------------- the parts of a table


@dataclass(frozen=True)
class _Options:
    """Arguments of a reader, checked."""

    layout: str
    missing: Missing
    min_periods: int
    date_format: str | None
    decimal: str | None
    separator: str | None

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise DataError(f"layout={self.layout!r} is unknown. Use one of {known}.")
        require_policy(self.missing)
        if self.min_periods < 1:
            raise DataError(f"min_periods={self.min_periods} must be at least 1.")


def _read(
    source: Source,
    options: _Options,
    check: Callable[[Cells], None],
    check_table: Callable[[pd.DataFrame, str, Mapping[Any, str]], None] | None = None,
) -> pd.DataFrame:
    """Read, check and assemble a table."""
    grid, shape = arrange(read_grid(source, options.separator), options.layout)
    grid, dates = parse_dates(grid, shape.date, options.date_format)
    grid, dates = _in_order(grid, shape, _whole_days(grid, shape, dates))
    cells = parse_cells(grid, shape.values, options.decimal)
    grid = cells.grid
    check(cells)
    frame = _assemble(grid, shape, dates, cells)
    _check_constant(grid, frame)
    places = _places(grid, shape, dates)
    if check_table is not None:
        check_table(frame, grid.source, places)
    return _apply_policy(grid, places, frame, options)


def _keys(grid: Grid, shape: Shape, dates: list[datetime]) -> list[tuple[str, datetime]]:
    """Symbol and date of every row; no symbol in the wide layout."""
    symbols = [""] * len(dates) if shape.symbol is None else grid.column(shape.symbol)
    return list(zip(symbols, dates, strict=True))


def _whole_days(grid: Grid, shape: Shape, dates: list[datetime]) -> list[datetime]:
    """Days without the hour at which markets close; as they are if there are several a day."""
    days = [datetime(day.year, day.month, day.day) for day in dates]
    once = len(set(_keys(grid, shape, days))) == len(set(_keys(grid, shape, dates)))
    return days if once else dates


def _in_order(grid: Grid, shape: Shape, dates: list[datetime]) -> tuple[Grid, list[datetime]]:
    """Rows with the oldest first; repeated dates, and dates in disorder, are refused."""
    keys = _keys(grid, shape, dates)
    first: dict[tuple[str, datetime], int] = {}
    repeated = [i for i, key in enumerate(keys) if first.setdefault(key, i) != i]
    if repeated:
        what = "date is repeated/dates are repeated"
        if shape.symbol is not None:
            what = "pair of date and symbol is repeated/pairs of date and symbol are repeated"
        place = grid.places[first[keys[repeated[0]]]]
        remedy = f"It stands already in {grid.word} {place}: remove one of the two."
        raise grid.error([(i, shape.date) for i in repeated], what, remedy)
    falling, rising = _steps(keys)
    if falling and rising:
        what = "date is earlier than the one before/dates are earlier than the one before"
        remedy = "Correct the date, or sort the table by date, oldest first."
        raise grid.error([(i, shape.date) for i in falling], what, remedy)
    if not falling:
        return grid, dates
    order = sorted(range(len(dates)), key=dates.__getitem__)
    rows, places = [grid.rows[i] for i in order], [grid.places[i] for i in order]
    grid = replace(grid, rows=rows, places=places)
    grid = grid.noting("The newest prices came first; the table was turned, oldest first.")
    return grid, [dates[i] for i in order]


def _steps(keys: list[tuple[str, datetime]]) -> tuple[list[int], list[int]]:
    """Rows whose date is earlier, and later, than the one before of the same symbol."""
    last: dict[str, datetime] = {}
    falling, rising = list[int](), list[int]()
    for i, (symbol, day) in enumerate(keys):
        if symbol in last:
            (falling if day < last[symbol] else rising).append(i)
        last[symbol] = day
    return falling, rising


# ------------------------------------------------------------------- numbers


def _check_prices(cells: Cells) -> None:
    """Refuse returns, and prices that are not positive."""
    negative = cells.values < 0
    size = float(np.median(np.abs(cells.values)))
    if negative.mean() > SHARE_OF_LOSSES or size < MEDIAN_RETURN:
        what = "value is negative/values are negative"
        found = f"{negative.mean():.0%} of all, median size {size:.3g}"
        remedy = "Give prices: 100 at first, and each next one is the last times 1 + return."
        cells.reject(negative, what, f"{found}: these look like returns. {remedy}")
    what = "price is zero or negative/prices are zero or negative"
    cells.reject(cells.values <= 0, what, "Correct it or leave the cell empty.")


def _check_returns(cells: Cells) -> None:
    """Refuse prices, percent, and losses of more than everything."""
    size = float(np.median(np.abs(cells.values)))
    everywhere = np.ones(cells.values.shape, dtype=np.bool_)
    if size > MEDIAN_PRICE and not (cells.values < 0).any():
        what = "value is positive/values are all positive"
        cells.reject(everywhere, what, f"Median {size:.3g}: these look like prices, not returns.")
    if size > MEDIAN_PERCENT:
        what = "value looks like percent/values look like percent"
        remedy = f"Median size {size:.3g} a period: divide by 100, so that 0.01 is one percent."
        cells.reject(everywhere, what, remedy)
    what = "loss exceeds 100%/losses exceed 100%"
    remedy = "If the file is in percent divide by 100, so that 0.01 is one percent; or correct it."
    cells.reject(cells.values < -1, what, remedy)


# ------------------------------------------------------------------- the result


def _assemble(grid: Grid, shape: Shape, dates: list[datetime], cells: Cells) -> pd.DataFrame:
    """The cells as dates x assets; NaN where there is none."""
    index = pd.DatetimeIndex(sorted(set(dates)), name="date")
    row_of = {day: i for i, day in enumerate(sorted(set(dates)))}
    if shape.symbol is None:
        assets = [grid.header[j] for j in shape.values]
        labels = [grid.header[j] for _, j in cells.where]
    else:
        assets = list(dict.fromkeys(row[shape.symbol] for row in grid.rows))
        labels = [grid.rows[i][shape.symbol] for i, _ in cells.where]
    column_of = {name: j for j, name in enumerate(assets)}
    table = np.full((len(index), len(assets)), np.nan)
    at = [row_of[dates[i]] for i, _ in cells.where], [column_of[name] for name in labels]
    table[at] = cells.values
    return pd.DataFrame(table, index=index, columns=assets)


def _check_constant(grid: Grid, frame: pd.DataFrame) -> None:
    """Refuse series that never change."""
    known = frame.notna().sum() > 1
    constant = list(frame.columns[known & (frame.max() == frame.min())])
    if constant:
        value = float(frame[constant[0]].max())
        raise DataError(
            f"{grid.source}: {counted(len(constant), 'series is/series are')} constant, first "
            f"column {constant[0]!r}: {value} from {grid.word} {grid.places[0]} to "
            f"{grid.places[-1]}. "
            f"Remove it: it has no variance."
        )


def _apply_policy(
    grid: Grid, places: Mapping[Any, str], frame: pd.DataFrame, options: _Options
) -> pd.DataFrame:
    """Treat missing cells as asked, and check how much is left."""
    kept, _ = complete(frame, options.missing, grid.source, places=places)
    _check_length(grid, frame, kept, options)
    columns, rows = frame.columns.difference(kept.columns), frame.index.difference(kept.index)
    kept = kept.copy()
    kept.attrs["notes"] = list(grid.notes)
    if len(columns) or len(rows):
        kept.attrs["dropped"] = {"assets": list(columns), "dates": list(rows)}
    return kept


def _places(grid: Grid, shape: Shape, dates: list[datetime]) -> dict[Any, str]:
    """Date -> its line or row, where that is one (the wide layout)."""
    if shape.symbol is not None:
        return {}
    return {
        pd.Timestamp(day): f"{grid.word} {place}"
        for day, place in zip(dates, grid.places, strict=True)
    }


def _check_length(grid: Grid, frame: pd.DataFrame, kept: pd.DataFrame, options: _Options) -> None:
    """Refuse a result with too few periods or without assets."""
    if kept.shape[1] == 0:
        raise DataError(
            f"{grid.source}: missing={options.missing!r} leaves none of {frame.shape[1]} assets, "
            f"columns {', '.join(map(str, frame.columns[:3]))}, ... Use another policy."
        )
    if len(kept) < options.min_periods:
        raise DataError(
            f"{grid.source}: {len(kept)} periods remain of {len(frame)} (up to {grid.word} "
            f"{grid.places[-1]}, all columns), {options.min_periods} are needed. Bring a longer "
            f"history, drop assets that start late, or lower min_periods."
        )
