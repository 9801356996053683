r"""How far an estimated covariance is from the true one, where that is known.

With the estimate A and the truth Sigma, N x N,

    Frobenius             |A - Sigma|_F^2 / N,
    portfolio variance    1'A^-1 Sigma A^-1 1 / (1'A^-1 1)^2 * 1'Sigma^-1 1 - 1,
    minimum variance      tr(A^-1 Sigma A^-1) / tr(A^-1)^2 * tr(Sigma^-1) - 1,
    QLIKE                 (tr(A^-1 Sigma) - log|A^-1 Sigma| - N) / N.

The first counts errors of entries. The second is the variance of the global minimum-variance
portfolio (GMV) built from A, weights adding up to one, beyond the lowest variance and as a share of
it. The third is Engle, Ledoit and Wolf's (2019): the same with the vector of ones replaced by a
random direction m without a preference, numerator and denominators averaged over m on their own.
The paper takes the difference from the lowest value; here that is divided by the lowest, as in the
second. It is not the loss of any one portfolio. Where ones are close to an eigenvector of Sigma, as
in a market that moves all assets alike, the two can be far apart. Neither depends on the scale of
A. The last is the log likelihood that normal returns lose. All are 0 at the truth and nowhere
negative; the second is 0 wherever A leads to the right portfolio.

Over many samples, the percentage relative improvement in average loss is
``PRIAL = 100 (1 - E loss(A) / E loss(S))``: 0 for the sample covariance S, 100 for the truth.

References
----------
Engle, R., Ledoit, O. and Wolf, M. (2019). Large dynamic covariance matrices. Journal of Business
and Economic Statistics 37, 363-375.
Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance
matrices. Journal of Multivariate Analysis 88, 365-411.
Ledoit, O. and Wolf, M. (2018). Optimal estimation of a large-dimensional covariance matrix under
Stein's loss. Bernoulli 24, 3791-3832.
Laurent, S., Rombouts, J. and Violante, F. (2013). On loss functions and ranking forecasting
performances of multivariate volatility models. Journal of Econometrics 173, 1-10.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve

from mixfolio import _linalg
from mixfolio._inputs import Array, MatrixLike, VectorLike, checked, read_covariance, read_vector
from mixfolio.errors import DataError


def _pair(estimate: MatrixLike, truth: MatrixLike) -> tuple[Array, Array]:
    """Both matrices as arrays, in the order of the truth."""
    sigma, names = read_covariance(truth)
    if names is not None and isinstance(estimate, pd.DataFrame):
        read_covariance(estimate)
        if set(estimate.columns) != set(names):
            raise DataError(
                "estimate and truth do not name the same assets: "
                f"{list(names.symmetric_difference(estimate.columns)[:3])!r} are in one only."
            )
        estimate = estimate.loc[names, names]
    matrix = read_covariance(estimate)[0]
    if matrix.shape != sigma.shape:
        raise DataError(
            f"estimate has {len(matrix)} assets and truth {len(sigma)}; they must have the same."
        )
    return matrix, sigma


def _inverse(matrix: Array) -> tuple[Array, float]:
    """Inverse and log determinant of a positive definite matrix."""
    factor = _linalg.factorise(matrix)
    log_determinant = 2 * float(np.log(np.diagonal(factor[0])).sum())
    return np.asarray(cho_solve(factor, np.eye(len(matrix)))), log_determinant


@checked
def frobenius_loss(estimate: MatrixLike, truth: MatrixLike) -> float:
    """Squared Frobenius distance over the number of assets (Ledoit and Wolf, 2004).

    Parameters
    ----------
    estimate, truth : DataFrame or array of shape (n_assets, n_assets)
        Covariances; matched by name if both have names.

    Returns
    -------
    float
        In squared units of a covariance.

    Raises
    ------
    DataError
        If a matrix is no covariance, or they have different assets.

    Examples
    --------
    >>> from mixfolio import covariance
    >>> covariance.frobenius_loss([[4.0, 2.0], [2.0, 9.0]], [[4.0, 1.0], [1.0, 9.0]])
    1.0
    """
    matrix, sigma = _pair(estimate, truth)
    return float(np.square(matrix - sigma).sum()) / len(sigma)


@checked
def portfolio_variance(estimate: MatrixLike, truth: MatrixLike) -> float:
    """Variance of the estimated GMV portfolio beyond the lowest, as a share of it.

    The global minimum-variance portfolio (GMV) has weights ``A^-1 1 / 1'A^-1 1``, long and short,
    that add up to one.

    Parameters
    ----------
    estimate, truth : DataFrame or array of shape (n_assets, n_assets)
        Covariances; matched by name if both have names.

    Returns
    -------
    float
        .05 says that the portfolio has 5% more variance than it could have.

    Raises
    ------
    DataError
        If a matrix is no covariance, or they have different assets.
    SingularCovarianceError
        If a matrix is not positive definite: it leads to no portfolio.

    Examples
    --------
    >>> from mixfolio import covariance
    >>> truth = [[4.0, 1.0], [1.0, 9.0]]
    >>> estimate = [[1.0, 0.0], [0.0, 1.0]]  # leads to equal weights
    >>> round(covariance.portfolio_variance(estimate, truth), 3)  # 18% more than necessary
    0.179
    """
    matrix, sigma = _pair(estimate, truth)
    ones = np.ones(len(sigma))
    raw = np.asarray(cho_solve(_linalg.factorise(matrix), ones))
    lowest = float(np.asarray(cho_solve(_linalg.factorise(sigma), ones)).sum())
    return float(raw @ sigma @ raw / raw.sum() ** 2 * lowest) - 1


@checked
def minimum_variance_loss(estimate: MatrixLike, truth: MatrixLike) -> float:
    """Engle, Ledoit and Wolf's (2019) loss of the inverse, as a share of its lowest value.

    It stands for minimum-variance portfolios whose weights are asked to add up along a random
    direction. The loss of the portfolio whose weights add up to one is :func:`portfolio_variance`.

    Parameters
    ----------
    estimate, truth : DataFrame or array of shape (n_assets, n_assets)
        Covariances; matched by name if both have names.

    Returns
    -------
    float
        Excess variance, averaged over directions, as a share of the lowest.

    Raises
    ------
    DataError
        If a matrix is no covariance, or they have different assets.
    SingularCovarianceError
        If a matrix is not positive definite.

    Examples
    --------
    >>> from mixfolio import covariance
    >>> truth = [[4.0, 1.0], [1.0, 9.0]]
    >>> round(covariance.minimum_variance_loss([[4.0, 3.0], [3.0, 9.0]], truth), 3)
    0.114
    """
    matrix, sigma = _pair(estimate, truth)
    inverse, lowest = _inverse(matrix)[0], np.trace(_inverse(sigma)[0])
    realised = float(np.vdot(inverse @ sigma, inverse))
    return float(realised / np.trace(inverse) ** 2 * lowest) - 1


@checked
def qlike_loss(estimate: MatrixLike, truth: MatrixLike) -> float:
    """Log likelihood of normal returns that is lost, times 2, per asset and period.

    Stein's loss of the inverse (Ledoit and Wolf, 2018); in expectation over returns with covariance
    `truth` also the QLIKE loss of volatility forecasts (Laurent, Rombouts and Violante, 2013).

    Parameters
    ----------
    estimate, truth : DataFrame or array of shape (n_assets, n_assets)
        Covariances; matched by name if both have names.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If a matrix is no covariance, or they have different assets.
    SingularCovarianceError
        If a matrix is not positive definite.

    Examples
    --------
    >>> from mixfolio import covariance
    >>> truth = [[4.0, 1.0], [1.0, 9.0]]
    >>> low, high = [[2.0, 0.5], [0.5, 4.5]], [[8.0, 2.0], [2.0, 18.0]]  # half, and twice
    >>> [round(covariance.qlike_loss(V, truth), 3) for V in (low, high)]  # low is worse
    [0.307, 0.193]
    """
    matrix, sigma = _pair(estimate, truth)
    inverse, log_determinant = _inverse(matrix)
    gap = log_determinant - _inverse(sigma)[1]
    return float((np.vdot(inverse, sigma) + gap) / len(sigma)) - 1


@dataclass(frozen=True)
class Prial:
    """Percentage relative improvement in average loss.

    Attributes
    ----------
    value : float
        Percent.
    standard_error : float
        Of the value, by the delta method; missing for a single replication.
    """

    value: float
    standard_error: float


@checked
def prial(losses: VectorLike, sample_losses: VectorLike) -> Prial:
    """Percentage relative improvement in average loss (PRIAL) over the sample covariance.

    ``100 (1 - mean(losses) / mean(sample_losses))``, a ratio of means.

    Parameters
    ----------
    losses, sample_losses : array-like of shape (n_replications,)
        Of the estimate and of the sample covariance, on the same samples in the same order.

    Returns
    -------
    Prial

    Raises
    ------
    DataError
        If the losses are not as many, not finite, or the sample has none.

    Notes
    -----
    With the ratio q of the means of a and b over R replications, the variance of q is about
    ``var(a - q b) / (R mean(b)^2)`` (delta method).

    Examples
    --------
    >>> from mixfolio import covariance
    >>> found = covariance.prial([0.8, 1.1, 0.9], [1.5, 2.3, 1.8])
    >>> f"{found.value:.1f} percent, standard error {found.standard_error:.1f}"
    '50.0 percent, standard error 1.5'
    """
    a, index = read_vector(losses, len(np.atleast_1d(losses)), None, "losses")
    b = read_vector(sample_losses, len(a), index, "sample_losses")[0]
    if not b.mean() > 0:
        raise DataError("sample_losses has mean 0; there is nothing to improve on.")
    ratio = float(a.mean() / b.mean())
    spread = float(np.std(a - ratio * b, ddof=1)) if len(a) > 1 else np.nan
    return Prial(100 * (1 - ratio), float(100 * spread / (b.mean() * np.sqrt(len(a)))))
