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

from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.linalg import cho_solve
from scipy.spatial.distance import squareform

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    checked_but,
    read_count,
    read_covariance,
    read_membership,
)
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.optimization import _optimizers
from mixfolio.optimization._constraints import asset_names
from mixfolio.optimization._optimizers import Weights, labelled, read_moments, without_dust

LINKAGES = ("single", "complete", "average", "weighted", "centroid", "median", "ward")


@overload
def cluster_then_allocate(mean: VectorLike, covariance: pd.DataFrame, groups: Any) -> pd.Series: ...
@overload
def cluster_then_allocate(mean: Array, covariance: Array, groups: Any) -> Array: ...
@checked
def cluster_then_allocate(mean: VectorLike, covariance: MatrixLike, groups: Any) -> Weights:
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
        The cluster of each asset, for example from :func:`correlation_clusters`. In a table an
        asset may be in several clusters; its weights add.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to zero, with the largest absolute weight 1.

    Raises
    ------
    DataError
        If an asset is in no cluster, a cluster has a single asset, which cannot be hedged, or all
        means of a cluster are equal.
    SingularCovarianceError
        If the covariance of a cluster, or across clusters, is not positive definite.

    Examples
    --------
    The first of each pair earns more, and the second hedges it:

    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean = np.array([0.02, 0.01, 0.03, 0.01])
    >>> covariance = np.diag([0.01, 0.01, 0.04, 0.04])
    >>> groups = ["tech", "tech", "banks", "banks"]
    >>> optimization.cluster_then_allocate(mean, covariance, groups).round(3).tolist()
    [1.0, -1.0, 0.5, -0.5]
    """
    matrix, means, labels = read_moments(mean, covariance)
    membership, names = _read_clusters(groups, len(matrix), labels)
    _require_choice(membership, names, means)
    inner = np.column_stack([_hedged(means, matrix, column > 0) for column in membership.T])
    across = _linalg.factorise(inner.T @ matrix @ inner)
    weights = inner @ cho_solve(across, inner.T @ means)
    return labelled(weights / np.abs(weights).max(), labels, "cluster_then_allocate")


def _read_clusters(groups: Any, n: int, labels: Labels | None) -> tuple[Array, list[Any]]:
    membership, names = read_membership(groups, n, labels)
    alone = np.flatnonzero(membership.sum(axis=1) == 0)
    if len(alone):
        raise DataError(
            f"{len(alone)} asset(s) are in no cluster, the first is "
            f"{asset_names(n, labels)[alone[0]]!s}. Give every asset a cluster, or leave it out."
        )
    return membership, names


def _require_choice(membership: Array, names: list[Any], means: Array) -> None:
    """Two assets in every cluster, with means that differ: else there is no zero-cost portfolio."""
    small = np.flatnonzero(membership.sum(axis=0) < 2)
    if len(small):
        raise DataError(
            f"{len(small)} cluster(s) have fewer than two assets, the first is "
            f"{names[small[0]]!r}: there is nothing to hedge with. Merge it with another."
        )
    for name, column in zip(names, membership.T, strict=True):
        if np.ptp(means[column > 0]) == 0:
            raise DataError(
                f"all expected returns in cluster {name!r} are equal: no zero-cost portfolio of it "
                "earns anything. Merge it with another."
            )


def _hedged(means: Array, matrix: Array, member: Any) -> Array:
    weights = np.zeros(len(means))
    block = matrix[np.ix_(member, member)]
    weights[member] = _optimizers.zero_cost_sharpe(means[member], block)
    return weights


@overload
def correlation_clusters(
    covariance: pd.DataFrame, n_clusters: int, *, method: str = "average"
) -> "pd.Series[int]": ...
@overload
def correlation_clusters(
    covariance: Array, n_clusters: int, *, method: str = "average"
) -> NDArray[np.int64]: ...
@checked_but("n_clusters")
def correlation_clusters(
    covariance: MatrixLike, n_clusters: int, *, method: str = "average"
) -> "pd.Series[int] | NDArray[np.int64]":
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
        If `n_clusters` is not between 1 and n_assets, or the linkage is unknown.

    Examples
    --------
    >>> from mixfolio import covariance, datasets, optimization
    >>> names = ["MSCI US", "MSCI Japan", "Global Bonds", "US Treasuries"]
    >>> matrix = covariance.sample(datasets.load("asset-classes")[names])
    >>> optimization.correlation_clusters(matrix, 2).to_dict()
    {'MSCI US': 2, 'MSCI Japan': 2, 'Global Bonds': 1, 'US Treasuries': 1}
    """
    matrix, labels = read_covariance(covariance)
    n_clusters = read_count(n_clusters, "n_clusters", 1, len(matrix))
    found = np.ones(len(matrix), dtype=np.int64)
    if len(matrix) > 1:
        found = fcluster(_tree(matrix, method), n_clusters, criterion="maxclust").astype(np.int64)
    return found if labels is None else pd.Series(found, index=labels, name="cluster")


def _tree(matrix: Array, method: str, optimal_ordering: bool = False) -> Array:
    """Hierarchical clustering by the distance ``sqrt((1 - correlation) / 2)``."""
    if method not in LINKAGES:
        raise DataError(f"method is {method!r}; it must be one of {list(LINKAGES)}.")
    volatility = np.sqrt(np.diagonal(matrix))
    scaled = matrix / volatility
    scaled /= volatility[:, None]
    correlation = np.clip(squareform(scaled, checks=False), -1.0, 1.0)
    distance = np.sqrt((1 - correlation) / 2)
    return np.asarray(linkage(distance, method, optimal_ordering=optimal_ordering))


@overload
def hierarchical_risk_parity(
    covariance: pd.DataFrame, *, method: str = "single", optimal_ordering: bool = False
) -> pd.Series: ...
@overload
def hierarchical_risk_parity(
    covariance: Array, *, method: str = "single", optimal_ordering: bool = False
) -> Array: ...
@checked
def hierarchical_risk_parity(
    covariance: MatrixLike, *, method: str = "single", optimal_ordering: bool = False
) -> Weights:
    """Hierarchical risk parity (Lopez de Prado, 2016).

    Assets are ordered by hierarchical clustering. The ordered list is halved again and again, and
    each half gets money in inverse proportion to the variance of its inverse-variance portfolio.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
        May be singular.
    method : str
        Linkage, see :func:`scipy.cluster.hierarchy.linkage`.
    optimal_ordering : bool
        Whether to flip the branches so that neighbours in the list are as similar as can be. The
        paper does not, nor does PyPortfolioOpt; skfolio does.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights between 0 and 1 that sum to one; positive if the covariance is positive definite.

    Raises
    ------
    DataError
        If the covariance is unusable or the linkage unknown.
    SingularCovarianceError
        If two halves have no variance both, or one has a negative one.

    Notes
    -----
    A variant: assets are compared by the distance ``d = sqrt((1 - correlation) / 2)`` itself. The
    paper defines a distance of distances, the Euclidean distance of two columns of the matrix of d,
    and clusters by that; libraries differ.

    Examples
    --------
    >>> from mixfolio import covariance, datasets, optimization
    >>> names = ["MSCI US", "MSCI Japan", "Global Bonds", "US Treasuries"]
    >>> matrix = covariance.sample(datasets.load("asset-classes")[names])
    >>> optimization.hierarchical_risk_parity(matrix).round(3).to_dict()
    {'MSCI US': 0.032, 'MSCI Japan': 0.027, 'Global Bonds': 0.63, 'US Treasuries': 0.311}
    """
    matrix, labels = read_covariance(covariance)
    order = np.arange(len(matrix))
    if len(matrix) > 1:
        order = leaves_list(_tree(matrix, method, optimal_ordering))
    weights = np.empty(len(matrix))
    weights[order] = _bisect(matrix.take(order, axis=0).take(order, axis=1))
    held = without_dust(weights)  # of many tiny weights, what is swept is not rounding alone
    return labelled(held / held.sum(), labels, "hierarchical_risk_parity")


def _bisect(matrix: Array) -> Array:
    """Weights of an ordered list of assets by recursive halving.

    The segments of one level of halving are treated together, from single assets to the whole. With
    v the inverse variances, the sums of ``v_i V_ij v_j`` over all pairs of segments are added up
    from those of their halves.
    """
    inverse = 1.0 / np.diagonal(matrix)
    sums = matrix * inverse
    sums *= inverse[:, None]
    weights = np.ones(len(matrix))
    levels = _halvings(len(matrix))
    for fine, coarse in zip(levels[:0:-1], levels[-2::-1], strict=True):
        first = np.searchsorted(fine, coarse)
        left, right = first[:-1], first[1:] - 1
        halved = left < right
        variances = _segment_variances(np.diagonal(sums), inverse, fine)
        shares = np.ones(len(fine) - 1)
        shares[left[halved]], shares[right[halved]] = _shares(
            variances[left[halved]], variances[right[halved]], np.diff(coarse)[halved]
        )
        weights *= np.repeat(shares, np.diff(fine))
        sums = _merged(sums, left, right)
    return weights


def _merged(sums: Array, left: Any, right: Any) -> Array:
    """Sums over pairs of segments from the sums over pairs of their halves.

    A segment that is not halved is its own left and right half, and counts once.
    """
    twice = np.where(left < right, 1.0, 0.0)
    rows = sums.take(left, axis=0)
    rows += twice[:, None] * sums.take(right, axis=0)
    merged: Array = rows.take(left, axis=1)
    merged += twice * rows.take(right, axis=1)
    return merged


def _halvings(count: int) -> list[Any]:
    """Edges of the segments at each level of halving, from the whole to single items."""
    levels = [np.array([0, count])]
    while len(levels[-1]) <= count:
        edges = levels[-1]
        levels.append(np.unique(np.concatenate([edges, (edges[:-1] + edges[1:]) // 2])))
    return levels


def _segment_variances(sums: Array, inverse: Array, edges: Any) -> Array:
    """Variances of the inverse-variance portfolios of segments."""
    totals = np.add.reduceat(inverse, edges[:-1])
    variances = sums / totals**2
    rounding = 1e-14 * np.diff(edges) / totals
    if (variances < -rounding).any():
        raise SingularCovarianceError(
            f"a long-only portfolio has a variance of {variances.min():.3g}: the matrix is no "
            "covariance. Use the nearest one that is positive semidefinite."
        )
    return np.where(variances > rounding, variances, 0.0)


def _shares(left: Array, right: Array, sizes: Any) -> tuple[Array, Array]:
    """What the halves of each segment get: in inverse proportion to their variances."""
    total = left + right
    if not total.all():
        raise SingularCovarianceError(
            f"two halves of {sizes[total == 0].max()} assets have no variance both, so that there "
            "is no risk to share. Shrink the covariance, or use more periods than assets."
        )
    return right / total, left / total


@overload
def nested_clusters(covariance: pd.DataFrame, groups: Any) -> pd.Series: ...
@overload
def nested_clusters(covariance: Array, groups: Any) -> Array: ...
@checked
def nested_clusters(covariance: MatrixLike, groups: Any) -> Weights:
    """Nested clustered optimization of the variance (Lopez de Prado, 2020).

    Long-only minimum variance within each cluster, then across the cluster portfolios.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
    groups : Series, sequence, or 0/1 table of shape (n_assets, n_groups)
        As in :func:`cluster_then_allocate`.

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

    Examples
    --------
    >>> from mixfolio import covariance, datasets, optimization
    >>> kinds = {"MSCI US": "stocks", "MSCI Japan": "stocks", "Global Bonds": "bonds"}
    >>> matrix = covariance.sample(datasets.load("asset-classes")[list(kinds)])
    >>> optimization.nested_clusters(matrix, kinds).round(3).to_dict()
    {'MSCI US': 0.026, 'MSCI Japan': 0.016, 'Global Bonds': 0.958}
    """
    matrix, labels = read_covariance(covariance)
    membership, _ = _read_clusters(groups, len(matrix), labels)
    membership = membership[:, membership.any(axis=0)]
    inner = np.zeros_like(membership)
    for j, column in enumerate(membership.T):
        member = column > 0
        inner[member, j] = _optimizers.minimum_variance(matrix[np.ix_(member, member)])
    across = np.asarray(_optimizers.minimum_variance(inner.T @ matrix @ inner))
    return labelled(inner @ across, labels, "nested_clusters")
