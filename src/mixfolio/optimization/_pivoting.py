r"""Quadratic programs with a kinked cost of every variable, solved by block principal pivoting.

The problem is

    minimise    1/2 x' Q x - c' x + sum_i f_i(x_i)    subject to    E' x = d,

with Q positive definite and every f_i convex and linear between its points. The plainest f_i is a
limit, ``x_i >= 0``: one point, zero, with slope minus infinity to its left and none to its right.
An upper limit is one more point, the cost of trading away from ``h_i`` another, with slopes -k and
k at its sides.

The slope of f_i climbs a staircase, which is written down as its coordinates in turn: minus
infinity, slope, point, slope, point, ..., slope, infinity. That of ``x_i >= 0`` is ``-inf, -inf, 0,
0, inf``. Every variable rests on one of its points or is free in one of the segments between. Every
choice of states gives one candidate: there the problem is a linear system. The candidate is the
solution when all free variables are within their segments, and ``c + E m - Q x`` at each resting
variable between the slopes at both sides of its point. Otherwise all variables that break a
condition move to the state next door, at once. A few rounds reach the solution, whatever the number
of variables at rest, where :func:`~mixfolio.optimization.solve_quadratic` makes one step per
variable.

Moving all at once may cycle, and does where Q is nearly singular. So when `PATIENCE` rounds have
not brought fewer broken conditions, the problem is solved with a ridge on the diagonal first, which
then shrinks: each solution is the start of the next. There only the first variable moves after as
many rounds in vain, until fewer conditions are broken. With ``x >= 0`` alone, ``c = 0`` and one
equality ``a'x = 1`` the candidates are those of the linear complementarity problem ``y >= 0``,
``Q y - a >= 0``, scaled by the positive number m, and that rule ends for every positive definite Q
(Murty, 1974). In other cases nothing is proven. Where the only free variable wants to rest, nobody
would be left to meet the equality: the next in line takes its place. Whatever the way there, a
solution is accepted for meeting its conditions, not because the method stopped.

References
----------
Judice, J. J. and Pires, F. M. (1994). A block principal pivoting algorithm for large-scale strictly
monotone linear complementarity problems. Computers and Operations Research 21, 587-596.
Portugal, L. F., Judice, J. J. and Vicente, L. N. (1994). A comparison of block pivoting and
interior-point algorithms for linear least squares problems with nonnegative variables.
Mathematics of Computation 63, 625-643.
Clarke, R., de Silva, H. and Thorley, S. (2011). Minimum-variance portfolio composition. Journal of
Portfolio Management 37 (2), 31-45.
Murty, K. G. (1974). Note on a Bard-type scheme for solving the complementarity problem. Opsearch
11, 123-130.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotrs

from mixfolio import _linalg
from mixfolio._inputs import Array
from mixfolio.errors import ConvergenceError

Mask = NDArray[np.bool_]
States = NDArray[np.intp]

PATIENCE = 3
MAX_ROUNDS = 200
GUESSES = 8
RIDGES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 0.0)
ROUNDING = 2e-14
KKT_TOLERANCE = 1e-12


@dataclass(frozen=True)
class PivotingSolution:
    """The minimiser of a quadratic program with kinks and the proof that it is one.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The minimiser; within its limits, and at rest on a point, to the last bit.
    multipliers : ndarray of shape (n_equalities,)
        One per equality: how fast the objective rises with its right side.
    state : ndarray of int, of shape (n,)
        2j in segment j, 2j + 1 on point j, from the left; a start for a problem nearby.
    rounds : int
        Choices of states tried.
    kkt_residual : float
        The largest violation of the Karush-Kuhn-Tucker conditions, relative.
    """

    x: Array
    multipliers: Array
    state: States
    rounds: int
    kkt_residual: float

    @property
    def free(self) -> Mask:
        """The variables that rest on no point."""
        return np.asarray(self.state % 2 == 0)


def nonnegative(n: int) -> Array:
    """The stairs of ``x >= 0``.

    Parameters
    ----------
    n : int
        Number of variables.

    Returns
    -------
    ndarray of shape (n, 5)
    """
    return np.tile([-np.inf, -np.inf, 0.0, 0.0, np.inf], (n, 1))


def solve(
    Q: Array,
    c: Array,
    E: Array,
    d: Array,
    stairs: Array | None = None,
    *,
    factor: Any = None,
    state: States | None = None,
) -> PivotingSolution:
    """Minimise ``x'Qx/2 - c'x`` and the cost of kinks, subject to ``E'x = d``.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric to the last bit, positive definite, finite.
    c : ndarray of shape (n,)
    E : ndarray of shape (n, n_equalities)
        One column per equality, at least one.
    d : ndarray of shape (n_equalities,)
    stairs : ndarray of shape (n, 2 * n_points + 3), optional
        A row per variable: -inf, slope, point, slope, ..., slope, inf. Slopes and points never
        fall along a row; a slope is infinite where x must not be, and so is a point that there is
        not. By default the limits ``x >= 0``.
    factor : tuple, optional
        ``_linalg.factorise(Q)``, where it is known.
    state : ndarray of int, of shape (n,), optional
        Where the variables are thought to be.

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
    sides, plain = np.column_stack([c, E]), stairs is None
    stairs = nonnegative(len(Q)) if stairs is None else stairs
    problem = _Problem(Q, sides, d, stairs, np.abs(sides), np.sqrt(np.diagonal(Q)))
    factor = _linalg.factorise(Q) if factor is None else factor
    state = _guess(problem, factor, plain) if state is None else state
    found = _pivoted(problem, state, factor, may_give_up=True)
    rounds = found.rounds
    for ridge in RIDGES if found.broken else ():
        eased = Q + np.diag(ridge * np.diagonal(Q))
        found = _pivoted(replace(problem, Q=eased), found.state)
        rounds += found.rounds
    residual = problem.kkt_residual(found)
    if found.broken or not residual <= KKT_TOLERANCE:
        raise ConvergenceError(
            f"block pivoting stopped after {rounds} rounds with {found.broken} condition(s) broken "
            f"and a KKT residual of {residual:.3g}. Use optimization.solve_quadratic."
        )
    return PivotingSolution(found.x, found.pull[1:], found.state, rounds, residual)


@dataclass(frozen=True)
class _Candidate:
    """States, the minimiser x in them, (1, m), Q x, and how much is broken."""

    state: States
    x: Array
    pull: Array
    risk: Array
    broken: int = 0
    rounds: int = 0


def _guess(problem: "_Problem", factor: Any, plain: bool) -> States:
    """Where variables may be in the solution; what is wrong with it costs rounds and no more."""
    n = len(problem.Q)
    if plain and len(problem.d) > 1:  # A small set may leave two equalities without a solution.
        return np.full(n, 2)
    if plain and not problem.sides[:, 0].any():
        return _guess_of_one_factor(problem.Q, problem.sides[:, 1])
    smooth = replace(problem, stairs=np.tile([-np.inf, 0.0, np.inf], (n, 1)))
    x = smooth.candidate(np.zeros(n, dtype=np.intp), factor).x
    state = 2 * (problem.stairs[:, 2:-1:2] < x[:, None]).sum(axis=1)
    slope = problem.at(state + 1)
    state += (slope == -np.inf) * 1 - (slope == np.inf)
    if (state % 2 == 1).all():  # Everything is at its limit: let all go inwards.
        inwards = (problem.at(state) > -np.inf) * -1
        state += np.where(problem.at(state + 2) < np.inf, 1, inwards)
    return np.asarray(state)


def _guess_of_one_factor(Q: Array, a: Array) -> States:
    """Who is above zero where ``x >= 0``, ``a'x = 1`` and Q is ``b b' + diag(q)``.

    There x is proportional to ``(a - b h)_+ / q`` with ``h = sum b (a - b h)_+ / q`` (Clarke, de
    Silva and Thorley, 2011), which Newton's method solves in a few steps. The factor is the sum of
    all variables in units of their deviations. What is left in q is 5% at least.
    """
    loads = Q @ (1 / np.sqrt(np.diagonal(Q)))
    b = loads / np.sqrt(loads @ (1 / np.sqrt(np.diagonal(Q))))
    q = np.maximum(np.diagonal(Q) - b**2, 0.05 * np.diagonal(Q))
    above, known = np.ones(len(Q), dtype=bool), np.column_stack([b * a, b * b]) / q[:, None]
    for _ in range(GUESSES):
        top, bottom = above @ known
        above = a * (1 + bottom) > b * top
    return 1 + above if above.any() else np.full(len(Q), 2)


def _pivoted(
    problem: "_Problem", state: States, factor: Any = None, may_give_up: bool = False
) -> _Candidate:
    """Move variables until no condition is broken, patience or the rounds are over."""
    fewest, patience = len(state) + 1, PATIENCE
    for rounds in range(1, MAX_ROUNDS + 1):
        found = problem.candidate(state, factor)
        moves = problem.moves(found)
        broken = int(np.count_nonzero(moves))
        if broken < fewest:
            fewest, patience = broken, PATIENCE
        elif patience > 0:
            patience -= 1
        elif not may_give_up:
            moves[moves.nonzero()[0][1:]] = 0
        if ((state + moves) % 2 == 1).all():  # One has to stay free: it meets the equality.
            first = int(moves.nonzero()[0][0]) if moves.any() else 0
            move, moves[first] = int(moves[first]), 0
            if move and not moves.any():
                moves = problem.exchange(found, first, move)
        if not moves.any() or rounds == MAX_ROUNDS or (may_give_up and patience == 0):
            break
        state = state + moves
    return replace(found, broken=broken, rounds=rounds)


@dataclass(frozen=True)
class _Problem:
    """A problem with its columns c and E side by side, their sizes, and the deviations of Q.

    In state s the staircase of a variable has three coordinates of interest. If it is free, s is
    even: the left end of its segment, the slope there, and the right end. If it rests, s is odd:
    the slope to the left of its point, the point, and the slope to the right.
    """

    Q: Array
    sides: Array
    d: Array
    stairs: Array
    reach: Array
    deviations: Array

    @cached_property
    def _rows(self) -> States:
        return np.arange(0, self.stairs.size, self.stairs.shape[1])

    def at(self, column: States) -> Array:
        """One coordinate of every staircase."""
        return self.stairs.ravel().take(self._rows + column)

    def candidate(self, state: States, factor: Any) -> _Candidate:
        """Given those at rest, the free variables are x = Q^-1 (c - slope - risk + E m)."""
        x, places = self.at(state + 1), np.flatnonzero(state % 2 == 0)
        rows = self.Q if len(places) == len(x) else self.Q.take(places, axis=0)
        sides = self.sides.take(places, axis=0)
        sides[:, 0] -= x[places]
        x[places] = 0.0
        if factor is None or len(places) < len(x):
            factor = dpotrf(rows.take(places, axis=1).T, clean=0, overwrite_a=1)[0], False
        gap, risk = self.d, np.zeros(len(x))
        if x.any():
            gap, risk = gap - x @ self.sides[:, 1:], self.Q @ x
            sides[:, 0] -= risk[places]
        pull, failed = np.ones(len(gap) + 1), True
        if len(places):
            solved = dpotrs(factor[0], sides, lower=factor[1])[0]
            products = sides.T[1:] @ solved
            pull[1:], failed = dposv(products[:, 1:], gap - products[:, 0])[1:]
        if failed:
            raise ConvergenceError(
                f"the equalities do not determine their multipliers on the {len(places)} "
                "variable(s) that are free. Use optimization.solve_quadratic."
            )
        x[places] = solved @ pull
        return _Candidate(state, x, pull, risk + x[places] @ rows)

    def moves(self, found: _Candidate) -> States:
        """-1, 0 or 1 for every variable: to the state next door that it belongs in."""
        rests = found.state % 2 == 1
        pulls, sizes = self.pulls(found)
        value, slack = np.where(rests, pulls, found.x), np.where(rests, ROUNDING * sizes, 0.0)
        down = value < self.at(found.state) - slack
        up = value > self.at(found.state + 2) + slack
        return up.astype(np.intp) - down

    def exchange(self, found: _Candidate, free: int, move: int) -> States:
        """At a corner: the only free variable rests, and the next in line becomes free.

        As the multiplier m of the one equality changes, the pull ``c + a m - Q x`` of one of those
        at rest is the first to reach the slope at that side of its point where it is needed.
        """
        moves, a = np.zeros_like(found.state), self.sides[:, 1]
        moves[free] = move
        excess = found.x[free] - self.at(found.state + moves + 1)[free]
        way = np.sign((self.d[0] - a @ found.x + a[free] * excess) * a).astype(np.intp)
        slope = np.where(way > 0, self.at(found.state + 2), self.at(found.state))
        can = (found.state % 2 == 1) & (way != 0) & np.isfinite(slope)
        if len(self.d) > 1 or not can.any():
            return np.zeros_like(moves)
        wait = np.full(len(a), np.inf)
        wait[can] = np.abs(slope - self.pulls(found)[0])[can] / np.abs(a[can])
        moves[wait.argmin()] = way[wait.argmin()]
        return moves

    def pulls(self, found: _Candidate) -> tuple[Array, Array]:
        """What slopes have to meet, ``c + E m - Q x``, and the size of what cancels in each.

        By Cauchy and Schwarz ``|q_ij| <= s_i s_j`` with s the roots of the diagonal, so that
        ``s_i s'|x|`` bounds the terms of row i in any units.
        """
        sizes = self.deviations * (self.deviations @ np.abs(found.x))
        sizes += self.reach @ np.abs(found.pull)
        return self.sides @ found.pull - found.risk, sizes

    def kkt_residual(self, found: _Candidate) -> float:
        """Largest violation of a condition other than the limits, each relative to its own size."""
        rests = found.state % 2 == 1
        pulls, sizes = self.pulls(found)
        low = self.at(np.where(rests, found.state, found.state + 1))
        high = self.at(np.where(rests, found.state + 2, found.state + 1))
        missed = np.maximum(low - pulls, pulls - high) / sizes
        terms = self.reach.T[1:] @ np.abs(found.x) + np.abs(self.d)
        gaps = np.abs(self.sides.T[1:] @ found.x - self.d) / terms
        return float(max(missed.max(), gaps.max()))
