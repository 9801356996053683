"""How often tests of records reject what is true: their size, on simulated records.

Every study is made for :func:`mixfolio.montecarlo.run`: the mean of a column is a rate of
rejection.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import norm, t

from mixfolio import inference
from mixfolio._inputs import Array, checked, read_count
from mixfolio.errors import DataError
from mixfolio.inference import MeasureName

__all__ = ["PERSISTENCE", "PROCESSES", "family_errors", "formula_rejections", "rejections"]

Process = Literal["i.i.d.", "AR(1)", "GARCH", "common GARCH"]
PROCESSES: tuple[Process, ...] = ("i.i.d.", "AR(1)", "GARCH", "common GARCH")


@checked
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

    Examples
    --------
    A pair of records with GARCH on which a formula and the bootstrap disagree:

    >>> import numpy as np
    >>> from mixfolio.studies import size_of_tests
    >>> size_of_tests.rejections(np.random.default_rng(9), process="GARCH", n_resamples=99)
    {'Jobson-Korkie-Memmel': 0.0, 'bootstrap, Sharpe': 0.0, 'Pitman-Morgan': 1.0,
     'bootstrap, variance': 0.0}
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


@checked
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

    Examples
    --------
    Clusters of volatility make the test of variances reject far more often than its 5 %:

    >>> import numpy as np
    >>> from mixfolio.studies import size_of_tests
    >>> size_of_tests.formula_rejections(np.random.default_rng(1), process="GARCH")
    {'Jobson-Korkie-Memmel': 0.149, 'Pitman-Morgan': 0.53}
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


@checked
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

    Examples
    --------
    One draw of three records, without an error:

    >>> import numpy as np
    >>> from mixfolio.studies import size_of_tests
    >>> size_of_tests.family_errors(np.random.default_rng(2), n_records=3, n_resamples=99)
    {'stepdown, variance': 0.0, 'confidence set, variance': 0.0, 'stepdown, Sharpe': 0.0,
     'confidence set, Sharpe': 0.0}
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
        if measure == "log_variance":
            options["measure"] = "variance"
        kept = inference.model_confidence_set(table, level=0.90, **options)
        found[f"stepdown, {name}"] = float((steps["adjusted"] <= 0.05).any())
        found[f"confidence set, {name}"] = float(not kept["included"].all())
    return found


BURN_IN = 100
AUTOCORRELATION = 0.3
ALPHA, BETA = 0.15, 0.80
PERSISTENCE = ALPHA + BETA
"""Of the variances of the GARCH records, per period."""


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
