"""Many covariance estimators in many portfolios, out of sample, with costs and tests.

Every estimator is put into every portfolio, and all of them run through
:func:`mixfolio.backtest.walk_forward` together: the same dates, the same windows of past returns,
the same costs. So records differ by the covariance alone, or by the portfolio alone. A covariance
is computed once for all portfolios of a date.

An estimator takes past returns and the groups of the assets and gives a covariance matrix, as in
:mod:`mixfolio.estimators`. A portfolio takes past returns and that matrix and gives weights.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from mixfolio import expected_returns, inference, metrics, mixed_model, optimization
from mixfolio._inputs import (
    checked,
    read_count,
    read_positive,
    read_returns,
    require_moving,
    require_order,
)
from mixfolio.backtest import BacktestResult, Strategy, walk_forward
from mixfolio.errors import DataError
from mixfolio.estimators import ESTIMATORS, Estimate, Estimator, FromLoadings
from mixfolio.inference import MeasureName, require_generator

__all__ = [
    "PORTFOLIOS",
    "conditions",
    "differences",
    "draw_assets",
    "evaluate",
    "league",
    "permute_groups",
    "through",
]

Portfolio: TypeAlias = Callable[[pd.DataFrame, Any], Any]

_RISK_AVERSION = 4.0
_BENCHMARKS = ("1/N", "LW identity")


def _mean_variance(mean: Any, matrix: Any) -> Any:
    return optimization.mean_variance(mean, matrix, risk_aversion=_RISK_AVERSION)


@dataclass(frozen=True)
class _OfMeans:
    """A portfolio that needs Bayes-Stein means; :func:`evaluate` computes them once per date.

    Attributes
    ----------
    finish : function
        Takes means and a covariance matrix, and gives weights.
    """

    finish: Callable[[Any, Any], Any]

    def __call__(self, past: pd.DataFrame, matrix: Any) -> Any:
        """Compute the means and finish."""
        return self.finish(expected_returns.bayes_stein(past), matrix)


PORTFOLIOS: Mapping[str, Portfolio] = {
    "minimum variance": lambda past, matrix: optimization.minimum_variance(matrix),
    "minimum variance, shorts": lambda past, matrix: optimization.minimum_variance(
        matrix, long_only=False
    ),
    "mean-variance": _OfMeans(_mean_variance),
    "risk parity": lambda past, matrix: optimization.risk_parity(matrix),
}
"""Mean-variance is long-only, with means shrunk as by Jorion and risk aversion 4."""


# ------------------------------------------------------------------ walk forward


def _remembered(estimate: Estimate, groups: Any) -> Callable[[pd.DataFrame], Any]:
    """An estimator for given groups that computes the covariance of a table only once.

    Tables are told apart by their names and by a digest of all their numbers, so that nothing is
    taken from a table that differs in any bit. Warnings of estimators (an asset that nearly copies
    another, for example) are not shown.

    Parameters
    ----------
    estimate : function
        Takes past returns and groups, and gives a covariance matrix.
    groups : Series or DataFrame, optional

    Returns
    -------
    function
        Takes past returns.
    """
    known: dict[tuple[Any, ...], Any] = {}

    def covariance_of(past: pd.DataFrame) -> Any:
        numbers = np.ascontiguousarray(past.to_numpy().T)  # as tables keep them
        key = (hashlib.sha256(numbers.data).digest(), numbers.shape, *past.columns)
        if key not in known:
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                known[key] = estimate(past, groups)
        return known[key]

    return covariance_of


def _sharing(estimator: Estimate, fit: Callable[[pd.DataFrame], Any]) -> Estimate:
    estimate = estimator.estimate if isinstance(estimator, Estimator) else estimator
    if isinstance(estimate, FromLoadings):
        return lambda past, groups: estimate.finish(past, fit(past))
    return estimate


def _combined(
    portfolio: Portfolio,
    covariance_of: Callable[[pd.DataFrame], Any],
    means_of: Callable[[pd.DataFrame], Any],
) -> Strategy:
    if isinstance(portfolio, _OfMeans):
        return lambda past: portfolio.finish(means_of(past), covariance_of(past))
    return lambda past: portfolio(past, covariance_of(past))


def _strategies(
    groups: Any = None,
    *,
    estimators: Mapping[str, Estimate] = ESTIMATORS,
    portfolios: Mapping[str, Portfolio] = PORTFOLIOS,
) -> dict[tuple[str, str], Strategy]:
    """Every portfolio with every estimator, and 1/N beside each portfolio.

    Parameters
    ----------
    groups : Series or DataFrame, optional
        Groups of the assets, for estimators that use them.
    estimators, portfolios : mapping of name to function

    Returns
    -------
    dict of (portfolio, estimator) to function of past returns
    """
    means_of = _remembered(lambda past, groups: expected_returns.bayes_stein(past), None)
    fit = _remembered(mixed_model.random_loadings, groups)
    shared = {
        name: _remembered(_sharing(estimate, fit), groups) for name, estimate in estimators.items()
    }
    table: dict[tuple[str, str], Strategy] = {}
    for kind, portfolio in portfolios.items():
        table[kind, "1/N"] = lambda past: optimization.equal_weight(past.columns)
        for name, covariance_of in shared.items():
            table[kind, name] = _combined(portfolio, covariance_of, means_of)
    return table


@checked
def evaluate(
    returns: pd.DataFrame,
    groups: Any = None,
    *,
    window: int,
    step: int,
    costs: float = 0.001,
    risk_free: "pd.Series[float] | None" = None,
    estimators: Mapping[str, Estimate] = ESTIMATORS,
    portfolios: Mapping[str, Portfolio] = PORTFOLIOS,
) -> BacktestResult:
    """Walk forward with every portfolio and every estimator.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns, in excess of the riskless asset if `risk_free` is given.
    groups : Series or DataFrame, optional
    window, step, costs, risk_free
        As in :func:`mixfolio.backtest.walk_forward`.
    estimators, portfolios : mapping of name to function

    Returns
    -------
    BacktestResult
        Strategies are named (portfolio, estimator), and "1/N" is one more estimator.

    Raises
    ------
    DataError, SingularCovarianceError
        As in :func:`mixfolio.backtest.walk_forward`, and from the estimators and portfolios, with
        a note of the strategy and the date.

    Examples
    --------
    Monthly volatility of minimum-variance portfolios that are rebalanced once per year:

    >>> from mixfolio import datasets, estimators
    >>> from mixfolio.studies import contests
    >>> returns = datasets.load("asset-classes")[["US Treasuries", "MSCI US", "MSCI Japan"]]
    >>> few = {name: estimators.ESTIMATORS[name] for name in ("sample", "LW identity")}
    >>> result = contests.evaluate(returns, window=120, step=12, estimators=few)
    >>> result.returns["minimum variance"].std().round(3).to_dict()
    {'1/N': 0.026, 'sample': 0.011, 'LW identity': 0.011}
    """
    # The names are pairs, so that tables have two levels of columns; the engine takes any label.
    table = _strategies(groups, estimators=estimators, portfolios=portfolios)
    return walk_forward(returns, table, window=window, step=step, costs=costs, risk_free=risk_free)


# ------------------------------------------------------------------ who is better


def _measure_of(portfolio: str) -> MeasureName:
    """What a portfolio is judged by: log variance if that is its aim, else the Sharpe ratio.

    Parameters
    ----------
    portfolio : str

    Returns
    -------
    {"log_variance", "sharpe"}
    """
    return "log_variance" if portfolio.startswith("minimum variance") else "sharpe"


@checked
def league(
    result: BacktestResult,
    portfolio: str,
    *,
    periods_per_year: float,
    rng: np.random.Generator,
    n_resamples: int = 999,
    risk_free: "pd.Series[float] | None" = None,
    benchmarks: Sequence[str] = _BENCHMARKS,
) -> pd.DataFrame:
    """What the estimators did in one portfolio, with the tests that say who can be told apart.

    Parameters
    ----------
    result : BacktestResult
        From :func:`evaluate`.
    portfolio : str
    periods_per_year : float
    rng : numpy.random.Generator
    n_resamples : int
        Of the circular block bootstrap.
    risk_free : Series, optional
        Added to the returns before drawdowns are taken, if those are excess returns.
    benchmarks : sequence of str
        Estimators, or "1/N".

    Returns
    -------
    DataFrame
        One row per estimator, in the order of the result: annual volatility and sharpe, after
        costs; maximum_drawdown; annual turnover; effective_number, distance_to_equal and
        gross_exposure, as in :meth:`~mixfolio.backtest.BacktestResult.summary`; in_set, whether
        it is in the model confidence set at 90 %, by its own measure; and for every benchmark
        ``p (benchmark)``, adjusted by stepdown for the number of estimators.

    Raises
    ------
    DataError
        If the portfolio or a benchmark is not among the results.

    Examples
    --------
    Which of these may have the lowest variance? The model confidence set (MCS) says:

    >>> import numpy as np
    >>> from mixfolio import datasets, estimators
    >>> from mixfolio.studies import contests
    >>> returns = datasets.load("asset-classes")[["US Treasuries", "MSCI US", "MSCI Japan"]]
    >>> few = {name: estimators.ESTIMATORS[name] for name in ("sample", "LW identity")}
    >>> result = contests.evaluate(returns, window=120, step=12, estimators=few)
    >>> options = {"periods_per_year": 12, "rng": np.random.default_rng(1), "n_resamples": 99}
    >>> contests.league(result, "minimum variance", **options)["in_set"].to_dict()
    {'1/N': False, 'sample': True, 'LW identity': False}
    """
    require_generator(rng)
    records = _records(result, portfolio)
    measure = _measure_of(portfolio)
    table = _described(result, portfolio, periods_per_year)
    wealth = records if risk_free is None else records.add(risk_free[records.index], axis=0)
    table["maximum_drawdown"] = metrics.maximum_drawdown(wealth)
    chosen = inference.model_confidence_set(
        records,
        measure="variance" if measure == "log_variance" else measure,
        rng=rng,
        n_resamples=n_resamples,
    )
    table["in_set"] = chosen["included"]
    for name in benchmarks:
        steps = inference.stepdown(records, name, measure=measure, rng=rng, n_resamples=n_resamples)
        table[f"p ({name})"] = steps["adjusted"]
    return table


def _records(result: BacktestResult, portfolio: str) -> pd.DataFrame:
    if portfolio not in _kinds(result):
        raise DataError(f"portfolio is {portfolio!r}; the result has {_kinds(result)}.")
    return pd.DataFrame(result.returns[portfolio])


def _kinds(result: BacktestResult) -> list[str]:
    return list(result.returns.columns.get_level_values(0).unique())


def _described(result: BacktestResult, portfolio: str, periods_per_year: float) -> pd.DataFrame:
    summary = pd.DataFrame(result.summary(periods_per_year).loc[portfolio])
    summary["turnover"] *= periods_per_year
    shown = ["volatility", "sharpe", "maximum_drawdown", "turnover", "effective_number"]
    return summary[[*shown, "distance_to_equal", "gross_exposure"]]


@checked
def differences(
    result: BacktestResult,
    name: str,
    rivals: Sequence[str],
    *,
    periods_per_year: float,
    rng: np.random.Generator,
    n_resamples: int = 999,
) -> pd.DataFrame:
    """One estimator against some others in every portfolio, with confidence intervals of 95 %.

    Parameters
    ----------
    result : BacktestResult
        From :func:`evaluate`.
    name : str
    rivals : sequence of str
    periods_per_year : float
    rng : numpy.random.Generator
    n_resamples : int

    Returns
    -------
    DataFrame
        One row per portfolio and rival, with difference, low, high, p_value and verdict. Where the
        aim is low variance, the difference is that of volatility as a fraction of the rival's;
        else it is that of annual Sharpe ratios. The verdict is "win" or "loss" if the interval
        leaves out zero, else "tie". Not adjusted for the number of rows.

    Raises
    ------
    DataError
        If an estimator is not among the results.

    Examples
    --------
    Against 1/N, the sample covariance wins where low variance is the aim:

    >>> import numpy as np
    >>> from mixfolio import datasets, estimators
    >>> from mixfolio.studies import contests
    >>> returns = datasets.load("asset-classes")[["US Treasuries", "MSCI US", "MSCI Japan"]]
    >>> few = {"sample": estimators.ESTIMATORS["sample"]}
    >>> result = contests.evaluate(returns, window=120, step=12, estimators=few)
    >>> options = {"periods_per_year": 12, "rng": np.random.default_rng(1), "n_resamples": 99}
    >>> contests.differences(result, "sample", ["1/N"], **options)["verdict"].tolist()
    ['win', 'win', 'tie', 'tie']
    """
    if not rivals:
        raise DataError("rivals is empty; name at least one estimator of the result.")
    rows = {}
    for portfolio in _kinds(result):
        records = result.returns[portfolio]
        unknown = [each for each in (name, *rivals) if each not in records]
        if unknown:
            raise DataError(f"the result has no estimator {unknown}; it has {list(records)}.")
        for rival in rivals:
            rows[portfolio, rival] = _difference(
                records[name],
                records[rival],
                _measure_of(portfolio),
                periods_per_year,
                rng=rng,
                n_resamples=n_resamples,
            )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["portfolio", "rival"])


def _difference(
    ours: "pd.Series[float]",
    theirs: "pd.Series[float]",
    measure: MeasureName,
    periods_per_year: float,
    **options: Any,
) -> dict[str, Any]:
    if measure == "log_variance":
        found = inference.variance_difference(ours, theirs, **options)
        values = np.expm1(np.array([found.estimate, *found.interval]) / 2)
        better = -1.0
    else:
        found = inference.sharpe_difference(ours, theirs, **options)
        values = np.array([found.estimate, *found.interval]) * np.sqrt(periods_per_year)
        better = 1.0
    apart = values[1] > 0 or values[2] < 0
    verdict = ("win" if values[0] * better > 0 else "loss") if apart else "tie"
    shown = dict(zip(("difference", "low", "high"), values.tolist(), strict=True))
    return {**shown, "p_value": found.p_value, "verdict": verdict}


# ------------------------------------------------------------------ crises


@checked
def conditions(
    returns: pd.DataFrame, windows: Mapping[str, tuple[Any, Any]], periods_per_year: float
) -> pd.DataFrame:
    """How assets moved in some spans of time, and in all the others.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
    windows : mapping of name to (first, last) period
    periods_per_year : float

    Returns
    -------
    DataFrame
        One row per window and one "otherwise": n_periods, mean correlation over pairs of assets,
        and mean volatility over assets, decimal per year.

    Raises
    ------
    DataError
        If a window holds fewer than three periods.

    Examples
    --------
    In the crisis of 2008 stock markets fell together:

    >>> from mixfolio import datasets
    >>> from mixfolio.studies import contests
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan"]]
    >>> table = contests.conditions(returns, {"2008": ("2008-07", "2009-03")}, 12)
    >>> table["correlation"].round(2).to_dict()
    {'2008': 0.87, 'otherwise': 0.58}
    """
    rest, rows = pd.Series(data=True, index=returns.index), {}
    returns = _record(returns)
    if returns.shape[1] < 2:
        raise DataError("returns has one asset; a correlation needs two or more.")
    require_moving(returns.to_numpy(), returns.columns)
    read_positive(periods_per_year, "periods_per_year")
    for name, (first, last) in _pairs(windows):
        rows[name] = _moved(returns.loc[first:last], name, periods_per_year)
        rest.loc[first:last] = False
    rows["otherwise"] = _moved(returns[rest], "otherwise", periods_per_year)
    return pd.DataFrame.from_dict(rows, orient="index")


def _moved(part: pd.DataFrame, name: str, periods_per_year: float) -> dict[str, float]:
    if len(part) < 3:
        raise DataError(f"{name} has {len(part)} period(s); a correlation needs at least 3.")
    correlation = np.corrcoef(part.to_numpy().T)
    n = len(correlation)
    return {
        "n_periods": len(part),
        "correlation": float((correlation.sum() - n) / (n * (n - 1))),
        "volatility": float(part.std().mean() * np.sqrt(periods_per_year)),
    }


def _record(records: pd.DataFrame) -> pd.DataFrame:
    """Numbers of every period, in order of time."""
    require_order(records, "records")
    if records.index.hasnans:
        raise DataError("records has rows without a period. Drop them.")
    return pd.DataFrame(read_returns(records)[0], records.index, records.columns)


def _pairs(windows: Mapping[str, tuple[Any, Any]]) -> Iterable[tuple[str, tuple[Any, Any]]]:
    """Windows by name, each of a first and a last period."""
    for name, window in windows.items():
        if not isinstance(window, tuple | list) or len(window) != 2:
            raise DataError(f"window {name!r} is {window!r}; it must be (first, last) period.")
        yield name, (window[0], window[1])


@checked
def through(records: pd.DataFrame, windows: Mapping[str, tuple[Any, Any]]) -> pd.DataFrame:
    """What records earned over some spans of time, and how far they fell in them.

    Parameters
    ----------
    records : DataFrame of shape (n_periods, n_strategies)
        Total returns, decimal.
    windows : mapping of name to (first, last) period

    Returns
    -------
    DataFrame of shape (n_strategies, 2 * n_windows)
        Columns (window, "return" or "drawdown"), decimal.

    Raises
    ------
    DataError
        If a window holds no period.

    Examples
    --------
    What bonds and stocks earned in the crisis of 2008:

    >>> from mixfolio import datasets
    >>> from mixfolio.studies import contests
    >>> returns = datasets.load("asset-classes")[["US Treasuries", "MSCI US"]]
    >>> table = contests.through(returns, {"2008": ("2008-07", "2009-03")})
    >>> table["2008", "return"].round(3).to_dict()
    {'US Treasuries': 0.098, 'MSCI US': -0.37}
    """
    columns = {}
    records = _record(records)
    for name, (first, last) in _pairs(windows):
        part = records.loc[first:last]
        if part.empty:
            raise DataError(f"{name} has no period among {records.index[0]}..{records.index[-1]}.")
        columns[name, "return"] = (1 + part).clip(lower=0).prod() - 1
        columns[name, "drawdown"] = metrics.maximum_drawdown(part)
    return pd.DataFrame(columns)


# ------------------------------------------------------------------ which assets, which groups


@checked
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

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from mixfolio.studies import contests
    >>> names = ["AXP", "JPM", "BAC", "KO", "PG"]
    >>> sector = pd.Series(["finance", "finance", "finance", "staples", "staples"], names)
    >>> contests.draw_assets(sector, 2, np.random.default_rng(1))
    ['AXP', 'JPM', 'PG', 'KO']
    """
    per_group = read_count(per_group, "per_group")
    names = []
    for group, members in sorted(groups.groupby(groups).groups.items()):
        if len(members) < per_group:
            raise DataError(f"group {group!r} has {len(members)} asset(s), not {per_group}.")
        names += list(rng.choice(np.array(members), per_group, replace=False))
    return names


@checked
def permute_groups(groups: pd.Series, rng: np.random.Generator) -> pd.Series:
    """The same labels on other assets: a negative control of whatever uses groups.

    Parameters
    ----------
    groups : Series of length n_assets
    rng : numpy.random.Generator

    Returns
    -------
    Series of length n_assets

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from mixfolio.studies import contests
    >>> sector = pd.Series(["finance", "finance", "staples"], ["AXP", "JPM", "KO"])
    >>> contests.permute_groups(sector, np.random.default_rng(2)).to_dict()
    {'AXP': 'staples', 'JPM': 'finance', 'KO': 'finance'}
    """
    return pd.Series(rng.permutation(groups.to_numpy()), index=groups.index, name=groups.name)
