r"""Linear shrinkage of a sample covariance toward a target, with the intensity that data suggest.

The estimate is ``a F + (1 - a) S``. Ledoit and Wolf (2003, 2004) show that the intensity with the
lowest expected squared Frobenius loss is about

    a = (pi - rho) / (gamma n),

with pi the sum of the asymptotic variances of the entries of S, rho the sum of their asymptotic
covariances with the entries of F, gamma the squared distance of F and S, and n the degrees of
freedom. All three are estimated from the data, and a is clipped to [0, 1].

Returns come centred, as Y of shape (n_periods, n_assets), and S = Y'Y / n with n = n_periods - 1.
Toward the diagonal of S, the diagonal entries agree, and the intensity is the sum of the variances
of the off-diagonal entries over the sum of their squares: Schafer and Strimmer's (2005) target D.
Every target is ``F = k u u'`` off its diagonal, and so ``a F + (1 - a) S = S - a (S - F)`` takes
one matrix, S, that is changed in place.

The intensity of the oracle-approximating estimator (OAS) assumes normal returns instead, and needs
only the traces of S and of S^2.

References
----------
Ledoit, O. and Wolf, M. (2003). Improved estimation of the covariance matrix of stock returns with
an application to portfolio selection. Journal of Empirical Finance 10, 603-621.
Ledoit, O. and Wolf, M. (2004a). A well-conditioned estimator for large-dimensional covariance
matrices. Journal of Multivariate Analysis 88, 365-411.
Ledoit, O. and Wolf, M. (2004b). Honey, I shrunk the sample covariance matrix. Journal of Portfolio
Management 30 (4), 110-119.
Schafer, J. and Strimmer, K. (2005). A shrinkage approach to large-scale covariance matrix
estimation and implications for functional genomics. Statistical Applications in Genetics and
Molecular Biology 4 (1), 32.
Chen, Y., Wiesel, A., Eldar, Y. C. and Hero, A. O. (2010). Shrinkage algorithms for MMSE covariance
estimation. IEEE Transactions on Signal Processing 58, 5016-5029.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg.blas import dger

from mixfolio._inputs import Array
from mixfolio.errors import DataError

Target = Literal["identity", "diagonal", "constant_correlation", "single_factor"]


@dataclass(frozen=True)
class Form:
    """A target ``F``: ``diag`` on the diagonal, and ``k u u'`` off it.

    Attributes
    ----------
    diagonal : ndarray of shape (n_assets,)
    k : float
        0 for a diagonal target.
    u : ndarray of shape (n_assets,)
    rho : float
        Sum of the asymptotic covariances of the entries of S with those of F.
    """

    diagonal: Array
    k: float
    u: Array
    rho: float

    def matrix(self) -> Array:
        """F as a matrix of shape (n_assets, n_assets)."""
        F = self.k * np.outer(self.u, self.u)
        np.fill_diagonal(F, self.diagonal)
        return F


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
    target : {"identity", "diagonal", "constant_correlation", "single_factor"}
    intensity : float, optional
        Between 0 and 1; estimated by default.

    Returns
    -------
    matrix : ndarray of shape (n_assets, n_assets)
        Positive semidefinite, as S and F are.
    intensity : float

    Raises
    ------
    DataError
        If the mean of all assets never moves, and shall be the single factor.
    """
    S = Y.T @ Y
    S /= n
    diagonal = np.diagonal(S).copy()
    form = TARGETS[target](Y, S, n)
    square = _sum_of_squares(S)
    _add_rank_one(S, -form.k, form.u)
    S.flat[:: len(S) + 1] = diagonal - form.diagonal
    pi = _fourth_moment(Y, n) - square
    a = _intensity(pi, form.rho, _sum_of_squares(S), n) if intensity is None else intensity
    S *= 1 - a
    _add_rank_one(S, form.k, form.u)
    S.flat[:: len(S) + 1] = a * form.diagonal + (1 - a) * diagonal
    return S, a


def identity_intensity(Y: Array, n: float) -> float:
    """The intensity toward the identity, without a covariance of more assets than periods.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns.
    n : float
        Degrees of freedom.

    Returns
    -------
    float
    """
    # Y'Y and YY' have the same sum of squares: the smaller one is formed.
    square = _sum_of_squares(Y.T @ Y if len(Y) >= Y.shape[1] else Y @ Y.T) / n**2
    trace = float(np.vdot(Y, Y)) / n
    gamma = square - trace**2 / Y.shape[1]
    return _intensity(_fourth_moment(Y, n) - square, 0.0, gamma, n)


def oas(Y: Array, n: float) -> tuple[Array, float]:
    """The oracle-approximating shrunken covariance and its intensity (Chen et al., 2010, eq. 23).

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns.
    n : float
        Degrees of freedom.

    Returns
    -------
    matrix : ndarray of shape (n_assets, n_assets)
        Positive semidefinite; definite if the intensity is above 0.
    intensity : float
        Between 0 and 1; 1 where S is a multiple of the identity.
    """
    S = Y.T @ Y
    S /= n
    N, trace, square = len(S), float(np.trace(S)), _sum_of_squares(S)
    gamma = square - trace**2 / N
    weight = ((1 - 2 / N) * square + trace**2) / ((n + 1 - 2 / N) * gamma) if gamma > 0 else 1.0
    a = float(np.clip(weight, 0.0, 1.0))
    S *= 1 - a
    S.flat[:: N + 1] += a * trace / N
    return S, a


def _sum_of_squares(matrix: Array) -> float:
    return float(np.vdot(matrix, matrix))


def _add_rank_one(matrix: Array, k: float, u: Array) -> None:
    """Add ``k u u'`` to a symmetric matrix in place, and keep it symmetric to the last bit."""
    if k != 0:
        v = np.sqrt(abs(k)) * u
        # BLAS calls the transpose of a C-contiguous matrix contiguous, and changes it in place.
        dger(np.sign(k), v, v, a=matrix.T, overwrite_a=True)


def _fourth_moment(Y: Array, n: float) -> float:
    """Sum over periods of ``|y_t|^4 / n``, what pi has before ``|S|^2`` is taken off."""
    lengths = np.einsum("ti,ti->t", Y, Y)
    return float(lengths @ lengths) / n


def _intensity(pi: float, rho: float, gamma: float, n: float) -> float:
    """(pi - rho) / (gamma n) within [0, 1]; 1 where target and sample agree."""
    return 1.0 if gamma <= 0 else float(np.clip((pi - rho) / (gamma * n), 0.0, 1.0))


def _identity(Y: Array, S: Array, n: float) -> Form:
    """Target: the mean variance times the identity (Ledoit and Wolf, 2004a)."""
    N = len(S)
    return Form(np.full(N, np.trace(S) / N), 0.0, np.zeros(N), 0.0)


def _diagonal_variance(Y: Array, S: Array, n: float) -> float:
    """Sum of the asymptotic variances of the diagonal of S."""
    squares = np.square(Y)
    return float(np.vdot(squares, squares)) / n - float(np.square(np.diagonal(S)).sum())


def _diagonal(Y: Array, S: Array, n: float) -> Form:
    """Target: the sample's variances, and no covariances (Schafer and Strimmer, 2005, target D)."""
    return Form(np.diagonal(S).copy(), 0.0, np.zeros(len(S)), _diagonal_variance(Y, S, n))


def _constant_correlation(Y: Array, S: Array, n: float) -> Form:
    """Target: the sample's variances and its mean correlation (Ledoit and Wolf, 2004b)."""
    N = len(S)
    variances = np.diagonal(S).copy()
    spread = np.sqrt(variances)
    mean_correlation = float(((S @ (1 / spread)) @ (1 / spread) - N) / (N * max(N - 1, 1)))
    # The covariances of s_ii and s_ij, times spread_j / spread_i: all pairs, less i = j.
    own = _diagonal_variance(Y, S, n)
    cubes = (np.square(Y) * Y) @ (1 / spread)
    joint = float(cubes @ (Y @ spread)) / n - float(spread @ S @ spread) - own
    return Form(variances, mean_correlation, spread, own + mean_correlation * joint)


def _single_factor(Y: Array, S: Array, n: float) -> Form:
    """Target: one factor, the mean return of all assets (Ledoit and Wolf, 2003)."""
    market = Y.mean(axis=1)
    variance = float(market @ market) / n
    if not variance > 1e-28 * float(np.trace(S)) / len(S):
        raise DataError(
            "the mean of all assets never moves, so that it is no factor. Use another target."
        )
    b = market @ Y / n
    fitted, squares, diagonal = Y @ b, np.square(Y), np.diagonal(S).copy()
    # All pairs, then less i = j, where F is S itself: first the covariances of s_ij with b_i,
    # then those with the variance of the factor.
    with_b = squares.sum(axis=1) * market @ fitted / n - fitted @ fitted / n
    with_b -= (market @ (squares * Y) / n - b * diagonal) @ b
    with_variance = np.square(market * fitted).sum() / n - variance * (fitted @ fitted) / n
    with_variance -= (np.square(market) @ squares / n - variance * diagonal) @ np.square(b)
    rho = _diagonal_variance(Y, S, n) + 2 * with_b / variance - with_variance / variance**2
    return Form(diagonal, 1 / variance, b, float(rho))


TARGETS: dict[str, Callable[[Array, Array, float], Form]] = {
    "identity": _identity,
    "diagonal": _diagonal,
    "constant_correlation": _constant_correlation,
    "single_factor": _single_factor,
}
