"""Quadratic programs: against R's quadprog, and against the conditions that define a solution."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from mixfolio import _linalg
from mixfolio.errors import (
    ConvergenceError,
    DataError,
    InfeasibleError,
    SingularCovarianceError,
)
from mixfolio.optimization import _quadratic as quadratic

GOLDEN = Path(__file__).parents[2] / "golden"
PROBLEMS = json.loads((GOLDEN / "quadprog.json").read_text(encoding="utf-8"))
REFUSALS = json.loads((GOLDEN / "quadprog_errors.json").read_text(encoding="utf-8"))


def read(problem):
    """Q, c, A, b and the number of equalities of a problem in the file."""
    arrays = [np.array(problem[key], dtype=float) for key in ("Dmat", "dvec", "Amat", "bvec")]
    return (*arrays, problem["meq"])


def violation(Q, c, A, b, n_equalities, x, multipliers):
    """The four Karush-Kuhn-Tucker conditions, one after the other, in the units of the problem."""
    slack = A.T @ x - b
    return max(
        np.abs(Q @ x - c - A @ multipliers).max() / np.abs(Q).max(),
        np.abs(slack[:n_equalities]).max(initial=0.0),
        -slack[n_equalities:].min(initial=0.0),
        -multipliers[n_equalities:].min(initial=0.0) / np.abs(Q).max(),
        np.abs(slack * multipliers).max(initial=0.0) / np.abs(Q).max(),
    )


def random_problem(seed, n=6, n_inequalities=9):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    A = rng.normal(size=(n, 1 + n_inequalities))
    inside = rng.normal(size=n)
    b = A.T @ inside - np.append(0.0, rng.uniform(0, 1, n_inequalities))
    return root @ root.T + np.eye(n), rng.normal(size=n), A, b, 1


@pytest.mark.parametrize("name", PROBLEMS)
def test_solution_is_that_of_quadprog_in_r(name):
    problem = PROBLEMS[name]
    Q, c, A, b, n_equalities = read(problem)
    found = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    scale = np.abs(problem["Lagrangian"]).max()
    np.testing.assert_allclose(found.x, problem["solution"], rtol=0, atol=1e-12)
    assert found.objective == pytest.approx(problem["value"], rel=1e-12)
    # R returns the multiplier of an equality without its sign.
    sizes = np.append(np.abs(found.multipliers[:n_equalities]), found.multipliers[n_equalities:])
    np.testing.assert_allclose(sizes, problem["Lagrangian"], rtol=0, atol=1e-12 * scale)
    assert set(np.flatnonzero(found.multipliers) + 1) == set(np.atleast_1d(problem["iact"]))
    assert violation(Q, c, A, b, n_equalities, found.x, found.multipliers) < 1e-12
    assert found.kkt_residual < 1e-12


def test_the_file_holds_problems_with_and_without_active_inequalities():
    active = [len(np.atleast_1d(p["iact"])) - p["meq"] for p in PROBLEMS.values()]
    assert len(PROBLEMS) == 15
    assert min(active) == 0
    assert max(active) == 25


@pytest.mark.parametrize("seed", range(20))
def test_random_problems_meet_the_optimality_conditions(seed):
    problem = random_problem(seed)
    found = quadratic.solve_quadratic(*problem)
    assert violation(*problem, found.x, found.multipliers) < 1e-11


def test_multipliers_are_the_slopes_of_the_objective():
    Q, c, A, b, n_equalities = random_problem(3)
    found = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    assert np.count_nonzero(found.multipliers) > 1
    step = 1e-6
    for j in range(len(b)):
        moved = b + step * (np.arange(len(b)) == j)
        slope = (
            quadratic.solve_quadratic(Q, c, A, moved, n_equalities).objective - found.objective
        ) / step
        assert slope == pytest.approx(found.multipliers[j], abs=1e-4)


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_units_of_the_objective_do_not_matter(factor):
    Q, c, A, b, n_equalities = random_problem(4)
    plain = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    found = quadratic.solve_quadratic(factor * Q, factor * c, A, b, n_equalities)
    np.testing.assert_allclose(found.x, plain.x, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.multipliers, factor * plain.multipliers, rtol=1e-10)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_a_constraint_do_not_matter(factor):
    Q, c, A, b, n_equalities = random_problem(5)
    scaling = np.where(np.arange(len(b)) % 2, factor, 1.0)
    plain = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    found = quadratic.solve_quadratic(Q, c, A * scaling, b * scaling, n_equalities)
    np.testing.assert_allclose(found.x, plain.x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda x, m: (x + 1e-6 * np.eye(len(x))[0], m), id="solution"),
        pytest.param(lambda x, m: (x, m * (1 + 1e-6)), id="multipliers"),
        pytest.param(lambda x, m: (x, -m), id="signs"),
        pytest.param(lambda x, m: (0 * x, 0 * m), id="nothing"),
        pytest.param(lambda x, m: (x, np.where(m == 0, np.abs(m).max(), m)), id="complementarity"),
    ],
)
@pytest.mark.parametrize("name", ["meanvar_longonly_10", "target_return_box_30"])
def test_residual_notices_what_is_wrong(name, spoil):
    problem = read(PROBLEMS[name])
    found = quadratic.solve_quadratic(*problem)
    assert quadratic.kkt_residual(*problem, found.x, found.multipliers) <= 1e-13
    assert quadratic.kkt_residual(*problem, *spoil(found.x, found.multipliers)) > 1e-9


@pytest.mark.parametrize(
    ("x", "multiplier", "level", "holds"),
    [
        pytest.param(2.0, 1.0, 2.0, True, id="on the bound"),
        pytest.param(1.0, 0.0, 0.5, True, id="inside"),
        pytest.param(2.0, 0.0, 2.0, False, id="not stationary"),
        pytest.param(1.0, 0.0, 2.0, False, id="not feasible"),
        pytest.param(0.5, -0.5, 0.5, False, id="wrong sign"),
        pytest.param(2.0, 1.0, 0.5, False, id="not complementary"),
    ],
)
def test_residual_counts_each_condition(x, multiplier, level, holds):
    """Minimise x^2 / 2 - x subject to x >= level: one condition fails at a time."""
    one = np.ones((1, 1))
    found = quadratic.kkt_residual(
        one, np.ones(1), one, np.array([level]), 0, np.array([x]), np.array([multiplier])
    )
    assert found == 0 if holds else found > 0.1


def test_a_solution_that_misses_the_conditions_is_refused(monkeypatch):
    monkeypatch.setattr(quadratic, "KKT_TOLERANCE", -1.0)
    with pytest.raises(ConvergenceError, match=r"KKT residual .*condition number .*shrink"):
        quadratic.solve_quadratic(*random_problem(0))


def test_refinement_repairs_a_solution_that_lost_digits(monkeypatch):
    Q, c, A, b, n_equalities = random_problem(6)
    exact = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    rough = quadratic._goldfarb_idnani

    def blurred(*problem):
        x, multipliers = rough(*problem)
        return x + 1e-7, multipliers * (1 + 1e-7)

    monkeypatch.setattr(quadratic, "_goldfarb_idnani", blurred)
    found = quadratic.solve_quadratic(Q, c, A, b, n_equalities)
    np.testing.assert_allclose(found.x, exact.x, rtol=0, atol=1e-12)


def test_rank_one_matrix():
    assert REFUSALS["rank_one_D"].endswith("not positive definite!")
    budget = np.column_stack([np.ones(3), np.eye(3)])
    with pytest.raises(SingularCovarianceError, match=r"rank is 1 of 3.*shrink"):
        quadratic.solve_quadratic(np.ones((3, 3)), np.zeros(3), budget, np.eye(4)[0], 1)


def test_constraints_that_exclude_each_other():
    assert REFUSALS["infeasible"] == "constraints are inconsistent, no solution!"
    A = np.column_stack([np.ones(3), -np.eye(3)])
    with pytest.raises(InfeasibleError, match=r"at once.*Widen"):
        quadratic.solve_quadratic(np.eye(3), np.zeros(3), A, np.array([1, -0.2, -0.2, -0.2]), 1)


def test_equalities_that_exclude_each_other():
    with pytest.raises(InfeasibleError):
        quadratic.solve_quadratic(np.eye(3), np.zeros(3), np.ones((3, 2)), np.array([1.0, 2.0]), 2)


def test_repeated_equalities_are_harmless():
    Q, c, _, _, _ = random_problem(7)
    once = quadratic.solve_quadratic(Q, c, np.ones((6, 1)), np.ones(1), 1)
    twice = quadratic.solve_quadratic(Q, c, np.ones((6, 2)), np.ones(2), 2)
    np.testing.assert_allclose(twice.x, once.x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(5, 5), (4, 9), (12, 13), (30, 30)], ids=str)
@pytest.mark.parametrize("n_equalities", [0, 1])
def test_covariances_of_too_few_periods_are_always_refused(shape, n_equalities):
    """Rounding gives some of them a Cholesky factor; the numbers in it mean nothing."""
    n = shape[1]
    for seed in range(60):
        returns = np.random.default_rng(seed).normal(size=shape) * 0.02
        with pytest.raises(SingularCovarianceError):
            quadratic.solve_quadratic(
                np.cov(returns.T), np.zeros(n), np.ones((n, 1)), np.ones(1), n_equalities
            )
        with pytest.raises(SingularCovarianceError):
            quadratic.long_only_variance(np.cov(returns.T))


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_units_of_one_asset_do_not_make_a_matrix_singular(unit):
    root = np.random.default_rng(8).normal(size=(4, 4))
    units = np.array([1.0, 1.0, 1.0, unit])
    Q = (root @ root.T + np.eye(4)) * np.outer(units, units)
    factor, lower = _linalg.factorise(Q)
    root = np.tril(factor) if lower else np.triu(factor).T
    np.testing.assert_allclose(root @ root.T, Q, rtol=1e-12, atol=1e-12 * unit)


def test_a_matrix_that_is_nearly_singular_is_solved():
    common = np.random.default_rng(9).normal(size=(200, 1))
    returns = common + 1e-4 * np.random.default_rng(10).normal(size=(200, 5))
    Q = np.cov(returns.T)
    assert np.linalg.cond(Q) > 1e8
    found = quadratic.solve_quadratic(Q, np.zeros(5), np.ones((5, 1)), np.ones(1), 1)
    inverse = np.linalg.solve(Q, np.ones(5))
    np.testing.assert_allclose(found.x, inverse / inverse.sum(), rtol=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_constraints_that_leave_one_point(seed):
    """The highest mean that long-only weights can have pins them; rounding must not exclude it."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 15))
    root = rng.normal(size=(n, n))
    mean = rng.normal(size=n)
    A = np.column_stack([np.ones(n), mean, np.eye(n)])
    b = np.concatenate([[1.0, mean.max()], np.zeros(n)])
    found = quadratic.solve_quadratic(root @ root.T + np.eye(n), np.zeros(n), A, b, 2)
    np.testing.assert_allclose(found.x, np.eye(n)[mean.argmax()], rtol=0, atol=1e-9)


@pytest.mark.parametrize("place", range(4), ids=["Q", "c", "A", "b"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_and_infinite_numbers(place, value):
    problem = list(random_problem(0))
    problem[place] = problem[place].copy()
    problem[place].flat[0] = value
    with pytest.raises(DataError, match="missing or infinite"):
        quadratic.solve_quadratic(*problem)


def test_inputs_are_left_alone():
    problem = random_problem(11)
    frozen = [np.asfortranarray(array) for array in problem[:4]]
    for array in frozen:
        array.flags.writeable = False
    plain = quadratic.solve_quadratic(*problem)
    found = quadratic.solve_quadratic(*frozen, problem[4])
    np.testing.assert_array_equal(found.x, plain.x)


def test_no_constraints_at_all():
    Q, c, *_ = random_problem(12)
    found = quadratic.solve_quadratic(Q, c, np.empty((6, 0)), np.empty(0))
    np.testing.assert_allclose(Q @ found.x, c, atol=1e-13)
    assert found.multipliers.size == 0


def test_an_indefinite_matrix_is_called_so():
    with pytest.raises(SingularCovarianceError, match=r"indefinite: its lowest eigenvalue is -1"):
        quadratic.solve_quadratic(
            np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2), np.ones((2, 1)), np.ones(1), 1
        )


@pytest.mark.parametrize("n", [1, 2, 5, 20, 39])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_long_only_variance_is_the_general_program(n, scale):
    rng = np.random.default_rng(n)
    factors = rng.standard_normal((n, 2 * n + 3))
    Q = scale * (factors @ factors.T + np.ones((n, n)) * n)
    x = quadratic.long_only_variance(Q)
    A = np.hstack([np.ones((n, 1)), np.eye(n)])
    b = np.append(1.0, np.zeros(n))
    expected = quadratic.solve_quadratic(Q, np.zeros(n), A, b, 1)
    np.testing.assert_allclose(x, expected.x, rtol=0, atol=1e-12)
    assert x.min() >= 0
    assert x.sum() == pytest.approx(1, abs=1e-14)


def test_long_only_variance_needs_a_positive_definite_matrix():
    with pytest.raises(SingularCovarianceError, match="rank is 1 of 3"):
        quadratic.long_only_variance(np.ones((3, 3)))


# ------------------------------------------------------------------- tolerances and ways out


@pytest.mark.parametrize(("blur", "refused"), [(1e-7, True), (1e-11, False)])
def test_conditions_hold_to_a_billionth(blur, refused, monkeypatch):
    """A solution that refinement does not repair is refused from 1e-9 on."""
    problem = random_problem(6)
    exact = quadratic.solve_quadratic(*problem)
    blurred = exact.x * (1 + blur * np.linspace(-1, 1, len(exact.x)))
    parts = exact.multipliers * np.linalg.norm(problem[2], axis=0)
    scale = np.trace(problem[0]) / len(problem[0])
    monkeypatch.setattr(quadratic, "_goldfarb_idnani", lambda *_: (blurred, parts / scale))
    monkeypatch.setattr(quadratic, "_refined", lambda *a: a[-2:])
    if refused:
        with pytest.raises(ConvergenceError, match=r"allowed: 1e-09"):
            quadratic.solve_quadratic(*problem)
    else:
        assert 0 < quadratic.solve_quadratic(*problem).kkt_residual < 1e-9


@pytest.mark.parametrize("gap", [1e-4, 1e-8])
def test_inequalities_that_miss_each_other_visibly_are_infeasible(gap):
    """x >= 1 and x <= 1 - gap: more than rounding, and no relaxation may bridge it."""
    A, b = np.array([[1.0, -1.0]]), np.array([1.0, gap - 1])
    with pytest.raises(InfeasibleError, match="at once"):
        quadratic.solve_quadratic(np.ones((1, 1)), np.zeros(1), A, b)


@pytest.mark.parametrize("gap", [1e-14, 5e-13, 1e-10])
def test_inequalities_that_miss_each_other_by_rounding_are_not(gap):
    A, b = np.array([[1.0, -1.0]]), np.array([1.0, gap - 1])
    found = quadratic.solve_quadratic(np.ones((1, 1)), np.zeros(1), A, b)
    assert found.x[0] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("size", [1.0, 1e6])
def test_equalities_that_differ_by_rounding_are_one(size):
    """The miss is judged beside the largest level, here that of the first two."""
    A = np.column_stack([np.ones(3), np.ones(3), np.eye(3)[0]])
    levels = size * np.array([1.0, 1 + 1e-11, 0.0])
    found = quadratic.solve_quadratic(np.eye(3), np.zeros(3), A, levels, 3)
    np.testing.assert_allclose(found.x, size * np.array([0, 0.5, 0.5]), atol=1e-9 * size)
    levels[1] = size * (1 + 1e-7)
    with pytest.raises(InfeasibleError):
        quadratic.solve_quadratic(np.eye(3), np.zeros(3), A, levels, 3)


def test_a_constraint_on_nothing():
    """A column of zeros asks for 0 >= level: always true, or never."""
    A = np.column_stack([np.ones(2), np.zeros(2)])
    found = quadratic.solve_quadratic(np.diag([1.0, 3.0]), np.zeros(2), A, np.array([1.0, -2.0]), 1)
    np.testing.assert_allclose(found.x, [0.75, 0.25], atol=1e-14)
    assert found.multipliers[1] == 0
    with pytest.raises(InfeasibleError):
        quadratic.solve_quadratic(np.eye(2), np.zeros(2), A, np.array([1.0, 0.5]), 1)


@pytest.mark.parametrize("trouble", ["refusal", "rough"])
def test_long_only_variance_has_a_second_way(trouble, monkeypatch):
    """Where the quick way fails or loses digits, the general program is solved."""
    root = np.random.default_rng(3).standard_normal((6, 90))
    Q = root @ root.T
    wanted = quadratic.long_only_variance(Q)
    assert wanted.min() > 0.01
    solve, calls = quadratic.quadprog.solve_qp, []

    def once(*problem):
        calls.append(problem)
        if len(calls) > 1:
            return solve(*problem)
        if trouble == "refusal":
            raise ValueError("constraints are inconsistent, no solution!")
        found = solve(*problem)
        return (found[0] + 1e-6 * np.linspace(-1, 1, 6), *found[1:])

    monkeypatch.setattr(quadratic.quadprog, "solve_qp", once)
    found = quadratic.long_only_variance(Q)
    assert len(calls) == 2
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)


# ------------------------------------------------------------------- what is singular


@pytest.mark.parametrize("refuse", [_linalg.require_definite, _linalg.factorise])
def test_what_is_singular_to_working_precision(refuse):
    def pair(gap):
        return np.array([[1.0, 1 - gap], [1 - gap, 1.0]])

    refuse(pair(1e-6))
    refuse(pair(1e-13))
    with pytest.raises(SingularCovarianceError, match="rank is 1 of 2"):
        refuse(pair(1e-16))


@pytest.mark.parametrize("refuse", [_linalg.require_definite, _linalg.factorise])
@pytest.mark.parametrize("variance", [0.0, -1.0])
def test_assets_without_a_positive_variance_are_refused(refuse, variance):
    message = "rank is 2 of 3" if variance == 0 else "indefinite: its lowest eigenvalue is -1"
    with warnings.catch_warnings(), pytest.raises(SingularCovarianceError, match=message):
        warnings.simplefilter("error")
        refuse(np.diag([1.0, variance, 2.0]))


def test_refusals_count_what_is_above_rounding():
    """Twins, and an asset with a ten-billionth of their variance: two dimensions of three."""
    Q = np.array([[1.0, 1.0, 0], [1.0, 1.0, 0], [0, 0, 1e-10]])
    with pytest.raises(SingularCovarianceError, match=r"rank is 2 of 3.*0 times its highest"):
        _linalg.factorise(Q)


@pytest.mark.parametrize(("lowest", "word"), [(-1e-8, "indefinite"), (-1e-13, "rank is 2 of 3")])
def test_rounding_below_zero_is_not_called_indefinite(lowest, word):
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    Q = (vectors * [lowest, 1.0, 2.0]) @ vectors.T
    with pytest.raises(SingularCovarianceError, match=word):
        _linalg.factorise((Q + Q.T) / 2)


@pytest.mark.parametrize("wrong", ["all in one asset", "short"])
def test_long_only_variance_looks_at_every_condition(wrong, monkeypatch):
    """Of two answers one breaks only the slopes, the other only the signs of the weights."""
    Q = np.array([[1.0, 0.9, 0.2], [0.9, 1.1, 0.3], [0.2, 0.3, 1.2]]) * [[1], [3], [1]] * [1, 3, 1]
    wanted = quadratic.long_only_variance(Q)
    assert (wanted > 0.1).tolist() == [True, False, True]
    free = np.linalg.solve(Q, np.ones(3))
    first = np.eye(3)[0] if wrong == "all in one asset" else free / free.sum()
    assert (first.min() < -0.01) == (wrong == "short")
    solve, calls = quadratic.quadprog.solve_qp, []

    def once(*problem):
        calls.append(problem)
        return (first, *solve(*problem)[1:]) if len(calls) == 1 else solve(*problem)

    monkeypatch.setattr(quadratic.quadprog, "solve_qp", once)
    np.testing.assert_allclose(quadratic.long_only_variance(Q), wanted, rtol=0, atol=1e-13)
    assert len(calls) == 2
