"""Which columns of an export hold the dates, the assets and their prices.

Exports differ in lines of names, in the fields beside the closing price, and in whether an asset
is a column or a word in one. The adjusted closing price is taken if it is there, else the closing
price, and which of them is said.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from mixfolio.prices._grid import Grid, check_header, is_named
from mixfolio.prices._numbers import MISSING_TEXT, as_number, is_numeric

Layout = Literal["auto", "wide", "long"]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
DATE_NAMES: tuple[str, ...] = (
    "date",
    "dates",
    "datadate",
    "tradedate",
    "observationdate",
    "refdate",
    "datum",
)
DATE_NAMES += ("day", "datetime", "timestamp", "time", "month", "period")
SYMBOL_NAMES: tuple[str, ...] = (
    "ticker",
    "tickers",
    "symbol",
    "symbols",
    "asset",
    "tic",
    "ric",
    "instrument",
)
SYMBOL_NAMES += ("isin", "cusip", "permno", "security", "stock", "code", "id", "name")
ADJUSTED = ("adjclose", "adjustedclose", "adjcloseprice", "adjusted", "closeadj", "adjprice")
CLOSES = ("close", "closeprice", "closingprice", "lastprice", "pxlast", "last", "settle", "nav")
CLOSING = (*ADJUSTED, *CLOSES)  # of these the first that is there
BAR = {"open", "high", "low", "volume", "vwap", "dividends", "stocksplits", "capitalgains"}
BAR |= {"adjopen", "adjhigh", "adjlow", "adjvolume", "vol", "openint", "adjclose", "adjusted"}
FIELDS = BAR | {"close", "adjustedclose", "closeadj"}
MORE_FIELDS = {"price", "change", "per", "time", "amount", "turnover", "trades", "divcash"}
MORE_FIELDS |= {"splitfactor", "openinterest", "chg", "currency", "exchange"}
LONG_PRICES = (*CLOSING, "price", "prices", "value", "prc", "closing", "quote")
TICKERS = {"open", "low"}  # fields that are also tickers
FIELD_LEVEL = {"price", "attributes", "field"}  # how a line of fields begins, where two have names
ASSET_LEVEL = {"ticker", "tickers", "symbol", "symbols", "asset"}  # and a line of assets
TUPLE = re.compile(r"\((['\"]).*\)", re.DOTALL)  # how two levels look when they became one
JOINT = r"[\s._|:/-]+"


@dataclass(frozen=True)
class Shape:
    """Which column of a grid holds what; `symbol` is None in the wide layout."""

    date: int
    symbol: int | None
    values: list[int]


def arrange(grid: Grid, layout: str) -> tuple[Grid, Shape]:
    """A grid with one line of names, without blank columns, and what its columns hold.

    Raises
    ------
    DataError
        If columns are unnamed, repeated, or fields of which none is a closing price; or if the
        layout is not the one asked for.
    """
    grid = without_blanks(_single_header(_unmerged(_untupled(_unnumbered(grid)))))
    grid = _unflattened(grid)
    check_header(grid)
    words = [as_word(name) for name in grid.header]
    date = next((words.index(name) for name in DATE_NAMES if name in words), 0)
    rest = [i for i in range(len(words)) if i != date]
    symbol = _symbol_column(grid, rest, layout)
    if layout == "long" or (layout == "auto" and symbol is not None):
        return _long(grid, date, symbol, rest)
    return _wide(grid, date, rest)


def as_word(name: str) -> str:
    """A name without what varies: "5. adjusted close" and "<Adjusted_Close>" are the same."""
    return re.sub("[^a-z]", "", name.lower())


def closing(names: Sequence[str], known: Sequence[str] = CLOSING) -> str | None:
    """The name of the closing price, adjusted if it is there; None if it is not."""
    found = {as_word(name): name for name in reversed(names)}
    return next((found[field] for field in known if field in found), None)


def _choice(fields: Sequence[str], taken: str) -> str:
    """A sentence on which of several fields was taken."""
    names = list(dict.fromkeys(fields))
    others = ", ".join(name for name in names if name != taken)
    sure = (
        "the closing price that is adjusted for dividends and splits"
        if as_word(taken) in ADJUSTED
        else "which may not be adjusted for dividends and splits; the file does not say"
    )
    return f"{taken!r} was taken as the price, {sure}. Left alone: {others}."


# ------------------------------------------------------------------- lines of names


def _unnumbered(grid: Grid) -> Grid:
    """Without the numbers of rows that pandas writes before the dates."""
    numbers = grid.column(0)[2:]
    dated = len(grid.header) > 2 and as_word(grid.header[1]) in DATE_NAMES
    own = not is_named(grid.header[0]) or grid.header[0].lower() in FIELD_LEVEL | ASSET_LEVEL
    if dated and own and numbers and all(text.isdigit() for text in numbers):
        return grid.taking(range(1, len(grid.header)))
    return grid


def _unmerged(grid: Grid) -> Grid:
    """Names in every cell of the first of two lines, where a workbook merged what is equal."""
    below = grid.rows[0] if grid.rows else []
    if not below or below[0].lower() not in FIELD_LEVEL | ASSET_LEVEL or not all(below):
        return grid
    header = list(grid.header)
    for i in range(2, len(header)):
        header[i] = header[i] or header[i - 1]
    return replace(grid, header=header)


def _untupled(grid: Grid) -> Grid:
    """Names such as ``('Close', 'SPY')``, from two levels that became one, as two lines again."""
    parts = [_parts(name) for name in grid.header]
    if sum(part is not None for part in parts) < max(1, len(parts) - 2):
        return grid
    first = [part[0] if part else "" for part in parts]
    second = [part[1] if part else name for part, name in zip(parts, grid.header, strict=True)]
    if second[0].lower() in DATE_NAMES:
        second[0] = ""
    above = grid.places[0] - 1 if grid.places else 0
    return replace(grid, header=first, rows=[second, *grid.rows], places=[above, *grid.places])


def _parts(name: str) -> tuple[str, str] | None:
    if not TUPLE.fullmatch(name):
        return None
    try:
        found = ast.literal_eval(name)
    except (ValueError, SyntaxError):
        return None
    return (str(found[0]), str(found[1])) if isinstance(found, tuple) and len(found) == 2 else None


def _single_header(grid: Grid) -> Grid:
    """A table with one line of names: pandas writes two or three where columns have two levels.

    One level then holds fields, of which the closing price is taken, adjusted if it is there; the
    other holds the assets; and a last line holds nothing but the name of the dates.
    """
    levels = _two_levels(grid.header, grid.rows)
    if levels:
        below = replace(grid, rows=grid.rows[1:], places=grid.places[1:])
        grid = _one_field(below, 1, *levels)
    rows = grid.rows
    if rows and as_word(rows[0][0]) in DATE_NAMES and not any(rows[0][1:]):
        header = [rows[0][0], *grid.header[1:]]
        grid = replace(grid, header=header, rows=rows[1:], places=grid.places[1:])
    return grid


def _two_levels(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[str]] | None:
    """The line of fields and that of assets, if the first two lines are such, in either order."""
    if not rows:
        return None
    first, second = header, rows[0]
    begin = first[0].lower(), second[0].lower()
    if not {name for name in begin if is_named(name)} <= FIELD_LEVEL | ASSET_LEVEL | {*DATE_NAMES}:
        return None
    named = begin[0] in FIELD_LEVEL and begin[1] in ASSET_LEVEL
    if named or _all_fields(first[1:]):
        return first, second
    return (second, first) if _all_fields(second[1:]) else None


def _all_fields(names: list[str]) -> bool:
    """Whether all names are fields."""
    return {as_word(re.sub(r"\.\d+$", "", name)) for name in names} <= FIELDS | {*CLOSING}


def _one_field(grid: Grid, first: int, fields: list[str], assets: list[str]) -> Grid:
    """The columns of one field, called by the assets; columns before the first stay."""
    fields = [re.sub(r"\.\d+$", "", name) for name in fields]  # pandas numbers what is repeated
    kinds = list(dict.fromkeys(fields[first:]))
    wanted = closing(kinds) or kinds[0]
    if closing(kinds) is None and len(kinds) > 1:
        remedy = "Export the closing prices too, or one field only with one line of names."
        raise grid.header_error(0, f"the fields are {', '.join(kinds)}; none closes", remedy)
    taken = [i for i, name in enumerate(fields) if i < first or name == wanted]
    header = [*(assets[i] or "date" for i in taken[:first]), *(assets[i] for i in taken[first:])]
    if is_named(fields[0]) and as_word(header[0]) in FIELD_LEVEL | ASSET_LEVEL:
        header[0] = "date"
    chosen = replace(grid.taking(taken), header=header)
    return chosen.noting(_choice(kinds, wanted)) if len(kinds) > 1 else chosen


def _unflattened(grid: Grid) -> Grid:
    """Names such as ``SPY Close`` or ``Close_SPY``: the columns of one field, called by assets."""
    parts = [_field_and_asset(name) for name in grid.header[1:]]
    known = [part for part in parts if part is not None]
    numbered = [asset for _, asset in known] == [str(i + 1) for i in range(len(known))]
    if not known or len(known) < len(parts) or numbered:
        return grid
    fields = [grid.header[0], *(field for field, _ in known)]
    return _one_field(grid, 1, fields, [grid.header[0], *(asset for _, asset in known)])


def _field_and_asset(name: str) -> tuple[str, str] | None:
    """The field and the asset that a name is made of, if it is."""
    for field, asset in (
        *re.findall(rf"^(adj[a-z]*{JOINT}close|[a-z]+){JOINT}(.+)$", name, re.IGNORECASE),
        *(
            (found[1], found[0])
            for found in re.findall(
                rf"^(.+?){JOINT}(adj[a-z]*{JOINT}close|[a-z]+)$", name, re.IGNORECASE
            )
        ),
    ):
        if as_word(field) in FIELDS:
            return field, asset
    return None


def without_blanks(grid: Grid) -> Grid:
    """Without columns that hold nothing; the first one, if it has no name, is that of the dates."""
    header = [name if is_named(name) else "" for name in grid.header]
    blank = [not header[i] and not any(grid.column(i)) for i in range(len(header))]
    grid = replace(grid, header=header).taking([i for i, empty in enumerate(blank) if not empty])
    if not grid.header or grid.header[0] or not grid.rows:
        return grid
    if any(as_word(name) in DATE_NAMES for name in grid.header):
        return grid
    return replace(grid, header=["date", *grid.header[1:]])


# ------------------------------------------------------------------- wide and long


def _wide(grid: Grid, date: int, rest: list[int]) -> tuple[Grid, Shape]:
    """A column per asset; or fields of one asset, which is called by the name of the file."""
    names = [grid.header[i] for i in rest]
    words = [as_word(name) for name in names]
    core = [word for word in words if word in FIELDS | {*CLOSING}]
    known = [word for word in words if word in FIELDS | MORE_FIELDS | {*CLOSING}]
    sure = (len(core) > 1 and len(known) > 2) or len(known) == len(names) == 2
    if not sure or TICKERS.issuperset(known) or not set(words) & BAR:
        if "volume" in words:
            volume = rest[words.index("volume")]
            raise grid.header_error(volume, "the volume is no asset", "Delete the column.")
        return grid, Shape(date, None, rest)
    taken = closing(names) or closing(names, ("price",))
    if taken is None:
        raise grid.header_error(
            rest[0],
            f"the columns {', '.join(names)} are fields of one asset, and none is a closing price",
            "Export the closing price, one column per asset.",
        )
    asset = Path(grid.source).name.split(".")[0]
    column = grid.header.index(taken)
    header = [asset if i == column else name for i, name in enumerate(grid.header)]
    note = f"The file holds one asset, which is called {asset!r} here. {_choice(names, taken)}"
    return replace(grid, header=header).noting(note), Shape(date, None, [column])


def _long(grid: Grid, date: int, symbol: int | None, rest: list[int]) -> tuple[Grid, Shape]:
    """A line per date and asset; of several columns that of the price is taken."""
    if symbol is None:
        what = f"the long layout needs date, symbol and price; found {', '.join(grid.header)}"
        raise grid.header_error(rest[-1], what, "Call the columns so, or use --layout wide.")
    values = [i for i in rest if i != symbol]
    names = [grid.header[i] for i in values]
    empty = [(i, symbol) for i, text in enumerate(grid.column(symbol)) if not text]
    if empty:
        raise grid.error(empty, "line has no symbol/lines have no symbol", "Delete it or name it.")
    if len(values) == 1:
        return grid, Shape(date, symbol, values)
    taken = closing(names, LONG_PRICES) or _only_number(grid, values)
    if taken is None:
        what = f"none of the columns {', '.join(names)} is called price or close"
        raise grid.header_error(values[0] if values else symbol, what, "Call the price 'price'.")
    return grid.noting(_choice(names, taken)), Shape(date, symbol, [grid.header.index(taken)])


def _only_number(grid: Grid, values: list[int]) -> str | None:
    """The name of the only column of numbers, if there is one."""
    found = [i for i in values if all(map(is_numeric, set(grid.column(i))))]
    return grid.header[found[0]] if len(found) == 1 else None


def _symbol_column(grid: Grid, rest: list[int], layout: str) -> int | None:
    """The column of symbols: so named, or one of two; and without numbers, unless asked for."""
    words = {i: as_word(grid.header[i]) for i in rest}
    named = [i for name in SYMBOL_NAMES for i in rest if words[i] == name]
    if named and layout == "long":
        return named[0]
    repeating = (i for i in named if _repeats(grid, i))
    candidates = rest if len(rest) == 2 else named
    texts = (i for i in candidates if not any(map(_is_price, set(grid.column(i)))))
    return next(repeating, next(texts, None))


def _is_price(text: str) -> bool:
    """Whether a cell would do as a price."""
    return text in MISSING_TEXT or as_number(text) is not None or is_numeric(text)


def _repeats(grid: Grid, column: int) -> bool:
    """Whether a column holds few words many times, as symbols that may be digits do."""
    words = grid.column(column)
    return 2 * len(set(words)) <= len(words) and not any(
        "." in word and as_number(word) is not None for word in words
    )
