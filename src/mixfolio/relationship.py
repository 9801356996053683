"""Relationship matrices: how alike assets are, before their covariance is estimated.

Breeders know how animals are related from a pedigree or from markers, and a mixed model uses that
matrix K as the covariance of their genetic effects, up to a scale. Assets have no parents; they
have labels (class, region, sector) and characteristics (volatility, beta, drawdown). From n_assets
rows of features Z this module makes kernels

* exponential ``K_ij = exp(-d_ij / s)`` and gaussian ``K_ij = exp(-(d_ij / s)^2)``, with Euclidean
  distances d between the rows of Z and a scale s;
* linear ``K = Z Z' / c``, with centred columns: the form of the genomic relationship matrix
  (VanRaden, 2008, first method), where Z holds allele counts and ``c = 2 sum p (1 - p)``;
* label kernels, ``K_ij`` = the share of labels that assets i and j have in common.

All are positive semi-definite by construction. A linear kernel is a Gram matrix. So is a label
kernel, of zero-one indicators. ``exp(-|x|)`` and ``exp(-|x|^2)`` are characteristic functions, of a
multivariate Cauchy and a normal distribution, and these are positive definite (Bochner;
Schoenberg, 1938). All have a mean diagonal of 1, so that a variance component that multiplies one
is the variance of an average asset. Variances among assets can be compared between kernels after
each component is multiplied by one minus the mean entry of its kernel (Legarra, 2016). Sums with
nonnegative weights keep both properties, if the weights sum to one.

References
----------
Legarra, A. (2016). Comparing estimates of genetic variance across different relationship models.
Theoretical Population Biology 107, 26-30.
Schoenberg, I. J. (1938). Metric spaces and positive definite functions. Transactions of the
American Mathematical Society 44, 522-536.
VanRaden, P. M. (2008). Efficient methods to compute genomic predictions. Journal of Dairy Science
91, 4414-4423.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, get_args, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.linalg import LinAlgError, cholesky, eigh, eigvalsh
from scipy.spatial.distance import pdist, squareform

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    checked_but,
    label_matrix,
    read_count,
    read_number,
    read_returns,
    read_square,
    read_vector,
    require_labels,
)
from mixfolio.errors import ConvergenceError, DataError

__all__ = [
    "CHARACTERISTICS",
    "Association",
    "Repair",
    "association",
    "characteristics",
    "cluster_order",
    "combine",
    "from_groups",
    "kernel",
    "nearest_psd",
    "similarity",
]

CHARACTERISTICS = (
    "mean",
    "volatility",
    "skewness",
    "kurtosis",
    "beta",
    "downside_volatility",
    "worst_period",
    "drawdown",
    "trend",
)
Matrix = TypeVar("Matrix", pd.DataFrame, Array)
Metric: TypeAlias = Literal["exponential", "gaussian", "linear"]
PSD_TOLERANCE = 1e-10
MIN_PERIODS = 3


# ---------------------------------------------------------------------------- reading


def read_relationship(
    relationship: MatrixLike,
    labels: Labels | None = None,
    *,
    n_assets: int | None = None,
    what: str = "relationship",
) -> tuple[Array, Labels | None]:
    """Check a relationship matrix and put it in the order of `labels`, by name.

    Parameters
    ----------
    relationship : DataFrame or array-like of shape (n_assets, n_assets)
        A DataFrame is matched by name and may cover more assets than are asked for; the others
        are left out. An array has no names and is taken in the order of the assets.
    labels : Index of length n_assets, optional
        Assets whose relationship is needed, in their order.
    n_assets : int, optional
        How many assets there must be; the length of `labels` by default.
    what : str
        The name of the argument, for the error message.

    Returns
    -------
    values : ndarray of shape (n_assets, n_assets)
        A writable float64 copy, symmetric to the last bit.
    labels : Index of length n_assets, or None
        `labels`, or the names of the matrix where `labels` is None.

    Raises
    ------
    DataError
        If the matrix is not square, symmetric, finite and positive semi-definite (no eigenvalue
        below -1e-10 times the trace), is zero, does not have an asset that is asked for, or has
        another number of assets.

    Notes
    -----
    Zeros on the diagonal are allowed: a kernel may concern some of the assets only. Definiteness
    is checked by a Cholesky factorisation, which costs a fraction of an eigendecomposition.
    """
    values, names = read_square(relationship, what)
    if names is not None and labels is not None and not names.equals(labels):
        values = _select(values, names, labels, what)
    names = labels if labels is not None else names
    expected = len(labels) if n_assets is None and labels is not None else n_assets
    if expected is not None and len(values) != expected:
        raise DataError(
            f"{what} is a matrix of {len(values)} assets, but there are {expected}. Give it row "
            "and column names, and one row for every asset."
        )
    _require_psd(values, what)
    return values, names


def _select(values: Array, names: Labels, labels: Labels, what: str) -> Array:
    places = names.get_indexer(labels)
    missing = labels[places < 0]
    if len(missing):
        raise DataError(
            f"{what} has no row for {len(missing)} of {len(labels)} asset(s), the first is "
            f"{missing[0]!r}. Add them, or leave the assets out; names are compared exactly."
        )
    return np.ascontiguousarray(values[np.ix_(places, places)])


def _require_psd(values: Array, what: str) -> None:
    trace = float(np.trace(values))
    if trace <= 0:
        raise DataError(f"{what} has a trace of {trace:.3g}; it must be positive. Is it a kernel?")
    shifted = values + PSD_TOLERANCE * trace * np.eye(len(values))
    try:
        cholesky(shifted, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        lowest = float(eigvalsh(values, subset_by_index=(0, 0))[0])
        raise DataError(
            f"{what} is not positive semi-definite: its lowest eigenvalue is {lowest:.3g}, with a "
            f"trace of {trace:.3g}. Make it with kernel() or from_groups(), or repair it with "
            "nearest_psd(), which says how much it had to change."
        ) from None


# -------------------------------------------------------------------- characteristics


@checked
def characteristics(
    returns: MatrixLike,
    market: VectorLike | None = None,
    *,
    before: Any = None,
    missing: Literal["raise", "skip"] = "raise",
) -> pd.DataFrame:
    """What the past returns of each asset look like: nine numbers per asset, the "genotype".

    Pass only returns from strictly before the decision, or let `before` cut them off. Nothing
    else is used. A kernel of characteristics that saw the test period has looked ahead.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.
    market : Series or array of shape (n_periods,), optional
        Returns of the market, for beta. A Series is matched by date and may cover more dates. The
        equal-weighted mean of the assets by default.
    before : date, optional
        Use only the periods strictly before this date. Needs returns with an index.
    missing : {"raise", "skip"}
        What to do about missing returns. ``"skip"`` computes each number from the periods in
        which its asset has a return; wealth stands still in a gap.

    Returns
    -------
    DataFrame of shape (n_assets, 9)
        All per period of the returns, nothing annualised:

        - ``mean``, ``volatility`` (divisor T - 1), ``worst_period``: decimal return;
        - ``skewness``, ``kurtosis``: third and fourth standardised moments with divisor T, 0 and 3
          for a normal distribution; no unit;
        - ``beta``: least-squares slope on the market; no unit;
        - ``downside_volatility``: root mean square of the losses over all periods, decimal;
        - ``drawdown``: the deepest loss from the highest wealth so far, between -1 and 0;
        - ``trend``: least-squares slope on time, decimal return per period, per period.

    Raises
    ------
    DataError
        If returns are unusable, not in order of time, or missing where `missing` is "raise"; an
        asset has fewer than 3 returns or never moves; the market does not cover a period or never
        moves.

    Examples
    --------
    >>> from mixfolio import datasets, relationship
    >>> returns = datasets.load("asset-classes").loc["2016":]
    >>> table = relationship.characteristics(returns[["MSCI US", "US Treasuries"]], before="2026")
    >>> table.loc["MSCI US", ["volatility", "beta", "drawdown"]].round(3).to_dict()
    {'volatility': 0.044, 'beta': 1.75, 'drawdown': -0.251}
    """
    if not isinstance(returns, pd.DataFrame):
        if before is not None:
            raise DataError("before needs returns with an index of dates. Pass a DataFrame.")
        returns = pd.DataFrame(_two_dimensional(returns, "returns"))
    if market is not None and not isinstance(market, pd.Series):
        market = pd.Series(read_vector(market, len(returns), None, "market")[0], returns.index)
    table = _past(returns, before)
    values = _read_table(table, missing)
    columns = _characterise(values, _read_market(values, table.index, market))
    result = pd.DataFrame(np.column_stack(columns), table.columns, list(CHARACTERISTICS))
    unknown = ~np.isfinite(result.to_numpy()).all(axis=1)
    _require_none(unknown, table.columns, "have no beta: the market never moves", "Use another")
    return result


def _characterise(values: Array, index: Array) -> tuple[Array, ...]:
    """One vector for each of :data:`CHARACTERISTICS`; missing returns are NaN."""
    seen = np.isfinite(values)
    count = seen.sum(axis=0)
    filled = np.where(seen, values, 0.0)
    mean = filled.sum(axis=0) / count
    deviation = np.where(seen, values - mean, 0.0)
    variance = (deviation**2).sum(axis=0) / count
    return (
        mean,
        np.sqrt(variance * count / (count - 1)),
        (deviation**3).sum(axis=0) / count / variance**1.5,
        (deviation**4).sum(axis=0) / count / variance**2,
        _slope(deviation, seen, index),
        np.sqrt((np.minimum(filled, 0.0) ** 2).sum(axis=0) / count),
        np.where(seen, values, np.inf).min(axis=0),
        _deepest(filled),
        _slope(deviation, seen, np.arange(len(values), dtype=float)),
    )


def _two_dimensional(values: Any, what: str) -> Any:
    found = np.asarray(values)
    if found.ndim != 2:
        raise DataError(f"{what} has shape {found.shape}; it must have two dimensions.")
    return found


def _past(table: pd.DataFrame, before: Any) -> pd.DataFrame:
    """The rows strictly before a date."""
    if not table.index.is_monotonic_increasing or table.index.has_duplicates:
        raise DataError(
            "returns has an index that does not rise from row to row, but trend and drawdown "
            "depend on the order. Sort it with returns.sort_index() and drop repeated dates."
        )
    if before is None:
        return table
    try:
        dated = isinstance(table.index, pd.DatetimeIndex)
        keep = np.asarray(table.index < (pd.Timestamp(before) if dated else before))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"before is {before!r}, which cannot be compared with the index ({error})."
        ) from error
    return table[keep]


def _read_table(table: pd.DataFrame, missing: str) -> Array:
    """Returns as numbers, missing ones kept only by leave, every asset with enough to go by."""
    if missing not in ("raise", "skip"):
        raise DataError(f"missing is {missing!r}; it must be 'raise' or 'skip'.")
    gaps = table.isna().to_numpy()
    if missing == "skip" and gaps.any():
        values = read_returns(table.fillna(0.0), min_periods=MIN_PERIODS)[0]
    else:
        values = read_returns(table, min_periods=MIN_PERIODS)[0]
    few = (~gaps).sum(axis=0) < MIN_PERIODS
    _require_none(few, table.columns, f"have fewer than {MIN_PERIODS} returns", "Use more periods")
    values[gaps] = np.nan
    still = np.nanmax(values, axis=0) == np.nanmin(values, axis=0)
    _require_none(still, table.columns, "never move", "They have no characteristics")
    return values


def _require_none(bad: Any, names: Any, problem: str, remedy: str) -> None:
    if bad.any():
        first = names[int(np.flatnonzero(bad)[0])]
        raise DataError(
            f"returns has {int(bad.sum())} asset(s) that {problem}, the first is {first!r}. "
            f"{remedy}, or leave these assets out."
        )


def _read_market(values: Array, dates: Labels, market: pd.Series | None) -> Array:
    """The market in the periods of the returns; by default the mean of the assets seen."""
    if market is None:
        seen = np.isfinite(values)
        number = np.maximum(seen.sum(axis=1), 1)
        return np.asarray(np.where(seen, values, 0.0).sum(axis=1) / number)
    absent = dates.difference(market.index, sort=False)
    if len(absent) or market.index.has_duplicates:
        raise DataError(
            f"market has no return for {len(absent)} of {len(dates)} period(s), or two for one. "
            f"It must cover every period of the returns once: {[str(d) for d in absent[:3]]}."
        )
    return read_vector(market.loc[dates], len(values), dates, "market")[0]


def _slope(deviation: Array, seen: Any, regressor: Array) -> Array:
    """Least-squares slope of each asset on one regressor, over the periods it was seen in."""
    count = seen.sum(axis=0)
    centred = np.where(seen, regressor[:, None] - (regressor @ seen) / count, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((deviation * centred).sum(axis=0) / (centred**2).sum(axis=0))


def _deepest(filled: Array) -> Array:
    wealth = np.cumprod(np.maximum(1.0 + filled, 0.0), axis=0)  # what is lost does not grow
    peak = np.maximum.accumulate(np.maximum(wealth, 1.0), axis=0)
    return np.asarray((wealth / peak - 1.0).min(axis=0))


# ---------------------------------------------------------------------------- kernels


@checked
def kernel(
    features: Matrix,
    *,
    metric: Metric = "exponential",
    scale: float | Literal["median"] = "median",
    standardise: bool = True,
) -> Matrix:
    """Similarity of assets from numeric features: positive semi-definite, mean diagonal 1.

    Parameters
    ----------
    features : DataFrame or array of shape (n_assets, n_features)
        One row per asset. No cell may be missing: a kernel of filled-in values would hide it.
    metric : {"exponential", "gaussian", "linear"}
        ``exp(-d / scale)``, ``exp(-(d / scale)^2)`` or ``Z Z' / c``, with d the Euclidean distance
        of two rows, and Z the features with centred columns. The first two lie in (0, 1] with a
        diagonal of 1. The linear one can be negative and has a diagonal of 1 on average.
    scale : float or "median"
        Distance at which similarity has fallen to 1/e; by default the median over all pairs of
        different assets, as it then is for a typical pair. Not used by the linear kernel.
    standardise : bool
        Whether each feature is divided by its standard deviation (n_assets - 1) first, so that
        units do not matter. Without it features must have one common unit, as markers do.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        No unit.

    Raises
    ------
    DataError
        If a feature is missing somewhere, is not a number, or is the same for all assets; if there
        are fewer than 2 assets; if the scale is not positive, or the median distance is zero; if
        the metric is unknown.

    Notes
    -----
    For allele counts with ``standardise=False``, the linear kernel is the genomic relationship
    matrix of VanRaden (2008) with sample frequencies, but for its denominator: the mean diagonal
    is 1 where his is one plus the mean inbreeding coefficient.

    Examples
    --------
    Two defensive stocks are alike, and a growth stock is like neither:

    >>> import pandas as pd
    >>> from mixfolio import relationship
    >>> traits = {"volatility": [0.020, 0.025, 0.050], "beta": [0.9, 1.0, 1.6]}
    >>> features = pd.DataFrame(traits, index=["KO", "PG", "TSLA"])
    >>> relationship.kernel(features).loc["KO"].round(3).to_dict()
    {'KO': 1.0, 'PG': 0.832, 'TSLA': 0.306}
    """
    if metric not in get_args(Metric):
        raise DataError(f"metric is {metric!r}; it must be one of {list(get_args(Metric))}.")
    values, labels = _read_features(features)
    if standardise:
        values = values / values.std(axis=0, ddof=1)
    if metric == "linear":
        gram = values @ values.T
        matrix = gram * (len(gram) / np.trace(gram))
    else:
        distances = pdist(values)
        relative = distances / _read_scale(scale, distances)
        matrix = squareform(np.exp(-relative if metric == "exponential" else -(relative**2)))
        np.fill_diagonal(matrix, 1.0)
    result: Matrix = label_matrix(matrix, labels)
    return result


def _read_features(features: MatrixLike) -> tuple[Array, Labels | None]:
    """Centred features, none of them constant, none missing."""
    table = features
    if not isinstance(table, pd.DataFrame):
        table = pd.DataFrame(_two_dimensional(features, "features"))
    if len(table) < 2 or table.shape[1] == 0:
        raise DataError(
            f"features has shape {table.shape}; it must have one row per asset, at least 2, and "
            "one column per feature, at least 1."
        )
    if table.index.has_duplicates:
        name = table.index[table.index.duplicated()][0]
        raise DataError(f"features has more than one row for {name!r}. Give each asset one row.")
    values = _numbers(table)
    largest = np.abs(values).max(axis=0)
    flat = np.ptp(values, axis=0) <= 1e-12 * largest
    if flat.any():
        name = table.columns[int(flat.argmax())]
        raise DataError(
            f"features has {int(flat.sum())} column(s) that are the same for all assets, the "
            f"first is {name!r}. They tell no asset from another: leave them out."
        )
    labels = table.index if isinstance(features, pd.DataFrame) else None
    return values - values.mean(axis=0), labels


def _numbers(table: pd.DataFrame) -> Array:
    try:
        values = table.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"features holds something that is not a number ({error}). For labels, such as a "
            "sector or a region, use from_groups()."
        ) from error
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"features has {len(bad)} cell(s) that are missing or infinite, the first is "
            f"{table.columns[column]!s} of asset {table.index[row]!s}. Leave out the feature or "
            "the asset, or fill it on purpose."
        )
    return np.asarray(values)


def _read_scale(scale: float | str, distances: Array) -> float:
    if scale == "median":
        found = float(np.median(distances))
        if found <= 0:
            raise DataError(
                "the median distance of two assets is zero: most pairs have equal features. Pass "
                "a scale, or use from_groups() for labels."
            )
        return found
    found = read_number(scale, "scale")
    if found <= 0:
        raise DataError(f"scale is {found}; it must be a positive distance, or 'median'.")
    return found


@overload
def from_groups(groups: pd.Series | pd.DataFrame | Mapping[Any, Any]) -> pd.DataFrame: ...
@overload
def from_groups(groups: Sequence[Any] | NDArray[Any]) -> Array: ...
@checked
def from_groups(groups: Any) -> pd.DataFrame | Array:
    """Similarity of assets from labels: the share of labels that two assets have in common.

    With one label per asset this is the block matrix with 1 inside a group and 0 outside. With
    several columns of labels it is the mean of their block matrices, the simple matching
    coefficient.

    Parameters
    ----------
    groups : Series, mapping, sequence or DataFrame
        One label per asset; or a DataFrame of shape (n_assets, n_columns) with a label in every
        cell: class, region, capitalisation, risk. Two assets agree in a column if its labels are
        equal, and that includes columns of zeros and ones.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Between 0 and 1, diagonal 1, positive semi-definite; an array if the assets have no names.

    Raises
    ------
    DataError
        If a label is missing, an asset is there twice, or there is no asset.

    Examples
    --------
    >>> from mixfolio import relationship
    >>> sector = {"JPM": "Financials", "BAC": "Financials", "XOM": "Energy"}
    >>> relationship.from_groups(sector).loc["JPM"].to_dict()
    {'JPM': 1.0, 'BAC': 1.0, 'XOM': 0.0}
    """
    require_labels(groups)
    if isinstance(groups, Mapping):
        groups = pd.Series(dict(groups))
    labelled = isinstance(groups, pd.Series | pd.DataFrame)
    table = pd.DataFrame(groups)
    if table.size == 0:
        raise DataError(f"groups has shape {table.shape}; it must have one row per asset.")
    if table.index.has_duplicates:
        name = table.index[table.index.duplicated()][0]
        raise DataError(f"groups has more than one entry for {name!r}. Give each asset one.")
    gaps = np.argwhere(table.isna().to_numpy())
    if len(gaps):
        row, column = gaps[0]
        raise DataError(
            f"groups has {len(gaps)} missing label(s), the first is {table.columns[column]!s} of "
            f"asset {table.index[row]!s}. Give such assets a label of their own, such as 'none'."
        )
    codes = [pd.factorize(table.iloc[:, j])[0] for j in range(table.shape[1])]
    shared = np.mean([code[:, None] == code[None, :] for code in codes], axis=0)
    result: pd.DataFrame | Array = label_matrix(shared, table.index if labelled else None)
    return result


@checked_but("weights")
def combine(kernels: Mapping[str, Matrix], weights: Mapping[str, float]) -> Matrix:
    """Weighted sum of relationship matrices, matched by name.

    Parameters
    ----------
    kernels : mapping of str to DataFrame or array of shape (n_assets, n_assets)
        Relationship matrices of the same assets, in any order.
    weights : mapping of str to float
        One nonnegative weight per kernel. They are used as they are.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        In the order of the first matrix with names. A DataFrame holds the sum of the weights in
        ``.attrs["weight_sum"]``: with kernels of mean diagonal 1, it is the mean diagonal of the
        result.

    Raises
    ------
    DataError
        If the names of kernels and weights differ, a weight is negative or missing, all weights
        are zero, a kernel is unusable, or two have different assets.

    Examples
    --------
    Three quarters of the weight on the sector and one on the country:

    >>> from mixfolio import relationship
    >>> sector = {"JPM": "Financials", "BAC": "Financials", "XOM": "Energy"}
    >>> country = dict.fromkeys(sector, "US")
    >>> kernels = {"sector": relationship.from_groups(sector)}
    >>> kernels["country"] = relationship.from_groups(country)
    >>> both = relationship.combine(kernels, {"sector": 0.75, "country": 0.25})
    >>> both.loc["JPM"].to_dict()
    {'JPM': 1.0, 'BAC': 1.0, 'XOM': 0.25}
    """
    if not isinstance(weights, Mapping):
        raise DataError(
            f"weights is of type {type(weights).__name__}; give a mapping with one per kernel."
        )
    if not kernels or set(kernels) != set(weights):
        raise DataError(
            f"weights are for {sorted(map(str, weights))}, but there are kernels "
            f"{sorted(map(str, kernels))}. Give each kernel one weight."
        )
    shares = {name: read_number(weights[name], f"weights[{name!r}]") for name in kernels}
    if min(shares.values()) < 0 or max(shares.values()) == 0:
        raise DataError(
            f"weights are {shares}; none may be negative and one must be positive, or the sum "
            "need not be a covariance."
        )
    tables: list[MatrixLike] = list(kernels.values())
    labels = next((table.columns for table in tables if isinstance(table, pd.DataFrame)), None)
    n_assets = len(tables[0])
    total = np.zeros((n_assets, n_assets))
    for name, matrix in kernels.items():
        what = f"kernels[{name!r}]"
        if len(matrix) != n_assets:
            raise DataError(
                f"{what} has {len(matrix)} assets and the first kernel {n_assets}. All must name "
                "the same assets."
            )
        values = read_relationship(matrix, labels, n_assets=n_assets, what=what)[0]
        total += shares[name] * values
    result: Matrix = label_matrix(total, labels)
    if isinstance(result, pd.DataFrame):
        result.attrs["weight_sum"] = float(sum(shares.values()))
    return result


@checked_but("relationship")
def similarity(relationship: pd.DataFrame, pairs: Sequence[tuple[Any, Any]]) -> pd.Series:
    """Entries of a relationship matrix for named pairs.

    Parameters
    ----------
    relationship : DataFrame of shape (n_assets, n_assets)
    pairs : sequence of pairs of names

    Returns
    -------
    Series of shape (n_pairs,)
        Indexed by the two names.

    Raises
    ------
    DataError
        If the matrix is unusable or does not have a name.

    Examples
    --------
    >>> from mixfolio import relationship
    >>> sector = {"JPM": "Financials", "BAC": "Financials", "XOM": "Energy"}
    >>> matrix = relationship.from_groups(sector)
    >>> relationship.similarity(matrix, [("JPM", "BAC"), ("JPM", "XOM")]).to_dict()
    {('JPM', 'BAC'): 1.0, ('JPM', 'XOM'): 0.0}
    """
    values, labels = read_relationship(relationship)
    if labels is None:
        raise DataError("relationship has no names. Pass a DataFrame with assets on both sides.")
    if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise DataError("pairs must hold two names each: [(first, second), ...].")
    wanted = pd.MultiIndex.from_tuples(list(pairs), names=["first", "second"])
    left, right = (labels.get_indexer(wanted.get_level_values(side)) for side in (0, 1))
    unknown = wanted[(left < 0) | (right < 0)]
    if len(unknown):
        raise DataError(
            f"{len(unknown)} pair(s) are not in the relationship, the first is {unknown[0]!r}."
        )
    return pd.Series(values[left, right], index=wanted, name="similarity")


@overload
def cluster_order(relationship: pd.DataFrame) -> pd.Index: ...
@overload
def cluster_order(relationship: Array) -> NDArray[np.intp]: ...
@checked
def cluster_order(relationship: MatrixLike) -> pd.Index | NDArray[np.intp]:
    """Order of assets in which similar ones are neighbours, for heatmaps.

    The leaves of an average-linkage tree of the distances ``sqrt(K_ii + K_jj - 2 K_ij)``, flipped
    so that neighbours are as close as the tree allows.

    Parameters
    ----------
    relationship : DataFrame or array of shape (n_assets, n_assets)
        Any positive semi-definite matrix: a kernel, a covariance or a correlation.

    Returns
    -------
    Index or ndarray of length n_assets
        Names, or positions where there are none.

    Raises
    ------
    DataError
        If the matrix is unusable.

    Examples
    --------
    >>> from mixfolio import relationship
    >>> sector = {"JPM": "Financials", "XOM": "Energy", "BAC": "Financials", "CVX": "Energy"}
    >>> relationship.cluster_order(relationship.from_groups(sector)).tolist()
    ['JPM', 'BAC', 'CVX', 'XOM']
    """
    values, labels = read_relationship(relationship)
    order = np.arange(len(values))
    if len(values) > 2:
        squared = np.diagonal(values)[:, None] + np.diagonal(values)[None, :] - 2 * values
        distance = squareform(np.sqrt(np.maximum(squared, 0.0)), checks=False)
        order = leaves_list(linkage(distance, "average", optimal_ordering=True))
    return order if labels is None else labels[order]


# ------------------------------------------------------------------------- comparison


@dataclass(frozen=True)
class Association:
    """How well the entries of one matrix go with those of another.

    Attributes
    ----------
    correlation : float
        Over all pairs of different assets, between -1 and 1.
    standard_error : float
        By the jackknife over assets. Pairs that share an asset are not independent, so the usual
        formula for a correlation does not hold.
    p_value : float
        Share of permutations of the assets with a correlation at least as far from zero; NaN
        without permutations.
    """

    correlation: float
    standard_error: float
    p_value: float


@checked
def association(
    first: MatrixLike,
    second: MatrixLike,
    *,
    n_permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> Association:
    """Correlation of the off-diagonal entries of two matrices of the same assets.

    With `first` a relationship matrix known at a date and `second` the correlations of the returns
    after it, this says whether the kernel knows something about the covariance to come.

    Parameters
    ----------
    first, second : DataFrame or array of shape (n_assets, n_assets)
        Symmetric, matched by name. The second may cover more assets.
    n_permutations : int
        For the test of Mantel (1967), which permutes the assets of `first`.
    rng : Generator, optional
        Needed for permutations.

    Returns
    -------
    Association

    Raises
    ------
    DataError
        If a matrix is unusable, an asset of the first is not in the second, there are fewer than
        4 assets, all entries off a diagonal are equal, or there are permutations without `rng`.

    References
    ----------
    Mantel, N. (1967). The detection of disease clustering and a generalized regression approach.
    Cancer Research 27, 209-220.

    Examples
    --------
    Indices of one asset class move together more than others do:

    >>> from mixfolio import datasets, relationship
    >>> same_class = relationship.from_groups(datasets.groups("asset-classes"))
    >>> correlation = datasets.load("asset-classes").loc["2016":"2025"].corr()
    >>> found = relationship.association(same_class, correlation)
    >>> round(found.correlation, 3), round(found.standard_error, 3)
    (0.335, 0.17)
    """
    left, labels = read_square(first, "first")
    right, names = read_square(second, "second")
    if labels is not None and names is not None and not names.equals(labels):
        right = _select(right, names, labels, "second")
    n_permutations = read_count(n_permutations, "n_permutations", 0)
    if len(left) < 4 or left.shape != right.shape:
        raise DataError(
            f"first and second have shapes {left.shape} and {right.shape}; they must be of the "
            "same assets, at least 4."
        )
    if n_permutations and rng is None:
        raise DataError("permutations are random: pass rng, a numpy.random.Generator.")
    left, right = _off_diagonal(left, "first"), _off_diagonal(right, "second")
    observed = float(np.vdot(left, right))
    error, p_value = _jackknife(left, right), np.nan
    if rng is not None and n_permutations:
        orders = (rng.permutation(len(left)) for _ in range(n_permutations))
        drawn = np.array([np.vdot(left[np.ix_(order, order)], right) for order in orders])
        extreme = int((np.abs(drawn) >= abs(observed) * (1 - 1e-12)).sum())
        p_value = (1 + extreme) / (1 + n_permutations)
    return Association(observed, error, p_value)


def _off_diagonal(values: Array, what: str) -> Array:
    """Entries off the diagonal with mean zero and sum of squares one; zeros on the diagonal."""
    off = ~np.eye(len(values), dtype=bool)
    if np.ptp(values[off]) <= 1e-12 * np.abs(values[off]).max():
        raise DataError(f"{what} has equal entries for all pairs: nothing goes with a constant.")
    centred = np.where(off, values - values[off].mean(), 0.0)
    return np.asarray(centred / np.linalg.norm(centred))


def _jackknife(left: Array, right: Array) -> float:
    """Standard error of the correlation from leaving out one asset at a time, by row sums."""
    n = len(left)
    pairs = (n - 1) * (n - 2)
    mean_left, mean_right = -2 * left.sum(axis=1) / pairs, -2 * right.sum(axis=1) / pairs

    def moment(a: Array, b: Array, mean_a: Array, mean_b: Array) -> Array:
        product = a * b
        return np.asarray((product.sum() - 2 * product.sum(axis=1)) / pairs - mean_a * mean_b)

    covariance = moment(left, right, mean_left, mean_right)
    spread = moment(left, left, mean_left, mean_left) * moment(right, right, mean_right, mean_right)
    kept = covariance / np.sqrt(spread)
    return float(np.sqrt((n - 1) * kept.var()))


# ----------------------------------------------------------------------------- repair


@dataclass(frozen=True)
class Repair:
    """A repaired matrix, and how much had to change.

    Attributes
    ----------
    matrix : DataFrame or ndarray of shape (n_assets, n_assets)
        Positive semi-definite, with the diagonal of the original.
    distance : float
        Frobenius norm of the change; 0 if nothing was wrong.
    lowest_eigenvalue : float
        Of the original: how negative it was.
    n_iterations : int
    """

    matrix: pd.DataFrame | Array
    distance: float
    lowest_eigenvalue: float
    n_iterations: int


@checked
def nearest_psd(
    matrix: MatrixLike, *, max_iterations: int = 10_000, tolerance: float = 1e-9
) -> Repair:
    """Nearest positive semi-definite matrix with the same diagonal, and how far away it is.

    Projects in turn on the positive semi-definite matrices and on the matrices with the given
    diagonal, with Dykstra's correction (Higham, 2002, algorithm 3.3). With a unit diagonal it is
    the nearest correlation matrix.

    Parameters
    ----------
    matrix : DataFrame or array of shape (n_assets, n_assets)
        Symmetric, with a positive diagonal: similarities by opinion, or correlations from samples
        of different length.
    max_iterations : int
    tolerance : float
        Change in one step, relative to the norm of the matrix, at which to stop.

    Returns
    -------
    Repair
        Look at `distance` before `matrix` is used.

    Raises
    ------
    DataError
        If the matrix is not square, symmetric and finite with a positive diagonal.
    ConvergenceError
        If the tolerance is not reached.

    References
    ----------
    Higham, N. J. (2002). Computing the nearest correlation matrix: a problem from finance. IMA
    Journal of Numerical Analysis 22, 329-343.

    Examples
    --------
    No three assets can have these correlations; the nearest that they can have:

    >>> import numpy as np
    >>> from mixfolio import relationship
    >>> opinion = np.array([[1.0, 0.9, 0.7], [0.9, 1.0, -0.9], [0.7, -0.9, 1.0]])
    >>> repair = relationship.nearest_psd(opinion)
    >>> repair.matrix.round(3).tolist()
    [[1.0, 0.554, 0.387], [0.554, 1.0, -0.554], [0.387, -0.554, 1.0]]
    >>> round(repair.lowest_eigenvalue, 3), round(repair.distance, 3)
    (-0.67, 0.822)
    """
    values, labels = read_square(matrix, "matrix")
    diagonal = np.diagonal(values).copy()
    if diagonal.min() <= 0:
        raise DataError(
            f"matrix has a diagonal entry of {diagonal.min():.3g}; all must be positive, as no "
            "other entry of its row could be anything but zero. Leave that row out."
        )
    lowest = float(eigvalsh(values, subset_by_index=(0, 0))[0])
    if lowest >= 0:
        return Repair(label_matrix(values, labels), 0.0, lowest, 0)
    nearest, steps = _alternate(values, diagonal, max_iterations, tolerance)
    rescale = np.sqrt(diagonal / np.diagonal(nearest))
    nearest = nearest * np.outer(rescale, rescale)
    np.fill_diagonal(nearest, diagonal)
    distance = float(np.linalg.norm(nearest - values))
    return Repair(label_matrix(nearest, labels), distance, lowest, steps)


def _alternate(
    values: Array, diagonal: Array, max_iterations: int, tolerance: float
) -> tuple[Array, int]:
    """Dykstra's projections; the last step is on the positive semi-definite matrices."""
    size = float(np.linalg.norm(values))
    current, correction, change = values.copy(), np.zeros_like(values), np.inf
    for step in range(1, max_iterations + 1):
        shifted = current - correction
        projected = _positive_part(shifted)
        correction = projected - shifted
        following = projected.copy()
        np.fill_diagonal(following, diagonal)
        gap = float(np.linalg.norm(following - projected))
        change = max(float(np.linalg.norm(following - current)), gap)
        current = following
        if change <= tolerance * size:
            return projected, step
    raise ConvergenceError(
        f"the nearest positive semi-definite matrix was not found in {max_iterations} steps: the "
        f"last one changed the matrix by {change / size:.2g} of its norm, the tolerance is "
        f"{tolerance:.2g}. Allow more steps, or a larger tolerance."
    )


def _positive_part(matrix: Array) -> Array:
    eigenvalues, vectors = eigh(matrix)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return np.asarray(root @ root.T)
