r"""Loadings that move: a small Kalman filter per asset, with one persistence for all of them.

Standardised returns of asset i load on factors that are observed: indexes of the market and of
groups. With f_it the factors of asset i in period t,

    z_it = l_it' f_it + e_it,                          e_it ~ N(0, psi_i),
    l_it - m_i = phi (l_i,t-1 - m_i) + n_it,           n_it ~ N(0, (1 - phi^2) psi_i K).

So a loading is at all times a draw from ``N(m_i, psi_i K)``, K diagonal, as in a model of random
loadings, but a new one after a while. With phi = 1 the draw is made once. m_i has the mean of
least-squares loadings on a factor among all its assets, K one entry for the market and one for
groups.

Given the factors, the innovations u_it of the filter are independent and their variances are
``psi_i s_it``, where s_it does not depend on psi. So psi_i has a maximum in closed form, the mean
over t of ``u_it^2 / s_it``, and no less than .01. The likelihood, summed over assets, is left as a
function of phi and the two entries of K. Assets with the same groups share the variances: one small
matrix for each pattern of groups is filtered, not one for each asset.

Only the filter is needed: a portfolio is chosen at the end of the data. Loadings h periods ahead
are forecast by ``m + phi^(h-1) (l - m)``, and what is not known of them adds to the variances.

References
----------
Kalman, R. E. (1960). A new approach to linear filtering and prediction problems. Journal of Basic
Engineering 82, 35-45.
Schweppe, F. C. (1965). Evaluation of likelihood functions for Gaussian signals. IEEE Transactions
on Information Theory 11, 61-70.
"""

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

import numpy as np
from scipy.optimize import minimize

from mixfolio._inputs import (
    Array,
    Labels,
    checked,
    label_matrix,
    read_count,
    read_number,
    read_returns,
    require_order,
)
from mixfolio.errors import DataError
from mixfolio.mixed_model._common import Matrix, label_table
from mixfolio.mixed_model._loadings import read_factors, standardise
from mixfolio.mixed_model._variational import FLOOR, Structure

LEAST_PERIODS = 12
SMALLEST_DECAY, LARGEST_DECAY = 1e-6, 5.0  # -log phi
SMALLEST_SPREAD, LARGEST_SPREAD = 1e-5, 1e2  # of K
DECAYS, START_SPREAD = (0.003, 0.02, 0.1, 0.5, 2.0), 0.05  # where the search may start
NUDGE = 1e-4  # for slopes of the likelihood


class Filtered(NamedTuple):
    """What the filter knows when the data end, of a batch of parameters (the leading axis)."""

    log_likelihood: Array  # (n_batch,)
    psi: Array  # (n_batch, n_assets)
    loadings: Array  # (n_batch, n_assets, m): of the coming period
    uncertainty: Array  # (n_batch, n_patterns, m, m): of these, divided by psi


class Design(NamedTuple):
    """Returns, and the factors, mean loadings and pattern of every asset."""

    Z: Array  # (n_periods, n_assets)
    F: Array  # (n_periods, n_patterns, m)
    mean: Array  # (n_assets, m)
    pattern: Any  # (n_assets,)


@dataclass(frozen=True)
class MovingLoadingModel(Generic[Matrix]):
    """A fitted model of loadings that move; see :func:`moving_loadings`.

    Attributes
    ----------
    persistence : float
        phi: correlation of a loading's deviation with that of the period before.
    log_likelihood : float
        Of the standardised returns given the factors, at the maximum over what is not fixed.
    loadings : DataFrame or array of shape (n_assets, n_factors)
        Forecast for the period after the data, per unit of a factor, for returns in units of their
        standard deviations.
    mean_loadings : DataFrame or array of shape (n_assets, n_factors)
        What they return to.
    spread : dict of str to float
        Variance of loadings over that of the specific returns, for the market and for groups.
    """

    persistence: float
    log_likelihood: float
    loadings: Matrix
    mean_loadings: Matrix
    spread: dict[str, float]
    _psi: Array = field(repr=False)
    _known: Array = field(repr=False)  # per asset: trace of its loadings' uncertainty, factors
    _unknown: Array = field(repr=False)  # the same when nothing is known of the loadings
    _factors: Array = field(repr=False)  # covariance of the factors
    _scale: Array = field(repr=False)
    _labels: Labels | None = field(repr=False)

    def covariance(self, horizon: int = 1) -> Matrix:
        """Covariance of returns some periods after the data.

        Parameters
        ----------
        horizon : int
            1 is the period after the data.

        Returns
        -------
        DataFrame or ndarray of shape (n_assets, n_assets)
            Per period; positive definite.
        """
        kept = self.persistence ** (read_count(horizon, "horizon") - 1)
        mean = np.asarray(self.mean_loadings)
        L = mean + kept * (np.asarray(self.loadings) - mean)
        V = L @ self._factors @ L.T
        doubt = kept**2 * self._known + (1 - kept**2) * self._unknown
        V.flat[:: len(L) + 1] += self._psi * (1 + doubt)
        found: Matrix = label_matrix(V * np.outer(self._scale, self._scale), self._labels)
        return found


@checked
def moving_loadings(
    returns: Matrix, groups: Any = None, *, persistence: float | None = None
) -> MovingLoadingModel[Matrix]:
    """Fit loadings that move, on indexes of the market and of groups.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns without gaps, oldest first.
    groups : optional
        As in :func:`random_loadings`.
    persistence : float, optional
        phi, above 0 and at most 1, instead of the most likely one. With 1 loadings are constant.

    Returns
    -------
    MovingLoadingModel

    Raises
    ------
    DataError
        If the returns are unusable or have fewer than 12 periods, an asset never moves, the groups
        cannot be used, or the persistence is out of range.

    Notes
    -----
    The index of the market is the mean of the standardised returns, that of a group the mean of
    what is left of its members; both are taken as given, though a member has a small part in them.
    A group of one asset has no index, as in :func:`random_loadings`.

    The specific variances do not change with time. Where periods differ much in size, loadings that
    change every week pass for the missing variances and win the likelihood. Even the periods out
    first, by :func:`even_periods`.

    Examples
    --------
    Loadings of stocks on the market and on their sector hardly move from one week to the next:

    >>> from mixfolio import datasets, mixed_model
    >>> sector = datasets.groups("stocks-daily")
    >>> returns = datasets.load("stocks-weekly").loc["2010":"2014", sector.index]
    >>> round(mixed_model.moving_loadings(returns, sector).persistence, 2)
    0.99
    """
    require_order(returns)
    values, labels = read_returns(returns, min_periods=LEAST_PERIODS)
    factors = read_factors(groups, values.shape[1], labels)
    Z, scale = standardise(values, labels)
    structure = Structure(factors.membership)
    F = indexes(Z, factors.membership)
    design = _design(Z, F, structure)
    fixed = None if persistence is None else _decay(persistence)
    x = _most_likely(design, structure, fixed)
    K = _spreads(x[None, 1:], structure)
    found = filtered(design, np.exp(-np.exp(x[:1])), K)
    omega = F.T @ F / (len(F) - 1)
    blocks = structure.blocks(omega)
    known = np.einsum("pab,pba->p", found.uncertainty[0], blocks)
    unknown = np.einsum("pa,paa->p", K[0], blocks)
    names = ("market", "groups")[: x.size - 1]
    return MovingLoadingModel(
        persistence=float(np.exp(-np.exp(x[0]))),
        log_likelihood=float(found.log_likelihood[0]),
        loadings=label_table(structure.table(found.loadings[0]), labels, factors.names),
        mean_loadings=label_table(structure.table(design.mean), labels, factors.names),
        spread=dict(zip(names, np.exp(x[1:]).tolist(), strict=True)),
        _psi=found.psi[0],
        _known=known[structure.pattern],
        _unknown=unknown[structure.pattern],
        _factors=omega,
        _scale=scale,
        _labels=labels,
    )


def _decay(persistence: float) -> float:
    """log(-log phi), at its lower bound for phi = 1."""
    phi = read_number(persistence, "persistence")
    if not 0 < phi <= 1:
        raise DataError(f"persistence is {phi}; it must be above 0 and at most 1.")
    return float(np.log(max(-np.log(phi), SMALLEST_DECAY)))


def indexes(Z: Array, membership: Array) -> Array:
    """Factors of variance one: in turn the mean of members, less what the factors before explain.

    Parameters
    ----------
    Z : ndarray of shape (n_periods, n_assets)
        Centred returns.
    membership : ndarray of shape (n_assets, n_factors)
        Zeros and ones.

    Returns
    -------
    ndarray of shape (n_periods, n_factors)
    """
    left, F = Z.copy(), np.empty((len(Z), membership.shape[1]))
    for j, members in enumerate(membership.T > 0):
        f = left[:, members].mean(axis=1)
        F[:, j] = f / f.std(ddof=1)
        left[:, members] -= np.outer(F[:, j], F[:, j] @ left[:, members]) / (len(Z) - 1)
    return F


def _design(Z: Array, F: Array, structure: Structure) -> Design:
    """Factors by pattern, and mean loadings: those of least squares, over the assets of each."""
    of_pattern = F[:, structure.columns] * structure.live
    cross = np.einsum("tpa,tpb->pab", of_pattern, of_pattern)
    idle = np.arange(cross.shape[1])
    cross[:, idle, idle] += 1 - structure.live
    with_returns = np.einsum("tia,ti->ia", of_pattern[:, structure.pattern], Z)
    slopes = np.linalg.solve(cross[structure.pattern], with_returns[..., None])[..., 0]
    mean = structure.table(slopes).sum(axis=0) / structure.count
    return Design(Z, of_pattern, structure.places(structure.membership * mean), structure.pattern)


def _spreads(x: Array, structure: Structure) -> Array:
    """K of every pattern, (n_batch, n_patterns, m), from logarithms for the market and groups."""
    of_groups = (structure.columns > 0).astype(int) * (x.shape[1] - 1)
    return np.asarray(np.exp(x)[:, of_groups] * structure.live)


def filtered(design: Design, phi: Array, K: Array) -> Filtered:
    """Run the filter for a batch of parameters.

    Parameters
    ----------
    design : Design
    phi : ndarray of shape (n_batch,)
    K : ndarray of shape (n_batch, n_patterns, m)

    Returns
    -------
    Filtered
    """
    Z, F, mean, pattern = design
    T, m = len(Z), K.shape[2]
    keep = phi[:, None, None]
    kept, fresh = (keep**2)[..., None], (1 - keep**2) * K
    diagonal = np.arange(m)
    P = np.zeros((*K.shape, m))
    P[..., diagonal, diagonal] = K
    away = np.zeros((len(phi), *mean.shape))  # l - m
    log_s, squares = np.zeros((len(phi), K.shape[1])), np.zeros((len(phi), len(mean)))
    left = Z - np.einsum("tia,ia->ti", F[:, pattern], mean)
    for t in range(T):
        f = F[t]
        Pf = (P @ f[:, :, None])[..., 0]
        s = 1 + (Pf * f).sum(axis=-1)
        gain = Pf / s[..., None]
        innovation = left[t] - (away * f[pattern]).sum(axis=-1)
        squares += innovation**2 / s[:, pattern]
        log_s += np.log(s)
        away = keep * (away + gain[:, pattern] * innovation[..., None])
        P = kept * (P - gain[..., :, None] * Pf[..., None, :])
        P[..., diagonal, diagonal] += fresh
    psi = np.maximum(squares / T, FLOOR)
    own = T * np.log(2 * np.pi * psi) + squares / psi + log_s[:, pattern]
    return Filtered(-own.sum(axis=-1) / 2, psi, mean + away, P)


def _most_likely(design: Design, structure: Structure, fixed: float | None) -> Array:
    """log(-log phi) and the logarithms of K, of highest likelihood, by slopes of differences."""
    n = 2 if structure.n_factors > 1 else 1
    bounds = [(np.log(SMALLEST_DECAY), np.log(LARGEST_DECAY))] if fixed is None else [(fixed,) * 2]
    bounds += [(np.log(SMALLEST_SPREAD), np.log(LARGEST_SPREAD))] * n
    moves = NUDGE * np.vstack([np.zeros(1 + n), np.eye(1 + n), -np.eye(1 + n)])

    def climb(x: Array) -> tuple[float, Array]:
        batch = x + moves
        phi = np.exp(-np.exp(batch[:, 0]))
        values = filtered(design, phi, _spreads(batch[:, 1:], structure)).log_likelihood
        slopes = (values[1 : 2 + n] - values[2 + n :]) / (2 * NUDGE)
        return -float(values[0]) / design.Z.size, -slopes / design.Z.size

    starts = np.log(DECAYS) if fixed is None else np.array([fixed])
    starts = np.column_stack([starts, np.full((len(starts), n), np.log(START_SPREAD))])
    K = _spreads(starts[:, 1:], structure)
    heights = filtered(design, np.exp(-np.exp(starts[:, 0])), K).log_likelihood
    start = starts[int(heights.argmax())]
    options = {"gtol": 1e-8, "ftol": 1e-12}
    found = minimize(climb, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)
