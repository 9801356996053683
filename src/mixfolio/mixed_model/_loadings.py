r"""Covariance from random loadings: a market and group factors whose loadings are draws.

Asset i earns in period t, in units of its standard deviation,

    r_it = a_i + sum_j L_ij f_jt + e_it,    f_jt ~ N(0, 1),    e_it ~ N(0, psi_i),

with one latent factor j for the market and one for every group, all independent. L_ij is zero where
i is not in j; the other loadings are random, ``L_ij ~ N(m_j, v_j)``. In breeding this is a random
regression on latent factors: a factor-analytic covariance. Loadings are shrunk toward the mean of
their group, the more the fewer periods there are and the less the loadings of the group differ.

The covariance is ``E[L L'] + Psi`` under the posterior of the loadings, in the units of returns:
the products of the posterior means and, on the diagonal, their variances and the specific ones. The
fit, by variational Bayes, stands in ``_variational.py`` beside this file.

References
----------
Jennrich, R. I. and Schluchter, M. D. (1986). Unbalanced repeated-measures models with structured
covariance matrices. Biometrics 42, 805-820.
"""

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    Labels,
    checked,
    label_matrix,
    label_vector,
    read_count,
    read_membership,
    read_returns,
    require_labels,
    require_moving,
    warn,
)
from mixfolio.errors import DataError
from mixfolio.mixed_model import _variational
from mixfolio.mixed_model._common import Matrix, Part, label_table, read_part

MARKET, SPECIFIC = "market", "specific"
RESERVED = (MARKET, SPECIFIC, "sample")  # parts of this model, and of what is shrunk toward it
COPY = 1e-8  # how near to one the correlation of two copies is


@dataclass(frozen=True)
class LoadingModel(Generic[Matrix]):
    """A fitted model of random loadings; see :func:`random_loadings`.

    Attributes
    ----------
    loadings : DataFrame or array of shape (n_assets, n_factors)
        Posterior means, in return per unit of a factor; zero outside the group. The first factor
        is the market.
    loading_variance : DataFrame or array of shape (n_assets, n_factors)
        Posterior variances of the loadings, in squared returns.
    specific_variance : Series or array of shape (n_assets,)
        Per period, in squared returns.
    loading_distribution : DataFrame of shape (n_factors, 3)
        Mean and variance of each factor's loadings among assets, for returns divided by their
        standard deviations, and the number of assets.
    log_likelihood : float
        Restricted normal log-likelihood of the returns at the covariance of the model, with all
        constants, as in :func:`mixfolio.mixed_model.covariance_reml`.
    evidence : float
        The objective, for standardised returns.
    floored : tuple
        Assets whose specific variance is held at the floor, 1% of their variance: names, or
        positions where the returns have none.
    iterations : int
        Rounds.
    converged : bool
        Whether the last round gained less than 1e-8 per asset and period.
    """

    loadings: Matrix
    loading_variance: Matrix
    specific_variance: pd.Series | Array
    loading_distribution: pd.DataFrame
    log_likelihood: float
    evidence: float
    floored: tuple[Any, ...]
    iterations: int
    converged: bool
    _labels: Labels | None = field(repr=False)
    _levels: list[str] = field(repr=False)  # of every factor

    def components(self) -> dict[str, Matrix]:
        """Covariances of the parts of a return, which add up to the total.

        Returns
        -------
        dict of DataFrame or array of shape (n_assets, n_assets)
            "market", one entry per level of groups, and "specific", the diagonal part; per period.
        """
        return {
            name: label_matrix(values, self._labels) for name, values in self._components().items()
        }

    def _components(self) -> dict[str, Array]:
        L, C = np.asarray(self.loadings), np.asarray(self.loading_variance)
        parts = {}
        for level in dict.fromkeys(self._levels):
            of_level = np.array([name == level for name in self._levels])
            parts[level] = _plus_diagonal(L[:, of_level], C[:, of_level].sum(axis=1))
        parts[SPECIFIC] = np.diag(np.asarray(self.specific_variance))
        return parts

    def covariance(self, which: Part = "total") -> Matrix:
        """Covariance of returns that the model implies, or a part of it.

        Parameters
        ----------
        which : {"total", "systematic", "idiosyncratic"}
            Everything, the factors, or what is specific to each asset.

        Returns
        -------
        DataFrame or array of shape (n_assets, n_assets)
            Per period; the total is positive definite.

        Raises
        ------
        DataError
            If there is no such part.
        """
        read_part(which)
        L, C = np.asarray(self.loadings), np.asarray(self.loading_variance)
        own = np.asarray(self.specific_variance)
        if which == "idiosyncratic":
            values = np.diag(own)
        else:
            own = own if which == "total" else np.zeros_like(own)
            values = _plus_diagonal(L, C.sum(axis=1) + own)
        found: Matrix = label_matrix(values, self._labels)
        return found


def _plus_diagonal(L: Array, diagonal: Array) -> Array:
    """``L L' + diag(diagonal)``."""
    total = L @ L.T
    total.flat[:: len(L) + 1] += diagonal
    return np.asarray(total)


@checked
def random_loadings(
    returns: Matrix, groups: Any = None, *, max_iterations: int = 1000
) -> LoadingModel[Matrix]:
    """Fit a market and group factors with random loadings.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns without gaps. There may be fewer periods than assets.
    groups : Series, mapping, sequence or DataFrame, optional
        One group label per asset; a table of zeros and ones of shape (n_assets, n_groups), for
        assets in several groups or in none; or a table of labels with one column per level, such as
        sector and industry. Labelled ones are matched by name and may cover more assets. Without
        groups there is only the market. A table with a single column of zeros and ones is refused:
        it may be one group and assets in none, or the labels of two groups. A Series of them is
        two groups.
    max_iterations : int
        The most rounds.

    Returns
    -------
    LoadingModel

    Raises
    ------
    DataError
        If the returns are unusable or have fewer than 3 periods; an asset never moves, or has no
        entry in the groups; a label is missing; or a table of groups is a single column of zeros
        and ones, or repeats a column name.

    Warns
    -----
    UserWarning
        If two assets are copies of each other but for size and sign; if a specific variance would
        fall below 1% of an asset's variance, and is held there; or if the rounds do not suffice.

    Notes
    -----
    A group of one asset has no factor: nothing would tell it from the specific variance. Nor has a
    group with the same assets as the market or as another group.

    The prior keeps a specific variance above ``1 / (n_periods + 1)`` of the asset's variance, even
    that of a copy, which has none. The floor of 1% is therefore met in long samples only.

    Examples
    --------
    What two stock markets have in common, in squared per cent per month:

    >>> from mixfolio import datasets, mixed_model
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> model = mixed_model.random_loadings(returns, datasets.groups("asset-classes"))
    >>> parts = model.components().items()
    >>> {name: round(1e4 * float(part.loc["MSCI US", "MSCI Japan"]), 2) for name, part in parts}
    {'market': 7.01, 'asset_class': 4.13, 'specific': 0.0}
    """
    max_iterations = read_count(max_iterations, "max_iterations")
    values, labels = read_returns(returns, min_periods=3)
    model: LoadingModel[Matrix] = fit(values, labels, groups, max_iterations)
    _warn_of_copies(values, labels, model)
    return model


def fit(
    values: Array, labels: Labels | None, groups: Any, max_iterations: int = 1000
) -> LoadingModel[Any]:
    """:func:`random_loadings` of returns that are checked, without a word about copies and floors.

    It is for estimates that shrink the sample toward the model: the sample then says what copies
    have in common. The floor is recorded in `floored`.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
    labels : Index of length n_assets, or None
    groups, max_iterations
        As in :func:`random_loadings`.

    Returns
    -------
    LoadingModel

    Raises
    ------
    DataError
        If an asset never moves, or the groups cannot be used.

    Warns
    -----
    UserWarning
        If the rounds do not suffice.
    """
    factors = read_factors(groups, values.shape[1], labels)
    Z, spread = standardise(values, labels)
    structure = _variational.Structure(factors.membership)
    found = _variational.fit(Z, structure, max_iterations)
    if not found.converged:
        warn(
            f"random loadings did not settle in {found.rounds} rounds. Raise max_iterations.",
            UserWarning,
        )
    return _described(found, structure, Z, spread, labels, factors)


# ------------------------------------------------------------------------------ reading


class _Factors(NamedTuple):
    membership: Array  # (n_assets, n_factors), zeros and ones, the market first
    names: list[Any]
    levels: list[str]


def read_factors(groups: Any, n_assets: int, labels: Labels | None) -> _Factors:
    """The market and every group that can be told from it, from others and from an asset."""
    columns, names, levels = [np.ones((n_assets, 1))], [MARKET], [MARKET]
    for level, grouping in _levels(groups):
        table, found = read_membership(grouping, n_assets, labels)
        columns.append(table)
        names += [f"{level}: {name}" if name in names else name for name in found]
        levels += [level] * len(found)
    membership = np.hstack(columns)
    first = np.unique(membership, axis=1, return_index=True)[1]
    keep = [j for j in range(len(names)) if j == 0 or (j in first and membership[:, j].sum() > 1)]
    return _Factors(membership[:, keep], [names[j] for j in keep], [levels[j] for j in keep])


def _levels(groups: Any) -> list[tuple[str, Any]]:
    """Pairs of a level's name and what :func:`read_membership` takes."""
    if groups is None:
        return []
    require_labels(groups)
    if isinstance(groups, pd.DataFrame) and not groups.isin((0, 1)).all(axis=None):
        if not groups.columns.is_unique:
            twice = groups.columns[groups.columns.duplicated()][0]
            raise DataError(
                f"groups has more than one column called {twice!r}. Rename them: a column is a "
                "level, and its name that of a part of the covariance."
            )
        return [(_level_name(name), groups[name]) for name in groups.columns]
    _require_one_reading(groups)
    return [(_level_name(getattr(groups, "name", None)), groups)]


def _require_one_reading(groups: Any) -> None:
    """Refuse a table of one column of zeros and ones, which may be a group or labels of two."""
    values = groups.to_numpy() if isinstance(groups, pd.DataFrame) else groups
    if np.ndim(values) == 2 and np.shape(values)[1] == 1 and np.isin(values, (0, 1)).all():
        raise DataError(
            "groups is a table with a single column of zeros and ones. It may be one group, the "
            "ones, with the zeros in none; or the labels of two groups. For two groups give a "
            "Series or a list of the labels; for one, add a column of zeros."
        )


def _level_name(name: Any) -> str:
    return "groups" if name is None or name in RESERVED else str(name)


def standardise(values: Array, labels: Labels | None) -> tuple[Array, Array]:
    """Centred returns divided by their standard deviations, and those.

    Parameters
    ----------
    values : ndarray of shape (n_periods, n_assets)
    labels : Index of length n_assets, or None
        For the error message.

    Returns
    -------
    Z : ndarray of shape (n_periods, n_assets)
    spread : ndarray of shape (n_assets,)
        With divisor n_periods - 1.

    Raises
    ------
    DataError
        If an asset never moves.
    """
    require_moving(values, labels)
    spread = values.std(axis=0, ddof=1)
    return (values - values.mean(axis=0)) / spread, spread


# ------------------------------------------------------------------------------ result


def _warn_of_copies(values: Array, labels: Labels | None, model: LoadingModel[Any]) -> None:
    """Name assets that copy each other, or whose specific variance is at the floor."""
    Z, _ = standardise(values, labels)
    correlation = np.abs(Z.T @ Z) / (len(Z) - 1)
    first, second = np.nonzero(np.triu(correlation, 1) > 1 - COPY)
    if len(first):
        one, other = _names([first[0], second[0]], labels)
        warn(
            f"{len(first)} pair(s) of assets are copies of each other but for size and sign, the "
            f"first is {one!s} and {other!s}. The model gives both a specific variance that they "
            "do not have. Keep one of each pair.",
            UserWarning,
        )
    if model.floored:
        warn(
            f"the specific variance of {len(model.floored)} asset(s), the first is "
            f"{model.floored[0]!s}, is held at {_variational.FLOOR:.0%} of the asset's variance. "
            "Is it nearly a copy of another asset?",
            UserWarning,
        )


def _names(places: Any, labels: Labels | None) -> tuple[Any, ...]:
    return tuple(int(i) if labels is None else labels[i] for i in places)


def _described(
    found: _variational.Fit,
    structure: _variational.Structure,
    Z: Array,
    spread: Array,
    labels: Labels | None,
    factors: _Factors,
) -> LoadingModel[Any]:
    state = found.state
    L, C = structure.table(state.loadings), structure.table(state.variances)
    distribution = {"mean": state.mean, "variance": state.variance, "assets": structure.count}
    table = pd.DataFrame(distribution, index=pd.Index(factors.names, name="factor"))
    return LoadingModel(
        loadings=label_table(L * spread[:, None], labels, factors.names),
        loading_variance=label_table(C * np.square(spread)[:, None], labels, factors.names),
        specific_variance=label_vector(state.psi * spread**2, labels, "specific_variance"),
        loading_distribution=table.astype({"assets": int}),
        log_likelihood=_log_likelihood(L, state.psi + C.sum(axis=1), Z, spread),
        evidence=found.evidence[-1],
        floored=_names(np.flatnonzero(state.psi <= _variational.FLOOR), labels),
        iterations=found.rounds,
        converged=found.converged,
        _labels=labels,
        _levels=factors.levels,
    )


def _log_likelihood(L: Array, diagonal: Array, Z: Array, spread: Array) -> float:
    """Restricted log-likelihood at V = L L' + diag, by the k x k matrix I + L' diag^-1 L."""
    n_periods, n_assets = Z.shape
    n = n_periods - 1
    scaled = L / diagonal[:, None]
    small = np.eye(L.shape[1]) + scaled.T @ L
    log_det = float(np.log(diagonal).sum() + np.linalg.slogdet(small)[1])
    seen = Z @ scaled
    trace = float(np.sum(1 / diagonal) - np.trace(np.linalg.solve(small, seen.T @ seen)) / n)
    constant = n * n_assets * np.log(2 * np.pi) + n_assets * np.log(n_periods)
    return float(-0.5 * (n * (log_det + trace) + constant) - n * np.log(spread).sum())
