"""Walk-forward evaluation: decide with the past, hold, measure, roll on.

At each review a strategy gets a copy of the returns that ends there. Its weights earn the returns
of the following periods and drift with them until the next trade. Nothing of the future is within
a strategy's reach.

With weights w at the start of a period, asset returns R and riskless return r, both simple, the
wealth is multiplied by ``1 + r + w'(R - r)`` and the weights become ``w (1 + R)`` over that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from numbers import Integral
from typing import Any, Literal, cast

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from mixfolio import metrics
from mixfolio._inputs import (
    SUM_TOLERANCE,
    Array,
    Labels,
    VectorLike,
    checked_but,
    read_count,
    read_number,
    read_positive,
    read_returns,
    read_vector,
    require_history,
)
from mixfolio.backtest import _rebalancing
from mixfolio.backtest._rebalancing import Threshold
from mixfolio.errors import DataError
from mixfolio.prices import Missing, complete

Strategy = Callable[[Any], Any]
Failure = tuple[Any, str]  # date of the last return known, error


@dataclass(frozen=True)
class OnArrays:
    """A strategy that takes past returns as a read-only array and needs no labels.

    Building a labelled table costs more than a small optimization. Wrap a strategy in this when
    there are many decisions.

    Attributes
    ----------
    strategy : function
        Takes an array of shape (n_past_periods, n_assets) and gives weights of shape (n_assets,).
    """

    strategy: Strategy

    def __call__(self, past: Array) -> Any:
        return self.strategy(past)


@dataclass(frozen=True)
class BacktestResult:
    """What every strategy earned, held and traded.

    Attributes
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Decimal simple returns after costs, dated by the period in which they were earned.
    gross : DataFrame of shape (n_periods, n_strategies)
        The same before costs.
    weights : dict of DataFrame of shape (n_periods, n_assets)
        For each strategy the weights at the start of each period, after trading.
    turnover : DataFrame of shape (n_periods, n_strategies)
        Sum of absolute trades at the start of each period, against the drifted weights. Missing in
        the first period, where the portfolio is bought. After a loss of more than the whole wealth,
        which leverage allows, the figure follows the formula and has no meaning.
    failures : DataFrame
        One row per decision that failed and was answered by holding on: strategy, date of the last
        return that it knew, error. Empty unless ``on_error="hold"``.
    frozen : DataFrame
        One row per asset that was held while its return was missing: strategy, asset, date.
    """

    returns: pd.DataFrame
    gross: pd.DataFrame
    weights: dict[str, pd.DataFrame]
    turnover: pd.DataFrame
    failures: pd.DataFrame
    frozen: pd.DataFrame

    def exposures(self) -> pd.DataFrame:
        """Net, gross, long and short exposure of every strategy at the start of each period.

        Returns
        -------
        DataFrame of shape (n_periods, 4 * n_strategies)
            Columns (strategy, exposure).
        """
        tables = {}
        for name, held in self.weights.items():
            w = held.to_numpy()
            tables[name] = pd.DataFrame(
                {
                    "net": w.sum(axis=1),
                    "gross": np.abs(w).sum(axis=1),
                    "long": np.maximum(w, 0.0).sum(axis=1),
                    "short": np.maximum(-w, 0.0).sum(axis=1),
                },
                held.index,
            )
        return pd.concat(tables, axis=1)

    def summary(self, periods_per_year: float = 1.0) -> pd.DataFrame:
        """One row per strategy: what it earned and what it held.

        Parameters
        ----------
        periods_per_year : float
            Annualises mean, volatility and Sharpe ratio. 1 leaves them per period.

        Returns
        -------
        DataFrame of shape (n_strategies, 8)
            Mean, volatility, Sharpe ratio and largest drawdown of returns after costs; mean
            turnover per period; effective number of assets (inverse of the mean sum of squared
            weights); mean gross exposure; mean distance to 1/N, which is half the sum of absolute
            differences.
        """
        periods_per_year = read_positive(periods_per_year, "periods_per_year")
        held = {name: table.to_numpy() for name, table in self.weights.items()}
        table = {
            "mean": self.returns.mean() * periods_per_year,
            "volatility": self.returns.std() * np.sqrt(periods_per_year),
            "sharpe": metrics.sharpe_ratio(self.returns, periods_per_year),
            "maximum_drawdown": metrics.maximum_drawdown(self.returns),
            "turnover": self.turnover.mean(),
            "effective_number": _each(held, lambda w: 1 / (w**2).sum(axis=1).mean()),
            "gross_exposure": _each(held, lambda w: np.abs(w).sum(axis=1).mean()),
            "distance_to_equal": _each(
                held, lambda w: np.abs(w - 1 / w.shape[1]).sum(axis=1).mean() / 2
            ),
        }
        return pd.DataFrame(table)


def _each(held: Mapping[str, Array], measure: Callable[[Array], float]) -> "pd.Series[float]":
    return pd.Series({name: measure(weights) for name, weights in held.items()})


@checked_but("returns", "strategies", "window", "step", "rebalance", "missing")
def walk_forward(
    returns: pd.DataFrame,
    strategies: Mapping[Any, Strategy | VectorLike],
    *,
    window: int | str,
    step: int = 1,
    costs: float = 0.0,
    expanding: bool = False,
    risk_free: VectorLike | float | None = None,
    rebalance: str | Threshold | None = None,
    missing: Missing = "raise",
    on_error: Literal["raise", "hold"] = "raise",
    n_jobs: int = 1,
    progress: bool = False,
) -> BacktestResult:
    """Evaluate strategies out of sample over one table of returns.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns, oldest first, without gaps.
    strategies : mapping of name to function or weights
        Names are strings or other labels, such as pairs, which make two levels of columns. Each
        function takes a DataFrame of past returns, or an array if wrapped in :class:`OnArrays`,
        and gives one weight per asset. A Series or array of weights is held throughout: every
        trade goes back to it.
    window : int or str
        History that a decision may use: a number of periods, or a span of time such as "2Y",
        "18M", "26W" or "90D", counted back from the last return that is known. The first period
        held is the first with a whole window before it.
    step : int
        Periods between reviews; the weights drift in between. A calendar replaces it.
    costs : float
        Proportional cost of one unit traded, as a decimal: 0.001 is ten basis points. The first
        purchase is free.
    expanding : bool
        Whether the history keeps its start instead of its length.
    risk_free : Series or array of shape (n_periods,), or float, optional
        Give it when `returns` are in excess of the riskless asset. Weights then drift with the
        total returns, and what they leave uninvested earns the riskless one. Without it weights
        must sum to one within 0.001, and what that leaves earns nothing.
    rebalance : str or Threshold, optional
        "monthly", "quarterly" or "yearly": decide after the last period of each, and hold from the
        first of the next. Offset aliases of pandas are calendars too: "ME" is monthly, "QE-NOV"
        has quarters that end in November, "W-FRI" decides after Friday. A :class:`Threshold` trades
        only at those reviews, `step` periods apart, where a weight is too far from its target. By
        default every review trades.
    missing : {"raise", "drop-assets", "common-period", "fill", "keep"}
        What to do with NaN, as before a listing and after a delisting, as
        :data:`mixfolio.prices.MISSING` says. "keep" offers a strategy only the assets that have all
        returns of its window, and gives the others no weight; an asset whose return is missing
        while it is held counts as sold at its last price, its proceeds earning the riskless rate
        until the next trade. That is kind to failed firms: where the last price is not what a
        holder got, put the final loss into the data. "fill" takes a price to have stood still, a
        return of zero.
    on_error : {"raise", "hold"}
        Whether an error of a strategy stops the evaluation, or is recorded in `failures` and
        answered by no trade; before its first decision the wealth is then uninvested.
    n_jobs : int
        Processes over which decisions are spread, as in joblib; -1 for all cores, or for all
        workers inside ``joblib.parallel_config(backend="dask")``. With more processes than
        strategies the reviews of each are shared out as well. A strategy that remembers its
        earlier decisions needs 1.
    progress : bool
        Whether to show a progress bar of decisions, or of strategies with several processes.

    Returns
    -------
    BacktestResult
        From the first period after the window on.

    Raises
    ------
    DataError
        If the returns are unusable, out of order or below -1, the window leaves no period to
        evaluate, an argument is out of range, `risk_free` has other dates, or a strategy gives
        weights that are not finite, name other assets, or do not sum to one without `risk_free`.
        Any error of a strategy comes with a note of its name and the date.

    Examples
    --------
    Minimum variance against 1/N, decided once a year on the five years before:

    >>> from mixfolio import backtest, covariance, datasets, optimization
    >>> returns = datasets.load("asset-classes")[["MSCI US", "Global Bonds", "US TIPS"]]
    >>> strategies = {
    ...     "1/N": optimization.equal_weight(returns.columns),
    ...     "GMV": lambda past: optimization.minimum_variance(covariance.sample(past)),
    ... }
    >>> options = {"window": "5Y", "rebalance": "yearly", "costs": 0.001}
    >>> found = backtest.walk_forward(returns, strategies, **options)
    >>> found.summary(periods_per_year=12)["volatility"].round(3).to_dict()
    {'1/N': 0.063, 'GMV': 0.034}
    """
    market = _read_market(returns, risk_free, missing)
    first, begins = _rebalancing.histories(market.dates, window)
    step = read_count(step, "step")
    if (costs := read_number(costs, "costs")) < 0:
        raise DataError(f"costs is {costs}; it must be zero or positive, a decimal per unit.")
    if costs > 1:
        raise DataError(
            f"costs is {costs}, more than what is traded. It is a decimal per unit traded: 0.001 "
            "is ten basis points."
        )
    if on_error not in ("raise", "hold"):
        raise DataError(f"on_error is {on_error!r}; it must be one of ['raise', 'hold'].")
    functions = _read_strategies(strategies, market.labels)
    if not isinstance(n_jobs, Integral) or n_jobs == 0:
        raise DataError(f"n_jobs is {n_jobs!r}; it must be a whole number, and -1 for all cores.")
    plan = _Plan(
        first=first,
        begins=np.zeros_like(begins) if expanding else begins,
        reviews=_rebalancing.reviews(market.dates, first, step=step, rule=rebalance),
        threshold=rebalance if isinstance(rebalance, Threshold) else None,
        hold_on_error=on_error == "hold",
    )
    total = len(functions) * (len(plan.reviews) if n_jobs == 1 else 1)
    with tqdm(total=total, disable=not progress) as bar:
        records = list(_run_all(market, plan, functions, n_jobs, bar))
    return _assemble(market, plan, dict(zip(functions, records, strict=True)), costs)


# ------------------------------------------------------------------ what the engine works with


@dataclass(frozen=True)
class _Market:
    """Returns as arrays; `available` is None when nothing is missing, and holds for all."""

    dates: Labels
    labels: Labels
    values: Array
    growth: Array
    riskless_growth: Array
    available: NDArray[np.bool_] | None
    any_net: bool


@dataclass(frozen=True)
class _Plan:
    first: int
    begins: NDArray[np.intp]
    reviews: NDArray[np.intp]
    threshold: Threshold | None
    hold_on_error: bool


@dataclass(frozen=True)
class _Record:
    weights: Array
    turnover: Array
    failures: list[Failure]


def _read_market(
    returns: pd.DataFrame, risk_free: VectorLike | float | None, missing: Missing
) -> _Market:
    if not isinstance(returns, pd.DataFrame):
        raise DataError("returns must be a DataFrame here, so that results carry dates and names.")
    if missing != "raise":
        returns, _ = complete(returns, missing, "returns", still=0.0)
    values, _ = read_returns(returns, allow_missing=missing == "keep")
    require_history(returns, values)
    riskless = _read_riskless(risk_free, returns.index)
    available = None
    if missing == "keep":
        known = ~np.isnan(values)
        available = None if known.all() else known
        values = np.where(known, values, 0.0)
    return _Market(
        returns.index,
        returns.columns,
        values,
        1.0 + values + riskless[:, None],
        1.0 + riskless,
        available,
        any_net=risk_free is not None,
    )


def _read_riskless(risk_free: VectorLike | float | None, dates: Labels) -> Array:
    if risk_free is None:
        return np.zeros(len(dates))
    if np.ndim(risk_free) == 0:
        return np.full(len(dates), read_number(risk_free, "risk_free"))
    if isinstance(risk_free, pd.Series) and not risk_free.index.equals(dates):
        raise DataError(
            "risk_free and returns have different dates. Use risk_free.reindex(returns.index), "
            "and look for gaps."
        )
    return read_vector(cast(VectorLike, risk_free), len(dates), None, "risk_free")[0]


def _read_strategies(strategies: Any, labels: Labels) -> dict[Any, Strategy]:
    """Strategies as functions; one that is weights always answers with them."""
    if not isinstance(strategies, Mapping) or not strategies:
        raise DataError(
            "strategies is empty, or is no mapping; give a name and a function for each: "
            "{'mine': function}."
        )
    return {name: _read_strategy(name, one, labels) for name, one in strategies.items()}


def _read_strategy(name: Any, strategy: Any, labels: Labels) -> Strategy:
    if callable(strategy):
        return cast(Strategy, strategy)
    if not isinstance(strategy, pd.Series | np.ndarray | list | tuple):
        raise DataError(
            f"strategy {name!r} is of type {type(strategy).__name__}; it must be a function "
            "of past returns, or weights: a Series, or an array with one per asset."
        )
    weights, _ = read_vector(strategy, len(labels), labels, f"strategy {name!r}")
    return partial(_held_throughout, pd.Series(weights, labels))


def _held_throughout(weights: pd.Series, past: pd.DataFrame) -> pd.Series:
    missing = weights.index.difference(past.columns, sort=False)
    if len(held := [name for name in missing if weights[name] != 0]):
        raise DataError(
            f"{held[0]!r} has no complete history here, and the weights give it "
            f"{weights[held[0]]:.4g}. Start later, or give a function that says what to hold."
        )
    return weights[past.columns]


# ------------------------------------------------------------------ one strategy through time


def _run_all(
    market: _Market, plan: _Plan, strategies: Mapping[Any, Strategy], n_jobs: int, bar: Any
) -> Iterator[_Record]:
    if n_jobs == 1:
        for name, strategy in strategies.items():
            failures: list[Failure] = []
            targets = (
                _decide_or_hold(market, plan, name, strategy, start, failures)
                for start in plan.reviews.tolist()
            )
            yield _run(market, plan, name, targets, failures, bar.update)
        return
    shares = -(-joblib.effective_n_jobs(n_jobs) // len(strategies))
    parts = [part for part in np.array_split(plan.reviews, shares) if len(part)]
    jobs = (
        joblib.delayed(_decisions)(market, plan, name, strategy, part.tolist())
        for name, strategy in strategies.items()
        for part in parts
    )
    found = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    for name in strategies:
        answers = [next(found) for _ in parts]
        yield _run(
            market,
            plan,
            name,
            (target for targets, _ in answers for target in targets),
            [failure for _, failures in answers for failure in failures],
        )
        bar.update()


def _decisions(
    market: _Market, plan: _Plan, name: str, strategy: Strategy, starts: list[int]
) -> tuple[list[Array | None], list[Failure]]:
    """Some of the decisions of a strategy, for another process."""
    failures: list[Failure] = []
    targets = [_decide_or_hold(market, plan, name, strategy, s, failures) for s in starts]
    return targets, failures


def _run(
    market: _Market,
    plan: _Plan,
    name: str,
    targets: Iterable[Array | None],
    failures: list[Failure],
    done: Callable[[], Any] = lambda: None,
) -> _Record:
    """At each review trade to the weights decided if the rule says so, and let them drift."""
    first = plan.first
    n_held = len(market.values) - first
    weights, turnover = np.zeros((n_held, len(market.labels))), np.zeros(n_held)
    turnover[0] = np.nan
    current, traded_at = np.zeros(len(market.labels)), None
    periods = pairwise([*plan.reviews.tolist(), len(market.values)])
    for (start, stop), target in zip(periods, targets, strict=True):
        if target is not None and _is_due(plan, current, target, start, traded_at):
            if traded_at is not None or start > first:
                turnover[start - first] = np.abs(target - current).sum()
            current, traded_at = target, start
        rows = weights[start - first : stop - first]
        current = _drift(market, name, current, start, stop, rows)
        done()
    return _Record(weights, turnover, failures)


def _is_due(plan: _Plan, current: Array, target: Array, start: int, traded_at: int | None) -> bool:
    if plan.threshold is None or traded_at is None:
        return True
    waited = start - traded_at >= plan.threshold.minimum_interval
    return waited and float(np.abs(current - target).max()) > plan.threshold.deviation


def _drift(market: _Market, name: str, weights: Array, start: int, stop: int, rows: Array) -> Array:
    """Fill in the weights at the start of periods `start` to `stop - 1`; those at the end."""
    growth = market.growth[start:stop].cumprod(axis=0)
    growth *= weights
    wealth = growth.sum(axis=1)
    wealth += (1.0 - weights.sum()) * market.riskless_growth[start:stop].cumprod()
    if not wealth[:-1].min(initial=1.0) > 0 or wealth[-1] == 0:
        period = int(np.flatnonzero(~(wealth > 0))[0])
        raise DataError(
            f"strategy {name!r} multiplies its wealth by {wealth[period]:.4g} up to "
            f"{market.dates[start + period]}: nothing is left to hold. Limit its leverage."
        )
    growth /= wealth[:, None]
    rows[0] = weights
    rows[1:] = growth[:-1]
    return np.asarray(growth[-1])


def _decide_or_hold(
    market: _Market,
    plan: _Plan,
    name: str,
    strategy: Strategy,
    start: int,
    failures: list[Failure],
) -> Array | None:
    """The weights decided before period `start`, or None where an error means to hold on."""
    try:
        return _decide(market, plan, strategy, start)
    except Exception as error:
        last = market.dates[start - 1]
        if plan.hold_on_error:
            failures.append((last, f"{type(error).__name__}: {error}"))
            return None
        error.add_note(f"Strategy {name!r}, deciding with data to {last}.")
        raise


def _decide(market: _Market, plan: _Plan, strategy: Strategy, start: int) -> Array:
    period = slice(int(plan.begins[start]), start)
    past, labels = market.values[period], market.labels
    offered: NDArray[np.bool_] | None = None
    if market.available is not None:
        offered = np.asarray(market.available[period].all(axis=0))
        if not offered.any():
            raise DataError("no asset has all returns of the window. Use a shorter one.")
        past, labels = past[:, offered], labels[offered]
    past = past.copy()
    if isinstance(strategy, OnArrays):
        past.flags.writeable = False
        answer = strategy(past)
    else:
        answer = strategy(pd.DataFrame(past, market.dates[period], labels, copy=False))
    weights, _ = read_vector(answer, len(labels), labels, "weights")
    net = float(weights.sum())
    if not market.any_net and abs(net - 1.0) > SUM_TOLERANCE:
        raise DataError(
            f"weights sum to {net:.6g}, not to 1, and nothing says what the rest of the wealth "
            "earns. Scale them, or pass risk_free (0.0 if it earns nothing)."
        )
    if offered is None:
        return weights
    everywhere = np.zeros(len(offered))
    everywhere[offered] = weights
    return everywhere


# ------------------------------------------------------------------ the result


def _assemble(
    market: _Market, plan: _Plan, records: Mapping[str, _Record], costs: float
) -> BacktestResult:
    dates, values = market.dates[plan.first :], market.values[plan.first :]
    gross = pd.DataFrame(
        {name: np.einsum("ta,ta->t", record.weights, values) for name, record in records.items()},
        dates,
    )
    turnover = pd.DataFrame({name: record.turnover for name, record in records.items()}, dates)
    return BacktestResult(
        returns=gross - costs * turnover.fillna(0.0),
        gross=gross,
        weights={
            name: pd.DataFrame(record.weights, dates, market.labels)
            for name, record in records.items()
        },
        turnover=turnover,
        failures=pd.DataFrame(
            [(name, *row) for name, record in records.items() for row in record.failures],
            columns=["strategy", "date", "error"],
        ),
        frozen=pd.DataFrame(
            [
                row
                for name, record in records.items()
                for row in _frozen(market, plan, name, record)
            ],
            columns=["strategy", "asset", "date"],
        ),
    )


def _frozen(
    market: _Market, plan: _Plan, name: str, record: _Record
) -> Iterator[tuple[str, Any, Any]]:
    if market.available is None:
        return
    held = (record.weights != 0) & np.logical_not(market.available[plan.first :])
    for row, column in np.argwhere(held):
        yield name, market.labels[column], market.dates[plan.first + row]
