"""Measures of a return series, and measures of a portfolio.

Return series are decimal simple returns per period. `periods_per_year` turns per-period figures
into annual ones and is always the caller's to state. A ratio of returns in excess of the riskless
asset is the Sharpe ratio; pass excess returns.
"""

from typing import Any

import numpy as np
import pandas as pd

from mixfolio._inputs import Array, MatrixLike, VectorLike, read_covariance, read_vector
from mixfolio.errors import DataError, SingularCovarianceError

__all__ = [
    "annualised_return",
    "annualised_volatility",
    "certainty_equivalent",
    "concentration",
    "distance_to_equal",
    "diversification_ratio",
    "downside_deviation",
    "drawdown",
    "drifted_weights",
    "effective_number",
    "gross_exposure",
    "information_ratio",
    "maximum_drawdown",
    "risk_contributions",
    "sharpe_ratio",
    "turnover",
    "volatility",
    "wealth",
]


def _series(returns: VectorLike, least: int = 1) -> Array:
    try:
        values = np.array(returns, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"returns holds something that is not a number ({error}).") from error
    if values.ndim != 1 or len(values) < least:
        raise DataError(
            f"returns has shape {values.shape}; it must be one series of at least "
            f"{least} period(s)."
        )
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"returns has {int((~np.isfinite(values)).sum())} missing or infinite value(s), the "
            f"first at position {place}. Drop or fill them on purpose first."
        )
    return values


def annualised_return(returns: VectorLike, periods_per_year: float) -> float:
    """Geometric mean growth a year: ``prod(1 + r)^(periods_per_year / T) - 1``.

    Parameters
    ----------
    returns : array-like of shape (n_periods,)
    periods_per_year : float

    Returns
    -------
    float
        Decimal a year; -1 when the wealth is lost.
    """
    values = _series(returns)
    growth = float(np.prod(1.0 + values))
    return float(max(growth, 0.0) ** (periods_per_year / len(values)) - 1.0)


def annualised_volatility(returns: VectorLike, periods_per_year: float) -> float:
    """Standard deviation (divisor T - 1) times the root of `periods_per_year`; decimal a year."""
    return float(_series(returns, 2).std(ddof=1) * np.sqrt(periods_per_year))


def sharpe_ratio(excess_returns: VectorLike, periods_per_year: float = 1.0) -> float:
    """Mean over standard deviation of excess returns (Sharpe, 1966).

    Parameters
    ----------
    excess_returns : array-like of shape (n_periods,)
        Returns less the riskless return, or less a benchmark: then it is the information ratio.
    periods_per_year : float
        The ratio is multiplied by its root. 1 leaves it per period.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If the series has no variance, or fewer than 2 periods.
    """
    values = _series(excess_returns, 2)
    spread = float(values.std(ddof=1))
    if spread <= 1e-14 * float(np.abs(values).max()):
        raise DataError("returns never change; a Sharpe ratio needs a variance above zero.")
    return float(values.mean() / spread * np.sqrt(periods_per_year))


def information_ratio(
    returns: VectorLike, benchmark: VectorLike, periods_per_year: float = 1.0
) -> float:
    """Mean over standard deviation of the returns in excess of a benchmark.

    Parameters
    ----------
    returns, benchmark : Series or array-like of shape (n_periods,)
        Of the same periods. Two Series are matched by label.
    periods_per_year : float
        The ratio is multiplied by its root. 1 leaves it per period.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If the two cover different periods, or never differ.

    References
    ----------
    Goodwin, T. (1998). The information ratio. Financial Analysts Journal 54 (4), 34-43.
    """
    values = _series(returns, 2)
    labels = returns.index if isinstance(returns, pd.Series) else None
    active = values - read_vector(benchmark, len(values), labels, "benchmark")[0]
    if not active.any():
        raise DataError("returns are those of the benchmark in every period; there is no ratio.")
    return sharpe_ratio(active, periods_per_year)


def certainty_equivalent(excess_returns: VectorLike, *, risk_aversion: float) -> float:
    """Riskless return that a mean-variance investor holds equal to these returns, per period.

    ``mean - risk_aversion / 2 * variance`` (DeMiguel, Garlappi and Uppal, 2009, equation 15).

    Parameters
    ----------
    excess_returns : array-like of shape (n_periods,)
    risk_aversion : float

    Returns
    -------
    float
    """
    values = _series(excess_returns, 2)
    return float(values.mean() - risk_aversion / 2 * values.var(ddof=1))


def downside_deviation(
    returns: VectorLike, periods_per_year: float = 1.0, *, floor: float = 0.0
) -> float:
    """Root mean square of the shortfalls below `floor`, over all periods; decimal.

    Parameters
    ----------
    returns : array-like of shape (n_periods,)
    periods_per_year : float
    floor : float
        Least acceptable return per period.

    Returns
    -------
    float
        Zero when no return falls short.
    """
    shortfall = np.minimum(_series(returns) - floor, 0.0)
    return float(np.sqrt(np.mean(shortfall**2) * periods_per_year))


def wealth(returns: VectorLike) -> Any:
    """Growth of one unit: the running product of ``1 + r``, from the end of the first period."""
    values = np.cumprod(1.0 + _series(returns))
    return pd.Series(values, index=returns.index) if isinstance(returns, pd.Series) else values


def drawdown(returns: VectorLike) -> Any:
    """Loss from the highest wealth so far, relative to it, starting from a wealth of one.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,)

    Returns
    -------
    Series or ndarray of shape (n_periods,)
        Between -1 and 0.
    """
    levels = np.asarray(wealth(returns), dtype=float)
    peak = np.maximum.accumulate(np.maximum(levels, 1.0))
    losses = levels / peak - 1.0
    return pd.Series(losses, index=returns.index) if isinstance(returns, pd.Series) else losses


def maximum_drawdown(returns: VectorLike) -> float:
    """The deepest :func:`drawdown`: a number between -1 and 0."""
    return float(np.asarray(drawdown(returns)).min())


def volatility(weights: VectorLike, covariance: MatrixLike) -> float:
    """Standard deviation ``sqrt(w'V w)`` of a portfolio, per period of the covariance."""
    matrix, labels = read_covariance(covariance)
    w = read_vector(weights, len(matrix), labels, "weights")[0]
    return float(np.sqrt(_variance(w, matrix)))


def _variance(w: Array, matrix: Array) -> float:
    variance = float(w @ matrix @ w)
    if variance < 0:
        raise SingularCovarianceError(
            f"the portfolio's variance is {variance:.3g}: the covariance has a negative "
            "eigenvalue. Use a covariance estimated from one complete sample, or clip it."
        )
    return variance


def _positive_variance(w: Array, matrix: Array) -> float:
    variance = _variance(w, matrix)
    if variance == 0:
        raise DataError("the portfolio has no variance. Give weights that are not all zero.")
    return variance


def diversification_ratio(weights: VectorLike, covariance: MatrixLike) -> float:
    """Weighted mean volatility over portfolio volatility (Choueifaty and Coignard, 2008)."""
    matrix, labels = read_covariance(covariance)
    w = read_vector(weights, len(matrix), labels, "weights")[0]
    return float(w @ np.sqrt(np.diagonal(matrix)) / np.sqrt(_positive_variance(w, matrix)))


def risk_contributions(weights: VectorLike, covariance: MatrixLike) -> Any:
    """Share of the portfolio variance that each asset contributes: ``w_i (V w)_i / w'V w``.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,)
    covariance : DataFrame or array of shape (n_assets, n_assets)

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Shares that sum to one; negative for an asset that hedges.
    """
    matrix, labels = read_covariance(covariance)
    w, labels = read_vector(weights, len(matrix), labels, "weights")
    shares = w * (matrix @ w) / _positive_variance(w, matrix)
    return shares if labels is None else pd.Series(shares, index=labels, name="risk_contribution")


def effective_number(weights: VectorLike) -> float:
    """Inverse of the sum of squared weights: N for equal weights, 1 for a single asset."""
    w = _series(weights)
    if not w.any():
        raise DataError("all weights are zero; there is no portfolio to count.")
    return float(1.0 / (w @ w))


def concentration(weights: VectorLike) -> float:
    """Sum of squared weights (Herfindahl index): 1/N for equal weights, 1 for a single asset."""
    w = _series(weights)
    return float(w @ w)


def distance_to_equal(weights: VectorLike) -> float:
    """Half the sum of absolute differences to 1/N: the share that must move to get there."""
    w = _series(weights)
    return float(np.abs(w - 1 / len(w)).sum() / 2)


def gross_exposure(weights: VectorLike) -> float:
    """Sum of the absolute weights: 1 for a long-only portfolio."""
    return float(np.abs(_series(weights)).sum())


def drifted_weights(weights: VectorLike, asset_returns: VectorLike) -> Any:
    """Weights after a period in which nobody traded: ``w_i (1 + r_i) / (1 + w'r)``.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,)
        At the start of the period.
    asset_returns : Series or array of shape (n_assets,)

    Returns
    -------
    Series or ndarray of shape (n_assets,)

    Raises
    ------
    DataError
        If the period wipes the portfolio out.
    """
    w = _series(weights)
    labels = weights.index if isinstance(weights, pd.Series) else None
    grown = w * (1.0 + read_vector(asset_returns, len(w), labels, "asset_returns")[0])
    total = float(1.0 + grown.sum() - w.sum())
    if not total > 0:
        raise DataError(
            f"the portfolio's wealth is multiplied by {total:.4g} in this period: nothing is left "
            "to drift. Limit leverage."
        )
    return grown / total if labels is None else pd.Series(grown / total, index=labels)


def turnover(weights: VectorLike, previous: VectorLike) -> float:
    """Sum of absolute changes: purchases plus sales, as a share of the wealth.

    A cost of c per unit traded costs ``c * turnover``. Selling a tenth of the portfolio to buy
    something else is a turnover of 0.2. Compare with weights that have drifted, see
    :func:`drifted_weights`.
    """
    w = _series(weights)
    labels = weights.index if isinstance(weights, pd.Series) else None
    return float(np.abs(w - read_vector(previous, len(w), labels, "previous")[0]).sum())
