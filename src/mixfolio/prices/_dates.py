"""Dates in the notations that exports use; one that has two readings is refused.

ISO 8601 is read as it stands. Another notation is read if it is the only one that fits all cells
of the column. A day that may be a month needs ``--date-format``, and the one that fits is named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from mixfolio.errors import DataError

if TYPE_CHECKING:
    from mixfolio.prices._grid import Grid

FORMATS = (
    *(
        "".join((a, s, b, s, c))
        for s, c, (a, b) in product("/.-", ("%Y", "%y"), (("%d", "%m"), ("%m", "%d")))
    ),
    *("%y/%m/%d", "%y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d %b %Y", "%d/%b/%Y"),
    *("%d-%b-%y", "%d %b %y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%a %b %d %Y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%Y%m", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y"),
)
CLOCK = re.compile(r"[ T]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?$")
FIRST_SERIAL, LAST_SERIAL = 10_000, 80_000  # 1927 and 2119, as spreadsheets count days
EPOCHS: dict[int, Literal["s", "ms", "us", "ns"]] = {
    10: "s",
    13: "ms",
    16: "us",
    19: "ns",
}  # digits of an instant since 1970
DAYLIGHT = 3600.0  # seconds between the offsets of one place, at most


def as_date(text: str) -> datetime | None:
    """An ISO 8601 date or time, or None."""
    if not re.match(r"\d{4}-?\d{2}-?\d{2}", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def parse_dates(grid: Grid, column: int, date_format: str | None) -> tuple[Grid, list[datetime]]:
    """Local dates of all rows, and the grid with a note if they were in another notation."""
    texts = grid.column(column)
    known = _formatted(texts, date_format) if date_format else {t: as_date(t) for t in set(texts)}
    if None in known.values() and not date_format:
        grid, known = _other_notation(grid, column, known)
    bad = [(i, column) for i, text in enumerate(texts) if known[text] is None]
    if bad:
        remedy = _remedy(grid.rows[bad[0][0]][column], date_format)
        raise grid.error(bad, "date cannot be read/dates cannot be read", remedy)
    return _local(grid, column, [day for text in texts if (day := known[text]) is not None])


def _formatted(texts: list[str], date_format: str) -> dict[str, datetime | None]:
    """Every text as a date in a format, or None where it does not fit."""
    unique = list(dict.fromkeys(texts))
    plain = [text if "%H" in date_format else CLOCK.sub("", text) for text in unique]
    try:
        found = pd.to_datetime(pd.Series(plain), format=date_format, errors="coerce")
    except ValueError as error:
        raise DataError(
            f"--date-format is {date_format!r}: {error}. Write %d for the day, %m for the month "
            "and %Y for the year, such as %d/%m/%Y."
        ) from error
    days = [None if pd.isna(day) else day.to_pydatetime() for day in found]
    return dict(zip(unique, days, strict=True))


def _other_notation(
    grid: Grid, column: int, iso: dict[str, datetime | None]
) -> tuple[Grid, dict[str, datetime | None]]:
    """The one notation that fits all cells; as they stand if none does."""
    texts = grid.column(column)
    numbers = _counted_days(list(iso))
    if numbers:
        return grid.noting(
            "The dates were numbers of days or seconds; they were converted."
        ), numbers
    tried = {form: _formatted(texts, form) for form in FORMATS if not any(iso.values())}
    whole = {form: days for form, days in tried.items() if None not in days.values()}
    if not whole:
        nearest = max(tried.values(), key=lambda days: sum(map(bool, days.values())), default=iso)
        return grid, nearest
    readings = {tuple(days.values()): form for form, days in whole.items()}
    orderly = {days: form for days, form in readings.items() if not _unevenness(days)[0]}
    readings = orderly or readings  # a reading in disorder is none beside one in order
    if len(readings) > 1:
        raise _ambiguous(grid, column, {form: list(days) for days, form in readings.items()})
    form = next(iter(readings.values()))
    note = f"Dates are written {form}: {texts[0]} is {whole[form][texts[0]]:%Y-%m-%d}."
    return grid.noting(note), whole[form]


def _counted_days(texts: list[str]) -> dict[str, datetime | None]:
    """Dates from a spreadsheet's serial numbers, or instants since 1970; empty if they are none."""
    lengths = {len(text) for text in texts}
    if not all(re.fullmatch(r"\d{5,19}(\.\d+)?", text) for text in texts):
        return {}
    numbers = pd.Series([float(text) for text in texts])
    if numbers.between(FIRST_SERIAL, LAST_SERIAL).all():
        found = pd.to_datetime(numbers.astype("int64"), unit="D", origin="1899-12-30")
    elif len(lengths) == 1 and lengths <= set(EPOCHS):
        found = pd.to_datetime(numbers.astype("int64"), unit=EPOCHS[min(lengths)])
    else:
        return {}
    return dict(zip(texts, (day.to_pydatetime() for day in found), strict=True))


def _ambiguous(grid: Grid, column: int, readings: dict[str, list[datetime | None]]) -> DataError:
    """An error on dates with several readings, the likeliest of which is named first."""
    order = sorted(readings, key=lambda form: _unevenness(readings[form]))
    text, likely = grid.rows[0][column], order[0]
    step = _steps(readings[likely])
    why = f"the dates then follow each other by {np.median(np.abs(step)):.0f} day(s) as a rule"
    others = " or ".join(f"--date-format '{form}'" for form in order[1:])
    days = readings[likely]
    return DataError(
        f"{grid.source}: {grid.at(0, column)}: {text!r} has {len(order)} readings, and so has "
        f"every date. Likely is {days[0]:%d %B %Y}, because {why}: --date-format '{likely}'. "
        f"Otherwise {others}."
    )


def _steps(days: Sequence[datetime | None]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Days between neighbouring dates that differ, signed."""
    steps = np.diff(np.array(days, dtype="datetime64[s]")) / np.timedelta64(1, "D")
    moved = steps[steps != 0]
    return moved if len(moved) else np.zeros(1)


def _unevenness(days: Sequence[datetime | None]) -> tuple[float, float]:
    """Share of steps against the usual direction, then the spread of steps: little is likely."""
    steps = _steps(days)
    against = min(np.mean(steps < 0), np.mean(steps > 0))
    return float(against), float(np.std(np.abs(steps))) / max(float(np.mean(np.abs(steps))), 1e-9)


def _remedy(text: str, date_format: str | None) -> str:
    """What to do about a cell that is no date: another notation, or no row of data at all."""
    if not re.search(r"\d", text):
        return "Write dates as 2024-03-01, and delete rows that are blank, a total or a note."
    if re.fullmatch(r"-?\d+\.\d+", text):
        return "No column of dates was found: call it date, or put it first."
    if date_format:
        return f"It does not fit --date-format '{date_format}'."
    return (
        "Write dates as 2024-03-01, all in the same way, or say how they are written: "
        "--date-format '%d/%m/%Y' for 01/03/2024, the first of March."
    )


def _local(grid: Grid, column: int, dates: list[datetime]) -> tuple[Grid, list[datetime]]:
    """Local dates of one place, whose offset from UTC may change with daylight saving."""
    zones = [day.utcoffset() for day in dates]
    seconds = {None if zone is None else zone.total_seconds() for zone in zones}
    known = [second for second in seconds if second is not None]
    if len(seconds) == 1 or (len(known) == len(seconds) and max(known) - min(known) <= DAYLIGHT):
        if len(seconds) > 1:
            grid = grid.noting("Dates are local: their offset from UTC changes with the seasons.")
        return grid, [day.replace(tzinfo=None) for day in dates]
    mixed = [(i, column) for i, zone in enumerate(zones) if zone != zones[0]]
    than = f"another time zone than {grid.word} {grid.places[0]} (offset from UTC)"
    what = f"date has {than}/dates have {than}"
    raise grid.error(mixed, what, "Convert all to one zone, or write days without times.")
