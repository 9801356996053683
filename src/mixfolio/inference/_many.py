"""Many track records at once: which beat a benchmark, and which may be the best.

With many comparisons some come out significant by luck. The stepdown procedure StepM of Romano and
Wolf (2005) keeps the probability of even one false claim at the level: it compares each studentised
difference with the distribution of the largest one, drops what it rejects, and goes on. The model
confidence set (MCS) of Hansen, Lunde and Nason (2011) needs no benchmark: it drops the worst record
until those that are left cannot be told apart. All records share their resamples, so that their
dependence is kept.

References
----------
Hansen, P. R., Lunde, A. and Nason, J. M. (2011). The model confidence set. Econometrica 79,
453-497.
Romano, J. P. and Wolf, M. (2005). Stepwise multiple testing as formalized data snooping.
Econometrica 73, 1237-1282.
Romano, J. P. and Wolf, M. (2016). Efficient computation of adjusted p-values for resampling-based
stepdown multiple testing. Statistics and Probability Letters 113, 38-40.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    checked_but,
    read_count,
    read_number,
    read_returns,
    require_order,
)
from mixfolio.errors import DataError
from mixfolio.inference import _bootstrap
from mixfolio.inference._bootstrap import MeasureName, read_block_length, require_generator

# The better a record, the higher its Sharpe ratio, and the lower its variance.
BETTER = {"sharpe": 1.0, "variance": -1.0, "log_variance": -1.0}


@checked_but("returns", "rng")
def stepdown(
    returns: pd.DataFrame,
    benchmark: Any,
    *,
    measure: MeasureName = "log_variance",
    rng: np.random.Generator,
    n_resamples: int = 4999,
    block_length: int | None = None,
) -> pd.DataFrame:
    """Differences to a benchmark, with p-values adjusted for their number (StepM).

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Track records of the same periods, decimal simple returns; excess returns for Sharpe ratios.
    benchmark : label
        The column with which the others are compared.
    measure : {"log_variance", "variance", "sharpe"}
    rng : numpy.random.Generator
        Draws ``n_periods // block_length`` starts of blocks for every resample in turn.
    n_resamples : int
    block_length : int, optional
        Periods per block; the cube root of the number of periods by default.

    Returns
    -------
    DataFrame of shape (n_strategies - 1, 4)
        difference (of the strategy less that of the benchmark, per period), standard_error,
        p_value of each alone, and adjusted: rejecting where it is at most 0.05 makes one or more
        false claims with probability 0.05. Two-sided.

    Raises
    ------
    DataError
        If the returns are unusable, a record is constant, in a resample too, or the same as the
        benchmark, there are fewer than 20 periods, the benchmark is no column, or an argument is
        out of range.

    Notes
    -----
    Romano and Wolf (2005), algorithm 4.1 with studentised statistics as in Ledoit and Wolf (2008);
    adjusted p-values by Romano and Wolf (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import datasets, inference
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> table = inference.stepdown(returns, "MSCI US", rng=np.random.default_rng(0))
    >>> table["difference"].round(2).to_dict()  # of log variances
    {'MSCI Japan': 0.19, 'US Treasuries': -2.39}
    >>> (table["adjusted"] <= 0.05).to_dict()
    {'MSCI Japan': False, 'US Treasuries': True}
    """
    values, scale = _read_records(returns, measure)
    known = isinstance(benchmark, Hashable) and benchmark in returns.columns
    if not known or returns.shape[1] < 2:
        raise DataError(
            f"benchmark is {benchmark!r}; it must be one of two or more columns of returns, "
            f"{list(returns.columns)[:8]}."
        )
    length = read_block_length(block_length, len(values))
    require_generator(rng)
    n_resamples = read_count(n_resamples, "n_resamples", 99)
    place = list(returns.columns).index(benchmark)
    order = [*(j for j in range(values.shape[1]) if j != place), place]
    values, names = values[:, order], returns.columns[order]
    gaps, errors = _gaps(values, measure, names)
    drawn = _bootstrap.studentised_differences(
        values, _bootstrap.MEASURES[measure], length, n_resamples, rng, list(names)
    )
    observed = np.abs(gaps) / errors
    alone = ((drawn >= observed).sum(axis=0) + 1) / (n_resamples + 1)
    unit = {"sharpe": scale, "variance": scale**2}.get(measure, 1.0)
    return pd.DataFrame(
        {
            "difference": gaps * unit,
            "standard_error": errors * unit,
            "p_value": alone,
            "adjusted": _adjusted(observed, drawn),
        },
        names[:-1],
    )


def _gaps(values: Array, measure: MeasureName, names: Any) -> tuple[Array, Array]:
    """Differences to the last record, and their standard errors."""
    found, influences = _bootstrap.influences(values, _bootstrap.MEASURES[measure])
    apart = influences[:, :-1] - influences[:, -1:]
    errors = np.sqrt(_bootstrap.newey_west(apart) / len(values))
    same = np.flatnonzero(~(errors > 1e-12))
    if len(same):
        raise DataError(
            f"{names[same[0]]!s} and the benchmark {names[-1]!s} are the same record. Leave one "
            "out."
        )
    return found[:-1] - found[-1], errors


def _adjusted(observed: Array, drawn: Array) -> Array:
    """Stepdown p-values: the k-th largest statistic against the maximum over those not larger."""
    order = np.argsort(-observed)
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    p = ((largest >= observed[order]).sum(axis=0) + 1) / (len(drawn) + 1)
    adjusted: Array = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p)
    return adjusted


@checked_but("returns", "rng")
def model_confidence_set(
    returns: pd.DataFrame,
    *,
    measure: MeasureName = "variance",
    level: float = 0.90,
    rng: np.random.Generator,
    n_resamples: int = 4999,
    block_length: int | None = None,
) -> pd.DataFrame:
    """Records that cannot be told from the best: the model confidence set (MCS).

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Track records of the same periods, decimal simple returns; excess returns for Sharpe ratios.
    measure : {"variance", "sharpe", "log_variance"}
        The best has the lowest variance, or the highest Sharpe ratio. The set by log variances
        drops records that it should keep more often than the level allows.
    level : float
        The set holds the truly best record with at least this probability in large samples.
    rng, n_resamples, block_length
        As in :func:`stepdown`.

    Returns
    -------
    DataFrame of shape (n_strategies, 3)
        Best first: value (the measure, per period), p_value, and included, which says whether the
        p-value is above ``1 - level``.

    Raises
    ------
    DataError
        If the returns are unusable, a record is constant, in a resample too, there are fewer than
        20 periods, or an argument is out of range.

    Notes
    -----
    Hansen, Lunde and Nason (2011), section 3.1.2 with the statistic T_max: the deviation of each
    record from the mean of the set, over its bootstrap standard error.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import datasets, inference
    >>> names = ["MSCI US", "MSCI World USD", "MSCI EM ex-Asia"]
    >>> returns = datasets.load("asset-classes")[names]
    >>> table = inference.model_confidence_set(returns, rng=np.random.default_rng(0))
    >>> table["included"].to_dict()  # which may have the lowest variance
    {'MSCI US': True, 'MSCI World USD': True, 'MSCI EM ex-Asia': False}
    """
    values, scale = _read_records(returns, measure)
    level = read_number(level, "level")
    if not 0 < level < 1:
        raise DataError(f"level is {level}; it must lie between 0 and 1, such as 0.90.")
    length = read_block_length(block_length, len(values))
    require_generator(rng)
    n_resamples = read_count(n_resamples, "n_resamples", 99)
    function = _bootstrap.MEASURES[measure]
    found, _ = _bootstrap.influences(values, function)
    chunks = _bootstrap.resamples(values, function, length, n_resamples, rng, list(returns.columns))
    drawn = np.concatenate([resampled for resampled, _ in chunks]) - found
    losses = -BETTER[measure] * found
    p = _eliminate(losses, -BETTER[measure] * drawn)
    unit = {"sharpe": scale, "variance": scale**2}.get(measure, 1.0)
    shown = found + 2 * np.log(scale) if measure == "log_variance" else found * unit
    table = pd.DataFrame({"value": shown, "p_value": p, "included": p > 1 - level}, returns.columns)
    return table.iloc[np.lexsort([losses, -p])]


def _eliminate(losses: Array, drawn: Array) -> Array:
    """p-values of the model confidence set; `drawn` are resampled losses less those of the data."""
    left = list(range(len(losses)))
    p, highest = np.ones(len(losses)), 0.0
    while len(left) > 1:
        away = losses[left] - losses[left].mean()
        noise = drawn[:, left] - drawn[:, left].mean(axis=1, keepdims=True)
        error = np.sqrt((noise**2).mean(axis=0))
        usable = error > 1e-12
        if not usable.any():
            break
        t = np.where(usable, away / np.where(usable, error, 1.0), 0.0)
        largest = np.where(usable, noise / np.where(usable, error, 1.0), 0.0).max(axis=1)
        worst = int(t.argmax())
        highest = max(highest, float(((largest >= t[worst]).sum() + 1) / (len(drawn) + 1)))
        p[left.pop(worst)] = highest
    return p


def _read_records(returns: pd.DataFrame, measure: str) -> tuple[Array, float]:
    """Records in units of their mean volatility, and what turns a value back to their own unit."""
    if measure not in _bootstrap.MEASURES:
        raise DataError(f"measure is {measure!r}; it must be one of {list(_bootstrap.MEASURES)}.")
    require_order(returns)
    values, labels = read_returns(returns, min_periods=20)
    if labels is None:
        raise DataError("returns must be a DataFrame here, so that records have names.")
    still = np.flatnonzero(_bootstrap.stays(values.mean(axis=0), (values**2).mean(axis=0)))
    if len(still):
        raise DataError(
            f"{labels[still[0]]!s} never changes, but for rounding; a comparison needs a variance "
            "above zero. Leave it out."
        )
    unit = float(values.std(axis=0, ddof=1).mean())
    T = len(values)
    correction = np.sqrt((T - 1) / T) if measure == "sharpe" else unit
    return values / unit, float(correction)
