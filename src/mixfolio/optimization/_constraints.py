"""What a portfolio may hold: bounds, group limits, and the cost of leaving an old portfolio.

All limits are linear, ``a'w >= b``, and are kept with a name each, so that a set of limits
that no portfolio can meet is reported by name and by how much is missing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from mixfolio._inputs import (
    Array,
    Labels,
    VectorLike,
    checked,
    read_count,
    read_membership,
    read_number,
    read_vector,
)
from mixfolio.errors import DataError, InfeasibleError

FEASIBILITY_TOLERANCE = 1e-9


class ConstraintOptions(TypedDict, total=False):
    """The keyword arguments that every optimizer understands.

    Attributes
    ----------
    long_only : bool
        No weight below zero. Default True.
    bounds : pair or mapping
        ``(lower, upper)``, each a number for all assets, a vector with one entry per asset, or
        None for no bound; or ``{asset: (lower, upper)}`` for some assets only.
    groups : Series, DataFrame or sequence
        One group label per asset, or a 0/1 table of shape (n_assets, n_groups).
    group_limits : pair or mapping
        ``(lower, upper)`` for every group, or ``{group: (lower, upper)}``: limits on the sum of
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
class _Limits:
    """Limits ``lower <= columns.T @ w <= upper`` on assets or on groups, infinite for none."""

    lower: Array
    upper: Array
    names: Sequence[Any]
    described: str
    columns: Array | None = None  # None is the identity: one limit per asset.

    def rows(self) -> tuple[list[Array], list[Array]]:
        """The finite limits in the form ``column' w >= level``: first lower, then upper ones."""
        columns = np.eye(len(self.lower)) if self.columns is None else self.columns
        low, high = np.isfinite(self.lower), np.isfinite(self.upper)
        return [columns[:, low], -columns[:, high]], [self.lower[low], -self.upper[high]]

    def violation(self, weights: Array) -> float:
        """By how much weights break a limit, at most; negative if all hold with room."""
        sums = weights if self.columns is None else weights @ self.columns
        gaps = np.maximum(self.lower - sums, sums - self.upper)
        return float(gaps.max(initial=-np.inf))

    def told(self) -> list[str]:
        """What each of the rows is called."""
        return [
            self.described.format(side, limits[j], self.names[j])
            for side, limits in (("lower", self.lower), ("upper", self.upper))
            for j in np.flatnonzero(np.isfinite(limits)).tolist()
        ]

    def require_ordered(self, what: str) -> None:
        bad = np.flatnonzero(~(self.lower <= self.upper)).tolist()
        if bad:
            j = bad[0]
            raise InfeasibleError(
                f"{what} {self.names[j]} has a lower limit of {self.lower[j]:.6g} above its upper "
                f"limit of {self.upper[j]:.6g} ({len(bad)} such pair(s)). A long-only portfolio "
                "has a lower limit of 0. Swap or widen the limits."
            )


@dataclass(frozen=True)
class Constraints:
    """Inequalities ``matrix.T @ w >= level`` and what is held now.

    Attributes
    ----------
    assets, groups
        Lower and upper limits on single weights, and on the sums of weights in groups.
    previous : ndarray of shape (n_assets,), or None
    turnover_penalty : float
    """

    assets: _Limits
    groups: _Limits
    previous: Array | None
    turnover_penalty: float

    @cached_property
    def matrix(self) -> Array:
        """All limits, of shape (n_assets, n_limits): lower bounds, upper bounds, groups."""
        return np.hstack([*self.assets.rows()[0], *self.groups.rows()[0]])

    @cached_property
    def level(self) -> Array:
        """What each column of `matrix` must reach, of shape (n_limits,)."""
        return np.concatenate([*self.assets.rows()[1], *self.groups.rows()[1]])

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of `matrix` is called, of length n_limits."""
        return (*self.assets.told(), *self.groups.told())

    @property
    def only_nonnegative(self) -> bool:
        """Whether nothing but ``w >= 0`` can bind where the weights sum to one."""
        bound = (self.assets.lower != 0).any() or (self.assets.upper < 1).any()
        return self.separate and not (bound or self.penalised)

    @property
    def separate(self) -> bool:
        """Whether all limits are on single assets."""
        return not np.isfinite([self.groups.lower, self.groups.upper]).any()

    @property
    def held(self) -> Array:
        """The weights held now; zero where nothing is said."""
        return np.zeros(len(self.assets.lower)) if self.previous is None else self.previous

    def violation(self, weights: Array) -> float:
        """By how much weights break a limit, at most; negative if all hold with room."""
        return max(self.assets.violation(weights), self.groups.violation(weights))

    def stairs(self) -> Array:
        """Slopes of limits and trading costs, as :func:`_pivoting.solve` takes them.

        A weight held that is on a limit, or beyond it, leaves one direction to trade in.
        """
        lower, upper, price = self.assets.lower, self.assets.upper, self.turnover_penalty
        held = lower if self.previous is None or not price else self.previous
        floored = (held <= lower) | (lower == upper)
        capped = (held >= upper) | (lower == upper)
        endless = np.full(len(lower), np.inf)
        points = (np.where(floored, -np.inf, lower), np.clip(held, lower, upper))
        slopes = (np.where(floored, -np.inf, -price), np.where(capped, np.inf, price))
        last = np.where(capped, np.inf, upper)
        columns = (-endless, -endless, points[0], slopes[0], points[1], slopes[1], last)
        return np.column_stack([*columns, endless, endless])

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
        held = self.held
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


@checked
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

    Examples
    --------
    >>> from mixfolio import optimization
    >>> limits = optimization.read_constraints(3, None, bounds=(0.1, 0.5))
    >>> limits.names[0]
    'lower bound 0.1 of 0'
    >>> limits.require_feasible()  # Raises InfeasibleError where no portfolio is left.
    """
    read_count(n_assets, "n_assets")
    assets = _read_bounds(bounds, n_assets, labels, 0.0 if long_only else -np.inf)
    _require_room(assets.lower, assets.upper)
    on_groups = _read_group_limits(groups, group_limits, n_assets, labels)
    held = None if previous is None else read_vector(previous, n_assets, labels, "previous")[0]
    turnover_penalty = read_number(turnover_penalty, "turnover_penalty")
    if turnover_penalty < 0:
        raise DataError(f"turnover_penalty is {turnover_penalty}; it must be zero or positive.")
    if turnover_penalty > 0 and held is None:
        raise DataError("turnover_penalty needs previous=..., the weights that are held now.")
    return Constraints(assets, on_groups, held, turnover_penalty)


def _number(value: Any, otherwise: float, what: str) -> float:
    """A limit; None means none, and so may an infinity."""
    if value is None:
        return otherwise
    return float(value) if value in (-np.inf, np.inf) else read_number(value, what)


def _side(value: Any, otherwise: float, n: int, labels: Labels | None) -> Array:
    if value is None or np.isscalar(value):
        return np.full(n, _number(value, otherwise, "a limit in bounds"))
    return read_vector(value, n, labels, "bounds")[0]


def asset_names(n_assets: int, labels: Labels | None) -> list[Any]:
    """Labels, or positions where there are none."""
    return list(range(n_assets) if labels is None else labels)


def _read_bounds(bounds: Any, n: int, labels: Labels | None, least: float) -> _Limits:
    names = asset_names(n, labels)
    if isinstance(bounds, Mapping):
        lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
        for asset, pair in bounds.items():
            if asset not in names:
                raise DataError(f"bounds names an unknown asset {asset!r}.")
            place = names.index(asset)
            lower[place], upper[place] = _ends(pair, f"bounds for {asset!r}")
    else:
        low, high = (None, None) if bounds is None else _pair(bounds, "bounds")
        lower, upper = _side(low, -np.inf, n, labels), _side(high, np.inf, n, labels)
    short = np.flatnonzero(np.isfinite(lower) & (lower < least - FEASIBILITY_TOLERANCE))
    if len(short):
        raise DataError(
            f"the lower bound {lower[short[0]]:.6g} of {names[int(short[0])]} allows what "
            "long_only=True forbids. Pass long_only=False, or a lower bound of 0 or None."
        )
    limits = _Limits(np.maximum(lower, least), upper, names, "{} bound {:.6g} of {}")
    limits.require_ordered("asset")
    return limits


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, str | bytes | set | frozenset | Mapping | pd.DataFrame):
        with suppress(TypeError, ValueError):
            low, high = value
            return low, high
    remedy = f". For an upper limit give (None, {value})" if isinstance(value, Real) else ""
    raise DataError(
        f"{what} is {value!r:.200}; it must be a pair (lower, upper), None for no limit{remedy}."
    )


def _ends(value: Any, what: str) -> tuple[float, float]:
    low, high = _pair(value, what)
    return _number(low, -np.inf, what), _number(high, np.inf, what)


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


def _read_group_limits(groups: Any, limits: Any, n: int, labels: Labels | None) -> _Limits:
    described = "{} limit {:.6g} of group {}"
    if groups is None and limits is None:
        return _Limits(np.empty(0), np.empty(0), [], described, np.empty((n, 0)))
    if groups is None or limits is None:
        raise DataError("groups and group_limits go together: who is in a group, and its limits.")
    membership, names = read_membership(groups, n, labels)
    pairs = limits if isinstance(limits, Mapping) else dict.fromkeys(names, limits)
    unknown = [name for name in pairs if name not in names]
    if unknown:
        raise DataError(f"group_limits names an unknown group {unknown[0]!r}; there are {names!r}.")
    columns = membership[:, [names.index(name) for name in pairs]]
    ends = [_ends(pair, f"group limit of {name!r}") for name, pair in pairs.items()]
    lower, upper = np.reshape(ends, (-1, 2)).T
    found = _Limits(lower, upper, list(pairs), described, columns)
    found.require_ordered("group")
    return found
