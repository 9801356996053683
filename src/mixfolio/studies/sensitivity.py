"""How much a portfolio suffers from errors in its inputs.

Chopra and Ziemba (1993) multiply the means, the variances or the covariances by ``1 + k z`` with
independent standard normal z, optimize on the wrong inputs, and measure the loss with the right
ones, as a share of the best cash equivalent ``w'm - w'V w / t`` at risk tolerance t. Best and
Grauer (1991) ask how much one mean must change to drive half of the assets out of a long-only
portfolio.

References
----------
Best, M. J. and Grauer, R. R. (1991). On the sensitivity of mean-variance-efficient portfolios to
changes in asset means. Review of Financial Studies 4, 315-342.
Chopra, V. K. and Ziemba, W. T. (1993). The effect of errors in means, variances, and covariances on
optimal portfolio choice. Journal of Portfolio Management 19 (2), 6-11.
"""

from collections.abc import Sequence

import numpy as np

from mixfolio import _linalg, optimization
from mixfolio._inputs import (
    Array,
    MatrixLike,
    VectorLike,
    checked,
    read_count,
    read_covariance,
    read_number,
    read_vector,
)
from mixfolio.errors import DataError, SingularCovarianceError

__all__ = ["INPUTS", "cash_equivalent_losses", "mean_change_that_empties"]

INPUTS = ("means", "variances", "covariances")
"""The inputs of mean-variance whose errors :func:`cash_equivalent_losses` compares."""
MAX_DRAWS = 1000
GONE = 1e-12


def _cash_equivalent(weights: Array, mean: Array, matrix: Array, risk_tolerance: float) -> float:
    """Riskless return held equal to the portfolio: ``w'm - w'V w / risk_tolerance``."""
    return float(weights @ mean - weights @ matrix @ weights / risk_tolerance)


def _perturb(
    mean: Array, matrix: Array, what: str, size: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Copies with one kind of input multiplied by ``1 + size * z``; may be indefinite."""
    n = len(mean)
    if what == "means":
        return mean * (1 + size * rng.standard_normal(n)), matrix.copy()
    wrong = matrix.copy()
    if what == "variances":
        wrong[np.diag_indices(n)] *= 1 + size * rng.standard_normal(n)
    elif what == "covariances":
        upper = np.triu_indices(n, 1)
        wrong[upper] *= 1 + size * rng.standard_normal(len(upper[0]))
        wrong.T[upper] = wrong[upper]
    else:
        raise DataError(f"{what!r} is no input; there are {INPUTS}.")
    return mean.copy(), wrong


@checked
def cash_equivalent_losses(
    rng: np.random.Generator,
    *,
    mean: VectorLike,
    covariance: MatrixLike,
    size: float = 0.10,
    risk_tolerances: Sequence[float] = (0.25, 0.50, 0.75),
) -> dict[str, float]:
    """Losses of long-only portfolios from one draw of errors in each kind of input.

    A study for :func:`mixfolio.montecarlo.run`. A draw whose matrix is not positive definite is
    replaced by another.

    Parameters
    ----------
    rng : numpy.random.Generator
    mean : Series or array of shape (n_assets,)
        True means, decimal per period.
    covariance : DataFrame or array of shape (n_assets, n_assets)
        True covariance.
    size : float
        Standard deviation of the relative errors.
    risk_tolerances : sequence of float
        Twice the inverse of the risk aversion. With returns in per cent, as in the article, they
        are a hundred times as large.

    Returns
    -------
    dict
        ``"<input> <tolerance>"``: loss as a share of the best cash equivalent.

    Raises
    ------
    DataError
        If the inputs are unusable, a tolerance or the size is negative, or the best cash equivalent
        is not positive, so that there is nothing to lose a share of.
    SingularCovarianceError
        If the covariance, or each of 1,000 draws, is not positive definite.

    Examples
    --------
    Errors of 10 % in the means cost most, here in the mean of twenty draws:

    >>> from functools import partial
    >>> from mixfolio import montecarlo
    >>> from mixfolio.studies import sensitivity
    >>> V = [[0.0049, 0.0020, 0.0015], [0.0020, 0.0036, 0.0012], [0.0015, 0.0012, 0.0025]]
    >>> moments = {"mean": [0.014, 0.012, 0.010], "covariance": V, "risk_tolerances": (0.5,)}
    >>> study = partial(sensitivity.cash_equivalent_losses, **moments)
    >>> montecarlo.run(study, 20, seed=1).mean().round(3).to_dict()
    {'means 0.5': 0.023, 'variances 0.5': 0.008, 'covariances 0.5': 0.001}
    """
    if read_number(size, "size") < 0:
        raise DataError(f"size is {size}; it is a standard deviation.")
    matrix, labels = read_covariance(covariance)
    means = read_vector(mean, len(matrix), labels, "mean")[0]
    draws = {what: _positive_definite(means, matrix, what, size, rng) for what in INPUTS}
    tops = {}
    for tolerance in risk_tolerances:
        if read_number(tolerance, "risk_tolerance") <= 0:
            raise DataError(f"risk_tolerance is {tolerance}; it must be positive.")
        best = optimization.mean_variance(means, matrix, risk_aversion=2 / tolerance)
        tops[tolerance] = _cash_equivalent(best, means, matrix, tolerance)
        if tops[tolerance] <= 0:
            raise DataError(
                f"the best cash equivalent at risk tolerance {tolerance:g} is "
                f"{tops[tolerance]:.3g}, and not positive: no share of it can be lost. Raise the "
                "tolerance."
            )
    losses = {}
    for what, (wrong_mean, wrong) in draws.items():
        for tolerance, top in tops.items():
            chosen = optimization.mean_variance(wrong_mean, wrong, risk_aversion=2 / tolerance)
            kept = _cash_equivalent(chosen, means, matrix, tolerance)
            losses[f"{what} {tolerance:g}"] = 1 - kept / top
    return losses


def _positive_definite(
    mean: Array, matrix: Array, what: str, size: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    for _ in range(MAX_DRAWS):
        wrong_mean, wrong = _perturb(mean, matrix, what, size, rng)
        if np.linalg.eigvalsh(wrong)[0] > 1e-8 * np.trace(wrong) / len(wrong):
            return wrong_mean, wrong
    raise SingularCovarianceError(
        f"none of {MAX_DRAWS} draws with errors of size {size:g} in the {what} is positive "
        "definite. Use smaller errors, or a better conditioned covariance."
    )


@checked
def mean_change_that_empties(
    covariance: MatrixLike, *, asset: int = 0, share: float = 0.5, risk_aversion: float = 4.0
) -> float:
    """Rise of one mean that drives a share of the assets out of a long-only portfolio.

    The means are those for which equal weights are optimal at the given risk aversion,
    ``risk_aversion * V w``. Then one of them is raised until the share of assets without weight is
    reached.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
    asset : int
        Position of the asset whose mean is raised.
    share : float
        Of all assets, between 0 and 1.
    risk_aversion : float

    Returns
    -------
    float
        Decimal return per period of the covariance.

    Raises
    ------
    DataError
        If the covariance is unusable, there is no such asset, the risk aversion is not positive, or
        the share is not above 0 or more than all other assets together.
    SingularCovarianceError
        If the covariance is not positive definite.

    References
    ----------
    Best, M. J. and Grauer, R. R. (1991). On the sensitivity of mean-variance-efficient portfolios
    to changes in asset means. Review of Financial Studies 4, 315-342.

    Examples
    --------
    By how much a year must one mean rise until one of three similar markets is left out?

    >>> from mixfolio import covariance, datasets
    >>> from mixfolio.studies import sensitivity
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI World USD", "MSCI Japan"]]
    >>> yearly = 12 * covariance.sample(returns)
    >>> f"{sensitivity.mean_change_that_empties(yearly, share=1 / 3):.2%}"
    '0.23%'
    """
    matrix, _ = read_covariance(covariance)
    n = len(matrix)
    asset = read_count(asset, "asset", 0, n - 1)
    share, risk_aversion = read_number(share, "share"), read_number(risk_aversion, "risk_aversion")
    if not 0 < share <= 1 - 1 / n:
        raise DataError(
            f"share is {share:g}; it must be above 0, and at most {n - 1} of the {n} assets can go."
        )
    if risk_aversion <= 0:
        raise DataError(f"risk_aversion is {risk_aversion:g}; it must be positive.")
    _linalg.factorise(matrix)
    implied = risk_aversion * matrix.mean(axis=1)

    def empties(rise: float) -> bool:
        means = implied + rise * (np.arange(n) == asset)
        weights = optimization.mean_variance(means, matrix, risk_aversion=risk_aversion)
        return bool((weights < GONE).sum() >= share * n - 1e-9)

    # Everything is in the one asset once its marginal utility is the highest there.
    marginal = implied - risk_aversion * matrix[asset]
    low, high = 0.0, 2 * float((marginal - marginal[asset]).max())
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if empties(middle) else (middle, high)
    return high
