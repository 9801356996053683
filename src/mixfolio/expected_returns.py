"""Expected returns: the sample mean, and the mean shrunk toward that of a safe portfolio.

With sample mean m, covariance V of returns and T periods, Jorion's (1986) Bayes-Stein estimator is

    (1 - phi) m + phi m0,     phi = (N + 2) / (N + 2 + T (m - m0)' V^-1 (m - m0)),

where m0 is the sample mean of the minimum-variance portfolio, the same for every asset.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve

from mixfolio import quadratic
from mixfolio.errors import DataError
from mixfolio.inputs import Array, Labels, MatrixLike, label_matrix, label_vector, read_returns

__all__ = ["BayesStein", "bayes_stein", "bayes_stein_moments", "sample"]


def sample(returns: MatrixLike) -> Any:
    """Arithmetic mean of the returns of each asset.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Mean per period.

    Raises
    ------
    DataError
        If the returns are unusable.
    """
    values, labels = read_returns(returns, min_periods=1)
    return label_vector(values.mean(axis=0), labels, "sample")


@dataclass(frozen=True)
class BayesStein:
    """Jorion's (1986) posterior moments of returns, per period.

    Attributes
    ----------
    mean : Series or ndarray of shape (n_assets,)
        Expected returns.
    covariance : DataFrame or ndarray of shape (n_assets, n_assets)
        Predictive covariance: of returns, with the uncertainty about the mean.
    intensity : float
        phi, the weight of the target in the mean, between 0 and 1.
    target : float
        m0, the sample mean of the minimum-variance portfolio.
    """

    mean: Any
    covariance: Any
    intensity: float
    target: float


def bayes_stein(returns: MatrixLike) -> Any:
    """Sample means shrunk toward the mean of the minimum-variance portfolio (Jorion, 1986).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, at least n_assets + 3 periods.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Mean per period.

    Raises
    ------
    DataError, SingularCovarianceError
        As in :func:`bayes_stein_moments`.
    """
    return bayes_stein_moments(returns).mean


def bayes_stein_moments(returns: MatrixLike) -> BayesStein:
    """Bayes-Stein mean and predictive covariance (Jorion, 1986, equations 14 to 17).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, at least n_assets + 3 periods.

    Returns
    -------
    BayesStein

    Raises
    ------
    DataError
        If the returns are unusable or there are too few periods.
    SingularCovarianceError
        If an asset is a combination of others.

    Notes
    -----
    The covariance of returns is estimated by S (T - 1) / (T - N - 2) with S the sample covariance:
    its inverse is then an unbiased estimate of the inverse under normal returns.

    References
    ----------
    Jorion, P. (1986). Bayes-Stein estimation for portfolio analysis. Journal of Financial and
    Quantitative Analysis 21, 279-292.
    """
    values, labels = read_returns(returns)
    n_periods, n_assets = values.shape
    if n_periods < n_assets + 3:
        raise DataError(
            f"returns has {n_periods} periods for {n_assets} assets; Bayes-Stein needs at least "
            f"{n_assets + 3}. Use a longer sample or fewer assets."
        )
    mean = values.mean(axis=0)
    deviations = values - mean
    matrix = deviations.T @ deviations / (n_periods - n_assets - 2)
    return _shrink(mean, matrix, n_periods, labels)


def _shrink(mean: Array, matrix: Array, n_periods: int, labels: Labels | None) -> BayesStein:
    n_assets = len(mean)
    ones = np.ones(n_assets)
    factor = quadratic.factorise(matrix)
    inverse_ones = cho_solve(factor, ones)
    target = float(inverse_ones @ mean / inverse_ones.sum())
    gap = mean - target
    distance = float(gap @ cho_solve(factor, gap))
    # Jorion's prior precision (N + 2) / distance is infinite where all means are the same.
    precision = n_assets + 2 + n_periods * distance
    intensity = (n_assets + 2) / precision
    common = (n_assets + 2) / (n_periods * (precision + distance)) / inverse_ones.sum()
    predictive = matrix * (1 + distance / precision) + common
    shrunk = (1 - intensity) * mean + intensity * target
    return BayesStein(
        label_vector(shrunk, labels, "bayes_stein"),
        label_matrix(predictive, labels),
        float(intensity),
        target,
    )
