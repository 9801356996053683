"""What the models share: the type of their tables, names of parts, and regressors as they come."""

from typing import Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np
import pandas as pd

from mixfolio._inputs import Array, Labels
from mixfolio.errors import DataError

Matrix = TypeVar("Matrix", bound=pd.DataFrame | Array)
Part: TypeAlias = Literal["total", "systematic", "idiosyncratic"]


def read_part(which: Part) -> Part:
    """The name of a part of the covariance, or a DataError."""
    if which not in get_args(Part):
        raise DataError(f"which is {which!r}; it must be 'total', 'systematic' or 'idiosyncratic'.")
    return which


def label_table(values: Array, labels: Labels | None, columns: list[Any]) -> Any:
    """`values` as a DataFrame with one row per asset when there are labels, else as it is."""
    return values if labels is None else pd.DataFrame(values, index=labels, columns=columns)


def read_regressors(table: Any, returns: Any, n_periods: int, what: str) -> tuple[Array, list[Any]]:
    """Regressors that all assets have in common, in the order of the periods of the returns.

    Parameters
    ----------
    table : DataFrame, Series or array-like of shape (n_periods, n_regressors)
        Matched by period where it and the returns have labels; it may cover more periods.
    returns : DataFrame or array-like of shape (n_periods, n_assets)
    n_periods : int
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    values : ndarray of shape (n_periods, n_regressors)
    names : list of length n_regressors

    Raises
    ------
    DataError
        If a period is not there or there twice, a cell is no finite number, a name is repeated, or
        the shape is wrong.
    """
    if isinstance(table, pd.Series):
        table = table.to_frame()
    if isinstance(table, pd.DataFrame) and isinstance(returns, pd.DataFrame):
        table = _match_periods(table, returns.index, what)
    values = _numbers(table, what)
    if len(values) != n_periods:
        raise DataError(
            f"{what} has {len(values)} periods and returns {n_periods}. Give both dates, or the "
            "same periods."
        )
    names = list(table.columns if isinstance(table, pd.DataFrame) else range(values.shape[1]))
    if len(set(names)) < len(names):
        raise DataError(f"{what} has the columns {names}. Give each a name of its own.")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        period = table.index[row] if isinstance(table, pd.DataFrame) else row
        raise DataError(
            f"{what} has {len(bad)} cell(s) that are missing or infinite, the first in column "
            f"{names[column]!s} of period {period!s}. Leave these periods out of the returns, or "
            "fill them on purpose."
        )
    return values, names


def _match_periods(table: pd.DataFrame, periods: pd.Index, what: str) -> pd.DataFrame:
    if table.index.equals(periods):
        return table
    missing = periods.difference(table.index, sort=False)
    if len(missing) or not (table.index.is_unique and periods.is_unique):
        raise DataError(
            f"{what} lacks {len(missing)} of the {len(periods)} periods of the returns"
            + (f", the first is {missing[0]!s}" if len(missing) else ", or one has some twice")
            + ". Use periods that both have, each once."
        )
    return table.loc[periods]


def _numbers(table: Any, what: str) -> Array:
    remedy = "Turn labels, such as regimes, into columns of zeros and ones."
    if np.iscomplexobj(table):
        raise DataError(f"{what} holds complex numbers. {remedy}")
    try:
        values = np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} holds something that is not a number ({error}). {remedy}"
        ) from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError(
            f"{what} has shape {values.shape}; it must be (n_periods, n_regressors) with at least "
            "one column. For a model without them leave the argument out."
        )
    return values
