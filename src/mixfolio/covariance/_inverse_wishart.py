r"""Inverse-Wishart prior of a covariance: how far do data depart from a model of it?

With Y centred, n degrees of freedom and S = Y'Y / n,

    Sigma ~ inverse Wishart, mean V, nu degrees of freedom,    n S | Sigma ~ Wishart(n, Sigma).

Write e = nu - N - 1 > 0, the excess. The posterior mean is ``(e V + n S) / (e + n)``: a linear
shrinkage toward V whose intensity is e / (e + n), as if V had been seen in e periods. The data
choose e by the marginal likelihood. With the eigenvalues l_j of V^-1 S it is, up to a constant,

    (nu / 2) N log e - ((nu + n) / 2) sum_j log(e + n l_j) + log G((nu + n) / 2) - log G(nu / 2),

G being the multivariate gamma function of order N. One eigendecomposition, of order N or n,
whichever is less, makes a value of e cost O(N). There may be fewer periods than assets.

References
----------
Chen, C.-F. (1979). Bayesian inference for a normal dispersion matrix and its application to
stochastic multiple regression analysis. Journal of the Royal Statistical Society B 41, 235-248.
Haff, L. R. (1980). Empirical Bayes estimation of the multivariate normal covariance matrix. Annals
of Statistics 8, 586-597.
"""

import numpy as np
from scipy.linalg import eigvalsh
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from mixfolio import _linalg
from mixfolio._inputs import Array, checked, read_covariance, read_positive
from mixfolio.errors import DataError

SMALLEST, LARGEST = 1e-6, 1e6  # of the excess, as multiples of n
GRID_POINTS = 40


@checked
def relative_eigenvalues(Y: Array, V: Array, n: float) -> Array:
    """Eigenvalues of V^-1 S with S = Y'Y / n, those that are zero by rank left out.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns.
    V : ndarray of shape (n_assets, n_assets)
        Positive definite.
    n : float
        Degrees of freedom.

    Returns
    -------
    ndarray of shape (min(n_periods, n_assets),)

    Raises
    ------
    SingularCovarianceError
        If V is not positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> Y = np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0]])
    >>> covariance.relative_eigenvalues(Y, np.eye(2), 4).round(3).tolist()
    [1.0, 4.0]
    >>> covariance.relative_eigenvalues(Y, np.diag([1.0, 4.0]), 4).round(3).tolist()
    [1.0, 1.0]
    """
    read_positive(n, "n")
    read_covariance(V)
    if Y.ndim != 2 or Y.shape[1] != len(V):
        raise DataError(f"Y has shape {Y.shape}; it must be (n_periods, {len(V)}), as V has it.")
    whitened = _linalg.whiten(_linalg.factorise(V), Y.T)
    if len(Y) < len(V):
        whitened = whitened.T
    eigenvalues = eigvalsh(whitened @ whitened.T / n, check_finite=False)
    return np.asarray(np.maximum(eigenvalues, 0.0))


@checked
def log_marginal_likelihood(excess: Array | float, eigenvalues: Array, N: int, n: float) -> Array:
    """Log density of n S when Sigma is integrated out, but for terms without the excess.

    Parameters
    ----------
    excess : float or ndarray of shape (m,)
        e, positive.
    eigenvalues : ndarray of shape (r,)
        Of V^-1 S; the N - r that are not given are zero.
    N : int
        Number of assets.
    n : float
        Degrees of freedom.

    Returns
    -------
    ndarray of shape (m,), or of shape () for one value

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> excess = np.array([1.0, 10.0, 100.0])  # from little to much belief in V
    >>> near, far = np.ones(3), np.array([0.1, 1.0, 10.0])  # S = V, and S far from V
    >>> [int(covariance.log_marginal_likelihood(excess, l, 3, 20).argmax()) for l in (near, far)]
    [2, 0]
    """
    read_positive(n, "n")
    e = np.asarray(excess, dtype=float)
    half = (e[..., None] + N + 1 - np.arange(N)) / 2  # (nu - j) / 2
    gammas = (gammaln(half + n / 2) - gammaln(half)).sum(axis=-1)
    spread = np.log1p(n * eigenvalues / e[..., None]).sum(axis=-1)
    return np.asarray(gammas - N * n / 2 * np.log(e) - (e + N + 1 + n) / 2 * spread)


def best_excess(eigenvalues: Array, N: int, n: float) -> float:
    """The excess of highest marginal likelihood, between 1e-6 and 1e6 times n.

    Parameters
    ----------
    eigenvalues : ndarray of shape (r,)
        Of V^-1 S; the N - r that are not given are zero.
    N : int
        Number of assets.
    n : float
        Degrees of freedom.

    Returns
    -------
    float
        At the upper end where the data vary no more around V than noise would.
    """
    grid = np.linspace(np.log(SMALLEST * n), np.log(LARGEST * n), GRID_POINTS)
    values = log_marginal_likelihood(np.exp(grid), eigenvalues, N, n)
    best = int(values.argmax())
    if best == GRID_POINTS - 1:
        return LARGEST * n
    bracket = grid[max(best - 1, 0)], grid[best + 1]
    found = minimize_scalar(
        lambda x: -log_marginal_likelihood(np.exp(x), eigenvalues, N, n),
        bounds=bracket,
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


def posterior_mean(Y: Array, V: Array, n: float, excess: float) -> Array:
    """``(e V + Y'Y) / (e + n)``.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns.
    V : ndarray of shape (n_assets, n_assets)
    n : float
        Degrees of freedom.
    excess : float
        e, not negative.

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
    """
    a = excess / (excess + n)
    return np.asarray(a * V + (1 - a) / n * (Y.T @ Y))
