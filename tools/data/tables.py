"""Tables of decimal text: numbers never become binary floats.

A helper rounds only where it says so: an unexpected digit is an error.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

Row = list[str]


@dataclass(frozen=True)
class Table:
    """A table of text: a header and rows whose first cell is an ISO date."""

    header: Row
    rows: list[Row]

    def select(self, names: Iterable[str]) -> Table:
        """The date and the named columns, in the order given."""
        at = [0, *(self.header.index(name) for name in names)]
        return Table([self.header[i] for i in at], [[row[i] for i in at] for row in self.rows])

    def between(self, first: str, last: str) -> Table:
        """Rows dated from `first` to `last`, both included."""
        return Table(self.header, [row for row in self.rows if first <= row[0] <= last])

    def without(self, dates: Iterable[str]) -> Table:
        """The rows but for those of the given dates, each of which must be there."""
        missing = set(dates) - {row[0] for row in self.rows}
        assert not missing, missing
        return Table(self.header, [row for row in self.rows if row[0] not in set(dates)])

    def rename(self, names: Mapping[str, str]) -> Table:
        """The same table with columns renamed; every name must be there."""
        missing = set(names) - set(self.header)
        assert not missing, missing
        return Table([names.get(name, name) for name in self.header], self.rows)

    def map_dates(self, change: Callable[[str], str]) -> Table:
        """The same table with every date changed."""
        return Table(self.header, [[change(row[0]), *row[1:]] for row in self.rows])

    def map_cells(self, change: Callable[[str], str], *, skip: Iterable[str] = ()) -> Table:
        """The same table with every filled cell changed, but for the columns skipped."""
        at = {i for i, name in enumerate(self.header) if i and name not in set(skip)}
        rows = [
            [change(cell) if i in at and cell else cell for i, cell in enumerate(row)]
            for row in self.rows
        ]
        return Table(self.header, rows)


def parse(text: str) -> Table:
    """A comma-separated text as a table whose first column is called ``date``."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    return Table(["date", *rows[0][1:]], rows[1:])


def month_end(day: str) -> str:
    """Last calendar day of the month of an ISO date, or of ``YYYYMM``."""
    digits = day.replace("-", "")
    year, month = int(digits[:4]), int(digits[4:6])
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()


def fixed(places: int, *, tolerance: str = "1e-9") -> Callable[[str], str]:
    """Write with so many decimals; fail where that would lose more than the tolerance."""
    unit, allowed = Decimal(1).scaleb(-places), Decimal(tolerance)

    def write(cell: str) -> str:
        value = Decimal(cell)
        rounded = value.quantize(unit, rounding=ROUND_HALF_EVEN)
        if abs(rounded - value) > allowed:
            raise SystemExit(f"{cell} has more than {places} decimals")
        return format(rounded + 0, "f")

    return write


def percent(places: int) -> Callable[[str], str]:
    """A number in percent as a decimal with so many places."""
    write = fixed(places)
    return lambda cell: write(str(Decimal(cell).scaleb(-2)))


def significant(digits: int) -> Callable[[str], str]:
    """Round to so many significant digits."""
    return lambda cell: format(Decimal(cell), f".{digits}g")


def last_of_each(table: Table, period: Callable[[str], object]) -> Table:
    """The last filled cell of every column in every period, under the period's last date."""
    rows = []
    for _, group in itertools.groupby(table.rows, key=lambda row: period(row[0])):
        inside = list(group)
        filled = [[cell for cell in column if cell] for column in zip(*inside, strict=True)]
        rows.append([column[-1] if column else "" for column in filled])
    return Table(table.header, rows)


def week(day: str) -> tuple[int, int]:
    """Year and number of the week, Monday to Sunday, of an ISO date."""
    return date.fromisoformat(day).isocalendar()[:2]


def continuous_to_simple(places: int) -> Callable[[str], str]:
    """A continuously compounded rate r as the simple rate exp(r) - 1, rounded."""

    def write(cell: str) -> str:
        simple = Decimal(cell).exp() - 1
        return fixed(places, tolerance="1")(str(simple))

    return write
