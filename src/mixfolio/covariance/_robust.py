"""Covariances that single large returns cannot move far.

The winsorised covariance pulls every return beyond `limit` robust standard deviations from the
median back to that limit. Tyler's (1987) estimator uses only the directions of the returns: it is
the fixed point ``V = (N / T) sum_t y_t y_t' / (y_t' V^-1 y_t)`` with trace N, y_t being centred at
the median. Both are scaled to robust variances, from the median absolute deviation.
"""

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from mixfolio import _linalg
from mixfolio._inputs import Array, Labels, checked, label_matrix, read_number, read_returns
from mixfolio.errors import ConvergenceError, DataError

Matrix = TypeVar("Matrix", pd.DataFrame, Array)

NORMAL_MAD = 0.6744897501960817
MAX_ROUNDS = 500


def _spread(values: Array, labels: Labels | None) -> tuple[Array, Array]:
    """Centred values and their robust standard deviations."""
    centred = values - np.median(values, axis=0)
    spread = np.median(np.abs(centred), axis=0) / NORMAL_MAD
    still = np.flatnonzero(spread <= 8 * np.finfo(float).eps * np.abs(values).max(axis=0))
    if len(still):
        name = still[0] if labels is None else labels[int(still[0])]
        raise DataError(
            f"asset {name!s} does not move in more than half of the periods; it has no robust "
            "variance. Leave it out."
        )
    return centred, spread


@checked
def winsorised(returns: Matrix, *, limit: float = 3.0) -> Matrix:
    """Sample covariance of returns that are pulled back to `limit` robust standard deviations.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    limit : float
        In robust standard deviations from the median.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive semidefinite.

    Raises
    ------
    DataError
        If the returns are unusable, `limit` is not positive, or an asset hardly ever moves.

    References
    ----------
    Huber, P. J. (1981). Robust Statistics. Wiley, section 1.7.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import covariance
    >>> returns = pd.DataFrame({"A": [0.01, -0.02, 0.02, -0.01, 0.03, -0.03, 0.90]})
    >>> for V in (covariance.sample(returns), covariance.winsorised(returns)):
    ...     print(f"{V.iloc[0, 0] ** 0.5:.3f}")  # volatility: the last return is a typing error
    0.341
    0.043
    """
    if not read_number(limit, "limit") > 0:
        raise DataError(f"limit is {limit}; it must be positive.")
    values, labels = read_returns(returns)
    centred, spread = _spread(values, labels)
    pulled = np.clip(centred, -limit * spread, limit * spread)
    pulled -= pulled.mean(axis=0)
    matrix: Matrix = label_matrix(pulled.T @ pulled / (len(values) - 1), labels)
    return matrix


@checked
def tyler(returns: Matrix, *, tolerance: float = 1e-8) -> Matrix:
    """Tyler's (1987) shape matrix, scaled to robust variances.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, more periods than assets.
    tolerance : float
        Largest relative change of an entry in the last round.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite.

    Raises
    ------
    DataError
        If the returns are unusable, there are not more periods than assets, or an asset hardly
        ever moves.
    SingularCovarianceError
        If an asset is a combination of others.
    ConvergenceError
        If the fixed point is not reached.

    References
    ----------
    Tyler, D. E. (1987). A distribution-free M-estimator of multivariate scatter. Annals of
    Statistics 15, 234-251.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> returns = np.random.default_rng(3).standard_t(1.5, (500, 2))  # very heavy tails
    >>> for V in (covariance.sample(returns), covariance.tyler(returns)):
    ...     print(f"{V[0, 0] / V[1, 1]:.2f}")  # in truth 1
    18.98
    0.95
    """
    values, labels = read_returns(returns)
    n_periods, n_assets = values.shape
    if n_periods <= n_assets + 1:
        raise DataError(
            f"returns has {n_periods} periods for {n_assets} assets; Tyler's estimator needs at "
            f"least {n_assets + 2}. Use a longer sample or fewer assets."
        )
    centred, spread = _spread(values, labels)
    shape = _fixed_point(centred / spread, tolerance)
    scale = spread / np.sqrt(np.diagonal(shape))
    matrix: Matrix = label_matrix(shape * np.outer(scale, scale), labels)
    return matrix


def _fixed_point(Y: Array, tolerance: float) -> Array:
    n_assets = Y.shape[1]
    _linalg.factorise(Y.T @ Y)  # an error that says so if it is singular
    V: Array = np.eye(n_assets)
    for _ in range(MAX_ROUNDS):
        whitened = solve_triangular(np.linalg.cholesky(V), Y.T, lower=True)
        distance = np.maximum((whitened**2).sum(axis=0), np.finfo(float).tiny)
        scaled = Y / np.sqrt(distance)[:, None]
        new = scaled.T @ scaled
        new *= n_assets / np.trace(new)
        change = float(np.abs(new - V).max())
        V = new
        if change <= tolerance:
            return np.asarray(V)
    raise ConvergenceError(
        f"Tyler's estimator still changed by {change:.3g} after {MAX_ROUNDS} rounds. Use more "
        "periods: it converges slowly when there are hardly more periods than assets."
    )
