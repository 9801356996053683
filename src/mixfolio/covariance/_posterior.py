r"""Posterior of a covariance and of the minimum-variance portfolio that belongs to it.

The prior is that of ``_inverse_wishart.py``: Sigma is inverse Wishart with mean V and excess e.
With Y centred and n degrees of freedom,

    Sigma | Y, e ~ inverse Wishart, scale Psi = e V + Y'Y, m = e + N + 1 + n degrees of freedom.

Write s = 1'Psi^-1 1. Bodnar, Mazur and Okhrin (2017) give the law of the portfolio of minimum
variance with shorts, which is that of ``Sigma^-1 1 / 1'Sigma^-1 1``:

    w | Y, e ~ t_m(Psi^-1 1 / s,  (Psi^-1 - Psi^-1 11' Psi^-1 / s) / (s m)),
    1 / 1'Sigma^-1 1 | Y, e ~ (1 / s) / chi^2_m.

The location of w has the lowest variance under the posterior mean of Sigma as well. As e goes to 0
it is the least-squares estimate of Kempf and Memmel (2006), and m times the squared scale is their
residual sum of squares times the inverse cross products of the regressors.

e itself is unknown. Its intensity e / (e + n) is uniform between 0 and 1 before the data, and its
marginal likelihood makes that a posterior, which 41 equally probable values stand for. One
eigendecomposition, ``V^-1 Y'Y = B diag(l) B^-1`` with ``B'V B = I``, serves all of them:
``Psi^-1 = B diag(1 / (e + l)) B'``.

References
----------
Bodnar, T., Mazur, S. and Okhrin, Y. (2017). Bayesian estimation of the global minimum variance
portfolio. European Journal of Operational Research 256, 292-307.
Kempf, A. and Memmel, C. (2006). Estimating the global minimum variance portfolio. Schmalenbach
Business Review 58, 332-348.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import eigh, solve_triangular
from scipy.stats import chi2
from scipy.stats import t as student

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    checked,
    label_matrix,
    read_count,
    read_number,
)
from mixfolio.covariance import _inverse_wishart
from mixfolio.covariance._estimators import read_excess, with_target
from mixfolio.errors import DataError

GRID_POINTS, VALUES = 400, 41  # of the intensity; equally probable ones that are kept
HALVINGS = 50


@dataclass(frozen=True)
class CovariancePosterior:
    """What is known of a covariance after the data; see :func:`posterior`.

    Attributes
    ----------
    intensities : ndarray of shape (n_values,)
        Equally probable values of the weight of the target, rising.
    """

    intensities: Array
    _n: float = field(repr=False)
    _target: Array = field(repr=False)
    _scatter: Array = field(repr=False)  # Y'Y
    _roots: Array = field(repr=False)  # l
    _basis: Array = field(repr=False)  # B
    _labels: Labels | None = field(repr=False)

    @property
    def _excess(self) -> Array:
        return np.asarray(self._n * self.intensities / (1 - self.intensities))

    @property
    def _freedom(self) -> Array:
        return np.asarray(self._excess + len(self._target) + 1 + self._n)

    def covariance(self) -> pd.DataFrame | Array:
        """Posterior mean, which is also proportional to the covariance of the next returns.

        Returns
        -------
        DataFrame or ndarray of shape (n_assets, n_assets)
            Per period; positive definite.
        """
        a = float(self.intensities.mean())
        matrix: pd.DataFrame | Array = label_matrix(
            a * self._target + (1 - a) / self._n * self._scatter, self._labels
        )
        return matrix

    def draw(self, n_draws: int, rng: np.random.Generator) -> Iterator[pd.DataFrame | Array]:
        """Independent covariances from the posterior, by Bartlett's decomposition.

        Parameters
        ----------
        n_draws : int
        rng : numpy.random.Generator

        Yields
        ------
        DataFrame or ndarray of shape (n_assets, n_assets)
        """
        N = len(self._target)
        for _ in range(read_count(n_draws, "n_draws")):
            k = rng.integers(len(self.intensities))
            bartlett = np.tril(rng.standard_normal((N, N)), -1)
            bartlett.flat[:: N + 1] = np.sqrt(rng.chisquare(self._freedom[k] - np.arange(N)))
            # Not the basis: signs of eigenvectors differ between linear-algebra libraries.
            factor = np.linalg.cholesky(self._excess[k] * self._target + self._scatter)
            root = solve_triangular(bartlett, factor.T, lower=True, check_finite=False)
            yield label_matrix(root.T @ root, self._labels)

    def minimum_variance_weights(self, level: float = 0.9) -> pd.DataFrame:
        """Law of the weights of lowest variance that sum to one, shorts allowed.

        Parameters
        ----------
        level : float
            Probability of each asset's band.

        Returns
        -------
        DataFrame of shape (n_assets, 4)
            Posterior mean, standard deviation (sd), and the ends of the band, lower and upper.

        Raises
        ------
        DataError
            If the level is not between 0 and 1.
        """
        tail = _tail(level)
        m = self._freedom
        location, scale = self._weights_given_excess()
        variance = (scale**2 * m / (m - 2)).mean(axis=1) + location.var(axis=1)
        far = 1e3 * scale.max(axis=1) + np.ptp(location, axis=1)
        ends = [
            _root(
                lambda w: student.cdf((w[:, None] - location) / scale, m).mean(axis=1),
                probability,
                location.min(axis=1) - far,
                location.max(axis=1) + far,
            )
            for probability in (tail, 1 - tail)
        ]
        columns = {"mean": location.mean(axis=1), "sd": np.sqrt(variance)}
        columns |= dict(zip(("lower", "upper"), ends, strict=True))
        return pd.DataFrame(columns, index=self._labels)

    def minimum_variance(self, level: float = 0.9) -> "pd.Series[float]":
        """Law of the lowest variance that a portfolio of these assets can have, shorts allowed.

        Parameters
        ----------
        level : float
            Probability of the band.

        Returns
        -------
        Series
            Mean, lower and upper, per period.

        Raises
        ------
        DataError
            If the level is not between 0 and 1.
        """
        tail = _tail(level)
        m = self._freedom
        best = 1 / self._sums()
        mean = float((best / (m - 2)).mean())
        highest = np.array([float((best / chi2.ppf(1e-9, m)).max())])
        lower, upper = (
            float(
                _root(lambda x: chi2.sf(best / x, m).mean(keepdims=True), p, 0 * highest, highest)[
                    0
                ]
            )
            for p in (tail, 1 - tail)
        )
        return pd.Series({"mean": mean, "lower": lower, "upper": upper})

    def _sums(self) -> Array:
        """s for every value of e."""
        ones = np.square(self._basis.sum(axis=0))
        return np.asarray(ones @ (1 / (self._excess + self._roots[:, None])))

    def _weights_given_excess(self) -> tuple[Array, Array]:
        """Location and scale of every weight, both of shape (n_assets, n_values)."""
        shrunk = 1 / (self._excess + self._roots[:, None])
        s = self._sums()
        x = self._basis @ (self._basis.sum(axis=0)[:, None] * shrunk)
        own = np.square(self._basis) @ shrunk - x**2 / s
        return x / s, np.sqrt(np.maximum(own, 0.0) / (s * self._freedom))


@checked
def posterior(
    returns: MatrixLike, target: Any, *, degrees_of_freedom: float | None = None
) -> CovariancePosterior:
    """Posterior of a covariance whose prior mean is a model of it.

    :func:`empirical_bayes` gives the mean at the most likely intensity; this gives the whole law,
    with the intensity unknown.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns. There may be fewer periods than assets.
    target : DataFrame or array of shape (n_assets, n_assets), or a fitted model
        As in :func:`empirical_bayes`. It is taken as known: bands are too narrow when it was
        fitted to the same returns.
    degrees_of_freedom : float, optional
        Of the prior, above n_assets + 1. By default they are unknown, and averaged over.

    Returns
    -------
    CovariancePosterior

    Raises
    ------
    DataError, SingularCovarianceError
        As in :func:`empirical_bayes`.

    Notes
    -----
    The law of the portfolio is that of Bodnar, Mazur and Okhrin (2017), theorem 1, for an inverse
    Wishart prior. Details stand at the end of the page.

    Examples
    --------
    How much of each goes into the portfolio of lowest variance, with bands of 90%:

    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "Global Bonds"]]
    >>> found = covariance.posterior(returns.tail(60), covariance.sample(returns[:-60]))
    >>> found.minimum_variance_weights().round(2)
                  mean    sd  lower  upper
    MSCI US      -0.19  0.04  -0.26  -0.12
    MSCI Japan    0.12  0.04   0.05   0.19
    Global Bonds  1.07  0.04   1.00   1.14
    """
    Y, labels, V = with_target(returns, target)
    n, N = float(len(Y) - 1), len(V)
    factor = _linalg.factorise(V)
    whitened = _linalg.whiten(factor, Y.T)
    roots, vectors = eigh(whitened @ whitened.T, check_finite=False)
    roots = np.maximum(roots, 0.0)
    basis = _linalg.whiten(factor, vectors, back=True)
    if degrees_of_freedom is None:
        intensities = _equally_probable(roots / n, N, n)
    else:
        excess = read_excess(degrees_of_freedom, N)
        intensities = np.array([excess / (excess + n)])
    return CovariancePosterior(intensities, n, V, Y.T @ Y, roots, basis, labels)


def _equally_probable(eigenvalues: Array, N: int, n: float) -> Array:
    """Quantiles of the intensity's posterior, in the middle of as many equal parts."""
    grid = (np.arange(GRID_POINTS) + 0.5) / GRID_POINTS
    density = _inverse_wishart.log_marginal_likelihood(n * grid / (1 - grid), eigenvalues, N, n)
    probability = np.cumsum(np.exp(density - density.max()))
    middles = (np.arange(VALUES) + 0.5) / VALUES
    edges = np.arange(GRID_POINTS + 1) / GRID_POINTS
    found = np.interp(middles, np.append(0.0, probability) / probability[-1], edges)
    return np.asarray(found)


def _tail(level: float) -> float:
    level = read_number(level, "level")
    if not 0 < level < 1:
        raise DataError(f"level is {level}; it must lie between 0 and 1, such as 0.9.")
    return (1 - level) / 2


def _root(cdf: Callable[[Array], Array], probability: float, low: Array, high: Array) -> Array:
    """Where rising functions reach a probability, by halving, for all of them at once."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = cdf(middle) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
