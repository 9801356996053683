"""Factors of a covariance: its Cholesky factor, and its leading eigenvectors."""

from typing import Any

import numpy as np
from scipy.linalg import eigh, solve_triangular
from scipy.linalg.lapack import dlange, dpocon, dpotrf

from mixfolio._inputs import Array
from mixfolio.errors import DataError, SingularCovarianceError

SINGULAR = 1e-15
CLEARLY_DEFINITE = 1e-6


def require_definite(matrix: Array) -> None:
    """Refuse what :func:`factorise` refuses, but for numbers that are missing or infinite."""
    _factorise(matrix)


def factorise(matrix: Array) -> Any:
    """Cholesky factor of a covariance, in the form that :func:`scipy.linalg.cho_solve` takes.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)

    Returns
    -------
    tuple

    Raises
    ------
    DataError
        If a number is missing or infinite.
    SingularCovarianceError
        If the matrix is not positive definite, or the correlation matrix that belongs to it is
        singular to working precision.
    """
    if not np.isfinite(matrix).all():
        raise DataError("the matrix holds missing or infinite numbers. Remove them.")
    return _factorise(matrix)


def _factorise(matrix: Array) -> Any:
    """The factor; where no variable is nearly a mixture of others, fast.

    The squared diagonal of the factor, over that of the matrix, is the part of each variance that
    those before it leave unexplained.
    """
    variances = matrix.diagonal()
    if variances.min() <= 0:
        raise _singular(matrix)
    factor, column = dpotrf(matrix.T, clean=0, lower=1)  # the faster triangle
    if column == 0 and (factor.diagonal() ** 2 / variances).min() > CLEARLY_DEFINITE:
        return factor, True
    scales = np.exp2(-np.rint(np.log2(variances) / 2))
    work = matrix * scales
    work *= scales[:, None]
    norm = dlange("1", work.T)
    factor, column = dpotrf(work.T, clean=0, lower=1, overwrite_a=1)
    if column or dpocon(factor, norm, uplo="L")[0] < SINGULAR:
        raise _singular(matrix)
    factor /= scales[:, None]
    return factor, True


def whiten(factor: Any, right: Array, *, back: bool = False) -> Array:
    """``C^-1 right`` with ``C C'`` the matrix of a factor; ``C'^-1 right`` on the way back.

    Parameters
    ----------
    factor : tuple
        From :func:`factorise`.
    right : ndarray of shape (n, n_columns)
    back : bool

    Returns
    -------
    ndarray of shape (n, n_columns)
    """
    triangle, lower = factor
    trans = "T" if back == lower else "N"
    return np.asarray(
        solve_triangular(triangle, right, trans=trans, lower=lower, check_finite=False)
    )


def _singular(Q: Array) -> SingularCovarianceError:
    eigenvalues = np.linalg.eigvalsh(Q)
    highest = max(float(eigenvalues[-1]), np.finfo(float).tiny)
    if eigenvalues[0] < -1e-10 * highest:
        return SingularCovarianceError(
            f"the matrix is indefinite: its lowest eigenvalue is {eigenvalues[0]:.3g}, so that "
            "some portfolio would have a negative variance. Pairwise estimates can do that: "
            "estimate it from complete periods, or shrink it until no eigenvalue is negative."
        )
    rank = int((eigenvalues > 1e-12 * highest).sum())
    return SingularCovarianceError(
        f"the matrix is not positive definite: its numerical rank is {rank} of {len(Q)}, and its "
        f"lowest eigenvalue is {eigenvalues[0] / highest:.3g} times its highest. A sample "
        "covariance needs more periods than assets; shrink it, or add a diagonal."
    )


def leading(matrix: Array, count: int) -> tuple[Array, Array]:
    """The `count` largest eigenvalues of a covariance, rising, and their eigenvectors.

    Parameters
    ----------
    matrix : ndarray of shape (n_assets, n_assets)
    count : int

    Returns
    -------
    eigenvalues : ndarray of shape (count,)
        Not negative.
    vectors : ndarray of shape (n_assets, count)
    """
    n = len(matrix)
    eigenvalues, vectors = eigh(matrix, subset_by_index=(n - count, n - 1))
    return np.maximum(eigenvalues, 0.0), vectors
