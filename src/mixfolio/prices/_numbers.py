"""Numbers in the notations that exports use; one that has two readings is refused.

``1,234.50`` and ``$ 99`` have one reading and are read. ``1,234`` alone may be a thousand or one,
and ``99,5`` is a matter of ``--decimal``: which of its values fits is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixfolio.errors import DataError

if TYPE_CHECKING:
    from mixfolio.prices._grid import Grid

MISSING_TEXT = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "n/a", "n.a.", "-", "--"}
MISSING_TEXT |= {".", "#N/A", "#N/A N/A", "<NA>", "NaT"}
CURRENCY = re.compile(r"US\$|[$€£¥₹₩]|\b[A-Z]{3}\b|\bGBp\b")
SPACES = re.compile("[ '’\u00a0\u202f]")
POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?")  # 1,234.5
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d+)?")  # 1.234,5
FORMS = {".": POINT, ",": COMMA}


@dataclass(frozen=True)
class Cells:
    """Numbers of a grid, one entry per cell that is not missing."""

    grid: Grid
    values: npt.NDArray[np.float64]
    where: list[tuple[int, int]]

    def reject(self, mask: npt.NDArray[np.bool_], what: str, remedy: str) -> None:
        """Raise on the cells under the mask, if there are any."""
        if mask.any():
            cells = [self.where[i] for i in np.flatnonzero(mask)]
            raise self.grid.error(cells, what, remedy)


def as_number(text: str) -> float | None:
    """A number in plain notation, or None."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def is_numeric(text: str) -> bool:
    """Whether a cell is a number, or looks like one in another notation."""
    bare = _bare(text)
    return (
        text in MISSING_TEXT
        or as_number(text) is not None
        or any(form.fullmatch(bare) for form in FORMS.values())
    )


def parse_cells(grid: Grid, columns: list[int], decimal: str | None) -> Cells:
    """Numbers of all cells that are not missing, and the grid with notes on their notation."""
    if decimal not in (None, *FORMS):
        raise DataError(f"--decimal is {decimal!r}; it must be '.' or ','.")
    places = [(i, j) for i in range(len(grid.rows)) for j in columns]
    where = [(i, j) for i, j in places if grid.rows[i][j] not in MISSING_TEXT]
    texts = [grid.rows[i][j] for i, j in where]
    numbers = [None if decimal == "," else as_number(text) for text in texts]
    open_cells = [k for k, number in enumerate(numbers) if number is None]
    if open_cells:
        grid = _resolve(grid, where, texts, numbers, open_cells, decimal)
    if not where:
        remedy = "Export it again."
        raise grid.header_error(columns[0], "no cell below the header is filled", remedy)
    cells = Cells(grid, np.array(numbers, dtype=np.float64), where)
    what = "value is infinite/values are infinite"
    cells.reject(~np.isfinite(cells.values), what, "Find the division by zero, or leave it empty.")
    return cells


def _resolve(
    grid: Grid,
    where: list[tuple[int, int]],
    texts: list[str],
    numbers: list[float | None],
    open_cells: list[int],
    decimal: str | None,
) -> Grid:
    """Fill in the numbers that are not plain, or raise on them."""
    bare = {k: _bare(texts[k]) for k in open_cells}
    bad = [k for k in open_cells if not any(form.fullmatch(bare[k]) for form in FORMS.values())]
    if bad:
        raise _not_numeric(grid, [where[k] for k in bad], texts[bad[0]])
    currencies = sorted({mark for k in open_cells for mark in CURRENCY.findall(texts[k])})
    if len(currencies) > 1:
        what = f"prices are in {', '.join(currencies)}/prices are in {', '.join(currencies)}"
        marked = [where[k] for k in open_cells if CURRENCY.search(texts[k])]
        raise grid.error(marked, what, "Convert all to one currency.")
    sign = decimal or _decimal_sign(grid, where, texts, bare)
    wrong = [k for k in open_cells if not FORMS[sign].fullmatch(bare[k])]
    if wrong:
        what = f"number does not fit --decimal {sign!r}/numbers do not fit --decimal {sign!r}"
        remedy = f"Try --decimal {'.' if sign == ',' else ','!r}, or write all in one way."
        raise grid.error([where[k] for k in wrong], what, remedy)
    group = "," if sign == "." else "."
    for k in open_cells:
        numbers[k] = float(bare[k].replace(group, "").replace(sign, "."))
    if currencies:
        grid = grid.noting(f"The sign {currencies[0]} was taken off the prices.")
    if sign == "." and any(texts[k] != bare[k] or group in bare[k] for k in open_cells):
        grid = grid.noting("Separators of thousands were taken out of the prices.")
    return grid


def _bare(text: str) -> str:
    """A cell without a currency and without spaces or apostrophes between its digits."""
    return SPACES.sub("", CURRENCY.sub("", text, count=1))


def _decimal_sign(
    grid: Grid, where: list[tuple[int, int]], texts: list[str], bare: dict[int, str]
) -> str:
    """The point, unless cells with a comma have another reading: then an error with the remedy."""
    surely_comma = [k for k, text in bare.items() if not POINT.fullmatch(text)]
    either = [k for k, text in bare.items() if "," in text and COMMA.fullmatch(text)]
    if not surely_comma and not either:
        return "."
    surely_point = any("." in text for k, text in enumerate(texts) if k not in bare)
    surely_point |= any(not COMMA.fullmatch(text) for text in bare.values())
    if surely_point and not surely_comma:
        return "."
    cells = [where[k] for k in surely_comma or either]
    if surely_comma:
        what = "cell has a decimal comma/cells have decimal commas"
        raise grid.error(
            cells, what, "Add the option --decimal ',' if the comma is the decimal sign."
        )
    what = "cell has a comma that may separate thousands or decimals/"
    what += "cells have commas that may separate thousands or decimals"
    remedy = "Say which: --decimal '.' reads 1,234 as 1234, and --decimal ',' as 1.234."
    raise grid.error(cells, what, remedy)


def _not_numeric(grid: Grid, bad: list[tuple[int, int]], text: str) -> DataError:
    """An error on cells that are no numbers in any notation."""
    remedy = "Correct it or leave it empty. Delete columns that hold no prices."
    if text.endswith("%"):
        remedy = "Prices are needed, not changes in percent."
    return grid.error(bad, "cell is not a number/cells are not numbers", remedy)
