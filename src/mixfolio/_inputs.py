"""Labels in, labels out: one place where inputs are checked and results are labelled.

Every public function accepts a pandas object or anything that NumPy can turn into
an array. What comes in with labels goes out with labels; what comes in as an array
goes out as an array. Nothing is filled, dropped or reordered in silence: an input
that cannot be used raises :class:`~mixfolio.errors.DataError`.
"""

import functools
import inspect
import operator
import os
import re
import sys
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixfolio.errors import DataError, SingularCovarianceError

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = pd.Index
MatrixLike: TypeAlias = pd.DataFrame | NDArray[Any] | Sequence[Sequence[float]]
VectorLike: TypeAlias = pd.Series | NDArray[Any] | Sequence[float]

HOUSE = f"{Path(__file__).parent}{os.sep}"

SYMMETRY_TOLERANCE = 1e-10
SUM_TOLERANCE = 1e-3  # of weights that are to sum to one, as people write them
ROUNDING = 1e-7  # what single precision may do to a correlation
SURE_GAIN = 0.05  # a typical return beyond this in every period is none


KINDS = {
    "c": "complex numbers. Convert every column to real ones first.",
    "M": "dates. Make them the index, or leave them out.",
    "m": "spans of time. Convert them to numbers on purpose first.",
}
LARGEST = 1e150  # squares of larger numbers overflow
LONGEST = 2**63 - 1  # whole numbers beyond this do not fit into an array


def _float_array(values: Any, what: str) -> Array:
    """A fresh C-contiguous float64 copy of `values`, or a DataError."""
    _require_ordered_numbers(values, what)
    raw = values.to_numpy() if isinstance(values, pd.DataFrame | pd.Series) else values
    _require_no_mask(raw, what)
    try:
        if not isinstance(raw, np.ndarray):
            raw = np.asarray(raw)
        if raw.dtype.kind in KINDS:
            raise DataError(f"{what} holds {KINDS[raw.dtype.kind]}")
        if raw.dtype.kind == "O" and any(isinstance(cell, complex) for cell in raw.flat):
            raise DataError(f"{what} holds {KINDS['c']}")
        numbers = np.array(raw, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{what} holds something that is not a number ({error}). "
            "Convert every column to numbers first."
        ) from error
    if np.vdot(numbers, numbers) <= LARGEST**2:  # the usual case, in one pass
        return numbers
    large = np.isfinite(numbers) & (np.abs(numbers) > LARGEST)
    if large.any():
        raise DataError(
            f"{what} holds {int(large.sum())} number(s) beyond {LARGEST:.0e}, whose squares "
            "overflow. Use another unit."
        )
    return numbers


def _require_ordered_numbers(values: Any, what: str) -> None:
    """Refuse by its kind what is no table or vector, however its cells look."""
    if isinstance(values, str | bytes | os.PathLike):
        raise DataError(
            f"{what} is the text {values!r:.60}; it must hold numbers. Read a file first: "
            "mixfolio.prices.read_prices, read_weights or read_groups."
        )
    if isinstance(values, set | frozenset):
        raise DataError(f"{what} is a {type(values).__name__}, which has no order. Use a list.")
    if isinstance(values, Mapping):
        raise DataError(
            f"{what} holds something that is not a number, as it is a mapping. Label the numbers: "
            "pandas.Series(...) for one an asset, pandas.DataFrame(...) for a table."
        )


def _require_no_mask(values: Any, what: str) -> None:
    """A masked cell is a missing one, and a plain copy would forget that."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise DataError(
            f"{what} is a masked array with {int(np.ma.getmaskarray(values).sum())} masked "
            "cell(s). Fill them on purpose first: values.filled(...)."
        )


def _require_unique(labels: Labels, what: str) -> None:
    if labels.is_unique:
        return
    repeated = labels[labels.duplicated()].unique()
    raise DataError(
        f"{what} has {len(repeated)} repeated asset label(s), the first is {repeated[0]!r}. "
        "Give every asset one name of its own."
    )


def _require_finite(values: Array, rows: Any, columns: Any, what: str) -> None:
    if np.isfinite(np.vdot(values, values)):
        return
    finite = np.isfinite(values)
    if finite.all():
        return
    bad = np.argwhere(~finite)
    row, column = bad[0]
    raise DataError(
        f"{what} has {len(bad)} cell(s) that are missing or infinite, the first in row "
        f"{rows[row]!s}, column {columns[column]!s}. Drop or fill them on purpose first."
    )


def read_array(values: Any, what: str, *, also: Callable[[Array], Any] = np.isfinite) -> Array:
    """Finite real numbers of any shape as a fresh array, or a DataError that names the argument.

    Parameters
    ----------
    values : Series, DataFrame, array-like or float
    what : str
        The name of the argument, for the error message.
    also : function
        What else is allowed: ``np.isnan`` or ``np.isinf``.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If a cell is missing, infinite or no number.
    """
    numbers = _float_array(values, what)
    good = np.isfinite(numbers) | also(numbers)
    if not good.all():
        raise DataError(
            f"{what} has {int((~good).sum())} missing or infinite value(s), the first at position "
            f"{np.flatnonzero(~good)[0]}. Drop or fill them on purpose first."
        )
    return numbers


def read_number(value: Any, what: str) -> float:
    """`value` as a finite float, or a DataError that names the argument.

    Parameters
    ----------
    value : float
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If it is not a number, or missing or infinite.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{what} is {_shown(value)}; it must be a number.") from error
    if not np.isfinite(number):
        raise DataError(f"{what} is {number}; it must be a finite number.")
    return number


def read_positive(value: Any, what: str) -> float:
    """`value` as a positive float, or a DataError that names the argument.

    Parameters
    ----------
    value : float
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If it is not a number, or not positive.
    """
    number = read_number(value, what)
    if not number > 0:
        raise DataError(f"{what} is {number}; it must be positive.")
    return number


def read_count(value: Any, what: str, lowest: int = 1, highest: int | None = None) -> int:
    """`value` as an int between two bounds, or a DataError that names the argument.

    Parameters
    ----------
    value : int
    what : str
        The name of the argument, for the error message.
    lowest : int
    highest : int, optional

    Returns
    -------
    int

    Raises
    ------
    DataError
        If it is not a whole number, or out of bounds.
    """
    limits = f"at least {lowest}" if highest is None else f"between {lowest} and {highest}"
    try:
        number = operator.index(value)
    except TypeError as error:
        raise DataError(f"{what} is {value!r}; it must be a whole number, {limits}.") from error
    if number < lowest or (highest is not None and number > highest):
        raise DataError(f"{what} is {number}; it must be {limits}.")
    return number


def read_returns(
    returns: MatrixLike, *, min_periods: int = 2, allow_missing: bool = False
) -> tuple[Array, Labels | None]:
    """Check a table of returns and split it into numbers and asset labels.

    Parameters
    ----------
    returns : DataFrame or array-like of shape (n_periods, n_assets)
        Decimal simple returns, one row per period.
    min_periods : int
        The fewest periods that the calling method can work with.
    allow_missing : bool
        Whether cells may be NaN; the calling method then has a policy for them.

    Returns
    -------
    values : ndarray of shape (n_periods, n_assets)
        A writable float64 copy.
    labels : Index of length n_assets, or None
        The column labels of a DataFrame.

    Raises
    ------
    DataError
        If the table is not two-dimensional, is empty, has too few periods, holds
        missing, infinite or non-numeric cells, or repeats an asset label.
    """
    values = _float_array(returns, "returns")
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError(
            f"returns has shape {values.shape}; it must be (n_periods, n_assets) "
            "with at least one asset. For one asset pass a single column."
        )
    n_periods, n_assets = values.shape
    if n_periods < min_periods:
        raise DataError(
            f"returns has {n_periods} period(s); this method needs at least {min_periods}. "
            "Use a longer sample."
        )
    _require_no_prices(values)
    checked = np.where(np.isnan(values), 0.0, values) if allow_missing else values
    if not isinstance(returns, pd.DataFrame):
        _require_finite(checked, range(n_periods), range(n_assets), "returns")
        return values, None
    _require_unique(returns.columns, "returns")
    _require_finite(checked, returns.index, returns.columns, "returns")
    return values, returns.columns


def _require_no_prices(values: Array) -> None:
    """Refuse what no table of returns can be: gains, or losses, in every period of every asset.

    Prices, gross returns 1 + r and log prices all look like that. Interest is always positive too,
    but never that large in one period.
    """
    if len(values) < 5:
        return
    lowest, highest = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    if not (lowest > 0 or highest < 0):
        return
    typical = np.nanmedian(values)
    if abs(typical) > SURE_GAIN:
        raise DataError(
            f"returns are all {'above' if lowest > 0 else 'below'} zero, {typical:.3g} at the "
            "median. Are they prices, gross returns (1 + r) or log prices? Use "
            "mixfolio.prices.to_returns for prices; returns are decimal: 0.01 is one per cent."
        )


def require_order(returns: Any, what: str = "returns") -> None:
    """Refuse dates out of order, repeated or missing, where the result depends on the order.

    Parameters
    ----------
    returns : DataFrame, Series or array
        Only an index of dates is checked: other labels have no order.
    what : str
        The name of the argument, for the error message.

    Raises
    ------
    DataError
    """
    index = getattr(returns, "index", None)
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return
    if index.hasnans:
        raise DataError(f"{what} has {int(pd.isna(index).sum())} row(s) without a date. Drop them.")
    if not index.is_monotonic_increasing:
        raise DataError(
            f"{what} is not in order of time, so that past and future are mixed. Use "
            f"{what}.sort_index()."
        )
    if not index.is_unique:
        repeated = index[index.duplicated()]
        raise DataError(
            f"{what} has {len(repeated)} repeated date(s), the first is {repeated[0]}. Keep one "
            f"row per period: {what}[~{what}.index.duplicated()]."
        )


def require_moving(values: Array, labels: Labels | None) -> None:
    """Refuse returns of an asset that are the same in every period, but for rounding.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
    labels : Index of length n_assets, or None
        Names for the message.

    Raises
    ------
    DataError
        If an asset never moves.
    """
    rounding = 8 * np.finfo(float).eps * np.abs(values).max(axis=0)
    still = np.flatnonzero(np.ptp(values, axis=0) <= rounding)
    if len(still):
        name = still[0] if labels is None else labels[still[0]]
        raise DataError(
            f"{len(still)} asset(s) never move, the first is {name!s}. Leave them out: an asset "
            "without risk needs no covariance."
        )


def require_history(returns: pd.DataFrame, values: Array) -> None:
    """Refuse tables that are no history of returns: wrong order, repeated dates, prices, per cent.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
    values : ndarray of shape (n_periods, n_assets)
        Its numbers; NaN is missing.

    Raises
    ------
    DataError
    """
    require_order(returns)
    if not returns.index.is_monotonic_increasing or not returns.index.is_unique:
        raise DataError("returns has row labels out of order, or repeated. Number the periods.")
    if (values < -1).any():
        row, column = np.argwhere(values < -1)[0]
        raise DataError(
            f"returns has {int((values < -1).sum())} value(s) below -1, a loss of more than "
            f"everything, the first in row {returns.index[row]}, column {returns.columns[column]}. "
            "Are they prices, or in per cent? Returns are decimal: 0.01 is one per cent."
        )
    if np.count_nonzero(np.abs(values) > 0.5) > values.size / 2:
        raise DataError(
            f"returns are of the size {np.nanmedian(np.abs(values)):.3g} at the median. Are they "
            "prices, or in per cent? Use mixfolio.prices.to_returns for prices; returns are "
            "decimal: 0.01 is one per cent."
        )


def read_covariance(covariance: MatrixLike) -> tuple[Array, Labels | None]:
    """Check a covariance matrix and split it into numbers and asset labels.

    Parameters
    ----------
    covariance : DataFrame or array-like of shape (n_assets, n_assets)
        Covariance of returns per period. Definiteness is not checked here: methods
        that need it raise :class:`~mixfolio.errors.SingularCovarianceError`.

    Returns
    -------
    values : ndarray of shape (n_assets, n_assets)
        A writable float64 copy, symmetric to the last bit.
    labels : Index of length n_assets, or None

    Raises
    ------
    DataError
        If the matrix is not square, not symmetric, not finite, has a variance that is
        not positive, or its row and column labels differ.
    """
    values, labels = read_square(covariance, "covariance")
    _require_positive_variances(values, range(len(values)) if labels is None else labels)
    return values, labels


def read_semidefinite(covariance: MatrixLike) -> tuple[Array, Labels | None]:
    """:func:`read_covariance`, for methods that would not notice a negative eigenvalue.

    Parameters
    ----------
    covariance : DataFrame or array-like of shape (n_assets, n_assets)
        Covariance of returns per period. It may be singular.

    Returns
    -------
    values : ndarray of shape (n_assets, n_assets)
        A writable float64 copy, symmetric to the last bit.
    labels : Index of length n_assets, or None

    Raises
    ------
    DataError
        As in :func:`read_covariance`.
    SingularCovarianceError
        If its correlations have an eigenvalue further below zero than rounding to single precision
        explains.
    """
    values, labels = read_covariance(covariance)
    scale = np.sqrt(np.diagonal(values))
    correlation = values / scale / scale[:, None]
    slack = ROUNDING * len(values)
    correlation.flat[:: len(values) + 1] += slack
    try:
        np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError as error:
        lowest = float(np.linalg.eigvalsh(correlation)[0]) - slack
        raise SingularCovarianceError(
            "covariance is indefinite: the lowest eigenvalue of its correlations is "
            f"{lowest:.3g}, a negative eigenvalue, so that some portfolio would have a negative "
            "variance. Pairwise estimates can do that: estimate it from complete periods, shrink "
            "it or clip it."
        ) from error
    return values, labels


def read_square(matrix: MatrixLike, what: str) -> tuple[Array, Labels | None]:
    """Check a symmetric matrix and split it into numbers and labels.

    Parameters
    ----------
    matrix : DataFrame or array-like of shape (n_assets, n_assets)
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    values : ndarray of shape (n_assets, n_assets)
        A writable float64 copy, symmetric to the last bit.
    labels : Index of length n_assets, or None

    Raises
    ------
    DataError
        If the matrix is not square, not symmetric, not finite, or its row and column labels
        differ.
    """
    values = _float_array(matrix, what)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.size == 0:
        raise DataError(
            f"{what} has shape {values.shape}; it must be square, (n_assets, n_assets). "
            "Did you pass the returns instead?"
        )
    labels = None
    if isinstance(matrix, pd.DataFrame):
        labels = matrix.columns
        _require_unique(labels, what)
        if not matrix.index.equals(labels):
            raise DataError(
                f"{what} has row labels that differ from its column labels. "
                f"Reorder it with {what}.loc[names, names]."
            )
    names = range(len(values)) if labels is None else labels
    _require_finite(values, names, names, what)
    if np.array_equal(values, values.T):
        return values, labels
    _require_symmetric(values, names, what)
    return (values + values.T) / 2, labels


def _require_symmetric(values: Array, names: Any, what: str) -> None:
    gap = np.abs(values - values.T)
    scale = float(np.abs(values).max())
    if float(gap.max()) <= SYMMETRY_TOLERANCE * scale:
        return
    row, column = np.unravel_index(int(gap.argmax()), gap.shape)
    raise DataError(
        f"{what} is not symmetric: entries ({names[row]!s}, {names[column]!s}) and its mirror "
        f"differ by {gap.max():.3g}. Use (C + C.T) / 2 if that is what you mean."
    )


def _require_positive_variances(values: Array, names: Any) -> None:
    variances = np.diagonal(values)
    worst = int(variances.argmin())
    if variances[worst] <= 0:
        raise DataError(
            f"covariance has {int((variances <= 0).sum())} variance(s) that are not positive, "
            f"the lowest is {variances[worst]:.3g} for asset {names[worst]!s}. "
            "Remove assets that never move."
        )


def read_vector(
    vector: VectorLike, n_assets: int, labels: Labels | None, what: str
) -> tuple[Array, Labels | None]:
    """Check a vector with one entry per asset and put it in the order of `labels`.

    Parameters
    ----------
    vector : Series or array-like of shape (n_assets,)
        A Series is matched by label when `labels` is given; an array by position.
    n_assets : int
    labels : Index of length n_assets, or None
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    values : ndarray of shape (n_assets,)
    labels : Index of length n_assets, or None
        `labels`, or the index of the Series where `labels` is None.

    Raises
    ------
    DataError
        If the length is wrong, labels are missing, repeated or unknown, or an entry is
        not finite.
    """
    if isinstance(vector, pd.Series):
        _require_unique(vector.index, what)
        if labels is None:
            labels = vector.index
        elif not vector.index.equals(labels):
            _require_same_assets(vector.index, labels, what)
            vector = vector.loc[labels]
    values = _float_array(vector, what)
    if values.shape != (n_assets,):
        raise DataError(
            f"{what} has shape {values.shape}; it must be ({n_assets},), one entry per asset."
        )
    names = range(n_assets) if labels is None else labels
    _require_finite(values[:, None], names, [what], what)
    return values, labels


def _require_same_assets(found: Labels, expected: Labels, what: str) -> None:
    missing = expected.difference(found, sort=False)
    extra = found.difference(expected, sort=False)
    if len(missing) or len(extra):
        raise DataError(
            f"{what} does not name the assets of the other inputs: {len(missing)} missing "
            f"{list(missing[:3])!r}, {len(extra)} unknown {list(extra[:3])!r}. "
            "Give all the same labels."
        )


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line outside of the package, however deep inside what is odd was found.

    Parameters
    ----------
    message : str
    category : type of warning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOUSE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def label_vector(values: Array, labels: Labels | None, name: str) -> Any:
    """`values` as a Series named `name` when there are labels, else as it is."""
    return values if labels is None else pd.Series(values, index=labels, name=name)


def label_matrix(values: Array, labels: Labels | None) -> Any:
    """`values` as a DataFrame labelled on both sides when there are labels, else as it is."""
    return values if labels is None else pd.DataFrame(values, index=labels, columns=labels)


def require_labels(groups: Any) -> None:
    """Refuse what cannot be group labels, one for each asset, by its kind.

    Parameters
    ----------
    groups : Series, mapping, DataFrame or array-like

    Raises
    ------
    DataError
    """
    if isinstance(groups, str | bytes | set | frozenset) or not hasattr(groups, "__len__"):
        raise DataError(
            f"groups is {groups!r:.60}, of type {type(groups).__name__}; it must be a Series, a "
            "mapping or a list with one group label per asset, or a table of zeros and ones."
        )
    require_even(groups, "groups")


def require_even(values: Any, what: str) -> None:
    """Refuse lists whose rows have different lengths: no table holds them."""
    try:
        np.shape(values)
    except ValueError as error:
        raise DataError(f"{what} has rows of different lengths. Make them the same.") from error


def read_membership(groups: Any, n_assets: int, labels: Labels | None) -> tuple[Array, list[Any]]:
    """Turn group labels, or a table of zeros and ones, into a membership matrix.

    Parameters
    ----------
    groups : Series, mapping, DataFrame or array-like
        A Series, mapping or sequence with one group label per asset; or a 0/1 table of shape
        (n_assets, n_groups) for assets that belong to several groups, or to none.
        Labelled input may cover more assets than needed.
    n_assets : int
    labels : Index of length n_assets, or None

    Returns
    -------
    membership : ndarray of shape (n_assets, n_groups)
        Zeros and ones.
    names : list of length n_groups

    Raises
    ------
    DataError
        If an asset has no entry, a label is missing, or a table holds anything but 0 and 1.
    """
    require_labels(groups)
    if isinstance(groups, Mapping):
        groups = pd.Series(dict(groups))
    if labels is None and _labelled(groups):
        raise DataError(
            "groups have labels and returns have none, so that they cannot be matched by name. "
            "Give returns as a DataFrame, or groups.to_numpy() to match them by position."
        )
    groups = _select_assets(groups, labels)
    if np.ndim(groups) == 2:
        groups = pd.DataFrame(groups)
        return _membership_table(groups, n_assets)
    column = pd.Series(groups).reset_index(drop=True)
    if len(column) != n_assets or column.isna().any():
        raise DataError(
            f"groups has {len(column)} entries, {int(column.isna().sum())} of them missing; it "
            f"must have one label for each of the {n_assets} assets."
        )
    names = list(dict.fromkeys(column))
    membership = np.array([[label == name for name in names] for label in column], dtype=float)
    return membership, names


def _labelled(groups: Any) -> bool:
    """Whether groups name their assets; a plain count from zero names nothing."""
    index = groups.index if isinstance(groups, pd.Series | pd.DataFrame) else None
    return index is not None and not index.equals(pd.RangeIndex(len(index)))


def _select_assets(groups: Any, labels: Labels | None) -> Any:
    if labels is None or not isinstance(groups, pd.Series | pd.DataFrame):
        return groups
    _require_unique(groups.index, "groups")
    missing = labels.difference(groups.index, sort=False)
    if len(missing):
        raise DataError(
            f"groups has no entry for {len(missing)} asset(s), the first is {missing[0]!r}. "
            "Add them, or leave the assets out."
        )
    return groups.loc[labels]


def _membership_table(table: pd.DataFrame, n_assets: int) -> tuple[Array, list[Any]]:
    values = _float_array(table, "groups")
    if len(values) != n_assets or not np.isin(values, (0.0, 1.0)).all():
        raise DataError(
            f"groups has shape {values.shape}; as a table it must have {n_assets} rows, one an "
            "asset, and hold only zeros and ones."
        )
    return values, list(table.columns)


# ------------------------------------------------------------------ arguments by their annotations

Function = TypeVar("Function", bound=Callable[..., Any])
Check: TypeAlias = Callable[[Any, str], None]  # of a value and its name
Kind: TypeAlias = tuple[Callable[[Any], bool], str]  # whether a value is one, and its description

FUNCTIONS: tuple[Any, ...] = (Callable,)
CHOICES: tuple[Any, ...] = (Literal,)
TABLES = (pd.DataFrame, pd.Series, np.ndarray)
COLLECTIONS = {Mapping: "a mapping", Sequence: "a list", Iterable: "a list", tuple: "a tuple"}


def checked(function: Function) -> Function:
    """A public function whose arguments are held against its own annotations at every call.

    What no annotation allows - a text for a number, None where it has no meaning, a truth value for
    a number, an unknown choice, a mapping for a table - is refused with a
    :class:`~mixfolio.errors.DataError` that names the argument. Numbers must be finite. Limits of a
    method's own stay with the method, and so do the cells of its tables.

    Parameters
    ----------
    function : function
        All its arguments are annotated.

    Returns
    -------
    function
        With the same name, signature and docstring.
    """
    return checked_but()(function)


def checked_but(*names: str) -> Callable[[Function], Function]:
    """:func:`checked`, for a function that reads some of its arguments better by itself.

    Parameters
    ----------
    names : str
        The arguments to let off.

    Returns
    -------
    function
        A decorator.
    """

    def decorate(function: Function) -> Function:
        # Not before the first call: by then all that the annotations name exists.
        read = functools.cache(lambda: _checks(cast("types.FunctionType", function), names))

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            in_order, by_name = read()
            for value, (name, check) in zip(args, in_order, strict=False):
                if check is not None:
                    check(value, name)
            for name, value in kwargs.items():
                check = by_name.get(name)
                if check is not None:
                    check(value, name)
            return function(*args, **kwargs)

        return cast("Function", guarded)

    return decorate


def require_fields(instance: Any) -> None:
    """What :func:`checked` is for functions, for the fields of a dataclass that users make.

    Parameters
    ----------
    instance : dataclass
        Call it first in `__post_init__`.

    Raises
    ------
    DataError
        If a field is none of the kinds that its annotation allows.
    """
    for name, check in _fields(cast("Any", type(instance))).items():
        if check is not None:
            check(getattr(instance, name), name)


@functools.cache
def _fields(cls: type) -> dict[str, Check | None]:
    names = vars(sys.modules[cls.__module__])
    return {name: _check(_resolved(hint, names)) for name, hint in cls.__annotations__.items()}


def _checks(
    function: types.FunctionType, but: tuple[str, ...]
) -> tuple[list[tuple[str, Check | None]], dict[str, Check | None]]:
    """One check for each argument, None where anything goes: in order of position, and by name."""
    by_name: dict[str, Check | None] = {}
    in_order = []
    for name, parameter in inspect.signature(function).parameters.items():
        hint = _resolved(parameter.annotation, vars(sys.modules[function.__module__]))
        if parameter.kind is parameter.VAR_KEYWORD:
            options = typing.get_args(hint)  # of Unpack[a TypedDict]
            hints = typing.get_type_hints(options[0]) if options else {}
            by_name |= {key: _check(one) for key, one in hints.items() if key not in but}
            continue
        check = None if name in but else _check(hint)
        by_name[name] = check
        if parameter.kind is not parameter.KEYWORD_ONLY:
            in_order.append((name, check))
    return in_order, by_name


def _resolved(hint: Any, names: Mapping[str, Any]) -> Any:
    """An annotation, whether it is written as a text or not; Any where only type checkers know."""
    if not isinstance(hint, str):
        return hint
    try:
        return eval(re.sub(r"(Series|Index)\[[^][]*\]", r"\1", hint), dict(names))
    except (NameError, AttributeError):
        return Any


def _check(hint: Any) -> Check | None:
    """The check of one annotation, None where anything goes."""
    members = list(_members(hint))
    origins = [typing.get_origin(member) or member for member in members]
    if any(member is Any or member is object for member in members):
        return None
    table = sum(origin in TABLES or origin is Sequence for origin in origins) > 1
    kinds = [
        _kind(member)
        for member, origin in zip(members, origins, strict=True)
        if not (table and (origin in TABLES or origin is Sequence))
    ]
    wanted = " or ".join(dict.fromkeys(text for _, text in kinds))
    typed = any(origin in TYPED for origin in origins)
    tests = tuple(test for test, _ in kinds)

    def check(value: Any, what: str) -> None:
        for test in tests:
            if test(value):
                return
        if table:
            _require_table(value, what, wanted)
        else:
            shown = f"of type {type(value).__name__}" if typed else _shown(value)
            raise DataError(f"{what} is {shown}; it must be {wanted}.")

    return check


def _members(hint: Any) -> Iterable[Any]:
    """The kinds that an annotation allows, one by one."""
    if isinstance(hint, TypeVar):
        for one in hint.__constraints__ or (hint.__bound__ or Any,):
            yield from _members(one)
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for one in typing.get_args(hint):
            yield from _members(one)
    else:
        yield hint


def _kind(hint: Any) -> Kind:
    """How to tell a value of this kind, and what to call it."""
    origin = typing.get_origin(hint) or hint
    if hint in SIMPLE:
        return SIMPLE[hint]
    if origin in CHOICES:
        choices = typing.get_args(hint)
        return (
            lambda value: isinstance(value, str) and value in choices,
            f"one of {', '.join(map(repr, choices))}",
        )
    if origin is typing.IO:
        return (lambda value: hasattr(value, "read") or hasattr(value, "write"), "an open file")
    if origin is np.ndarray:
        return _is_array, "an array of finite numbers"
    if origin in COLLECTIONS:
        return _collection(hint, origin)
    if not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
        return (lambda value: value is not None, "given")
    return (
        lambda value: isinstance(value, origin),
        "a function"
        if origin in FUNCTIONS
        else f"a {origin.__module__.split('.')[0]} {origin.__qualname__}",
    )


def _collection(hint: Any, origin: Any) -> Kind:
    """Of lists, tuples and mappings: their members are checked where these are simple."""
    inner = [one for one in typing.get_args(hint) if one is not Ellipsis][-1:]
    test, text = SIMPLE.get(inner[0], (None, "")) if inner else (None, "")
    arguments = typing.get_args(hint)
    length = len(arguments) if origin is tuple and Ellipsis not in arguments else None
    noun = COLLECTIONS[origin] + (f", each member {text}" if text else "")
    noun += f", {length} in number" if length else ""

    def accepts(value: Any) -> bool:
        if origin is Mapping:
            return isinstance(value, Mapping) and (test is None or all(map(test, value.values())))
        if isinstance(value, str | bytes | set | Mapping) or not isinstance(value, Iterable):
            return False
        if isinstance(value, Iterator):
            return length is None
        return length in (None, len(list(value))) and (test is None or all(map(test, value)))

    return accepts, noun


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return False
    return not isinstance(value, np.complexfloating | np.timedelta64) and bool(
        -LARGEST <= value <= LARGEST
    )


def _is_whole(value: Any) -> bool:
    if not isinstance(value, int | np.integer) or isinstance(value, bool | np.timedelta64):
        return False
    return bool(-LONGEST <= value <= LONGEST)


def _is_array(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "fiu"
        and not isinstance(value, np.ma.MaskedArray)
        and bool(np.vdot(value, value) <= LARGEST**2)
    )


SIMPLE: dict[Any, Kind] = {
    float: (_is_number, "a finite number"),
    int: (_is_whole, "a whole number"),
    bool: (lambda value: isinstance(value, bool | np.bool_), "True or False"),
    str: (lambda value: isinstance(value, str), "a text"),
    type(None): (lambda value: value is None, "None"),
    np.random.Generator: (
        lambda value: isinstance(value, np.random.Generator),
        "a numpy.random.Generator, such as numpy.random.default_rng(seed)",
    ),
    pd.DataFrame: (lambda value: isinstance(value, pd.DataFrame), "a DataFrame"),
}
TYPED = (np.random.Generator, pd.DataFrame)  # of which a message shows the type alone


def _require_table(value: Any, what: str, wanted: str) -> None:
    """Refuse what is no table or vector of numbers; its cells are read by the method."""
    plain = type(value) is np.ndarray and value.dtype.kind in "fiu" and value.ndim > 0
    if plain or isinstance(value, pd.DataFrame | pd.Series):
        return  # the usual cases, without delay
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in KINDS:
            raise DataError(f"{what} holds {KINDS[value.dtype.kind]}")
        _require_no_mask(value, what)
        if value.ndim:
            return
    _require_ordered_numbers(value, what)
    if isinstance(value, list | tuple):
        require_even(value, what)
    if not hasattr(value, "__len__") or isinstance(value, np.ndarray):
        other = f", or {wanted}" if wanted else ""
        raise DataError(
            f"{what} is {_shown(value)}; it must be a table or a list of numbers{other}."
        )


def _shown(value: Any) -> str:
    """A value as a message shows it: short."""
    if value is None or isinstance(value, str | int | float | np.generic):
        return f"{value!r:.60}"
    return f"of type {type(value).__name__}"
