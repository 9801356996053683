"""Tables with one line per asset: its group, or the weight that is held of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mixfolio._inputs import SUM_TOLERANCE, checked
from mixfolio.errors import DataError
from mixfolio.prices._exports import SYMBOL_NAMES, as_word
from mixfolio.prices._files import Source, read_grid
from mixfolio.prices._grid import Grid, check_header, counted, is_named
from mixfolio.prices._numbers import MISSING_TEXT, as_number

FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how a cell begins that a spreadsheet would run, or did


@checked
def read_groups(path_or_buffer: Source, assets: Iterable[str] | None = None) -> pd.Series:
    """Read the group of every asset: its sector, class or country.

    Parameters
    ----------
    path_or_buffer : path or file object
        CSV or Parquet of two columns with a header: the first called asset, symbol or ticker, the
        second whatever the groups are, such as sector. One line per asset.
    assets : iterable of str, optional
        Assets that must be there. Others are left out and listed in ``attrs["others"]``.

    Returns
    -------
    Series of length n_assets
        Asset -> group, in the order of `assets`; its name is that of the second column.

    Raises
    ------
    DataError
        If the file is unreadable, has other columns, an asset twice or without a group, or lacks
        an asset.

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
    grid = _whole_grid(path_or_buffer)
    _check_asset_column(grid, "asset,group")
    if len(grid.header) != 2:
        what = f"there are {len(grid.header)} columns, {', '.join(grid.header)[:80]}"
        raise grid.header_error(2, what, "Keep two: the asset and its group.")
    empty = [(i, 1) for i, row in enumerate(grid.rows) if row[1] in MISSING_TEXT]
    if empty:
        what = "asset has no group/assets have no group"
        raise grid.error(empty, what, "Give it one; a group may have a single asset.")
    found = {row[0]: row[1] for row in grid.rows}
    order = list(found) if assets is None else list(assets)
    others = [name for name in found if name not in set(order)]
    lacking = [name for name in order if name not in found]
    if lacking:
        what = f"has no line for {counted(len(lacking), 'asset/assets')} of the prices"
        unused = f". It names {_some(others)}, without prices" if others else ""
        raise _mismatch(grid, what, lacking, f"Add a line for each{unused}")
    groups = pd.Series([found[name] for name in order], order, name=grid.header[1], dtype=object)
    groups.attrs["others"] = others
    return groups


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
        Assets of the result. One that the file does not name is not held: its weight is 0, and it
        is listed in ``attrs["not held"]``.

    Returns
    -------
    Series of length n_assets
        Decimal weights in the order of `assets`; they sum to one within 0.001.

    Raises
    ------
    DataError
        If the file is unreadable, lacks a column or a number, names an asset twice, or one that
        is held and unknown, or the weights do not sum to one.

    Examples
    --------
    >>> import io
    >>> from mixfolio import prices
    >>> prices.read_weights(io.StringIO('''asset,weight
    ... SPY,0.6
    ... TLT,0.4''')).to_dict()
    {'SPY': 0.6, 'TLT': 0.4}
    """
    grid = _whole_grid(path_or_buffer)
    _check_asset_column(grid, "asset,weight")
    if "weight" not in grid.header:
        raise grid.header_error(1, "no column is called 'weight'", "Name the one with the weights.")
    column = grid.header.index("weight")
    numbers = [as_number(row[column]) for row in grid.rows]
    bad = [(i, column) for i, x in enumerate(numbers) if x is None or not np.isfinite(x)]
    if bad:
        raise grid.error(bad, "weight is no number/weights are no numbers", "Write 0.25 for 25%.")
    found = {_unquoted(row[0]): float(str(row[column])) for row in grid.rows}
    order = list(found) if assets is None else list(assets)
    unknown = [name for name, weight in found.items() if weight and name not in set(order)]
    if unknown:
        what = f"holds {counted(len(unknown), 'asset that has/assets that have')} no prices"
        raise _mismatch(grid, what, unknown, "Add their prices, or correct the names")
    total = sum(found.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise DataError(
            f"{grid.source}: the {len(found)} weights sum to {total:.6g}, not to 1. Write "
            "decimals: 0.25 for 25%."
        )
    weights = pd.Series([found.get(name, 0.0) for name in order], order, name="weight")
    weights.attrs["not held"] = [name for name in order if name not in found]
    return weights


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


def _whole_grid(source: Source) -> Grid:
    """A table of assets; the column that pandas leaves without a name is that of the assets."""
    grid = read_grid(source)
    if not is_named(grid.header[0]):
        grid = replace(grid, header=["asset", *grid.header[1:]])
    keep = [i for i, name in enumerate(grid.header) if is_named(name) or any(grid.column(i))]
    grid = grid.taking(keep)
    check_header(grid)
    return grid


def _check_asset_column(grid: Grid, example: str) -> None:
    """Refuse a table without names of columns, or with an asset twice."""
    if as_word(grid.header[0]) not in SYMBOL_NAMES:
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


def _mismatch(grid: Grid, what: str, names: list[str], remedy: str) -> DataError:
    return DataError(
        f"{grid.source} {what}: {_some(names)}. {remedy}; names are compared letter by letter."
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
