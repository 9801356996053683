r"""Linear shrinkage of a sample covariance toward a target, with the intensity that data suggest.

The estimate is ``a F + (1 - a) S``. Ledoit and Wolf (2003, 2004) show that the intensity with the
lowest expected squared Frobenius loss is about

    a = (pi - rho) / (gamma n),

with pi the sum of the asymptotic variances of the entries of S, rho the sum of their asymptotic
covariances with the entries of F, gamma the squared distance of F and S, and n the degrees of
freedom. All three are estimated from the data, and a is clipped to [0, 1].

Returns come centred, as Y of shape (n_periods, n_assets), and S = Y'Y / n with n = n_periods - 1.

References
----------
Ledoit, O. and Wolf, M. (2003). Improved estimation of the covariance matrix of stock returns with
an application to portfolio selection. Journal of Empirical Finance 10, 603-621.
Ledoit, O. and Wolf, M. (2004a). A well-conditioned estimator for large-dimensional covariance
matrices. Journal of Multivariate Analysis 88, 365-411.
Ledoit, O. and Wolf, M. (2004b). Honey, I shrunk the sample covariance matrix. Journal of Portfolio
Management 30 (4), 110-119.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from mixfolio.errors import DataError
from mixfolio.inputs import Array

__all__ = ["TARGETS", "Target", "shrink"]

Target = Literal["identity", "constant_correlation", "single_factor"]


def shrink(
    Y: Array, n: float, target: Target, intensity: float | None = None
) -> tuple[Array, float]:
    """The shrunken covariance and its intensity.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns.
    n : float
        Degrees of freedom.
    target : {"identity", "constant_correlation", "single_factor"}
    intensity : float, optional
        Between 0 and 1; estimated by default.

    Returns
    -------
    matrix : ndarray of shape (n_assets, n_assets)
    intensity : float

    Raises
    ------
    DataError
        If the mean of all assets never moves, and shall be the single factor.
    """
    S = Y.T @ Y / n
    F, estimate = TARGETS[target](Y, S, n)
    a = estimate if intensity is None else intensity
    return a * F + (1 - a) * S, a


def _total_variance(Y: Array, S: Array, n: float) -> float:
    """pi: the sum of the asymptotic variances of the entries of S."""
    return float((np.square(np.square(Y).sum(axis=1)).sum()) / n - np.square(S).sum())


def _intensity(pi: float, rho: float, gamma: float, n: float) -> float:
    """(pi - rho) / (gamma n) within [0, 1]; 1 where target and sample agree."""
    return 1.0 if gamma <= 0 else float(np.clip((pi - rho) / (gamma * n), 0.0, 1.0))


def _identity(Y: Array, S: Array, n: float) -> tuple[Array, float]:
    """Target: the mean variance times the identity (Ledoit and Wolf, 2004a)."""
    N = len(S)
    mean_variance = float(np.trace(S)) / N
    gamma = float(np.square(S).sum()) - N * mean_variance**2
    return mean_variance * np.eye(N), _intensity(_total_variance(Y, S, n), 0.0, gamma, n)


def _diagonal_variance(Y: Array, S: Array, n: float) -> float:
    return float(np.square(np.square(Y)).sum() / n - np.square(np.diagonal(S)).sum())


def _constant_correlation(Y: Array, S: Array, n: float) -> tuple[Array, float]:
    """Target: the sample's variances and its mean correlation (Ledoit and Wolf, 2004b)."""
    N = len(S)
    spread = np.sqrt(np.diagonal(S))
    outer = np.outer(spread, spread)
    mean_correlation = ((S / outer).sum() - N) / (N * (N - 1)) if N > 1 else 0.0
    F = mean_correlation * outer
    np.fill_diagonal(F, np.diagonal(S))
    theta = (Y**3).T @ Y / n - np.diagonal(S)[:, None] * S
    np.fill_diagonal(theta, 0.0)
    rho = _diagonal_variance(Y, S, n)
    rho += mean_correlation * float((theta * np.outer(1 / spread, spread)).sum())
    gamma = float(np.square(F - S).sum())
    return F, _intensity(_total_variance(Y, S, n), rho, gamma, n)


def _single_factor(Y: Array, S: Array, n: float) -> tuple[Array, float]:
    """Target: one factor, the mean return of all assets (Ledoit and Wolf, 2003)."""
    market = Y.mean(axis=1)
    variance = float(market @ market) / n
    if not variance > 1e-28 * float(np.trace(S)) / len(S):
        raise DataError(
            "the mean of all assets never moves, so that it is no factor. Use another target."
        )
    with_market = Y.T @ market / n
    F = np.outer(with_market, with_market) / variance
    np.fill_diagonal(F, np.diagonal(S))
    joint = Y * market[:, None]
    once = np.square(Y).T @ joint / n - with_market[:, None] * S
    twice = joint.T @ joint / n - variance * S
    np.fill_diagonal(once, 0.0)
    np.fill_diagonal(twice, 0.0)
    rho = _diagonal_variance(Y, S, n)
    rho += 2 * float((once @ with_market).sum()) / variance
    rho -= float(with_market @ twice @ with_market) / variance**2
    gamma = float(np.square(F - S).sum())
    return F, _intensity(_total_variance(Y, S, n), rho, gamma, n)


TARGETS: dict[str, Callable[[Array, Array, float], tuple[Array, float]]] = {
    "identity": _identity,
    "constant_correlation": _constant_correlation,
    "single_factor": _single_factor,
}
