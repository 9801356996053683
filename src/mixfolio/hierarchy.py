"""Portfolios built in steps: within clusters of similar assets, then across the clusters.

An optimizer that sees all assets at once hedges every asset with every other, on the strength of
covariances that are mostly noise. Clusters forbid that. Each cluster becomes one portfolio, and a
second, much smaller problem allocates among those.

References
----------
Lopez de Prado, M. (2016). Building diversified portfolios that outperform out of sample. Journal of
Portfolio Management 42 (4), 59-69.
Lopez de Prado, M. (2020). Machine Learning for Asset Managers. Cambridge, chapter 7.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from mixfolio import optimization
from mixfolio.errors import DataError
from mixfolio.inputs import (
    Array,
    MatrixLike,
    VectorLike,
    label_vector,
    read_covariance,
    read_membership,
    read_vector,
)

__all__ = [
    "cluster_then_allocate",
    "correlation_clusters",
    "hierarchical_risk_parity",
    "nested_clusters",
]


def cluster_then_allocate(mean: VectorLike, covariance: MatrixLike, groups: Any) -> Any:
    """Zero-cost maximum Sharpe within each cluster, then maximum Sharpe across clusters.

    Within a cluster the portfolio hedges only with the cluster's own assets. Each such portfolio
    costs nothing, so the second step needs no budget: ``V_c^-1 m_c`` with the means m_c and the
    covariance V_c of the cluster portfolios. Both steps use the same `mean` and `covariance`.

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    groups : Series, sequence, or 0/1 table of shape (n_assets, n_groups)
        The cluster of each asset. In a table an asset may be in several clusters; its weights add.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to zero, with the largest absolute weight 1.

    Raises
    ------
    DataError
        If an asset is in no cluster, or a cluster has a single asset, which cannot be hedged.
    SingularCovarianceError
        If the covariance of a cluster, or across clusters, is not positive definite.
    """
    matrix, labels = read_covariance(covariance)
    means, labels = read_vector(mean, len(matrix), labels, "mean")
    membership, names = read_membership(groups, len(matrix), labels)
    assets = list(range(len(matrix))) if labels is None else list(labels)
    _require_clusters(membership, names, assets)
    inner = np.column_stack([_hedged(means, matrix, column > 0) for column in membership.T])
    across = inner.T @ matrix @ inner
    weights = inner @ np.linalg.solve(across, inner.T @ means)
    return label_vector(weights / np.abs(weights).max(), labels, "cluster_then_allocate")


def _require_clusters(membership: Array, names: list[Any], assets: list[Any]) -> None:
    alone = np.flatnonzero(membership.sum(axis=1) == 0)
    if len(alone):
        raise DataError(
            f"{len(alone)} asset(s) are in no cluster, the first is {assets[alone[0]]!s}. "
            "Give every asset a cluster, or leave it out."
        )
    small = np.flatnonzero(membership.sum(axis=0) < 2)
    if len(small):
        raise DataError(
            f"{len(small)} cluster(s) have fewer than two assets, the first is "
            f"{names[small[0]]!r}: there is nothing to hedge with. Merge it with another."
        )


def _hedged(means: Array, matrix: Array, member: Any) -> Array:
    weights = np.zeros(len(means))
    block = matrix[np.ix_(member, member)]
    weights[member] = optimization.zero_cost_sharpe(means[member], block)
    return weights


def _correlation(matrix: Array) -> Array:
    volatility = np.sqrt(np.diagonal(matrix))
    return np.asarray(np.clip(matrix / np.outer(volatility, volatility), -1.0, 1.0))


def correlation_clusters(
    covariance: MatrixLike, n_clusters: int, *, method: str = "average"
) -> Any:
    """Clusters of correlated assets, by hierarchical clustering of correlation distances.

    The distance of two assets is ``sqrt((1 - correlation) / 2)``.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
    n_clusters : int
    method : str
        Linkage, see :func:`scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Cluster numbers from 1. There may be fewer than asked for, where distances tie.

    Raises
    ------
    DataError
        If `n_clusters` is not between 1 and n_assets.
    """
    matrix, labels = read_covariance(covariance)
    if not 1 <= n_clusters <= len(matrix):
        raise DataError(f"n_clusters is {n_clusters}; it must be between 1 and {len(matrix)}.")
    if len(matrix) == 1:
        return label_vector(np.ones(1), labels, "cluster")
    distance = np.sqrt((1 - _correlation(matrix)) / 2)
    tree = linkage(squareform(distance, checks=False), method)
    found = fcluster(tree, n_clusters, criterion="maxclust")
    return found if labels is None else pd.Series(found, index=labels, name="cluster")


def hierarchical_risk_parity(covariance: MatrixLike, *, method: str = "single") -> Any:
    """Hierarchical risk parity (Lopez de Prado, 2016).

    Assets are ordered by hierarchical clustering. The ordered list is halved again and again, and
    each half gets money in inverse proportion to the variance of its inverse-variance portfolio.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
        May be singular.
    method : str
        Linkage, see :func:`scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Positive weights that sum to one.

    Raises
    ------
    DataError
        If the covariance is unusable.

    Notes
    -----
    Assets are compared by the distance ``sqrt((1 - correlation) / 2)`` itself. The paper's listing
    clusters the columns of the distance matrix as if they were observations; libraries differ.
    The variance of a segment of the ordered list is a block sum of the rescaled covariance,
    read off a table of cumulative sums, so that each halving costs the same whatever its size.
    """
    matrix, labels = read_covariance(covariance)
    n = len(matrix)
    order = np.arange(n)
    if n > 1:
        distance = np.sqrt((1 - _correlation(matrix)) / 2)
        order = leaves_list(linkage(squareform(distance, checks=False), method))
    weights = np.empty(n)
    weights[order] = _bisect(matrix[np.ix_(order, order)])
    return label_vector(weights, labels, "hierarchical_risk_parity")


def _bisect(matrix: Array) -> Array:
    """Weights of an ordered list of assets by recursive halving, a whole level at a time."""
    n = len(matrix)
    inverse = 1.0 / np.diagonal(matrix)
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = (matrix * np.outer(inverse, inverse)).cumsum(axis=0).cumsum(axis=1)
    shares = np.concatenate([[0.0], inverse.cumsum()])
    weights = np.ones(n)
    segments = np.array([[0, n]])
    while len(segments := segments[segments[:, 1] - segments[:, 0] > 1]):
        start, stop = segments.T
        middle = start + (stop - start) // 2
        left, right = (
            _segment_variance(sums, shares, a, b) for a, b in ((start, middle), (middle, stop))
        )
        to_left = right / (left + right)
        for a, m, b, share in zip(start, middle, stop, to_left, strict=True):
            weights[a:m] *= share
            weights[m:b] *= 1 - share
        segments = np.concatenate(
            [np.column_stack([start, middle]), np.column_stack([middle, stop])]
        )
    return weights


def _segment_variance(sums: Array, shares: Array, start: Any, stop: Any) -> Array:
    """Variance of the inverse-variance portfolio of each segment."""
    block = sums[stop, stop] - sums[start, stop] - sums[stop, start] + sums[start, start]
    return np.asarray(block / (shares[stop] - shares[start]) ** 2)


def nested_clusters(covariance: MatrixLike, groups: Any) -> Any:
    """Nested clustered optimization of the variance (Lopez de Prado, 2020).

    Long-only minimum variance within each cluster, then across the cluster portfolios.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
    groups : Series, sequence, or 0/1 table of shape (n_assets, n_groups)
        The cluster of each asset, for example from :func:`correlation_clusters`.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Nonnegative weights that sum to one.

    Raises
    ------
    DataError
        If an asset is in no cluster.
    SingularCovarianceError
        If the covariance of a cluster, or across clusters, is not positive definite.
    """
    matrix, labels = read_covariance(covariance)
    membership, _ = read_membership(groups, len(matrix), labels)
    alone = np.flatnonzero(membership.sum(axis=1) == 0)
    if len(alone):
        raise DataError(f"{len(alone)} asset(s) are in no cluster. Give every asset a cluster.")
    inner = np.zeros_like(membership)
    for j, column in enumerate(membership.T):
        member = column > 0
        inner[member, j] = optimization.minimum_variance(matrix[np.ix_(member, member)])
    across = np.asarray(optimization.minimum_variance(inner.T @ matrix @ inner))
    return label_vector(inner @ across, labels, "nested_clusters")
