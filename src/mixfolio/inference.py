"""Is the difference between two track records more than luck?

The Sharpe ratio is a smooth function of v = (E r1, E r2, E r1^2, E r2^2). With Psi the long-run
covariance of the sample mean of (r1, r2, r1^2, r2^2) and g the gradient of the difference at v, the
standard error of the difference is ``sqrt(g' Psi g / T)``. Ledoit and Wolf (2008) studentise the
difference with it and take the quantiles of the studentised difference from a circular block
bootstrap that resamples both series together.

References
----------
Ledoit, O. and Wolf, M. (2008). Robust performance hypothesis testing with the Sharpe ratio.
Journal of Empirical Finance 15, 850-859.
Memmel, C. (2003). Performance hypothesis testing with the Sharpe ratio. Finance Letters 1, 21-23.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from mixfolio.errors import DataError
from mixfolio.inputs import Array, VectorLike, read_vector

__all__ = ["SharpeDifference", "jobson_korkie_memmel", "sharpe_difference"]

LEAST_PERIODS = 20


@dataclass(frozen=True)
class SharpeDifference:
    """The Sharpe ratio of one series less that of another, per period.

    Attributes
    ----------
    estimate : float
    standard_error : float
    p_value : float
        Two-sided, of the hypothesis that the two Sharpe ratios are equal.
    interval : tuple of two floats
        Confidence interval at the level that was asked for.
    """

    estimate: float
    standard_error: float
    p_value: float
    interval: tuple[float, float]


def _pair(first: VectorLike, second: VectorLike) -> Array:
    one = np.asarray(first, dtype=float)
    size = one.shape[0] if one.ndim == 1 else -1
    a, labels = read_vector(first, size, None, "first")
    b, _ = read_vector(second, size, labels, "second")
    if size < LEAST_PERIODS:
        raise DataError(
            f"the series have {size} periods; a test of Sharpe ratios needs {LEAST_PERIODS}."
        )
    if a.var() == 0 or b.var() == 0:
        raise DataError("a series never changes; its Sharpe ratio is not defined.")
    return np.column_stack([a, b])


def jobson_korkie_memmel(
    first: VectorLike, second: VectorLike, *, level: float = 0.95
) -> SharpeDifference:
    """Difference of Sharpe ratios under independent normal returns (Memmel, 2003, equation 2).

    For contrast: fat tails and dependence over time make its p-values too small.

    Parameters
    ----------
    first, second : Series or array of shape (n_periods,)
        Excess returns of the same periods.
    level : float
        Of the confidence interval.

    Returns
    -------
    SharpeDifference

    Raises
    ------
    DataError
        If the series are unusable, of different length, constant, or shorter than 20 periods.
    """
    pair = _pair(first, second)
    sharpe = pair.mean(axis=0) / pair.std(axis=0, ddof=1)
    rho = float(np.asarray(np.corrcoef(pair.T))[0, 1])
    variance = 2 - 2 * rho + (sharpe @ sharpe - 2 * sharpe[0] * sharpe[1] * rho**2) / 2
    error = float(np.sqrt(variance / len(pair)))
    gap = float(sharpe[0] - sharpe[1])
    half = float(norm.ppf(0.5 + level / 2)) * error
    return SharpeDifference(
        gap, error, float(2 * norm.sf(abs(gap) / error)), (gap - half, gap + half)
    )


def sharpe_difference(
    first: VectorLike,
    second: VectorLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 4999,
    block_length: int | None = None,
    level: float = 0.95,
) -> SharpeDifference:
    """Difference of Sharpe ratios by the studentised circular block bootstrap.

    Parameters
    ----------
    first, second : Series or array of shape (n_periods,)
        Excess returns of the same periods.
    rng : numpy.random.Generator
    n_resamples : int
    block_length : int, optional
        Periods a block; the cube root of the number of periods by default.
    level : float
        Of the symmetric confidence interval.

    Returns
    -------
    SharpeDifference

    Raises
    ------
    DataError
        If the series are unusable, of different length, constant, or shorter than 20 periods.

    Notes
    -----
    Ledoit and Wolf (2008), section 3.2. The standard error of the data uses Newey and West's (1987)
    estimate of the long-run covariance with ``4 (T / 100)^(2/9)`` lags; those of the resamples use
    the covariance between their blocks.
    """
    pair = _pair(first, second)
    T = len(pair)
    length = block_length or max(1, round(T ** (1 / 3)))
    if not 1 <= length < T:
        raise DataError(f"block_length is {length}; it must be between 1 and {T - 1}.")
    moments = np.hstack([pair, pair**2])
    gap, gradient = _difference(moments.mean(axis=0))
    psi = _newey_west(moments - moments.mean(axis=0))
    error = float(np.sqrt(gradient @ psi @ gradient / T))
    studentised = np.array([_resample(moments, gap, length, rng) for _ in range(n_resamples)])
    extreme = int((studentised >= abs(gap) / error).sum())
    half = float(np.quantile(studentised, level)) * error
    p_value = (extreme + 1) / (n_resamples + 1)
    return SharpeDifference(float(gap), error, p_value, (gap - half, gap + half))


def _difference(v: Array) -> tuple[float, Array]:
    """Difference of Sharpe ratios and its gradient at (mean1, mean2, square1, square2)."""
    mean, square = v[:2], v[2:]
    variance = square - mean**2
    sharpe = mean / np.sqrt(variance)
    by_mean = square / variance**1.5
    by_square = -mean / 2 / variance**1.5
    sign = np.array([1.0, -1.0])
    return float(sharpe @ sign), np.concatenate([sign * by_mean, sign * by_square])


def _newey_west(y: Array) -> Array:
    """Long-run covariance of a centred series with Bartlett weights."""
    T = len(y)
    lags = int(4 * (T / 100) ** (2 / 9))
    total = y.T @ y / T
    for lag in range(1, lags + 1):
        shifted = y[lag:].T @ y[:-lag] / T
        total += (1 - lag / (lags + 1)) * (shifted + shifted.T)
    return total


def _resample(moments: Array, gap: float, length: int, rng: np.random.Generator) -> float:
    """Absolute studentised difference, centred at the data's, in one circular block resample."""
    T = len(moments)
    n_blocks = T // length
    starts = rng.integers(0, T, n_blocks)
    places: NDArray[np.intp] = (starts[:, None] + np.arange(length)) % T
    blocks = moments[places]
    mean = blocks.mean(axis=(0, 1))
    resampled, gradient = _difference(mean)
    sums = (blocks - mean).sum(axis=1) / np.sqrt(length)
    psi = sums.T @ sums / n_blocks
    error = np.sqrt(gradient @ psi @ gradient / (n_blocks * length))
    return float(abs(resampled - gap) / error)
