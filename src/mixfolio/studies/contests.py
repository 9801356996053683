"""Many covariance estimators in many portfolios, out of sample, with costs and tests.

Every estimator is put into every portfolio, and all of them run through
:func:`mixfolio.backtest.walk_forward` together: the same dates, the same windows of past returns,
the same costs. So records differ by the covariance alone, or by the portfolio alone. A covariance
is computed once for all portfolios of a date.

An estimator takes past returns and the groups of the assets and gives a covariance matrix, as in
:mod:`mixfolio.studies.minimum_variance`. A portfolio takes past returns and that matrix and gives
weights.

:func:`rejections`, :func:`formula_rejections` and :func:`family_errors` are about the tests
themselves: how often they reject a hypothesis that is true.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import norm, t

from mixfolio import (
    covariance,
    expected_returns,
    inference,
    metrics,
    mixed_model,
    optimization,
    relationship,
)
from mixfolio._inputs import Array, read_count
from mixfolio.backtest import BacktestResult, Strategy, walk_forward
from mixfolio.errors import DataError
from mixfolio.inference import MeasureName, require_generator
from mixfolio.studies import minimum_variance
from mixfolio.studies.minimum_variance import Estimator

__all__ = [
    "BENCHMARKS",
    "ESTIMATORS",
    "PORTFOLIOS",
    "PROCESSES",
    "RISK_AVERSION",
    "OfLoadings",
    "OfMeans",
    "conditions",
    "differences",
    "evaluate",
    "family_errors",
    "formula_rejections",
    "league",
    "measure_of",
    "rejections",
    "remembered",
    "strategies",
    "through",
]

Portfolio: TypeAlias = Callable[[pd.DataFrame, Any], Any]
Process = Literal["i.i.d.", "AR(1)", "GARCH", "common GARCH"]

RISK_AVERSION = 4.0
BENCHMARKS = ("1/N", "LW identity")


def _kernel(returns: pd.DataFrame, groups: Any) -> Any:
    kernel = {"group": relationship.from_groups(groups)}
    return mixed_model.covariance(returns, relationship=kernel)


def _mean_variance(mean: Any, matrix: Any) -> Any:
    return optimization.mean_variance(mean, matrix, risk_aversion=RISK_AVERSION)


@dataclass(frozen=True)
class OfMeans:
    """A portfolio that needs Bayes-Stein means; :func:`strategies` computes them once a date.

    Attributes
    ----------
    finish : function
        Takes means and a covariance matrix, and gives weights.
    """

    finish: Callable[[Any, Any], Any]

    def __call__(self, past: pd.DataFrame, matrix: Any) -> Any:
        """Compute the means and finish."""
        return self.finish(expected_returns.bayes_stein(past), matrix)


@dataclass(frozen=True)
class OfLoadings:
    """An estimator that starts from random loadings; :func:`strategies` fits them once a date.

    Attributes
    ----------
    finish : function
        Takes past returns and the fitted :class:`~mixfolio.mixed_model.LoadingModel`, and gives
        a covariance matrix.
    """

    finish: Callable[[pd.DataFrame, Any], Any]

    def __call__(self, returns: pd.DataFrame, groups: Any) -> Any:
        """Fit and finish."""
        return self.finish(returns, mixed_model.random_loadings(returns, groups))


ESTIMATORS: Mapping[str, Estimator] = {
    **{name: each for name, each in minimum_variance.ESTIMATORS.items() if name != "1/N"},
    "random loadings": OfLoadings(lambda returns, model: model.covariance()),
    "random loadings, shrunk": OfLoadings(covariance.empirical_bayes),
    "mixed model, kernel": _kernel,
    "winsorised": lambda returns, groups: covariance.winsorised(returns),
    "Tyler": lambda returns, groups: covariance.tyler(returns),
}
"""The covariances of the book. "mixed model, kernel" knows groups by one relationship matrix."""

PORTFOLIOS: Mapping[str, Portfolio] = {
    "minimum variance": lambda past, matrix: optimization.minimum_variance(matrix),
    "minimum variance, shorts": lambda past, matrix: optimization.minimum_variance(
        matrix, long_only=False
    ),
    "mean-variance": OfMeans(_mean_variance),
    "risk parity": lambda past, matrix: optimization.risk_parity(matrix),
}
"""Mean-variance is long-only, with means shrunk as by Jorion and risk aversion 4."""

PROCESSES: tuple[Process, ...] = ("i.i.d.", "AR(1)", "GARCH", "common GARCH")


# ------------------------------------------------------------------ walk forward


def remembered(estimate: Estimator, groups: Any) -> Callable[[pd.DataFrame], Any]:
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


def _sharing(estimate: Estimator, fit: Callable[[pd.DataFrame], Any]) -> Estimator:
    if isinstance(estimate, OfLoadings):
        return lambda past, groups: estimate.finish(past, fit(past))
    return estimate


def _combined(
    portfolio: Portfolio,
    covariance_of: Callable[[pd.DataFrame], Any],
    means_of: Callable[[pd.DataFrame], Any],
) -> Strategy:
    if isinstance(portfolio, OfMeans):
        return lambda past: portfolio.finish(means_of(past), covariance_of(past))
    return lambda past: portfolio(past, covariance_of(past))


def strategies(
    groups: Any = None,
    *,
    estimators: Mapping[str, Estimator] = ESTIMATORS,
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
    means_of = remembered(lambda past, groups: expected_returns.bayes_stein(past), None)
    fit = remembered(mixed_model.random_loadings, groups)
    shared = {
        name: remembered(_sharing(estimate, fit), groups) for name, estimate in estimators.items()
    }
    table: dict[tuple[str, str], Strategy] = {}
    for kind, portfolio in portfolios.items():
        table[kind, "1/N"] = lambda past: optimization.equal_weight(past.columns)
        for name, covariance_of in shared.items():
            table[kind, name] = _combined(portfolio, covariance_of, means_of)
    return table


def evaluate(
    returns: pd.DataFrame,
    groups: Any = None,
    *,
    window: int,
    step: int,
    costs: float = 0.001,
    risk_free: "pd.Series[float] | None" = None,
    estimators: Mapping[str, Estimator] = ESTIMATORS,
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
    """
    # The names are pairs, so that tables have two levels of columns; the engine takes any label.
    table = strategies(groups, estimators=estimators, portfolios=portfolios)
    return walk_forward(returns, table, window=window, step=step, costs=costs, risk_free=risk_free)


# ------------------------------------------------------------------ who is better


def measure_of(portfolio: str) -> MeasureName:
    """What a portfolio is judged by: log variance if that is its aim, else the Sharpe ratio.

    Parameters
    ----------
    portfolio : str

    Returns
    -------
    {"log_variance", "sharpe"}
    """
    return "log_variance" if portfolio.startswith("minimum variance") else "sharpe"


def league(
    result: BacktestResult,
    portfolio: str,
    *,
    periods_per_year: float,
    rng: np.random.Generator,
    n_resamples: int = 999,
    risk_free: "pd.Series[float] | None" = None,
    benchmarks: Sequence[str] = BENCHMARKS,
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
        One row an estimator, in the order of the result: volatility and sharpe a year, after
        costs; maximum_drawdown; turnover a year; effective_number, distance_to_equal and
        gross_exposure, as in :meth:`~mixfolio.backtest.BacktestResult.summary`; in_set, whether
        it is in the model confidence set at 90 %, by :func:`measure_of`; and for every benchmark
        ``p (benchmark)``, adjusted by stepdown for the number of estimators.

    Raises
    ------
    DataError
        If the portfolio or a benchmark is not among the results.
    """
    require_generator(rng)
    records = _records(result, portfolio)
    measure = measure_of(portfolio)
    table = _described(result, portfolio, periods_per_year)
    wealth = records if risk_free is None else records.add(risk_free[records.index], axis=0)
    table["maximum_drawdown"] = wealth.apply(metrics.maximum_drawdown)
    chosen = inference.model_confidence_set(
        records, measure=measure, rng=rng, n_resamples=n_resamples
    )
    table["in_set"] = chosen["included"]
    for name in benchmarks:
        steps = inference.stepdown(records, name, measure=measure, rng=rng, n_resamples=n_resamples)
        table[f"p ({name})"] = steps["adjusted"]
    return table


def _records(result: BacktestResult, portfolio: str) -> pd.DataFrame:
    if portfolio not in _kinds(result):
        raise DataError(f"portfolio is {portfolio!r}; the result has {_kinds(result)}.")
    return result.returns[portfolio]


def _kinds(result: BacktestResult) -> list[str]:
    return list(result.returns.columns.get_level_values(0).unique())


def _described(result: BacktestResult, portfolio: str, periods_per_year: float) -> pd.DataFrame:
    summary = result.summary(periods_per_year).loc[portfolio]
    summary["turnover"] *= periods_per_year
    shown = ["volatility", "sharpe", "maximum_drawdown", "turnover", "effective_number"]
    return summary[[*shown, "distance_to_equal", "gross_exposure"]]


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
        One row a portfolio and rival, with difference, low, high, p_value and verdict. Where the
        aim is low variance, the difference is that of volatility as a fraction of the rival's;
        else it is that of Sharpe ratios a year. The verdict is "win" or "loss" if the interval
        leaves out zero, else "tie". Not adjusted for the number of rows.

    Raises
    ------
    DataError
        If an estimator is not among the results.
    """
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
                measure_of(portfolio),
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
        One row a window, and "otherwise": n_periods, the mean correlation over pairs of assets,
        and the mean volatility over assets, decimal a year.

    Raises
    ------
    DataError
        If a window holds fewer than three periods.
    """
    rest, rows = pd.Series(data=True, index=returns.index), {}
    for name, (first, last) in windows.items():
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
    """
    columns = {}
    for name, (first, last) in windows.items():
        part = records.loc[first:last]
        if part.empty:
            raise DataError(f"{name} has no period among {records.index[0]}..{records.index[-1]}.")
        columns[name, "return"] = (1 + part).prod() - 1
        columns[name, "drawdown"] = part.apply(metrics.maximum_drawdown)
    return pd.DataFrame(columns)


# ------------------------------------------------------------------ do the tests keep their level?


def rejections(
    rng: np.random.Generator,
    *,
    process: Process = "i.i.d.",
    n_periods: int = 120,
    sharpe: float = 0.3,
    correlation: float = 0.8,
    n_resamples: int = 199,
    block_length: int | None = None,
    level: float = 0.05,
) -> dict[str, float]:
    """Whether tests reject that two records of one law have equal Sharpe ratios and variances.

    Both records have variance 1 and the same mean. For :func:`mixfolio.montecarlo.run`: the mean
    of a column is the rate at which a test rejects a true hypothesis, and should be `level`.

    Parameters
    ----------
    rng : numpy.random.Generator
    process : {"i.i.d.", "AR(1)", "GARCH", "common GARCH"}
        Normal; normal with autocorrelation 0.3; or GARCH(1,1) with 0.15 of the last squared shock
        and 0.80 of the last variance, of each record by itself or in common, with the mean of all
        squared shocks.
    n_periods : int
    sharpe : float
        Of both, per period.
    correlation : float
        Of the normal variables that drive the two, from 0 to 1.
    n_resamples : int
    block_length : int, optional
        Of the bootstrap; the cube root of the number of periods by default.
    level : float

    Returns
    -------
    dict
        1.0 for a rejection, else 0.0: "Jobson-Korkie-Memmel" and "bootstrap, Sharpe" for equal
        Sharpe ratios; "Pitman-Morgan" and "bootstrap, variance" for equal variances.

    Raises
    ------
    DataError
        If the process is unknown or there are too few periods.

    References
    ----------
    Pitman, E. J. G. (1939). A note on normal correlation. Biometrika 31, 9-12.
    """
    pair = _pair(process, read_count(n_periods, "n_periods", 20), correlation, rng) + sharpe
    first, second = pair.T
    options: dict[str, Any] = {
        "rng": rng,
        "n_resamples": n_resamples,
        "block_length": block_length,
    }
    p = {
        "Jobson-Korkie-Memmel": inference.jobson_korkie_memmel(first, second).p_value,
        "bootstrap, Sharpe": inference.sharpe_difference(first, second, **options).p_value,
        "Pitman-Morgan": float(_pitman(pair[None])[0]),
        "bootstrap, variance": inference.variance_difference(first, second, **options).p_value,
    }
    return {name: float(value <= level) for name, value in p.items()}


def formula_rejections(
    rng: np.random.Generator,
    *,
    n_pairs: int = 1000,
    process: Process = "i.i.d.",
    n_periods: int = 120,
    sharpe: float = 0.3,
    correlation: float = 0.8,
    level: float = 0.05,
) -> dict[str, float]:
    """Rates at which the two formulas of :func:`rejections` reject, over many pairs at once.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_pairs : int
    process, n_periods, sharpe, correlation, level
        As in :func:`rejections`.

    Returns
    -------
    dict
        Share of pairs for "Jobson-Korkie-Memmel" and for "Pitman-Morgan".

    Raises
    ------
    DataError
        As :func:`rejections` does.
    """
    n_pairs, n_periods = read_count(n_pairs, "n_pairs"), read_count(n_periods, "n_periods", 20)
    pairs = _draw(process, n_periods, 2, correlation, rng, n_pairs) + sharpe
    p = {"Jobson-Korkie-Memmel": _memmel(pairs), "Pitman-Morgan": _pitman(pairs)}
    return {name: float((values <= level).mean()) for name, values in p.items()}


def _memmel(pairs: Array) -> Array:
    """p-values of :func:`mixfolio.inference.jobson_korkie_memmel`, one a pair."""
    ratios = pairs.mean(axis=1) / pairs.std(axis=1, ddof=1)
    rho = _correlations(pairs[..., 0], pairs[..., 1])
    squares = (ratios**2).sum(axis=1) - 2 * ratios.prod(axis=1) * rho**2
    error = np.sqrt((2 - 2 * rho + squares / 2) / pairs.shape[1])
    return np.asarray(2 * norm.sf(np.abs(ratios[:, 0] - ratios[:, 1]) / error))


def _pitman(pairs: Array) -> Array:
    """p-values of equal variances: are sum and difference uncorrelated?"""
    rho = _correlations(pairs.sum(axis=2), pairs[..., 0] - pairs[..., 1])
    freedom = pairs.shape[1] - 2
    return np.asarray(2 * t.sf(np.abs(rho) * np.sqrt(freedom / (1 - rho**2)), freedom))


def _correlations(first: Array, second: Array) -> Array:
    """Of rows with rows."""
    a = first - first.mean(axis=1, keepdims=True)
    b = second - second.mean(axis=1, keepdims=True)
    return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def family_errors(
    rng: np.random.Generator,
    *,
    process: Process = "i.i.d.",
    n_periods: int = 120,
    n_records: int = 5,
    sharpe: float = 0.3,
    correlation: float = 0.8,
    n_resamples: int = 199,
) -> dict[str, float]:
    """Whether procedures for many records err, where all records follow one law.

    No record beats another, and all are the best. So every claim of the stepdown is false, and the
    model confidence set should hold them all. For :func:`mixfolio.montecarlo.run`: the means should
    be at most 0.05 for the stepdown and 0.10 for the set.

    Parameters
    ----------
    rng : numpy.random.Generator
    process, n_periods, sharpe, correlation, n_resamples
        As in :func:`rejections`.
    n_records : int

    Returns
    -------
    dict
        1.0 for an error, else 0.0, by variance and by Sharpe ratio: "stepdown" if any adjusted
        p-value against the last record is at most 0.05, "confidence set" if the set at 90 % lacks
        any record.

    Raises
    ------
    DataError
        As :func:`rejections` does.
    """
    n_periods, n_records = (
        read_count(n_periods, "n_periods", 20),
        read_count(n_records, "n_records", 2),
    )
    table = pd.DataFrame(_draw(process, n_periods, n_records, correlation, rng)[0] + sharpe)
    measures: dict[str, MeasureName] = {"variance": "log_variance", "Sharpe": "sharpe"}
    found = {}
    for name, measure in measures.items():
        options: dict[str, Any] = {"measure": measure, "rng": rng, "n_resamples": n_resamples}
        steps = inference.stepdown(table, n_records - 1, **options)
        kept = inference.model_confidence_set(table, level=0.90, **options)
        found[f"stepdown, {name}"] = float((steps["adjusted"] <= 0.05).any())
        found[f"confidence set, {name}"] = float(not kept["included"].all())
    return found


BURN_IN = 100
AUTOCORRELATION = 0.3
ALPHA, BETA = 0.15, 0.80


def _pair(process: str, n_periods: int, correlation: float, rng: np.random.Generator) -> Array:
    return np.asarray(_draw(process, n_periods, 2, correlation, rng)[0])


def _draw(
    process: str,
    n_periods: int,
    n_records: int,
    correlation: float,
    rng: np.random.Generator,
    n_worlds: int = 1,
) -> Array:
    """Records of mean 0 and variance 1, of shape (n_worlds, n_periods, n_records)."""
    if process not in PROCESSES:
        raise DataError(f"process is {process!r}; it must be one of {list(PROCESSES)}.")
    shape = n_periods + BURN_IN, n_worlds
    common = np.sqrt(correlation) * rng.standard_normal((*shape, 1))
    z = common + np.sqrt(1 - correlation) * rng.standard_normal((*shape, n_records))
    if process == "AR(1)":
        a = AUTOCORRELATION
        z = np.asarray(lfilter([np.sqrt(1 - a**2)], [1, -a], z, axis=0))
    elif process != "i.i.d.":
        z = _garch(z, common=process == "common GARCH")
    return np.asarray(z[BURN_IN:].swapaxes(0, 1))


def _garch(z: Array, *, common: bool) -> Array:
    squares = np.square(z).mean(axis=-1, keepdims=True) if common else np.square(z)
    growth, variance = ALPHA * squares + BETA, np.ones_like(squares)
    for period in range(1, len(z)):
        variance[period] = 1 - ALPHA - BETA + growth[period - 1] * variance[period - 1]
    return np.asarray(np.sqrt(variance) * z)
