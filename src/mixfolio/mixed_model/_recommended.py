r"""The recommended covariance: a mixed model, and what the sample says beside it.

Each model stands in a file of its own, with its mathematics. :func:`covariance_reml` explains the
covariance of returns by relationship matrices, :func:`random_loadings` by a market and groups of
assets. :func:`panel_reml` explains mean returns by persistent effects of assets.

:func:`covariance` is the recommended estimator: a mixed model as the target, and as much of the
sample covariance as the data ask for. Its five steps are:

1. Even out the periods. Returns have heavy tails, and most of it comes from periods in which all
   assets move much. Such periods would dominate the sample and make it look more precise than it
   is. With z_it the standardised returns, period t is divided by ``(mean_i z_it^2)^(1/4)``: half
   way, on a logarithmic scale, between returns as they are and periods of equal size.
2. Fit the mixed model.
3. Let what assets share persist in part. Loadings drift: those of the next periods are not quite
   those of the past. Covariances of the model are multiplied by the persistence 0.9, its variances
   stay. In breeding it is the genetic correlation between two environments.
4. Shrink the sample covariance toward it, by :func:`mixfolio.covariance.empirical_bayes`.
5. Renew the variances. They change faster than correlations: each is multiplied by the ratio of
   the exponentially weighted variance of the returns as they are to that of evened-out returns.

The first and the last step concern time, and any estimator can have them; the half-life is that of
:func:`usual_halflife`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    Labels,
    checked_but,
    label_matrix,
    read_number,
    read_returns,
    require_order,
    warn,
)
from mixfolio.covariance import empirical_bayes_intensity
from mixfolio.errors import DataError
from mixfolio.mixed_model import _loadings
from mixfolio.mixed_model._common import Matrix
from mixfolio.mixed_model._kernels import KernelModel, covariance_reml
from mixfolio.mixed_model._loadings import LoadingModel
from mixfolio.mixed_model._time import (
    evened,
    recent_moments,
    recent_variances,
    stale_assets,
    usual_halflife,
)

Model: TypeAlias = LoadingModel[Any] | KernelModel[Any]

RESERVED = ("market", "sample")  # parts that are always there


@checked_but("halflife")
def covariance(
    returns: Matrix,
    groups: Any = None,
    relationship: Any = None,
    *,
    halflife: float | None = None,
    persistence: float = 0.9,
    recent_factors: bool = False,
) -> Matrix:
    """Covariance from a mixed model and the sample, each as far as the data believe it.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns without gaps, oldest first. There may be fewer periods than assets.
    groups : Series, mapping, sequence or DataFrame, optional
        Groups of assets, as :func:`random_loadings` takes them: labels, or a table of zeros and
        ones with two or more columns.
    relationship : matrix of shape (n_assets, n_assets), or mapping of name to matrix, optional
        Relationship matrices, as :func:`covariance_reml` takes them, instead of groups; a common
        effect of all assets, called "market", is added. With neither there is only the market.
        Make them from what is not in `returns`: from attributes of the assets, or from strictly
        earlier periods. With a matrix of correlations of these returns the data would enter
        twice, as the evidence and as its own prior, and the model would be believed too much.
    halflife : float, optional
        Age in periods at which an observation counts half in the variances. By default that of
        :func:`usual_halflife`: 114 days, 52 weeks or 25 months, by the dates of the returns, and
        infinity, with which all periods count the same, where there are no dates.
    persistence : float
        Of the covariances of the model, from 0 to 1.
    recent_factors : bool
        Whether the factors' variances, relative to those specific to assets, are the recent ones
        as well: a heritability that changes over time. Not with a relationship.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite.

    Raises
    ------
    DataError
        If the returns are unusable or have fewer than 3 periods, an asset never moves, groups or
        relationship lack an asset, both are given, a relationship is called "market" or "sample",
        `halflife` is not positive, `persistence` out of range, or recent factors are asked for with
        a relationship.

    Warns
    -----
    UserWarning
        If the prices of an asset stand still in most periods or in the latest ten; it is named, and
        its variance is that of the periods in which it moved.

    Notes
    -----
    The steps stand in the module's docstring. The power 1/4, the persistence and the separate
    distributions of loadings by group were chosen by the out-of-sample volatility of
    minimum-variance portfolios of US stocks before 2015. These choices were not blind to later
    years. Losses on the whole sample, to 2021, prompted the search for the persistence. A first
    version renewed the variances from evened-out returns; it was changed after its failure in the
    spring of 2020 had been seen, and the years before 2015 then preferred the change as well. Years
    from 2015 to 2021 are therefore no clean test of this estimate. The half-life was a quarter of
    the window, which was seen to fail for short ones; its rule in :func:`usual_halflife` was
    written down before it was tried on any returns.

    Copies of assets, and near copies such as two funds of one index, do not make this warn as
    :func:`random_loadings` does: the sample says what they share. They take weight from the model
    for all assets, though, the more the fewer assets there are. Which ones have their specific
    variance at the floor stands in ``fit(...).model.floored``.

    Examples
    --------
    Annual volatilities of two of nineteen indices in four asset classes:

    >>> from mixfolio import datasets, mixed_model
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> matrix = mixed_model.covariance(returns, datasets.groups("asset-classes"))
    >>> volatility = (12 * matrix.to_numpy().diagonal()) ** 0.5
    >>> dict(zip(matrix.columns[7:9], volatility[7:9].round(3).tolist(), strict=True))
    {'MSCI US': 0.147, 'MSCI Japan': 0.125}
    """
    found = fit(returns, groups, relationship, halflife=halflife, persistence=persistence)
    if not recent_factors:
        return found.covariance()
    if not isinstance(found.model, LoadingModel):
        raise DataError("recent_factors needs loadings: give groups, or neither of the two.")
    halflife = usual_halflife(returns) if halflife is None else halflife
    renewed: Matrix = _with_recent_factors(found, found.model, read_returns(returns)[0], halflife)
    return renewed


@dataclass(frozen=True)
class ShrunkModel(Generic[Matrix]):
    """The recommended estimate with what it was made from; see :func:`fit`.

    Attributes
    ----------
    model : LoadingModel or KernelModel
        The mixed model, of evened-out returns.
    intensity : float
        Weight of the model, between 0 and 1; the rest is the sample covariance of evened-out
        returns.
    persistence : float
        Factor of the model's covariances.
    """

    model: LoadingModel[Matrix] | KernelModel[Matrix]
    intensity: float
    persistence: float
    _sample: Array = field(repr=False)
    _scale: Array = field(repr=False)  # of each asset: from evened-out to recent returns
    _labels: Labels | None = field(repr=False)

    def components(self) -> dict[str, Matrix]:
        """Covariances of the parts, which add up to the total.

        Returns
        -------
        dict of DataFrame or array of shape (n_assets, n_assets)
            "sample", what the data say beside the model; then the parts of the model, the one
            specific to each asset last. Per period.
        """
        outer = np.outer(self._scale, self._scale)
        parts = {"sample": (1 - self.intensity) * self._sample * outer}
        for name, part in _persistent(self.model, self.persistence).items():
            parts[name] = self.intensity * part * outer
        return {name: label_matrix(part, self._labels) for name, part in parts.items()}

    def covariance(self) -> Matrix:
        """Covariance per period, positive definite.

        Returns
        -------
        DataFrame or ndarray of shape (n_assets, n_assets)
        """
        target = _target(self.model, self.persistence)
        target *= self.intensity
        target += (1 - self.intensity) * self._sample
        target *= np.outer(self._scale, self._scale)
        found: Matrix = label_matrix(target, self._labels)
        return found

    @property
    def heritability(self) -> float:
        """Mean over assets of the share of variance that the model ascribes to what they share.

        In breeding it is the share of the variance that relatives have in common.
        """
        parts = [np.diagonal(np.asarray(part)) for part in self.model.components().values()]
        return float(1 - np.mean(parts[-1] / np.sum(parts, axis=0)))


@checked_but("halflife")
def fit(
    returns: Matrix,
    groups: Any = None,
    relationship: Any = None,
    *,
    halflife: float | None = None,
    persistence: float = 0.9,
) -> ShrunkModel[Matrix]:
    """The recommended estimate as in :func:`covariance`, with its model, intensity and parts.

    Parameters
    ----------
    returns, groups, relationship, halflife, persistence
        As in :func:`covariance`. A relationship must not be made from the same returns.

    Returns
    -------
    ShrunkModel

    Raises
    ------
    DataError
        As in :func:`covariance`.

    Examples
    --------
    How much weight the model has, and where the covariance of two stock markets comes from:

    >>> from mixfolio import datasets, mixed_model
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> found = mixed_model.fit(returns, datasets.groups("asset-classes"))
    >>> round(float(found.intensity), 3), round(found.heritability, 3)
    (0.084, 0.622)
    >>> parts = found.components().items()
    >>> {name: round(1e4 * float(part.loc["MSCI US", "MSCI Japan"]), 2) for name, part in parts}
    {'sample': 7.83, 'market': 0.6, 'asset_class': 0.05, 'specific': 0.0}
    """
    require_order(returns)
    values, labels = read_returns(returns, min_periods=3)
    halflife = usual_halflife(returns) if halflife is None else halflife
    persistence = read_number(persistence, "persistence")
    if not 0 <= persistence <= 1:
        raise DataError(f"persistence is {persistence}; it must be between 0 and 1.")
    even = evened(values, labels)
    model = _fitted(even, labels, groups, relationship)
    target = _target(model, persistence)
    intensity = empirical_bayes_intensity(even, target)
    _warn_of_stale(values, labels)
    deviations = even - even.mean(axis=0)
    S = deviations.T @ deviations / (len(even) - 1)
    change = np.sqrt(recent_variances(values, halflife) / np.diagonal(S))
    return ShrunkModel(model, intensity, persistence, S, change, labels)


def _warn_of_stale(values: Array, labels: Labels | None) -> None:
    stale = np.flatnonzero(stale_assets(values))
    if len(stale):
        first = stale[0] if labels is None else labels[stale[0]]
        warn(
            f"the prices of {len(stale)} asset(s) stand still in most periods or in the latest, "
            f"the first is {first!s}. Their variances are those of the periods in which they "
            "moved; leave them out if they cannot be traded.",
            UserWarning,
        )


def _target(model: Model, persistence: float) -> Array:
    """Covariance of the model, what is off the diagonal times the persistence."""
    matrix = np.asarray(model.covariance())
    target = persistence * matrix
    np.fill_diagonal(target, matrix.diagonal())
    return target


LEAST_EIGENVALUE = 0.1  # of the lowest before
FACTOR_RANGE = (0.25, 4.0)  # of a recent standard deviation over the usual one, so that none rules


def _with_recent_factors(
    found: ShrunkModel[Any], model: LoadingModel[Any], values: Array, halflife: float
) -> Any:
    """The estimate with recent variances of factors; the variances of the assets stay.

    Factors F and what is specific, U, are estimated from the returns by the model. With recent
    second moments over usual ones, f_j for a factor and the mean u for what is specific, the part
    of factor j is multiplied by ``(f_j / u)^(1/2)``, within :data:`FACTOR_RANGE`.
    """
    total = np.asarray(found.covariance())
    L, own = np.asarray(model.loadings), np.asarray(model.specific_variance)
    Y = values - values.mean(axis=0)
    weighted = L / own[:, None]
    F = np.linalg.solve(np.eye(L.shape[1]) + L.T @ weighted, weighted.T @ Y.T).T
    U = Y - F @ L.T
    specific = float((recent_moments(U, halflife) / np.square(U).mean(axis=0)).mean())
    ratio = recent_moments(F, halflife) / np.square(F).mean(axis=0) / specific
    change = found.persistence * (np.clip(np.sqrt(ratio), *FACTOR_RANGE) - 1)
    spread = np.sqrt(total.diagonal())
    L = L * (found._scale / spread)[:, None]
    before = total / np.outer(spread, spread)
    least = LEAST_EIGENVALUE * float(np.linalg.eigvalsh(before)[0])
    after = _lifted(before + (L * change) @ L.T, least)
    size = spread / np.sqrt(after.diagonal())
    return label_matrix(after * np.outer(size, size), found._labels)


def _lifted(matrix: Array, least: float) -> Array:
    """The matrix with eigenvalues below `least` raised to it, if there are any."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= least:
        return matrix
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def _persistent(model: Model, persistence: float) -> dict[str, Array]:
    """Parts of the model: what does not persist of the shared ones becomes specific."""
    parts = {name: np.asarray(part) for name, part in model.components().items()}
    *shared, own = parts
    lost = (1 - persistence) * sum(np.diagonal(parts[name]) for name in shared)
    return {name: persistence * parts[name] for name in shared} | {own: parts[own] + np.diag(lost)}


def _fitted(values: Array, labels: Labels | None, groups: Any, relationship: Any) -> Model:
    if relationship is None:
        return _loadings.fit(values, labels, groups)
    if groups is not None:
        raise DataError(
            "groups and relationship are both given. Give one: a relationship matrix can hold the "
            "groups, see relationship.from_groups and relationship.combine."
        )
    named = isinstance(relationship, Mapping)
    kernels = dict(relationship) if named else {"relationship": relationship}
    for name in RESERVED:
        if name in kernels:
            raise DataError(
                f"a relationship is called {name!r}, which names another part of this estimate. "
                "Rename it."
            )
    n_assets = values.shape[1]
    table: Any = values if labels is None else pd.DataFrame(values, columns=labels)
    return covariance_reml(table, kernels | {"market": np.ones((n_assets, n_assets))})
