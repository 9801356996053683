"""Optimizers: exact examples, optimality conditions from their definitions, dumb solvers."""

import contextlib
import dataclasses
import inspect
import itertools
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, lsq_linear, minimize, minimize_scalar

from mixfolio import metrics
from mixfolio import optimization as public
from mixfolio.errors import (
    ConvergenceError,
    DataError,
    InfeasibleError,
    SingularCovarianceError,
)
from mixfolio.optimization import _optimizers as optimization
from mixfolio.optimization import _quadratic as quadratic

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "risk_parity.json").read_text(encoding="utf-8")
)

# ---------------------------------------------------------------- an example in exact numbers

VOLATILITY = [Fraction(1, 4), Fraction(1, 5), Fraction(3, 10)]
CORRELATION = [
    [Fraction(1), Fraction(7, 10), Fraction(6, 10)],
    [Fraction(7, 10), Fraction(1), Fraction(5, 10)],
    [Fraction(6, 10), Fraction(5, 10), Fraction(1)],
]
MEAN = [Fraction(15, 100), Fraction(12, 100), Fraction(18, 100)]
RISK_FREE = Fraction(2, 100)
EXACT = [[VOLATILITY[i] * CORRELATION[i][j] * VOLATILITY[j] for j in range(3)] for i in range(3)]
NAMES = ["a", "b", "c"]
COVARIANCE = pd.DataFrame(np.array(EXACT, dtype=float), NAMES, NAMES)
MEANS = pd.Series([float(m) for m in MEAN], NAMES)


def solve_exactly(matrix, right):
    """Gauss and Jordan in rational numbers."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def shares(direction):
    return [value / sum(direction) for value in direction]


def test_exact_minimum_variance():
    exact = shares(solve_exactly(EXACT, [1, 1, 1]))
    assert exact == [Fraction(8, 100), Fraction(80, 100), Fraction(12, 100)]
    weights = optimization.minimum_variance(COVARIANCE)
    np.testing.assert_allclose(weights, [float(w) for w in exact], rtol=0, atol=1e-15)
    assert weights @ MEANS == pytest.approx(0.1296, abs=1e-15)
    assert metrics.volatility(weights, COVARIANCE) == pytest.approx(np.sqrt(0.0384), abs=1e-15)


def test_exact_maximum_sharpe():
    exact = shares(solve_exactly(EXACT, [m - RISK_FREE for m in MEAN]))
    assert exact == [Fraction(34, 137), Fraction(52, 137), Fraction(51, 137)]
    weights = optimization.maximum_sharpe(MEANS, COVARIANCE, risk_free=float(RISK_FREE))
    np.testing.assert_allclose(weights, [float(w) for w in exact], rtol=0, atol=1e-15)


def test_exact_maximum_diversification():
    weights = optimization.maximum_diversification(COVARIANCE)
    np.testing.assert_allclose(weights, [2 / 9, 4 / 9, 1 / 3], rtol=0, atol=1e-15)
    assert metrics.diversification_ratio(weights, COVARIANCE) == pytest.approx(1.172604, abs=5e-7)


def test_exact_target_return():
    """Two constraints fix two of the three weights; the third follows from a linear equation."""
    target = Fraction(15, 100)
    budget = [[*row, 1, m] for row, m in zip(EXACT, MEAN, strict=True)]
    system = [*budget, [1, 1, 1, 0, 0], [*MEAN, 0, 0]]
    exact = solve_exactly(system, [0, 0, 0, 1, target])[:3]
    weights = optimization.target_return(MEANS, COVARIANCE, float(target))
    np.testing.assert_allclose(weights, [float(w) for w in exact], rtol=0, atol=1e-14)


def test_example_of_risk_parity():
    weights = optimization.risk_parity(COVARIANCE)
    expected = [0.31226738, 0.4066635, 0.28106912]
    np.testing.assert_allclose(weights, expected, rtol=0, atol=5e-9)


def test_example_of_equal_weight():
    weights = optimization.equal_weight(COVARIANCE)
    ratio = (weights @ MEANS - float(RISK_FREE)) / metrics.volatility(weights, COVARIANCE)
    assert ratio == pytest.approx(0.60723, abs=5e-6)


# -------------------------------------------------------------------------- random problems


@dataclass
class Problem:
    """A covariance, means, and limits that the portfolio `inside` satisfies.

    The limits are given twice: as `options` for the package and, written out from their meaning,
    as rows `G w >= h` for the checks.
    """

    covariance: Any
    mean: Any
    inside: Any
    options: dict
    G: Any
    h: Any

    @property
    def n(self):
        return len(self.mean)

    @property
    def price(self):
        return self.options.get("turnover_penalty", 0.0)

    @property
    def held(self):
        return self.options.get("previous", np.zeros(self.n))

    def cost(self, weights):
        return self.price * np.abs(weights - self.held).sum()


def random_covariance(rng, n):
    """A market and more, volatilities of 10 to 40 per cent; condition number about a hundred."""
    root, market = rng.normal(size=(n, n)), rng.uniform(0.3, 1.5, n)
    matrix = np.outer(market, market) + root @ root.T / n + np.diag(rng.uniform(0.1, 0.5, n))
    volatility = rng.uniform(0.1, 0.4, n) / np.sqrt(np.diagonal(matrix))
    return matrix * np.outer(volatility, volatility)


LIMITS = ("long only", "boxes", "groups", "boxes and groups", "long-short", "long-short boxes")
PENALTIES = (0.0, 0.0005, 0.005)


def make_problem(seed, n, limits="long only", penalty=0.0, held="inside"):
    rng = np.random.default_rng(seed)
    covariance, mean = random_covariance(rng, n), rng.uniform(0.03, 0.15, n)
    inside = rng.dirichlet(np.ones(n))
    options, rows, levels = {}, [np.empty((0, n))], [np.empty(0)]
    if limits.startswith("long-short"):
        options["long_only"] = False
    else:
        rows, levels = [np.eye(n)], [np.zeros(n)]
    if "boxes" in limits:
        slack = 0.02 if "long-short" not in limits else 0.2
        lower, upper = inside / 2 - slack, inside * 1.5 + slack
        if "long-short" not in limits:
            lower = np.maximum(lower, 0.0)
        options["bounds"] = (lower, upper)
        rows, levels = [*rows, np.eye(n), -np.eye(n)], [*levels, lower, -upper]
    if "groups" in limits:
        labels = rng.integers(0, 3, n)
        totals = {g: inside[labels == g].sum() for g in np.unique(labels)}
        options["groups"] = labels
        options["group_limits"] = {g: (t - 0.02, t + 0.01) for g, t in totals.items()}
        for g, total in totals.items():
            rows += [[(labels == g) * 1.0], [(labels == g) * -1.0]]
            levels += [[total - 0.02], [-total - 0.01]]
    if penalty:
        options["turnover_penalty"] = penalty
        outside = 0.9 * rng.dirichlet(np.ones(n))
        options["previous"] = inside if held == "inside" else outside
    return Problem(covariance, mean, inside, options, np.vstack(rows), np.concatenate(levels))


SIZES = st.integers(2, 12)
SIXTY = st.just(60)


@st.composite
def problems(draw, n=SIZES):
    return make_problem(
        draw(st.integers(0, 2**32 - 1)),
        draw(n),
        draw(st.sampled_from(LIMITS)),
        draw(st.sampled_from(PENALTIES)),
        draw(st.sampled_from(["inside", "outside"])),
    )


def optimality_gap(problem, weights, gradient, scale, *equalities):
    """How far the weights are from meeting the first-order conditions, from their definition.

    There must be multipliers with  gradient + price s = E x + G' y,  y >= 0 on the limits that
    bind and zero elsewhere, and s the sign of each trade, or anything in [-1, 1] where the weight
    rests on the one held. The multipliers are found by bounded least squares; the optimizer's
    own are not looked at. `scale` is the size of the terms that cancel.
    """
    moved = problem.cost(weights) > 0 and np.abs(weights - problem.held) > 1e-9
    signs = np.where(moved, np.sign(weights - problem.held), 0.0)
    resting = np.flatnonzero(~np.broadcast_to(moved, weights.shape))
    slack = problem.G @ weights - problem.h
    binding = problem.G[slack < 1e-9].T
    free = np.column_stack([np.ones(problem.n), *equalities])
    columns = [-free, -binding]
    low, high = [np.full(free.shape[1], -np.inf)], [np.full(free.shape[1], np.inf)]
    low, high = [*low, np.zeros(binding.shape[1])], [*high, np.full(binding.shape[1], np.inf)]
    if problem.price:
        columns.append(problem.price * np.eye(problem.n)[:, resting])
        low, high = [*low, -np.ones(len(resting))], [*high, np.ones(len(resting))]
    system = np.hstack(columns)
    right = -(gradient + problem.price * signs)
    fitted = lsq_linear(
        system / scale, right / scale, (np.concatenate(low), np.concatenate(high)), method="bvls"
    )
    miss = np.abs(system @ fitted.x - right).max() / scale
    return max(miss, abs(weights.sum() - 1), -slack.min(initial=0.0))


def minimum_variance(problem):
    return optimization.minimum_variance(problem.covariance, **problem.options)


def mean_variance(problem):
    return optimization.mean_variance(
        problem.mean, problem.covariance, risk_aversion=3.0, **problem.options
    )


def target_return(problem):
    target = problem.mean @ problem.inside
    return optimization.target_return(problem.mean, problem.covariance, target, **problem.options)


def calm(problem):
    return np.sqrt(problem.inside @ problem.covariance @ problem.inside)


def target_volatility(problem):
    return optimization.target_volatility(
        problem.mean, problem.covariance, calm(problem), **problem.options
    )


def maximum_sharpe(problem):
    return optimization.maximum_sharpe(
        problem.mean, problem.covariance, risk_free=0.01, **problem.options
    )


def sharpe(problem, weights):
    reward = (problem.mean - 0.01) @ weights - problem.cost(weights)
    return reward / np.sqrt(weights @ problem.covariance @ weights)


OBJECTIVES = {
    minimum_variance: lambda p, w: w @ p.covariance @ w / 2 + p.cost(w),
    mean_variance: lambda p, w: 1.5 * w @ p.covariance @ w - p.mean @ w + p.cost(w),
    target_return: lambda p, w: w @ p.covariance @ w / 2 + p.cost(w),
    target_volatility: lambda p, w: p.cost(w) - p.mean @ w,
    maximum_sharpe: lambda p, w: -sharpe(p, w),
}


def with_limit(problem, row, level):
    """The problem with one more limit, row'w >= level."""
    G, h = np.vstack([problem.G, row]), np.append(problem.h, level)
    return dataclasses.replace(problem, G=G, h=h)


def gap(method, problem, weights):
    risk = problem.covariance @ weights
    if method is minimum_variance:
        return optimality_gap(problem, weights, risk, np.abs(risk).max())
    if method is mean_variance:
        return optimality_gap(problem, weights, 3.0 * risk - problem.mean, 0.15)
    if method is target_return:
        earns = with_limit(problem, problem.mean, problem.mean @ problem.inside)
        return optimality_gap(earns, weights, risk, np.abs(risk).max())
    if method is target_volatility:  # The limit, at the weights: -(V w)'x >= -w'V w.
        beyond = np.sqrt(weights @ risk) / calm(problem) - 1
        binds = with_limit(problem, -risk, -weights @ risk) if beyond > -1e-9 else problem
        return max(beyond, optimality_gap(binds, weights, -problem.mean, 0.15))
    # The ratio's slope, times the volatility, changed in sign.
    reward = problem.mean - 0.01
    net = reward @ weights - problem.cost(weights)
    return optimality_gap(problem, weights, net / (weights @ risk) * risk - reward, 0.15)


def has_a_maximum(method, problem):
    """Whether the Sharpe ratio has one: with unlimited shorts it may rise without end."""
    if method is not maximum_sharpe or len(problem.h):
        return True
    # Worth of the best direction per unit invested, costs aside: must stay positive.
    return np.linalg.solve(problem.covariance, problem.mean - 0.01).sum() > 0.5


@pytest.mark.parametrize("method", OBJECTIVES)
@given(problem=problems())
@settings(max_examples=60)
def test_optimality(method, problem):
    assume(has_a_maximum(method, problem))
    weights = method(problem)
    assert gap(method, problem, weights) < 1e-9


@pytest.mark.parametrize("method", OBJECTIVES)
@given(problem=problems(n=SIXTY))
@settings(max_examples=4)
def test_optimality_for_sixty_assets(method, problem):
    assume(has_a_maximum(method, problem))
    assert gap(method, problem, method(problem)) < 1e-9


@pytest.mark.parametrize("method", OBJECTIVES)
@pytest.mark.parametrize("penalty", [0.0, 0.001])
def test_no_weight_is_beyond_its_bound_by_any_amount(method, penalty):
    """Not by a rounding error either: a weight of -1e-17 is a short position to some."""
    for seed in range(30):
        problem = make_problem(seed, 10, ("long only", "boxes")[seed % 2], penalty)
        lower, upper = problem.options.get("bounds", (0.0, np.inf))
        weights = method(problem)
        assert (weights >= np.maximum(lower, 0.0)).all()
        assert (weights <= upper).all()


@pytest.mark.parametrize("method", OBJECTIVES)
@pytest.mark.parametrize("penalty", [0.0, 0.001])
def test_the_check_of_optimality_can_fail(method, penalty):
    problem = make_problem(1, 6, "boxes", penalty)
    weights = method(problem)
    assert gap(method, problem, weights) < 1e-9
    assert gap(method, problem, problem.inside) > 1e-4
    moved = weights + 1e-6 * (np.arange(6) == weights.argmax()) - 1e-6 * np.eye(6)[0]
    assert gap(method, problem, moved) > 1e-9


def test_the_random_problems_bind_in_every_way():
    """Weights on a bound, groups at a limit, weights that rest on the ones held, and short ones."""
    seen = set()
    for seed, limits in itertools.product(range(10), LIMITS):
        problem = make_problem(seed, 8, limits, 0.0005)
        weights = minimum_variance(problem)
        resting = np.abs(weights - problem.held) < 1e-12
        binding = problem.G @ weights - problem.h < 1e-12
        seen |= {(limits, "binds")} if binding.any() else set()
        seen |= {"rests"} if 0 < resting.sum() < 8 else set()
        seen |= {"short"} if (weights < -1e-3).any() else set()
    expected = {(limits, "binds") for limits in LIMITS if limits != "long-short"}
    assert seen == {*expected, "rests", "short"}


# ------------------------------------------------------------------------- dumb solvers


def enumerated(problem, Q, c):
    """Least value of w'Qw/2 - c'w + cost, over every set of binding limits and sides of trade."""
    n, best = problem.n, np.inf
    base = [(np.ones(n), 1.0)]
    sides = itertools.product((-1, 0, 1), repeat=n) if problem.price else [(0,) * n]
    subsets = [
        subset
        for size in range(n + 1)
        for subset in itertools.combinations(range(len(problem.h)), size)
    ]
    for side, subset in itertools.product(sides, subsets):
        rows = [*base, *((problem.G[j], problem.h[j]) for j in subset)]
        if problem.price:
            rows += [(np.eye(n)[i], problem.held[i]) for i in range(n) if side[i] == 0]
        if len(rows) > n + len(base):
            continue
        E, levels = np.array([row for row, _ in rows]), np.array([level for _, level in rows])
        system = np.block([[Q, E.T], [E, np.zeros((len(E), len(E)))]])
        right = np.concatenate([c - problem.price * np.array(side), levels])
        w = np.linalg.lstsq(system, right, rcond=None)[0][:n]
        if (problem.G @ w < problem.h - 1e-11).any() or np.abs(E @ w - levels).max() > 1e-11:
            continue
        best = min(best, w @ Q @ w / 2 - c @ w + problem.cost(w))
    return best


@pytest.mark.parametrize("method", [minimum_variance, mean_variance, target_return])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("penalty", [0.0, 0.004])
@pytest.mark.parametrize("limits", ["long only", "long-short boxes"])
def test_objective_equals_that_of_full_enumeration(method, n, penalty, limits):
    for seed in range(3 if penalty else 10):
        problem = make_problem(seed, n, limits, penalty)
        factor, linear = (3.0, problem.mean) if method is mean_variance else (1.0, np.zeros(n))
        limited = problem
        if method is target_return:
            limited = with_limit(problem, problem.mean, problem.mean @ problem.inside)
        best = enumerated(limited, factor * problem.covariance, linear)
        found = OBJECTIVES[method](problem, method(problem))
        assert found == pytest.approx(best, abs=1e-12)


def vertices(problem, rng, count):
    """Extreme portfolios of the limits, each the best for some random reward."""
    return np.array(
        [
            linprog(
                rng.normal(size=problem.n),
                A_ub=-problem.G,
                b_ub=-problem.h,
                A_eq=np.ones((1, problem.n)),
                b_eq=[1.0],
                bounds=(None, None),
            ).x
            for _ in range(count)
        ]
    )


@pytest.mark.parametrize("method", [minimum_variance, mean_variance, maximum_sharpe])
@pytest.mark.parametrize("penalty", [0.0, 0.005])
@pytest.mark.parametrize("limits", ["long only", "boxes and groups"])
def test_no_random_portfolio_is_better(method, penalty, limits):
    rng = np.random.default_rng(17)
    problem = make_problem(3, 7, limits, penalty, "outside")
    best = OBJECTIVES[method](problem, method(problem))
    corners = np.vstack([vertices(problem, rng, 15), problem.inside])
    mixtures = rng.dirichlet(np.full(len(corners), 0.3), size=1000) @ corners
    others = [OBJECTIVES[method](problem, weights) for weights in mixtures]
    assert min(others) >= best - 1e-12
    assert min(others) - best < 0.3 * (max(others) - best)


@pytest.mark.parametrize("method", OBJECTIVES)
@pytest.mark.parametrize("limits", ["long only", "boxes"])
@pytest.mark.parametrize("held", ["inside", "outside"])
def test_turnover_penalty_equals_the_split_formulation(method, limits, held):
    """Purchases p and sales q as variables of their own, solved by sequential programming."""
    problem = make_problem(5, 6, limits, 0.004, held)
    n = problem.n

    def weights_of(z):
        return problem.held + z[:n] - z[n:]

    def objective(z):
        split = Problem(*(getattr(problem, f) for f in ("covariance", "mean", "inside")), {}, 0, 0)
        w, cost = weights_of(z), problem.price * z.sum()
        if method is maximum_sharpe:
            return -((problem.mean - 0.01) @ w - cost) / np.sqrt(w @ problem.covariance @ w)
        return OBJECTIVES[method](split, w) + cost

    constraints = [
        {"type": "eq", "fun": lambda z: weights_of(z).sum() - 1},
        {"type": "ineq", "fun": lambda z: problem.G @ weights_of(z) - problem.h},
    ]
    if method is target_return:
        level = problem.mean @ problem.inside
        constraints.append({"type": "ineq", "fun": lambda z: problem.mean @ weights_of(z) - level})
    if method is target_volatility:
        constraints.append(
            {
                "type": "ineq",
                "fun": lambda z: (
                    calm(problem) ** 2 - weights_of(z) @ problem.covariance @ weights_of(z)
                ),
            }
        )
    change = problem.inside - problem.held
    start = np.concatenate([np.maximum(change, 0), np.maximum(-change, 0)])
    reference = minimize(
        objective,
        start,
        method="SLSQP",
        bounds=[(0, None)] * (2 * n),
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    found = OBJECTIVES[method](problem, method(problem))
    assert found == pytest.approx(reference.fun, abs=1e-6)
    assert found <= reference.fun + 1e-9


@pytest.mark.parametrize("method", OBJECTIVES)
@pytest.mark.parametrize("limits", LIMITS)
def test_a_penalty_of_zero_changes_nothing(method, limits):
    problem = make_problem(6, 7, limits)
    plain = method(problem)
    problem.options |= {"previous": problem.inside, "turnover_penalty": 0.0}
    np.testing.assert_array_equal(method(problem), plain)


@pytest.mark.parametrize("method", OBJECTIVES)
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("penalty", [1.0, 1e3, 1e9])
def test_a_huge_penalty_keeps_the_portfolio(method, limits, penalty):
    problem = make_problem(7, 7, limits, penalty)
    np.testing.assert_allclose(method(problem), problem.inside, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", OBJECTIVES)
def test_turnover_falls_as_its_price_rises(method):
    traded = []
    for penalty in (1e-9, 1e-4, 1e-3, 3e-3, 0.01):
        problem = make_problem(8, 9, "long only", penalty)
        traded.append(np.abs(method(problem) - problem.inside).sum())
    assert traded[0] > 0.1
    assert np.all(np.diff(traded) <= 1e-9)
    assert np.diff(traded).min() < -0.005


@pytest.mark.parametrize("seed", range(40))
def test_penalty_where_the_target_leaves_one_portfolio(seed):
    """Weights on a bound and on the kink at once: the search must not cycle or see nothing."""
    problem = make_problem(seed, 2 + seed % 9, "long only", 0.02)
    highest = problem.mean.max()
    corner = np.eye(problem.n)[problem.mean.argmax()]
    for held in (problem.inside, corner):
        problem.options["previous"] = held
        weights = optimization.target_return(
            problem.mean, problem.covariance, highest, **problem.options
        )
        np.testing.assert_allclose(weights, corner, rtol=0, atol=1e-9)


# ------------------------------------------------------------------------- equivariance

ALLOCATORS = {
    "minimum_variance": lambda m, v, **o: optimization.minimum_variance(v, **o),
    "mean_variance": lambda m, v, **o: optimization.mean_variance(m, v, risk_aversion=2.0, **o),
    "target_return": lambda m, v, **o: optimization.target_return(m, v, float(m.mean()), **o),
    "target_volatility": lambda m, v, **o: optimization.target_volatility(
        m, v, float(np.sqrt(np.mean(np.asarray(v, float)))) + 0.01, **o
    ),
    "maximum_sharpe": lambda m, v, **o: optimization.maximum_sharpe(m, v, risk_free=0.01, **o),
    "maximum_diversification": lambda m, v, **o: optimization.maximum_diversification(v, **o),
    "risk_parity": lambda m, v: optimization.risk_parity(v),
    "equal_weight": lambda m, v: optimization.equal_weight(v),
}
allocators = pytest.mark.parametrize("allocate", ALLOCATORS.values(), ids=ALLOCATORS)
seeds_and_sizes = given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12))


@allocators
@seeds_and_sizes
@settings(max_examples=25)
def test_the_order_of_assets_does_not_matter(allocate, seed, n):
    problem = make_problem(seed, n)
    order = np.random.default_rng(seed).permutation(n)
    plain = allocate(problem.mean, problem.covariance)
    moved = allocate(problem.mean[order], problem.covariance[np.ix_(order, order)])
    np.testing.assert_allclose(moved, plain[order], rtol=0, atol=1e-10)


@allocators
@pytest.mark.parametrize("long_only", [True, False])
def test_labels_in_labels_out(allocate, long_only):
    problem = make_problem(9, 5)
    names = list("vwxyz")
    free = allocate in list(ALLOCATORS.values())[6:]
    options = {} if free else {"long_only": long_only}
    covariance = pd.DataFrame(problem.covariance, names, names)
    mean = pd.Series(problem.mean, names)
    plain = allocate(problem.mean, problem.covariance, **options)
    assert type(plain) is np.ndarray
    for labelled in (mean, mean[::-1]):
        weights = allocate(labelled, covariance, **options)
        assert isinstance(weights, pd.Series)
        assert list(weights.index) == names
        np.testing.assert_allclose(weights, plain, rtol=0, atol=1e-14)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


def test_labels_of_the_mean_serve_when_the_covariance_has_none():
    weights = optimization.maximum_sharpe(MEANS, COVARIANCE.to_numpy())
    assert list(weights.index) == NAMES


@allocators
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda v: v.tolist(), id="nested lists"),
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda v: np.lib.stride_tricks.as_strided(v, writeable=False), id="read-only"),
        pytest.param(lambda v: v[::-1, ::-1][::-1, ::-1], id="views"),
        pytest.param(lambda v: (v * 1024).astype(np.float32) / 1024, id="single precision"),
    ],
)
def test_any_form_of_array_will_do(allocate, form):
    problem = make_problem(10, 4)
    covariance = np.round(problem.covariance * 1024) / 1024 + np.eye(4)
    weights = allocate(problem.mean, form(covariance))
    np.testing.assert_allclose(
        weights,
        allocate(problem.mean, covariance),
        rtol=0,
        atol=1e-15,
    )


@allocators
def test_integers_are_numbers(allocate):
    covariance, mean = np.array([[4, 1], [1, 9]]), np.array([1, 2])
    whole = allocate(mean, covariance)
    np.testing.assert_array_equal(whole, allocate(mean.astype(float), covariance.astype(float)))


@allocators
def test_one_asset(allocate):
    assert allocate(np.array([0.1]), np.array([[0.04]])) == pytest.approx([1.0], abs=1e-15)


@allocators
def test_inputs_are_left_alone(allocate):
    problem = make_problem(11, 5)
    mean, covariance = problem.mean.copy(), problem.covariance.copy()
    allocate(problem.mean, problem.covariance)
    np.testing.assert_array_equal(problem.mean, mean)
    np.testing.assert_array_equal(problem.covariance, covariance)


@pytest.mark.parametrize("name", ["minimum_variance", "maximum_diversification", "risk_parity"])
@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("seed", range(3))
def test_units_of_the_covariance_do_not_matter(name, factor, seed):
    problem = make_problem(seed, 8)
    plain = ALLOCATORS[name](None, problem.covariance)
    np.testing.assert_allclose(
        ALLOCATORS[name](None, factor * problem.covariance), plain, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("limits", LIMITS)
def test_units_of_means_do_not_matter(factor, limits):
    """Reward scales the ratio, and risk aversion undoes a change of units."""
    problem = make_problem(12, 8, limits)
    mean, covariance, options = problem.mean, problem.covariance, problem.options
    plain = optimization.maximum_sharpe(mean, covariance, **options)
    scaled = optimization.maximum_sharpe(factor * mean, covariance, **options)
    np.testing.assert_allclose(scaled, plain, rtol=0, atol=1e-12)
    plain = optimization.mean_variance(mean, covariance, risk_aversion=2.0, **options)
    scaled = optimization.mean_variance(
        factor * mean, covariance, risk_aversion=2.0 * factor, **options
    )
    np.testing.assert_allclose(scaled, plain, rtol=0, atol=1e-12)
    target = mean @ problem.inside
    plain = optimization.target_return(mean, covariance, target, **options)
    scaled = optimization.target_return(factor * mean, covariance, factor * target, **options)
    np.testing.assert_allclose(scaled, plain, rtol=0, atol=1e-10)
    plain = optimization.target_volatility(mean, covariance, calm(problem), **options)
    scaled = optimization.target_volatility(factor * mean, covariance, calm(problem), **options)
    np.testing.assert_allclose(scaled, plain, rtol=0, atol=1e-10)


# ------------------------------------------------------------------- identities between methods


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("limits", ["long only", "boxes", "groups"])
def test_maximum_sharpe_is_the_best_point_of_the_frontier(seed, limits):
    problem = make_problem(seed, 6, limits)
    reward = problem.mean - 0.01

    def negative_ratio(target):
        weights = optimization.target_return(reward, problem.covariance, target, **problem.options)
        return -sharpe(problem, weights)

    ends = optimization.efficient_frontier(
        reward, problem.covariance, n_points=40, **problem.options
    )
    start = int(np.argmax(ends.mean / ends.volatility))
    around = ends.mean[max(start - 1, 0)], ends.mean[min(start + 1, 39)]
    best = minimize_scalar(negative_ratio, bounds=around, method="bounded", options={"xatol": 1e-9})
    found = sharpe(problem, maximum_sharpe(problem))
    assert found == pytest.approx(-best.fun, rel=1e-8)
    assert found >= -best.fun * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_maximum_diversification_is_minimum_variance_of_the_correlations(seed):
    covariance = make_problem(seed, 9).covariance
    volatility = np.sqrt(np.diagonal(covariance))
    correlation = covariance / np.outer(volatility, volatility)
    rescaled = optimization.minimum_variance(correlation) / volatility
    np.testing.assert_allclose(
        optimization.maximum_diversification(covariance), rescaled / rescaled.sum(), atol=1e-14
    )


@pytest.mark.parametrize("seed", range(5))
def test_long_only_is_shrinkage(seed):
    """Jagannathan and Ma (2003): the multipliers of the bounds change the covariance."""
    covariance = make_problem(seed, 9).covariance
    A = np.column_stack([np.ones(9), np.eye(9)])
    solved = quadratic.solve_quadratic(covariance, np.zeros(9), A, np.eye(10)[0], 1)
    bound = solved.multipliers[1:]
    assert (bound > 0).any()
    shrunk = covariance - np.add.outer(bound, bound)
    inverse = np.linalg.solve(shrunk, np.ones(9))
    np.testing.assert_allclose(
        optimization.minimum_variance(covariance), inverse / inverse.sum(), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(3))
def test_closed_forms_where_shorts_are_free(seed):
    problem = make_problem(seed, 8)
    mean, covariance = problem.mean, problem.covariance
    inverse = np.linalg.inv(covariance)
    safe = inverse.sum(axis=0) / inverse.sum()
    free = {"long_only": False}
    np.testing.assert_allclose(optimization.minimum_variance(covariance, **free), safe, atol=1e-13)
    bold = inverse @ (mean - safe @ mean) / 2.0
    weights = optimization.mean_variance(mean, covariance, risk_aversion=2.0, **free)
    np.testing.assert_allclose(weights, safe + bold, atol=1e-12)
    tangency = inverse @ mean
    if tangency.sum() > 0:
        weights = optimization.maximum_sharpe(mean, covariance, **free)
        np.testing.assert_allclose(weights, tangency / tangency.sum(), atol=1e-12)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("n", [3, 8, 60])
@pytest.mark.parametrize("risk_aversion", [0.5, 2.0, 8.0])
def test_one_portfolio_by_risk_aversion_by_its_mean_and_by_its_volatility(limits, n, risk_aversion):
    problem = make_problem(n, n, limits)
    moments, options = (problem.mean, problem.covariance), problem.options
    weights = optimization.mean_variance(*moments, risk_aversion=risk_aversion, **options)
    level = np.sqrt(weights @ problem.covariance @ weights)
    by_volatility = optimization.target_volatility(*moments, level, **options)
    np.testing.assert_allclose(by_volatility, weights, rtol=0, atol=1e-9)
    by_mean = optimization.target_return(*moments, problem.mean @ weights, **options)
    np.testing.assert_allclose(by_mean, weights, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_of_a_target_volatility(seed):
    problem = make_problem(seed, 8)
    inverse = np.linalg.inv(problem.covariance)
    safe = inverse.sum(axis=0) / inverse.sum()
    bold = inverse @ (problem.mean - safe @ problem.mean)
    variance, slope = safe @ problem.covariance @ safe, bold @ problem.covariance @ bold
    for times in (1.0001, 1.5, 40.0):
        expected = safe + np.sqrt((times**2 - 1) * variance / slope) * bold
        weights = optimization.target_volatility(
            problem.mean, problem.covariance, times * np.sqrt(variance), long_only=False
        )
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-9 * times)


@given(problem=problems())
@settings(max_examples=30)
def test_more_risk_never_lowers_the_mean_after_costs(problem):
    safest = optimization.minimum_variance(
        problem.covariance, **{**problem.options, "turnover_penalty": 0.0}
    )
    lowest, net = np.sqrt(safest @ problem.covariance @ safest), []
    for times in (1.0, 1 + 1e-13, 1.001, 1.1, 1.3, 2.0, 10.0):
        weights = optimization.target_volatility(
            problem.mean, problem.covariance, times * lowest, **problem.options
        )
        volatility = np.sqrt(weights @ problem.covariance @ weights)
        assert volatility <= times * lowest * (1 + 1e-9)
        net.append(problem.mean @ weights - problem.cost(weights))
    assert np.diff(net).min() > -1e-7


def test_a_target_volatility_that_no_portfolio_needs():
    """Above the volatility of the best asset the limit is slack; of two, the calmer is held."""
    found = optimization.target_volatility(MEANS, COVARIANCE, 0.5)
    np.testing.assert_allclose(found, [0, 0, 1], rtol=0, atol=1e-12)
    same = np.array([0.1, 0.1, 0.05])
    calmer = optimization.minimum_variance(COVARIANCE.iloc[:2, :2])
    found = optimization.target_volatility(same, COVARIANCE, 0.5)
    np.testing.assert_allclose(found, [*calmer, 0], rtol=0, atol=1e-9)
    equal = optimization.target_volatility(np.full(3, 0.1), COVARIANCE, 0.5, long_only=False)
    np.testing.assert_allclose(equal, optimization.minimum_variance(COVARIANCE), rtol=0, atol=1e-9)


@pytest.mark.parametrize("target", [0.05, 0.195])
def test_a_target_volatility_out_of_reach(target):
    with pytest.raises(InfeasibleError, match=rf"{target:g} is out of reach.* is 0\.195959"):
        optimization.target_volatility(MEANS, COVARIANCE, target)


@pytest.mark.parametrize("target", [0, -0.1, np.nan, "calm"])
def test_a_target_volatility_is_a_positive_number(target):
    with pytest.raises(DataError, match="target"):
        optimization.target_volatility(MEANS, COVARIANCE, target)


# ------------------------------------------------------------------------- efficient frontier


@given(problem=problems())
@settings(max_examples=30)
def test_frontier_is_convex_and_rises(problem):
    options = {
        k: v for k, v in problem.options.items() if k not in ("previous", "turnover_penalty")
    }
    frontier = optimization.efficient_frontier(
        problem.mean, problem.covariance, n_points=9, **options
    )
    weights = frontier.weights.to_numpy()
    lowest = optimization.minimum_variance(problem.covariance, **options)
    np.testing.assert_array_equal(weights[0], lowest)
    variance = frontier.volatility**2
    np.testing.assert_allclose(frontier.mean, weights @ problem.mean, atol=1e-15)
    np.testing.assert_allclose(variance, [w @ problem.covariance @ w for w in weights], rtol=1e-12)
    spacing = np.diff(frontier.mean)
    assert (spacing >= -1e-12).all()
    np.testing.assert_allclose(spacing, spacing[0], rtol=1e-6, atol=1e-10)
    assert (np.diff(variance) >= -1e-12).all()
    assert (np.diff(variance, 2) >= -1e-10).all()
    highest = max(problem.mean.max(), frontier.mean[0])
    if len(problem.h):
        highest = -linprog(
            -problem.mean, -problem.G, -problem.h, np.ones((1, problem.n)), [1.0], (None, None)
        ).fun
    assert frontier.mean[-1] == pytest.approx(highest, abs=1e-9)


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-4, 1.0, 1e4])
def test_long_only_frontier_ends_in_the_best_asset(factor):
    for seed in range(40):
        problem = make_problem(seed, 2 + seed % 12)
        mean = factor * (problem.mean - 0.05)
        frontier = optimization.efficient_frontier(mean, problem.covariance, n_points=3)
        assert frontier.mean[-1] == pytest.approx(mean.max(), rel=1e-9)
        assert frontier.weights.iloc[-1].idxmax() == mean.argmax()
        assert frontier.weights.iloc[-1].max() == pytest.approx(1.0, abs=1e-7)


def test_frontier_is_labelled_and_stops_where_told():
    frontier = optimization.efficient_frontier(MEANS, COVARIANCE, n_points=4, highest=0.15)
    assert list(frontier.weights.columns) == NAMES
    assert frontier.weights.shape == (4, 3)
    np.testing.assert_allclose(frontier.mean, np.linspace(0.1296, 0.15, 4), atol=1e-14)


def test_frontier_below_its_start_is_refused():
    with pytest.raises(InfeasibleError, match=r"highest is 0.125, below 0.1296.*raise"):
        optimization.efficient_frontier(MEANS, COVARIANCE, highest=0.125)


def test_frontier_of_one_point_is_refused():
    with pytest.raises(DataError, match=r"n_points is 1; it must be at least 2"):
        optimization.efficient_frontier(MEANS, COVARIANCE, n_points=1)


# ---------------------------------------------------------------------------- risk parity

BUDGETS = {"equal": None, "budget": GOLDEN["budget"]["b"]}


@pytest.mark.parametrize("case", BUDGETS)
@pytest.mark.parametrize(("software", "tolerance"), [("newton", 1e-12), ("riskfolio", 5e-6)])
def test_risk_parity_of_other_software(case, software, tolerance):
    """Riskfolio's cone solver stops at about 3e-6; an independent Newton method does not."""
    weights = optimization.risk_parity(GOLDEN["cov"], budget=BUDGETS[case])
    np.testing.assert_allclose(weights, GOLDEN[case][software], rtol=0, atol=tolerance)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), equal=st.booleans())
@settings(max_examples=60)
def test_contributions_meet_the_budget(seed, n, equal):
    rng = np.random.default_rng(seed)
    covariance = random_covariance(rng, n) * 10.0 ** rng.uniform(-12, 12)
    budget = None if equal else rng.uniform(0.01, 1.0, n)
    weights = optimization.risk_parity(covariance, budget=budget)
    wanted = np.full(n, 1 / n) if equal else budget / budget.sum()
    contributions = weights * (covariance @ weights) / (weights @ covariance @ weights)
    np.testing.assert_allclose(contributions, wanted, rtol=0, atol=1e-12)
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-15 * n)


def test_risk_parity_without_correlation_is_inverse_volatility():
    volatility = np.array([0.1, 0.2, 0.4])
    weights = optimization.risk_parity(np.diag(volatility**2))
    np.testing.assert_allclose(weights, (1 / volatility) / (1 / volatility).sum(), atol=1e-14)


def test_risk_parity_of_a_singular_covariance():
    weights = optimization.risk_parity(np.outer([0.1, 0.2, 0.4], [0.1, 0.2, 0.4]))
    np.testing.assert_allclose(weights, np.array([4, 2, 1]) / 7, atol=1e-12)


def test_budget_is_matched_by_label():
    budget = pd.Series([0.2, 0.3, 0.5], NAMES)
    weights = optimization.risk_parity(COVARIANCE, budget=budget[::-1])
    contributions = metrics.risk_contributions(weights, COVARIANCE)
    np.testing.assert_allclose(contributions, budget, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("correlation", "message"), [(-1.0, r"no variance.*Shrink"), (-2.0, r"indefinite.*shrink")]
)
def test_no_risk_to_share(correlation, message):
    with pytest.raises(SingularCovarianceError, match=message):
        optimization.risk_parity([[1.0, correlation], [correlation, 1.0]])


def test_risk_parity_that_stops_early(monkeypatch):
    monkeypatch.setattr(optimization, "MAX_ROUNDS", 1)
    with pytest.raises(ConvergenceError, match=r"missed its budget by .* after 1 Newton"):
        optimization.risk_parity(COVARIANCE, budget=[0.9, 0.05, 0.05])


@pytest.mark.parametrize("budget", [[0.5, 0.5, 0.0], [0.9, 0.3, -0.2]])
def test_budgets_must_be_positive(budget):
    with pytest.raises(DataError, match=r"budget has 1 .*not positive, the lowest is .*Leave"):
        optimization.risk_parity(COVARIANCE, budget=budget)


# ---------------------------------------------------------------------------- equal weight


@pytest.mark.parametrize(
    ("assets", "labels"),
    [
        (4, None),
        (np.int64(4), None),
        (np.eye(4), None),
        (np.eye(4).tolist(), None),
        (list("wxyz"), list("wxyz")),
        (pd.Index(list("wxyz")), list("wxyz")),
        (pd.DataFrame(np.eye(4), list("wxyz"), list("wxyz")), list("wxyz")),
    ],
    ids=["int", "numpy int", "array", "nested lists", "list", "Index", "DataFrame"],
)
def test_equal_weight_counts_assets(assets, labels):
    weights = optimization.equal_weight(assets)
    np.testing.assert_array_equal(np.asarray(weights), np.full(4, 0.25))
    assert (None if labels is None else list(weights.index)) == labels


@pytest.mark.parametrize("assets", [0, [], np.empty((0, 0))], ids=["zero", "list", "array"])
def test_equal_weight_of_nothing(assets):
    with pytest.raises(DataError, match="0 assets"):
        optimization.equal_weight(assets)


# --------------------------------------------------------------------- portfolios that do not exist


@pytest.mark.parametrize("target", [0.18001, 0.19])
def test_target_out_of_reach(target):
    with pytest.raises(InfeasibleError, match=r"between 0\.12 and 0\.18\. Move the target"):
        optimization.target_return(MEANS, COVARIANCE, target)


def test_target_out_of_reach_of_the_limits():
    with pytest.raises(InfeasibleError, match=r"between 0\.132 and 0\.168"):
        optimization.target_return(MEANS, COVARIANCE, 0.17, bounds=(0, 0.6))


@pytest.mark.parametrize(("bounds", "end"), [(None, 0.18), ((0, 0.6), 0.168)])
def test_the_highest_target_is_reached(bounds, end):
    weights = optimization.target_return(MEANS, COVARIANCE, end, bounds=bounds)
    assert weights @ MEANS == pytest.approx(end, abs=1e-10)
    # What rounding puts beyond the end is at the end.
    same = optimization.target_return(MEANS, COVARIANCE, end * (1 + 1e-15), bounds=bounds)
    np.testing.assert_allclose(same, weights, rtol=0, atol=1e-9)


@pytest.mark.parametrize("target", [-1.0, 0.12, 0.1295, 0.1297])
def test_a_target_below_the_mean_of_the_lowest_variance_does_not_bind(target):
    """The portfolio of lowest variance earns 12.96 %."""
    weights = optimization.target_return(MEANS, COVARIANCE, target)
    calmest = optimization.minimum_variance(COVARIANCE)
    assert weights @ MEANS == pytest.approx(max(target, 0.1296), abs=1e-14)
    assert np.allclose(weights, calmest, rtol=0, atol=1e-15) == (target < 0.1296)


def test_any_target_is_within_reach_of_shorts():
    weights = optimization.target_return(MEANS, COVARIANCE, 0.5, long_only=False)
    assert weights @ MEANS == pytest.approx(0.5, abs=1e-13)


def test_no_portfolio_beats_the_riskless_asset():
    with pytest.raises(InfeasibleError, match=r"the best earns -0\.02 .*Lower risk_free"):
        optimization.maximum_sharpe(MEANS, COVARIANCE, risk_free=0.2)


@pytest.mark.parametrize("factor", [1e-9, 1.0])
def test_a_tiny_positive_reward_is_a_reward(factor):
    """The reward is compared with zero in its own units."""
    reward = factor * np.array([-1.0, 0.01, -2.0])
    weights = optimization.maximum_sharpe(reward, COVARIANCE.to_numpy())
    np.testing.assert_allclose(weights, [0, 1, 0], atol=1e-2)


def test_ratio_that_rises_without_end():
    """Beyond the mean of the minimum-variance portfolio, the best direction is a short position."""
    with pytest.raises(InfeasibleError, match=r"no maximum .*Set bounds, or lower risk_free"):
        optimization.maximum_sharpe(MEANS, COVARIANCE, risk_free=0.15, long_only=False)


@pytest.mark.parametrize("periods", [3, 9, 10])
def test_fewer_periods_than_assets(periods):
    for seed in range(30):
        returns = np.random.default_rng(seed).normal(0.01, 0.02, size=(periods, 10))
        covariance, mean = np.cov(returns.T), returns.mean(axis=0) + 0.1
        for name in list(ALLOCATORS)[:6]:
            with pytest.raises(SingularCovarianceError, match=r"rank is \d of 10.*shrink"):
                ALLOCATORS[name](mean, covariance)


@pytest.mark.parametrize("risk_aversion", [0.0, -1.0, np.nan, np.inf, "two", None])
def test_risk_aversion_is_a_positive_number(risk_aversion):
    with pytest.raises(DataError, match=r"risk_aversion is .*must be (a |positive)"):
        optimization.mean_variance(MEANS, COVARIANCE, risk_aversion=risk_aversion)


@pytest.mark.parametrize("value", [np.nan, np.inf, "much", None, [0.1, 0.2]], ids=str)
def test_targets_and_rates_are_numbers(value):
    with pytest.raises(DataError, match=r"target is .*must be a"):
        optimization.target_return(MEANS, COVARIANCE, value)
    with pytest.raises(DataError, match=r"risk_free is .*must be a"):
        optimization.maximum_sharpe(MEANS, COVARIANCE, risk_free=value)


# ------------------------------------------------------------------- zero-cost portfolios


def zero_cost_problem(seed, n=8):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n + 3)) * np.exp(rng.normal(0, 0.5, n))[:, None]
    return rng.normal(0.01, 0.03, n), 0.01 * root @ root.T


def information(weights, mean, matrix):
    return weights @ mean / np.sqrt(weights @ matrix @ weights)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [2, 3, 8, 40])
def test_zero_cost_sharpe_is_the_dense_formula(seed, n):
    mean, matrix = zero_cost_problem(seed, n)
    inverse, ones = np.linalg.inv(matrix), np.ones(n)
    direction = inverse @ (mean - ones * (ones @ inverse @ mean) / (ones @ inverse @ ones))
    found = optimization.zero_cost_sharpe(mean, matrix)
    np.testing.assert_allclose(found, direction / np.abs(direction).max(), rtol=0, atol=1e-10)
    assert abs(found.sum()) < 1e-12
    assert np.abs(found).max() == pytest.approx(1, abs=1e-14)
    assert found @ mean > 0


@pytest.mark.parametrize("seed", range(4))
def test_zero_cost_sharpe_beats_every_other_zero_cost_portfolio(seed):
    mean, matrix = zero_cost_problem(seed)
    best = information(optimization.zero_cost_sharpe(mean, matrix), mean, matrix)
    others = np.random.default_rng(seed).standard_normal((5000, 8))
    others -= others.mean(axis=1, keepdims=True)
    assert max(information(w, mean, matrix) for w in others) <= best + 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_zero_cost_sharpe_is_stationary(seed):
    """V w = c (m - l 1) with c > 0; the ratio is quasi-concave, so that this is its maximum."""
    mean, matrix = zero_cost_problem(seed)
    risk = matrix @ optimization.zero_cost_sharpe(mean, matrix)
    spanned = np.column_stack([mean, np.ones(8)])
    coefficients = np.linalg.lstsq(spanned, risk, rcond=None)[0]
    np.testing.assert_allclose(spanned @ coefficients, risk, rtol=0, atol=1e-12)
    assert coefficients[0] > 0


@pytest.mark.parametrize("seed", range(4))
def test_zero_cost_bounds_that_do_not_bind_change_nothing(seed):
    """The closed form against the quadratic program with 2 n bounds."""
    mean, matrix = zero_cost_problem(seed)
    free = optimization.zero_cost_sharpe(mean, matrix, target=0.02)
    assert free @ mean == pytest.approx(0.02, rel=1e-12)
    widest = np.abs(free).max()
    program = optimization._zero_cost(matrix, mean, 0.02, 1.01 * widest)
    np.testing.assert_allclose(program, free, rtol=0, atol=1e-10 * widest)
    loose = optimization.zero_cost_sharpe(mean, matrix, target=0.02, bound=1.01 * widest)
    np.testing.assert_allclose(loose, free, rtol=0, atol=1e-12 * widest)


@pytest.mark.parametrize("seed", range(4))
def test_zero_cost_bounds_that_bind(seed):
    mean, matrix = zero_cost_problem(seed)
    free = optimization.zero_cost_sharpe(mean, matrix, target=0.02)
    bound = 0.8 * np.abs(free).max()
    found = optimization.zero_cost_sharpe(mean, matrix, target=0.02, bound=bound)
    assert np.abs(found).max() == pytest.approx(bound, rel=1e-12)
    assert abs(found.sum()) < 1e-9 * bound
    assert found @ mean == pytest.approx(0.02, rel=1e-9)
    slsqp = minimize(
        lambda w: w @ matrix @ w,
        found + 0.01 * np.random.default_rng(seed).standard_normal(8),
        jac=lambda w: 2 * matrix @ w,
        bounds=[(-bound, bound)] * 8,
        constraints=[
            {"type": "eq", "fun": np.sum},
            {"type": "eq", "fun": lambda w: 100 * (w @ mean - 0.02)},
        ],
        options={"maxiter": 500, "ftol": 1e-15},
    )
    assert found @ matrix @ found <= slsqp.fun * (1 + 1e-6)


def test_zero_cost_scale_is_the_bound():
    mean, matrix = zero_cost_problem(0)
    one = optimization.zero_cost_sharpe(mean, matrix)
    np.testing.assert_allclose(optimization.zero_cost_sharpe(mean, matrix, bound=0.1), one / 10)
    for factor in (1e-9, 1e9):
        same = optimization.zero_cost_sharpe(factor * mean, factor**2 * matrix)
        np.testing.assert_allclose(same, one, rtol=0, atol=1e-10)


def test_zero_cost_two_assets_by_hand():
    """Whatever the covariance, two assets at no cost are one long and one short."""
    found = optimization.zero_cost_sharpe([0.01, 0.03], [[0.04, 0.01], [0.01, 0.09]])
    np.testing.assert_allclose(found, [-1, 1], rtol=0, atol=1e-14)


def test_zero_cost_labels():
    found = optimization.zero_cost_sharpe(MEANS[::-1], COVARIANCE)
    assert list(found.index) == NAMES
    assert found.name == "zero_cost_sharpe"
    wanted = optimization.zero_cost_sharpe(MEANS.to_numpy(), COVARIANCE.to_numpy())
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ["bound", "target"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, "one"])
def test_zero_cost_limits_are_positive_numbers(name, value):
    with pytest.raises(DataError, match=rf"{name} is .*; it must be"):
        optimization.zero_cost_sharpe(MEANS, COVARIANCE, **{name: value})


def test_zero_cost_errors():
    with pytest.raises(DataError, match="all expected returns are equal"):
        optimization.zero_cost_sharpe([0.1, 0.1, 0.1], COVARIANCE)
    with pytest.raises(DataError, match="all expected returns are equal"):
        optimization.zero_cost_sharpe([0.1], [[0.04]])
    with pytest.raises(SingularCovarianceError, match="numerical rank is 1 of 3"):
        optimization.zero_cost_sharpe(MEANS, np.ones((3, 3)))
    # Means .12, .15, .18: at most .06 per unit of bound, one long and one short.
    reach = optimization.zero_cost_sharpe(MEANS, COVARIANCE, target=0.0599, bound=1.0)
    np.testing.assert_allclose(reach, [0, -1, 1], atol=0.01)
    with pytest.raises(InfeasibleError, match=r"target 0.0601 .* earns 0.06 at most"):
        optimization.zero_cost_sharpe(MEANS, COVARIANCE, target=0.0601, bound=1.0)


@pytest.mark.parametrize("unknown", ["long_onyl", "zzz"])
@pytest.mark.parametrize(
    "function",
    [
        lambda **o: optimization.minimum_variance(COVARIANCE, **o),
        lambda **o: optimization.mean_variance(MEANS, COVARIANCE, risk_aversion=2.0, **o),
        lambda **o: optimization.target_return(MEANS, COVARIANCE, float(MEANS.mean()), **o),
        lambda **o: optimization.target_volatility(MEANS, COVARIANCE, 0.25, **o),
        lambda **o: optimization.maximum_sharpe(MEANS, COVARIANCE, **o),
        lambda **o: optimization.maximum_diversification(COVARIANCE, **o),
        lambda **o: optimization.efficient_frontier(MEANS, COVARIANCE, **o),
    ],
    ids=[
        "minimum_variance",
        "mean_variance",
        "target_return",
        "target_volatility",
        "maximum_sharpe",
        "maximum_diversification",
        "efficient_frontier",
    ],
)
def test_unknown_options_are_named_by_the_public_function(request, function, unknown):
    name = request.node.callspec.id.split("-")[0]
    remedy = "did you mean 'long_only'" if unknown == "long_onyl" else "It has long_only, bounds"
    with pytest.raises(DataError, match=rf"^{name}\(\) has no option '{unknown}'.*{remedy}"):
        function(**{unknown: True})
    function(long_only=True)


def test_an_option_of_the_function_itself_is_proposed():
    with pytest.raises(DataError, match=r"maximum_sharpe\(\) .*did you mean 'risk_free'"):
        optimization.maximum_sharpe(MEANS, COVARIANCE, riskfree=0.01)


@pytest.mark.parametrize("assets", [2.5, "four", {"a", "b"}, None])
def test_a_number_of_assets_is_whole(assets):
    with pytest.raises(DataError, match=r"assets is .*whole number"):
        optimization.equal_weight(assets)


def test_means_that_are_all_zero_are_equal_means():
    for mean in (np.zeros(3), np.full(3, 0.01), np.full(3, -0.01)):
        with pytest.raises(DataError, match="all expected returns are equal"):
            optimization.zero_cost_sharpe(mean, np.eye(3))


def test_risk_parity_is_accepted_as_soon_as_it_is_good_enough(monkeypatch):
    """After the last round, by the tolerance itself; before it, by a tenth."""
    matrix, budget = COVARIANCE.to_numpy(), [0.7, 0.2, 0.1]
    monkeypatch.setattr(optimization, "MAX_ROUNDS", 2)
    with pytest.raises(ConvergenceError, match=r"missed its budget by .* after 2 Newton") as error:
        optimization.risk_parity(matrix, budget=budget)
    miss = float(str(error.value).split("by ")[1].split(" ")[0])
    monkeypatch.setattr(optimization, "RISK_PARITY_TOLERANCE", 2 * miss)
    found = optimization.risk_parity(matrix, budget=budget)
    np.testing.assert_allclose(metrics.risk_contributions(found, matrix), budget, atol=2 * miss)
    monkeypatch.setattr(optimization, "RISK_PARITY_TOLERANCE", miss / 2)
    with pytest.raises(ConvergenceError):
        optimization.risk_parity(matrix, budget=budget)


def test_no_risk_to_share_is_told_with_the_lowest_eigenvalue():
    with pytest.raises(SingularCovarianceError, match=r"correlations: -0\.5\)"):
        optimization._budgeted(np.array([[1.0, -1.5], [-1.5, 1.0]]), np.array([0.5, 0.5]))


@pytest.mark.parametrize(("miss", "stays"), [(1e-15, True), (1e-12, False)])
def test_what_is_held_stays_only_if_it_is_allowed(miss, stays):
    """Missing a bound by more than rounding is a reason to trade, however dear."""
    for held in ([1 + miss, -miss], [1 + miss, 0.0], [1 - miss, 0.0]):
        limits = optimization.read_constraints(2, None, previous=[0.5, 0.5], turnover_penalty=1.0)
        limits = dataclasses.replace(limits, previous=np.array(held))
        found = optimization._stays(np.zeros(2), np.ones((2, 1)), np.ones(1), limits)
        assert found == stays


def test_a_target_beyond_reach_by_rounding_is_within_reach():
    """Where the lowest mean is zero as well: what counts is the largest size."""
    mean, matrix = np.array([0.0, 0.01, 0.02]), np.diag([1.0, 2.0, 3.0])
    found = optimization.target_return(mean, matrix, 0.02 * (1 + 1e-14))
    np.testing.assert_allclose(found, [0, 0, 1], atol=1e-9)
    with pytest.raises(InfeasibleError, match="out of reach"):
        optimization.target_return(mean, matrix, 0.02 * (1 + 1e-9))


# ---------------------------------------------------------------------- risk parity in bounds


def barrier(matrix, budget, price, weights):
    return weights @ matrix @ weights / 2 - price * budget @ np.log(weights)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "bounds", [(0.0, 1.2), (0.8, None), (0.7, 1.4), "some"], ids=["cap", "floor", "both", "some"]
)
def test_bounded_risk_parity_is_what_a_dumb_solver_finds(seed, bounds):
    """Multiples of 1/N as bounds: the sides of the solution, and then the convex problem itself."""
    rng = np.random.default_rng(seed)
    n = 6
    matrix = np.cov(rng.normal(size=(n, 4 * n)) * rng.uniform(0.5, 2, (n, 1))) + 0.1
    budget = rng.uniform(0.5, 1.5, n)
    budget /= budget.sum()
    limits = {0: (0.2, 0.3), 3: (None, 0.05)} if bounds == "some" else None
    if limits is None:
        limits = tuple(None if side is None else side / n for side in bounds)
    weights = optimization.risk_parity(matrix, budget=budget, bounds=limits)
    ends = [limits.get(i, (0, 1)) if bounds == "some" else limits for i in range(n)]
    lower, upper = np.array([(low or 0.0, high or 1.0) for low, high in ends]).T
    assert weights.sum() == pytest.approx(1.0, abs=1e-10)
    assert (weights >= lower).all() and (weights <= upper).all()
    per_budget = weights * (matrix @ weights) / budget
    inside = (weights > lower) & (weights < upper)
    assert 0 < inside.sum() < n  # a bound binds
    price = per_budget[inside].mean()
    np.testing.assert_allclose(per_budget[inside], price, rtol=1e-9)
    assert (per_budget[weights == lower] >= price * (1 - 1e-9)).all()
    assert (per_budget[weights == upper] <= price * (1 + 1e-9)).all()
    dumb = minimize(
        lambda w: barrier(matrix, budget, price, w) / price,
        np.clip(np.full(n, 1 / n), lower, upper),
        bounds=list(zip(np.maximum(lower, 1e-6), upper, strict=True)),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000},
    )
    np.testing.assert_allclose(weights, dumb.x, rtol=0, atol=1e-5)


def test_bounds_that_do_not_bind_change_nothing():
    free = optimization.risk_parity(COVARIANCE)
    loose = optimization.risk_parity(COVARIANCE, bounds=(0.1, 0.6))
    pd.testing.assert_series_equal(loose, free, check_exact=True)


def test_bounds_without_room_for_risk_parity():
    with pytest.raises(InfeasibleError, match=r"upper bounds add up to 0\.6"):
        optimization.risk_parity(COVARIANCE, bounds=(0, 0.2))
    hedged = np.array([[1.0, -0.0999], [-0.0999, 0.01]])
    with pytest.raises(InfeasibleError, match="shares its risk as budgeted"):
        optimization.risk_parity(hedged, bounds={0: (0.3, 1.0), 1: (0.0, 0.8)})


# ---------------------------------------------------------------------------- small things


@pytest.mark.parametrize(
    "name", [n for n in ALLOCATORS if n not in ("risk_parity", "equal_weight")]
)
@pytest.mark.parametrize("limits", [{}, {"bounds": (0, 0.4)}, {"bounds": (0, 0.2)}], ids=str)
def test_a_weight_is_held_or_exactly_zero(name, limits):
    zeros = 0
    for seed in range(20):
        problem = make_problem(seed, 10)
        with contextlib.suppress(InfeasibleError):
            weights = ALLOCATORS[name](problem.mean, problem.covariance, **limits)
            assert not ((weights != 0) & (np.abs(weights) < 1e-12)).any()
            zeros += (weights == 0).sum()
    assert zeros
    table = optimization.efficient_frontier(problem.mean, problem.covariance, **limits).weights
    assert not ((table != 0) & (table.abs() < 1e-12)).any(axis=None)


def test_dust_is_swept_and_nothing_else():
    given = np.array([1e-13, -1e-13, 1e-12, -1e-12, 0.5])
    assert optimization.without_dust(given).tolist() == [0.0, 0.0, 1e-12, -1e-12, 0.5]


def test_help_lists_the_options():
    """Every public function of the package with options as keywords names each of them."""
    found = 0
    for name in public.__all__:
        function = getattr(public, name)
        parameters = inspect.signature(function).parameters if inspect.isfunction(function) else {}
        if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
            found += 1
            listed = set(
                re.findall(r"\w+", function.__doc__.split("**options")[1].split("\n\n")[0])
            )
            assert set(optimization.Options.__annotations__) <= listed, name
    assert found >= 7
