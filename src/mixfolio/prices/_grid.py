"""Tables as text: a CSV or Parquet file as a header and rows of cells, each with its place.

What cannot be read as such a table is refused, whatever it is: not UTF-8, separated otherwise, of
rows that differ in length, with columns that have no name or one that is taken.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeAlias

import pandas as pd

from mixfolio.errors import DataError

Source: TypeAlias = str | os.PathLike[str] | IO[str] | IO[bytes]

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
FOREIGN = {  # how files start that are often taken for CSV
    b"PK\x03\x04": "an Excel workbook or a zip archive, not CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, not CSV",
    b"%PDF": "a PDF, not CSV",
    b"\xff\xfe": "text in UTF-16, as Excel saves Unicode text",
    b"\xfe\xff": "text in UTF-16",
}
FIELDS = {"open", "high", "low", "close", "adjclose", "adjustedclose", "volume", "vwap"}
FIELDS |= {"dividends", "stocksplits", "capitalgains"}
CLOSING = ("adjclose", "adjustedclose", "close")  # of these the first that is there
FIELD_LEVEL = {"price", "attributes", "field"}  # how a line of fields begins, where two have names
ASSET_LEVEL = {"ticker", "tickers", "symbol", "symbols", "asset"}  # and a line of assets
LARGEST = 512 * 2**20  # bytes, or letters, of a table, also when it is unpacked
LONGEST_SHOWN = 40  # characters of a cell in a message


@dataclass(frozen=True)
class Grid:
    """Header and rows as text, with the place of every row in the file."""

    source: str
    top: str
    header: list[str]
    rows: list[list[str]]
    places: list[int]
    word: str

    def at(self, row: int, column: int) -> str:
        """Place of a cell, in words."""
        return f"{self.word} {self.places[row]}, column {shown(self.header[column])}"

    def error(self, cells: Sequence[tuple[int, int]], what: str, remedy: str) -> DataError:
        """An error on the given cells (row, column), the first of which is shown."""
        row, column = cells[0]
        return DataError(
            f"{self.source}: {counted(len(cells), what)}, first at {self.at(row, column)}: "
            f"{shown(self.rows[row][column])}. {remedy}"
        )

    def header_error(self, column: int, what: str, remedy: str) -> DataError:
        """An error on the line of column names."""
        return DataError(f"{self.source}: {self.top}, column {column + 1}: {what}. {remedy}")


def shown(text: str) -> str:
    """A cell in quotes, shortened if it is long."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")


def counted(number: int, what: str) -> str:
    """``1 cell ...`` or ``3 cells ...``; `what` holds the singular and plural by a slash."""
    singular, plural = what.split("/")
    return f"1 {singular}" if number == 1 else f"{number} {plural}"


# ------------------------------------------------------------------- reading text


def read_grid(source: Source) -> Grid:
    """Text of a CSV or Parquet source as a grid.

    Parameters
    ----------
    source : path or file object
        Comma-separated UTF-8 text (may be gzipped) with a header line, or Parquet.

    Returns
    -------
    Grid

    Raises
    ------
    DataError
        If there is no such file, or it is no such table.
    """
    name, content = _content(source)
    if isinstance(content, bytes) and content.startswith(b"PAR1"):
        grid = _parquet_grid(name, content)
    else:
        grid = _csv_grid(name, _decoded(name, content))
    grid = _single_header(grid)
    _check_header(grid)
    return grid


def _single_header(grid: Grid) -> Grid:
    """A table with one line of names: pandas writes two or three where columns have two levels.

    One level then holds fields, of which the closing price is taken, adjusted if it is there; the
    other holds the assets; and a last line holds nothing but the name of the dates.
    """
    header, rows, places = grid.header, grid.rows, grid.places
    levels = _two_levels(header, rows)
    if levels:
        fields, assets = levels
        wanted = closing(fields[1:]) or fields[1]
        if closing(fields[1:]) is None and len(set(fields[1:])) > 1:
            found = ", ".join(dict.fromkeys(fields[1:]))
            remedy = "Save one field only, with one line of names: table['Close'].to_csv(...)."
            raise grid.header_error(0, f"two lines of names, for {found}", remedy)
        taken = [i for i, name in enumerate(fields) if i == 0 or name == wanted]
        header = [assets[0] or "date", *(assets[i] for i in taken[1:])]
        rows, places = [[row[i] for i in taken] for row in rows[1:]], places[1:]
    if rows and rows[0][0].lower() == "date" and not any(rows[0][1:]):
        header, rows, places = [rows[0][0], *header[1:]], rows[1:], places[1:]
    return replace(grid, header=header, rows=rows, places=places)


def _two_levels(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[str]] | None:
    """The line of fields and that of assets, if the first two lines are such, in either order."""
    if not rows:
        return None
    first, second = header, rows[0]
    begin = first[0].lower(), second[0].lower()
    if not set(begin) <= FIELD_LEVEL | ASSET_LEVEL | {""}:
        return None
    named = begin[0] in FIELD_LEVEL and begin[1] in ASSET_LEVEL
    if named or FIELDS.issuperset(map(as_field, first[1:])):
        return first, second
    return (second, first) if FIELDS.issuperset(map(as_field, second[1:])) else None


def as_field(name: str) -> str:
    """A name as :data:`FIELDS` has it: "5. adjusted close" and "Adjusted_Close" are the same."""
    return re.sub("[^a-z]", "", name.lower())


def closing(names: Sequence[str]) -> str | None:
    """The name of the closing price, adjusted if it is there; None if it is not."""
    known = {as_field(name): name for name in reversed(names)}
    return next((known[field] for field in CLOSING if field in known), None)


def _content(source: Source) -> tuple[str, str | bytes]:
    """A name for messages, and what the source holds."""
    if isinstance(source, (str, os.PathLike)):
        name = Path(source).name
        content: str | bytes = _bytes(Path(source))
    else:
        name = Path(str(getattr(source, "name", "the table"))).name
        content = _whole(name, source)
    if isinstance(content, bytes) and content.startswith(b"\x1f\x8b"):
        try:
            content = _whole(name, gzip.GzipFile(fileobj=io.BytesIO(content)))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"{name}: the compressed file is damaged ({error}). Copy it again."
            ) from error
    return name, content


def _bytes(path: Path) -> bytes:
    """What a file holds, or an error that says why it cannot be read."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise DataError(
                f"{path} is a pipe or a device, not a file. Save what comes out of it as a file."
            )
        with path.open("rb") as file:
            content: bytes = _whole(path.name, file)
        return content
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file. Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder. Give the file inside it.") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Check its permissions."
        ) from error


def _whole(name: str, stream: Any) -> Any:
    """All that a stream holds, text or bytes, unless it is too much to be a table or never ends."""
    parts, size = list[Any](), 0
    while size <= LARGEST and (part := stream.read(LARGEST + 1 - size)):
        parts.append(part)
        size += len(part)
    if size > LARGEST:
        raise DataError(
            f"{name} holds more than {LARGEST / 2**20:.3g} MB of text. Is it a table at all? If "
            "so, keep fewer assets or dates, or save it as Parquet."
        )
    return parts[0][:0].join(parts) if parts else ""


def _decoded(name: str, content: str | bytes) -> str:
    """UTF-8 text without the byte-order mark that Excel puts before it."""
    if isinstance(content, bytes):
        for start, what in FOREIGN.items():
            if content.startswith(start):
                raise DataError(f"{name} is {what}. Save it as CSV in UTF-8 first.")
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise DataError(
                f"{name}: line {line} holds a byte that is not UTF-8. Save the file as UTF-8. If "
                "it is no text at all, export the table as CSV."
            ) from error
    return content.removeprefix("\ufeff")


def _csv_grid(name: str, text: str) -> Grid:
    """Comma-separated text as a grid; lines are counted as an editor does."""
    if not text.strip():
        raise DataError(f"{name}: line 1, column 1: the file is empty. Export it again.")
    _check_separator(name, text)
    numbered = _numbered_rows(name, text)
    (top, header), body = numbered[0], numbered[1:]
    rows, places = [row for _, row in body], [number for number, _ in body]
    grid = Grid(name, f"line {top}", header, rows, places, "line")
    _check_widths(grid)
    return grid


def _numbered_rows(name: str, text: str) -> list[tuple[int, list[str]]]:
    """Rows of cells with their lines."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise DataError(
            f"{name}: line {reader.line_num} cannot be split into cells ({error}). Is it a table, "
            "and is every quotation mark closed?"
        ) from error


def _parquet_grid(name: str, content: bytes) -> Grid:
    """A Parquet table as a grid of text; rows are counted from 1."""
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError as error:
        raise DataError(
            f"{name}: reading Parquet needs an engine. Run `pip install pyarrow`, "
            "or save the table as CSV."
        ) from error
    except Exception as error:  # engines have errors of their own
        raise DataError(
            f"{name}: the Parquet file is damaged ({error}). Export it again."
        ) from error
    if frame.index.nlevels > 1 or frame.index.name:
        frame = frame.reset_index()
    elif not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names="date")
    columns = [_as_text(frame.iloc[:, i]) for i in range(frame.shape[1])]
    rows = [list(row) for row in zip(*columns, strict=True)]
    places = list(range(1, len(rows) + 1))
    header = [str(column) for column in frame.columns]
    if frame.columns.nlevels == 2:  # as two lines of names, of which the first cell is the dates'
        first, second = (frame.columns.get_level_values(i).astype(str) for i in (0, 1))
        header, rows, places = ["", *first[1:]], [["", *second[1:]], *rows], [0, *places]
    return Grid(name, "header", header, rows, places, "row")


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
        found = (
            f"{name}: line 1, column {shown(header[0].strip())}: columns are separated by {spoken}"
        )
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
                return (
                    f" and decimals by ',', first at line {number}, column {name!r}: {shown(cell)}"
                )
    return ""


def _check_widths(grid: Grid) -> None:
    """Refuse a table of one column, without rows, or whose rows differ in width."""
    width = len(grid.header)
    if width == 1:
        remedy = "Separate columns by commas: a date, then one column per asset."
        raise grid.header_error(0, f"the only column is {shown(grid.header[0])}", remedy)
    if not grid.rows:
        remedy = "Export it again."
        raise DataError(f"{grid.source}: line 2, column 1: no row below the header. {remedy}")
    bad = [i for i, row in enumerate(grid.rows) if len(row) != width]
    if bad:
        raise DataError(
            f"{grid.source}: {counted(len(bad), 'line has/lines have')} not {width} cells like the "
            f"header, first line {grid.places[bad[0]]} with {len(grid.rows[bad[0]])}, the last in "
            f"column {min(width, len(grid.rows[bad[0]]))}. Remove thousands separators and stray "
            "commas, or quote the cells."
        )


def _check_header(grid: Grid) -> None:
    """Refuse missing, empty and repeated column names."""
    for i, name in enumerate(grid.header):
        if as_date(name) is not None:
            remedy = "Add a first line with the names: date,SPY,TLT."
            raise grid.header_error(i, f"{name!r} is a date, so the header is missing", remedy)
    for i, name in enumerate(grid.header):
        if not name or re.fullmatch(r"Unnamed: \d+", name):
            remedy = "Name it; for a date column written by pandas, use to_csv(index_label='date')."
            if not any(row[i] for row in grid.rows):
                remedy = "All its cells are empty: delete the column."
            raise grid.header_error(i, f"the column has no name ({name!r})", remedy)
    seen: set[str] = set()
    for i, name in enumerate(grid.header):
        if name in seen:
            times = f"{grid.header.count(name)} columns are called {shown(name)}"
            raise grid.header_error(i, times, "Rename or remove all but one.")
        seen.add(name)


def as_date(text: str) -> datetime | None:
    """An ISO 8601 date or time, or None."""
    if not re.match(r"\d{4}-?\d{2}-?\d{2}", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
