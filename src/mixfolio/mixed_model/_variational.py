r"""Random loadings by variational Bayes: the rounds behind ``_loadings.py``.

Standardised returns of asset i are normal given k latent factors f and the asset's loadings L_i,

    r_it = sum_j L_ij f_jt + e_it,    f_jt ~ N(0, 1),    L_ij ~ N(m_j, v_j),    e_it ~ N(0, psi_i),

with L_ij = 0 where asset i is not in j. The variances have weak inverse-gamma priors. That of v_j
is worth two loadings with a standard deviation of 0.1: it keeps v_j off zero, where rounds would
crawl, and settles small groups. That of psi_i is worth two periods with half of an asset's
variance: without it a group factor may turn into one of its assets, with psi_i = 0 (a Heywood
case). The posterior is approximated by q(f) q(L), both normal. The objective is the evidence

    E_q[log p(r, f, L)] - E_q[log q(f) q(L)] + log p(v, psi)  <=  log p(r | m, v, psi) p(v, psi).

One round raises it in three steps, each of them the best there is given the others, so that no
round can lower it. With S the sample correlation of n degrees of freedom, and l_i the mean and C_i
the covariance of the loadings of asset i:

1. Factors: ``F = (I + sum_i (l_i l_i' + C_i) / psi_i)^-1``, ``G = F L' Psi^-1``, and from them
   ``A = S G'`` and ``B = F + G S G'``.
2. Loadings: ``C_i = (n B / psi_i + 1 / v)^-1`` and ``l_i = m + C_i (A_i - B m) n / psi_i``.
3. Parameters: ``psi_i = S_ii - 2 l_i'A_i + l_i'B l_i + tr(B C_i)``, and the moments of the loadings
   for m and v; psi and v are averaged with their priors.

A_i, B, m and v stand for their parts that concern asset i. Assets in the same groups share B and v,
so that one small eigendecomposition, ``v^1/2 B v^1/2 = U diag(d) U'``, gives all their C_i as
``H diag(g_i) H'`` with ``H = v^1/2 U`` and ``g_i = 1 / (1 + n d / psi_i)``.

SQUAREM leaps ahead along the last two rounds. A leap that does not raise the evidence is taken
back.

References
----------
Martin, J. K. and McDonald, R. P. (1975). Bayesian estimation in unrestricted factor analysis: a
treatment for Heywood cases. Psychometrika 40, 505-517.
Bishop, C. M. (1999). Variational principal components. Proceedings of the 9th International
Conference on Artificial Neural Networks, 509-514.
Varadhan, R. and Roland, C. (2008). Simple and globally convergent methods for accelerating the
convergence of any EM algorithm. Scandinavian Journal of Statistics 35, 335-353.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixfolio._inputs import Array

Times: TypeAlias = Callable[[Array], Array]  # X -> S X

PRIOR_COUNT, PRIOR_VARIANCE = 2.0, 0.1**2  # of the variance of loadings
PRIOR_PERIODS, PRIOR_SHARE = 2.0, 0.5  # of the specific variances
FLOOR = 0.01  # least specific share of an asset's variance
TOLERANCE = 1e-8  # gain of a round, per asset and period, at which the rounds end


class Structure:
    """Who loads on what. Assets in the same groups share a pattern of at most m factors.

    Where a pattern has fewer than m factors the other places are idle: they point at factor 0 and
    hold zeros.

    Parameters
    ----------
    membership : ndarray of shape (n_assets, n_factors)
        Zeros and ones; every asset and every factor has a one.
    """

    def __init__(self, membership: Array) -> None:
        patterns, pattern = np.unique(membership, axis=0, return_inverse=True)
        columns = np.argsort(-patterns, axis=1, kind="stable")
        columns = columns[:, : int(patterns.sum(axis=1).max())]
        self.n_assets, self.n_factors = membership.shape
        self.pattern: NDArray[np.intp] = pattern.ravel()
        self.live: Array = np.take_along_axis(patterns, columns, axis=1)  # (n_patterns, m)
        self.columns: NDArray[np.intp] = np.where(self.live > 0, columns, 0)
        self.count: Array = membership.sum(axis=0)
        self.of_pattern: Array = (np.arange(len(patterns))[:, None] == self.pattern).astype(float)
        self.membership = membership
        self._used = (self.live > 0)[self.pattern]
        self._rows, place = np.nonzero(self._used)
        self._factors = self.columns[self.pattern[self._rows], place]

    def table(self, places: Array) -> Array:
        """(n_assets, m) -> (n_assets, n_factors)."""
        wide = np.zeros((self.n_assets, self.n_factors))
        wide[self._rows, self._factors] = places[self._used]
        return wide

    def places(self, table: Array) -> Array:
        """(n_assets, n_factors) -> (n_assets, m)."""
        narrow = np.zeros(self._used.shape)
        narrow[self._used] = table[self._rows, self._factors]
        return narrow

    def blocks(self, matrix: Array) -> Array:
        """(n_factors, n_factors) -> (n_patterns, m, m): the factors of each pattern."""
        found = matrix[self.columns[:, :, None], self.columns[:, None, :]]
        return np.asarray(found * (self.live[:, :, None] * self.live[:, None, :]))

    def sum_blocks(self, blocks: Array) -> Array:
        """(n_patterns, m, m) -> (n_factors, n_factors)."""
        total = np.zeros((self.n_factors, self.n_factors))
        np.add.at(total, (self.columns[:, :, None], self.columns[:, None, :]), blocks)
        return total


class State(NamedTuple):
    """What one round hands to the next.

    `loadings` and `variances` are the posterior means and variances of the loadings, of shape
    (n_assets, m); `noise` is ``sum_i C_i / psi_i``, of shape (n_factors, n_factors); `psi` has one
    entry per asset, `mean` and `variance` one per factor.
    """

    loadings: Array
    variances: Array
    noise: Array
    psi: Array
    mean: Array
    variance: Array


@dataclass(frozen=True)
class Fit:
    """The end of the rounds: the last state, the evidence on the way, and whether it settled."""

    state: State
    evidence: list[float]
    rounds: int
    converged: bool


def moments(Z: Array) -> Times:
    """The map X -> S X with S = Z'Z / n and n = n_periods - 1, by the cheaper way."""
    n_periods, n_assets = Z.shape
    if n_periods < n_assets:
        return lambda X: Z.T @ (Z @ X) / (n_periods - 1)
    S = Z.T @ Z / (n_periods - 1)
    return lambda X: S @ X


def start(Z: Array, structure: Structure) -> State:
    """Equal loadings that give the mean correlation of all assets, and what groups have more."""
    q = structure.count
    sums = np.square(Z @ structure.membership).sum(axis=0) / (len(Z) - 1)
    correlation = (sums - q) / np.maximum(q * (q - 1), 1)
    correlation[1:] -= correlation[0]
    mean = np.sqrt(np.maximum(correlation, 0.02))
    table = structure.membership * mean
    return State(
        loadings=structure.places(table),
        variances=np.zeros(structure.places(table).shape),
        noise=np.zeros((len(q), len(q))),
        psi=np.maximum(1 - np.square(table).sum(axis=1), 0.2),
        mean=mean,
        variance=np.full(len(q), 0.02),
    )


def _factors(times: Times, structure: Structure, now: State) -> tuple[Array, Array, float]:
    """A, of shape (n_assets, m), B, and log|F|."""
    L = structure.table(now.loadings)
    scaled = L / now.psi[:, None]
    # q(f_t) is N(G r_t, F): its precision is I + sum_i E[L_i L_i'] / psi_i, of which `noise` holds
    # the part of the posterior covariances C_i.
    precision = np.eye(structure.n_factors) + scaled.T @ L + now.noise
    F = np.linalg.inv(precision)
    # A and B are the moments of r_t and E[f_t], and of f_t, over the periods; S stays implicit.
    A = times(scaled) @ F
    B = F + F @ (scaled.T @ A)
    return structure.places(A), (B + B.T) / 2, -float(np.linalg.slogdet(precision)[1])


class _Posterior(NamedTuple):
    """q(L), and what the data leave: C_i is ``H diag(gain_i) H'`` with the H of its pattern."""

    loadings: Array  # (n_assets, m)
    gain: Array  # (n_assets, m)
    H: Array  # (n_patterns, m, m)
    residual: Array  # (n_assets,): expected squared error
    divergence: float  # of q(L) from the population of loadings


def _posterior(structure: Structure, n: float, now: State, A: Array, B: Array) -> _Posterior:
    pattern, psi = structure.pattern, now.psi
    blocks = structure.blocks(B)
    mean = now.mean[structure.columns] * structure.live
    root = np.sqrt(now.variance[structure.columns]) * structure.live
    # One eigendecomposition per pattern, v^1/2 B v^1/2 = U diag(d) U', diagonalizes the posterior
    # of all its assets: with H = v^1/2 U, H'B H = diag(d). An idle place has root 0 and a row of
    # zeros in H.
    d, U = np.linalg.eigh(root[:, :, None] * blocks * root[:, None, :])
    d, H = np.maximum(d, 0.0)[pattern], root[:, :, None] * U
    gain = 1 / (1 + n * d / psi[:, None])
    surprise = A - np.einsum("pab,pb->pa", blocks, mean)[pattern]
    # l_i = m + C_i (A_i - B m) n / psi_i in the coordinates of H: l_i = m + H z_i.
    z = gain * np.einsum("iab,ia->ib", H[pattern], surprise) * (n / psi)[:, None]
    loadings = mean[pattern] + np.einsum("iab,ib->ia", H[pattern], z)
    explained = np.einsum("iab,ib->ia", blocks[pattern], loadings) - 2 * A
    # S_ii = 1, and tr(B C_i) = sum(gain_i d).
    residual = 1 + (loadings * explained).sum(axis=1) + (gain * d).sum(axis=1)
    # Kullback-Leibler, of N(m + H z, H diag(gain) H') from N(m, v).
    divergence = 0.5 * float(np.sum(gain - 1 - np.log(gain) + np.square(z)))
    return _Posterior(loadings, gain, H, residual, divergence)


def advance(times: Times, n: float, structure: Structure, now: State) -> tuple[float, State]:
    """One round: the evidence, with the parameters it began with, and the new state."""
    A, B, log_F = _factors(times, structure, now)
    q = _posterior(structure, n, now, A, B)
    # E_q[log p(r | f, L)], less the divergences of q(f) and q(L), plus the log priors.
    evidence = -n / 2 * float(np.sum(np.log(2 * np.pi * now.psi) + q.residual / now.psi))
    evidence -= n / 2 * (float(np.trace(B)) - len(B) - log_F) + q.divergence
    evidence -= _penalty(now.variance, PRIOR_COUNT, PRIOR_VARIANCE)
    evidence -= _penalty(now.psi, PRIOR_PERIODS, PRIOR_SHARE)
    psi = (n * q.residual + PRIOR_PERIODS * PRIOR_SHARE) / (n + PRIOR_PERIODS)
    psi = np.maximum(psi, FLOOR)
    # sum_i C_i / psi_i: the assets of a pattern share H, so their gains are summed first.
    weights = structure.of_pattern @ (q.gain / psi[:, None])
    noise = structure.sum_blocks((q.H * weights[:, None, :]) @ q.H.transpose(0, 2, 1))
    variances = np.einsum("iab,ib->ia", np.square(q.H)[structure.pattern], q.gain)
    population = _population(structure, q.loadings, variances)
    return evidence, State(q.loadings, variances, noise, psi, *population)


def _penalty(variance: Array, count: float, at: float) -> float:
    """Minus the log density of a prior worth `count` draws of size `at`, but for a constant."""
    return count / 2 * float(np.sum(np.log(variance) + at / variance))


def _population(structure: Structure, loadings: Array, variances: Array) -> tuple[Array, Array]:
    """Mean and variance of the loadings of every factor among its assets."""
    L, own = structure.table(loadings), structure.table(variances)
    mean = L.sum(axis=0) / structure.count
    square = (np.square((L - mean) * structure.membership) + own).sum(axis=0)
    prior = PRIOR_COUNT * PRIOR_VARIANCE
    return mean, (square + prior) / (structure.count + PRIOR_COUNT)


def fit(Z: Array, structure: Structure, max_rounds: int, begin: State | None = None) -> Fit:
    """Rounds from `begin`, or :func:`start`, until one gains next to nothing.

    Parameters
    ----------
    Z : ndarray of shape (n_periods, n_assets)
        Returns, centred and divided by their standard deviations.
    structure : Structure
    max_rounds : int
        Rounded up to a multiple of three.
    begin : State, optional
        Where an earlier fit ended.

    Returns
    -------
    Fit
    """
    times, n = moments(Z), len(Z) - 1
    now = start(Z, structure) if begin is None else begin
    path, rounds, converged = list[float](), 0, False
    while rounds < max_rounds and not converged:
        # advance() gives the evidence of the state it begins with: third is that of the leap.
        first, one = advance(times, n, structure, now)
        second, two = advance(times, n, structure, one)
        third, three = advance(times, n, structure, _leap(now, one, two))
        path += [first, second]
        now = two
        if third > second:
            path.append(third)
            now = three
        converged = second - first < TOLERANCE * n * structure.n_assets
        rounds += 3
    return Fit(now, path, rounds, converged)


def _leap(old: State, one: State, two: State) -> State:
    """Extrapolate two rounds (Varadhan and Roland, 2008, scheme S3)."""
    # x - 2 a (y - x) + a^2 (z - 2 y + x) with a = -|y - x| / |z - 2 y + x|; a = -1 gives z itself.
    # Variances are extrapolated as logarithms, so that they stay positive. `noise` is left as it
    # was: the round after the leap renews it, and its evidence decides.
    x, y, z = (_pack(state) for state in (old, one, two))
    step, turn = y - x, z - 2 * y + x
    size = float(turn @ turn)
    stride = -max(1.0, np.sqrt(float(step @ step) / size)) if size > 0 else -1.0
    far = x - 2 * stride * step + stride**2 * turn
    n, shape = two.loadings.size, two.loadings.shape
    psi, mean, variance = np.split(far[n:], [len(two.psi), len(two.psi) + len(two.mean)])
    return two._replace(
        loadings=far[:n].reshape(shape),
        psi=np.exp(np.clip(psi, np.log(FLOOR), 2.0)),
        mean=mean,
        variance=np.exp(np.clip(variance, -20.0, 2.0)),
    )


def _pack(state: State) -> Array:
    return np.concatenate(
        [state.loadings.ravel(), np.log(state.psi), state.mean, np.log(state.variance)]
    )
