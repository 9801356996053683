"""What a source holds as a grid: text in its encodings, workbooks, Parquet, and data frames."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import stat
import zipfile
import zlib
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import IO, Any, TypeAlias

import pandas as pd

from mixfolio.errors import DataError
from mixfolio.prices._grid import Grid, make_grid

Source: TypeAlias = str | os.PathLike[str] | IO[str] | IO[bytes] | pd.DataFrame

FOREIGN = {  # how files start that are often taken for tables
    rb"\xd0\xcf\x11\xe0": "an old Excel workbook. Save it as .xlsx, or as CSV",
    rb"%PDF": "a PDF. Export the table as CSV",
    rb"(?i)\s*<([!?]|html|table|head|body)": "a web page, not a table. Save it as CSV",
    rb"\s*[{\[]": "JSON, not a table. Export the prices as CSV",
}
SEPARATORS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n')  # as spreadsheets are told
SNIFFED = 20  # lines in which the separator is looked for
LARGEST = 512 * 2**20  # bytes, or letters, of a table, also when it is unpacked
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")  # never in text


def read_grid(source: Source, separator: str | None = None) -> Grid:
    """A source as a grid of text.

    Parameters
    ----------
    source : path, file object or DataFrame
        Text with a header line, a workbook or Parquet; text may be gzipped.
    separator : str, optional
        Letter between columns; by default the comma, semicolon, tab or bar that fits.

    Returns
    -------
    Grid

    Raises
    ------
    DataError
        If there is no such file, or it is no such table.
    """
    if isinstance(source, pd.DataFrame):
        return _frame_grid("the table", source)
    name, content = _content(source)
    if isinstance(content, bytes) and content.startswith(b"PAR1"):
        return _parquet_grid(name, content)
    if isinstance(content, bytes) and content.startswith(b"PK\x03\x04"):
        return _workbook_grid(name, content)
    text, notes = _decoded(name, content)
    if not text.strip():
        raise DataError(f"{name}: line 1, column 1: the file is empty. Export it again.")
    if told := SEPARATOR_LINE.match(text):
        separator, text = separator or told[1], "\n" + text[told.end() :]
    numbered = _numbered_rows(name, text, separator or _separator(text))
    return replace(make_grid(name, "line", numbered), notes=notes)


# ------------------------------------------------------------------- bytes


def _content(source: Any) -> tuple[str, str | bytes]:
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
                f"{path} is a pipe or a device, not a file. Save what comes out of it as a file, "
                "or give - and send it to the command."
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


# ------------------------------------------------------------------- text


def _decoded(name: str, content: str | bytes) -> tuple[str, tuple[str, ...]]:
    """Text of a file, and a note if its encoding is an old one."""
    if isinstance(content, str):
        return content.removeprefix("\ufeff"), ()
    for start, what in FOREIGN.items():
        if re.match(start, content):
            raise DataError(f"{name} is {what}.")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
        if not CONTROLS.search(text):
            return text, ()
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = "\x00"
    if CONTROLS.search(text):
        raise DataError(
            f"{name} is no text: it holds bytes that are no letters in UTF-8, UTF-16 or Latin-1. "
            "Export the table as CSV in UTF-8."
        )
    return text, ("The letters of the file are not UTF-8; they were read as Latin-1.",)


def _separator(text: str) -> str:
    """The letter that splits the first lines into rows of one width, or else most of the first."""
    lines = [line for line in text[:200_000].splitlines()[: SNIFFED + 1] if line.strip()][:SNIFFED]

    def widths(letter: str) -> list[int]:
        try:
            return [len(row) for row in csv.reader(lines, delimiter=letter)]
        except csv.Error:
            return [1]

    found = {letter: widths(letter) for letter in SEPARATORS}
    even = [letter for letter, n in found.items() if n[0] > 1 and len(set(n)) == 1]
    return even[0] if even else max(SEPARATORS, key=lambda letter: found[letter][0])


def _numbered_rows(name: str, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Rows of cells with their lines, counted as an editor does."""
    if len(separator) != 1:
        raise DataError(
            f"--separator is {separator!r}; it must be one letter, such as ';', or a tab."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise DataError(
            f"{name}: line {reader.line_num} cannot be split into cells ({error}). Is it a table, "
            "and is every quotation mark closed?"
        ) from error


# ------------------------------------------------------------------- workbooks and frames


def _workbook_grid(name: str, content: bytes) -> Grid:
    """The first sheet of an Excel workbook that is not empty; rows as the workbook counts them."""
    try:
        inside = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{name}: the workbook or archive is damaged. Save it again.") from error
    if "xl/workbook.xml" not in inside:
        raise DataError(
            f"{name} is an archive of {len(inside)} files, not a table. Unpack it, or save the "
            "table as CSV."
        )
    try:
        book = pd.ExcelFile(io.BytesIO(content), engine="openpyxl")
    except ImportError as error:
        raise DataError(
            f"{name} is an Excel workbook, and the package openpyxl, which reads it, is not "
            "installed. Run: pip install 'mixfolio[excel]'. Or save the sheet as CSV."
        ) from error
    except Exception as error:  # openpyxl has errors of its own
        raise DataError(f"{name}: the workbook is damaged ({error}). Save it again.") from error
    with book:
        for sheet in book.sheet_names:
            table = pd.read_excel(
                book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False
            )
            if not table.empty:
                columns = [_as_text(table.iloc[:, i]) for i in range(table.shape[1])]
                rows = [list(row) for row in zip(*columns, strict=True)]
                grid = make_grid(name, "row", list(enumerate(rows, start=1)))
                if len(book.sheet_names) == 1:
                    return grid
                return grid.noting(f"Of {len(book.sheet_names)} sheets, {sheet!r} was read.")
    raise DataError(f"{name}: row 1, column 1: the workbook is empty. Export it again.")


def _parquet_grid(name: str, content: bytes) -> Grid:
    """A Parquet table as a grid of text."""
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError as error:
        raise DataError(
            f"{name} is Parquet, and the package pyarrow, which reads it, is not installed. Run: "
            "pip install pyarrow. Or save the table as CSV."
        ) from error
    except Exception as error:  # engines have errors of their own
        raise DataError(
            f"{name}: the Parquet file is damaged ({error}). Export it again."
        ) from error
    return _frame_grid(name, frame)


def _frame_grid(name: str, frame: pd.DataFrame) -> Grid:
    """A data frame as a grid of text; rows are counted from 1, lines of names are before."""
    levels = [frame.columns.get_level_values(i) for i in range(frame.columns.nlevels)]
    names = [[_cell(cell) for cell in level] for level in levels]
    body = [_as_text(frame.iloc[:, i]) for i in range(frame.shape[1])]
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name:
        index = [frame.index.get_level_values(i) for i in range(frame.index.nlevels)]
        body = [*(_as_text(level.to_series()) for level in index), *body]
        named = [str(level.name or ("date" if i == 0 else "")) for i, level in enumerate(index)]
        names = [
            named + line if i == 0 else [""] * len(named) + line for i, line in enumerate(names)
        ]
        if len(names) > 1:
            names[0][: len(named)] = [""] * len(named)
    if not body or not len(frame):
        raise DataError(f"{name}: the table is empty: it has no rows or no columns.")
    rows = [list(row) for row in zip(*body, strict=True)]
    first = 1 - len(names[1:])
    numbered = list(enumerate([*names[1:], *rows], start=first))
    return replace(make_grid(name, "row", [(first - 1, names[0]), *numbered]), top="header")


def _as_text(column: pd.Series) -> list[str]:
    """Cells as text; missing ones empty, numbers with all their digits."""
    return [_cell(cell) for cell in column.tolist()]


def _cell(cell: Any) -> str:
    if isinstance(cell, datetime) and cell == cell and cell.time() == time() and not cell.tzinfo:
        return cell.date().isoformat()
    return "" if pd.api.types.is_scalar(cell) and pd.isna(cell) else str(cell).strip()
