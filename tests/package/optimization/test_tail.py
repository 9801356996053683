"""Minimum CVaR against its definition: the mean of the worst periods."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from mixfolio import optimization
from mixfolio.errors import DataError, InfeasibleError

RETURNS = np.random.default_rng(4).standard_t(4, size=(80, 3)) * [0.02, 0.03, 0.05] + 0.002


def cvar(returns, weights, alpha):
    """Mean loss of the worst share 1 - alpha, the last of these periods counted in part."""
    losses = np.sort(-(returns @ weights))[::-1]
    tail = (1 - alpha) * len(losses)
    shares = np.clip(tail - np.arange(len(losses)), 0.0, 1.0)
    return float(losses @ shares / tail)


def grid(step):
    ticks = np.arange(0.0, 1.0 + step / 2, step)
    pairs = [(a, b) for a in ticks for b in ticks if a + b <= 1 + 1e-12]
    return np.array([(a, b, 1 - a - b) for a, b in pairs])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 0.95, 0.97])
@pytest.mark.parametrize("bounds", [(0, None), (0.2, 0.5)], ids=["long-only", "bounds"])
def test_no_portfolio_of_a_grid_is_better(alpha, bounds):
    weights = optimization.minimum_cvar(RETURNS, alpha=alpha, bounds=bounds)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    low, high = bounds[0], bounds[1] or 1.0
    allowed = grid(0.01)
    allowed = allowed[((allowed >= low - 1e-12) & (allowed <= high + 1e-12)).all(axis=1)]
    best = min(cvar(RETURNS, w, alpha) for w in allowed)
    found = cvar(RETURNS, weights, alpha)
    assert found <= best + 1e-12
    near = [0.99 * weights + 0.01 * w for w in allowed]  # the problem is convex
    assert found <= min(cvar(RETURNS, w, alpha) for w in near) + 1e-12


@pytest.mark.parametrize("penalty", [0.001, 0.01])
def test_a_dense_program_over_every_tail(penalty):
    """CVaR at 0.75 of eight periods is the largest mean loss of any two of them."""
    values, held = RETURNS[:8], np.array([0.5, 0.3, 0.2])
    pairs = [(i, j) for i in range(8) for j in range(i)]
    rows = [[*(-(values[i] + values[j]) / 2), -1, 0, 0, 0] for i, j in pairs]
    eye = np.eye(3)
    rows += [[*eye[k], 0, *-eye[k]] for k in range(3)] + [[*-eye[k], 0, *-eye[k]] for k in range(3)]
    levels = [0.0] * len(pairs) + [*held, *-held]
    cost = [0, 0, 0, 1, penalty, penalty, penalty]
    bounds = [(0, None)] * 3 + [(None, None)] + [(0, None)] * 3
    dense = linprog(cost, rows, levels, [[1, 1, 1, 0, 0, 0, 0]], [1.0], bounds)
    weights = optimization.minimum_cvar(values, alpha=0.75, previous=held, turnover_penalty=penalty)
    total = cvar(values, weights, 0.75) + penalty * np.abs(weights - held).sum()
    assert total == pytest.approx(dense.fun, abs=1e-12)


def test_at_alpha_zero_it_is_the_highest_mean():
    weights = optimization.minimum_cvar(RETURNS, alpha=0.0)
    assert weights.tolist() == (RETURNS.mean(axis=0) == RETURNS.mean(axis=0).max()).tolist()


def test_units_and_order_do_not_matter_and_labels_come_back():
    frame = pd.DataFrame(RETURNS, columns=["x", "y", "z"])
    plain = optimization.minimum_cvar(RETURNS)
    moved = optimization.minimum_cvar(frame[["z", "x", "y"]])
    assert list(moved.index) == ["z", "x", "y"]
    np.testing.assert_allclose(moved[["x", "y", "z"]], plain, rtol=0, atol=1e-9)
    np.testing.assert_allclose(optimization.minimum_cvar(RETURNS / 100), plain, rtol=0, atol=1e-9)


@pytest.mark.parametrize("alpha", [1.0, -0.1, 95, np.nan, "high"])
def test_alpha_is_a_share(alpha):
    with pytest.raises(DataError, match="alpha is"):
        optimization.minimum_cvar(RETURNS, alpha=alpha)


def test_limits_that_cannot_hold_and_shorts_without_end():
    groups = {"groups": ["a", "a", "b"], "group_limits": {"a": (None, 0.2), "b": (None, 0.3)}}
    with pytest.raises(InfeasibleError, match="no fully invested portfolio"):
        optimization.minimum_cvar(RETURNS, **groups)
    sure = np.array([[0.02, 0.01], [0.05, 0.03], [0.01, -0.04]])
    with pytest.raises(InfeasibleError, match="falls without end"):
        optimization.minimum_cvar(sure, alpha=0.5, long_only=False)
