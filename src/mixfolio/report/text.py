"""The sentences and tables of a report on a reader's own prices, computed from its results.

Text is Markdown. Names of assets and groups come from a reader's file and are escaped, so that
they show as they are.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mixfolio.optimization import EfficientFrontier
from mixfolio.portfolio import MixedModelPortfolio
from mixfolio.report.pipeline import EQUAL, MIXED, Comparison, Inputs, Plan, latest

__all__ = [
    "attribution",
    "backtest",
    "backtest_table",
    "caveats",
    "comparison",
    "comparison_table",
    "concerns",
    "diagnosis_table",
    "escape",
    "findings",
    "frontier_note",
    "frontier_table",
    "group_table",
    "grouping",
    "history",
    "is_flat",
    "live_frontier",
    "objective",
    "risk_by_source",
    "settings",
    "shown_weights",
    "source_table",
    "summary",
    "trades",
    "weight_table",
    "weights_over_time",
]

SHOWN = 25  # rows of a table of assets
HELD = 5e-4  # a weight that is shown as 0.1% or more
FORMATS = {"trade": "{:+.1%}", "money": "{:,.0f}", "trade_money": "{:+,.0f}"}
FLAT = 1e-6  # a year; a difference of expected returns that is none
MOVING = 12  # assets beside the control that moves along the frontier
FEW = 5  # periods per asset, below which they are few
OLD = 3  # periods after which the last price is old
NOUNS = {"weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}


def escape(text: object) -> str:
    """Text that Markdown shows as it is.

    Parameters
    ----------
    text : object
        A name, or a sentence with names.

    Returns
    -------
    str
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!])", r"\\\1", str(text))


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _shown(table: pd.DataFrame, rows: int = SHOWN) -> pd.DataFrame:
    """The first rows, and a last one that says how many were left out."""
    if len(table) <= rows:
        return table
    rest = pd.DataFrame("", [f"... {len(table) - rows} more"], table.columns)
    return pd.concat([table.iloc[:rows], rest])


# ------------------------------------------------------------------------------ the data


def summary(
    inputs: Inputs,
    plan: Plan,
    found: MixedModelPortfolio,
    compared: Comparison,
    today: str = "",
) -> str:
    """What a committee reads first: the portfolio, its past against 1/N, and every concern.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    found : MixedModelPortfolio
    compared : Comparison
    today : str
        Date of the report, as 2026-03-31, against which the age of the prices is told.

    Returns
    -------
    str
        A sentence on the portfolio, and a list.
    """
    held = found.weights[found.weights.abs() > HELD].sort_values(ascending=False)
    top = ", ".join(f"{escape(name)} {weight:.0%}" for name, weight in held.iloc[:3].items())
    year = inputs.frequency.periods_per_year
    ahead = float(found.diagnosis["volatility per period"]) * np.sqrt(year)
    late = inputs.returns.columns.difference(found.weights.index, sort=False)
    left_out = f" Without a whole window of returns, and so left out today: {_names(late)}."
    lines = [
        _against_equal(inputs, compared),
        _price_of_trading(inputs, compared),
        *_better(compared),
        *concerns(inputs, plan, compared, today),
    ]
    return (
        f"The portfolio holds {len(held)} of {len(found.weights)} assets, the most in {top}. Its "
        f"volatility is expected to be {ahead:.1%} a year.{left_out if len(late) else ''}\n\n"
        f"{_bullets(lines)}"
    )


def _against_equal(inputs: Inputs, compared: Comparison) -> str:
    """Return and volatility of the past, against those of 1/N."""
    mine, equal = compared.summary.loc[compared.chosen], compared.summary.loc[EQUAL]
    gap, error = _return_gap(inputs, compared)
    return (
        f"**Against 1/N.** Held and renewed in the same way through the past, it returned "
        f"{mine['return']:.1%} a year after costs, {abs(gap):.1%} a year "
        f"{'more' if gap > 0 else 'less'} than 1/N, equal weights (standard error {error:.1%}). "
        f"Its volatility was {mine['volatility']:.1%} a year, that of 1/N "
        f"{equal['volatility']:.1%}; its deepest loss {-mine['drawdown']:.0%}, that of 1/N "
        f"{-equal['drawdown']:.0%}."
    )


def _return_gap(inputs: Inputs, compared: Comparison) -> tuple[float, float]:
    """Mean return against 1/N, a year, and its standard error."""
    returns, year = compared.result.returns, inputs.frequency.periods_per_year
    difference = returns[compared.chosen] - returns[EQUAL]
    error = float(difference.std() * year / np.sqrt(len(difference)))
    return float(difference.mean() * year), error


def _price_of_trading(inputs: Inputs, compared: Comparison) -> str:
    mine, equal = compared.summary.loc[compared.chosen], compared.summary.loc[EQUAL]
    return (
        f"**Cost.** Each year {mine['turnover']:.0%} of the wealth was bought or sold, which cost "
        f"{mine['costs']:.2%} a year; for 1/N {equal['turnover']:.0%} and {equal['costs']:.2%}."
    )


def _better(compared: Comparison) -> list[str]:
    """That another choice was better on these data, by what the weights are chosen for."""
    if compared.sharpe is None:
        best: Any = compared.volatility.index[0]
        gap, low, high = compared.gaps.loc[best, ["gap", "low", "high"]]
        what = f"volatility {-gap:.1%} below that"
        interval = _interval(low, high)
    else:
        best = compared.sharpe["gap"].idxmax()
        gap, low, high = compared.sharpe.loc[best, ["gap", "low", "high"]]
        what = f"Sharpe ratio a year {gap:.2f} above that"
        interval = f"{low:+.2f} to {high:+.2f}"
    if best == compared.chosen:
        return []
    luck = "luck alone could make that" if low < 0 < high else "more than luck usually makes"
    kind = "Equal weights were" if best == EQUAL else "Another estimator was"
    return [
        f"***{kind} better.*** {_the(best)[0].upper()}{_the(best)[1:]} had a {what} of "
        f"{_the(compared.chosen)} ({compared.level:.0%} interval {interval}): {luck}, and it was "
        "picked after the fact."
    ]


def _interval(low: float, high: float) -> str:
    return f"{low:+.1%} to {high:+.1%}"


def _the(name: str) -> str:
    """A strategy within a sentence."""
    return f"the {name}" if name.startswith(MIXED) or name == "sample covariance" else name


def concerns(inputs: Inputs, plan: Plan, compared: Comparison, today: str = "") -> list[str]:
    """Every reason to doubt the numbers, by name, one sentence each.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    compared : Comparison
    today : str
        As in :func:`summary`.

    Returns
    -------
    list of str
    """
    found = {
        "Missing prices": inputs.checks.missing.index,
        "Prices that stand still": inputs.checks.stale.index,
        "Prices that jump": pd.Index(inputs.checks.jumps["asset"].unique()),
        "Twins": pd.unique(inputs.checks.twins[["asset", "other"]].to_numpy().ravel()),
        "Held after the last price": pd.unique(compared.result.frozen["asset"]),
    }
    lines = [
        f"***{kind}.*** {_names(pd.Index(names))}." for kind, names in found.items() if len(names)
    ]
    if inputs.checks.logarithms:
        lines.append("***Logarithms?*** All prices are low and calm, as logarithms of prices are.")
    breaks = inputs.checks.findings()[1]
    if breaks.concern:
        lines.append(f"***A break in the dates.*** {breaks.text}")
    lines += [*_few_periods(inputs, plan), *_old_prices(inputs, today)]
    return lines or ["**Data.** The checks of the data raise no concern."]


def _few_periods(inputs: Inputs, plan: Plan) -> list[str]:
    noun, n_assets = NOUNS[inputs.frequency.name], latest(inputs, plan).shape[1]
    ratio = plan.lookback / n_assets
    if ratio >= FEW:
        return []
    return [
        f"***Few periods.*** Weights of {n_assets} assets are estimated from "
        f"{_count(plan.lookback, noun)}, {ratio:.1f} per asset."
    ]


def _old_prices(inputs: Inputs, today: str) -> list[str]:
    """That the last price is older than three of its periods."""
    last = inputs.checks.last.tz_localize(None)
    if not today:
        return []
    days = (pd.Timestamp(today) - last).days
    usual = 365.25 / inputs.checks.frequency.periods_per_year
    if days <= max(OLD * usual, 7):
        return []
    return [
        f"***Old prices.*** The last is of {last.date()}, {days:,} days before this report was "
        "made. What the weights have become since then is not known here."
    ]


def _names(names: pd.Index) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(escape(name) for name in names[:5]) + more


def findings(inputs: Inputs) -> str:
    """What the checks of the data found, and what was done to the data.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    str
        A list.
    """
    lines = [
        f"{'***Look closer.*** ' if concern else ''}{escape(text)}"
        for concern, text in inputs.checks.findings()
    ]
    return _bullets([*lines, *(f"**Done.** {escape(note)}" for note in inputs.notes)])


def history(inputs: Inputs, plan: Plan) -> str:
    """How many periods there are, for how many assets, and what that means.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan

    Returns
    -------
    str
    """
    n_periods, noun = len(inputs.returns), NOUNS[inputs.frequency.name]
    ratio = plan.lookback / latest(inputs, plan).shape[1]
    dates = inputs.returns.index
    text = (
        f"There are returns of {_count(n_periods, noun)}, from {dates[0].date()} to "
        f"{dates[-1].date()}. Today's portfolio is estimated from the last {plan.lookback}: "
        f"{ratio:.1f} {noun}s per asset. "
    )
    end = plan.note and f" {plan.note}"
    if ratio <= 1:
        return text + (
            "That is no more than one: the sample covariance has no inverse, and whatever is used "
            f"instead lives on structure.{end}"
        )
    if ratio < FEW:
        return text + (
            "That is few: the sample covariance takes much noise for structure, and shrinkage is "
            f"needed.{end}"
        )
    return text + f"That is plenty for a sample covariance, and shrinkage will change little.{end}"


def objective(inputs: Inputs, plan: Plan) -> str:
    """What the weights were chosen for, on which covariance, and within which limits.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan

    Returns
    -------
    str
    """
    source = "your views" if plan.views else "their past means, shrunken"
    goal = {
        "minimum-variance": "The weights have the lowest expected variance",
        "risk-parity": "Every asset has the same share of the risk, as far as it can be,",
        "maximum-diversification": "The weights have the highest diversification ratio",
        "maximum-sharpe": f"The weights have the highest expected Sharpe ratio by {source},",
    }[plan.objective]
    text = f"{goal} within your limits, on the covariance of {_the(plan.title)}."
    if plan.objective == "maximum-sharpe":
        text += (
            " Where nothing within the limits is expected to earn more than the riskless asset, "
            "they have the lowest variance instead. Expected returns are known far less well than "
            "risks."
        )
    if plan.views:
        year = inputs.frequency.periods_per_year
        views = "; ".join(escape(replace(view, value=view.value * year)) for view in plan.views)
        text += (
            f" The views, a year: {views}. They are those of today, so the comparison with the "
            "past uses shrunken means."
        )
    return text + (" Weights may be negative." if plan.allow_short else "")


def grouping(inputs: Inputs, found: MixedModelPortfolio, groups: pd.Series) -> str:
    """Where the groups of the mixed model come from.

    Parameters
    ----------
    inputs : Inputs
    found : MixedModelPortfolio
    groups : Series of length n_assets
        Given or learned.

    Returns
    -------
    str
    """
    sizes = groups.value_counts()
    listed = ", ".join(f"{escape(name)} ({size})" for name, size in sizes.iloc[:12].items())
    more = f", and {len(sizes) - 12} more" if len(sizes) > 12 else ""
    if inputs.groups is not None:
        source = f"The groups are those of your file: {listed}{more}."
    else:
        source = (
            "No groups were given, so they were **learned from past correlations**, at every "
            f"decision from the returns before it. Today there are {len(sizes)}: {listed}{more}. "
            "They use the same returns twice; groups that you know, such as sectors, say more."
        )
    shared = (
        f"The mixed model ascribes {found.heritability:.0%} of the variance of an asset to what "
        "assets share"
    )
    used = {
        "mixed model": f"{shared}, and the data give it a weight of {found.intensity:.0%} against "
        "the sample covariance.",
        "shrinkage": f"{shared}, less than was asked for, so it was not used: the covariance is "
        "that of nonlinear shrinkage.",
        "given": f"{shared}; it was not used, since another estimator was asked for.",
    }
    return f"{source} {used[found.used]}"


def settings(inputs: Inputs, plan: Plan) -> pd.DataFrame:
    """What was asked for, as a table.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan

    Returns
    -------
    DataFrame of str
    """
    noun = NOUNS[inputs.frequency.name]
    rows = {
        "Prices": inputs.name,
        "Groups": "learned from correlations" if inputs.groups is None else "from your file",
        "Covariance (--estimator)": plan.estimator,
        "Chosen for (--objective)": plan.objective,
        "Estimated from (--lookback)": _count(plan.lookback, noun),
        "In the comparison (--window)": _count(plan.window, noun),
        "Decisions in the comparison": f"every {_count(plan.step, noun)}",
        "Highest weight of an asset (--max-position)": f"{plan.max_position:.0%}",
        "Highest weight of a group (--max-group)": (
            "no limit" if plan.max_group is None else f"{plan.max_group:.0%}"
        ),
        "Mixed model from a heritability of (--min-heritability)": f"{plan.min_heritability:.0%}",
        "Cost of one unit traded (--costs)": f"{plan.costs:.2%}",
    }
    asked = {
        "Limits of single assets (--limits)": plan.limits is not None
        and ", ".join(map(str, plan.limits.index)),
        "Weights below zero (--allow-short)": plan.allow_short and "allowed",
        "Held against (--benchmark)": inputs.benchmark is not None and str(inputs.benchmark.name),
        "Riskless (--riskless)": inputs.riskless is not None and str(inputs.riskless.name),
        "Capital (--capital)": plan.capital is not None and f"{plan.capital:,.0f}",
    }
    rows |= {name: value for name, value in asked.items() if value}
    if plan.turnover_penalty:
        price = f"{plan.turnover_penalty:.0%} of the variance of 1/N, for today's portfolio only"
        rows["Price of trading (--turnover-penalty)"] = price
    return pd.DataFrame({"value": rows})


# ------------------------------------------------------------------------------ the comparison


def comparison_table(compared: Comparison) -> pd.DataFrame:
    """Volatility by estimator.

    Parameters
    ----------
    compared : Comparison

    Returns
    -------
    DataFrame of str
    """
    table, gaps = compared.volatility, compared.gaps
    intervals = [
        "–" if name == compared.chosen else _interval(*gaps.loc[name, ["low", "high"]])
        for name in table.index
    ]
    return pd.DataFrame(
        {
            "volatility a year": table["volatility"].map("{:.2%}".format),
            f"against {_the(compared.chosen)}": gaps["gap"].map("{:+.1%}".format),
            f"{compared.level:.0%} interval": intervals,
            "p-value": table["p_value"].map("{:.2f}".format),
            f"in the {compared.level:.0%} set": table["included"].map({True: "yes", False: "no"}),
        }
    )


def comparison(inputs: Inputs, plan: Plan, compared: Comparison) -> str:
    """Which covariance made the calmest portfolio, and how sure that is.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    compared : Comparison

    Returns
    -------
    str
    """
    table, noun = compared.volatility, NOUNS[inputs.frequency.name]
    n_periods = len(compared.result.returns)
    n_decisions = -(-n_periods // plan.step)
    best, mine = str(table.index[0]), table["volatility"][compared.chosen]
    text = (
        f"Each estimator chose a portfolio {_count(n_decisions, 'time')}, "
        f"under your limits, with {_count(plan.window, noun)} before each decision and none after. "
        f"Over the {_count(n_periods, noun)} that followed, **{_the(best)}** had "
        f"the lowest volatility, {table['volatility'].iloc[0]:.2%} a year"
    )
    text += "." if best == compared.chosen else f"; {_the(compared.chosen)} had {mine:.2%}."
    rivals = [_the(str(name)) for name in table.index[table["included"]] if name != best]
    text += (
        f" That may be luck: {_listed(rivals)} cannot be told from it at {compared.level:.0%} "
        "confidence."
        if rivals
        else f" No other can be called as good, at {compared.level:.0%} confidence."
    )
    for name, why in compared.left_out.items():
        text += f" Left out, because it could not start, is {_the(name)}: {escape(why)}"
    failures = compared.result.failures
    if len(failures):
        text += (
            f" {_count(len(failures), 'decision')} failed and the old weights were kept; the first "
            f"was of the {failures['strategy'].iloc[0]}: {escape(failures['error'].iloc[0])}"
        )
    return text


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ------------------------------------------------------------------------------ the portfolio


def weight_table(
    inputs: Inputs, found: MixedModelPortfolio, groups: pd.Series, capital: float | None = None
) -> pd.DataFrame:
    """Weights with group, share of the risk, and trade if there are present weights.

    Parameters
    ----------
    inputs : Inputs
    found : MixedModelPortfolio
    groups : Series of length n_assets
    capital : float, optional
        Money there is to invest; weights and trades are then given in money too.

    Returns
    -------
    DataFrame of length n_assets
        Numbers, the largest weight first; what ``weights.csv`` holds. Assets that were left out
        have the weight 0, so that the file can be given back as the weights held.
    """
    names = inputs.returns.columns
    shares = found.attribution.by_asset.reindex(names, fill_value=0.0)
    table = pd.DataFrame(
        {
            "weight": (
                found.weights.where(found.weights.abs() > 1e-9, 0.0).reindex(names, fill_value=0.0)
            ).round(6),
            groups.name or "group": groups.reindex(names),
            "risk_share": shares.round(6),
        }
    ).rename_axis("asset")
    if inputs.previous is not None:
        previous = inputs.previous.reindex(names)
        table["previous"] = previous
        table["trade"] = (table["weight"] - previous).round(6)
    if capital is not None:
        table["money"] = (capital * table["weight"]).round(2)
        if inputs.previous is not None:
            table["trade_money"] = (capital * table["trade"]).round(2)
    return table.sort_values("weight", ascending=False, kind="stable")


def shown_weights(table: pd.DataFrame) -> pd.DataFrame:
    """The weights that a reader can see, in per cent.

    Parameters
    ----------
    table : DataFrame
        From :func:`weight_table`.

    Returns
    -------
    DataFrame of str
    """
    traded = table["trade"].abs() > HELD if "trade" in table else False
    seen = table[(table["weight"].abs() > HELD) | traded]
    columns = {}
    for name in seen:
        label = str(name).replace("_", " ")
        signed = FORMATS.get(str(name), "{:.1%}")
        number = pd.api.types.is_numeric_dtype(seen[name])
        columns[label] = seen[name].map(signed.format) if number else seen[name].astype(str)
    return _shown(pd.DataFrame(columns).rename_axis(None))


def group_table(table: pd.DataFrame) -> pd.DataFrame:
    """Totals of the groups.

    Parameters
    ----------
    table : DataFrame
        From :func:`weight_table`; its second column has the groups.

    Returns
    -------
    DataFrame of str
        The largest weight first; groups without any are left out.
    """
    totals = table.groupby(table.columns[1]).sum(numeric_only=True)
    totals = totals[(totals.abs() > HELD).any(axis=1)]
    totals = totals.sort_values("weight", ascending=False).rename_axis(None)
    columns = {
        str(name).replace("_", " "): totals[name].map(FORMATS.get(str(name), "{:.1%}").format)
        for name in totals
    }
    return _shown(pd.DataFrame(columns))


def weights_over_time(
    compared: Comparison, groups: pd.Series | None, most: int = 7
) -> pd.DataFrame:
    """Weights of the chosen strategy over time: of the groups, or of the largest assets.

    Parameters
    ----------
    compared : Comparison
    groups : Series of length n_assets, or None
        The reader's. Groups that are learned change, and are not shown.
    most : int
        Columns beside "others".

    Returns
    -------
    DataFrame of shape (n_periods, n_shown)
    """
    held = compared.result.weights[compared.chosen]
    if groups is not None:
        held = held.T.groupby(groups).sum().T
    order = held.abs().mean().sort_values(ascending=False, kind="stable").index
    shown = held[order[:most]].copy()
    if len(order) > most:
        shown["others"] = held[order[most:]].sum(axis=1)
    return shown


def trades(inputs: Inputs, found: MixedModelPortfolio, plan: Plan) -> str:
    """What it takes to get from the present weights to these.

    Parameters
    ----------
    inputs : Inputs
    found : MixedModelPortfolio
    plan : Plan

    Returns
    -------
    str
        Empty without present weights.
    """
    if inputs.previous is None:
        return ""
    turnover = float((found.weights - inputs.previous.loc[found.weights.index]).abs().sum())
    money = "" if plan.capital is None else f" ({plan.capital * turnover * plan.costs:,.0f})"
    return (
        f"From what you hold now, {turnover:.0%} of the wealth is bought or sold, which costs "
        f"{turnover * plan.costs:.2%} of it{money}."
    )


def diagnosis_table(inputs: Inputs, found: MixedModelPortfolio) -> pd.DataFrame:
    """Figures that a careful owner looks at, with what they mean.

    Parameters
    ----------
    inputs : Inputs
    found : MixedModelPortfolio

    Returns
    -------
    DataFrame of str
    """
    d, year = found.diagnosis, np.sqrt(inputs.frequency.periods_per_year)
    rows = {
        "Volatility expected, a year": (
            f"{d['volatility per period'] * year:.1%}",
            f"1/N would have {d['volatility of 1/N per period'] * year:.1%}",
        ),
        "Effective number of assets": (
            f"{d['effective number of assets']:.1f}",
            f"as diversified as so many equal positions, of {d['assets']:.0f}",
        ),
        "Distance to 1/N": (
            f"{d['distance to 1/N']:.0%}",
            "of the wealth would have to move to get to equal weights",
        ),
        "Heritability": (
            f"{d['heritability']:.0%}",
            "of an asset's variance is shared with others, says the mixed model",
        ),
        "Shrinkage intensity": (
            f"{d['model intensity']:.0%}",
            "weight of the model in the covariance; the rest is the sample's",
        ),
        "Condition number": (
            f"{d['condition number']:,.0f}",
            "largest over smallest variance of a portfolio; thousands make weights jumpy",
        ),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "meaning"])


def source_table(found: MixedModelPortfolio) -> pd.DataFrame:
    """Share of every source in the variance of the portfolio.

    Parameters
    ----------
    found : MixedModelPortfolio

    Returns
    -------
    DataFrame of str
    """
    meaning = {
        "market": "what moves all assets together",
        "sample": "what the data say beside the model",
        "specific": "what each asset does by itself",
        "shrinkage": "the whole: the mixed model was not used",
        "covariance": "the whole: another estimate was asked for",
    }
    shares = found.attribution.by_source
    return pd.DataFrame(
        {
            "share of the variance": shares.map("{:.0%}".format),
            "meaning": [meaning.get(str(name), "what a group shares") for name in shares.index],
        }
    ).rename(index=str)


def attribution(found: MixedModelPortfolio, plan: Plan) -> str:
    """Which assets carry the risk.

    Parameters
    ----------
    found : MixedModelPortfolio
    plan : Plan

    Returns
    -------
    str
    """
    shares = found.attribution.by_asset.sort_values(ascending=False)
    top = shares.iloc[:3]
    listed = _listed([f"{escape(name)} ({share:.0%})" for name, share in top.items()])
    text = f"Most of the risk comes from {listed}: together {top.sum():.0%} of the variance."
    hedges = shares[shares < -0.005]
    if len(hedges):
        text += f" {_count(len(hedges), 'asset')} lower it, {escape(hedges.index[-1])} the most."
    if plan.objective != "minimum-variance":
        return text
    gap = (shares - found.weights.reindex(shares.index)).abs()
    name: Any = gap.idxmax()
    if gap[name] < 0.005:
        return text + (
            " Every asset carries as large a share of the risk as of the wealth: so it is in any "
            "portfolio of lowest variance whose limits do not bind."
        )
    return text + (
        f" Risk and wealth differ most for {escape(name)}, which has {found.weights[name]:.1%} of "
        f"the wealth and {shares[name]:.1%} of the risk: limits, or the price of trading, do that."
    )


def risk_by_source(found: MixedModelPortfolio, rows: int = 15) -> pd.DataFrame:
    """Share of the variance by asset and by source, for a figure.

    Parameters
    ----------
    found : MixedModelPortfolio
    rows : int
        The most assets; those with the largest weights.

    Returns
    -------
    DataFrame of shape (n_shown, n_sources)
        Shares of the variance of the portfolio, the largest weight last.
    """
    held = found.weights[found.weights.abs() > HELD]
    held = held[held.abs().nlargest(rows).index].sort_values(kind="stable")
    table = found.attribution.contributions / found.attribution.variance
    return table.loc[held.index]


def frontier_note(frontier: EfficientFrontier) -> str:
    """What the frontier is, or why there is none.

    Parameters
    ----------
    frontier : EfficientFrontier
        Means and volatilities a year.

    Returns
    -------
    str
    """
    if is_flat(frontier):
        return (
            "There is no frontier to show: the past does not tell the expected returns of these "
            "assets apart, and shrinking makes them all the same. More risk is then expected to "
            "buy nothing."
        )
    return (
        "The frontier has the portfolios of least risk at each expected return, within your "
        "limits. Expected returns are views, or past means, shrunken toward each other, in excess "
        "of the riskless asset if there is one. They are uncertain: read the curve as a picture, "
        "and not as a promise."
    )


def is_flat(frontier: EfficientFrontier) -> bool:
    """Whether all portfolios of the frontier have the same expected return, but for rounding.

    Parameters
    ----------
    frontier : EfficientFrontier

    Returns
    -------
    bool
    """
    return float(np.ptp(frontier.mean)) < FLAT


def frontier_table(frontier: EfficientFrontier, rows: int = 5) -> pd.DataFrame:
    """Some portfolios of the frontier.

    Parameters
    ----------
    frontier : EfficientFrontier
        Means and volatilities a year.
    rows : int

    Returns
    -------
    DataFrame of str
        From the least risk to the most.
    """
    places = np.linspace(0, len(frontier.mean) - 1, rows).round().astype(int)
    weights = frontier.weights.iloc[places]
    largest = [
        ", ".join(f"{name} {share:.0%}" for name, share in row[row > HELD].nlargest(3).items())
        for _, row in weights.iterrows()
    ]
    return pd.DataFrame(
        {
            "volatility a year": [f"{x:.1%}" for x in frontier.volatility[places]],
            "expected return a year": [f"{x:.1%}" for x in frontier.mean[places]],
            "largest positions": largest,
        },
        [str(1 + place) for place in range(rows)],
    )


def live_frontier(frontier: EfficientFrontier, found: MixedModelPortfolio) -> dict[str, Any]:
    """The frontier as the script of the page takes it.

    Parameters
    ----------
    frontier : EfficientFrontier
        Means and volatilities a year.
    found : MixedModelPortfolio

    Returns
    -------
    dict
        Names of the assets with the largest weights; the points with places for a drawing of 300
        by 110; and the point whose weights are nearest to those of the portfolio.
    """
    most = frontier.weights.abs().max()
    largest = most[most > HELD].nlargest(MOVING).index
    held = frontier.weights.loc[:, frontier.weights.columns.isin(largest)]
    start = int((frontier.weights - found.weights.to_numpy()).abs().sum(axis=1).argmin())
    x, y = (5 + 290 * _unit(frontier.volatility), 105 - 100 * _unit(frontier.mean))
    points = [
        {
            "volatility": round(float(frontier.volatility[i]), 5),
            "mean": round(float(frontier.mean[i]), 5),
            "x": round(float(x[i]), 1),
            "y": round(float(y[i]), 1),
            "weights": held.iloc[i].round(4).tolist(),
        }
        for i in range(len(held))
    ]
    return {"assets": [str(name) for name in held], "points": points, "start": start}


def _unit(values: Any) -> Any:
    """Numbers moved to between zero and one; all zero if they are one number."""
    spread = float(np.ptp(values))
    return (values - values.min()) / spread if spread > 0 else np.zeros(len(values))


# ------------------------------------------------------------------------------ the past


def backtest_table(compared: Comparison) -> pd.DataFrame:
    """What every strategy earned, after costs.

    Parameters
    ----------
    compared : Comparison

    Returns
    -------
    DataFrame of str
    """
    table = compared.summary.sort_values("volatility")
    return pd.DataFrame(
        {
            "return a year": table["return"].map("{:.1%}".format),
            "volatility": table["volatility"].map("{:.1%}".format),
            "return / volatility": table["ratio"].map("{:.2f}".format),
            "deepest loss": table["drawdown"].map("{:.0%}".format),
            "traded a year": table["turnover"].map("{:.0%}".format),
            "costs a year": table["costs"].map("{:.2%}".format),
        }
    )


def backtest(inputs: Inputs, plan: Plan, compared: Comparison) -> str:
    """What the portfolio would have earned, and how sure that is.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    compared : Comparison

    Returns
    -------
    str
    """
    returns = compared.result.returns
    years = len(returns) / inputs.frequency.periods_per_year
    mixed, equal = compared.summary.loc[compared.chosen], compared.summary.loc[EQUAL]
    gap, error = _return_gap(inputs, compared)
    verdict = (
        "which noise alone could make" if abs(gap) < 2 * error else "more than noise usually makes"
    )
    return (
        f"From {returns.index[0].date()} to {returns.index[-1].date()}, {years:.1f} years, the "
        f"portfolio had a mean return of {mixed['return']:.1%} a year after costs of "
        f"{plan.costs:.2%} a unit traded, and 1/N {equal['return']:.1%}. The difference is "
        f"{gap:+.1%} a year with a standard error of {error:.1%}, {verdict}. The deepest loss from "
        f"a peak was {-mixed['drawdown']:.0%}, that of 1/N {-equal['drawdown']:.0%}. The first "
        "purchase is free; taxes are not counted."
    )


def caveats(inputs: Inputs, plan: Plan, compared: Comparison) -> str:
    """What these numbers cannot say.

    Parameters
    ----------
    inputs : Inputs
    plan : Plan
    compared : Comparison

    Returns
    -------
    str
        A list.
    """
    returns, year = compared.result.returns, inputs.frequency.periods_per_year
    years = len(returns) / year
    sigma = float(returns[compared.chosen].std() * np.sqrt(year))
    needed = (2 * sigma / 0.01) ** 2
    worst = -float(compared.summary["drawdown"][compared.chosen])
    lines = [
        _survivors(inputs.returns),
        f"**A short past.** {years:.1f} years of evaluation give the mean return of the portfolio "
        f"a standard error of {sigma / np.sqrt(years):.1%} a year. To tell an advantage of one "
        f"per cent a year from noise at this volatility takes about {needed:,.0f} years. "
        "Volatilities are known far better than means.",
        _forecasts(plan),
        f"**Change.** Covariances drift. The estimate is of the last {plan.lookback} periods, and "
        f"the portfolio's worst fall in the evaluation was {worst:.0%}: the next crisis need not "
        "look like the last.",
        "**Choices.** Whoever runs this report with many settings and keeps the best sees luck. "
        "Choose first, look then.",
        "Returns are those of your file, in its currency, with dividends only if its prices hold "
        "them. Nothing here is investment advice.",
    ]
    return _bullets(lines)


def _forecasts(plan: Plan) -> str:
    """What the objective assumes about returns."""
    if plan.objective == "maximum-sharpe":
        return (
            "**Forecasts.** These weights rest on expected returns, which the past hardly tells. "
            "Small changes of them change the weights much."
        )
    return (
        "**Risk only.** These weights make no forecast of returns. They look at risk, and at "
        "nothing else."
    )


def _survivors(returns: pd.DataFrame) -> str:
    """Whether assets have ended, and what that does to the returns."""
    ended = returns.columns[returns.iloc[-1].isna()]
    if len(ended):
        return (
            f"**Survivors.** Without a last return: {_names(ended)}. What was held of them counts "
            "as sold at the last price, which is more than a failed firm pays. What failed and is "
            "not in the file makes every return above too high, that of 1/N too."
        )
    return (
        f"**Survivors.** All {returns.shape[1]} assets are there at the end. Whoever chose them "
        "knew that. What failed on the way is not in the file, so every return above is likely to "
        "be too high, that of 1/N too."
    )
