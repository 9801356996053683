"""The strategies of DeMiguel, Garlappi and Uppal (2009): past returns in, weights out.

Each takes a table of past excess returns, oldest first, and gives weights. Where a strategy is a
direction x rather than a portfolio, the weights are ``x / |1'x|``: the sign of a net short position
is kept, as in the article's relative weights.

References
----------
DeMiguel, V., Garlappi, L. and Uppal, R. (2009). Optimal versus naive diversification: how
inefficient is the 1/N portfolio strategy? Review of Financial Studies 22, 1915-1953.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve

from mixfolio import _linalg, covariance, expected_returns, optimization
from mixfolio._inputs import Array, Labels, checked, read_returns
from mixfolio.errors import DataError

__all__ = ["constrained_mean_variance", "demiguel_garlappi_uppal"]


def _relative_weights(direction: Array, labels: Labels | None) -> pd.Series:
    """A direction scaled to a net position of plus or minus one: ``x / |1'x|``."""
    net = abs(float(direction.sum()))
    if net == 0:
        raise DataError("the position is long as much as it is short; it has no relative weights.")
    return pd.Series(direction / net, index=labels, name="weights")


def _moments(returns: pd.DataFrame) -> tuple[Array, Array, Labels | None]:
    values, labels = read_returns(returns)
    return values.mean(axis=0), covariance.sample(values), labels


def _solve(matrix: Array, right: Array) -> Array:
    return np.asarray(cho_solve(_linalg.factorise(matrix), right))


def _require_periods(returns: pd.DataFrame, more: int) -> None:
    n_periods, n_assets = returns.shape
    if n_periods < n_assets + more:
        raise DataError(
            f"returns has {n_periods} periods for {n_assets} assets; this strategy needs at least "
            f"{n_assets + more}. Use a longer window or fewer assets."
        )


def equal_weight(returns: pd.DataFrame) -> pd.Series:
    """1/N in every asset."""
    return optimization.equal_weight(returns.columns)


def _value_weight(returns: pd.DataFrame) -> pd.Series:
    """The market portfolio, which is the last asset."""
    return pd.Series(np.eye(returns.shape[1])[-1], index=returns.columns)


def _mean_variance(returns: pd.DataFrame) -> pd.Series:
    """Sample mean and sample covariance, without constraints: ``S^-1 m``."""
    mean, matrix, labels = _moments(returns)
    return _relative_weights(_solve(matrix, mean), labels)


def _bayes_stein(returns: pd.DataFrame) -> pd.Series:
    """Jorion's (1986) predictive moments, without constraints."""
    moments = expected_returns.bayes_stein_moments(returns)
    direction = _solve(np.asarray(moments.covariance), np.asarray(moments.mean))
    return _relative_weights(direction, returns.columns)


def _minimum_variance(returns: pd.DataFrame) -> pd.Series:
    """Lowest sample variance, shorts allowed."""
    return optimization.minimum_variance(covariance.sample(returns), long_only=False)


def _mackinlay_pastor(returns: pd.DataFrame) -> pd.Series:
    """One missing factor (MacKinlay and Pastor, 2000): weights along the first eigenvector.

    With ``V = s^2 I + v m m'`` the tangency portfolio is proportional to m, and the maximum
    likelihood estimate of m is the projection of the sample mean on the leading eigenvector of the
    second moment matrix (Kan and Zhou, 2007, section V).
    """
    values, labels = read_returns(returns)
    mean = values.mean(axis=0)
    leading = np.linalg.eigh(values.T @ values)[1][:, -1]
    return _relative_weights((leading @ mean) * leading, labels)


def _kan_zhou(returns: pd.DataFrame) -> pd.Series:
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
    return _relative_weights(unbiased * bold + n_assets / n_periods * safe_mean * safe, labels)


def _equal_and_minimum_variance(returns: pd.DataFrame) -> pd.Series:
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
    return _relative_weights(c * ones / N + d * safe, labels)


def _data_and_model(returns: pd.DataFrame, *, mispricing: float = 0.01 / 12) -> pd.Series:
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
    return _relative_weights(_solve(matrix, np.append(intercepts, 0.0) + slopes * mean), labels)


@checked
def constrained_mean_variance(
    returns: pd.DataFrame, *, covariance_scale: float | None = None
) -> pd.Series:
    """Long-only mean-variance with risk aversion 1 and a scaled sample covariance ("MV-C").

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal excess returns, oldest first.
    covariance_scale : float, optional
        The sample covariance is multiplied by it. The default is ``(T - 1) / (T - N - 2)``, with
        which the inverse is unbiased for normal returns.

    Returns
    -------
    Series of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError
        If the returns are unusable, or there are fewer than N + 3 periods for the default scale.
    SingularCovarianceError
        If the covariance is not positive definite.

    Examples
    --------
    A higher scale is a higher risk aversion: the bet on the best past mean becomes smaller.

    >>> from mixfolio import datasets
    >>> from mixfolio.studies import one_over_n
    >>> past = datasets.load("dgu-sectors")[["Health Care", "Utilities"]].tail(120)
    >>> one_over_n.constrained_mean_variance(past).round(3).to_dict()
    {'Health Care': 1.0, 'Utilities': 0.0}
    >>> one_over_n.constrained_mean_variance(past, covariance_scale=20).round(3).to_dict()
    {'Health Care': 0.752, 'Utilities': 0.248}
    """
    if covariance_scale is None:
        _require_periods(returns, 3)
        n_periods, n_assets = returns.shape
        covariance_scale = (n_periods - 1) / (n_periods - n_assets - 2)
    matrix = covariance.sample(returns) * covariance_scale
    return optimization.mean_variance(expected_returns.sample(returns), matrix, risk_aversion=1.0)


def _constrained_bayes_stein(returns: pd.DataFrame) -> pd.Series:
    """Long-only mean-variance with risk aversion 1 and Jorion's (1986) predictive moments."""
    moments = expected_returns.bayes_stein_moments(returns)
    matrix = pd.DataFrame(moments.covariance)
    return optimization.mean_variance(moments.mean, matrix, risk_aversion=1.0)


def _constrained_minimum_variance(returns: pd.DataFrame) -> pd.Series:
    """Lowest sample variance without shorts (Jagannathan and Ma, 2003)."""
    return optimization.minimum_variance(covariance.sample(returns))


def _generalised_minimum_variance(returns: pd.DataFrame) -> pd.Series:
    """Lowest sample variance with every weight at least half of 1/N."""
    matrix = covariance.sample(returns)
    return optimization.minimum_variance(matrix, bounds=(0.5 / len(matrix), None))


def demiguel_garlappi_uppal() -> dict[str, Callable[[pd.DataFrame], pd.Series]]:
    """The strategies under the short names of the article's tables, in their order.

    Returns
    -------
    dict of str to function
        Each takes a DataFrame of shape (n_periods, n_assets) of past decimal excess returns, oldest
        first, and gives a Series of weights of shape (n_assets,) whose sum is one or, for a net
        short position, minus one:

        - "EW": 1/N in every asset;
        - "MV": sample mean and sample covariance, without constraints;
        - "BS": Bayes-Stein moments (Jorion, 1986), without constraints;
        - "DM": data and model, a prior centered on the one-factor model (Pastor, 2000);
        - "MIN": minimum variance, shorts allowed;
        - "VW": the market, which must be the last asset, here and for "DM";
        - "MP": one missing factor (MacKinlay and Pastor, 2000);
        - "MV-C", "BS-C": long-only mean-variance with sample and with Bayes-Stein moments;
        - "MIN-C": long-only minimum variance (Jagannathan and Ma, 2003);
        - "G-MIN-C": minimum variance with every weight at least half of 1/N;
        - "MV-MIN": mixture of tangency and minimum variance (Kan and Zhou, 2007, equation 65);
        - "EW-MIN": mixture of 1/N and minimum variance.

        They raise DataError for unusable returns or too few periods, and SingularCovarianceError
        where a covariance is not positive definite.

    Examples
    --------
    Long and short positions added up: without constraints, estimated means lead to extreme bets.

    >>> from mixfolio import datasets
    >>> from mixfolio.studies import one_over_n
    >>> strategies = one_over_n.demiguel_garlappi_uppal()
    >>> past = datasets.load("dgu-sectors").tail(120)
    >>> gross = {name: strategies[name](past).abs().sum() for name in ("EW", "MV", "MIN", "MIN-C")}
    >>> {name: round(float(total), 2) for name, total in gross.items()}
    {'EW': 1.0, 'MV': 13.33, 'MIN': 2.62, 'MIN-C': 1.0}
    """
    return {
        "EW": equal_weight,
        "MV": _mean_variance,
        "BS": _bayes_stein,
        "DM": _data_and_model,
        "MIN": _minimum_variance,
        "VW": _value_weight,
        "MP": _mackinlay_pastor,
        "MV-C": constrained_mean_variance,
        "BS-C": _constrained_bayes_stein,
        "MIN-C": _constrained_minimum_variance,
        "G-MIN-C": _generalised_minimum_variance,
        "MV-MIN": _kan_zhou,
        "EW-MIN": _equal_and_minimum_variance,
    }
