"""Likelihood of a panel with persistent effects, from sums over its cells.

With ratios g = s / s_e of variances, the covariance of the observed cells is V = s_e H(g). Let X
(n_cells x p) be the regressors, W = [X y], Z the incidence of assets, Q = Z'Z = diag(n) with n the
periods seen of each asset, and G = sum_k g_k K_k. Everything the likelihood needs is

    E = [W Z]' H^-1 [W Z] = F - F_z S F_z',    F = [W Z]'[W Z],    S = (G^-1 + Q)^-1,

of p + 1 + N rows; the covariance of all cells, NT x NT, is never formed. With
q = E_yy - E_yx E_xx^-1 E_xy the restricted log-likelihood is

    -1/2 ((n_cells - p) log(2 pi s_e) + q / s_e + log|H| + log|E_xx|),    log|H| = log|I + G Q|,

in the convention of lme4; full maximum likelihood leaves out log|E_xx| and counts all cells.

With one kernel and no period effect, one eigendecomposition of Q^1/2 K Q^1/2 makes E diagonal in z,
balanced or not: a value of g costs O(N), and s_e has a closed form. A period effect replaces F by
F - sum_t c_t f_t f_t', with f_t the sums over period t, m_t the assets seen in it, and
c_t = g_p / (1 + m_t g_p). Then, and with several kernels, a value of g costs O(N^3 + T N^2).

References
----------
Henderson, C. R. (1984). Applications of linear models in animal breeding. University of Guelph.
Kang, H. M. et al. (2008). Efficient control of population structure in model organism association
mapping. Genetics 178, 1709-1723. The eigendecomposition, for one record per individual.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.linalg import eigh, lu_factor, lu_solve
from scipy.optimize import brentq

from mixfolio._inputs import Array
from mixfolio.errors import ConvergenceError

Method: TypeAlias = Literal["reml", "ml"]
Objective: TypeAlias = Callable[[Array], tuple[float, Array]]

SCORE_TOLERANCE = 1e-7
ROUNDING = 1e-5  # a score below it that Newton steps no longer lower is rounding
GRID = np.append(0.0, np.logspace(-8, 8, 33))


@dataclass(frozen=True)
class Cells:
    """Sums over the observed cells of a panel.

    Attributes
    ----------
    rows : ndarray of shape (n_periods, p + 1 + n_assets)
        Sums of [X y Z] over the cells of each period. X is orthonormal over all cells.
    gram : ndarray of shape (p + 1 + n_assets, p + 1 + n_assets)
        F = [X y Z]'[X y Z].
    kernels : tuple of ndarray of shape (n_assets, n_assets)
    period : bool
        Whether there is an effect of each period.
    """

    rows: Array
    gram: Array
    kernels: tuple[Array, ...]
    period: bool

    @property
    def width(self) -> int:
        """Columns of W = [X y]."""
        return len(self.gram) - len(self.kernels[0])

    @property
    def counts(self) -> Array:
        """Periods seen of each asset."""
        return np.diagonal(self.gram)[self.width :]

    @property
    def seen(self) -> Array:
        """Assets seen in each period."""
        counts: Array = self.rows[:, self.width :].sum(axis=1)
        return counts

    @property
    def scale(self) -> Array:
        """Variances, in units of the residual one, that make a mean half noise; 1 at the end."""
        kernels = [1.0 / (self.counts @ np.diagonal(K) / len(K)) for K in self.kernels]
        return np.array([*kernels, *([1.0 / self.seen.mean()] if self.period else []), 1.0])

    def freedom(self, method: Method) -> int:
        """Cells, less the fixed effects for REML."""
        return int(self.counts.sum()) - (self.width - 1 if method == "reml" else 0)


@dataclass(frozen=True)
class _Absorbed:
    """E over W and log|H|, and their derivatives by the ratios; leading axes are allowed."""

    gram: Array
    slopes: Array
    logdet: Any
    traces: Array


class Eigen:
    """One kernel and no period effect: O(N) per ratio after one eigendecomposition."""

    def __init__(self, cells: Cells) -> None:
        k, kernel = cells.width, cells.kernels[0]
        # With Q^1/2 K Q^1/2 = U diag(d) U' and T = [W'Z] Q^-1/2 U, the identity of Woodbury gives
        # E = W'W - T T' + T diag(1 / (1 + g d)) T', and |H| = prod(1 + g d). An asset without a
        # return has Q = 0: its row of Z'W is zero, and so is what `inverse` makes of it.
        root = np.sqrt(cells.counts)
        inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
        scores = cells.gram[:k, k:] * inverse
        if np.count_nonzero(kernel) == np.count_nonzero(np.diagonal(kernel)):
            self.values = cells.counts * np.diagonal(kernel)
        else:
            scaled = root[:, None] * kernel * root
            values, vectors = eigh(scaled, driver="evd", overwrite_a=True, check_finite=False)
            self.values, scores = np.maximum(values, 0.0), scores @ vectors
        self.scores = scores
        self.within = cells.gram[:k, :k] - scores @ scores.T

    def __call__(self, ratios: Array) -> _Absorbed:
        """At one ratio, shape (1,), or at many, shape (..., 1)."""
        kept = 1.0 / (1.0 + ratios * self.values)
        weight = self.values * kept  # derivative of log(1 + g d) by g
        gram = self.within + (self.scores * kept[..., None, :]) @ self.scores.T
        slopes = (self.scores * (-weight * kept)[..., None, :]) @ self.scores.T
        traces = weight.sum(axis=-1)[..., None]
        return _Absorbed(gram, slopes[..., None, :, :], -np.log(kept).sum(axis=-1), traces)


class Dense:
    """Several kernels or a period effect: O(N^3 + T N^2) per vector of ratios."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    def __call__(self, ratios: Array) -> _Absorbed:
        """At one vector of ratios: the kernels, then the period effect."""
        cells, k = self.cells, self.cells.width
        # dH^-1 / dg_k = -H^-1 Z K Z' H^-1, so that the slope of E is -E_wz K E_zw, and that of
        # log|H| is tr(E_zz K); no matrix has more than p + 1 + N rows.
        base, shrinker, logdet = _absorb(cells, ratios)
        carried = shrinker @ base[k:]
        gram = base[:k] - base[:k, k:] @ carried
        across = base[k:, k:] - base[k:, k:] @ carried[:, k:]
        cross = gram[:, k:]
        slopes = [-cross @ kernel @ cross.T for kernel in cells.kernels]
        traces = [float((across * kernel).sum()) for kernel in cells.kernels]
        if cells.period:
            # The same with the incidence of periods in place of Z: `through` is its product with
            # H^-1 W, one row per period. kept_t is what period t leaves of a sum over its cells.
            kept = 1.0 / (1.0 + cells.seen * ratios[-1])
            inner = cells.rows[:, k:]
            through = (cells.rows[:, :k] - inner @ carried[:, :k]) * kept[:, None]
            slopes.append(-through.T @ through)
            trace = ((inner @ shrinker) * inner).sum(axis=1) @ kept**2
            traces.append(float(cells.seen @ kept - trace))
        return _Absorbed(gram[:, :k], np.array(slopes), logdet, np.array(traces))


def _absorb(cells: Cells, ratios: Array) -> tuple[Array, Array, float]:
    """F without the period effects, S = (I + G Q)^-1 G, and log|H|."""
    k, base, logdet = cells.width, cells.gram, 0.0
    if cells.period:
        # The effects of the periods are integrated out first, one Sherman-Morrison step each.
        spread = 1.0 + cells.seen * ratios[-1]
        base = base - (cells.rows.T * (ratios[-1] / spread)) @ cells.rows
        logdet = float(np.log(spread).sum())
    # S = (G^-1 + Q)^-1 as (I + G Q)^-1 G: G may be singular, and is where a component is zero.
    prior = _prior(cells, ratios)
    system = prior @ base[k:, k:]
    np.fill_diagonal(system, np.diagonal(system) + 1.0)
    factor = lu_factor(system, overwrite_a=True, check_finite=False)
    logdet += float(np.log(np.abs(np.diagonal(factor[0]))).sum())
    shrinker = lu_solve(factor, prior, check_finite=False)
    return base, (shrinker + shrinker.T) / 2, logdet


def _prior(cells: Cells, ratios: Array) -> Array:
    return np.tensordot(ratios[: len(cells.kernels)], np.array(cells.kernels), axes=1)


def criterion(absorbed: _Absorbed, method: Method) -> tuple[Any, Array, Any, Array]:
    """The parts of the likelihood that depend on the ratios.

    Parameters
    ----------
    absorbed : what an Eigen or a Dense gives
    method : {"reml", "ml"}

    Returns
    -------
    q : float
        y'Py in units of the residual variance.
    q_slopes : ndarray of shape (n_ratios,)
    logdet : float
        log|H|, plus log|E_xx| for REML.
    traces : ndarray of shape (n_ratios,)
        Its derivatives.
    """
    gram, p = absorbed.gram, absorbed.gram.shape[-1] - 1
    # q = d'E d at d = (-E_xx^-1 E_xy, 1), which minimizes it: by the envelope theorem its slope is
    # d'(dE)d, and the slope of d does not matter.
    inverse = np.linalg.inv(gram[..., :p, :p])
    direction = np.ones((*gram.shape[:-2], p + 1, 1))
    direction[..., :p, :] = -inverse @ gram[..., :p, p:]
    q = (gram[..., p:, :] @ direction)[..., 0, 0]
    along = direction[..., None, :, :]
    q_slopes = (along.swapaxes(-1, -2) @ absorbed.slopes @ along)[..., 0, 0]
    logdet, traces = absorbed.logdet, absorbed.traces
    if method == "reml":
        # log|E_xx| = -log|inverse|, with slope tr(E_xx^-1 dE_xx).
        logdet = logdet - np.linalg.slogdet(inverse)[1]
        lost = inverse[..., None, :, :] * absorbed.slopes[..., :p, :p]
        traces = traces + lost.sum(axis=(-1, -2))
    return q, q_slopes, logdet, traces


def profile(engine: Eigen | Dense, ratios: Array, freedom: int, method: Method) -> Any:
    """Log-likelihood by the ratios alone, with the best residual variance for each.

    Parameters
    ----------
    engine : Eigen or Dense
    ratios : ndarray of shape (..., n_ratios)
    freedom : int
    method : {"reml", "ml"}

    Returns
    -------
    value, score, residual : float, ndarray of shape (..., n_ratios), float
    """
    q, q_slopes, logdet, traces = criterion(engine(ratios), method)
    value = -0.5 * (freedom * (np.log(q / freedom) + 1.0) + logdet)
    score = -0.5 * (freedom * q_slopes / q[..., None] + traces)
    return value, score, q / freedom


def objective(engine: Eigen | Dense, freedom: int, method: Method) -> Objective:
    """Log-likelihood and score by the variances themselves, the residual last.

    Parameters
    ----------
    engine : Eigen or Dense
    freedom : int
    method : {"reml", "ml"}

    Returns
    -------
    function of an ndarray of shape (n_components,) that gives a float and its gradient
    """

    def value_and_score(theta: Array) -> tuple[float, Array]:
        # Chain rule from (g, s_e) to s = (g s_e, s_e): ds_k moves g_k alone, ds_e moves s_e and,
        # with the other variances held, every ratio.
        ratios, residual = theta[:-1] / theta[-1], theta[-1]
        q, q_slopes, logdet, traces = criterion(engine(ratios), method)
        value = -0.5 * (freedom * np.log(residual) + q / residual + logdet)
        by_ratio = -0.5 * (q_slopes / residual + traces)
        by_residual = -0.5 * (freedom - q / residual) - by_ratio @ ratios
        return float(value), np.append(by_ratio, by_residual) / residual

    return value_and_score


# ----------------------------------------------------------------------------- the search


def search_ratio(engine: Eigen, freedom: int, method: Method) -> tuple[Array, float]:
    """Variances of the effect and the residual: a grid of ratios, then the root of the score.

    Parameters
    ----------
    engine : Eigen
    freedom : int
    method : {"reml", "ml"}

    Returns
    -------
    theta : ndarray of shape (2,)
    value : float
    """
    grid = GRID / engine.values.mean()
    values, scores, _ = profile(engine, grid[:, None], freedom, method)
    best = int(np.argmax(values))
    # The likelihood may have several optima: the root is sought beside the best point of the grid,
    # where the score changes its sign from plus to minus, and on a finer grid once more.
    low = best if scores[best, 0] > 0 else max(best - 1, 0)
    high = min(low + 1, len(grid) - 1)
    ratio = grid[best]
    if scores[low, 0] > 0 > scores[high, 0]:
        finer = np.linspace(grid[low], grid[high], 18)
        fine = profile(engine, finer[:, None], freedom, method)[1][:, 0]
        place = int(np.flatnonzero((fine[:-1] > 0) & (fine[1:] <= 0))[0])
        known = {finer[place]: fine[place], finer[place + 1]: fine[place + 1]}
        ratio = brentq(
            lambda g: known[g] if g in known else _score(engine, g, freedom, method),
            *known,
            xtol=1e-12 * finer[place + 1],
        )
    value, _, residual = profile(engine, np.array([ratio]), freedom, method)
    return np.array([ratio * residual, residual]), float(value)


def _score(engine: Eigen, ratio: float, freedom: int, method: Method) -> float:
    return float(profile(engine, np.array([ratio]), freedom, method)[1][0])


def best_start(cells: Cells, engine: Dense, method: Method) -> Array:
    """The most likely of some splits of the variance.

    Parameters
    ----------
    cells : Cells
    engine : Dense
    method : {"reml", "ml"}

    Returns
    -------
    ndarray of shape (n_components,)
    """
    unit = cells.scale[:-1]
    patterns = np.vstack([np.ones(len(unit)), np.eye(len(unit)) + 0.05])
    best, highest = np.empty(0), -np.inf
    for ratios in np.vstack([size * patterns * unit for size in (0.1, 1.0, 10.0, 1000.0)]):
        value, _, residual = profile(engine, ratios, cells.freedom(method), method)
        if value > highest:
            best, highest = np.append(ratios, 1.0) * residual, value
    return best


def maximise(
    function: Objective, start: Array, held: Any, scale: Array, max_iterations: int
) -> tuple[Array, float]:
    """Projected Newton ascent: variances stay nonnegative, those `held` do not move.

    Parameters
    ----------
    function : Objective
    start : ndarray of shape (n_components,)
    held : ndarray of bool of shape (n_components,)
    scale : ndarray of shape (n_components,)
        Typical sizes, in units of the last component.
    max_iterations : int

    Returns
    -------
    theta : ndarray of shape (n_components,)
    value : float

    Raises
    ------
    ConvergenceError
        If the score does not vanish.
    """
    theta, last = start.copy(), np.inf
    value, score = function(theta)
    for _ in range(max_iterations):
        # Steps and scores are in units of each variance: these may differ by orders of magnitude.
        unit = np.maximum(theta, 0.01 * theta[-1] * scale)
        resting = ~held & (theta <= 1e-9 * unit) & (score <= 0)
        if theta[resting].any():
            theta = np.where(resting, 0.0, theta)
            value, score = function(theta)
        free = ~held & ~resting
        gain = float(np.abs(score * unit)[free].max(initial=0.0))
        stalled = gain < ROUNDING and gain > last / 2
        if gain < SCORE_TOLERANCE or stalled:
            return theta, value
        last = gain
        moved = _line_search(
            function, theta, _newton_step(function, theta, score, free, unit), value
        )
        if moved is None:
            break
        theta, value, score = moved
    raise ConvergenceError(
        f"the variance components were not found in {max_iterations} steps: 1% of one still "
        f"changes the log-likelihood by {gain / 100:.2g}. Allow more with max_iterations, or leave "
        "out a component."
    )


def _newton_step(function: Objective, theta: Array, score: Array, free: Any, unit: Array) -> Array:
    """Uphill step of the free components: curvature by differences of the score, made negative."""
    places = np.flatnonzero(free)
    curvature = np.empty((len(places), len(places)))
    for row, j in enumerate(places):
        width = 1e-4 * unit * (np.arange(len(theta)) == j)
        up, down = theta + width, np.maximum(theta - width, 0.0)
        slope = (function(up)[1] - function(down)[1]) / (up[j] - down[j])
        curvature[row] = slope[places] * unit[places] * unit[j]
    # Where the likelihood is not concave, Newton would go downhill: |eigenvalues| turn it uphill.
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    size = np.abs(values)
    uphill = vectors.T @ (score * unit)[places] / np.maximum(size, 1e-9 * size.max())
    step = np.zeros_like(theta)
    step[places] = unit[places] * (vectors @ uphill)
    return step


def _line_search(
    function: Objective, theta: Array, step: Array, value: float
) -> tuple[Array, float, Array] | None:
    """The longest of halved steps that does not go downhill."""
    for power in range(40):
        trial = np.maximum(theta + 0.5**power * step, 0.0)
        if trial[-1] <= 0.1 * theta[-1]:
            continue
        found, score = function(trial)
        if found >= value - 1e-12 * (1 + abs(value)):
            return trial, found, score
    return None


def interval(
    excess: Callable[[float], float], best: float, unit: float, *, positive: bool = False
) -> tuple[float, float]:
    """Where a function, negative at the optimum, crosses zero on both sides.

    Parameters
    ----------
    excess : function of a float
    best : float
        The optimum.
    unit : float
        A typical size, where to look first if the optimum is zero.
    positive : bool
        Whether zero is out of the question.

    Returns
    -------
    lower, upper : float
        The lower end is 0 where the function is not positive there.
    """
    high = max(2 * best, unit)
    while excess(high) < 0:
        high *= 2
    upper = float(brentq(excess, best, high, xtol=1e-8 * high))
    if best == 0 or (not positive and excess(0.0) <= 0):
        return 0.0, upper
    low = best / 2 if positive else 0.0
    while excess(low) < 0:
        low /= 2
    return float(brentq(excess, low, best, xtol=1e-8 * best)), upper


# ---------------------------------------------------------------------------- predictions


@dataclass(frozen=True)
class Solution:
    """The solution of Henderson's mixed-model equations, for rotated regressors.

    Attributes
    ----------
    fixed : ndarray of shape (p,)
    fixed_variance : ndarray of shape (p, p)
    effects : ndarray of shape (n_kernels, n_assets)
        Predictions of the effects of every kernel.
    prior : ndarray of shape (n_assets,)
        Variances of the sum of the effects.
    error : ndarray of shape (n_assets,)
        Prediction error variances of that sum.
    cross : ndarray of shape (p, n_assets)
        Covariances of the errors of the fixed effects and of that sum.
    """

    fixed: Array
    fixed_variance: Array
    effects: Array
    prior: Array
    error: Array
    cross: Array


def solve(cells: Cells, theta: Array) -> Solution:
    """Fixed and random effects, given the variances.

    Parameters
    ----------
    cells : Cells
    theta : ndarray of shape (n_components,)

    Returns
    -------
    Solution
    """
    k, p = cells.width, cells.width - 1
    ratios, residual = theta[:-1] / theta[-1], theta[-1]
    base, shrinker, _ = _absorb(cells, ratios)
    # E over [W Z] and W: generalized least squares, then u = G Z'H^-1 (y - X b).
    gram = base[:, :k] - base[:, k:] @ (shrinker @ base[k:, :k])
    inverse = np.linalg.inv(gram[:p, :p])
    fixed = inverse @ gram[:p, p]
    signal = gram[k:, p] - gram[k:, :p] @ fixed
    prior = _prior(cells, ratios)
    # With b known the error variance of u is s_e S; that b is estimated adds X'H^-1 Z G's share.
    across = gram[k:, :p].T @ prior
    error = np.diagonal(shrinker) + (across * (inverse @ across)).sum(axis=0)
    return Solution(
        fixed,
        residual * inverse,
        np.array([g * (K @ signal) for g, K in zip(ratios, cells.kernels, strict=False)]),
        residual * np.diagonal(prior),
        residual * error,
        -residual * inverse @ across,
    )
