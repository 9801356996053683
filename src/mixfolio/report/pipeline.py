"""A reader's own prices: from files to a portfolio, and what it would have been worth.

Prices of days are compounded to returns of weeks. Days are noisy in ways that weeks are not:
markets close at different hours, so that the same news falls on different days, and prices bounce
between bid and ask. Returns of weeks, months, quarters and years are used as they are.

Every decision, in the comparison too, sees only returns before it. Groups that are learned are
learned again at every decision.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixfolio import backtest, covariance, inference, optimization, portfolio, prices
from mixfolio._inputs import read_count, read_number, require_moving
from mixfolio.errors import DataError, MixfolioError
from mixfolio.estimators import ESTIMATORS
from mixfolio.portfolio import MixedModelPortfolio
from mixfolio.prices import Checks, Frequency, Layout, Missing, compound, to_returns

__all__ = [
    "Comparison",
    "Inputs",
    "Plan",
    "build_portfolio",
    "compare",
    "known_groups",
    "latest",
    "learned_groups",
    "make_plan",
    "read_inputs",
]

LEAST_ASSETS = 3
LEAST_PERIODS = 20  # to estimate from, and to evaluate on
MIXED, EQUAL = "mixed model", "1/N"
PEERS = ("sample", "LW identity", "nonlinear")  # of the registry, beside these two

# Periods to estimate from, if there are as many, and periods between decisions.
HABITS: dict[str, tuple[int, int]] = {
    "weekly": (260, 13),
    "monthly": (60, 3),
    "quarterly": (40, 1),
    "yearly": (20, 1),
}


# ------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class Inputs:
    """The contents of a reader's files, checked.

    Attributes
    ----------
    name : str
        Name of the file of prices.
    checks : Checks
        Checks of all prices, before anything was left out.
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns per period, without gaps unless they were to be kept.
    frequency : Frequency
        Frequency of the returns.
    groups : Series of length n_assets, or None
        One label per asset.
    previous : Series of length n_assets, or None
        Weights that are held now.
    notes : list of str
        What was done to the data, one sentence each.
    """

    name: str
    checks: Checks
    returns: pd.DataFrame
    frequency: Frequency
    groups: pd.Series | None
    previous: pd.Series | None
    notes: list[str] = field(default_factory=list)


def read_inputs(
    price_file: str | os.PathLike[str],
    group_file: str | os.PathLike[str] | None = None,
    previous_file: str | os.PathLike[str] | None = None,
    *,
    layout: Layout = "auto",
    missing: Missing = "raise",
) -> Inputs:
    """Read prices, and groups and present weights if there are any.

    Parameters
    ----------
    price_file : path
        CSV or Parquet, wide or long, as :func:`mixfolio.prices.read_prices` takes it.
    group_file : path, optional
        One group per asset, as :func:`mixfolio.prices.read_groups` takes it.
    previous_file : path, optional
        Weights that are held now, as :func:`mixfolio.prices.read_weights` takes them.
    layout : {"auto", "wide", "long"}
    missing : {"raise", "drop-assets", "common-period", "fill", "keep"}
        What to do about missing prices, as :data:`mixfolio.prices.MISSING` says.

    Returns
    -------
    Inputs

    Raises
    ------
    DataError
        If a file cannot be used, prices are missing against the policy, or fewer than 3 assets or
        40 returns are left.
    """
    if not str(price_file):
        raise DataError("there is no file of prices. Give one: mixfolio report prices.csv")
    name, notes = Path(price_file).name, list[str]()
    table = prices.read_prices(Path(price_file), layout=layout, missing="keep")
    if isinstance(table.index, pd.DatetimeIndex) and table.index.tz is not None:
        table.index = table.index.tz_localize(None)
    table = _without_empty_end(table, notes)
    found = prices.check_prices(table)
    kept, done = prices.complete(table, missing, name, option="--missing {}")
    notes += done
    _require_size(name, kept)
    returns, frequency = _to_periods(kept, found.frequency, notes)
    _require_length(name, returns, frequency)
    groups = None if group_file is None else _read_groups(group_file, table, kept)
    previous = None
    if previous_file is not None:
        previous = prices.read_weights(Path(previous_file), kept.columns)
    return Inputs(name, found, returns, frequency, groups, previous, notes)


def _without_empty_end(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The table up to its last row with a price: days that are still to come hold none."""
    last = int(table.notna().any(axis=1).to_numpy().nonzero()[0][-1]) + 1
    if last < len(table):
        dates = ", ".join(str(date)[:10] for date in table.index[last:][:3])
        notes.append(f"Rows without any price at the end were left out: {dates}.")
    return table.iloc[:last]


def _read_groups(
    path: str | os.PathLike[str], table: pd.DataFrame, kept: pd.DataFrame
) -> pd.Series:
    """Groups of the assets that are kept; the file may name those that were left out."""
    groups = prices.read_groups(Path(path), table.columns)
    groups = groups.loc[kept.columns]
    if groups.nunique() == 1:
        raise DataError(
            f"{Path(path).name} puts all assets into the group {groups.iloc[0]!r}, which says "
            "nothing. Give two groups or more, or no groups."
        )
    return groups


# ------------------------------------------------------------------------------ returns


def _to_periods(
    table: pd.DataFrame, frequency: Frequency, notes: list[str]
) -> tuple[pd.DataFrame, Frequency]:
    """Returns for estimation: of weeks where prices are daily."""
    returns = to_returns(table)
    if frequency.name != "daily":
        return returns, frequency
    days = pd.DatetimeIndex(returns.index).to_period("W")
    weekly = compound(returns, "W").iloc[1:]
    rows = pd.Series(1, returns.index).groupby(days).sum()
    last = " and the last" if rows.iloc[-1] < rows.median() else ""
    if last:
        weekly = weekly.iloc[:-1]
    notes.append(
        "Returns of days were compounded to returns of weeks, because markets that close at "
        "different hours put the same news on different days, and related assets then look less "
        f"alike than they are. The first{last} week, which may not be whole, "
        f"{'are' if last else 'is'} left out."
    )
    return weekly, Frequency("weekly", 52.0)


def _require_size(name: str, table: pd.DataFrame) -> None:
    if table.shape[1] < LEAST_ASSETS:
        raise DataError(
            f"{name}: {table.shape[1]} asset(s) are left, and {LEAST_ASSETS} are needed for a "
            "portfolio worth the name. Add columns, or choose another --missing."
        )
    if len(table) < 3:
        raise DataError(f"{name}: {len(table)} row(s) are left. Bring a longer history.")


def _require_length(name: str, returns: pd.DataFrame, frequency: Frequency) -> None:
    still = returns.columns[(returns.max() == returns.min()).to_numpy()]
    if len(still):
        raise DataError(f"{name}: the price of {still[0]} never moves. Delete its column.")
    if len(returns) < 2 * LEAST_PERIODS:
        raise DataError(
            f"{name}: {len(returns)} {frequency.name} returns are left; {2 * LEAST_PERIODS} are "
            f"needed, {LEAST_PERIODS} to estimate from and {LEAST_PERIODS} to evaluate on. Bring a "
            "longer history, or drop assets that start late."
        )


# ------------------------------------------------------------------------------ what to do


@dataclass(frozen=True)
class Plan:
    """Choices, checked against the data.

    Attributes
    ----------
    lookback : int
        Periods from which today's weights are estimated.
    window : int
        Periods from which a decision in the comparison is estimated.
    step : int
        Periods between those decisions.
    max_position : float
        Highest weight of an asset.
    max_group : float or None
        Highest sum of weights of a group.
    min_heritability : float
        Below this the mixed model is not used.
    costs : float
        Decimal cost of one unit traded.
    turnover_penalty : float
        Price of trading, as a share of the variance of 1/N.
    """

    lookback: int
    window: int
    step: int
    max_position: float
    max_group: float | None
    min_heritability: float
    costs: float
    turnover_penalty: float


def make_plan(
    inputs: Inputs,
    *,
    lookback: int | None = None,
    window: int | None = None,
    max_position: float | None = None,
    max_group: float | None = None,
    min_heritability: float = 0.10,
    costs: float = 0.001,
    turnover_penalty: float = 0.0,
) -> Plan:
    """Fill in what was not chosen, and refuse what the data do not allow.

    Parameters
    ----------
    inputs : Inputs
    lookback : int, optional
        Periods to estimate from: 260 weeks, 60 months, 40 quarters or 20 years by default, or all
        there are.
    window : int, optional
        The same for decisions in the comparison: `lookback` by default, and half the history if
        that is shorter.
    max_position : float, optional
        0.30 by default; 1.5 / n_assets if that is more, with the assets that have all returns of
        the lookback, or of the first window if they are fewer.
    max_group, min_heritability, costs, turnover_penalty
        See :class:`Plan`.

    Returns
    -------
    Plan

    Raises
    ------
    DataError, InfeasibleError
        If a number is out of range, too few assets have all returns of the lookback or of the first
        window, one of these never moves there, an asset is held that has none, or no portfolio
        meets the limits. Nothing is estimated.
    """
    n_periods = len(inputs.returns)
    usual, step = HABITS[inputs.frequency.name]
    lookback = _periods(lookback, "lookback", min(usual, n_periods), n_periods, inputs)
    most = n_periods - LEAST_PERIODS
    half = max(LEAST_PERIODS, n_periods // 2)
    window = _periods(window, "window", min(lookback, half), most, inputs)
    first, last = inputs.returns.iloc[:window], inputs.returns.iloc[-lookback:]
    fewest = min(int(past.notna().all().sum()) for past in (first, last))
    usual_cap = max(0.30, min(1.0, 1.5 / max(fewest, 1)))
    plan = Plan(
        lookback=lookback,
        window=window,
        step=step,
        max_position=_share(max_position, "max-position", usual_cap),
        max_group=None if max_group is None else _share(max_group, "max-group", 1.0),
        min_heritability=_between(min_heritability, "min-heritability", 1.0),
        costs=_between(costs, "costs", 0.1),
        turnover_penalty=_between(turnover_penalty, "turnover-penalty", 100.0),
    )
    _require_possible(inputs, plan)
    return plan


def _periods(given: int | None, what: str, usual: int, most: int, inputs: Inputs) -> int:
    if given is None:
        return usual
    count = read_count(given, what, 1)
    if not LEAST_PERIODS <= count <= most:
        left = f"; {LEAST_PERIODS} must be left to evaluate on" if what == "window" else ""
        raise DataError(
            f"{what} is {count}, and {inputs.name} has {len(inputs.returns)} "
            f"{inputs.frequency.name} returns{left}. Choose between {LEAST_PERIODS} and {most}."
        )
    return count


def _share(given: float | None, what: str, usual: float) -> float:
    value = usual if given is None else read_number(given, what)
    if not 0 < value <= 1:
        raise DataError(f"{what} is {value:.6g}; it must be above 0 and at most 1: 0.3 is 30%.")
    return value


def _between(given: float, what: str, most: float) -> float:
    value = read_number(given, what)
    if not 0 <= value <= most:
        raise DataError(f"{what} is {value:.6g}; it must be between 0 and {most:g}, a decimal.")
    return value


def _require_possible(inputs: Inputs, plan: Plan) -> None:
    """Refuse what the first or the latest decision cannot use, before anything is estimated."""
    if plan.turnover_penalty and inputs.previous is None:
        raise DataError("turnover-penalty needs --previous: a file with the weights held now.")
    if plan.max_group is not None and inputs.groups is None:
        raise DataError("max-group needs --groups: a file with one group per asset.")
    for what, past in (("lookback", latest(inputs, plan)), ("window", _earliest(inputs, plan))):
        assets = past.columns
        if len(assets) < LEAST_ASSETS:
            raise DataError(
                f"{inputs.name}: {len(assets)} asset(s) have all returns of the "
                f"{'last' if what == 'lookback' else 'first'} {len(past)} periods, and "
                f"{LEAST_ASSETS} are needed. Choose a shorter {what}, or another --missing."
            )
        require_moving(past.to_numpy(), assets)
        limits = _limits(plan, inputs.groups, assets)
        optimization.read_constraints(len(assets), assets, **limits).require_feasible()
    if inputs.previous is not None:
        _held(inputs.previous, latest(inputs, plan).columns)


def _limits(plan: Plan, groups: pd.Series | None, names: pd.Index) -> dict[str, Any]:
    limits: dict[str, Any] = {"bounds": (0.0, plan.max_position)}
    if plan.max_group is not None and groups is not None:
        limits |= {"groups": groups.loc[names], "group_limits": (None, plan.max_group)}
    return limits


# ------------------------------------------------------------------------------ the portfolio


def latest(inputs: Inputs, plan: Plan) -> pd.DataFrame:
    """Returns from which today's weights are estimated, of the assets that have them all.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan

    Returns
    -------
    DataFrame of shape (lookback, n_offered)
    """
    return inputs.returns.iloc[-plan.lookback :].dropna(axis=1)


def _earliest(inputs: Inputs, plan: Plan) -> pd.DataFrame:
    """The same for the first decision of the comparison."""
    return inputs.returns.iloc[: plan.window].dropna(axis=1)


def known_groups(past: pd.DataFrame, groups: pd.Series | None) -> pd.Series:
    """Groups of the assets of a decision: the reader's, or else learned from past returns.

    Parameters
    ----------
    past : DataFrame of shape (n_periods, n_offered)
    groups : Series of length n_assets, or None

    Returns
    -------
    Series of length n_offered
    """
    return learned_groups(past) if groups is None else groups.loc[past.columns]


def learned_groups(returns: pd.DataFrame) -> pd.Series:
    """Groups by past correlations, where a reader gives none.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)

    Returns
    -------
    Series of length n_assets
        About the root of n_assets clusters, by Ward's linkage of correlation distances of the
        shrunken covariance. The biggest is cluster 1.
    """
    count = max(2, round(np.sqrt(returns.shape[1])))
    matrix = covariance.linear_shrinkage(returns)
    found = optimization.correlation_clusters(matrix, count, method="ward")
    rank = {number: i + 1 for i, number in enumerate(found.value_counts().index)}
    named = [f"cluster {rank[number]}" for number in found]
    return pd.Series(named, found.index, name="cluster")


def build_portfolio(inputs: Inputs, plan: Plan) -> MixedModelPortfolio:
    """Today's weights, from the last `lookback` periods.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan

    Returns
    -------
    MixedModelPortfolio

    Raises
    ------
    MixfolioError
        As :func:`mixfolio.portfolio.mixed_model_portfolio`.
    """
    past = latest(inputs, plan)
    extra: dict[str, Any] = {}
    if inputs.previous is not None:
        equal = float(past.mean(axis=1).var())
        extra = {
            "previous": _held(inputs.previous, past.columns),
            "turnover_penalty": plan.turnover_penalty * equal,
        }
    return _mixed_portfolio(past, inputs.groups, plan, **extra)


def _held(previous: pd.Series, names: pd.Index) -> pd.Series:
    """What is held now of the assets that can be bought."""
    gone = previous.index[(previous != 0) & ~previous.index.isin(names)]
    if len(gone):
        raise DataError(
            f"{gone[0]} is held now, but has no whole window of returns to estimate from. Sell it "
            "first and give the weights of what is then held, or choose a shorter lookback."
        )
    return previous.loc[names]


def _mixed_portfolio(
    past: pd.DataFrame, groups: pd.Series | None, plan: Plan, **extra: Any
) -> MixedModelPortfolio:
    return portfolio.mixed_model_portfolio(
        past,
        known_groups(past, groups),
        min_heritability=plan.min_heritability,
        max_position=plan.max_position,
        max_group=plan.max_group,
        **extra,
    )


# ------------------------------------------------------------------------------ the comparison


@dataclass(frozen=True)
class Comparison:
    """Minimum-variance portfolios of several covariances, decided and held through the past.

    Attributes
    ----------
    result : BacktestResult
        One strategy per covariance, and 1/N.
    volatility : DataFrame
        One row per strategy, the lowest volatility first: volatility a year before costs, the
        p-value of the model confidence set (MCS), and whether it is in the set.
    gaps : DataFrame
        One row per strategy, as in `volatility`: by how much its volatility differs from that of
        the mixed model, as a share of it, and the interval of that from ``low`` to ``high``.
    summary : DataFrame
        One row per strategy, after costs, a year.
    level : float
        Confidence of the set and of the intervals.
    left_out : dict of str to str
        Strategies that could not start, and why.
    """

    result: backtest.BacktestResult
    volatility: pd.DataFrame
    gaps: pd.DataFrame
    summary: pd.DataFrame
    level: float
    left_out: dict[str, str]


def compare(
    inputs: Inputs, plan: Plan, *, rng: np.random.Generator, level: float = 0.90
) -> Comparison:
    """Walk all estimators through the past, under the same limits.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    rng : numpy.random.Generator
        Draws the resamples of the model confidence set.
    level : float
        Confidence of that set, between 0 and 1.

    Returns
    -------
    Comparison

    Raises
    ------
    MixfolioError
        If 1/N or the mixed model cannot start.
    """
    tried, left_out = _that_start(inputs, plan)
    result = backtest.walk_forward(
        inputs.returns,
        tried,
        window=plan.window,
        step=plan.step,
        costs=plan.costs,
        missing="keep",
        on_error="hold",
    )
    year = inputs.frequency.periods_per_year
    found = inference.model_confidence_set(result.gross, level=level, rng=rng)
    table = pd.DataFrame(
        {
            "volatility": result.gross.std()[found.index] * np.sqrt(year),
            "p_value": found["p_value"],
            "included": found["included"],
        }
    )
    table = table.sort_values("volatility")
    return Comparison(
        result=result,
        volatility=table,
        gaps=_gaps(result.gross[table.index], level, rng),
        summary=_summarise(result, plan, year),
        level=level,
        left_out=left_out,
    )


def _strategies(inputs: Inputs, plan: Plan) -> dict[str, Callable[[Any], Any]]:
    def calmest(estimate: Callable[[Any], Any], past: pd.DataFrame) -> Any:
        return optimization.minimum_variance(
            estimate(past), **_limits(plan, inputs.groups, past.columns)
        )

    def mixed(past: pd.DataFrame) -> Any:
        return _mixed_portfolio(past, inputs.groups, plan).weights

    return {
        EQUAL: lambda past: optimization.equal_weight(past.columns),
        **{ESTIMATORS[name].title: partial(calmest, ESTIMATORS[name]) for name in PEERS},
        MIXED: mixed,
    }


def _that_start(
    inputs: Inputs, plan: Plan
) -> tuple[dict[str, Callable[[Any], Any]], dict[str, str]]:
    """Strategies that can decide in the first window, and why the others cannot."""
    tried, left_out = _strategies(inputs, plan), {}
    past = _earliest(inputs, plan)
    for name in list(tried):
        try:
            tried[name](past)
        except MixfolioError as error:
            if name in (EQUAL, MIXED):
                raise
            del tried[name]
            left_out[name] = str(error)
    return tried, left_out


def _gaps(gross: pd.DataFrame, level: float, rng: np.random.Generator) -> pd.DataFrame:
    """Volatility of every record over that of the mixed model, less one, and its interval."""
    rows = {}
    for name, record in gross.items():
        found = inference.variance_difference(record, gross[MIXED], rng=rng, level=level)
        rows[name] = np.expm1(np.array([found.estimate, *found.interval]) / 2)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["gap", "low", "high"])


def _summarise(result: backtest.BacktestResult, plan: Plan, year: float) -> pd.DataFrame:
    table = result.summary(year)
    return pd.DataFrame(
        {
            "return": table["mean"],
            "volatility": table["volatility"],
            "ratio": table["sharpe"],
            "drawdown": table["maximum_drawdown"],
            "turnover": result.turnover.sum() / len(result.turnover) * year,
            "costs": result.turnover.sum() / len(result.turnover) * year * plan.costs,
            "effective": table["effective_number"],
        }
    )
