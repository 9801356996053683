"""A reader's own prices: from files to a portfolio, and what it would have been worth.

Prices of days are compounded to returns of weeks. Days are noisy in ways that weeks are not:
markets close at different hours, so that the same news falls on different days, and prices bounce
between bid and ask. Returns of weeks, months, quarters and years are used as they are.

Every decision, in the comparison too, sees only returns before it. Groups that are learned are
learned again at every decision.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mixfolio import (
    backtest,
    covariance,
    expected_returns,
    inference,
    optimization,
    portfolio,
    prices,
)
from mixfolio._inputs import read_count, read_number, require_moving
from mixfolio.errors import DataError, InfeasibleError, MixfolioError
from mixfolio.estimators import ESTIMATORS
from mixfolio.expected_returns import View
from mixfolio.optimization import ConstraintOptions
from mixfolio.portfolio import MixedModelPortfolio
from mixfolio.prices import Checks, Frequency, Layout, Missing, to_returns
from mixfolio.report import tables

__all__ = [
    "Comparison",
    "Inputs",
    "Plan",
    "build_portfolio",
    "compare",
    "excess_means",
    "frontier",
    "known_groups",
    "latest",
    "learned_groups",
    "limits_of",
    "make_plan",
    "read_inputs",
    "risk_and_return",
    "title",
]

Objective = Literal["minimum-variance", "risk-parity", "maximum-diversification", "maximum-sharpe"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

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
    benchmark : Series of length n_periods, or None
        Returns of what the portfolio is held against, named as its column.
    riskless : Series of length n_periods, or None
        Returns of the riskless asset.
    notes : list of str
        What was done to the data, one sentence each.
    """

    name: str
    checks: Checks
    returns: pd.DataFrame
    frequency: Frequency
    groups: pd.Series | None
    previous: pd.Series | None
    benchmark: pd.Series | None = None
    riskless: pd.Series | None = None
    notes: list[str] = field(default_factory=list)


def read_inputs(
    price_file: str | os.PathLike[str],
    group_file: str | os.PathLike[str] | None = None,
    previous_file: str | os.PathLike[str] | None = None,
    *,
    layout: Layout = "auto",
    missing: Missing = "keep",
    exclude: Sequence[str] = (),
    benchmark: str | None = None,
    riskless: str | float | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    separator: str | None = None,
) -> Inputs:
    """Read prices, and groups and present weights if there are any.

    Parameters
    ----------
    price_file : path
        Text, workbook or Parquet, as :func:`mixfolio.prices.read_prices` takes it.
    group_file : path, optional
        One group per asset, as :func:`mixfolio.prices.read_groups` takes it.
    previous_file : path, optional
        Weights that are held now, as :func:`mixfolio.prices.read_weights` takes them.
    layout : {"auto", "wide", "long"}
    missing : {"raise", "drop-assets", "common-period", "fill", "keep"}
        What to do about missing prices, as :data:`mixfolio.prices.MISSING` says.
    exclude : sequence of str
        Assets of the file that the portfolio must not hold.
    benchmark : str, optional
        Asset of the file that the portfolio is held against; it is not in the portfolio.
    riskless : str or float, optional
        The riskless asset: an asset of the file, or a decimal rate a year.
    date_format, decimal, separator : str, optional
        How dates, decimals and columns are written, where that has two readings.

    Returns
    -------
    Inputs

    Raises
    ------
    DataError
        If a file cannot be used, an asset that is named is not in it, prices are missing against
        the policy, or fewer than 3 assets or 40 returns are left.
    """
    if not str(price_file):
        raise DataError("there is no file of prices. Give one: mixfolio report prices.csv")
    name = Path(price_file).name
    table = prices.read_prices(
        Path(price_file),
        layout=layout,
        missing="keep",
        date_format=date_format,
        decimal=decimal,
        separator=separator,
    )
    notes: list[str] = table.attrs["notes"]
    empty = list(table.columns[table.notna().sum() < 2])
    _note(notes, empty, "Without two prices, and left out")
    table = _without_empty_end(table.drop(columns=empty), notes)
    table, done = prices.evenly(table, name)
    notes += done
    everything = table
    aside = {"benchmark": benchmark, "riskless": riskless if _is_name(riskless) else None}
    out = _left_out(name, table.columns, exclude, aside)
    table = table.drop(columns=out)
    if len(exclude):
        notes.append(f"Left out, as asked for: {', '.join(exclude)}.")
    found = prices.check_prices(table)
    kept, done = prices.complete(table, missing, name, option="--missing {}")
    notes += done
    if missing == "keep":
        kept = _from_enough(kept, notes)
    _require_size(name, kept)
    beside = everything.loc[kept.index, [each for each in aside.values() if each is not None]]
    joined = pd.concat([kept, beside.loc[:, ~beside.columns.duplicated()]], axis=1)
    moves, frequency = _to_periods(joined, found.frequency, notes)
    returns = moves[kept.columns]
    _require_length(name, returns, frequency)
    groups = None if group_file is None else _read_groups(group_file, everything, kept, out, notes)
    previous = None
    if previous_file is not None:
        previous = prices.read_weights(Path(previous_file), kept.columns)
        _note(notes, previous.attrs["not held"], "Not in the file of weights, so held at 0")
    return Inputs(
        name=name,
        checks=found,
        returns=returns,
        frequency=frequency,
        groups=groups,
        previous=previous,
        benchmark=_whole(name, moves, benchmark, "benchmark"),
        riskless=_riskless(name, moves, riskless, frequency),
        notes=notes,
    )


def _is_name(riskless: str | float | None) -> bool:
    """Whether the riskless asset is one of the file, and no rate."""
    try:
        float(riskless)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return riskless is not None
    return False


def _left_out(
    name: str, assets: pd.Index, exclude: Sequence[str], aside: dict[str, Any]
) -> list[str]:
    """Assets that the portfolio cannot hold; an error if one of them is not there."""
    named = [("exclude", each) for each in exclude]
    named += [(option, each) for option, each in aside.items() if each is not None]
    for option, each in named:
        if each not in assets:
            raise DataError(
                f"--{option} {each}: {name} has no such asset. It has "
                f"{', '.join(map(str, assets[:5]))}{', ...' if len(assets) > 5 else ''}; names are "
                "compared letter by letter."
            )
    return list(dict.fromkeys(each for _, each in named))


def _whole(name: str, moves: pd.DataFrame, asset: str | None, option: str) -> pd.Series | None:
    """Returns of an asset beside the portfolio, which may not have gaps."""
    if asset is None:
        return None
    gaps = int(moves[asset].isna().sum())
    if gaps:
        raise DataError(
            f"--{option} {asset}: {gaps} of its {len(moves)} returns are missing in {name}. Bring "
            "its prices for all dates, or choose another."
        )
    return moves[asset]


def _riskless(
    name: str, moves: pd.DataFrame, given: str | float | None, frequency: Frequency
) -> pd.Series | None:
    """Riskless returns per period, from a column or from a rate a year."""
    if given is None:
        return None
    if _is_name(given):
        return _whole(name, moves, str(given), "riskless")
    rate = float(given)
    if not -0.1 < rate < 0.5:
        raise DataError(
            f"--riskless is {rate:g}; a rate a year is a decimal between -0.1 and 0.5, or give the "
            "name of an asset of the file."
        )
    each = (1 + rate) ** (1 / frequency.periods_per_year) - 1
    return pd.Series(each, moves.index, name=f"{rate:.2%} a year")


def _note(notes: list[str], names: list[Any], what: str) -> None:
    """Add a sentence with the first names of a list, if it has any."""
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        notes.append(f"{what}: {', '.join(map(str, names[:5]))}{more}.")


def _without_empty_end(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The table up to its last row that is whole: days to come, or not over yet, are not."""
    last = int(table.notna().any(axis=1).to_numpy().nonzero()[0][-1]) + 1
    _note(
        notes,
        [str(date)[:10] for date in table.index[last:]],
        "Rows without any price at the end were left out",
    )
    table = table.iloc[:last]
    for late in (2, 1):
        gone = table.columns[table.bfill().isna().sum() == late]
        if len(gone) and len(table) > late:
            first = str(table.index[-late])[:10]
            what = f"The last {late} row(s), from {first}, lack prices and were cut"
            _note(notes, list(gone), what)
            return table.iloc[:-late]
    return table


def _from_enough(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The table from where enough assets have started; and what becomes of missing prices."""
    started = table.ffill().notna().sum(axis=1) >= min(LEAST_ASSETS, table.shape[1])
    if not started.iloc[0]:
        cut = int((~started).sum())
        notes.append(f"The first {cut:,} rows were left out: fewer than {LEAST_ASSETS} assets.")
    table = table[started]
    _note(
        notes,
        list(table.columns[table.isna().any()]),
        "Some prices are missing. Today's portfolio uses the assets with a whole window of "
        "returns, and the comparison takes in each when it has one. Not always there",
    )
    return table


def _read_groups(
    path: str | os.PathLike[str],
    table: pd.DataFrame,
    kept: pd.DataFrame,
    out: Sequence[str],
    notes: list[str],
) -> pd.Series:
    """Groups of the assets that are kept; the file may name others."""
    silent = set(out) - set(prices.read_groups(Path(path)).index)
    groups = prices.read_groups(Path(path), table.columns.drop(list(silent)))
    _note(notes, groups.attrs["others"], "In the file of groups, but without prices")
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
    if frequency.name != "daily":
        return to_returns(table), frequency
    weeks = pd.DatetimeIndex(table.index).to_period("W")
    closes = table.groupby(weeks).last()  # the last price of a week, of whatever day
    rows = pd.Series(1, table.index).groupby(weeks).sum()
    closes.index = pd.DatetimeIndex(
        pd.Series(table.index, table.index).groupby(weeks).max(), name=table.index.name
    )
    weekly = to_returns(closes)
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
            "portfolio worth the name. Bring one file with the prices of all assets, a column "
            "for each."
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
    estimator : str
        Covariance on which the weights are chosen, by its name in the registry.
    objective : str
        What the weights are chosen for.
    allow_short : bool
        Whether weights may be below zero.
    limits : DataFrame or None
        Lower and upper limits of single assets.
    views : list of View
        What is expected of assets, per period.
    capital : float or None
        Money that there is to invest.
    note : str
        What differs from the usual choices, and why; empty if nothing does.
    """

    lookback: int
    window: int
    step: int
    max_position: float
    max_group: float | None
    min_heritability: float
    costs: float
    turnover_penalty: float
    estimator: str = MIXED
    objective: Objective = "minimum-variance"
    allow_short: bool = False
    limits: pd.DataFrame | None = None
    views: list[View] = field(default_factory=list)
    capital: float | None = None
    note: str = ""

    @property
    def title(self) -> str:
        """The name of the estimator within a sentence."""
        return title(self.estimator)


def title(estimator: str) -> str:
    """The name of an estimator of the registry within a sentence.

    Parameters
    ----------
    estimator : str

    Returns
    -------
    str
    """
    return ESTIMATORS[estimator].title or estimator


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
    estimator: str = MIXED,
    objective: Objective = "minimum-variance",
    allow_short: bool = False,
    limits_file: str | os.PathLike[str] | None = None,
    views_file: str | os.PathLike[str] | None = None,
    capital: float | None = None,
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
    max_group, min_heritability, costs, turnover_penalty, estimator, objective, allow_short, capital
        See :class:`Plan`.
    limits_file : path, optional
        Limits of single assets, as :func:`mixfolio.report.tables.read_limits` takes them.
    views_file : path, optional
        Views, as :func:`mixfolio.report.tables.read_views` takes them.

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
    note = (
        f"The highest weight is {usual_cap:.0%} and not the usual 30%, which leaves {fewest} "
        "assets no room: --max-position says otherwise."
    )
    if usual_cap <= 0.30 or max_position is not None or objective == "risk-parity":
        note = ""
    if objective == "risk-parity":
        usual_cap = 1.0
    plan = Plan(
        lookback=lookback,
        window=window,
        step=step,
        max_position=_share(max_position, "max-position", usual_cap),
        max_group=None if max_group is None else _share(max_group, "max-group", 1.0),
        min_heritability=_between(min_heritability, "min-heritability", 1.0),
        costs=_between(costs, "costs", 0.1),
        turnover_penalty=_between(turnover_penalty, "turnover-penalty", 100.0),
        estimator=_one_of(estimator, "estimator", ESTIMATORS),
        objective=_one_of(objective, "objective", OBJECTIVES),
        allow_short=bool(allow_short),
        limits=None if limits_file is None else _read_limits(limits_file, inputs),
        views=[] if views_file is None else _read_views(views_file, inputs),
        capital=None if capital is None else _money(capital),
        note=note,
    )
    _require_agreement(inputs, plan)
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


def _one_of(given: Any, what: str, known: Iterable[Any]) -> Any:
    if given not in known:
        raise DataError(f"--{what} is {given!r}. Choose one of: {', '.join(map(repr, known))}.")
    return given


def _money(given: float) -> float:
    value = read_number(given, "capital")
    if not value > 0:
        raise DataError(f"--capital is {value:g}; it must be above zero, in any currency.")
    return value


def _read_limits(path: str | os.PathLike[str], inputs: Inputs) -> pd.DataFrame:
    """Limits of assets that are there."""
    limits = tables.read_limits(path)
    unknown = limits.index.difference(inputs.returns.columns, sort=False)
    if len(unknown):
        raise DataError(
            f"--limits: {Path(path).name} names {unknown[0]}, which is not among the assets of the "
            "portfolio. Remove the line, or correct the name."
        )
    return limits


def _read_views(path: str | os.PathLike[str], inputs: Inputs) -> list[View]:
    """Views on assets that are there today."""
    views = tables.read_views(path, inputs.frequency.periods_per_year)
    names = inputs.returns.columns
    for view in views:
        view.portfolio(names, np.full(len(names), 1 / len(names)))
    return views


def _require_agreement(inputs: Inputs, plan: Plan) -> None:
    """Refuse options that contradict each other, in their own words."""
    sharpe, parity = plan.objective == "maximum-sharpe", plan.objective == "risk-parity"
    few = min(plan.lookback, plan.window) <= inputs.returns.shape[1] + 2
    for contradicts, text in (
        (
            plan.views and not sharpe,
            f"--views and --objective {plan.objective} contradict each other: only "
            "--objective maximum-sharpe uses expected returns.",
        ),
        (
            parity and (plan.max_group is not None or plan.allow_short or plan.turnover_penalty),
            "--objective risk-parity knows limits of single assets only, so it contradicts "
            "--max-group, --allow-short and --turnover-penalty. Drop those.",
        ),
        (
            sharpe and few,
            f"--objective maximum-sharpe needs more periods than assets to shrink their means: "
            f"there are {inputs.returns.shape[1]} assets and {min(plan.lookback, plan.window)} "
            "periods. Choose a longer --lookback and --window, or another objective.",
        ),
        (
            plan.turnover_penalty and plan.objective != "minimum-variance",
            f"--turnover-penalty is a share of a variance, which --objective {plan.objective} does "
            "not minimise. Drop one of the two.",
        ),
    ):
        if contradicts:
            raise DataError(text)


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
        limits = limits_of(plan, inputs.groups, assets)
        optimization.read_constraints(len(assets), assets, **limits).require_feasible()
    if inputs.previous is not None:
        _held(inputs.previous, latest(inputs, plan).columns)


def limits_of(plan: Plan, groups: pd.Series | None, names: pd.Index) -> ConstraintOptions:
    """The limits on the weights of a decision, as the optimizers take them.

    Parameters
    ----------
    plan : Plan
    groups : Series of length n_assets, or None
        The reader's.
    names : Index of length n_offered
        Assets of the decision.

    Returns
    -------
    ConstraintOptions
    """
    lower = pd.Series(-plan.max_position if plan.allow_short else 0.0, names)
    upper = pd.Series(plan.max_position, names)
    if plan.limits is not None:
        own = plan.limits.reindex(names)
        lower, upper = own["lower"].fillna(lower), own["upper"].fillna(upper)
    limits: ConstraintOptions = {"bounds": (lower, upper), "long_only": not plan.allow_short}
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
    held = None if inputs.previous is None else _held(inputs.previous, past.columns)
    return _found(inputs, plan, plan.estimator, past, plan.views, held)


def _held(previous: pd.Series, names: pd.Index) -> pd.Series:
    """What is held now of the assets that can be bought."""
    gone = previous.index[(previous != 0) & ~previous.index.isin(names)]
    if len(gone):
        raise DataError(
            f"{gone[0]} is held now, but has no whole window of returns to estimate from. Sell it "
            "first and give the weights of what is then held, or choose a shorter lookback."
        )
    return previous.loc[names]


def _found(
    inputs: Inputs,
    plan: Plan,
    estimator: str,
    past: pd.DataFrame,
    views: Sequence[View] = (),
    held: "pd.Series[float] | None" = None,
) -> MixedModelPortfolio:
    """The portfolio of one decision, with its diagnosis."""
    trading: ConstraintOptions = {}
    if held is not None:
        penalty = plan.turnover_penalty * float(past.mean(axis=1).var())
        trading = {"previous": held, "turnover_penalty": penalty}
    return portfolio.mixed_model_portfolio(
        past,
        known_groups(past, inputs.groups),
        min_heritability=plan.min_heritability,
        estimate=None if estimator == MIXED else ESTIMATORS[estimator],
        objective=lambda matrix: _choose(inputs, plan, matrix, past, views, trading),
        previous=held,
    )


def _choose(
    inputs: Inputs,
    plan: Plan,
    matrix: pd.DataFrame,
    past: pd.DataFrame,
    views: Sequence[View],
    trading: ConstraintOptions,
) -> pd.Series:
    """Weights within the limits that are best by the objective, on a covariance."""
    limits: ConstraintOptions = {**limits_of(plan, inputs.groups, past.columns), **trading}
    if plan.objective == "risk-parity":
        limited = plan.max_position < 1 or plan.limits is not None
        return optimization.risk_parity(matrix, bounds=limits["bounds"] if limited else None)
    if plan.objective == "maximum-diversification":
        return optimization.maximum_diversification(matrix, **limits)
    if plan.objective == "maximum-sharpe":
        mean = excess_means(inputs, past, matrix, views)
        try:
            return optimization.maximum_sharpe(mean, matrix, **limits)
        except InfeasibleError:  # the limits have been tried: nothing is expected to earn a premium
            pass
    return optimization.minimum_variance(matrix, **limits)


def excess_means(
    inputs: Inputs, past: pd.DataFrame, matrix: pd.DataFrame, views: Sequence[View] = ()
) -> pd.Series:
    """Expected returns in excess of the riskless asset: from views, or else shrunken means.

    Parameters
    ----------
    inputs : Inputs
    past : DataFrame of shape (n_periods, n_offered)
    matrix : DataFrame of shape (n_offered, n_offered)
        Covariance of the decision.
    views : sequence of View
        They move the returns that equal weights would imply.

    Returns
    -------
    Series of length n_offered
        Per period. Where there are no views, sample means shrunk as Bayes-Stein does, or, with as
        few periods as assets, as James and Stein do.
    """
    if views:
        equal = optimization.equal_weight(past.columns)
        posterior = expected_returns.black_litterman(matrix, equal, views, tau=1 / len(past))
        return pd.Series(posterior.mean, past.columns)
    riskless = 0.0 if inputs.riskless is None else inputs.riskless.loc[past.index]
    excess = past.sub(riskless, axis=0)
    if len(past) > past.shape[1] + 2:
        return expected_returns.bayes_stein(excess)
    return expected_returns.james_stein(excess, covariance=matrix)


def frontier(
    inputs: Inputs, plan: Plan, found: MixedModelPortfolio, n_points: int = 25
) -> optimization.EfficientFrontier:
    """The efficient frontier of today, on the covariance of the portfolio.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    found : MixedModelPortfolio
    n_points : int

    Returns
    -------
    EfficientFrontier
        Means and volatilities are a year.
    """
    year = inputs.frequency.periods_per_year
    mean = excess_means(inputs, latest(inputs, plan), found.covariance, plan.views)
    limits = limits_of(plan, inputs.groups, found.weights.index)
    curve = optimization.efficient_frontier(mean, found.covariance, n_points=n_points, **limits)
    return replace(curve, mean=curve.mean * year, volatility=curve.volatility * np.sqrt(year))


def risk_and_return(inputs: Inputs, plan: Plan, found: MixedModelPortfolio) -> pd.DataFrame:
    """Expected volatility and return of the portfolio, of 1/N and of every asset, a year.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    found : MixedModelPortfolio

    Returns
    -------
    DataFrame of shape (2 + n_offered, 2)
    """
    past, year = latest(inputs, plan), inputs.frequency.periods_per_year
    mean = excess_means(inputs, past, found.covariance, plan.views).to_numpy()
    n_assets = len(mean)
    weights = np.vstack([found.weights, np.full(n_assets, 1 / n_assets), np.eye(n_assets)])
    variance = np.einsum("pi,ij,pj->p", weights, found.covariance.to_numpy(), weights)
    return pd.DataFrame(
        {"volatility": np.sqrt(variance * year), "mean": weights @ mean * year},
        ["portfolio", EQUAL, *found.weights.index],
    )


# ------------------------------------------------------------------------------ the comparison


@dataclass(frozen=True)
class Comparison:
    """Portfolios of several covariances for one objective, decided and held through the past.

    Attributes
    ----------
    result : BacktestResult
        One strategy per covariance, and 1/N.
    volatility : DataFrame
        One row per strategy, the lowest volatility first: volatility a year before costs, the
        p-value of the model confidence set (MCS), and whether it is in the set.
    gaps : DataFrame
        One row per strategy, as in `volatility`: by how much its volatility differs from that of
        the chosen one, as a share of it, and the interval of that from ``low`` to ``high``.
    summary : DataFrame
        One row per strategy, after costs, a year.
    level : float
        Confidence of the set and of the intervals.
    left_out : dict of str to str
        Strategies that could not start, and why.
    chosen : str
        The strategy of the portfolio that is proposed.
    fits : DataFrame
        Heritability and intensity of the mixed model, one row per decision.
    sharpe : DataFrame or None
        Where the objective is the Sharpe ratio, one row per strategy: by how much its ratio a year,
        after costs, exceeds that of the chosen one, and the interval from ``low`` to ``high``.
    """

    result: backtest.BacktestResult
    volatility: pd.DataFrame
    gaps: pd.DataFrame
    summary: pd.DataFrame
    level: float
    left_out: dict[str, str]
    chosen: str
    fits: pd.DataFrame
    sharpe: pd.DataFrame | None = None


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
    fits: dict[Any, tuple[float, float]] = {}
    tried, left_out = _that_start(inputs, plan, fits)
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
        gaps=_gaps(result.gross[table.index], plan.title, level, rng),
        summary=_summarise(result, plan, year),
        level=level,
        left_out=left_out,
        chosen=plan.title,
        fits=pd.DataFrame.from_dict(fits, "index", columns=["heritability", "intensity"]),
        sharpe=(
            _sharpe_gaps(inputs, result.returns[table.index], plan.title, level, rng)
            if plan.objective == "maximum-sharpe"
            else None
        ),
    )


def _strategies(
    inputs: Inputs, plan: Plan, fits: dict[Any, tuple[float, float]]
) -> dict[str, Callable[[Any], Any]]:
    """1/N, the peers, the mixed model and what was asked for; the mixed model leaves its fits."""

    def other(estimator: str, past: pd.DataFrame) -> Any:
        matrix = ESTIMATORS[estimator](past, known_groups(past, inputs.groups))
        return _choose(inputs, plan, matrix, past, (), {})

    def mixed(past: pd.DataFrame) -> Any:
        found = _found(inputs, plan, MIXED, past)
        fits[past.index[-1]] = (found.heritability, found.intensity)
        return found.weights

    asked = [] if plan.estimator in (*PEERS, MIXED) else [plan.estimator]
    return {
        EQUAL: lambda past: optimization.equal_weight(past.columns),
        **{title(name): partial(other, name) for name in (*PEERS, *asked)},
        MIXED: mixed,
    }


def _that_start(
    inputs: Inputs, plan: Plan, fits: dict[Any, tuple[float, float]]
) -> tuple[dict[str, Callable[[Any], Any]], dict[str, str]]:
    """Strategies that can decide in the first window, and why the others cannot."""
    tried, left_out = _strategies(inputs, plan, fits), {}
    past = _earliest(inputs, plan)
    for name in list(tried):
        try:
            tried[name](past)
        except MixfolioError as error:
            if name in (EQUAL, MIXED, plan.title):
                raise
            del tried[name]
            left_out[name] = str(error)
    return tried, left_out


def _gaps(gross: pd.DataFrame, chosen: str, level: float, rng: np.random.Generator) -> pd.DataFrame:
    """Volatility of every record over that of the chosen one, less one, and its interval."""
    rows = {}
    for name, record in gross.items():
        found = inference.variance_difference(record, gross[chosen], rng=rng, level=level)
        rows[name] = np.expm1(np.array([found.estimate, *found.interval]) / 2)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["gap", "low", "high"])


def _sharpe_gaps(
    inputs: Inputs, returns: pd.DataFrame, chosen: str, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Sharpe ratio a year of every record, less that of the chosen one, and its interval."""
    riskless = 0.0 if inputs.riskless is None else inputs.riskless.loc[returns.index]
    excess, root = returns.sub(riskless, axis=0), np.sqrt(inputs.frequency.periods_per_year)
    rows = {}
    for name, record in excess.items():
        found = inference.sharpe_difference(record, excess[chosen], rng=rng, level=level)
        rows[name] = root * np.array([found.estimate, *found.interval])
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
