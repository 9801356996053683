"""Block pivoting against enumeration, another method, the conditions, and cases where it cycles."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio import _linalg
from mixfolio.errors import ConvergenceError, SingularCovarianceError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.optimization import _pivoting as pivoting
from mixfolio.optimization import _quadratic as quadratic
from mixfolio.optimization import read_constraints


def returns(rng, n, periods):
    market = rng.normal(0, 0.04, (periods, 1)) * rng.normal(1, 0.3, n)
    return market + rng.normal(0, 0.05, (periods, n)) * rng.uniform(0.5, 2, n)


def shrunk(matrix, intensity):
    n = len(matrix)
    return (1 - intensity) * matrix + intensity * np.trace(matrix) / n * np.eye(n)


def tied(rng, n):
    """Every asset but the last of an odd number twice."""
    pairs = np.repeat(np.arange((n + 1) // 2), 2)[:n]
    matrix = np.cov(returns(rng, n, 2 * n + 9).T).reshape(n, n)
    return matrix[np.ix_(pairs, pairs)] + 1e-4 * np.eye(n)


def in_units(rng, n):
    units = np.exp(rng.normal(0, 4, n))
    return np.cov(returns(rng, n, 2 * n + 9).T).reshape(n, n) * np.outer(units, units)


def factor_world(rng, n):
    loadings = rng.normal(size=(n, 3))
    return loadings @ loadings.T + np.diag(rng.uniform(0.5, 2, n))


KINDS = {
    "sample": lambda rng, n: np.cov(returns(rng, n, 2 * n + 9).T).reshape(n, n),
    "shrunk": lambda rng, n: shrunk(np.cov(returns(rng, n, n // 3 + 3).T).reshape(n, n), 0.05),
    "nearly singular": lambda rng, n: shrunk(
        np.cov(returns(rng, n, n // 3 + 3).T).reshape(n, n), 1e-6
    ),
    "factors": factor_world,
    "correlated": lambda rng, n: np.full((n, n), 0.95) + 0.05 * np.diag(rng.uniform(1, 2, n)),
    "ties": tied,
    "identity": lambda rng, n: np.eye(n),
    "chain": lambda rng, n: 0.95 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))),
    "units": in_units,
}


def matrix_of(kind, seed, n):
    matrix = KINDS[kind](np.random.default_rng(seed), n)
    return (matrix + matrix.T) / 2


def minimum_variance(Q, **known):
    return pivoting.solve(Q, np.zeros(len(Q)), np.ones((len(Q), 1)), np.ones(1), **known)


def by_active_sets(Q, c, E, d):
    n = len(Q)
    b = np.concatenate([d, np.zeros(n)])
    return quadratic.solve_quadratic(Q, c, np.column_stack([E, np.eye(n)]), b, len(d)).x


def violation(Q, c, E, d, x, multipliers):
    """The Karush-Kuhn-Tucker conditions from their definition, in long double precision.

    Variables are measured in units of their deviations, so that no unit matters.
    """
    Q, c, E, d, x, multipliers = (
        np.asarray(a, dtype=np.longdouble) for a in (Q, c, E, d, x, multipliers)
    )
    deviations = np.sqrt(np.diagonal(Q))
    pull = E @ multipliers
    slopes = (Q @ x - c - pull) / deviations
    terms = deviations @ np.abs(x) + np.max((np.abs(c) + np.abs(pull)) / deviations)
    parts = [
        -x.min(),
        -slopes.min() / terms,
        np.abs(slopes * deviations * x).max() / terms / (deviations @ np.abs(x)),
        np.abs(E.T @ x - d).max() / np.abs(d).max(),
    ]
    return float(max(parts))


def best_of_all_subsets(Q, c, E, d):
    """The dumb way: every set of free variables, the best of the feasible minimisers."""
    n, k, best, value = len(Q), len(d), None, np.inf
    for size in range(k, n + 1):
        for free in map(list, itertools.combinations(range(n), size)):
            system = np.block([[Q[np.ix_(free, free)], E[free]], [E[free].T, np.zeros((k, k))]])
            if abs(np.linalg.det(system)) < 1e-12:
                continue
            x = np.zeros(n)
            x[free] = np.linalg.solve(system, np.concatenate([c[free], d]))[:size]
            reached = x @ Q @ x / 2 - c @ x
            if x.min() > -1e-12 and reached < value:
                best, value = x, reached
    return best


@given(seed=st.integers(0, 2**32), n=st.integers(1, 6), equalities=st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_it_finds_the_best_of_all_subsets(seed, n, equalities):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    Q, c = root @ root.T + 0.1 * np.eye(n), rng.normal(size=n)
    E = np.column_stack([np.ones(n), rng.normal(size=n)])[:, : min(equalities, n)]
    d = E.T @ rng.dirichlet(np.ones(n))
    found = pivoting.solve(Q, c, E, d)
    np.testing.assert_allclose(found.x, best_of_all_subsets(Q, c, E, d), rtol=0, atol=1e-9)


@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 2**32), n=st.integers(1, 80))
@settings(max_examples=150, deadline=None)
def test_minimum_variance_meets_the_conditions(kind, seed, n):
    Q = matrix_of(kind, seed, n)
    found = minimum_variance(Q)
    problem = Q, np.zeros(n), np.ones((n, 1)), np.ones(1)
    assert violation(*problem, found.x, found.multipliers) < 1e-13
    assert found.kkt_residual < 1e-13
    assert (found.x >= 0).all()
    np.testing.assert_array_equal(found.x[~found.free], 0)
    assert found.multipliers[0] == pytest.approx(found.x @ Q @ found.x, rel=1e-9)


@given(seed=st.integers(0, 2**32), n=st.integers(2, 80), tilt=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_means_and_targets_meet_the_conditions(seed, n, tilt):
    rng = np.random.default_rng(seed)
    Q, mean = matrix_of("sample", seed, n), rng.normal(0.01, 0.02, n)
    c, E = tilt * mean, np.column_stack([np.ones(n), mean])
    d = np.array([1.0, mean @ rng.dirichlet(np.ones(n))])
    found = pivoting.solve(Q, c, E, d)
    assert violation(Q, c, E, d, found.x, found.multipliers) < 1e-11
    np.testing.assert_allclose(found.x, by_active_sets(Q, c, E, d), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 10, 41, 130])
def test_weights_are_those_of_an_active_set_method(kind, n):
    for seed in range(3):
        Q = matrix_of(kind, seed, n)
        wanted = by_active_sets(Q, np.zeros(n), np.ones((n, 1)), np.ones(1))
        np.testing.assert_allclose(minimum_variance(Q).x, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_assets_meet_the_conditions(kind):
    Q = matrix_of(kind, 5, 1000)
    found = minimum_variance(Q)
    problem = Q, np.zeros(1000), np.ones((1000, 1)), np.ones(1)
    assert violation(*problem, found.x, found.multipliers) < 1e-13
    assert found.rounds < 60


def test_the_check_of_the_conditions_can_fail():
    Q = matrix_of("sample", 0, 20)
    problem = Q, np.zeros(20), np.ones((20, 1)), np.ones(1)
    found = minimum_variance(Q)
    assert violation(*problem, found.x, found.multipliers) < 1e-14
    held, out = found.x.argmax(), found.x.argmin()
    moved = found.x + 1e-9 * (np.arange(20) == held) - 1e-9 * (np.arange(20) == out)
    assert violation(*problem, moved, found.multipliers) > 1e-10
    kept = found.x > np.sort(found.x[found.x > 0])[0]
    worse = np.where(kept, found.x, 0) / found.x[kept].sum()
    assert violation(*problem, worse, found.multipliers) > 1e-10


# ------------------------------------------------------------------------- cycles and ties


def cycling(seed, n):
    """A third as many factors as assets and little else: swapping all at once may cycle."""
    rng = np.random.default_rng(seed)
    k = max(2, n // 3)
    root = rng.normal(size=(n, k)) + rng.normal(size=k)
    return root @ root.T + 1e-4 * np.eye(n)


CYCLES = [(213, 6), (220, 6), (34, 8), (11, 10), (2, 12), (47, 20), (17, 30)]


@pytest.mark.parametrize(("seed", "n"), CYCLES)
def test_where_blocks_alone_cycle(seed, n, monkeypatch):
    Q, everything = cycling(seed, n), np.full(n, 2)
    wanted = by_active_sets(Q, np.zeros(n), np.ones((n, 1)), np.ones(1))
    np.testing.assert_allclose(minimum_variance(Q, state=everything).x, wanted, rtol=0, atol=1e-12)
    monkeypatch.setattr(pivoting, "RIDGES", (0.0,))
    np.testing.assert_allclose(minimum_variance(Q, state=everything).x, wanted, rtol=0, atol=1e-12)
    monkeypatch.setattr(pivoting, "PATIENCE", 10**6)
    with pytest.raises(ConvergenceError, match=r"after 400 rounds with \d+ condition\(s\) broken"):
        minimum_variance(Q, state=everything)


@given(seed=st.integers(0, 2**32), n=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_one_at_a_time_ends_for_every_positive_definite_matrix(seed, n):
    Q = cycling(seed, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pivoting, "PATIENCE", 0)
        patch.setattr(pivoting, "RIDGES", (0.0,))
        patch.setattr(pivoting, "MAX_ROUNDS", 2**n + n)
        found = minimum_variance(Q, state=np.full(n, 2))
    problem = Q, np.zeros(n), np.ones((n, 1)), np.ones(1)
    assert violation(*problem, found.x, found.multipliers) < 1e-11


def test_an_asset_that_could_be_held_or_not():
    """The second asset's slope is exactly zero at its weight of zero; so for five more of them."""
    np.testing.assert_array_equal(minimum_variance(np.array([[1.0, 1.0], [1.0, 4.0]])).x, [1, 0])
    Q = np.ones((6, 6)) + np.diag([0.0, 1, 2, 3, 4, 5])
    Q[0, 0] = 1.0
    np.testing.assert_allclose(minimum_variance(Q).x, np.eye(6)[0], rtol=0, atol=1e-15)


def hedged_to_nothing(seed, n=20):
    """Ten assets that are all held, and ten more whose slopes are zero at a weight of zero."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n // 2, n))
    held = mixed @ mixed.T / n + 0.5
    weights = np.linalg.solve(held, np.ones(n // 2))
    weights /= weights.sum()
    cross = 0.1 * rng.normal(size=(n // 2, n // 2))
    cross += weights @ held @ weights - weights @ cross
    others = cross.T @ np.linalg.solve(held, cross) + np.diag(rng.uniform(0.5, 1, n // 2))
    matrix = np.block([[held, cross], [cross.T, others]])
    return (matrix + matrix.T) / 2, np.concatenate([weights, np.zeros(n // 2)])


def test_rounding_does_not_move_assets_whose_slope_is_zero():
    """Of these worlds, those where all ten weights are positive.

    Without a tolerance one goes round in circles until the limit of rounds; with it a few rounds
    are enough, four or five by the kernel.
    """
    worlds = [hedged_to_nothing(seed) for seed in range(30)]
    worlds = [(Q, wanted) for Q, wanted in worlds if wanted.min() >= 0]
    assert len(worlds) == 6
    for Q, wanted in worlds:
        found = minimum_variance(Q, state=np.full(20, 2))
        np.testing.assert_allclose(found.x, wanted, rtol=0, atol=1e-13)
        assert found.rounds < 10


def test_twins_share():
    Q = np.array([[2.0, 1, 1], [1, 2, 1], [1, 1, 2]])
    np.testing.assert_allclose(minimum_variance(Q).x, np.full(3, 1 / 3), rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["sample", "nearly singular", "ties"])
def test_the_start_does_not_matter(kind):
    Q = matrix_of(kind, 3, 40)
    wanted = minimum_variance(Q)
    again = minimum_variance(Q, state=wanted.state, factor=_linalg.factorise(Q))
    assert again.rounds == 1
    np.testing.assert_allclose(again.x, wanted.x, rtol=0, atol=1e-14)
    for seed in range(5):
        state = 1 + (np.random.default_rng(seed).random(40) < 0.3)
        np.testing.assert_allclose(minimum_variance(Q, state=state).x, wanted.x, rtol=0, atol=1e-13)


def test_inputs_are_left_alone():
    Q = matrix_of("sample", 1, 30)
    Q.flags.writeable = False
    state = np.full(30, 2)
    minimum_variance(Q, state=state)
    assert (state == 2).all()


# --------------------------------------------------------------------------------- refusals


def test_singular_matrices_are_refused():
    with pytest.raises(SingularCovarianceError, match="numerical rank is 2 of 5"):
        minimum_variance(np.cov(np.random.default_rng(0).normal(size=(3, 5)).T))


def test_equalities_that_say_the_same_are_refused():
    with pytest.raises(ConvergenceError, match="do not determine their multipliers on the 1 var"):
        pivoting.solve(np.eye(1), np.zeros(1), np.ones((1, 2)), np.ones(2))


def test_impossible_equalities_are_refused():
    E = np.column_stack([np.ones(4), np.arange(4.0)])
    with pytest.raises(ConvergenceError, match=r"Use optimization.solve_quadratic"):
        pivoting.solve(np.eye(4), np.zeros(4), E, np.array([1.0, 7.0]))


# ------------------------------------------------------------------------------ other stairs


WORLDS = [kind for kind in KINDS if kind not in ("nearly singular", "units")]


def world_with_trades(kind, seed, n):
    """A matrix, means, and limits with a price of trading that many assets are not worth."""
    rng = np.random.default_rng(seed)
    Q, c = matrix_of(kind, seed, n), 0.0
    held = [np.full(n, 1 / n), rng.dirichlet(np.ones(n)), rng.normal(size=n)][seed % 3]
    if seed % 2:
        c = 0.02 * np.trace(Q) / n * rng.normal(size=n)
    price = [0.002, 0.02, 0.1][seed % 5 % 3] * np.ptp(Q @ held - c)
    limits = [{}, {"bounds": (None, max(0.15, 2 / n))}, {"long_only": False}][seed // 2 % 3]
    options = {"previous": held, "turnover_penalty": price, **limits}
    return Q, c * np.ones(n), read_constraints(n, None, **options)


def with_two_variables_per_asset(Q, c, limits):
    """The dumb way: purchases and sales as variables of their own, in one dense program."""
    A = np.column_stack([np.ones(len(Q)), limits.matrix])
    return optimization._with_trades(Q, c, A, np.append(1.0, limits.level), 1, limits)


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("n", [12, 30, 60])
def test_trades_are_those_of_the_program_with_two_variables_per_asset(kind, n):
    at_rest = 0
    for seed in range(12):
        Q, c, limits = world_with_trades(kind, seed, n)
        found = optimization._minimise(Q, c, limits)
        wanted = with_two_variables_per_asset(Q, c, limits)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
        at_rest += np.count_nonzero(found == limits.previous)
    assert at_rest > 0


@pytest.mark.parametrize("kind", WORLDS)
def test_trades_meet_the_conditions(kind):
    """From their definition, in long double: a subgradient of limits and costs equals the pull."""
    at_rest = 0
    for seed in range(12):
        Q, c, limits = world_with_trades(kind, seed, 150)
        price, held = limits.turnover_penalty, limits.previous
        found = pivoting.solve(Q, c, np.ones((150, 1)), np.ones(1), limits.stairs())
        x = found.x.astype(np.longdouble)
        pull = c + found.multipliers[0] - Q.astype(np.longdouble) @ x
        low = np.where(x > held, price, -price)
        high = np.where(x < held, -price, price)
        low = np.where(x == limits.assets.lower, -np.inf, low)
        high = np.where(x == limits.assets.upper, np.inf, high)
        scale = np.sqrt(np.diagonal(Q)) * (np.sqrt(np.diagonal(Q)) @ np.abs(x)) + np.abs(c)
        assert max(((pull - high) / scale).max(), ((low - pull) / scale).max()) < 1e-13
        assert abs(x.sum() - 1) < pivoting.KKT_TOLERANCE
        assert limits.violation(found.x) <= 0
        at_rest += np.count_nonzero(found.x == held)
    assert at_rest > 20


@pytest.mark.parametrize("seed", range(20))
def test_corners(seed):
    """Means count so much that all but one are at a limit, and the first guess misses the one."""
    Q, n = matrix_of("sample", 7, 45), 45
    means = np.random.default_rng(seed).normal(0.01, 0.01, n)
    low, high = 0.001, 0.2
    stairs = np.tile([-np.inf, -np.inf, low, 0.0, high, np.inf, np.inf], (n, 1))
    found = pivoting.solve(0.001 * Q, means, np.ones((n, 1)), np.ones(1), stairs)
    wanted = np.full(n, low)
    for best in np.argsort(-means):
        wanted[best] += min(high - low, 1 - wanted.sum())
    # The free weight is what is left of means over risks, terms of a hundred and more.
    np.testing.assert_allclose(found.x, wanted, rtol=0, atol=1e-11)


def test_other_ways_to_write_the_same_limits():
    """A point in a straight piece of cost, and limits at both sides of nothing, change nothing."""
    Q = matrix_of("sample", 4, 50)
    wanted = minimum_variance(Q).x
    row = [-np.inf, -np.inf, 0.0, 0.0, 0.01, 0.0, 1.0, np.inf, np.inf]
    again = pivoting.solve(Q, np.zeros(50), np.ones((50, 1)), np.ones(1), np.tile(row, (50, 1)))
    np.testing.assert_allclose(again.x, wanted, rtol=0, atol=1e-14)
    fixed = optimization.minimum_variance(Q, bounds=(np.full(50, 0.02), np.full(50, 0.02)))
    np.testing.assert_array_equal(fixed, np.full(50, 0.02))


# ----------------------------------------------------------------------- inside the optimizers


N = optimization.PIVOTING_FROM + 5
MATRIX = matrix_of("sample", 7, N)
MEANS = np.random.default_rng(7).normal(0.01, 0.01, N)
RISKY = 0.7 * np.sqrt(MATRIX[MEANS.argmax(), MEANS.argmax()])
METHODS = {
    "minimum_variance": lambda **o: optimization.minimum_variance(MATRIX, **o),
    "mean_variance": lambda **o: optimization.mean_variance(MEANS, MATRIX, risk_aversion=4, **o),
    "target_return": lambda **o: optimization.target_return(MEANS, MATRIX, 0.012, **o),
    "highest_target": lambda **o: optimization.target_return(MEANS, MATRIX, MEANS.max(), **o),
    "lowest_target": lambda **o: optimization.target_return(MEANS, MATRIX, MEANS.min(), **o),
    "target_volatility": lambda **o: optimization.target_volatility(MEANS, MATRIX, RISKY, **o),
    "maximum_sharpe": lambda **o: optimization.maximum_sharpe(MEANS, MATRIX, risk_free=0.001, **o),
    "maximum_diversification": lambda **o: optimization.maximum_diversification(MATRIX, **o),
    "efficient_frontier": lambda **o: (
        optimization.efficient_frontier(MEANS, MATRIX, n_points=12, **o).weights
    ),
}


@pytest.fixture
def solved(monkeypatch):
    """How often each solver was asked for all assets."""
    counts = {"pivoting": 0, "quadratic": 0}

    def counted(module, name, function="solve"):
        original = getattr(module, function)

        def solve(Q, *args, **options):
            counts[name] += len(Q) >= N
            return original(Q, *args, **options)

        monkeypatch.setattr(module, function, solve)

    counted(pivoting, "pivoting")
    counted(quadratic, "quadratic", "solve_quadratic")
    counted(quadratic, "quadratic", "long_only_variance")
    return counts


CHOICES = [{}, {"bounds": (0.001, 0.2)}, {"long_only": False, "bounds": (-0.1, 0.2)}]
PLAIN = ("highest_target", "lowest_target", "maximum_sharpe", "maximum_diversification")


@pytest.mark.parametrize("options", CHOICES, ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_weights_do_not_depend_on_the_solver(name, options, solved, monkeypatch):
    if options and name in PLAIN:
        pytest.skip("pivots with x >= 0 alone")
    found = METHODS[name](**options)
    assert solved["quadratic"] == 0
    monkeypatch.setattr(optimization, "PIVOTING_FROM", N + 1)
    np.testing.assert_allclose(found, METHODS[name](**options), rtol=0, atol=1e-12)
    assert solved["quadratic"] > 0


@pytest.mark.parametrize("name", METHODS)
def test_a_solution_that_misses_the_conditions_is_computed_otherwise(name, solved, monkeypatch):
    wanted = METHODS[name]()
    monkeypatch.setattr(pivoting, "KKT_TOLERANCE", -1.0)
    np.testing.assert_allclose(METHODS[name](), wanted, rtol=0, atol=1e-12)
    assert solved["quadratic"] > 0 or name in ("highest_target", "lowest_target")


@pytest.mark.parametrize(
    ("options", "pivots"),
    [
        ({}, True),
        ({"bounds": (0, 1)}, True),
        ({"bounds": (None, None)}, True),
        ({"bounds": (0, None), "long_only": False}, True),
        ({"previous": np.full(N, 1 / N)}, True),
        ({"bounds": (0, 0.5)}, True),
        ({"bounds": (0.001, None)}, True),
        ({"bounds": {3: (0.01, None)}}, True),
        ({"long_only": False}, True),
        ({"bounds": (-1, 1), "long_only": False}, True),
        ({"groups": ["a"] * N, "group_limits": (0, 1)}, False),
        ({"previous": np.full(N, 1 / N), "turnover_penalty": 1e-6}, True),
        ({"previous": np.full(N, 1 / N), "turnover_penalty": 1e9}, None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else str(value),
)
def test_pivoting_is_chosen_exactly_where_all_limits_are_on_single_assets(options, pivots, solved):
    """And neither method where nothing is traded."""
    optimization.minimum_variance(MATRIX, **options)
    assert solved == {"pivoting": int(pivots is True), "quadratic": int(pivots is False)}


def test_few_assets_go_to_the_active_set_method(monkeypatch):
    few = optimization.PIVOTING_FROM - 1
    monkeypatch.setattr(pivoting, "solve", None)
    optimization.minimum_variance(MATRIX[:few, :few])


def test_labels_come_back():
    names = [f"asset {j}" for j in range(N)]
    found = optimization.minimum_variance(pd.DataFrame(MATRIX, names, names))
    assert list(found.index) == names
    np.testing.assert_array_equal(found, optimization.minimum_variance(MATRIX))


@pytest.mark.parametrize("target", [0.012, MEANS.max(), MEANS.min()])
def test_singular_covariances_are_refused_at_every_target(target):
    singular = np.cov(np.random.default_rng(1).normal(size=(9, N)).T)
    with pytest.raises(SingularCovarianceError):
        optimization.target_return(MEANS, singular, target)


def test_assets_that_share_the_highest_mean_share_the_money():
    means = np.where(np.arange(N) < 3, 0.02, MEANS.clip(max=0.019))
    found = optimization.target_return(means, MATRIX, 0.02)
    np.testing.assert_array_equal(found[3:], 0)
    wanted = optimization.minimum_variance(MATRIX[:3, :3])
    np.testing.assert_allclose(found[:3], wanted, rtol=0, atol=1e-14)
