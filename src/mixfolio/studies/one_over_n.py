"""The strategies of DeMiguel, Garlappi and Uppal (2009): past returns in, weights out.

Each takes a table of past excess returns, oldest first, and gives weights. Where a strategy is a
direction x rather than a portfolio, the weights are ``x / |1'x|``: the sign of a net short position
is kept, as in the article's relative weights. The last column must be the market portfolio for
:func:`value_weight` and :func:`data_and_model`.

References
----------
DeMiguel, V., Garlappi, L. and Uppal, R. (2009). Optimal versus naive diversification: how
inefficient is the 1/N portfolio strategy? Review of Financial Studies 22, 1915-1953.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve

from mixfolio import _linalg, covariance, expected_returns, optimization
from mixfolio._inputs import Array, Labels, label_vector, read_returns
from mixfolio.backtest import Strategy
from mixfolio.errors import DataError

__all__ = [
    "bayes_stein",
    "constrained_bayes_stein",
    "constrained_mean_variance",
    "constrained_minimum_variance",
    "data_and_model",
    "demiguel_garlappi_uppal",
    "equal_and_minimum_variance",
    "equal_weight",
    "generalised_minimum_variance",
    "kan_zhou",
    "mackinlay_pastor",
    "mean_variance",
    "minimum_variance",
    "relative_weights",
    "value_weight",
]


def relative_weights(direction: Array, labels: Labels | None = None) -> Any:
    """A direction scaled to a net position of plus or minus one: ``x / |1'x|``.

    Parameters
    ----------
    direction : ndarray of shape (n_assets,)
    labels : Index of length n_assets, optional

    Returns
    -------
    Series or ndarray of shape (n_assets,)

    Raises
    ------
    DataError
        If the net position is zero.
    """
    net = abs(float(direction.sum()))
    if net == 0:
        raise DataError("the position is long as much as it is short; it has no relative weights.")
    return label_vector(direction / net, labels, "weights")


def _moments(returns: pd.DataFrame) -> tuple[Array, Array, Labels | None]:
    values, labels = read_returns(returns)
    return values.mean(axis=0), np.asarray(covariance.sample(values)), labels


def _solve(matrix: Array, right: Array) -> Array:
    return np.asarray(cho_solve(_linalg.factorise(matrix), right))


def _require_periods(returns: pd.DataFrame, more: int) -> None:
    n_periods, n_assets = returns.shape
    if n_periods < n_assets + more:
        raise DataError(
            f"returns has {n_periods} periods for {n_assets} assets; this strategy needs at least "
            f"{n_assets + more}. Use a longer window or fewer assets."
        )


def equal_weight(returns: pd.DataFrame) -> Any:
    """1/N in every asset."""
    return optimization.equal_weight(returns.columns)


def value_weight(returns: pd.DataFrame) -> Any:
    """The market portfolio, which is the last asset."""
    return pd.Series(np.eye(returns.shape[1])[-1], index=returns.columns)


def mean_variance(returns: pd.DataFrame) -> Any:
    """Sample mean and sample covariance, without constraints: ``S^-1 m``."""
    mean, matrix, labels = _moments(returns)
    return relative_weights(_solve(matrix, mean), labels)


def bayes_stein(returns: pd.DataFrame) -> Any:
    """Jorion's (1986) predictive moments, without constraints."""
    moments = expected_returns.bayes_stein_moments(returns)
    return relative_weights(
        _solve(np.asarray(moments.covariance), np.asarray(moments.mean)), returns.columns
    )


def minimum_variance(returns: pd.DataFrame) -> Any:
    """Lowest sample variance, shorts allowed."""
    return optimization.minimum_variance(covariance.sample(returns), long_only=False)


def mackinlay_pastor(returns: pd.DataFrame) -> Any:
    """One missing factor (MacKinlay and Pastor, 2000): weights along the first eigenvector.

    With ``V = s^2 I + v m m'`` the tangency portfolio is proportional to m, and the maximum
    likelihood estimate of m is the projection of the sample mean on the leading eigenvector of the
    second moment matrix (Kan and Zhou, 2007, section V).
    """
    values, labels = read_returns(returns)
    mean = values.mean(axis=0)
    leading = np.linalg.eigh(values.T @ values)[1][:, -1]
    return relative_weights((leading @ mean) * leading, labels)


def kan_zhou(returns: pd.DataFrame) -> Any:
    """Mixture of the tangency and the minimum-variance portfolio (Kan and Zhou, 2007).

    ``x = p V^-1 m + (N / T) m0 V^-1 1`` with the maximum likelihood covariance V, the mean m0 of
    the minimum-variance portfolio, and p the unbiased estimate of the squared slope of the frontier
    (their equation 65). That estimate may be negative. Their adjusted one may not, but only the
    unbiased one gives the figures that DeMiguel, Garlappi and Uppal print.
    """
    mean, matrix, labels = _moments(returns)
    n_periods, n_assets = returns.shape
    matrix *= (n_periods - 1) / n_periods
    ones = np.ones(n_assets)
    safe, bold = _solve(matrix, ones), _solve(matrix, mean)
    safe_mean = safe @ mean / safe.sum()
    slope = (mean - safe_mean) @ _solve(matrix, mean - safe_mean)
    unbiased = ((n_periods - n_assets - 1) * slope - (n_assets - 1)) / n_periods
    return relative_weights(unbiased * bold + n_assets / n_periods * safe_mean * safe, labels)


def equal_and_minimum_variance(returns: pd.DataFrame) -> Any:
    """Mixture ``c 1/N + d V^-1 1`` of least expected out-of-sample variance.

    With V the maximum likelihood covariance of T normal returns, the expected variance is quadratic
    in (c, d). It involves ``E[V^-1] = a Sigma^-1`` and ``E[V^-1 Sigma V^-1] = b Sigma^-1`` with
    a = T / (T - N - 2) and b = T^2 (T - 2) / ((T - N - 1)(T - N - 2)(T - N - 4)). The expected net
    position is held at one. The article names the mixture and not the formula: this one gives
    its figures.
    """
    _require_periods(returns, 5)
    _, matrix, labels = _moments(returns)
    T, N = returns.shape
    matrix *= (T - 1) / T
    ones = np.ones(N)
    safe = _solve(matrix, ones)
    a = T / (T - N - 2)
    b = T**2 * (T - 2) / ((T - N - 1) * (T - N - 2) * (T - N - 4))
    quadratic = np.array([[matrix.sum() / N**2, a], [a, b * safe.sum()]])
    c, d = np.linalg.solve(quadratic, np.array([1.0, safe.sum()]))
    return relative_weights(c * ones / N + d * safe, labels)


def data_and_model(returns: pd.DataFrame, *, mispricing: float = 0.01 / 12) -> Any:
    """A prior centred on the one-factor model (Pastor, 2000), market last.

    The intercepts of a regression on the market shrink by ``1 / (1 + (1 + q^2) s^2 / (T u^2))``,
    with q the market's Sharpe ratio, s^2 the mean residual variance and u = `mispricing`, the
    prior standard deviation of an intercept per period. The default is one per cent a year, in
    months.
    """
    values, labels = read_returns(returns, min_periods=4)
    market, assets = values[:, -1], values[:, :-1]
    n_periods = len(values)
    design = np.column_stack([np.ones(n_periods), market])
    coefficients = np.linalg.lstsq(design, assets, rcond=None)[0]
    residuals = assets - design @ coefficients
    specific = residuals.T @ residuals / (n_periods - 2)
    mean, variance = market.mean(), market.var(ddof=1)
    noise = (1 + mean**2 / variance) * np.diagonal(specific).mean()
    intercepts = coefficients[0] / (1 + noise / (n_periods * mispricing**2))
    slopes = np.append(coefficients[1], 1.0)
    matrix = variance * np.outer(slopes, slopes)
    matrix[:-1, :-1] += specific
    return relative_weights(_solve(matrix, np.append(intercepts, 0.0) + slopes * mean), labels)


def constrained_mean_variance(
    returns: pd.DataFrame, *, covariance_scale: float | None = None
) -> Any:
    """Long-only mean-variance with risk aversion 1 and a scaled sample covariance.

    The scale is ``(T - 1) / (T - N - 2)`` by default: the inverse is then unbiased.
    """
    if covariance_scale is None:
        _require_periods(returns, 3)
        n_periods, n_assets = returns.shape
        covariance_scale = (n_periods - 1) / (n_periods - n_assets - 2)
    matrix = covariance.sample(returns) * covariance_scale
    return optimization.mean_variance(expected_returns.sample(returns), matrix, risk_aversion=1.0)


def constrained_bayes_stein(returns: pd.DataFrame) -> Any:
    """Long-only mean-variance with risk aversion 1 and Jorion's (1986) predictive moments."""
    moments = expected_returns.bayes_stein_moments(returns)
    return optimization.mean_variance(moments.mean, moments.covariance, risk_aversion=1.0)


def constrained_minimum_variance(returns: pd.DataFrame) -> Any:
    """Lowest sample variance without shorts (Jagannathan and Ma, 2003)."""
    return optimization.minimum_variance(covariance.sample(returns))


def generalised_minimum_variance(returns: pd.DataFrame) -> Any:
    """Lowest sample variance with every weight at least half of 1/N."""
    matrix = covariance.sample(returns)
    return optimization.minimum_variance(matrix, bounds=(0.5 / len(matrix), None))


def demiguel_garlappi_uppal() -> dict[str, Strategy]:
    """The strategies under the short names of the article's tables, in their order."""
    return {
        "EW": equal_weight,
        "MV": mean_variance,
        "BS": bayes_stein,
        "DM": data_and_model,
        "MIN": minimum_variance,
        "VW": value_weight,
        "MP": mackinlay_pastor,
        "MV-C": constrained_mean_variance,
        "BS-C": constrained_bayes_stein,
        "MIN-C": constrained_minimum_variance,
        "G-MIN-C": generalised_minimum_variance,
        "MV-MIN": kan_zhou,
        "EW-MIN": equal_and_minimum_variance,
    }
