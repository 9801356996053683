"""Circular block bootstrap of performance measures, the same resample for all track records.

A measure is a smooth function of the mean m and the mean square q of a series, such as the Sharpe
ratio ``m / sqrt(q - m^2)`` or the log variance ``log(q - m^2)``. With gradient (a, b) at (m, q) the
influence of period t is ``a (r_t - m) + b (r_t^2 - q)``; the variance of an estimate, or of a
difference of two, is the long-run variance of its influences over T.

A resample consists of ``T // length`` blocks of consecutive periods, wrapped around the end. All
that it needs are sums over its blocks, so those are made first, one for each period at which a
block can start.

References
----------
Ledoit, O. and Wolf, M. (2008). Robust performance hypothesis testing with the Sharpe ratio.
Journal of Empirical Finance 15, 850-859.
Ledoit, O. and Wolf, M. (2011). Robust performances hypothesis testing with the variance. Wilmott
Magazine 2011 (55), 86-89.
Politis, D. and Romano, J. (1992). A circular block-resampling procedure for stationary data. In:
LePage, R. and Billard, L. (eds.), Exploring the limits of bootstrap. Wiley.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mixfolio._inputs import Array, checked
from mixfolio.errors import DataError

Measure = Callable[[Array, Array], tuple[Array, Array, Array]]
MeasureName = Literal["sharpe", "variance", "log_variance"]

# Numbers that a chunk of resamples may hold at once (8 MB).
CHUNK = 2**20
LEAST_BLOCKS = 5
# A variance of no more than this share of the mean square is rounding, and counts as zero.
STILL = 1e-13


def sharpe(mean: Array, square: Array) -> tuple[Array, Array, Array]:
    """Sharpe ratio and its derivatives.

    Parameters
    ----------
    mean, square : ndarray
        First and second moments; of any shape, the same for both.

    Returns
    -------
    value, by_mean, by_square : ndarray
    """
    variance = square - mean**2
    return mean / np.sqrt(variance), square / variance**1.5, -mean / 2 / variance**1.5


def log_variance(mean: Array, square: Array) -> tuple[Array, Array, Array]:
    """Logarithm of the variance and its derivatives; arguments as in :func:`sharpe`.

    Parameters
    ----------
    mean, square : ndarray

    Returns
    -------
    value, by_mean, by_square : ndarray
    """
    variance = square - mean**2
    return np.log(variance), -2 * mean / variance, 1 / variance


def variance(mean: Array, square: Array) -> tuple[Array, Array, Array]:
    """The variance and its derivatives; arguments as in :func:`sharpe`.

    Parameters
    ----------
    mean, square : ndarray

    Returns
    -------
    value, by_mean, by_square : ndarray
    """
    return square - mean**2, -2 * mean, np.ones_like(square)


MEASURES: dict[str, Measure] = {
    "sharpe": sharpe,
    "variance": variance,
    "log_variance": log_variance,
}


def influences(series: Array, measure: Measure) -> tuple[Array, Array]:
    """The measure of every series, and the influence of every period on it.

    Parameters
    ----------
    series : ndarray of shape (n_periods, n_series)
    measure : function

    Returns
    -------
    values : ndarray of shape (n_series,)
    influences : ndarray of shape (n_periods, n_series)
    """
    mean, square = series.mean(axis=0), (series**2).mean(axis=0)
    values, by_mean, by_square = measure(mean, square)
    return values, (series - mean) * by_mean + (series**2 - square) * by_square


def stays(mean: Array, square: Array) -> NDArray[np.bool_]:
    """Whether a variance is zero, but for rounding; arguments as in :func:`sharpe`.

    Parameters
    ----------
    mean, square : ndarray

    Returns
    -------
    ndarray of bool
    """
    return np.asarray(square - mean**2 <= STILL * square)


def newey_west(y: Array) -> Array:
    """Long-run variance of centred series with Bartlett weights (Newey and West, 1987).

    Parameters
    ----------
    y : ndarray of shape (n_periods, ...)

    Returns
    -------
    ndarray of shape (...)
        With ``4 (T / 100)^(2/9)`` lags.
    """
    T = len(y)
    lags = int(4 * (T / 100) ** (2 / 9))
    total = (y * y).sum(axis=0) / T
    for lag in range(1, lags + 1):
        total = total + 2 * (1 - lag / (lags + 1)) * (y[lag:] * y[:-lag]).sum(axis=0) / T
    return np.asarray(total)


def resamples(
    series: Array,
    measure: Measure,
    length: int,
    n_resamples: int,
    rng: np.random.Generator,
    names: Sequence[object],
) -> Iterator[tuple[Array, Array]]:
    """Resamples in chunks: values of the measure, and block sums of its influences.

    Parameters
    ----------
    series : ndarray of shape (n_periods, n_series)
    measure : function
    length : int
        Periods per block.
    n_resamples : int
    rng : numpy.random.Generator
        Draws ``n_periods // length`` starts of blocks for every resample in turn, so that the
        chunks do not matter.
    names : sequence of length n_series
        Of the series, for the message.

    Yields
    ------
    values : ndarray of shape (n_chunk, n_series)
    blocks : ndarray of shape (n_chunk, n_blocks, n_series)
        Influences on the resample's own values.

    Raises
    ------
    DataError
        If a series stays at one value in a resample.
    """
    T, n_series = series.shape
    n_blocks = T // length
    moments = np.stack([series, series**2], axis=1)
    sums = sum((np.roll(moments, -k, axis=0) for k in range(length)), np.zeros_like(moments))
    chunk = max(1, CHUNK // (n_blocks * 2 * n_series))
    for done in range(0, n_resamples, chunk):
        starts = rng.integers(0, T, (min(chunk, n_resamples - done), n_blocks))
        yield _evaluate(sums[starts], measure, length, names)


def _evaluate(
    sums: Array, measure: Measure, length: int, names: Sequence[object]
) -> tuple[Array, Array]:
    """`sums` over blocks, of shape (n_resamples, n_blocks, 2, n_series)."""
    mean = sums.mean(axis=1) / length
    still = np.flatnonzero(stays(mean[:, 0], mean[:, 1]).any(axis=0))
    if len(still):
        raise DataError(
            f"{names[still[0]]!s} stays at one value in a resample, whose variance is then zero: "
            "it moves in too few periods. Leave it out, or use a period in which it moves."
        )
    values, by_mean, by_square = measure(mean[:, 0], mean[:, 1])
    away = sums - length * mean[:, None]
    blocks = away[:, :, 0] * by_mean[:, None] + away[:, :, 1] * by_square[:, None]
    return values, blocks


def studentised_differences(
    series: Array,
    measure: Measure,
    length: int,
    n_resamples: int,
    rng: np.random.Generator,
    names: Sequence[object],
) -> Array:
    """Absolute studentised differences to the last series, centred at those of the data.

    Parameters
    ----------
    series : ndarray of shape (n_periods, n_series)
    measure : function
    length, n_resamples, rng, names
        As in :func:`resamples`.

    Returns
    -------
    ndarray of shape (n_resamples, n_series - 1)
        Infinite where a resampled difference has no variation.

    Raises
    ------
    DataError
        As :func:`resamples`.
    """
    values, _ = influences(series, measure)
    gaps = values[:-1] - values[-1]
    parts = []
    for resampled, blocks in resamples(series, measure, length, n_resamples, rng, names):
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = blocks[:, :, :-1] - blocks[:, :, -1:]
            error = np.sqrt((apart**2).sum(axis=1)) / (apart.shape[1] * length)
            found = np.abs(resampled[:, :-1] - resampled[:, -1:] - gaps) / error
        parts.append(np.where(np.isfinite(found), found, np.inf))
    return np.concatenate(parts)


@checked
def require_generator(rng: Any) -> None:
    """Refuse anything but a Generator.

    Parameters
    ----------
    rng : numpy.random.Generator

    Raises
    ------
    DataError

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import inference
    >>> inference.require_generator(np.random.default_rng(0))  # a mere seed is refused
    """
    if not isinstance(rng, np.random.Generator):
        raise DataError(
            f"rng is of type {type(rng).__name__}; it must be a numpy.random.Generator. "
            "Pass numpy.random.default_rng(seed)."
        )


def read_block_length(block_length: int | None, n_periods: int) -> int:
    """The length asked for, or the cube root of the number of periods.

    Parameters
    ----------
    block_length : int or None
    n_periods : int

    Returns
    -------
    int

    Raises
    ------
    DataError
        If the blocks are so long that there are fewer than 5.
    """
    default, most = round(math.cbrt(n_periods)), n_periods // LEAST_BLOCKS
    if block_length is None:
        return default
    whole = isinstance(block_length, int | np.integer) and not isinstance(block_length, bool)
    if not whole or not 1 <= block_length <= most:
        raise DataError(
            f"block_length is {block_length!r}; for {n_periods} periods it must be a whole number "
            f"between 1 and {most}, which leaves {LEAST_BLOCKS} blocks. Leave it out for the "
            f"cube root, {default}."
        )
    return int(block_length)
