r"""Random loadings under Student-t returns: periods that are wild count less.

The returns of a period share one scale, drawn anew in every period,

    r_t = mu + (g_t)^(-1/2) x_t,    x_t ~ N(0, V),    g_t ~ chi^2_nu / nu,

so that r_t is multivariate t with nu degrees of freedom. V is that of random loadings. Given the
data, the expected g_t is a weight, by d_t^2 = (r_t - mu)' V^-1 (r_t - mu):

    w_t = (nu + N) / (nu + d_t^2).

ECME (Liu and Rubin, 1995) goes round in three steps: nu has the maximum of the likelihood itself,
one-dimensional given mu and V; the weights follow; mu is the weighted mean, and V is fitted to
``(w_t / mean w)^(1/2) (r_t - mu)``. Dividing by the mean weight is the parameter expansion of Kent,
Tyler and Vardi (1994), which raises the likelihood faster. Where the fit of V is itself of highest
likelihood, no round can lower it. The covariance is ``nu / (nu - 2) V``.

References
----------
Lange, K. L., Little, R. J. A. and Taylor, J. M. G. (1989). Robust statistical modeling using the t
distribution. Journal of the American Statistical Association 84, 881-896.
Liu, C. and Rubin, D. B. (1995). ML estimation of the t distribution using EM and its extensions,
ECM and ECME. Statistica Sinica 5, 19-39.
Kent, J. T., Tyler, D. E. and Vardi, Y. (1994). A curious likelihood identity for the multivariate
t-distribution. Communications in Statistics: Simulation and Computation 23, 441-453.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    checked,
    label_matrix,
    label_vector,
    read_count,
    read_returns,
    warn,
)
from mixfolio.mixed_model import _variational
from mixfolio.mixed_model._common import Matrix
from mixfolio.mixed_model._loadings import read_factors, standardise

LEAST_NU, LARGEST_NU = 2.1, 1e4
TOLERANCE = 1e-5  # largest relative change of a weight
START_NU = 10.0


class Rounds(NamedTuple):
    """Where the rounds of :func:`ecme` ended, and the log-likelihood at every one of them."""

    nu: float
    weights: Array  # (n_periods,)
    mean: Array  # (n_assets,)
    V: Array  # (n_assets, n_assets)
    path: list[float]
    converged: bool


@dataclass(frozen=True)
class StudentModel(Generic[Matrix]):
    """Random loadings of Student-t returns; see :func:`student_loadings`.

    Attributes
    ----------
    degrees_of_freedom : float
        nu, from 2.1 to 10,000; at the upper end the returns are normal.
    weights : Series or array of shape (n_periods,)
        Expected g_t, with a mean near one; low where a period is wild.
    even : DataFrame or array of shape (n_periods, n_assets)
        Weighted deviations from the weighted mean, of the size of normal returns with the
        covariance of this model.
    log_likelihood : float
        Of the returns, with all constants.
    iterations : int
        Rounds.
    converged : bool
        Whether no weight changed by more than 1e-5 of itself in the last round.
    """

    degrees_of_freedom: float
    weights: pd.Series | Array
    even: Matrix
    log_likelihood: float
    iterations: int
    converged: bool
    _V: Array = field(repr=False)
    _labels: Labels | None = field(repr=False)

    def covariance(self) -> Matrix:
        """Covariance of returns, ``nu / (nu - 2) V``.

        Returns
        -------
        DataFrame or ndarray of shape (n_assets, n_assets)
            Per period; positive definite.
        """
        nu = self.degrees_of_freedom
        found: Matrix = label_matrix(nu / (nu - 2) * self._V, self._labels)
        return found


@checked
def student_loadings(
    returns: Matrix, groups: Any = None, *, max_iterations: int = 500
) -> StudentModel[Matrix]:
    """Fit random loadings to returns whose periods differ in size, as Student's t has it.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns without gaps. There may be fewer periods than assets.
    groups : optional
        As in :func:`random_loadings`.
    max_iterations : int
        The most rounds.

    Returns
    -------
    StudentModel

    Raises
    ------
    DataError
        If the returns are unusable or have fewer than 3 periods, an asset never moves, or the
        groups cannot be used.

    Warns
    -----
    UserWarning
        If the rounds do not suffice.

    Notes
    -----
    The fit of V is by variational Bayes, as in :func:`random_loadings`, so that the rounds end at
    a point that is consistent with itself rather than at a maximum.

    Examples
    --------
    The week that the model takes to be the wildest of five years:

    >>> from mixfolio import datasets, mixed_model
    >>> sector = datasets.groups("stocks-daily")
    >>> returns = datasets.load("stocks-weekly").loc["2016":"2020", sector.index]
    >>> model = mixed_model.student_loadings(returns, sector)
    >>> model.weights.idxmin().date().isoformat(), round(model.degrees_of_freedom, 1)
    ('2020-03-27', 6.2)
    """
    max_iterations = read_count(max_iterations, "max_iterations")
    values, labels = read_returns(returns, min_periods=3)
    factors = read_factors(groups, values.shape[1], labels)
    standardise(values, labels)  # refuses assets that never move
    structure = _variational.Structure(factors.membership)
    state: _variational.State | None = None

    def fit(X: Array) -> Array:
        nonlocal state  # each fit goes on where the one before ended
        spread = np.sqrt(np.square(X).sum(axis=0) / (len(X) - 1))
        state = _variational.fit(X / spread, structure, 1000, state).state
        L = structure.table(state.loadings)
        V = L @ L.T + np.diag(state.psi + state.variances.sum(axis=1))
        return np.asarray(V * np.outer(spread, spread))

    found = ecme(values, fit, max_iterations)
    if not found.converged:
        warn(
            f"the weights did not settle in {len(found.path)} rounds. Raise max_iterations.",
            UserWarning,
        )
    nu = found.nu
    even: Any = np.sqrt(found.weights * nu / (nu - 2))[:, None] * (values - found.mean)
    periods = returns.index if isinstance(returns, pd.DataFrame) else None
    if periods is not None:
        even = pd.DataFrame(even, index=periods, columns=labels)
    return StudentModel(
        degrees_of_freedom=nu,
        weights=label_vector(found.weights, periods, "weight"),
        even=even,
        log_likelihood=found.path[-1],
        iterations=len(found.path),
        converged=found.converged,
        _V=found.V,
        _labels=labels,
    )


def ecme(X: Array, fit: Callable[[Array], Array], max_rounds: int) -> Rounds:
    """Rounds of ECME around the fit of a scatter matrix to weighted deviations.

    Parameters
    ----------
    X : ndarray of shape (n_periods, n_assets)
    fit : function
        Takes deviations of shape (n_periods, n_assets) and gives a positive definite matrix.
    max_rounds : int

    Returns
    -------
    Rounds
    """
    mean = X.mean(axis=0)
    V = fit(X - mean)
    weights, path, converged, nu = np.ones(len(X)), list[float](), False, START_NU
    while len(path) < max_rounds and not converged:
        squared, log_det = _distances(X - mean, V)
        nu = _best_nu(squared, X.shape[1])
        path.append(log_likelihood(nu, squared, log_det, X.shape[1]))
        before, weights = weights, (nu + X.shape[1]) / (nu + squared)
        converged = bool(np.abs(weights / before - 1).max() < TOLERANCE)
        if not converged and len(path) < max_rounds:
            mean = weights @ X / weights.sum()
            V = fit(np.sqrt(weights / weights.mean())[:, None] * (X - mean))
    return Rounds(nu, weights, mean, V, path, converged)


def _distances(deviations: Array, V: Array) -> tuple[Array, float]:
    """d_t^2, and the log determinant of V."""
    factor = _linalg.factorise(V)
    white = _linalg.whiten(factor, deviations.T)
    return np.square(white).sum(axis=0), 2 * float(np.log(np.diagonal(factor[0])).sum())


def log_likelihood(nu: float, squared: Array, log_det: float, N: int) -> float:
    """Of multivariate t returns, given their squared distances.

    Parameters
    ----------
    nu : float
        Degrees of freedom.
    squared : ndarray of shape (n_periods,)
        d_t^2.
    log_det : float
        Of V.
    N : int
        Number of assets.

    Returns
    -------
    float
    """
    each = gammaln((nu + N) / 2) - gammaln(nu / 2) - (N * np.log(nu * np.pi) + log_det) / 2
    return float(len(squared) * each - (nu + N) / 2 * np.log1p(squared / nu).sum())


def _best_nu(squared: Array, N: int) -> float:
    found = minimize_scalar(
        lambda x: -log_likelihood(np.exp(x), squared, 0.0, N),
        bounds=(np.log(LEAST_NU), np.log(LARGEST_NU)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))
