"""Is the difference between two track records more than luck?

Sharpe ratio and log variance are smooth functions of v = (E r1, E r2, E r1^2, E r2^2). With Psi the
long-run covariance of the sample mean of (r1, r2, r1^2, r2^2) and g the gradient of the difference
at v, the standard error of the difference is ``sqrt(g' Psi g / T)``. Ledoit and Wolf (2008, 2011)
studentise the difference with it and take the quantiles of the studentised difference from a
circular block bootstrap that resamples both series together. For many track records at once see
:func:`mixfolio.inference.stepdown`.

Sharpe ratios have the sample standard deviation, with T - 1 in its denominator, as they have in
:func:`mixfolio.metrics.sharpe_ratio`. A ratio does not change when its series is multiplied by a
positive number, so the series are divided by their standard deviations first: then the Sharpe ratio
is the mean.

References
----------
Ledoit, O. and Wolf, M. (2008). Robust performance hypothesis testing with the Sharpe ratio.
Journal of Empirical Finance 15, 850-859.
Ledoit, O. and Wolf, M. (2011). Robust performances hypothesis testing with the variance. Wilmott
Magazine 2011 (55), 86-89.
Memmel, C. (2003). Performance hypothesis testing with the Sharpe ratio. Finance Letters 1, 21-23.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from mixfolio._inputs import LONGEST, Array, VectorLike, checked_but, require_order
from mixfolio.errors import DataError
from mixfolio.inference import _bootstrap

LEAST_PERIODS = 20
# Standardised series that nowhere differ by more than this count as one series.
SAME = 1e-6
NAMES = {"sharpe": "Sharpe ratios", "log_variance": "variances", "variance": "variances"}


@dataclass(frozen=True)
class Difference:
    """A measure of one series less that of another, per period.

    Attributes
    ----------
    estimate : float
    standard_error : float
    p_value : float
        Two-sided, of the hypothesis that the measures of both are equal.
    interval : tuple of two floats
        Confidence interval at the level that was asked for.
    """

    estimate: float
    standard_error: float
    p_value: float
    interval: tuple[float, float]


NO_DIFFERENCE = Difference(0.0, 0.0, 1.0, (0.0, 0.0))


@checked_but("first", "second", "level")
def jobson_korkie_memmel(
    first: VectorLike, second: VectorLike, *, level: float = 0.95
) -> Difference:
    """Difference of Sharpe ratios under independent normal returns (Memmel, 2003).

    For contrast: fat tails and dependence over time make its p-values too small.

    Parameters
    ----------
    first, second : Series or array of shape (n_periods,)
        Excess returns of the same periods. Two Series are matched by label.
    level : float
        Of the confidence interval.

    Returns
    -------
    Difference

    Raises
    ------
    DataError
        If a series is unusable, constant or shorter than 20 periods, if the two cover different
        periods, or if the level is not between 0 and 1.

    Notes
    -----
    A series and a positive multiple of it have the same Sharpe ratio in every sample: the estimate
    and its standard error are then 0 and the p-value is 1.

    Examples
    --------
    >>> from mixfolio import datasets, inference
    >>> returns = datasets.load("asset-classes")
    >>> excess = returns.sub(returns["Cash"], axis=0)
    >>> found = inference.jobson_korkie_memmel(excess["MSCI US"], excess["MSCI Japan"])
    >>> f"{found.estimate:.3f} per month, p-value {found.p_value:.2f}"
    '0.046 per month, p-value 0.35'
    """
    _require_level(level)
    pair, _ = _standardised_pair(first, second)
    if _are_one(pair):
        return NO_DIFFERENCE
    sharpe = pair.mean(axis=0)
    # 2 - 2 rho, in the form that keeps its digits when rho is nearly 1.
    apart = float((pair[:, 0] - pair[:, 1]).var(ddof=1))
    rho = 1 - apart / 2
    variance = apart + (sharpe @ sharpe - 2 * sharpe[0] * sharpe[1] * rho**2) / 2
    error = float(np.sqrt(variance / len(pair)))
    gap = float(sharpe[0] - sharpe[1])
    half = float(norm.ppf(0.5 + level / 2)) * error
    return Difference(gap, error, float(2 * norm.sf(abs(gap) / error)), (gap - half, gap + half))


@checked_but("first", "second", "rng", "n_resamples", "block_length", "level")
def sharpe_difference(
    first: VectorLike,
    second: VectorLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 4999,
    block_length: int | None = None,
    level: float = 0.95,
) -> Difference:
    """Difference of Sharpe ratios by the studentised circular block bootstrap.

    Parameters
    ----------
    first, second : Series or array of shape (n_periods,)
        Excess returns of the same periods. Two Series are matched by label.
    rng : numpy.random.Generator
        Draws ``n_periods // block_length`` starts of blocks for every resample in turn.
    n_resamples : int
        Choose it so that ``(n_resamples + 1) * level`` is whole: then the interval leaves out 0
        exactly when the p-value is at most ``1 - level``.
    block_length : int, optional
        Periods per block; the cube root of the number of periods by default.
    level : float
        Of the symmetric confidence interval.

    Returns
    -------
    Difference

    Raises
    ------
    DataError
        If a series is unusable, constant, in a resample too, or shorter than 20 periods, if the two
        cover different periods, if the blocks are so long that there are fewer than 5, or if there
        are too few resamples for the level.

    Notes
    -----
    Ledoit and Wolf (2008), section 3.2. The standard error of the data uses Newey and West's (1987)
    estimate of the long-run variance with ``4 (T / 100)^(2/9)`` lags; those of the resamples use
    the variance between their blocks. A variance of at most 1e-13 of the mean square counts as
    zero. A series and a positive multiple of it have the same Sharpe ratio in every sample: the
    estimate and its standard error are then 0 and the p-value is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import datasets, inference
    >>> returns = datasets.load("asset-classes")
    >>> excess = returns.sub(returns["Cash"], axis=0)
    >>> first, second = excess["MSCI US"], excess["MSCI Japan"]
    >>> found = inference.sharpe_difference(first, second, rng=np.random.default_rng(0))
    >>> f"{found.estimate:.3f} per month, p-value {found.p_value:.2f}"
    '0.046 per month, p-value 0.33'
    """
    found = _difference(first, second, "sharpe", rng, n_resamples, block_length, level)
    # The moments divide by T; with T - 1 all that has the unit of a Sharpe ratio shrinks alike.
    shrink = math.sqrt((len(first) - 1) / len(first))
    low, high = found.interval
    return Difference(
        found.estimate * shrink,
        found.standard_error * shrink,
        found.p_value,
        (low * shrink, high * shrink),
    )


@checked_but("first", "second", "rng", "n_resamples", "block_length", "level")
def variance_difference(
    first: VectorLike,
    second: VectorLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 4999,
    block_length: int | None = None,
    level: float = 0.95,
) -> Difference:
    """Difference of log variances by the studentised circular block bootstrap.

    Half of it is the log of the ratio of volatilities: an estimate of -0.1 says that the volatility
    of the first is about 5% below that of the second.

    Parameters
    ----------
    first, second : Series or array of shape (n_periods,)
        Returns of the same periods. Two Series are matched by label.
    rng : numpy.random.Generator
        Draws ``n_periods // block_length`` starts of blocks for every resample in turn.
    n_resamples : int
        Choose it so that ``(n_resamples + 1) * level`` is whole: then the interval leaves out 0
        exactly when the p-value is at most ``1 - level``.
    block_length : int, optional
        Periods per block; the cube root of the number of periods by default.
    level : float
        Of the symmetric confidence interval.

    Returns
    -------
    Difference

    Raises
    ------
    DataError
        As in :func:`sharpe_difference`.

    Notes
    -----
    Ledoit and Wolf (2011). Standard errors as in :func:`sharpe_difference`. Series that are the
    same have the same variance in every sample: the estimate and its standard error are then 0 and
    the p-value is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import datasets, inference
    >>> returns = datasets.load("asset-classes")
    >>> first, second = returns["MSCI US"], returns["MSCI Japan"]
    >>> found = inference.variance_difference(first, second, rng=np.random.default_rng(0))
    >>> f"{found.estimate:.3f}, p-value {found.p_value:.2f}"  # volatility 9% lower, or luck
    '-0.188, p-value 0.12'
    """
    return _difference(first, second, "log_variance", rng, n_resamples, block_length, level)


@checked_but("first", "second", "level")
def pooled_variance_difference(
    first: pd.DataFrame, second: pd.DataFrame, *, level: float = 0.95
) -> Difference:
    """Mean difference of log variances over pairs of records of the same periods.

    Sets of assets that are drawn from one market share their periods, so that their differences do
    not count as independent. They are averaged period by period, and the standard error is that of
    one series.

    Parameters
    ----------
    first, second : DataFrame of shape (n_periods, n_pairs)
        Returns of the same periods and pairs, matched by label.
    level : float
        Of the confidence interval, from the normal distribution.

    Returns
    -------
    Difference

    Raises
    ------
    DataError
        If a table is unusable, has no column, fewer than 20 periods or a constant record, the two
        differ in periods or pairs, all pairs are the same records, or the level is not between 0
        and 1.

    Notes
    -----
    With ``x_tj^2`` the squared deviation of the first record of pair j in period t from its mean,
    over the variance of that record, and ``y_tj^2`` that of the second, the influence of a period
    is the mean over pairs of ``x_tj^2 - y_tj^2``. The standard error is that of the mean of these,
    by Newey and West (1987) with ``4 (T / 100)^(2/9)`` lags.

    Examples
    --------
    >>> from mixfolio import datasets, inference
    >>> returns = datasets.load("asset-classes")
    >>> names = ["US", "Japan"]
    >>> stocks = returns[["MSCI US", "MSCI Japan"]].set_axis(names, axis=1)
    >>> bonds = returns[["US Treasuries", "Global Bonds"]].set_axis(names, axis=1)
    >>> found = inference.pooled_variance_difference(bonds, stocks)
    >>> f"{found.estimate:.2f}, standard error {found.standard_error:.2f}"
    '-2.84, standard error 0.13'
    """
    _require_level(level)
    if not isinstance(first, pd.DataFrame) or not isinstance(second, pd.DataFrame):
        raise DataError("first and second must be DataFrames, one column per pair.")
    lone = first.columns.symmetric_difference(second.columns, sort=False)
    if len(lone) or not first.columns.is_unique:
        raise DataError("first and second must have the same columns, each once: one per pair.")
    if first.empty:
        raise DataError(
            f"first has {first.shape[0]} period(s) and {first.shape[1]} pair(s); to average over "
            f"pairs takes one or more, of {LEAST_PERIODS} periods or more. Draw at least one."
        )
    gaps, periods = [], []
    for name in first.columns:
        pair, spread = _standardised_pair(first[name], second[name])
        squares = np.square(pair - pair.mean(axis=0))
        gaps.append(2 * math.log(spread[0] / spread[1]))
        periods.append((squares / squares.mean(axis=0)) @ np.array([1.0, -1.0]))
    each = np.mean(periods, axis=0)
    error = math.sqrt(float(_bootstrap.newey_west(each)) / len(each))
    gap = float(np.mean(gaps))
    if not error > 1e-12:
        raise DataError("first and second are the same records in every pair. Leave them out.")
    half = float(norm.ppf(0.5 + level / 2)) * error
    return Difference(gap, error, float(2 * norm.sf(abs(gap) / error)), (gap - half, gap + half))


def _difference(
    first: VectorLike,
    second: VectorLike,
    name: _bootstrap.MeasureName,
    rng: np.random.Generator,
    n_resamples: int,
    block_length: int | None,
    level: float,
) -> Difference:
    """The test of a measure whose moments divide by T."""
    _require_level(level)
    _bootstrap.require_generator(rng)
    rank = _rank(n_resamples, level)
    pair, spread = _standardised_pair(first, second)
    length = _bootstrap.read_block_length(block_length, len(pair))
    if name == "log_variance":  # which, other than a Sharpe ratio, depends on the scale
        pair = pair * (spread / spread.max())
    if _are_one(pair):
        return NO_DIFFERENCE
    measure = _bootstrap.MEASURES[name]
    values, influences = _bootstrap.influences(pair, measure)
    gap = float(values[0] - values[1])
    error = math.sqrt(float(_bootstrap.newey_west(influences[:, 0] - influences[:, 1])) / len(pair))
    if not error > 1e-12:
        raise DataError(
            f"the difference of the {NAMES[name]} of first and second has a standard error of "
            "zero: the returns follow a fixed pattern. Use observed returns."
        )
    names = [_called(first, "first"), _called(second, "second")]
    drawn = _bootstrap.studentised_differences(pair, measure, length, n_resamples, rng, names)
    studentised = np.sort(drawn[:, 0])
    extreme = int((studentised >= abs(gap) / error).sum())
    half = float(studentised[rank - 1]) * error
    return Difference(gap, error, (extreme + 1) / (n_resamples + 1), (gap - half, gap + half))


# ------------------------------------------------------------------ what comes in


def _standardised_pair(first: VectorLike, second: VectorLike) -> tuple[Array, Array]:
    """Both series as columns, in units of their standard deviations, and those."""
    if isinstance(first, pd.Series) and isinstance(second, pd.Series):
        second = _same_periods(first, second)
    require_order(first, "first")
    (a, spread_a), (b, spread_b) = _standardised(first, "first"), _standardised(second, "second")
    if len(a) != len(b):
        raise DataError(
            f"first has {len(a)} periods and second has {len(b)}; both must be of the same "
            "periods. Cut them to those they share."
        )
    return np.column_stack([a, b]), np.array([spread_a, spread_b])


def _same_periods(first: "pd.Series[float]", second: "pd.Series[float]") -> "pd.Series[float]":
    """`second` in the order of `first`; both must have the same labels, each once."""
    for series, what in ((first, "first"), (second, "second")):
        repeated = series.index[series.index.duplicated()]
        if len(repeated):
            raise DataError(
                f"{what} has {len(repeated)} repeated period(s), the first is {repeated[0]!s}. "
                "Keep one return per period."
            )
    lone = first.index.symmetric_difference(second.index, sort=False)
    if len(lone):
        raise DataError(
            f"{len(lone)} period(s) are in only one of first and second, the first {lone[0]!s}. "
            "Keep those that both have: first.align(second, join='inner')."
        )
    return second.loc[first.index]


def _called(series: VectorLike, what: str) -> str:
    """What to call a series: by its own name as well, if it has one."""
    name = series.name if isinstance(series, pd.Series) else None
    return what if name is None else f"{what} ({name})"


def _standardised(series: VectorLike, what: str) -> tuple[Array, float]:
    what = _called(series, what)
    values = _finite(series, what)
    if len(values) < LEAST_PERIODS:
        raise DataError(
            f"{what} has {len(values)} periods; a test needs at least "
            f"{LEAST_PERIODS}. Use a longer record."
        )
    spread = float(values.std(ddof=1))
    if not np.isfinite(spread):
        raise DataError(f"{what} holds numbers whose squares overflow. Use another unit.")
    if _bootstrap.stays(values.mean(), (values**2).mean()):
        raise DataError(
            f"{what} is {values[0]:.6g} in every period, but for rounding; a test needs a variance "
            "above zero. Leave the series out of the comparison."
        )
    return values / spread, spread


def _finite(series: VectorLike, what: str) -> Array:
    try:
        values = np.array(series, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} holds something that is not a number ({error}). Convert it to numbers first."
        ) from error
    if values.ndim != 1:
        raise DataError(
            f"{what} has shape {values.shape}; it must be one series, (n_periods,). "
            "Pass a single column."
        )
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        where = series.index[bad[0]] if isinstance(series, pd.Series) else bad[0]
        raise DataError(
            f"{what} has {len(bad)} return(s) that are missing or infinite, the first in period "
            f"{where!s}. Drop those periods from both series."
        )
    return values


def _are_one(pair: Array) -> bool:
    """Whether one series is a positive multiple of the other, but for rounding."""
    return float(np.abs(pair[:, 0] - pair[:, 1]).max()) <= SAME


def _require_level(level: float) -> None:
    if not (isinstance(level, float) and 0 < level < 1):
        raise DataError(
            f"level is {level!r}; it must lie between 0 and 1. For an interval of 95 % pass 0.95."
        )


def _rank(n_resamples: int, level: float) -> int:
    """Place, from the smallest, of the resample that bounds the interval."""
    least = math.ceil(round(level / (1 - level), 6))
    whole = isinstance(n_resamples, int | np.integer) and not isinstance(n_resamples, bool)
    if not whole or not least <= n_resamples <= LONGEST:
        raise DataError(
            f"n_resamples is {n_resamples!r}; an interval at level {level:g} needs a whole number "
            f"of at least {least}. The default is 4999."
        )
    return math.ceil(round((n_resamples + 1) * level, 6))
