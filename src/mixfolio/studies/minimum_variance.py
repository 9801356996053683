"""Minimum-variance portfolios of many covariance estimators, side by side out of sample.

The variance of a minimum-variance portfolio after the decision is a test of a covariance estimator
that needs no truth and no expected returns: better estimates give lower variance. Every estimator
decides with the same windows of past returns and the same constraints, and its portfolio drifts
until the next decision, as in :func:`mixfolio.backtest.walk_forward`. There are no costs.

An estimator here takes a table of past returns and the groups of the assets, and gives a covariance
matrix.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from mixfolio import covariance, mixed_model, optimization
from mixfolio._inputs import Array, label_matrix, read_count, read_returns
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.studies import covariance_losses

__all__ = [
    "CONSTRAINTS",
    "ESTIMATORS",
    "Estimator",
    "compare",
    "draw_assets",
    "over_draws",
    "permute_groups",
    "portfolio_returns",
    "volatilities",
    "with_recent_variances",
]

Estimator: TypeAlias = Callable[[pd.DataFrame, Any], Any]

CONSTRAINTS = {"long-only": True, "long-short": False}
SETTING = ["window", "constraint"]


def _without_groups(estimate: Callable[[Any], Any]) -> Estimator:
    return lambda returns, groups: estimate(returns)


def _shrunken_loadings(returns: pd.DataFrame, groups: Any) -> Any:
    model = mixed_model.random_loadings(returns, groups)
    return covariance.empirical_bayes(returns, model)


ESTIMATORS: Mapping[str, Estimator] = {
    "1/N": lambda returns, groups: np.eye(returns.shape[1]),
    **{name: _without_groups(estimate) for name, estimate in covariance_losses.ESTIMATORS.items()},
    "random loadings": lambda returns, groups: mixed_model.random_loadings(
        returns, groups
    ).covariance(),
    "random loadings, shrunk": _shrunken_loadings,
    "mixed model": mixed_model.covariance,
}
"""Estimators by name; "1/N" is the identity, whose portfolio of least variance is equal weights."""


def with_recent_variances(estimate: Estimator) -> Estimator:
    """The estimator with its variances renewed as :func:`mixfolio.mixed_model.covariance` does.

    A control: it gives a peer the same short memory of variances, so that what is left between the
    two is due to the correlations.

    Parameters
    ----------
    estimate : function
        Takes past returns and groups, and gives a covariance matrix.

    Returns
    -------
    function
    """

    def renewed(returns: pd.DataFrame, groups: Any) -> Any:
        values, labels = read_returns(returns)
        recent = mixed_model.recent_variances(values, len(values) / 4)
        change = np.sqrt(recent / values.var(axis=0, ddof=1))
        return label_matrix(
            np.asarray(estimate(returns, groups)) * np.outer(change, change), labels
        )

    return renewed


def portfolio_returns(
    returns: pd.DataFrame,
    groups: Any = None,
    *,
    window: int,
    step: int = 13,
    estimators: Mapping[str, Estimator] = ESTIMATORS,
    start: Any = None,
    end: Any = None,
) -> pd.DataFrame:
    """Out-of-sample returns of minimum-variance portfolios, with and without short positions.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns, oldest first, without gaps.
    groups : Series or DataFrame, optional
        Groups of the assets, for estimators that use them.
    window : int
        Periods of history that a decision uses.
    step : int
        Periods between decisions.
    estimators : mapping of name to function
        Each takes past returns and groups, and gives a covariance matrix.
    start, end : label, optional
        First and last period to evaluate; decisions for the first may use what lies before it.

    Returns
    -------
    DataFrame of shape (n_evaluated, 2 * n_estimators)
        Columns (estimator, constraint). Missing from the decision on where a covariance matrix was
        singular, as the sample covariance with no more periods than assets.

    Raises
    ------
    DataError
        If the returns are unusable, or no period is left to evaluate.
    """
    values, labels = read_returns(returns)
    if labels is None:
        raise DataError("returns must be a DataFrame here, so that results carry dates and names.")
    window, step = read_count(window, "window", 2), read_count(step, "step")
    inside = np.flatnonzero(_between(returns.index, start, end))
    inside = inside[inside >= window]
    if not len(inside):
        raise DataError(
            f"no period is left to evaluate: there are {len(values)}, of which decisions use the "
            f"{window} before them. Use a shorter window, or an earlier start."
        )
    first, last = int(inside[0]), int(inside[-1]) + 1
    blocks = [
        _held(returns.iloc[t - window : t], groups, values[t : min(t + step, last)], estimators)
        for t in range(first, last, step)
    ]
    names = [(name, constraint) for name in estimators for constraint in CONSTRAINTS]
    columns = pd.MultiIndex.from_tuples(names, names=["estimator", "constraint"])
    return pd.DataFrame(np.concatenate(blocks), index=returns.index[first:last], columns=columns)


def _between(index: pd.Index, start: Any, end: Any) -> Any:
    series = pd.Series(np.arange(len(index)), index=index)
    return np.isin(np.arange(len(index)), series.loc[start:end])


def _held(
    past: pd.DataFrame, groups: Any, future: Array, estimators: Mapping[str, Estimator]
) -> Array:
    """Returns until the next decision, one column an estimator and constraint."""
    weights = [w for estimate in estimators.values() for w in _decide(estimate(past, groups))]
    wealth = np.cumprod(1 + future, axis=0) @ np.column_stack(weights)
    wealth = np.vstack([np.ones(wealth.shape[1]), wealth])
    return np.asarray(wealth[1:] / wealth[:-1] - 1)


def _decide(matrix: Any) -> Iterator[Array]:
    for long_only in CONSTRAINTS.values():
        try:
            yield np.asarray(optimization.minimum_variance(matrix, long_only=long_only))
        except SingularCovarianceError:
            yield np.full(len(matrix), np.nan)


def volatilities(
    returns: pd.DataFrame,
    groups: Any = None,
    *,
    windows: Sequence[int] = (104, 208),
    step: int = 13,
    estimators: Mapping[str, Estimator] = ESTIMATORS,
    start: Any = None,
    end: Any = None,
    periods_per_year: float = 52.0,
) -> pd.DataFrame:
    """Out-of-sample volatility of minimum-variance portfolios by estimator and setting.

    Parameters
    ----------
    returns, groups, step, estimators, start, end
        As in :func:`portfolio_returns`.
    windows : sequence of int
        Periods of history that a decision uses.
    periods_per_year : float
        Annualises.

    Returns
    -------
    DataFrame
        One row for every window, estimator and constraint: columns ``window``, ``estimator``,
        ``constraint``, ``volatility`` (decimal, a year) and ``n_periods`` evaluated. The volatility
        is missing where a covariance matrix was singular.

    Raises
    ------
    DataError
        As in :func:`portfolio_returns`.
    """
    tables = []
    for window in windows:
        earned = portfolio_returns(
            returns,
            groups,
            window=window,
            step=step,
            estimators=estimators,
            start=start,
            end=end,
        )
        found = (earned.std(skipna=False) * np.sqrt(periods_per_year)).rename("volatility")
        tables.append(found.reset_index().assign(window=window, n_periods=len(earned)))
    table = pd.concat(tables, ignore_index=True)
    return table[["window", "estimator", "constraint", "volatility", "n_periods"]]


def draw_assets(groups: pd.Series, per_group: int, rng: np.random.Generator) -> list[Any]:
    """Names of assets drawn at random, the same number from every group.

    Parameters
    ----------
    groups : Series of length n_assets
        Asset -> group.
    per_group : int
    rng : numpy.random.Generator

    Returns
    -------
    list
        Group by group, in order of the groups' names.

    Raises
    ------
    DataError
        If a group is smaller than `per_group`.
    """
    per_group = read_count(per_group, "per_group")
    names = []
    for group, members in sorted(groups.groupby(groups).groups.items()):
        if len(members) < per_group:
            raise DataError(f"group {group!r} has {len(members)} asset(s), not {per_group}.")
        names += list(rng.choice(np.array(members), per_group, replace=False))
    return names


def permute_groups(groups: pd.Series, rng: np.random.Generator) -> pd.Series:
    """The same labels on other assets: a negative control of whatever uses groups.

    Parameters
    ----------
    groups : Series of length n_assets
    rng : numpy.random.Generator

    Returns
    -------
    Series of length n_assets
    """
    return pd.Series(rng.permutation(groups.to_numpy()), index=groups.index, name=groups.name)


def over_draws(
    returns: pd.DataFrame,
    groups: pd.Series,
    *,
    n_draws: int,
    per_group: int,
    seed: int,
    permuted: bool = False,
    **settings: Any,
) -> pd.DataFrame:
    """Repeat :func:`volatilities` for several draws of assets.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
    groups : Series of length n_assets
    n_draws : int
    per_group : int
        Assets drawn from every group, by :func:`draw_assets`.
    seed : int
        Draw d uses ``default_rng([seed, d])``: more draws leave the first ones as they were.
    permuted : bool
        Whether estimators are given permuted groups.
    **settings
        Of :func:`volatilities`.

    Returns
    -------
    DataFrame
        Rows of :func:`volatilities` with a column ``draw``. Draws share assets and years: they are
        not independent.

    Raises
    ------
    DataError
        As in :func:`volatilities` and :func:`draw_assets`.
    """
    tables = []
    for draw in range(read_count(n_draws, "n_draws")):
        rng = np.random.default_rng([seed, draw])
        names = draw_assets(groups, per_group, rng)
        known = permute_groups(groups[names], rng) if permuted else groups[names]
        tables.append(volatilities(returns[names], known, **settings).assign(draw=draw))
    return pd.concat(tables, ignore_index=True)


def compare(table: pd.DataFrame, name: str, peers: Sequence[str] | None = None) -> pd.DataFrame:
    """How an estimator does against the best of its peers, setting by setting.

    Parameters
    ----------
    table : DataFrame
        From :func:`volatilities` or :func:`over_draws`.
    name : str
        Estimator to look at.
    peers : sequence of str, optional
        Estimators to compare with; all others by default.

    Returns
    -------
    DataFrame
        One row a window and constraint: ``volatility`` of the estimator and ``best_peer`` of lowest
        volatility, with ``peer_volatility``, all on average over draws; ``difference`` from that
        peer and its ``standard_error`` over draws (missing for one draw; too low, as draws
        overlap); ``wins``: in how many of the ``n_draws`` it is below every peer.

    Raises
    ------
    DataError
        If an estimator is not in the table.
    """
    draws = [*SETTING, "draw"] if "draw" in table else SETTING
    wide = table.pivot(index=draws, columns="estimator", values="volatility")
    peers = [other for other in wide.columns if other != name] if peers is None else list(peers)
    unknown = [other for other in [name, *peers] if other not in wide.columns]
    if unknown:
        raise DataError(f"the table has no estimator {unknown}; it has {list(wide.columns)}.")
    rows = {
        setting: _against(part[name], part[peers]) for setting, part in wide.groupby(level=SETTING)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(SETTING)


def _against(ours: pd.Series, theirs: pd.DataFrame) -> dict[str, Any]:
    best = theirs.mean(skipna=False).idxmin()
    gap = ours - theirs[best]
    return {
        "volatility": ours.mean(),
        "best_peer": best,
        "peer_volatility": theirs[best].mean(),
        "difference": gap.mean(),
        "standard_error": gap.std(ddof=1) / np.sqrt(len(gap)),
        "wins": int((ours < theirs.min(axis=1)).sum()),
        "n_draws": len(gap),
    }
