"""Strictly convex quadratic programs, solved exactly by Goldfarb and Idnani's method.

The problem is

    minimise    1/2 x' Q x - c' x
    subject to  A' x >= b,   the first `n_equalities` of these with equality,

with Q positive definite. The work is done by :func:`quadprog.solve_qp`. This module
scales the problem first, checks the solution against the Karush-Kuhn-Tucker
conditions, and turns refusals into errors that name the cause.

Rounding makes two things hard to see. A singular matrix may have a Cholesky factor: it is
refused when its correlation form is singular to working precision. And where the constraints
leave a single point, the method may find none: it is asked again with the inequalities
relaxed by a relative 1e-12, then 1e-10.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import quadprog
from scipy.linalg import cho_solve

from mixfolio import _linalg
from mixfolio._inputs import Array, checked_but, read_array, read_count
from mixfolio.errors import ConvergenceError, DataError, InfeasibleError

KKT_TOLERANCE = 1e-9
REFINE_ABOVE = 1e-14
RELAXATIONS = (0.0, 1e-12, 1e-10)


@dataclass(frozen=True)
class QuadraticSolution:
    """The minimiser of a quadratic program and the proof that it is one.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The minimiser.
    objective : float
        1/2 x' Q x - c' x.
    multipliers : ndarray of shape (m,)
        One per constraint: how fast the objective rises when its bound is raised.
        Never negative for an inequality, of either sign for an equality.
    kkt_residual : float
        The largest violation of the Karush-Kuhn-Tucker conditions, relative.
    """

    x: Array
    objective: float
    multipliers: Array
    kkt_residual: float


@checked_but("Q", "c", "A", "b")
def solve_quadratic(
    Q: Array, c: Array, A: Array, b: Array, n_equalities: int = 0
) -> QuadraticSolution:
    """Solve a strictly convex quadratic program: minimise ``x'Qx/2 - c'x`` subject to ``A'x >= b``.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric, positive definite.
    c : ndarray of shape (n,)
    A : ndarray of shape (n, m)
        One column per constraint.
    b : ndarray of shape (m,)
    n_equalities : int
        The first so many constraints hold with equality.

    Returns
    -------
    QuadraticSolution

    Raises
    ------
    DataError
        If a number is missing or infinite.
    SingularCovarianceError
        If Q is not positive definite.
    InfeasibleError
        If no x satisfies the constraints.
    ConvergenceError
        If the solution misses the KKT conditions by more than `KKT_TOLERANCE`.

    References
    ----------
    Goldfarb, D. and Idnani, A. (1983). A numerically stable dual method for solving
    strictly convex quadratic programs. Mathematical Programming 27, 1-33.

    Examples
    --------
    The least variance of two assets that sum to one, with at most 0.7 in the first:

    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> A = np.array([[1.0, -1.0], [1.0, 0.0]])
    >>> found = optimization.solve_quadratic(
    ...     np.diag([1.0, 4.0]), np.zeros(2), A, np.array([1.0, -0.7]), n_equalities=1
    ... )
    >>> found.x.round(3).tolist(), found.multipliers.round(3).tolist()
    ([0.7, 0.3], [1.2, 0.5])
    """
    given = {"Q": Q, "c": c, "A": A, "b": b}
    Q, c, A, b = (read_array(values, name) for name, values in given.items())
    _require_shapes(Q, c, A, b, n_equalities)
    factor = _linalg.factorise(Q)
    scale = float(np.trace(Q)) / len(Q)
    lengths = np.linalg.norm(A, axis=0)
    lengths[lengths == 0] = 1.0
    A_unit, b_unit = A / lengths, b / lengths
    if n_equalities == len(b):
        x, multipliers = _equality_constrained(factor, c, A_unit, b_unit)
        miss = np.abs(A.T @ x - b) / lengths
        if miss.max(initial=0.0) > KKT_TOLERANCE * (1 + np.abs(b_unit).max(initial=0.0)):
            raise _infeasible()
    else:
        x, multipliers = _goldfarb_idnani(Q / scale, c / scale, A_unit, b_unit, n_equalities)
        multipliers *= scale
    problem, solution = (Q, c, A, b, n_equalities), (x, multipliers / lengths)
    residual = kkt_residual(*problem, *solution)
    if residual > REFINE_ABOVE:
        refined = _refined(factor, *problem, *solution)
        after = kkt_residual(*problem, *refined)
        if after < residual:
            solution, residual = refined, after
    if not residual <= KKT_TOLERANCE:
        raise ConvergenceError(
            f"the quadratic program was solved only to a KKT residual of {residual:.3g} "
            f"(allowed: {KKT_TOLERANCE:.0e}); its matrix has condition number "
            f"{np.linalg.cond(Q):.3g}. Use a better conditioned covariance (shrink it)."
        )
    x, multipliers = solution
    return QuadraticSolution(x, float(0.5 * x @ Q @ x - c @ x), multipliers, residual)


def _require_shapes(Q: Array, c: Array, A: Array, b: Array, n_equalities: int) -> None:
    n, m = np.size(c), np.size(b)
    if n == 0 or (Q.shape, c.shape, A.shape, b.shape) != ((n, n), (n,), (n, m), (m,)):
        raise DataError(
            f"the quadratic program has Q {Q.shape}, c {c.shape}, A {A.shape} and b {b.shape}; "
            "they must be (n, n), (n,), (n, m) and (m,)."
        )
    read_count(n_equalities, "n_equalities", 0, m)


def long_only_variance(Q: Array) -> Array:
    """Minimise x'Qx / 2 over x >= 0 with sum 1, the program that is asked for most often.

    The solver is that of :func:`solve_quadratic`, without what a general program needs.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric, positive definite, finite.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    SingularCovarianceError
        If Q is not positive definite.
    ConvergenceError
        If the solution misses the KKT conditions by more than `KKT_TOLERANCE`.
    """
    _linalg.require_definite(Q)
    limits, level = _simplex(len(Q))
    scale = len(Q) / Q.diagonal().sum()
    try:
        x: Array = quadprog.solve_qp(Q * scale, level[1:], limits, level, 1)[0]
    except ValueError:
        return solve_quadratic(Q, level[1:], limits, level, 1).x
    slope = Q @ x
    away = (slope - x @ slope) / np.abs(slope).max()
    if not np.abs(np.minimum(x, away)).max() <= REFINE_ABOVE:  # one of both is zero, none below
        return solve_quadratic(Q, level[1:], limits, level, 1).x
    return x.clip(min=0.0)


@lru_cache(maxsize=64)
def _simplex(n: int) -> tuple[Array, Array]:
    """Columns and levels of sum 1 and x >= 0, in the form that the solver takes."""
    return np.hstack([np.ones((n, 1)), np.eye(n)]), np.append(1.0, np.zeros(n))


def _goldfarb_idnani(
    Q: Array, c: Array, A: Array, b: Array, n_equalities: int
) -> tuple[Array, Array]:
    for relaxation in RELAXATIONS:
        level = b.copy()
        level[n_equalities:] -= relaxation * (1 + np.abs(b[n_equalities:]))
        try:
            x, _, _, _, multipliers, _ = quadprog.solve_qp(Q, c, A, level, n_equalities)
        except ValueError:
            continue
        return x, multipliers
    raise _infeasible()


def _equality_constrained(factor: Any, c: Array, A: Array, b: Array) -> tuple[Array, Array]:
    """The closed form: x = Q^-1 (c + A m) with (A' Q^-1 A) m = b - A' Q^-1 c."""
    free, pulled = cho_solve(factor, c), cho_solve(factor, A)
    multipliers = np.linalg.lstsq(A.T @ pulled, b - A.T @ free, rcond=None)[0]
    return free + pulled @ multipliers, multipliers


def _refined(
    factor: Any, Q: Array, c: Array, A: Array, b: Array, n_equalities: int, x: Array, m: Array
) -> tuple[Array, Array]:
    """One step of iterative refinement, with the active constraints held as equalities."""
    active = m != 0
    active[:n_equalities] = True
    pull, gap = c + A @ m - Q @ x, (b - A.T @ x)[active]
    step, change = _equality_constrained(factor, pull, A[:, active], gap)
    m = m.copy()
    m[active] += change
    return x + step, m


def _infeasible() -> InfeasibleError:
    return InfeasibleError(
        "no weights satisfy all constraints at once. Widen the bounds or group limits, or lower "
        "the target, until at least one portfolio is allowed."
    )


def kkt_residual(
    Q: Array, c: Array, A: Array, b: Array, n_equalities: int, x: Array, multipliers: Array
) -> float:
    """Largest violation of the Karush-Kuhn-Tucker conditions, each relative to its own scale.

    The conditions are stationarity, Q x - c = A m; feasibility, A' x >= b; sign, m >= 0 for
    inequalities; and complementarity, m_j (a_j' x - b_j) = 0.

    Parameters
    ----------
    Q, c, A, b, n_equalities
        The problem, as in :func:`solve_quadratic`.
    x : ndarray of shape (n,)
    multipliers : ndarray of shape (m,)

    Returns
    -------
    float
        Zero for an exact solution.
    """
    gradient = Q @ x - c
    pull = np.abs(Q) @ np.abs(x) + np.abs(c) + np.abs(A) @ np.abs(multipliers)
    stationarity = np.abs(gradient - A @ multipliers) / max(float(pull.max()), np.finfo(float).tiny)
    reach = np.abs(A).sum(axis=0) * np.abs(x).max() + np.abs(b)
    slack = (A.T @ x - b) / np.maximum(reach, np.finfo(float).tiny)
    infeasibility = np.abs(slack[:n_equalities]), np.maximum(-slack[n_equalities:], 0)
    m = multipliers / max(float(np.abs(multipliers).max(initial=0.0)), np.finfo(float).tiny)
    wrong_sign = np.maximum(-m[n_equalities:], 0)
    complementarity = np.abs(m * slack)
    parts = [stationarity, *infeasibility, wrong_sign, complementarity]
    return float(max(part.max(initial=0.0) for part in parts))
