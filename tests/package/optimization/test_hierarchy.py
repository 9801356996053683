"""Portfolios through clusters against loops, a recursion, other software and known structure."""

import inspect
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage, to_tree
from scipy.linalg import block_diag
from scipy.spatial.distance import squareform

from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.optimization import _hierarchy as hierarchy
from mixfolio.optimization import _optimizers as optimization

FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = json.loads((FOLDER / "hrp.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(FOLDER / "shrinkage_returns.csv").cov()


def problem(seed, n, scale=1.0):
    """Means and a covariance with volatilities that differ by a factor of up to `scale`."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n, 2 * n + 2))
    spread = np.exp(rng.uniform(-1, 1, n) * np.log(scale) / 2)
    matrix = factors @ factors.T / (2 * n + 2) * np.outer(spread, spread)
    names = [f"a{j:02d}" for j in range(n)]
    return pd.Series(rng.normal(0.01, 0.02, n), names), pd.DataFrame(matrix, names, names)


# ------------------------------------------------------------------ cluster, then allocate


def tangent(mean, matrix):
    """The zero-cost portfolio with the highest ratio, from the definition by linear algebra."""
    inverse = np.linalg.inv(matrix)
    ones = np.ones(len(mean))
    shift = (ones @ inverse @ mean) / (ones @ inverse @ ones)
    return inverse @ (mean - shift * ones)


def dumb_cluster_then_allocate(mean, matrix, clusters):
    names = list(mean.index)
    inner = []
    for members in clusters:
        weights = dict.fromkeys(names, 0.0)
        found = tangent(mean[members].to_numpy(), matrix.loc[members, members].to_numpy())
        for name, weight in zip(members, found, strict=True):
            weights[name] = weight / np.abs(found).max()
        inner.append(np.array([weights[name] for name in names]))
    means = np.array([w @ mean.to_numpy() for w in inner])
    across = np.array([[v @ matrix.to_numpy() @ w for w in inner] for v in inner])
    shares = np.linalg.inv(across) @ means
    total = sum(share * w for share, w in zip(shares, inner, strict=True))
    return pd.Series(total / np.abs(total).max(), names)


def membership(names, clusters):
    table = [[float(name in members) for members in clusters] for name in names]
    return pd.DataFrame(table, names, [f"cluster {j}" for j in range(len(clusters))])


CLUSTERS = {
    "equal": lambda a: [a[:4], a[4:8], a[8:]],
    "one": lambda a: [a],
    "scattered": lambda a: [a[::3], a[1::3], a[2::3]],
    "uneven": lambda a: [a[:2], a[2:]],
    "overlapping": lambda a: [a[:6], a[4:9], a[7:]],
    "nested": lambda a: [a, a[:5], a[:3]],
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("choose", CLUSTERS.values(), ids=CLUSTERS)
def test_cluster_then_allocate_by_loops(choose, seed):
    mean, matrix = problem(seed, 12, scale=10)
    clusters = choose(list(mean.index))
    table = membership(mean.index, clusters)
    found = hierarchy.cluster_then_allocate(mean, matrix, table)
    wanted = dumb_cluster_then_allocate(mean, matrix, clusters)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)
    assert abs(found.sum()) < 1e-12
    assert np.abs(found).max() == pytest.approx(1, abs=1e-14)
    assert found @ mean > 0


def test_labels_tables_mappings_and_arrays_say_the_same():
    mean, matrix = problem(1, 9)
    labels = pd.Series(list("abcabcabc"), mean.index)
    wanted = hierarchy.cluster_then_allocate(mean, matrix, labels)
    shuffled = labels.sample(frac=1, random_state=0)
    for groups in (shuffled, labels.to_dict(), list(labels), pd.get_dummies(labels).astype(float)):
        found = hierarchy.cluster_then_allocate(mean, matrix, groups)
        pd.testing.assert_series_equal(found, wanted, rtol=1e-10)
    array = hierarchy.cluster_then_allocate(mean.to_numpy(), matrix.to_numpy(), list(labels))
    assert type(array) is np.ndarray
    np.testing.assert_allclose(array, wanted, rtol=1e-12)
    mixed = hierarchy.cluster_then_allocate(mean[::-1], matrix, labels)
    pd.testing.assert_series_equal(mixed, wanted)


def test_one_cluster_is_the_unrestricted_portfolio():
    mean, matrix = problem(2, 8)
    found = hierarchy.cluster_then_allocate(mean, matrix, ["all"] * 8)
    wanted = optimization.zero_cost_sharpe(mean, matrix)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_true_clusters_are_best_and_wrong_ones_cost():
    """With a diagonal of blocks, clusters that are zero-cost each lose little; wrong ones more."""
    blocks = 0.9 * np.kron(np.eye(3), np.ones((4, 4))) + 0.1 * np.eye(12)
    mean = np.random.default_rng(5).normal(0, 0.05, 12)
    true, wrong = np.repeat([0, 1, 2], 4), np.tile([0, 1, 2], 4)

    def ratio(weights):
        return weights @ mean / np.sqrt(weights @ blocks @ weights)

    best = ratio(optimization.zero_cost_sharpe(mean, blocks))
    right, wrong = (
        ratio(hierarchy.cluster_then_allocate(mean, blocks, groups)) for groups in (true, wrong)
    )
    assert wrong < 0.8 * best
    assert 0.95 * best < right <= best + 1e-12


def test_there_is_nothing_to_look_ahead_with():
    """Both steps use the one mean and the one covariance that they are given."""
    names = list(inspect.signature(hierarchy.cluster_then_allocate).parameters)
    assert names == ["mean", "covariance", "groups"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "a", "b", "b", "c", "c", None], "7 entries, 1 of them missing"),
        (["a", "a", "b", "b", "c", "c"], "groups has 6 entries"),
        (pd.Series(list("aabbcc"), list("abcdef")), r"no entry for .* the first is"),
        (["a", "a", "b", "b", "c", "c", "d"], r"1 cluster\(s\) have fewer than two assets.*'d'"),
        (np.eye(7)[:, :6], r"1 asset\(s\) are in no cluster, the first is "),
        (np.eye(7), r"7 cluster\(s\) have fewer than two assets"),
        (2 * np.ones((7, 1)), "only zeros and ones"),
        (np.column_stack([np.ones(7), np.zeros(7)]), r"1 cluster\(s\) have fewer than two.* 1:"),
    ],
)
def test_clusters_that_cannot_be_used(groups, message):
    mean, matrix = problem(3, 7)
    with pytest.raises(DataError, match=message):
        hierarchy.cluster_then_allocate(mean, matrix, groups)


def test_a_cluster_of_equal_means_is_named():
    mean, matrix = problem(3, 6)
    mean[["a02", "a03"]] = 0.01
    with pytest.raises(DataError, match="expected returns in cluster 'oil' are equal"):
        hierarchy.cluster_then_allocate(mean, matrix, ["a", "a", "oil", "oil", "b", "b"])


def test_singular_covariances_are_named():
    mean, matrix = problem(4, 6)
    same = np.ones((6, 2))
    with pytest.raises(SingularCovarianceError, match="numerical rank is 1 of 2"):
        hierarchy.cluster_then_allocate(mean, matrix, same)
    rows = np.random.default_rng(0).standard_normal((4, 6))
    with pytest.raises(SingularCovarianceError):
        hierarchy.cluster_then_allocate(mean, np.cov(rows.T), ["a"] * 6)
    allowed = hierarchy.cluster_then_allocate(mean, np.cov(rows.T), list("aabbcc"))
    assert np.isfinite(allowed).all()


# --------------------------------------------------------------------------- risk parity


@pytest.mark.parametrize("method", ["single", "average", "complete", "ward"])
@pytest.mark.parametrize(("library", "ordering"), [("pyportfolioopt", False), ("skfolio", True)])
def test_hierarchical_risk_parity_of_other_software(method, library, ordering):
    found = hierarchy.hierarchical_risk_parity(SAMPLE, method=method, optimal_ordering=ordering)
    np.testing.assert_allclose(found, GOLDEN[library][method], rtol=0, atol=1e-12)
    if not ordering:
        default = hierarchy.hierarchical_risk_parity(SAMPLE, method=method)
        pd.testing.assert_series_equal(default, found)


def dumb_risk_parity(matrix, method, ordering):
    """The paper's three steps, written as a recursion on lists."""
    n = len(matrix)
    volatility = [matrix[i, i] ** 0.5 for i in range(n)]
    distance = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            correlation = matrix[i, j] / (volatility[i] * volatility[j])
            distance[i, j] = distance[j, i] = np.sqrt(max(0.0, 1 - min(correlation, 1)) / 2)

    def leaves(node):
        return [node.id] if node.is_leaf() else leaves(node.left) + leaves(node.right)

    def variance(items):
        total = sum(1 / matrix[i, i] for i in items)
        shares = {i: 1 / matrix[i, i] / total for i in items}
        return sum(shares[i] * matrix[i, j] * shares[j] for i in items for j in items)

    def split(items, money):
        if len(items) == 1:
            return {items[0]: money}
        left, right = items[: len(items) // 2], items[len(items) // 2 :]
        one, two = variance(left), variance(right)
        return split(left, money * two / (one + two)) | split(right, money * one / (one + two))

    tree = linkage(squareform(distance), method, optimal_ordering=ordering)
    weights = split(leaves(to_tree(tree)), 1.0)
    return [weights[i] for i in range(n)]


@given(
    seed=st.integers(0, 2**32),
    n=st.integers(2, 60),
    method=st.sampled_from(["single", "average", "complete", "ward", "weighted"]),
    ordering=st.booleans(),
    scale=st.sampled_from([1.0, 1e3, 1e8]),
)
@settings(max_examples=25)
def test_hierarchical_risk_parity_by_recursion(seed, n, method, ordering, scale):
    matrix = problem(seed, n, scale)[1]
    found = hierarchy.hierarchical_risk_parity(matrix, method=method, optimal_ordering=ordering)
    wanted = dumb_risk_parity(matrix.to_numpy(), method, ordering)
    np.testing.assert_allclose(found, optimization.without_dust(np.array(wanted)), rtol=1e-9)
    assert list(found.index) == list(matrix.index)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_hierarchical_risk_parity_by_hand():
    """Two pairs of correlation 1/2, uncorrelated with each other; volatilities 1, 1, 2, 2."""
    pair = np.array([[1, 0.5], [0.5, 1]])
    matrix = np.block([[pair, np.zeros((2, 2))], [np.zeros((2, 2)), 4 * pair]])
    # Pairs have variances 3/4 and 3: four fifths go to the first. Inside, halves.
    found = hierarchy.hierarchical_risk_parity(matrix)
    np.testing.assert_allclose(found, [0.4, 0.4, 0.1, 0.1], rtol=1e-14)


@given(seed=st.integers(0, 2**32), n=st.integers(1, 12))
@settings(max_examples=20)
def test_hierarchical_risk_parity_does_not_depend_on_units(seed, n):
    matrix = problem(seed, n, 100)[1]
    weights = hierarchy.hierarchical_risk_parity(matrix)
    for factor in (1e-12, 1e12):
        np.testing.assert_allclose(
            hierarchy.hierarchical_risk_parity(factor * matrix), weights, rtol=1e-9
        )


def test_hierarchical_risk_parity_of_a_diagonal_is_inverse_variance():
    found = hierarchy.hierarchical_risk_parity(np.diag([1.0, 2.0, 4.0, 8.0, 16.0]))
    inverse = 1 / np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    np.testing.assert_allclose(found, inverse / inverse.sum(), rtol=1e-13)


def test_more_assets_than_periods_will_do():
    matrix = np.cov(np.random.default_rng(0).standard_normal((10, 40)).T)
    found = hierarchy.hierarchical_risk_parity(matrix)
    np.testing.assert_allclose(found, dumb_risk_parity(matrix, "single", False), rtol=1e-9)


def test_no_covariance_is_refused():
    indefinite = np.full((6, 6), -0.9) + 1.9 * np.eye(6)
    with pytest.raises(SingularCovarianceError, match="the matrix is no covariance"):
        hierarchy.hierarchical_risk_parity(indefinite)


def test_a_perfect_hedge_takes_all_and_two_of_them_are_refused():
    hedge = np.array([[1.0, -1.0], [-1.0, 1.0]])
    with pytest.raises(SingularCovarianceError, match="two halves of 4 assets have no variance"):
        hierarchy._bisect(np.block([[hedge, np.zeros((2, 2))], [np.zeros((2, 2)), hedge]]))
    alone = hierarchy._bisect(np.block([[hedge, np.zeros((2, 2))], [np.zeros((2, 2)), np.eye(2)]]))
    np.testing.assert_array_equal(alone, [0.5, 0.5, 0, 0])
    with pytest.raises(SingularCovarianceError, match="two halves of 4 assets have no variance"):
        hierarchy._bisect(block_diag(hedge, hedge, np.eye(5)))


# ------------------------------------------------------------------------ nested clusters


def dumb_nested(matrix, clusters):
    names = list(matrix.index)
    inner = pd.DataFrame(0.0, names, range(len(clusters)))
    for j, members in enumerate(clusters):
        found = optimization.minimum_variance(matrix.loc[members, members])
        inner.loc[members, j] = found.to_numpy()
    across = optimization.minimum_variance(inner.T @ matrix @ inner)
    return inner @ across


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("choose", CLUSTERS.values(), ids=CLUSTERS)
def test_nested_clusters_by_loops(choose, seed):
    matrix = problem(seed, 12, scale=10)[1]
    clusters = choose(list(matrix.index))
    if choose is CLUSTERS["nested"]:
        clusters = [*clusters[1:], list(matrix.index)[3:]]
    found = hierarchy.nested_clusters(matrix, membership(matrix.index, clusters))
    np.testing.assert_allclose(found, dumb_nested(matrix, clusters), rtol=0, atol=1e-12)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (found >= 0).all()


def test_nested_clusters_of_one_asset_or_all_are_minimum_variance():
    matrix = problem(6, 8)[1]
    wanted = optimization.minimum_variance(matrix)
    for groups in (["all"] * 8, list(range(8))):
        found = hierarchy.nested_clusters(matrix, groups)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_nested_clusters_errors():
    matrix = problem(6, 4)[1]
    with pytest.raises(DataError, match=r"1 asset\(s\) are in no cluster, the first is a03"):
        hierarchy.nested_clusters(matrix, np.eye(4)[:, :3])
    with pytest.raises(DataError, match="groups has 3 entries"):
        hierarchy.nested_clusters(matrix, list("aab"))
    with pytest.raises(SingularCovarianceError):
        hierarchy.nested_clusters(matrix, np.array([[1, 1], [1, 1], [1, 1], [1, 1]]))
    empty = np.column_stack([np.ones(4), np.zeros(4)])
    found = hierarchy.nested_clusters(matrix, empty)
    np.testing.assert_allclose(found, optimization.minimum_variance(matrix), atol=1e-12)


# --------------------------------------------------------------------------------- clusters


@pytest.mark.parametrize("method", ["single", "average", "complete", "ward"])
@pytest.mark.parametrize("seed", range(4))
def test_known_blocks_are_found(method, seed):
    rng = np.random.default_rng(seed)
    blocks = rng.permutation(np.repeat(np.arange(5), [2, 4, 6, 3, 5]))
    correlation = np.where(blocks[:, None] == blocks, 0.6, 0.1)
    np.fill_diagonal(correlation, 1)
    volatility = np.exp(rng.normal(0, 1, 20))
    draws = rng.multivariate_normal(np.zeros(20), correlation, 2000) * volatility
    names = pd.Index([f"a{j}" for j in range(20)])
    table = pd.DataFrame(np.cov(draws.T), names, names)
    found = hierarchy.correlation_clusters(table, 5, method=method)
    assert list(found.index) == list(names)
    assert found.to_numpy().dtype == np.int64
    assert set(found) == {1, 2, 3, 4, 5}
    pairs = {(int(a), int(b)) for a, b in zip(found, blocks, strict=True)}
    assert len(pairs) == 5, "one cluster a block, one block a cluster"
    assert (hierarchy.correlation_clusters(table.to_numpy(), 5, method=method) == found).all()


def test_numbers_of_clusters():
    matrix = problem(8, 6)[1]
    assert set(hierarchy.correlation_clusters(matrix, 1)) == {1}
    assert len(set(hierarchy.correlation_clusters(matrix, 3))) == 3
    assert len(set(hierarchy.correlation_clusters(matrix, 6))) <= 6
    np.testing.assert_array_equal(hierarchy.correlation_clusters([[2.0]], 1), [1])
    for count in (0, 7, -1, 2.5, None):
        with pytest.raises(DataError, match=r"n_clusters is .*between 1 and 6"):
            hierarchy.correlation_clusters(matrix, count)


def test_unknown_linkages():
    matrix = problem(8, 6)[1]
    for call in (
        lambda: hierarchy.correlation_clusters(matrix, 2, method="nearest"),
        lambda: hierarchy.hierarchical_risk_parity(matrix, method="nearest"),
    ):
        with pytest.raises(DataError, match=r"method is 'nearest'; it must be one of \['single'"):
            call()


@pytest.mark.parametrize(
    "method",
    [
        hierarchy.hierarchical_risk_parity,
        lambda v: hierarchy.correlation_clusters(v, 2),
        lambda v: hierarchy.nested_clusters(v, ["a", "b"]),
        lambda v: hierarchy.cluster_then_allocate([0.1, 0.2], v, ["a", "a"]),
    ],
)
@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1, np.nan], [np.nan, 1]]),
        np.array([[1, 0.2], [0.3, 1]]),
        np.array([[0.0, 0], [0, 1]]),
        np.ones((2, 3)),
        pd.DataFrame(np.eye(2), list("aa"), list("aa")),
    ],
    ids=["NaN", "asymmetric", "no variance", "shape", "labels"],
)
def test_unusable_covariances(method, matrix):
    with pytest.raises(DataError):
        method(matrix)


def test_one_segment_that_has_a_negative_variance_is_enough_to_refuse():
    negative = np.array([[1.0, -1.5], [-1.5, 1.0]])
    for blocks in ((negative, np.eye(2)), (np.eye(2), negative), (np.eye(3), negative, np.eye(2))):
        with pytest.raises(SingularCovarianceError, match="no covariance"):
            hierarchy._bisect(block_diag(*blocks))


def test_a_small_variance_is_not_taken_for_rounding():
    nearly = np.array([[1.0, -1 + 1e-12], [-1 + 1e-12, 1.0]])
    found = hierarchy._bisect(block_diag(nearly, np.eye(2)))
    assert found[2:] == pytest.approx(2 * [5e-13 / (5e-13 + 0.5) / 2], rel=1e-3)
