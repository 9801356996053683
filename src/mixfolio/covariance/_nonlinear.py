r"""Analytic nonlinear shrinkage of the eigenvalues of a sample covariance, in a stable form.

With sample eigenvalues l_1 <= ... <= l_p from n degrees of freedom, c = p / n and the bandwidths
h_j = l_j n^(-1/3), Ledoit and Wolf (2020) estimate the density of the eigenvalues and its Hilbert
transform with the kernel of Epanechnikov,

    f(l) = mean_j k(x_j) / h_j,    Hf(l) = mean_j H(x_j) / h_j,    x_j = (l - l_j) / h_j,
    k(x) = 3 / (4 sqrt5) max(0, 1 - x^2 / 5),

and replace l_i by

    l_i / ((pi c l_i f(l_i))^2 + (1 - c - pi c l_i Hf(l_i))^2)                     if p <= n,
    l_i / ((pi l_i f(l_i))^2 + (pi l_i Hf(l_i))^2),   l_i > 0                      if p > n,
    1 / (pi (c - 1) Hf(0)),                           the p - n null eigenvalues   if p > n,

the means running over the eigenvalues that are not null. Sampling spreads eigenvalues apart. Hf is
negative above a cluster of them and positive below, so that each is moved back toward the mass of
the others nearby. The published closed form of H,

    H(x) = -3 x / (10 pi) + 3 / (4 sqrt5 pi) (1 - x^2 / 5) log|(sqrt5 - x) / (sqrt5 + x)|,

is the difference of two terms that grow like x, while H(x) falls like 1 / x, and the logarithm is
that of a number near 1: the relative error is about x^3 times that of the arithmetic. Small
eigenvalues make x large, and the smallest are very small when p is near n. Far out, H is summed
from the even moments m_2k of the kernel instead,

    H(x) = -1 / (pi x) sum_k m_2k / x^2k,    m_2k = 3 5^k / ((2k + 1) (2k + 3)).

The theory leaves out c = 1. With n close to p the smallest eigenvalue comes out much too small, for
a reason that has nothing to do with arithmetic: entries are estimated well, the inverse is not.

References
----------
Ledoit, O. and Wolf, M. (2020). Analytical nonlinear shrinkage of large-dimensional covariance
matrices. Annals of Statistics 48, 3043-3065; sections 4.7 and 4.8, and supplement for p > n.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import qr, svd

from mixfolio._inputs import (
    Array,
    VectorLike,
    checked,
    checked_but,
    read_array,
    read_count,
    read_vector,
)
from mixfolio.errors import DataError

ROOT5 = np.sqrt(5.0)
FAR = 12.0
MOMENTS = [3 / ((2 * k + 1) * (2 * k + 3)) for k in range(12)]
BLOCK = 2**16
NULL = 1e-15

Transform = Callable[[Array], Array]


@checked
def hilbert_transform_published(x: VectorLike | float) -> Array:
    """Hilbert transform of Epanechnikov's kernel by the closed form, as it is printed.

    Parameters
    ----------
    x : array-like
        Distances from the centre of the kernel, in bandwidths.

    Returns
    -------
    ndarray of the shape of x
        The relative error grows like x^3. From about 1e6 on no digit is right.

    Notes
    -----
    For exhibition. :func:`hilbert_transform` is what the estimator uses.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> f"{covariance.hilbert_transform_published(1.0):.4f}"
    '-0.1777'
    >>> x = 1e7  # far out the transform is -1 / (pi x)
    >>> bool(np.isclose(-np.pi * x * covariance.hilbert_transform_published(x), 1))
    False
    """
    x = read_array(x, "x")
    # At sqrt5 the second term is zero times minus infinity; its limit is 0.
    gap = np.maximum(np.abs(ROOT5 - x), 1e-16) / np.maximum(np.abs(ROOT5 + x), 1e-16)
    return np.asarray(
        -3 * x / (10 * np.pi) + 3 / (4 * ROOT5 * np.pi) * (1 - x**2 / 5) * np.log(gap)
    )


@checked_but("x")
def hilbert_transform(x: VectorLike | float) -> Array:
    """Hilbert transform of Epanechnikov's kernel, to working precision everywhere.

    Parameters
    ----------
    x : array-like
        Distances from the centre of the kernel, in bandwidths; infinity is one.

    Returns
    -------
    ndarray of the shape of x
        By the closed form up to 12 bandwidths, by the moments of the kernel beyond.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> f"{covariance.hilbert_transform(1.0):.4f}"
    '-0.1777'
    >>> x = 1e7  # far out the transform is -1 / (pi x)
    >>> bool(np.isclose(-np.pi * x * covariance.hilbert_transform(x), 1))
    True
    """
    x = read_array(x, "x", also=np.isinf)
    near = np.abs(x) <= FAR
    if near.all():
        return hilbert_transform_published(x)
    result = _far(np.where(near, np.inf, x))
    result[near] = hilbert_transform_published(x[near])
    return result


def _far(x: Array) -> Array:
    """``-1 / (pi x) sum_k m_2k / x^2k`` by Horner's rule; 0 at infinity."""
    inverse = 1 / x
    u = 5 * inverse**2
    total = np.full_like(u, MOMENTS[-1])
    for moment in MOMENTS[-2::-1]:
        total *= u
        total += moment
    total *= inverse
    total /= -np.pi
    return total


def _kernel(x: Array) -> Array:
    return np.asarray(3 / (4 * ROOT5) * np.maximum(0.0, 1 - x**2 / 5))


def _smooth(kernel: Transform, at: Array, eigenvalues: Array, bandwidth: float) -> Array:
    """``mean_j kernel((at - l_j) / h_j) / h_j``, some rows at a time."""
    h = bandwidth * eigenvalues
    weights = 1 / (h * len(eigenvalues))
    rows = max(1, BLOCK // len(eigenvalues))
    blocks = (at[start : start + rows, None] for start in range(0, len(at), rows))
    return np.concatenate([kernel((block - eigenvalues) / h) @ weights for block in blocks])


@checked
def shrink_eigenvalues(
    eigenvalues: VectorLike,
    degrees_of_freedom: int,
    *,
    hilbert: Transform = hilbert_transform,
) -> Array:
    """Eigenvalues that make the most of the sample eigenvectors (Ledoit and Wolf, 2020).

    Parameters
    ----------
    eigenvalues : array-like of shape (n_assets,)
        Eigenvalues of a sample covariance, rising. With more assets than degrees of freedom the
        lowest ``n_assets - degrees_of_freedom`` count as null.
    degrees_of_freedom : int
        Periods, less one if the mean was estimated.
    hilbert : function of an array
        The Hilbert transform of the kernel. To show what the published form does, pass
        :func:`hilbert_transform_published`.

    Returns
    -------
    ndarray of shape (n_assets,)
        In the order of `eigenvalues`, and not always rising.

    Raises
    ------
    DataError
        If the eigenvalues are not rising, finite and, but for rounding, nonnegative, or all are
        null, or there are no degrees of freedom.

    Notes
    -----
    An eigenvalue that is null for another reason, as with an asset that is a copy of another,
    stays as good as null: it counts as 1e-15 of the largest.

    Examples
    --------
    >>> from mixfolio import covariance
    >>> sample = [0.4, 0.8, 1.2, 1.6]  # of 4 assets over 13 periods
    >>> covariance.shrink_eigenvalues(sample, 12).round(2).tolist()
    [1.05, 1.04, 1.02, 1.09]
    """
    n = read_count(degrees_of_freedom, "degrees_of_freedom")
    if np.size(eigenvalues) == 0:
        raise DataError("eigenvalues are none; at least one is needed.")
    values = read_vector(eigenvalues, len(np.atleast_1d(eigenvalues)), None, "eigenvalues")[0]
    top = values[-1]
    if not top > 0 or (np.diff(values) < 0).any() or values[0] < -1e-10 * top:
        raise DataError(
            f"eigenvalues go from {values[0]:.3g} to {top:.3g}; they must be nonnegative and "
            "rising, and the last positive."
        )
    n_null = max(0, len(values) - n)
    unit, null = _optimal(np.maximum(values[n_null:] / top, NULL), n_null, n, hilbert)
    return np.asarray(top * np.concatenate([np.full(n_null, null), unit]))


def _optimal(l: Array, n_null: int, n: int, hilbert: Transform) -> tuple[Array, float]:  # noqa: E741
    """What replaces the eigenvalues l, and what replaces each of `n_null` null ones."""
    h = n ** (-1 / 3)
    f = np.pi * l * _smooth(_kernel, l, l, h)
    Hf = np.pi * l * _smooth(hilbert, l, l, h)
    if n_null == 0:
        c = len(l) / n
        return np.asarray(l / ((c * f) ** 2 + (1 - c - c * Hf) ** 2)), 0.0
    at_zero = float(_smooth(hilbert, np.zeros(1), l, h)[0])
    return np.asarray(l / (f**2 + Hf**2)), n / (np.pi * n_null * at_zero)


def shrink(Y: Array, n: int, *, hilbert: Transform = hilbert_transform) -> Array:
    """Covariance with the eigenvectors of Y'Y / n and shrunken eigenvalues.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns, with n degrees of freedom.
    n : int
    hilbert : function of an array
        As in :func:`shrink_eigenvalues`.

    Returns
    -------
    ndarray of shape (n_assets, n_assets)
        Positive semidefinite by construction: ``V diag(d) V' + d0 (I - V V')``, with all of d
        and d0, which replaces the null eigenvalues, nonnegative.

    Notes
    -----
    The eigenvalues are squared singular values of Y: small ones keep their digits, which they
    lose in Y'Y.
    """
    N = Y.shape[1]
    core = qr(Y, mode="r")[0][:N] if len(Y) > 2 * N else Y
    singular, vectors = svd(core, full_matrices=False)[1:]
    k = min(n, N)
    rising = np.zeros(N)
    rising[N - k :] = np.square(singular[k - 1 :: -1]) / n
    d = shrink_eigenvalues(rising, n, hilbert=hilbert)
    V = vectors[:k]
    root = V * np.sqrt(d[::-1][:k])[:, None]
    matrix = root.T @ root
    if k < N:
        V *= np.sqrt(d[0])
        matrix -= V.T @ V
        matrix.flat[:: N + 1] += d[0]
    return np.asarray(matrix)
