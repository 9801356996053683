r"""Quadratic programs whose only inequalities are x >= 0, solved by block principal pivoting.

The problem is

    minimise    1/2 x' Q x - c' x
    subject to  E' x = d   and   x >= 0,

with Q positive definite. Every set F of free variables, the others at zero, gives one candidate:
there the problem is a linear system. The candidate is the solution when x >= 0 on F and the slopes
``Q x - c - E m`` are not negative off F. Otherwise all variables that break a condition change
sides at once. A few rounds reach the solution, whatever the number of variables at zero, where
:func:`~mixfolio.optimization.solve_quadratic` makes one step per variable.

Changing all sides at once may cycle, and does where Q is nearly singular. So when `PATIENCE` rounds
have not brought fewer broken conditions, the problem is solved with a ridge on the diagonal first,
which then shrinks: each solution is the start of the next. There only the first variable changes
sides after as many rounds in vain, until fewer conditions are broken. With ``c = 0`` and one
equality ``a'x = 1`` the candidates are those of the linear complementarity problem ``y >= 0``,
``Q y - a >= 0``, scaled by the positive number m, and that rule ends for every positive definite Q
(Murty, 1974). In other cases nothing is proven. Whatever the way there, a solution is accepted for
meeting its conditions, not because the method stopped.

References
----------
Judice, J. J. and Pires, F. M. (1994). A block principal pivoting algorithm for large-scale strictly
monotone linear complementarity problems. Computers and Operations Research 21, 587-596.
Portugal, L. F., Judice, J. J. and Vicente, L. N. (1994). A comparison of block pivoting and
interior-point algorithms for linear least squares problems with nonnegative variables.
Mathematics of Computation 63, 625-643.
Murty, K. G. (1974). Note on a Bard-type scheme for solving the complementarity problem. Opsearch
11, 123-130.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotrs

from mixfolio import _linalg
from mixfolio._inputs import Array
from mixfolio.errors import ConvergenceError

Mask = NDArray[np.bool_]

PATIENCE = 3
MAX_ROUNDS = 200
RIDGES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 0.0)
ROUNDING = 2e-14
KKT_TOLERANCE = 1e-12


@dataclass(frozen=True)
class PivotingSolution:
    """The minimiser of a quadratic program over x >= 0 and the proof that it is one.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The minimiser; not negative, to the last bit.
    multipliers : ndarray of shape (n_equalities,)
        One per equality: how fast the objective rises with its right side.
    free : ndarray of bool, of shape (n,)
        The variables that were left free; a start for a problem nearby.
    rounds : int
        Sets of free variables tried.
    kkt_residual : float
        The largest violation of the Karush-Kuhn-Tucker conditions, relative.
    """

    x: Array
    multipliers: Array
    free: Mask
    rounds: int
    kkt_residual: float


def solve(
    Q: Array, c: Array, E: Array, d: Array, *, factor: Any = None, free: Mask | None = None
) -> PivotingSolution:
    """Minimise ``x'Qx/2 - c'x`` subject to ``E'x = d`` and ``x >= 0``.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric to the last bit, positive definite, finite.
    c : ndarray of shape (n,)
    E : ndarray of shape (n, n_equalities)
        One column per equality, at least one.
    d : ndarray of shape (n_equalities,)
    factor : tuple, optional
        ``_linalg.factorise(Q)``, where it is known.
    free : ndarray of bool, of shape (n,), optional
        The variables thought to be above zero. By default all, or, with one equality, those that
        are largest without ``x >= 0``.

    Returns
    -------
    PivotingSolution

    Raises
    ------
    SingularCovarianceError
        If Q is not positive definite.
    ConvergenceError
        If no candidate met the conditions to 1e-12 in the rounds allowed, or the equalities do not
        determine their multipliers. :func:`solve_quadratic` may solve the problem.
    """
    sides = np.column_stack([c, E])
    problem = _Problem(Q, sides, d, np.abs(sides), np.sqrt(np.diagonal(Q)))
    factor = _linalg.factorise(Q) if factor is None else factor
    free = _guess(problem, factor) if free is None else free
    found = _pivoted(problem, free, factor, may_give_up=True)
    rounds = found.rounds
    for ridge in RIDGES if found.broken else ():
        eased = Q + np.diag(ridge * np.diagonal(Q))
        found = _pivoted(replace(problem, Q=eased), found.free)
        rounds += found.rounds
    residual = problem.kkt_residual(found)
    if found.broken or not residual <= KKT_TOLERANCE:
        raise ConvergenceError(
            f"block pivoting stopped after {rounds} rounds with {found.broken} condition(s) broken "
            f"and a KKT residual of {residual:.3g}. Use optimization.solve_quadratic."
        )
    return PivotingSolution(found.x, found.pull[1:], found.free, rounds, residual)


@dataclass(frozen=True)
class _Candidate:
    """A set of free variables, the minimiser x over them, (1, m), and how much it breaks."""

    free: Mask
    x: Array
    pull: Array
    broken: int
    rounds: int


def _guess(problem: "_Problem", factor: Any) -> Mask:
    """Where a share p is positive without ``x >= 0``, the share p^3 that is largest.

    Those that are positive only just tend to be at zero in the end. The power is the one that
    needed the fewest rounds on sample, shrunk and true covariances of markets; it never changes the
    solution. Variables are compared in units of their deviations.
    """
    free = np.ones(len(problem.Q), dtype=bool)
    if len(problem.d) > 1:  # A small set may leave two equalities without a solution.
        return free
    sizes = problem.minimiser(free, factor)[0] * problem.deviations
    kept = int(np.ceil(len(free) * np.mean(sizes >= 0) ** 3))
    return free if kept == len(free) else sizes >= np.partition(sizes, -kept)[-kept]


def _pivoted(
    problem: "_Problem", free: Mask, factor: Any = None, may_give_up: bool = False
) -> _Candidate:
    """Change sides until no condition is broken, patience or the rounds are over."""
    fewest, patience = len(free) + 1, PATIENCE
    for rounds in range(1, MAX_ROUNDS + 1):
        x, pull = problem.minimiser(free, factor)
        slopes, sizes = problem.slopes(x, pull)
        wrong = np.where(free, x < 0, slopes < -ROUNDING * sizes)
        broken = int(np.count_nonzero(wrong))
        if broken < fewest:
            fewest, patience = broken, PATIENCE
        elif patience > 0:
            patience -= 1
        elif not may_give_up:
            wrong = np.arange(len(wrong)) == wrong.argmax()
        if broken == 0 or rounds == MAX_ROUNDS or (may_give_up and patience == 0):
            break
        free = free ^ wrong
    return _Candidate(free, x, pull, broken, rounds)


@dataclass(frozen=True)
class _Problem:
    """A problem with its columns c and E side by side, their sizes, and the deviations of Q."""

    Q: Array
    sides: Array
    d: Array
    reach: Array
    deviations: Array

    def minimiser(self, free: Mask, factor: Any) -> tuple[Array, Array]:
        """Over the free variables alone: x = Q^-1 (c + E m) there, and (1, m)."""
        places = np.flatnonzero(free)
        if factor is None or len(places) < len(free):
            block = self.Q.take(places, axis=0).take(places, axis=1)
            factor = dpotrf(block.T, clean=0, overwrite_a=1)[0], False
        sides = self.sides.take(places, axis=0)
        solved = dpotrs(factor[0], sides, lower=factor[1])[0]
        products = sides.T[1:] @ solved
        pull = np.ones(len(self.d) + 1)
        pull[1:], failed = dposv(products[:, 1:], self.d - products[:, 0])[1:]
        if failed:
            raise ConvergenceError(
                f"the equalities do not determine their multipliers on the {len(places)} "
                "variable(s) that are free. Use optimization.solve_quadratic."
            )
        x = np.zeros(len(free))
        x[places] = solved @ pull
        return x, pull

    def slopes(self, x: Array, pull: Array) -> tuple[Array, Array]:
        """Slopes of the Lagrangian, and the size of what cancels in each.

        By Cauchy and Schwarz ``|q_ij| <= s_i s_j`` with s the roots of the diagonal, so that
        ``s_i s'|x|`` bounds the terms of row i in any units.
        """
        slopes = self.Q @ x - self.sides @ pull
        sizes = self.deviations * (self.deviations @ np.abs(x)) + self.reach @ np.abs(pull)
        return slopes, sizes

    def kkt_residual(self, found: _Candidate) -> float:
        """Largest violation of a condition other than x >= 0, each relative to its own size."""
        slopes, sizes = self.slopes(found.x, found.pull)
        missed = np.where(found.free, np.abs(slopes), np.maximum(-slopes, 0.0)) / sizes
        terms = self.reach.T[1:] @ np.abs(found.x) + np.abs(self.d)
        gaps = np.abs(self.sides.T[1:] @ found.x - self.d) / terms
        return float(max(missed.max(), gaps.max()))
