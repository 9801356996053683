"""Read prices or returns that a reader brings, and refuse whatever is doubtful.

A file of prices goes wrong in ways that no estimator notices: dates out of
order, a decimal comma, returns where prices are meant. Each is an error here
that says what, where (the line in an editor, or the row of a Parquet table, and
the column), how many, and what to do. Nothing is repaired, sorted, filled or
dropped unless an argument asks for it.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixfolio.errors import DataError

__all__ = ["read_prices", "read_returns"]

Source: TypeAlias = str | os.PathLike[str] | IO[str] | IO[bytes]
Layout = Literal["auto", "wide", "long"]
Missing = Literal["raise", "drop-assets", "common-period", "keep"]

LAYOUTS = ("auto", "wide", "long")
POLICIES = ("raise", "drop-assets", "common-period", "keep")
DATE_NAMES = {"date", "dates", "day", "time", "datetime", "timestamp"}
SYMBOL_NAMES = {"symbol", "ticker", "asset", "security", "id", "name"}
MISSING_TEXT = {"", "NA", "N/A", "NaN", "nan", "null", "NULL"}
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
GROUPED = re.compile(r"[+-]?\d{1,3}([,' _\u00a0\u202f]\d{3})+(\.\d*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

SHARE_OF_LOSSES = 0.05  # so many negative values make a table of prices one of returns
MEDIAN_RETURN = 0.2  # and so does any negative value if the typical size is below this
MEDIAN_PERCENT = 0.25  # a decimal return whose typical size exceeds this is taken for percent
MEDIAN_PRICE = 0.5  # never negative and typically above this: prices, not returns


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
        "wide": a date column and one column an asset. "long": three columns, which
        are date, symbol and price. "auto" tells them apart: a table of three
        columns one of which holds symbols is long.
    missing : {"raise", "drop-assets", "common-period", "keep"}, default "raise"
        What to do with empty cells. "raise": an error. "drop-assets": leave out
        every asset with an empty cell. "common-period": cut to the dates at which
        all assets have started and none has ended; a gap inside is an error.
        "keep": leave NaN where a cell is empty. What was left out is listed in
        ``attrs["dropped"]`` of the result.
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
    """
    options = _Options(layout, missing, min_periods)
    return _read(path_or_buffer, options, _check_prices)


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
        Float64 decimal simple returns (0.01 is one percent a period).

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
    """
    options = _Options(layout, missing, min_periods)
    return _read(path_or_buffer, options, _check_returns)


# ------------------------------------------------------------------- the parts of a table


@dataclass(frozen=True)
class _Options:
    """Arguments of a reader, checked."""

    layout: str
    missing: str
    min_periods: int

    def __post_init__(self) -> None:
        for name, value, known in (
            ("layout", self.layout, LAYOUTS),
            ("missing", self.missing, POLICIES),
        ):
            if value not in known:
                raise DataError(f"{name}={value!r} is unknown. Use one of {', '.join(known)}.")
        if self.min_periods < 1:
            raise DataError(f"min_periods={self.min_periods} must be at least 1.")


@dataclass(frozen=True)
class _Grid:
    """Header and rows as text, with the place of every row in the file."""

    source: str
    top: str
    header: list[str]
    rows: list[list[str]]
    places: list[int]
    word: str

    def at(self, row: int, column: int) -> str:
        """Place of a cell, in words."""
        return f"{self.word} {self.places[row]}, column {self.header[column]!r}"

    def error(self, cells: Sequence[tuple[int, int]], what: str, remedy: str) -> DataError:
        """An error on the given cells (row, column), the first of which is shown."""
        row, column = cells[0]
        shown = self.rows[row][column]
        return DataError(
            f"{self.source}: {_count(len(cells), what)}, first at {self.at(row, column)}: "
            f"{shown!r}. {remedy}"
        )

    def header_error(self, column: int, what: str, remedy: str) -> DataError:
        """An error on the line of column names."""
        return DataError(f"{self.source}: {self.top}, column {column + 1}: {what}. {remedy}")


@dataclass(frozen=True)
class _Shape:
    """Which column of a grid holds what; `symbol` is None in the wide layout."""

    date: int
    symbol: int | None
    values: list[int]


@dataclass(frozen=True)
class _Cells:
    """Numbers of a grid, one entry a cell that is not missing."""

    grid: _Grid
    values: npt.NDArray[np.float64]
    where: list[tuple[int, int]]

    def reject(self, mask: npt.NDArray[np.bool_], what: str, remedy: str) -> None:
        """Raise on the cells under the mask, if there are any."""
        if mask.any():
            cells = [self.where[i] for i in np.flatnonzero(mask)]
            raise self.grid.error(cells, what, remedy)


def _count(number: int, what: str) -> str:
    """``1 cell ...`` or ``3 cells ...``; `what` holds the singular and plural by a slash."""
    singular, plural = what.split("/")
    return f"1 {singular}" if number == 1 else f"{number} {plural}"


def _read(source: Source, options: _Options, check: Callable[[_Cells], None]) -> pd.DataFrame:
    """Read, check and assemble a table."""
    grid = _read_grid(source)
    _check_header(grid)
    shape = _find_shape(grid, options.layout)
    dates = _parse_dates(grid, shape)
    cells = _parse_cells(grid, shape)
    _check_order(grid, shape, dates)
    check(cells)
    frame = _assemble(grid, shape, dates, cells)
    _check_constant(grid, frame)
    return _apply_policy(grid, shape, frame, options)


# ------------------------------------------------------------------- reading text


def _read_grid(source: Source) -> _Grid:
    """Text of a CSV or Parquet source as a grid."""
    name, content = _content(source)
    if isinstance(content, bytes) and content.startswith(b"PAR1"):
        return _parquet_grid(name, content)
    return _csv_grid(name, _decoded(name, content))


def _content(source: Source) -> tuple[str, str | bytes]:
    """A name for messages, and what the source holds."""
    if isinstance(source, (str, os.PathLike)):
        content: str | bytes = Path(source).read_bytes()
        name = Path(source).name
    else:
        content, name = source.read(), str(getattr(source, "name", "the table"))
    if isinstance(content, bytes) and content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return name, content


def _decoded(name: str, content: str | bytes) -> str:
    """UTF-8 text without a byte-order mark."""
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise DataError(
                f"{name}: line {line} holds a byte that is not UTF-8. Save the file as UTF-8."
            ) from error
    if content.startswith("\ufeff"):
        raise DataError(
            f"{name}: line 1, column 1 starts with a byte-order mark. Save the file as UTF-8 "
            f"without one, or pass open(path, encoding='utf-8-sig')."
        )
    return content


def _csv_grid(name: str, text: str) -> _Grid:
    """Comma-separated text as a grid; lines are counted as an editor does."""
    if not text.strip():
        raise DataError(f"{name}: line 1, column 1: the file is empty. Export it again.")
    _check_separator(name, text)
    reader = csv.reader(io.StringIO(text, newline=""))
    numbered = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    (top, header), body = numbered[0], numbered[1:]
    rows, places = [row for _, row in body], [number for number, _ in body]
    grid = _Grid(name, f"line {top}", header, rows, places, "line")
    _check_widths(grid)
    return grid


def _parquet_grid(name: str, content: bytes) -> _Grid:
    """A Parquet table as a grid of text; rows are counted from 1."""
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError as error:
        raise DataError(
            f"{name}: reading Parquet needs an engine. Run `pip install pyarrow`, "
            f"or save the table as CSV."
        ) from error
    if frame.index.nlevels > 1 or frame.index.name:
        frame = frame.reset_index()
    elif not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names="date")
    columns = [_as_text(frame.iloc[:, i]) for i in range(frame.shape[1])]
    rows = [list(row) for row in zip(*columns, strict=True)]
    header = [str(column) for column in frame.columns]
    return _Grid(name, "header", header, rows, list(range(1, len(rows) + 1)), "row")


def _as_text(column: pd.Series) -> list[str]:
    """Cells as text; missing ones empty, numbers with all their digits."""
    return ["" if pd.isna(cell) else str(cell) for cell in column.tolist()]


def _check_separator(name: str, text: str) -> None:
    """Refuse semicolons and tabs as separators, and say so of the decimal comma."""
    lines = text.splitlines()
    for separator, spoken in ((";", "';'"), ("\t", "a tab")):
        if separator not in lines[0] or "," in lines[0]:
            continue
        header = lines[0].split(separator)
        found = f"{name}: line 1, column {header[0].strip()!r}: columns are separated by {spoken}"
        found += f" in {len(lines)} lines{_decimal_commas(lines, separator, header)}. "
        raise DataError(
            found + f"Save it with commas, or convert it: pandas.read_csv(path, sep={separator!r}, "
            f"decimal=',').to_csv(new_path, index=False)."
        )


def _decimal_commas(lines: list[str], separator: str, header: list[str]) -> str:
    """Clause on the first number written with a decimal comma, or nothing."""
    for number, line in enumerate(lines[1:], start=2):
        for name, cell in zip(header, line.split(separator), strict=False):
            if DECIMAL_COMMA.fullmatch(cell.strip()):
                return f" and decimals by ',', first at line {number}, column {name!r}: {cell!r}"
    return ""


def _check_widths(grid: _Grid) -> None:
    """Refuse a table of one column, without rows, or whose rows differ in width."""
    width = len(grid.header)
    if width == 1:
        remedy = "Separate columns by commas: a date, then one column an asset."
        raise grid.header_error(0, f"the only column is {grid.header[0]!r}", remedy)
    if not grid.rows:
        remedy = "Export it again."
        raise DataError(f"{grid.source}: line 2, column 1: no row below the header. {remedy}")
    bad = [i for i, row in enumerate(grid.rows) if len(row) != width]
    if bad:
        raise DataError(
            f"{grid.source}: {_count(len(bad), 'line has/lines have')} not {width} cells like the "
            f"header, first line {grid.places[bad[0]]} with {len(grid.rows[bad[0]])}, the last in "
            f"column {min(width, len(grid.rows[bad[0]]))}. Remove thousands separators and stray "
            f"commas, or quote the cells."
        )


def _check_header(grid: _Grid) -> None:
    """Refuse missing, empty and repeated column names."""
    for i, name in enumerate(grid.header):
        if _as_date(name) is not None:
            remedy = "Add a first line with the names: date,SPY,TLT."
            raise grid.header_error(i, f"{name!r} is a date, so the header is missing", remedy)
    for i, name in enumerate(grid.header):
        if not name or re.fullmatch(r"Unnamed: \d+", name):
            remedy = "Name it; for a date column written by pandas, use to_csv(index_label='date')."
            raise grid.header_error(i, f"the column has no name ({name!r})", remedy)
    for i, name in enumerate(grid.header):
        if name in grid.header[:i]:
            times = f"{grid.header.count(name)} columns are called {name!r}"
            raise grid.header_error(i, times, "Rename or remove all but one.")


# ------------------------------------------------------------------- dates and layout


def _find_shape(grid: _Grid, layout: str) -> _Shape:
    """Find the date column and tell the wide layout from the long one."""
    named = [i for i, name in enumerate(grid.header) if name.lower() in DATE_NAMES]
    date = named[0] if named else 0
    rest = [i for i in range(len(grid.header)) if i != date]
    symbol = _symbol_column(grid, rest, layout)
    if layout == "wide" or (layout == "auto" and symbol is None):
        return _Shape(date, None, rest)
    if len(rest) != 2 or symbol is None:
        what = f"the long layout needs date, symbol and one value; found {', '.join(grid.header)}"
        remedy = "Keep these three columns, or pass layout='wide'."
        raise grid.header_error(rest[-1], what, remedy)
    return _Shape(date, symbol, [i for i in rest if i != symbol])


def _symbol_column(grid: _Grid, rest: list[int], layout: str) -> int | None:
    """The column of symbols: so named, or one of two; and without numbers, unless asked for."""
    named = [i for i in rest if grid.header[i].lower() in SYMBOL_NAMES]
    if named and layout == "long":
        return named[0]
    candidates = rest if len(rest) == 2 else named
    texts = (i for i in candidates if not any(_is_numeric(row[i]) for row in grid.rows))
    return next(texts, None)


def _is_numeric(text: str) -> bool:
    """Whether a cell is a number, or looks like one in another notation."""
    patterns = (INFINITE, GROUPED, DECIMAL_COMMA)
    return (
        text in MISSING_TEXT
        or _as_number(text) is not None
        or any(pattern.fullmatch(text) for pattern in patterns)
    )


def _as_date(text: str) -> datetime | None:
    """An ISO 8601 date or time, or None."""
    if not re.match(r"\d{4}-?\d{2}-?\d{2}", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _as_number(text: str) -> float | None:
    """A number in plain notation, or None."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _parse_dates(grid: _Grid, shape: _Shape) -> list[datetime]:
    """Dates of all rows, all naive or all in one time zone."""
    parsed = [_as_date(row[shape.date]) for row in grid.rows]
    bad = [(i, shape.date) for i, day in enumerate(parsed) if day is None]
    if bad:
        remedy = "Write dates as 2024-03-01; 01/03/2024 has two readings."
        raise grid.error(bad, "date cannot be read/dates cannot be read", remedy)
    dates = [day for day in parsed if day is not None]
    zones = [day.utcoffset() for day in dates]
    mixed = [(i, shape.date) for i, zone in enumerate(zones) if zone != zones[0]]
    if mixed:
        than = f"another time zone than {grid.word} {grid.places[0]} (offset from UTC)"
        what = f"date has {than}/dates have {than}"
        raise grid.error(mixed, what, "Convert all to one zone, or write days without times.")
    return dates


def _check_order(grid: _Grid, shape: _Shape, dates: list[datetime]) -> None:
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


def _check_rising(grid: _Grid, shape: _Shape, keys: list[tuple[str, datetime]]) -> None:
    """Refuse dates that are earlier than the one before."""
    last: dict[str, datetime] = {}
    falling = []
    for i, (symbol, day) in enumerate(keys):
        if symbol in last and day < last[symbol]:
            falling.append((i, shape.date))
        last[symbol] = day
    if falling:
        what = "date is earlier than the one before/dates are earlier than the one before"
        raise grid.error(falling, what, "Sort the file by date, oldest first.")


# ------------------------------------------------------------------- numbers


def _parse_cells(grid: _Grid, shape: _Shape) -> _Cells:
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


def _raise_not_numeric(grid: _Grid, bad: list[tuple[int, int]]) -> None:
    """Raise on cells that are not plain numbers, naming the notation if it is known."""
    text = grid.rows[bad[0][0]][bad[0][1]]
    what = "cell is not a number/cells are not numbers"
    remedy = "Correct it or leave it empty; a table with a column of symbols is layout='long'."
    if GROUPED.fullmatch(text):
        what = "cell has a thousands separator/cells have thousands separators"
        remedy = "Write 1234.5 for 1,234.5: export without digit grouping."
    elif DECIMAL_COMMA.fullmatch(text):
        what = "cell has a decimal comma/cells have decimal commas"
        remedy = "Write 1.5 for 1,5: convert with pandas.read_csv(path, decimal=',')."
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
        cells.reject(negative, what, f"{found}: these look like returns. Use read_returns.")
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


def _assemble(grid: _Grid, shape: _Shape, dates: list[datetime], cells: _Cells) -> pd.DataFrame:
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


def _check_constant(grid: _Grid, frame: pd.DataFrame) -> None:
    """Refuse series that never change."""
    known = frame.notna().sum() > 1
    constant = list(frame.columns[known & (frame.max() == frame.min())])
    if constant:
        value = float(frame[constant[0]].max())
        raise DataError(
            f"{grid.source}: {_count(len(constant), 'series is/series are')} constant, first "
            f"column {constant[0]!r}: {value} from {grid.word} {grid.places[0]} to "
            f"{grid.places[-1]}. "
            f"Remove it: it has no variance."
        )


def _apply_policy(
    grid: _Grid, shape: _Shape, frame: pd.DataFrame, options: _Options
) -> pd.DataFrame:
    """Treat missing cells as asked, and check how much is left."""
    place = _places(grid, shape, frame)
    if options.missing == "drop-assets":
        kept = frame.loc[:, frame.notna().all()]
    elif options.missing == "common-period":
        kept = _common_period(frame)
    else:
        kept = frame
    if options.missing != "keep":
        _check_complete(grid, kept, place)
    _check_length(grid, frame, kept, options)
    columns, rows = frame.columns.difference(kept.columns), frame.index.difference(kept.index)
    if len(columns) or len(rows):
        kept = kept.copy()
        kept.attrs["dropped"] = {"assets": list(columns), "dates": list(rows)}
    return kept


def _places(grid: _Grid, shape: _Shape, frame: pd.DataFrame) -> dict[pd.Timestamp, str]:
    """Date -> its line or row, where that is one (the wide layout)."""
    if shape.symbol is not None:
        return {}
    return {
        day: f"{grid.word} {place}" for day, place in zip(frame.index, grid.places, strict=True)
    }


def _common_period(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows from the latest start to the earliest end of all assets."""
    firsts = [frame[name].first_valid_index() for name in frame]
    lasts = [frame[name].last_valid_index() for name in frame]
    if any(day is None for day in firsts):
        return frame
    return frame.loc[max(firsts) : min(lasts)]


def _check_complete(grid: _Grid, frame: pd.DataFrame, place: dict[pd.Timestamp, str]) -> None:
    """Refuse missing cells, saying of which sort they are."""
    gaps = frame.isna()
    if not gaps.to_numpy().any():
        return
    row, column = (int(axis[0]) for axis in np.nonzero(gaps.to_numpy()))
    day, name = frame.index[row], frame.columns[column]
    raise DataError(
        f"{grid.source}: {_count(int(gaps.to_numpy().sum()), 'cell is/cells are')} missing in "
        f"{int(gaps.any().sum())} of {frame.shape[1]} assets ({_sorts(frame)}), first at "
        f"{place.get(day, 'no line')}, column {name!r}, date {day:%Y-%m-%d}. Fill the cells, or "
        f"pass missing='drop-assets', 'common-period' (no gaps inside allowed) or 'keep'."
    )


def _sorts(frame: pd.DataFrame) -> str:
    """Number of assets that start late, end early, and have gaps inside."""
    started, ended = frame.ffill().isna(), frame.bfill().isna()
    inside = frame.isna() & ~started & ~ended
    late, early, gaps = (int(part.any().sum()) for part in (started, ended, inside))
    return f"{late} start late, {early} end early, {gaps} have gaps inside"


def _check_length(grid: _Grid, frame: pd.DataFrame, kept: pd.DataFrame, options: _Options) -> None:
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
