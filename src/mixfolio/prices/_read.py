"""Read prices or returns that a reader brings, and refuse whatever is doubtful.

A file of prices goes wrong in ways that no estimator notices: dates out of order, a decimal comma,
returns in place of prices. Each is an error here that says what is wrong, where (the line in an
editor, or the row of a Parquet table, and the column), in how many cells, and what to do. Nothing
is repaired, sorted, filled or dropped unless an argument asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixfolio._inputs import SUM_TOLERANCE, checked
from mixfolio.errors import DataError
from mixfolio.prices._grid import (
    DECIMAL_COMMA,
    FIELDS,
    Grid,
    Source,
    as_date,
    as_field,
    closing,
    counted,
    read_grid,
)
from mixfolio.prices._missing import Missing, complete, require_policy

Layout = Literal["auto", "wide", "long"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
DATE_NAMES = {"date", "dates", "day", "time", "datetime", "timestamp"}
SYMBOL_NAMES = {"symbol", "ticker", "asset", "security", "id", "name"}
MISSING_TEXT = {"", "NA", "N/A", "NaN", "nan", "null", "NULL"}
TICKERS = {"open", "low"}  # fields that are also tickers
FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how a cell begins that a spreadsheet would run, or did
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
GROUPED = re.compile(r"[+-]?\d{1,3}([,' _\u00a0\u202f]\d{3})+(\.\d*)?")

SHARE_OF_LOSSES = 0.05  # so many negative values make a table of prices one of returns
MEDIAN_RETURN = 0.2  # and so does any negative value if the typical size is below this
MEDIAN_PERCENT = 0.25  # a decimal return whose typical size exceeds this is taken for percent
MEDIAN_PRICE = 0.5  # never negative and typically above this: prices, not returns


@checked
def read_prices(
    path_or_buffer: Source,
    *,
    layout: Layout = "auto",
    missing: Missing = "raise",
    min_periods: int = 2,
) -> pd.DataFrame:
    """Read a table of prices from CSV or Parquet and check it cell by cell.

    Parameters
    ----------
    path_or_buffer : path or file object
        Comma-separated UTF-8 text (may be gzipped) with a header line, or Parquet.
    layout : {"auto", "wide", "long"}, default "auto"
        "wide": a date column and one column per asset. "long": three columns, which
        are date, symbol and price. "auto" tells them apart: a table of three
        columns one of which holds symbols is long.
    missing : {"raise", "drop-assets", "common-period", "fill", "keep"}, default "raise"
        What to do with empty cells, as :data:`MISSING` says. What was left out is
        listed in ``attrs["dropped"]`` of the result.
    min_periods : int, default 2
        Fewest rows that must remain.

    Returns
    -------
    DataFrame, shape (n_periods, n_assets)
        Float64 prices as they stand in the file, indexed by date in rising order.

    Raises
    ------
    DataError
        With line, column, number of cells and remedy, if anything is doubtful:
        unreadable, repeated or unsorted dates, mixed time zones, cells that are
        not numbers, prices that are not positive and finite, repeated or unnamed
        columns, constant series, returns instead of prices, missing cells, too
        few periods, or a separator other than the comma.

    Notes
    -----
    Dates must be ISO 8601 (2024-03-01), because 01/03/2024 has two readings.
    Empty cells may also be written NA, N/A, NaN or null.

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
    options = _Options(layout, missing, min_periods)
    return _read(path_or_buffer, options, _check_prices)


@checked
def read_returns(
    path_or_buffer: Source,
    *,
    layout: Layout = "auto",
    missing: Missing = "raise",
    min_periods: int = 2,
) -> pd.DataFrame:
    """Read a table of decimal simple returns; the sibling of :func:`read_prices`.

    Parameters
    ----------
    path_or_buffer, layout, missing, min_periods
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
    options = _Options(layout, missing, min_periods)
    return _read(path_or_buffer, options, _check_returns)


# ------------------------------------------------------------------- the parts of a table


@dataclass(frozen=True)
class _Options:
    """Arguments of a reader, checked."""

    layout: str
    missing: Missing
    min_periods: int

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise DataError(f"layout={self.layout!r} is unknown. Use one of {known}.")
        require_policy(self.missing)
        if self.min_periods < 1:
            raise DataError(f"min_periods={self.min_periods} must be at least 1.")


@dataclass(frozen=True)
class _Shape:
    """Which column of a grid holds what; `symbol` is None in the wide layout."""

    date: int
    symbol: int | None
    values: list[int]


@dataclass(frozen=True)
class _Cells:
    """Numbers of a grid, one entry per cell that is not missing."""

    grid: Grid
    values: npt.NDArray[np.float64]
    where: list[tuple[int, int]]

    def reject(self, mask: npt.NDArray[np.bool_], what: str, remedy: str) -> None:
        """Raise on the cells under the mask, if there are any."""
        if mask.any():
            cells = [self.where[i] for i in np.flatnonzero(mask)]
            raise self.grid.error(cells, what, remedy)


def _read(source: Source, options: _Options, check: Callable[[_Cells], None]) -> pd.DataFrame:
    """Read, check and assemble a table."""
    grid = read_grid(source)
    shape = _find_shape(grid, options.layout)
    dates = _parse_dates(grid, shape)
    cells = _parse_cells(grid, shape)
    _check_order(grid, shape, dates)
    check(cells)
    frame = _assemble(grid, shape, dates, cells)
    _check_constant(grid, frame)
    return _apply_policy(grid, shape, frame, options)


# ------------------------------------------------------------------- dates and layout


def _find_shape(grid: Grid, layout: str) -> _Shape:
    """Find the date column and tell the wide layout from the long one."""
    named = [i for i, name in enumerate(grid.header) if name.lower() in DATE_NAMES]
    date = named[0] if named else 0
    rest = [i for i in range(len(grid.header)) if i != date]
    symbol = _symbol_column(grid, rest, layout)
    if symbol is None:
        _refuse_fields(grid, rest)
    if layout == "wide" or (layout == "auto" and symbol is None):
        return _Shape(date, None, rest)
    if len(rest) != 2 or symbol is None:
        what = f"the long layout needs date, symbol and one value; found {', '.join(grid.header)}"
        remedy = "Keep these three columns, or pass layout='wide'."
        raise grid.header_error(rest[-1], what, remedy)
    return _Shape(date, symbol, [i for i in rest if i != symbol])


def _refuse_fields(grid: Grid, columns: list[int]) -> None:
    """Refuse open, high, low, close and volume of one asset, which are not assets."""
    names = [grid.header[i] for i in columns]
    fields = [name for name in names if as_field(name) in FIELDS]
    sure = len(fields) > 2 or (len(fields) == len(names) == 2)
    if not sure or TICKERS.issuperset(map(as_field, fields)):
        return
    raise grid.header_error(
        columns[0],
        f"the columns {', '.join(fields)} are fields of one asset, not assets",
        f"Keep {closing(fields) or fields[0]!r}, call it by the asset's name, and bring one column "
        "per asset.",
    )


def _symbol_column(grid: Grid, rest: list[int], layout: str) -> int | None:
    """The column of symbols: so named, or one of two; and without numbers, unless asked for."""
    named = [i for i in rest if grid.header[i].lower() in SYMBOL_NAMES]
    if named and (layout == "long" or (len(rest) == 2 and _repeats(grid, named[0]))):
        return named[0]
    candidates = rest if len(rest) == 2 else named
    texts = (i for i in candidates if not any(map(_is_numeric, {row[i] for row in grid.rows})))
    return next(texts, None)


def _repeats(grid: Grid, column: int) -> bool:
    """Whether a column holds few words many times, as symbols that may be digits do."""
    words = [row[column] for row in grid.rows]
    return 2 * len(set(words)) <= len(words) and not any("." in word for word in words)


def _is_numeric(text: str) -> bool:
    """Whether a cell is a number, or looks like one in another notation."""
    patterns = (INFINITE, GROUPED, DECIMAL_COMMA)
    return (
        text in MISSING_TEXT
        or _as_number(text) is not None
        or any(pattern.fullmatch(text) for pattern in patterns)
    )


def _as_number(text: str) -> float | None:
    """A number in plain notation, or None."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _parse_dates(grid: Grid, shape: _Shape) -> list[datetime]:
    """Dates of all rows, all naive or all in one time zone."""
    known = {text: as_date(text) for text in {row[shape.date] for row in grid.rows}}
    parsed = [known[row[shape.date]] for row in grid.rows]
    bad = [(i, shape.date) for i, day in enumerate(parsed) if day is None]
    if bad:
        remedy = _remedy_for_date(grid.rows[bad[0][0]][shape.date])
        raise grid.error(bad, "date cannot be read/dates cannot be read", remedy)
    dates = [day for day in parsed if day is not None]
    zones = [day.utcoffset() for day in dates]
    mixed = [(i, shape.date) for i, zone in enumerate(zones) if zone != zones[0]]
    if mixed:
        than = f"another time zone than {grid.word} {grid.places[0]} (offset from UTC)"
        what = f"date has {than}/dates have {than}"
        raise grid.error(mixed, what, "Convert all to one zone, or write days without times.")
    return dates


def _remedy_for_date(text: str) -> str:
    """What to do about a cell that is no date: another notation, or no row of data at all."""
    if not re.search(r"\d", text):
        return "Write dates as 2024-03-01, and delete rows that are blank, a total or a note."
    return (
        "Write dates as 2024-03-01, because 01/03/2024 has two readings: in a spreadsheet give the "
        "column the format yyyy-mm-dd, or use pandas.to_datetime(column, format='%m/%d/%Y')."
    )


def _check_order(grid: Grid, shape: _Shape, dates: list[datetime]) -> None:
    """Refuse repeated dates and dates that fall; in the long layout, within a symbol."""
    symbols = [row[shape.symbol] if shape.symbol is not None else "" for row in grid.rows]
    keys = list(zip(symbols, dates, strict=True))
    first: dict[tuple[str, datetime], int] = {}
    repeated = [i for i, key in enumerate(keys) if first.setdefault(key, i) != i]
    if repeated:
        what = "date is repeated/dates are repeated"
        if shape.symbol is not None:
            what = "pair of date and symbol is repeated/pairs of date and symbol are repeated"
        place = grid.places[first[keys[repeated[0]]]]
        remedy = f"It stands already in {grid.word} {place}: remove one of the two."
        raise grid.error([(i, shape.date) for i in repeated], what, remedy)
    _check_rising(grid, shape, keys)


def _check_rising(grid: Grid, shape: _Shape, keys: list[tuple[str, datetime]]) -> None:
    """Refuse dates that are earlier than the one before."""
    last: dict[str, datetime] = {}
    falling = []
    for i, (symbol, day) in enumerate(keys):
        if symbol in last and day < last[symbol]:
            falling.append((i, shape.date))
        last[symbol] = day
    if falling:
        what = "date is earlier than the one before/dates are earlier than the one before"
        column = grid.header[shape.date]
        raise grid.error(
            falling,
            what,
            "Sort the file by date, oldest first: pandas.read_csv(path, dtype=str)"
            f".sort_values({column!r}, kind='stable').to_csv(new_path, index=False).",
        )


# ------------------------------------------------------------------- numbers


def _parse_cells(grid: Grid, shape: _Shape) -> _Cells:
    """Numbers of all cells that are not missing."""
    places = [(i, j) for i in range(len(grid.rows)) for j in shape.values]
    where = [(i, j) for i, j in places if grid.rows[i][j] not in MISSING_TEXT]
    numbers = [_as_number(grid.rows[i][j]) for i, j in where]
    bad = [place for place, number in zip(where, numbers, strict=True) if number is None]
    if bad:
        _raise_not_numeric(grid, bad)
    if not where:
        remedy = "Export it again."
        raise grid.header_error(shape.values[0], "no cell below the header is filled", remedy)
    cells = _Cells(grid, np.array(numbers, dtype=np.float64), where)
    what = "value is infinite/values are infinite"
    cells.reject(~np.isfinite(cells.values), what, "Find the division by zero, or leave it empty.")
    return cells


def _raise_not_numeric(grid: Grid, bad: list[tuple[int, int]]) -> None:
    """Raise on cells that are not plain numbers, naming the notation if it is known."""
    texts = [grid.rows[i][j] for i, j in bad]
    text = texts[0]
    what = "cell is not a number/cells are not numbers"
    remedy = "Correct it or leave it empty; a table with a column of symbols is layout='long'."
    if DECIMAL_COMMA.fullmatch(text) and not all(map(GROUPED.fullmatch, texts)):
        what = "cell has a decimal comma/cells have decimal commas"
        remedy = "Write 1.5 for 1,5: convert with pandas.read_csv(path, decimal=',')."
    elif GROUPED.fullmatch(text):
        what = "cell has a thousands separator/cells have thousands separators"
        remedy = "Write 1234.5 for 1,234.5: export without digit grouping."
        if DECIMAL_COMMA.fullmatch(text):
            remedy += " If the comma is the decimal sign, write 1.5 for 1,5."
    elif text.endswith("%"):
        remedy = "Write 0.015 for 1.5%."
    raise grid.error(bad, what, remedy)


def _check_prices(cells: _Cells) -> None:
    """Refuse returns, and prices that are not positive."""
    negative = cells.values < 0
    size = float(np.median(np.abs(cells.values)))
    if negative.mean() > SHARE_OF_LOSSES or size < MEDIAN_RETURN:
        what = "value is negative/values are negative"
        found = f"{negative.mean():.0%} of all, median size {size:.3g}"
        remedy = "Use read_returns, or make prices of them: 100 * (1 + returns).cumprod()."
        cells.reject(negative, what, f"{found}: these look like returns. {remedy}")
    what = "price is zero or negative/prices are zero or negative"
    cells.reject(cells.values <= 0, what, "Correct it or leave the cell empty.")


def _check_returns(cells: _Cells) -> None:
    """Refuse prices, percent, and losses of more than everything."""
    size = float(np.median(np.abs(cells.values)))
    everywhere = np.ones(cells.values.shape, dtype=np.bool_)
    if size > MEDIAN_PRICE and not (cells.values < 0).any():
        what = "value is positive/values are all positive"
        cells.reject(
            everywhere, what, f"Median {size:.3g}: these look like prices. Use read_prices."
        )
    if size > MEDIAN_PERCENT:
        what = "value looks like percent/values look like percent"
        remedy = f"Median size {size:.3g} a period: divide by 100, so that 0.01 is one percent."
        cells.reject(everywhere, what, remedy)
    what = "loss exceeds 100%/losses exceed 100%"
    remedy = "If the file is in percent divide by 100, so that 0.01 is one percent; or correct it."
    cells.reject(cells.values < -1, what, remedy)


# ------------------------------------------------------------------- the result


def _assemble(grid: Grid, shape: _Shape, dates: list[datetime], cells: _Cells) -> pd.DataFrame:
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
    grid: Grid, shape: _Shape, frame: pd.DataFrame, options: _Options
) -> pd.DataFrame:
    """Treat missing cells as asked, and check how much is left."""
    places = _places(grid, shape, frame)
    kept, _ = complete(frame, options.missing, grid.source, places=places)
    _check_length(grid, frame, kept, options)
    columns, rows = frame.columns.difference(kept.columns), frame.index.difference(kept.index)
    if len(columns) or len(rows):
        kept = kept.copy()
        kept.attrs["dropped"] = {"assets": list(columns), "dates": list(rows)}
    return kept


def _places(grid: Grid, shape: _Shape, frame: pd.DataFrame) -> dict[pd.Timestamp, str]:
    """Date -> its line or row, where that is one (the wide layout)."""
    if shape.symbol is not None:
        return {}
    return {
        day: f"{grid.word} {place}" for day, place in zip(frame.index, grid.places, strict=True)
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


# ------------------------------------------------------------------- one line per asset


@checked
def read_groups(path_or_buffer: Source, assets: Iterable[str] | None = None) -> pd.Series:
    """Read the group of every asset: its sector, class or country.

    Parameters
    ----------
    path_or_buffer : path or file object
        CSV or Parquet of two columns with a header: the first called asset, symbol or ticker, the
        second whatever the groups are, such as sector. One line per asset.
    assets : iterable of str, optional
        Assets that must be there, and no others.

    Returns
    -------
    Series of length n_assets
        Asset -> group, in the order of `assets`; its name is that of the second column.

    Raises
    ------
    DataError
        If the file is unreadable, has other columns, an asset twice or without a group, lacks an
        asset or names an unknown one.

    Examples
    --------
    >>> import io
    >>> from mixfolio import prices
    >>> file = io.StringIO('''asset,class
    ... TLT,bonds
    ... SPY,equity
    ... EFA,equity''')
    >>> prices.read_groups(file, ["SPY", "EFA", "TLT"]).to_dict()
    {'SPY': 'equity', 'EFA': 'equity', 'TLT': 'bonds'}
    """
    grid = read_grid(path_or_buffer)
    _check_asset_column(grid, "asset,group")
    if len(grid.header) != 2:
        what = f"there are {len(grid.header)} columns, {', '.join(grid.header)[:80]}"
        raise grid.header_error(2, what, "Keep two: the asset and its group.")
    empty = [(i, 1) for i, row in enumerate(grid.rows) if row[1] in MISSING_TEXT]
    if empty:
        what = "asset has no group/assets have no group"
        raise grid.error(empty, what, "Give it one; a group may have a single asset.")
    found = {row[0]: row[1] for row in grid.rows}
    order = _match_assets(grid, found, assets)
    return pd.Series([found[name] for name in order], order, name=grid.header[1], dtype=object)


@checked
def read_weights(path_or_buffer: Source, assets: Iterable[str] | None = None) -> pd.Series:
    """Read the weights that are held now, one decimal per asset.

    Parameters
    ----------
    path_or_buffer : path or file object
        CSV or Parquet with a header. The first column is called asset, symbol or ticker, another
        one weight; more columns are left alone. An apostrophe before an asset that begins like a
        formula is taken off, as :func:`write_weights` puts it.
    assets : iterable of str, optional
        Assets that must be there, and no others.

    Returns
    -------
    Series of length n_assets
        Decimal weights in the order of `assets`; they sum to one within 0.001.

    Raises
    ------
    DataError
        If the file is unreadable, lacks a column, a number or an asset, names one twice or an
        unknown one, or the weights do not sum to one.

    Examples
    --------
    >>> import io
    >>> from mixfolio import prices
    >>> prices.read_weights(io.StringIO('''asset,weight
    ... SPY,0.6
    ... TLT,0.4''')).to_dict()
    {'SPY': 0.6, 'TLT': 0.4}
    """
    grid = read_grid(path_or_buffer)
    _check_asset_column(grid, "asset,weight")
    if "weight" not in grid.header:
        raise grid.header_error(1, "no column is called 'weight'", "Name the one with the weights.")
    column = grid.header.index("weight")
    numbers = [_as_number(row[column]) for row in grid.rows]
    bad = [(i, column) for i, x in enumerate(numbers) if x is None or not np.isfinite(x)]
    if bad:
        raise grid.error(bad, "weight is no number/weights are no numbers", "Write 0.25 for 25%.")
    found = {_unquoted(row[0]): float(str(row[column])) for row in grid.rows}
    order = _match_assets(grid, found, assets)
    total = sum(found.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise DataError(
            f"{grid.source}: the {len(found)} weights sum to {total:.6g}, not to 1. Write "
            "decimals: 0.25 for 25%."
        )
    return pd.Series([found[name] for name in order], order, name="weight")


@checked
def write_weights(table: pd.DataFrame, path_or_buffer: Any) -> None:
    """Write weights as CSV that a spreadsheet shows and does not run.

    Text that begins with ``=``, ``+``, ``-``, ``@`` or a tab would be a formula there. It gets an
    apostrophe before it, which :func:`read_weights` takes off.

    Parameters
    ----------
    table : DataFrame of length n_assets
        One row per asset, labelled by its name. Numbers are written as they are.
    path_or_buffer : path or file object

    Examples
    --------
    >>> import io
    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> held = pd.DataFrame({"weight": [0.6, 0.4]}, pd.Index(["SPY", "=1+1"], name="asset"))
    >>> file = io.StringIO()
    >>> prices.write_weights(held, file)
    >>> file.getvalue().split()
    ['asset,weight', 'SPY,0.6', "'=1+1,0.4"]
    >>> prices.read_weights(io.StringIO(file.getvalue())).to_dict()
    {'SPY': 0.6, '=1+1': 0.4}
    """
    safe = table.rename(index=_quoted, columns=_quoted)
    words = safe.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in safe.dtypes]]
    safe[words] = safe[words].map(_quoted)
    safe.to_csv(path_or_buffer)


def _quoted(label: Any) -> Any:
    return f"'{label}" if isinstance(label, str) and FORMULA.match(label) else label


def _unquoted(label: str) -> str:
    return label[1:] if label.startswith("'") and FORMULA.match(label) else label


def _check_asset_column(grid: Grid, example: str) -> None:
    """Refuse a table without names of columns, or with an asset twice."""
    if grid.header[0].lower() not in SYMBOL_NAMES:
        what = f"the first column is called {grid.header[0][:40]!r}"
        remedy = f"Call it asset. Is the line with the names missing? It is: {example}"
        raise grid.header_error(0, what, remedy)
    names = [row[0] for row in grid.rows]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    again = [(i, 0) for i, name in enumerate(names) if first[name] != i]
    if again:
        place = f"{grid.word} {grid.places[first[names[again[0][0]]]]}"
        remedy = f"It stands already in {place}: remove one of the two."
        raise grid.error(again, "asset is repeated/assets are repeated", remedy)


def _match_assets(grid: Grid, found: dict[str, Any], assets: Iterable[str] | None) -> list[str]:
    """The order of the assets; an error if the table has others."""
    order = list(found) if assets is None else list(assets)
    lacking = [name for name in order if name not in found]
    unknown = [name for name in found if name not in set(order)]
    if lacking:
        what = f"has no line for {counted(len(lacking), 'asset/assets')} of the prices"
        raise _mismatch(grid, what, lacking, "Add a line for each")
    if unknown:
        what = f"names {counted(len(unknown), 'asset that has/assets that have')} no prices"
        raise _mismatch(grid, what, unknown, "Remove these lines, or correct the names")
    return order


def _mismatch(grid: Grid, what: str, names: list[str], remedy: str) -> DataError:
    listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return DataError(
        f"{grid.source} {what}: {listed}. {remedy}; names are compared letter by letter."
    )
