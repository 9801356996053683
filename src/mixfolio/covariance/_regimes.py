"""Covariances by regime: dated by what was known before, shrunk toward that of other periods.

A period is calm, middle or wild by the volatility of the periods *before* it. Dating it by its own
volatility would pick large returns into the wild regime, and correlations of large returns are
higher even where nothing changes (Forbes and Rigobon, 2002).

A regime has few periods. Its covariance has the prior of ``_inverse_wishart.py`` around ``c V``,
with V estimated from the periods outside of the regime, so that no return is both in the prior and
in the evidence. With S the regime's own covariance, the level c has its maximum of likelihood,
``tr(V^-1 S) / N``; the marginal likelihood says how far S departs from c V. The target gets no
variances of the regime beside that: those of few periods cost more than they tell.

References
----------
Forbes, K. J. and Rigobon, R. (2002). No contagion, only interdependence: measuring stock market
comovements. Journal of Finance 57, 2223-2261.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mixfolio._inputs import (
    Array,
    MatrixLike,
    checked,
    label_matrix,
    read_count,
    read_returns,
    require_even,
    require_order,
)
from mixfolio.covariance import _inverse_wishart
from mixfolio.covariance._estimators import with_target
from mixfolio.errors import DataError

CALM, MIDDLE, WILD, UNKNOWN = 0, 1, 2, -1
LEAST_PERIODS = 2


class RegimeCovariance(NamedTuple):
    """The covariance of one regime.

    Attributes
    ----------
    covariance : DataFrame or ndarray of shape (n_assets, n_assets)
        Per period of the regime; positive definite.
    level : float
        c, by which variances of the regime are higher or lower than those of other periods.
    intensity : float
        Weight of the other periods, between 0 and 1.
    n_periods : int
        In the regime.
    """

    covariance: pd.DataFrame | Array
    level: float
    intensity: float
    n_periods: int


@checked
def volatility_regimes(returns: MatrixLike, *, span: int = 8) -> NDArray[np.intp]:
    """Regime of every period, and of the coming one, by the volatility of the periods before it.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.
    span : int
        Number of periods whose standard deviation of the mean return dates the next period.

    Returns
    -------
    ndarray of int, of shape (n_periods + 1,)
        0 calm, 1 middle and 2 wild, thirds of these volatilities; -1 for the first `span` periods.
        The last entry is the regime of the period after the table, which is known at its end. The
        borders are those of the whole table: give it the past only.

    Raises
    ------
    DataError
        If the returns are unusable or shorter than `span` and two periods more, or `span` is below
        two.

    Examples
    --------
    The spring of 2020, seen from its middle:

    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("stocks-weekly").loc["2018":"2020-03-20"]
    >>> regimes = covariance.volatility_regimes(returns)
    >>> regimes[-3:].tolist()
    [2, 2, 2]
    """
    require_order(returns)
    span = read_count(span, "span", lowest=2)
    values, _ = read_returns(returns, min_periods=span + 2)
    blocks = np.lib.stride_tricks.sliding_window_view(values.mean(axis=1), span)
    volatility = blocks.std(axis=1, ddof=1)
    low, high = np.quantile(volatility, [1 / 3, 2 / 3])
    dated = np.where(volatility <= low, CALM, np.where(volatility > high, WILD, MIDDLE))
    return np.append(np.full(span, UNKNOWN), dated)


@checked
def regime_covariances(
    returns: MatrixLike, regimes: ArrayLike, estimate: Callable[[Any], Any]
) -> Mapping[int, RegimeCovariance]:
    """Covariance of every regime, shrunk toward that of all other periods at its own level.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    regimes : array of int, of shape (n_periods,)
        A number per period; negative where the regime is not known.
    estimate : function
        Takes the returns outside of a regime, and gives their covariance or a fitted model, as
        :func:`mixfolio.covariance.empirical_bayes` takes them.

    Returns
    -------
    dict of int to RegimeCovariance

    Raises
    ------
    DataError
        If the returns or regimes are unusable, a regime has one period, or an asset does not move
        in one; and what the estimate raises.
    SingularCovarianceError
        If the estimate is not positive definite.

    Examples
    --------
    Wild weeks have more than twice the variance of the others:

    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("stocks-weekly")[["AAPL", "MSFT", "XOM"]]
    >>> dated = covariance.volatility_regimes(returns)[:-1]
    >>> found = covariance.regime_covariances(returns, dated, covariance.sample)
    >>> for regime in (0, 2):  # calm and wild
    ...     print(found[regime].n_periods, f"{found[regime].level:.1f}")
    260 0.5
    260 2.2
    """
    values, labels = read_returns(returns)
    dated = _read_regimes(regimes, len(values))
    table = values if labels is None else pd.DataFrame(values, columns=labels)
    found = {}
    for regime in np.unique(dated[dated >= 0]).tolist():
        target = estimate(table[dated != regime])
        Y, names, V = with_target(table[dated == regime], target)
        n = len(Y) - 1
        eigenvalues = _inverse_wishart.relative_eigenvalues(Y, V, n)
        level = float(eigenvalues.sum()) / len(V)
        excess = _inverse_wishart.best_excess(eigenvalues / level, len(V), n)
        matrix = label_matrix(_inverse_wishart.posterior_mean(Y, level * V, n, excess), names)
        found[int(regime)] = RegimeCovariance(matrix, level, excess / (excess + n), n + 1)
    return found


def _read_regimes(regimes: ArrayLike, n_periods: int) -> NDArray[np.intp]:
    require_even(regimes, "regimes")
    dated = np.asarray(regimes)
    if dated.shape != (n_periods,) or not np.issubdtype(dated.dtype, np.integer):
        raise DataError(
            f"regimes has shape {dated.shape} and type {dated.dtype}; it must hold one whole "
            f"number for each of the {n_periods} periods, negative where the regime is not known."
        )
    for regime, count in zip(*np.unique(dated[dated >= 0], return_counts=True), strict=True):
        if count < LEAST_PERIODS:
            raise DataError(
                f"regime {regime} has {count} period(s); a covariance needs at least "
                f"{LEAST_PERIODS}. Use fewer regimes, or a longer table."
            )
    return dated.astype(np.intp)
