"""Limits and views of a reader's own: small CSV files, checked.

A file of limits has the columns asset, lower, upper. A file of views has the columns better, worse,
value, confidence: the asset in `better` is expected to return `value` a year more than that in
`worse`, or than the riskless asset where `worse` is empty.
"""

import os
from pathlib import Path

import pandas as pd

from mixfolio.errors import DataError
from mixfolio.expected_returns import View

__all__ = ["read_limits", "read_views"]

LIMITS = ("asset", "lower", "upper")
VIEWS = ("better", "worse", "value", "confidence")


def read_limits(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the lowest and the highest weight of some assets.

    Parameters
    ----------
    path : path
        CSV of the columns asset, lower, upper: decimals, empty for no limit of its own.

    Returns
    -------
    DataFrame of shape (n_named, 2)
        Lower and upper by asset, NaN where there is none.

    Raises
    ------
    DataError
        If the file cannot be read, names an asset twice, or holds what is no weight.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mixfolio.report import tables
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "limits.csv")
    ...     _ = path.write_text("asset,lower,upper\\nGLD,0.05,0.1\\nSPY,,0.4")
    ...     limits = tables.read_limits(path)
    >>> limits.to_dict("index")
    {'GLD': {'lower': 0.05, 'upper': 0.1}, 'SPY': {'lower': nan, 'upper': 0.4}}
    """
    found = _read(path, LIMITS)
    again = found["asset"][found["asset"].duplicated()]
    if len(again):
        raise DataError(f"{Path(path).name}: {again.iloc[0]} is there twice. Keep one line.")
    table = pd.DataFrame({side: _numbers(path, found, side) for side in LIMITS[1:]})
    table.index = pd.Index(found["asset"], name="asset")
    wrong = table.index[(table.abs() > 1).any(axis=1)]
    if len(wrong):
        raise DataError(
            f"{Path(path).name}: {wrong[0]} has a limit beyond 1, all the wealth there is. Write "
            "0.1 for 10%."
        )
    return table


def read_views(path: str | os.PathLike[str], periods_per_year: float) -> list[View]:
    """Read what is expected of assets.

    Parameters
    ----------
    path : path
        CSV of the columns better, worse, value, confidence; the last may be empty for 0.5.
    periods_per_year : float
        Values of a year are divided by it.

    Returns
    -------
    list of View
        Per period.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is no view.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mixfolio.report import tables
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "views.csv")
    ...     _ = path.write_text("better,worse,value,confidence\\nEFA,SPY,0.024,0.7\\nTLT,,0.012,")
    ...     views = tables.read_views(path, 12)
    >>> [str(view) for view in views], [view.confidence for view in views]
    (['EFA beats SPY by 0.002', 'TLT returns 0.001'], [0.7, 0.5])
    """
    found = _read(path, VIEWS)
    values = _numbers(path, found, "value")
    sure = _numbers(path, found, "confidence").fillna(0.5)
    if values.isna().any():
        place = int(values.isna().to_numpy().argmax())
        raise DataError(f"{Path(path).name}: the view in line {place + 2} has no value.")
    rows = zip(found["better"], found["worse"], values / periods_per_year, sure, strict=True)
    return [View(better, worse or None, value, how) for better, worse, value, how in rows]


def _read(path: str | os.PathLike[str], columns: tuple[str, ...]) -> pd.DataFrame:
    """A table of text with exactly these columns."""
    name = Path(path).name
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file. Check the name and the folder.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read as CSV in UTF-8: {error}") from error
    found.columns = found.columns.str.strip().str.lower()
    if list(found) != list(columns):
        raise DataError(
            f"{name} has the columns {', '.join(map(str, found.columns))[:80]}; write "
            f"{','.join(columns)} in its first line, separated by commas."
        )
    if found.empty:
        raise DataError(f"{name} has no line below its header.")
    return pd.DataFrame({name: found[name].str.strip() for name in columns})


def _numbers(path: str | os.PathLike[str], table: pd.DataFrame, column: str) -> pd.Series:
    """A column as numbers, NaN where it is empty."""
    numbers = pd.to_numeric(table[column].where(table[column] != ""), errors="coerce")
    bad = numbers.isna() & (table[column] != "")
    if bad.any():
        place = int(bad.to_numpy().argmax())
        raise DataError(
            f"{Path(path).name}, line {place + 2}: {column} is {table[column].iloc[place][:40]!r}, "
            "which is no number. Write 0.1 for 10%."
        )
    return numbers.astype(float)
