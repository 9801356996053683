"""A table as text: a header and rows of cells, each with its place in the file.

What has rows that differ in length, or columns that have no name or one that is taken, is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mixfolio.errors import DataError
from mixfolio.prices._dates import as_date

LONGEST_SHOWN = 40  # characters of a cell in a message


@dataclass(frozen=True)
class Grid:
    """Header and rows as text, with the place of every row in the file.

    `notes` says what was chosen or left out on the way, one sentence each.
    """

    source: str
    top: str
    header: list[str]
    rows: list[list[str]]
    places: list[int]
    word: str
    notes: tuple[str, ...] = ()

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

    def column(self, column: int) -> list[str]:
        """The cells of a column."""
        return [row[column] for row in self.rows]

    def taking(self, columns: Sequence[int]) -> Grid:
        """The same with some of the columns."""
        header = [self.header[i] for i in columns]
        return replace(self, header=header, rows=[[row[i] for i in columns] for row in self.rows])

    def noting(self, note: str) -> Grid:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def shown(text: str) -> str:
    """A cell in quotes, shortened if it is long."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")


def counted(number: int, what: str) -> str:
    """``1 cell ...`` or ``3 cells ...``; `what` holds the singular and plural by a slash."""
    singular, plural = what.split("/")
    return f"1 {singular}" if number == 1 else f"{number} {plural}"


def make_grid(name: str, word: str, numbered: list[tuple[int, list[str]]]) -> Grid:
    """Numbered rows of cells as a grid; the first that is not blank holds the names."""
    filled = [(place, row) for place, row in numbered if any(row)]
    if not filled:
        raise DataError(f"{name}: {word} 1, column 1: the file is empty. Export it again.")
    (top, header), body = filled[0], filled[1:]
    rows, places = [row for _, row in body], [place for place, _ in body]
    grid = Grid(name, f"{word} {top}", header, rows, places, word)
    if rows and {len(row) for row in rows} == {len(header) + 1} and as_date(rows[0][0]):
        grid = replace(grid, header=["date", *header])  # as R writes the names of rows
    _check_widths(grid)
    return grid


def _check_widths(grid: Grid) -> None:
    """Refuse a table of one column, without rows, or whose rows differ in width."""
    width = len(grid.header)
    usual = Counter(map(len, grid.rows)).most_common(1)
    if usual and usual[0][0] > max(width, 2) and usual[0][1] > len(grid.rows) / 2:
        what = f"there are {width} cells here, and {usual[0][0]} in most lines below"
        raise grid.header_error(
            width - 1,
            what,
            "The first line must hold the names: delete what is above them. If they are here, "
            "remove thousands separators and stray commas below.",
        )
    if width == 1:
        remedy = "Bring a date, then one column per asset; --separator says what is between them."
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
            "commas, or quote the cells; delete lines that are a total or a note."
        )


def check_header(grid: Grid) -> None:
    """Refuse dates, missing, empty and repeated names of columns."""
    days = [i for i, name in enumerate(grid.header) if as_date(name) is not None]
    if len(days) > 2:
        what = f"{len(days)} columns are called by dates, the first {grid.header[days[0]]!r}"
        raise grid.header_error(days[0], what, "Turn the table: one line per date, oldest first.")
    if days:
        remedy = "Add a first line with the names: date,SPY,TLT."
        what = f"{grid.header[days[0]]!r} is a date, so the header is missing"
        raise grid.header_error(days[0], what, remedy)
    for i, name in enumerate(grid.header):
        if not is_named(name):
            raise grid.header_error(i, f"the column has no name ({name!r})", "Name it.")
    seen: set[str] = set()
    for i, name in enumerate(grid.header):
        if name in seen:
            times = f"{grid.header.count(name)} columns are called {shown(name)}"
            raise grid.header_error(i, times, "Rename or remove all but one.")
        seen.add(name)


def is_named(name: str) -> bool:
    """Whether a column has a name of its own, and not one that pandas made up."""
    return bool(name) and not re.fullmatch(r"Unnamed: \d+(_level_\d+)?", name)
