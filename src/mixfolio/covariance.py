"""Covariance of returns: estimators that map returns to a covariance per period.

``S = sum_t (r_t - m)(r_t - m)' / (T - 1)`` is the sample covariance with mean m over T periods.
The exponentially weighted form replaces the equal weights 1/T by weights that halve with every
`halflife` periods of age.
"""

from typing import Any

import numpy as np

from mixfolio.errors import DataError
from mixfolio.inputs import MatrixLike, label_matrix, read_number, read_returns

__all__ = ["ewma", "sample"]


def sample(returns: MatrixLike) -> Any:
    """Sample covariance with divisor T - 1.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period. Singular when n_periods <= n_assets.

    Raises
    ------
    DataError
        If the returns are unusable or there are fewer than 2 periods.
    """
    values, labels = read_returns(returns)
    deviations = values - values.mean(axis=0)
    return label_matrix(deviations.T @ deviations / (len(values) - 1), labels)


def ewma(returns: MatrixLike, *, halflife: float) -> Any:
    """Exponentially weighted covariance around the weighted mean, free of bias.

    With weights ``p_t`` proportional to ``2^(-age / halflife)`` and summing to one, it is
    ``sum p_t (r_t - m)(r_t - m)' / (1 - sum p_t^2)``. A long half-life gives the sample covariance.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.
    halflife : float
        Age in periods at which an observation counts half.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period.

    Raises
    ------
    DataError
        If the returns are unusable, or `halflife` is not positive or leaves a single period.

    References
    ----------
    J.P. Morgan and Reuters (1996). RiskMetrics technical document, 4th edition, section 5.2. There
    the mean is taken as zero and nothing is corrected for bias.
    """
    if halflife != np.inf:
        halflife = read_number(halflife, "halflife")
    if halflife <= 0:
        raise DataError(f"halflife is {halflife}; it must be a positive number of periods.")
    values, labels = read_returns(returns)
    age = np.arange(len(values) - 1, -1, -1)
    weights = 0.5 ** (age / halflife)
    weights /= weights.sum()
    if 1.0 - weights @ weights < 1e-6:
        raise DataError(
            f"halflife is {halflife:.3g} periods, so short that the last period has all the weight "
            "and nothing varies. Use a longer one."
        )
    deviations = values - weights @ values
    total = (deviations * weights[:, None]).T @ deviations
    return label_matrix(total / (1.0 - float(weights @ weights)), labels)
