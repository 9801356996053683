"""The two steps of the recommended covariance that concern time and not the model.

Both can be given to any estimator, by :func:`with_time_steps`. Periods
are evened out before the fit, since a few in which all assets move much would be most of the
sample. Variances are renewed after it, since they change faster than correlations.

How fast? Let log variances follow a random walk that is seen with noise once per period. The best
exponential weights then have a half-life, in periods, that grows with the square root of the number
of periods in a year (the steady state of the local level model; Harvey, 1989). With 52 weeks for
weekly returns, which is what a quarter of a window of 208 weeks was when the other choices were
made, that is ``sqrt(52 p)`` for p periods a year: 114 days, 52 weeks, 25 months.
It lies between the two horizons of a commercial model, 84 and 252 days (Menchero et al., 2011), and
near the decay of .97 a month, 23 months, of RiskMetrics (1996).
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    checked,
    label_matrix,
    read_number,
    read_returns,
)
from mixfolio.errors import DataError
from mixfolio.mixed_model._common import Matrix
from mixfolio.mixed_model._loadings import standardise
from mixfolio.prices import find_frequency

WEEKLY_HALFLIFE = 52.0  # weeks
STILL = 1e-4  # of the largest return: an asset that changes by less did not move
STILL_SHARE = 0.5  # of the periods
STILL_RUN = 10  # of the latest periods


@checked
def usual_halflife(returns: MatrixLike) -> float:
    """Half-life of variances in periods, by how often the returns come: ``sqrt(52 p)``.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Its dates say how many periods p a year has: 252 days, 52 weeks, 12 months, 4 quarters.

    Returns
    -------
    float
        Infinity, so that all periods count the same, where there are no dates, fewer than three,
        or dates at other distances.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import datasets, mixed_model
    >>> for name in ("stocks-daily", "stocks-weekly", "asset-classes"):
    ...     print(name, round(mixed_model.usual_halflife(datasets.load(name))))
    stocks-daily 114
    stocks-weekly 52
    asset-classes 25
    >>> mixed_model.usual_halflife(np.zeros((100, 3)))
    inf
    """
    dates = returns.index if isinstance(returns, pd.DataFrame) else None
    if isinstance(dates, pd.PeriodIndex):
        dates = dates.to_timestamp()
    try:
        periods = find_frequency(dates).periods_per_year if dates is not None else None
    except DataError:
        periods = None
    return np.inf if periods is None else float(np.sqrt(WEEKLY_HALFLIFE * periods))


def stale_assets(values: Array) -> Any:
    """Which assets have prices that stand still: most of the time, or in all the latest periods.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.

    Returns
    -------
    ndarray of bool, shape (n_assets,)
        True where more than half of the returns are zero, or the last ten and more are, to within
        1e-4 of the asset's largest.
    """
    still = np.logical_not(_moves(values))
    latest = still[-STILL_RUN:].all(axis=0) & (len(values) > STILL_RUN)
    return np.asarray((still.mean(axis=0) > STILL_SHARE) | latest)


def _moves(values: Array) -> Any:
    size = np.abs(values)
    return size > STILL * size.max(axis=0)


def recent_variances(values: Array, halflife: float) -> Array:
    """Exponentially weighted variances around the plain means, free of bias without drift.

    Prices that stand still tell nothing of the risk. The variance of a stale asset is that of the
    periods in which it moved, all of which count the same; see :func:`stale_assets`.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.
    halflife : float
        Age in periods at which an observation counts half; infinity gives the sample variances.

    Returns
    -------
    ndarray of shape (n_assets,)

    Raises
    ------
    DataError
        If `halflife` is not positive.
    """
    n = len(values)
    deviations = (values - values.mean(axis=0)) * np.sqrt(n / (n - 1))
    variances = recent_moments(deviations, halflife)
    stale = stale_assets(values)
    if stale.any():
        moves = _moves(values[:, stale])
        square = np.square(deviations[:, stale])
        variances[stale] = (square * moves).sum(axis=0) / moves.sum(axis=0)
    return variances


def recent_moments(values: Array, halflife: float) -> Array:
    """Exponentially weighted second moments.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_series)
    halflife : float

    Returns
    -------
    ndarray of shape (n_series,)

    Raises
    ------
    DataError
        If `halflife` is not positive.
    """
    if halflife != np.inf:
        halflife = read_number(halflife, "halflife")
    if not halflife > 0:
        raise DataError(f"halflife is {halflife}; it must be a positive number of periods.")
    weights = 0.5 ** (np.arange(len(values) - 1, -1, -1) / halflife)
    return np.asarray(weights @ np.square(values) / weights.sum())


@checked
def even_periods(returns: Matrix) -> Matrix:
    """Returns with the sizes of the periods half evened out.

    With the returns' deviations from their means divided by their standard deviations, z_it, the
    deviations of period t are divided by the fourth root of ``mean_i z_it^2``.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    DataFrame or ndarray of shape (n_periods, n_assets)
        Deviations from the mean, in decimals. Correlations are those of periods whose sizes differ
        less; the variances are lower than those of `returns` when the sizes differ.

    Raises
    ------
    DataError
        If the returns are unusable or an asset never moves.

    Examples
    --------
    The crash of March 2020 stays the largest of these months, but by less:

    >>> from mixfolio import datasets, mixed_model
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> even = mixed_model.even_periods(returns)
    >>> for table in (returns - returns.mean(), even):
    ...     size = table.std(axis=1)
    ...     print(size.idxmax().date(), round(float(size.max() / size.median()), 1))
    2020-03-31 3.5
    2020-03-31 1.7
    """
    even: Any = evened(*read_returns(returns))
    if isinstance(returns, pd.DataFrame):
        even = pd.DataFrame(even, index=returns.index, columns=returns.columns)
    return cast(Matrix, even)


def evened(values: Array, labels: Labels | None) -> Array:
    """:func:`even_periods` of returns that are checked.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
    labels : Index of length n_assets, or None

    Returns
    -------
    ndarray of shape (n_periods, n_assets)
    """
    Z, spread = standardise(values, labels)
    size = np.square(Z).mean(axis=1, keepdims=True)
    return np.asarray(Z / np.where(size > 0, size, 1.0) ** 0.25 * spread)


@checked
def with_time_steps(estimate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An estimate with the two steps of :func:`mixfolio.mixed_model.covariance` that concern time.

    A control: periods are evened out, and variances are the recent ones. With both steps a peer has
    all of the recommended estimate but its model, so that what is left between the two is due to
    the model.

    Parameters
    ----------
    estimate : function
        Takes past returns and groups, and gives a covariance matrix.

    Returns
    -------
    function
        The half-life of its variances is that of :func:`usual_halflife`.

    Examples
    --------
    Variances follow the latest months:

    >>> from mixfolio import datasets, mixed_model
    >>> from mixfolio.estimators import ESTIMATORS
    >>> returns = datasets.load("asset-classes")[["MSCI US", "US Treasuries"]].loc["2018":"2022"]
    >>> plain = ESTIMATORS["sample"]
    >>> stepped = mixed_model.with_time_steps(plain)
    >>> for estimate in (plain, stepped):
    ...     print(((12 * estimate(returns, None).to_numpy().diagonal()) ** 0.5).round(3).tolist())
    [0.19, 0.051]
    [0.2, 0.055]
    """

    def renewed(returns: Any, groups: Any) -> Any:
        values, labels = read_returns(returns)
        even = even_periods(returns)
        recent = recent_variances(values, usual_halflife(returns))
        change = np.sqrt(recent / np.asarray(even).var(axis=0, ddof=1))
        matrix = np.asarray(estimate(even, groups)) * np.outer(change, change)
        return label_matrix(matrix, labels)

    return renewed
