"""A reader's own prices: from files to a portfolio, and what it would have been worth.

Prices of days are compounded to returns of weeks. Days are noisy in ways that weeks are not:
markets close at different hours, so that the same news falls on different days, and prices bounce
between bid and ask. Returns of weeks, months, quarters and years are used as they are.

Every decision, in the comparison too, sees only returns before it. Groups that are learned are
learned again at every decision.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from mixfolio import backtest, covariance, inference, optimization, portfolio, prices
from mixfolio._inputs import read_count, read_number
from mixfolio.errors import DataError, MixfolioError
from mixfolio.portfolio import MixedModelPortfolio
from mixfolio.prices import Checks, Frequency, Layout, compound, to_returns

__all__ = [
    "Comparison",
    "Inputs",
    "Missing",
    "Plan",
    "build_portfolio",
    "compare",
    "learned_groups",
    "make_plan",
    "read_inputs",
]

Missing = Literal["raise", "common-period", "drop-assets", "fill"]
POLICIES = ("raise", "common-period", "drop-assets", "fill")

LEAST_ASSETS = 3
LEAST_PERIODS = 20  # to estimate from, and to evaluate on
LONGEST_GAP = 5  # rows that "fill" bridges
MIXED, EQUAL = "mixed model", "1/N"

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
    """What a reader brought, checked.

    Attributes
    ----------
    name : str
        Of the file of prices.
    checks : Checks
        Of all prices, before anything was left out.
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns per period, without gaps.
    frequency : Frequency
        Of the returns.
    groups : Series of length n_assets, or None
    previous : Series of length n_assets, or None
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
        One group an asset, as :func:`mixfolio.prices.read_groups` takes it.
    previous_file : path, optional
        Weights that are held now, as :func:`mixfolio.prices.read_weights` takes them.
    layout : {"auto", "wide", "long"}
    missing : {"raise", "common-period", "drop-assets", "fill"}
        What to do about missing prices: refuse them; use the period that all assets have; leave
        out assets that lack any; or bridge gaps of at most 5 rows by the last price, and then use
        the common period.

    Returns
    -------
    Inputs

    Raises
    ------
    DataError
        If a file cannot be used, prices are missing against the policy, an asset has ended, or
        fewer than 3 assets or 40 returns are left.
    """
    if missing not in POLICIES:
        raise DataError(f"missing is {missing!r}; it must be one of {list(POLICIES)}.")
    if not str(price_file):
        raise DataError("there is no file of prices. Give one: mixfolio report prices.csv")
    name, notes = Path(price_file).name, list[str]()
    table = prices.read_prices(
        _without_mark(Path(price_file), notes), layout=layout, missing="keep"
    )
    if isinstance(table.index, pd.DatetimeIndex) and table.index.tz is not None:
        table.index = table.index.tz_localize(None)
    found = prices.check_prices(table)
    kept = _complete(name, table, found, missing, notes)
    _require_size(name, kept)
    returns, frequency = _to_periods(kept, found.frequency, notes)
    _require_length(name, returns, frequency)
    groups = None if group_file is None else _read_groups(group_file, table, kept, notes)
    previous = None
    if previous_file is not None:
        source = _without_mark(Path(previous_file), notes)
        previous = prices.read_weights(source, kept.columns)
    return Inputs(name, found, returns, frequency, groups, previous, notes)


def _without_mark(path: Path, notes: list[str]) -> Any:
    """The path, or its text where a byte-order mark, as Excel writes it, has to be skipped."""
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return path
    if not content.startswith(b"\xef\xbb\xbf"):
        return path
    notes.append(f"{path.name} begins with a byte-order mark, as Excel writes it: it was skipped.")
    text = io.BytesIO(content[3:])
    text.name = path.name
    return text


def _read_groups(
    path: str | os.PathLike[str], table: pd.DataFrame, kept: pd.DataFrame, notes: list[str]
) -> pd.Series:
    """Groups of the assets that are kept; the file may name those that were left out."""
    groups = prices.read_groups(_without_mark(Path(path), notes), table.columns)
    groups = groups.loc[kept.columns]
    if groups.nunique() == 1:
        raise DataError(
            f"{Path(path).name} puts all assets into the group {groups.iloc[0]!r}, which says "
            "nothing. Give two groups or more, or no groups."
        )
    return groups


# ------------------------------------------------------------------------------ missing prices


def _complete(
    name: str, table: pd.DataFrame, found: Checks, missing: Missing, notes: list[str]
) -> pd.DataFrame:
    """Prices without gaps, by the policy."""
    if found.missing.empty:
        return table
    if missing == "raise":
        raise DataError(f"{name}: {_described(found)} {_REMEDY}")
    if missing == "drop-assets":
        kept = table.loc[:, table.notna().all()]
        left_out = table.columns.difference(kept.columns, sort=False)
        notes.append(f"Left out for missing prices: {', '.join(map(str, left_out))}.")
        return kept
    if missing == "fill":
        table = _bridge(table, notes)
    first, last = found.missing["first"].max(), found.missing["last"].min()
    kept = table.loc[first:last]
    if len(kept) < len(table):
        cut = len(table) - len(kept)
        notes.append(
            f"{cut:,} rows were left out, in which not all assets have started or one has ended."
        )
    gaps = kept.isna().sum()
    if gaps.any():
        raise DataError(
            f"{name}: {int(gaps.sum())} prices are missing inside the common period, those of "
            f"{gaps.idxmax()} most of all. --missing fill bridges gaps of up to {LONGEST_GAP} "
            "rows; for longer ones drop the asset."
        )
    return kept


_REMEDY = (
    "Delete these columns, or say what to do: --missing common-period uses the dates that all "
    f"assets have, --missing fill bridges gaps of up to {LONGEST_GAP} rows by the last price too, "
    "--missing drop-assets leaves the assets out. Leaving out what has ended makes the past look "
    "better than it was."
)


def _described(found: Checks) -> str:
    """Missing prices in words, an asset that has ended first."""
    table = found.missing
    texts = []
    ended = table[table["after"] > 0]
    if len(ended):
        worst = ended["after"].idxmax()
        texts.append(
            f"{worst} has no price after {table.loc[worst, 'last'].date()}, "
            f"{int(ended.loc[worst, 'after'])} rows before the others end: was it delisted?"
        )
    texts += [finding.text for finding in found.missing_findings()]
    return " ".join(texts)


def _bridge(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Gaps inside filled by the last price, if they are short."""
    inside = table.isna() & table.ffill().notna() & table.bfill().notna()
    runs = prices.longest_runs(inside.to_numpy())
    short = table.columns[runs <= LONGEST_GAP]
    filled = table.copy()
    filled[short] = table[short].ffill().where(table[short].notna() | inside[short])
    notes.append(
        f"{int(inside[short].to_numpy().sum()):,} missing prices inside the history were replaced "
        "by the last one before: their returns are zero, and the next makes up for it."
    )
    return filled


# ------------------------------------------------------------------------------ returns


def _to_periods(
    table: pd.DataFrame, frequency: Frequency, notes: list[str]
) -> tuple[pd.DataFrame, Frequency]:
    """Returns for estimation: of weeks where prices are daily."""
    returns = to_returns(table)
    if frequency.name != "daily":
        return returns, frequency
    days = returns.index.to_period("W")
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
    still = returns.columns[np.ptp(returns.to_numpy(), axis=0) == 0]
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
        0.30 by default; 1.5 / n_assets if that is more.
    max_group, min_heritability, costs, turnover_penalty
        See :class:`Plan`.

    Returns
    -------
    Plan

    Raises
    ------
    DataError, InfeasibleError
        If a number is out of range, or no portfolio meets the limits.
    """
    n_periods, n_assets = inputs.returns.shape
    usual, step = HABITS[inputs.frequency.name]
    lookback = _periods(lookback, "lookback", min(usual, n_periods), n_periods, inputs)
    most = n_periods - LEAST_PERIODS
    half = max(LEAST_PERIODS, n_periods // 2)
    window = _periods(window, "window", min(lookback, half), most, inputs)
    plan = Plan(
        lookback=lookback,
        window=window,
        step=step,
        max_position=_share(max_position, "max-position", max(0.30, min(1.0, 1.5 / n_assets))),
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
    """Refuse limits that no portfolio meets, before anything is estimated."""
    if plan.turnover_penalty and inputs.previous is None:
        raise DataError("turnover-penalty needs --previous: a file with the weights held now.")
    if plan.max_group is not None and inputs.groups is None:
        raise DataError("max-group needs --groups: a file with one group an asset.")
    assets = inputs.returns.columns
    optimization.read_constraints(
        len(assets), assets, **_limits(plan, inputs.groups)
    ).require_feasible()


def _limits(plan: Plan, groups: pd.Series | None) -> dict[str, Any]:
    limits: dict[str, Any] = {"bounds": (0.0, plan.max_position)}
    if plan.max_group is not None:
        limits |= {"groups": groups, "group_limits": (None, plan.max_group)}
    return limits


# ------------------------------------------------------------------------------ the portfolio


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
    return found.map(lambda number: f"cluster {rank[number]}").rename("cluster")


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
    past = inputs.returns.iloc[-plan.lookback :]
    extra: dict[str, Any] = {}
    if inputs.previous is not None:
        equal = float(past.mean(axis=1).var())
        extra = {
            "previous": inputs.previous,
            "turnover_penalty": plan.turnover_penalty * equal,
        }
    return _mixed_portfolio(past, inputs.groups, plan, **extra)


def _mixed_portfolio(
    past: pd.DataFrame, groups: pd.Series | None, plan: Plan, **extra: Any
) -> MixedModelPortfolio:
    return portfolio.mixed_model_portfolio(
        past,
        groups=learned_groups(past) if groups is None else groups,
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
        One strategy a covariance, and 1/N.
    volatility : DataFrame
        One row a strategy, the calmest first: volatility a year before costs, the p-value of the
        model confidence set, and whether it is in the set.
    summary : DataFrame
        One row a strategy, after costs, a year.
    level : float
        Of the confidence set.
    left_out : dict of str to str
        Strategies that could not start, and why.
    """

    result: backtest.BacktestResult
    volatility: pd.DataFrame
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
        Of that set.

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
    return Comparison(
        result=result,
        volatility=table.sort_values("volatility"),
        summary=_summarise(result, plan, year),
        level=level,
        left_out=left_out,
    )


def _strategies(inputs: Inputs, plan: Plan) -> dict[str, Callable[[Any], Any]]:
    limits = _limits(plan, inputs.groups)

    def calmest(estimate: Callable[[Any], Any], past: pd.DataFrame) -> Any:
        return optimization.minimum_variance(estimate(past), **limits)

    def mixed(past: pd.DataFrame) -> Any:
        return _mixed_portfolio(past, inputs.groups, plan).weights

    return {
        EQUAL: lambda past: optimization.equal_weight(past.columns),
        "sample covariance": partial(calmest, covariance.sample),
        "linear shrinkage": partial(calmest, covariance.linear_shrinkage),
        "nonlinear shrinkage": partial(calmest, covariance.nonlinear_shrinkage),
        MIXED: mixed,
    }


def _that_start(
    inputs: Inputs, plan: Plan
) -> tuple[dict[str, Callable[[Any], Any]], dict[str, str]]:
    """Strategies that can decide in the first window, and why the others cannot."""
    tried, left_out = _strategies(inputs, plan), {}
    past = inputs.returns.iloc[: plan.window]
    for name in list(tried):
        try:
            tried[name](past)
        except MixfolioError as error:
            if name in (EQUAL, MIXED):
                raise
            del tried[name]
            left_out[name] = str(error)
    return tried, left_out


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
