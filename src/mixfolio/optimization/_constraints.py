"""What a portfolio may hold: bounds, group limits, and the cost of leaving an old portfolio.

All limits are linear, ``a'w >= b``, and are kept with a name each, so that a set of limits
that no portfolio can meet is reported by name and by how much is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import numpy as np
from scipy.optimize import linprog

from mixfolio._inputs import Array, Labels, VectorLike, read_membership, read_number, read_vector
from mixfolio.errors import DataError, InfeasibleError

__all__ = ["ConstraintOptions", "Constraints", "read_constraints"]

FEASIBILITY_TOLERANCE = 1e-9

Block = tuple[Array, Array, list[str]]


class ConstraintOptions(TypedDict, total=False):
    """The keyword arguments that every optimizer understands.

    Attributes
    ----------
    long_only : bool
        No weight below zero. Default True.
    bounds : pair or mapping
        ``(lower, upper)``, each a number for all assets, a vector with one entry an asset, or
        None for no bound; or ``{asset: (lower, upper)}`` for some assets only.
    groups : Series, DataFrame or sequence
        One group label an asset, or a 0/1 table of shape (n_assets, n_groups).
    group_limits : pair or mapping
        ``(lower, upper)`` for every group, or ``{group: (lower, upper)}``; limits on the sum of
        the weights in the group. None in place of a number means no limit.
    previous : Series or array of shape (n_assets,)
        The weights held now.
    turnover_penalty : float
        Cost per unit of ``sum |w - previous|``, in the units of the objective. Default 0.
    """

    long_only: bool
    bounds: Any
    groups: Any
    group_limits: Any
    previous: VectorLike | None
    turnover_penalty: float


@dataclass(frozen=True)
class Constraints:
    """Inequalities ``matrix.T @ w >= level`` and what is held now.

    Attributes
    ----------
    assets : sequence of length n_assets
        Labels, or positions where there are none.
    lower : ndarray of shape (n_assets,)
        Lower bounds, infinite where there is none.
    upper : ndarray of shape (n_assets,)
        Upper bounds, likewise.
    group_limits : tuple
        Columns, levels and names of the limits on groups.
    previous : ndarray of shape (n_assets,), or None
    turnover_penalty : float
    """

    assets: Sequence[Any]
    lower: Array
    upper: Array
    group_limits: Block
    previous: Array | None
    turnover_penalty: float

    @cached_property
    def matrix(self) -> Array:
        """All limits, of shape (n_assets, n_limits): lower bounds, upper bounds, groups."""
        eye = np.eye(len(self.lower))
        low, high = np.isfinite(self.lower), np.isfinite(self.upper)
        return np.hstack([eye[:, low], -eye[:, high], self.group_limits[0]])

    @cached_property
    def level(self) -> Array:
        """What each column of `matrix` must reach, of shape (n_limits,)."""
        low, high = np.isfinite(self.lower), np.isfinite(self.upper)
        return np.concatenate([self.lower[low], -self.upper[high], self.group_limits[1]])

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of `matrix` is called, of length n_limits."""
        low, high = np.flatnonzero(np.isfinite(self.lower)), np.flatnonzero(np.isfinite(self.upper))
        return (
            *(f"lower bound {self.lower[j]:.6g} of {self.assets[int(j)]}" for j in low),
            *(f"upper bound {self.upper[j]:.6g} of {self.assets[int(j)]}" for j in high),
            *self.group_limits[2],
        )

    @property
    def only_nonnegative(self) -> bool:
        """Whether nothing but ``w >= 0`` can bind where the weights sum to one."""
        free_above = not (self.lower != 0).any() and not (self.upper < 1).any()
        return free_above and not len(self.group_limits[1]) and not self.penalised

    @property
    def penalised(self) -> bool:
        """Whether trading away from `previous` costs anything."""
        return self.previous is not None and self.turnover_penalty > 0

    def reachable(self, mean: Array) -> tuple[float, float]:
        """Lowest and highest portfolio mean within the limits, costs aside."""
        return -self._highest(-mean, 0.0), self._highest(mean, 0.0)

    def highest_net(self, mean: Array) -> float:
        """Highest portfolio mean after trading costs; infinity where shorts make all reachable."""
        return self._highest(mean, self.turnover_penalty)

    def _highest(self, mean: Array, price: float) -> float:
        """Maximise mean'w - price * sum(u) subject to u >= |w - previous| and the limits."""
        if self.only_nonnegative:
            return float(mean.max())
        n = len(mean)
        scale = max(float(np.abs(mean).max()), price) or 1.0
        held = np.zeros(n) if self.previous is None else self.previous
        eye, none = np.eye(n), np.zeros((self.matrix.shape[1], n))
        rows = np.block([[-self.matrix.T, none], [eye, -eye], [-eye, -eye]])
        levels = np.concatenate([-self.level, held, -held])
        budget = np.concatenate([np.ones(n), np.zeros(n)])[None, :]
        cost = np.concatenate([-mean, np.full(n, price)]) / scale
        result = linprog(cost, rows, levels, budget, [1.0], (None, None), method="highs")
        if result.x is not None:
            return -float(result.fun) * scale
        self.require_feasible()
        return np.inf

    def require_feasible(self) -> None:
        """Raise InfeasibleError, naming the limits that cannot hold together.

        The report is a cheapest way out: the smallest total relaxation of the limits that makes
        a portfolio possible, found by a linear program. Often several are equally small; a
        second program takes the one that leaves the limits on assets alone as far as it can,
        and among these the earlier assets, so that every solver names the same.
        """
        n, m = self.matrix.shape
        limits = np.hstack([-self.matrix.T, -np.eye(m)])
        budget = np.concatenate([np.ones(n), np.zeros(m)])[None, :]
        ranges = [(None, None)] * n + [(0, None)] * m
        total = np.concatenate([np.zeros(n), np.ones(m)])
        result = linprog(total, limits, -self.level, budget, [1.0], ranges, method="highs")
        if result.fun <= FEASIBILITY_TOLERANCE:
            return
        earlier = np.concatenate([np.zeros(n), np.arange(m, 0, -1) / m])
        result = linprog(
            earlier,
            np.vstack([limits, total]),
            np.append(-self.level, result.fun + FEASIBILITY_TOLERANCE),
            budget,
            [1.0],
            ranges,
            method="highs",
        )
        relaxation = result.x[n:]
        worst = np.argsort(-relaxation, kind="stable")[:3]
        named = ", ".join(
            f"{self.names[j]} by {relaxation[j]:.4g}" for j in worst if relaxation[j] > 1e-9
        )
        raise InfeasibleError(
            "no fully invested portfolio satisfies all limits. A smallest change that allows "
            f"one loosens them by {relaxation.sum():.4g} in total: {named}."
        )


def read_constraints(
    n_assets: int,
    labels: Labels | None,
    *,
    long_only: bool = True,
    bounds: Any = None,
    groups: Any = None,
    group_limits: Any = None,
    previous: VectorLike | None = None,
    turnover_penalty: float = 0.0,
) -> Constraints:
    """Check the constraint arguments of an optimizer and put them in one form.

    Parameters
    ----------
    n_assets : int
    labels : Index of length n_assets, or None
    long_only, bounds, groups, group_limits, previous, turnover_penalty
        See :class:`ConstraintOptions`.

    Returns
    -------
    Constraints

    Raises
    ------
    DataError
        If an argument has the wrong shape or labels, or half of a pair is missing.
    InfeasibleError
        If a lower limit exceeds its upper one, or all lower (upper) bounds together leave no
        room for weights that sum to one.
    """
    names = range(n_assets) if labels is None else labels
    lower, upper = _read_bounds(bounds, n_assets, labels)
    if long_only:
        lower = np.maximum(lower, 0.0)
    _require_ordered(lower, upper, "asset", names)
    _require_room(lower, upper)
    on_groups = _group_rows(groups, group_limits, n_assets, labels)
    held = None if previous is None else read_vector(previous, n_assets, labels, "previous")[0]
    turnover_penalty = read_number(turnover_penalty, "turnover_penalty")
    if turnover_penalty < 0:
        raise DataError(f"turnover_penalty is {turnover_penalty}; it must be zero or positive.")
    if turnover_penalty > 0 and held is None:
        raise DataError("turnover_penalty needs previous=..., the weights that are held now.")
    return Constraints(names, lower, upper, on_groups, held, turnover_penalty)


def _number(value: Any, otherwise: float, what: str) -> float:
    """A limit; None means none, and so may an infinity."""
    if value is None:
        return otherwise
    return float(value) if value in (-np.inf, np.inf) else read_number(value, what)


def _side(value: Any, otherwise: float, n: int, labels: Labels | None) -> Array:
    if value is None or np.isscalar(value):
        return np.full(n, _number(value, otherwise, "a limit in bounds"))
    return read_vector(value, n, labels, "bounds")[0]


def _read_bounds(bounds: Any, n: int, labels: Labels | None) -> tuple[Array, Array]:
    if isinstance(bounds, Mapping):
        names = list(range(n) if labels is None else labels)
        lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
        for asset, pair in bounds.items():
            if asset not in names:
                raise DataError(f"bounds names an unknown asset {asset!r}.")
            place = names.index(asset)
            what = f"bounds for {asset!r}"
            low, high = _pair(pair, what)
            lower[place], upper[place] = _number(low, -np.inf, what), _number(high, np.inf, what)
        return lower, upper
    low, high = (None, None) if bounds is None else _pair(bounds, "bounds")
    return _side(low, -np.inf, n, labels), _side(high, np.inf, n, labels)


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    try:
        low, high = value
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} is {value!r}; it must be a pair (lower, upper).") from error
    return low, high


def _require_ordered(lower: Array, upper: Array, what: str, names: Sequence[Any]) -> None:
    bad = np.flatnonzero(~(lower <= upper))
    if len(bad):
        j = int(bad[0])
        raise InfeasibleError(
            f"{what} {names[j]} has a lower limit of {lower[j]:.6g} above its upper limit of "
            f"{upper[j]:.6g} ({len(bad)} such pair(s)). A long-only portfolio has a lower limit "
            "of 0. Swap or widen the limits."
        )


def _require_room(lower: Array, upper: Array) -> None:
    least, most = float(lower.sum()), float(upper.sum())
    if least > 1 + FEASIBILITY_TOLERANCE:
        raise InfeasibleError(
            f"the lower bounds add up to {least:.6g}, more than the 1 there is to invest. "
            f"Lower them by {least - 1:.6g} in all."
        )
    if most < 1 - FEASIBILITY_TOLERANCE:
        raise InfeasibleError(
            f"the upper bounds add up to {most:.6g}, less than the 1 that must be invested. "
            f"Raise them by {1 - most:.6g} in all, or add assets."
        )


def _group_rows(groups: Any, limits: Any, n: int, labels: Labels | None) -> Block:
    if groups is None and limits is None:
        return np.empty((n, 0)), np.empty(0), []
    if groups is None or limits is None:
        raise DataError("groups and group_limits go together: who is in a group, and its limits.")
    membership, names = read_membership(groups, n, labels)
    pairs = limits if isinstance(limits, Mapping) else dict.fromkeys(names, limits)
    unknown = [name for name in pairs if name not in names]
    if unknown:
        raise DataError(f"group_limits names an unknown group {unknown[0]!r}; there are {names!r}.")
    chosen = [names.index(name) for name in pairs]
    sides = [_pair(pair, f"group limit of {name!r}") for name, pair in pairs.items()]
    lower = np.array([_number(low, -np.inf, "a limit in group_limits") for low, _ in sides])
    upper = np.array([_number(high, np.inf, "a limit in group_limits") for _, high in sides])
    _require_ordered(lower, upper, "group", list(pairs))
    low, high = np.isfinite(lower), np.isfinite(upper)
    columns = membership[:, chosen]
    described = [
        f"lower limit {v:.6g} of group {g}"
        for g, v in zip(pairs, lower, strict=True)
        if v > -np.inf
    ]
    described += [
        f"upper limit {v:.6g} of group {g}" for g, v in zip(pairs, upper, strict=True) if v < np.inf
    ]
    matrix = np.hstack([columns[:, low], -columns[:, high]])
    return matrix, np.concatenate([lower[low], -upper[high]]), described
