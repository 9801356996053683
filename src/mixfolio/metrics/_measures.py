"""Measures of a return series, and measures of a portfolio.

Return series are decimal simple returns per period. `periods_per_year` turns per-period figures
into annual ones and is always the caller's to state. A ratio of returns in excess of the riskless
asset is the Sharpe ratio; pass excess returns.

Where a series is asked for, a frame is measured column by column: one strategy per column of
returns, one portfolio per column of weights. What would be a number is then a Series by column.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, overload

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    read_array,
    read_positive,
    read_semidefinite,
    read_vector,
    require_order,
)
from mixfolio.errors import DataError, SingularCovarianceError

PER_YEAR = "periods_per_year"
Vector = TypeVar("Vector", pd.Series, pd.DataFrame, Array)
Measure = TypeVar("Measure", bound=Callable[..., Any])


def _by_column(measure: Measure) -> Measure:
    """Let a measure of one series take a frame as its first argument, and measure each column."""
    first = next(iter(signature(measure).parameters))

    @wraps(measure)
    def measured(*arguments: Any, **options: Any) -> Any:
        table = arguments[0] if arguments else options.get(first)
        if not isinstance(table, pd.DataFrame):
            return measure(*arguments, **options)
        if table.shape[1] == 0:
            raise DataError(f"{first} is a table without columns; it needs at least one.")
        rest, options = arguments[1:], {k: v for k, v in options.items() if k != first}
        columns = (table.iloc[:, place] for place in range(table.shape[1]))
        found = [_measure_column(measure, column, *rest, **options) for column in columns]
        if isinstance(found[0], pd.Series):
            return pd.concat(found, axis=1).set_axis(table.columns, axis=1)
        return pd.Series(found, index=table.columns, name=measure.__name__)

    return measured  # type: ignore[return-value]


def _measure_column(measure: Measure, column: pd.Series, *rest: Any, **options: Any) -> Any:
    try:
        return measure(column, *rest, **options)
    except DataError as error:
        raise DataError(f"column {column.name!r}: {error}") from error


def _series(returns: Any, least: int = 1) -> Array:
    values = read_array(returns, "returns")
    if values.ndim != 1 or len(values) < least:
        raise DataError(
            f"returns has shape {values.shape}; it must be one series of at least "
            f"{least} period(s)."
        )
    return values


@overload
def annualised_volatility(returns: pd.DataFrame, periods_per_year: float) -> "pd.Series[float]": ...
@overload
def annualised_volatility(returns: VectorLike, periods_per_year: float) -> float: ...
@checked
@_by_column
def annualised_volatility(
    returns: VectorLike | pd.DataFrame, periods_per_year: float
) -> "float | pd.Series[float]":
    """Standard deviation (divisor T - 1) times the root of `periods_per_year`.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns.
    periods_per_year : float
        12 for monthly returns, about 252 for daily ones.

    Returns
    -------
    float, or Series by column of a frame
        Decimal per year.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are fewer than 2 periods.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> round(metrics.annualised_volatility([0.02, -0.01, 0.03, 0.00], periods_per_year=12), 4)
    0.0632
    """
    return float(
        _series(returns, 2).std(ddof=1) * np.sqrt(read_positive(periods_per_year, PER_YEAR))
    )


@overload
def sharpe_ratio(
    excess_returns: pd.DataFrame, periods_per_year: float = 1.0
) -> "pd.Series[float]": ...
@overload
def sharpe_ratio(excess_returns: VectorLike, periods_per_year: float = 1.0) -> float: ...
@checked
@_by_column
def sharpe_ratio(
    excess_returns: VectorLike | pd.DataFrame, periods_per_year: float = 1.0
) -> "float | pd.Series[float]":
    """Mean over standard deviation of excess returns (Sharpe, 1966).

    Parameters
    ----------
    excess_returns : Series or array of shape (n_periods,), or DataFrame
        Returns less the riskless return, or less a benchmark: then it is the information ratio.
    periods_per_year : float
        The ratio is multiplied by its root. 1 leaves it per period.

    Returns
    -------
    float, or Series by column of a frame

    Raises
    ------
    DataError
        If the series has no variance, or fewer than 2 periods, or a value is missing.

    References
    ----------
    Sharpe, W. F. (1966). Mutual fund performance. Journal of Business 39, 119-138.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> excess = [0.02, -0.01, 0.03, 0.00]  # monthly returns less the riskless return
    >>> round(metrics.sharpe_ratio(excess), 3)
    0.548
    >>> round(metrics.sharpe_ratio(excess, periods_per_year=12), 3)
    1.897
    >>> import pandas as pd
    >>> strategies = pd.DataFrame({"mine": excess, "1/N": [0.01, 0.00, 0.02, 0.01]})
    >>> metrics.sharpe_ratio(strategies).round(3).to_dict()
    {'mine': 0.548, '1/N': 1.225}
    """
    values = _series(excess_returns, 2)
    spread = float(values.std(ddof=1))
    if spread <= 1e-14 * float(np.abs(values).max()):
        raise DataError("returns never change; a Sharpe ratio needs a variance above zero.")
    return float(values.mean() / spread * np.sqrt(read_positive(periods_per_year, PER_YEAR)))


@overload
def certainty_equivalent(
    excess_returns: pd.DataFrame, *, risk_aversion: float
) -> "pd.Series[float]": ...
@overload
def certainty_equivalent(excess_returns: VectorLike, *, risk_aversion: float) -> float: ...
@checked
@_by_column
def certainty_equivalent(
    excess_returns: VectorLike | pd.DataFrame, *, risk_aversion: float
) -> "float | pd.Series[float]":
    """Riskless return that a mean-variance investor holds equal to these returns, per period.

    ``mean - risk_aversion / 2 * variance`` (DeMiguel, Garlappi and Uppal, 2009, equation 15).

    Parameters
    ----------
    excess_returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns less the riskless return.
    risk_aversion : float
        gamma, by which half the variance is multiplied.

    Returns
    -------
    float, or Series by column of a frame
        Decimal per period, in excess of the riskless return.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are fewer than 2 periods.

    References
    ----------
    DeMiguel, V., Garlappi, L. and Uppal, R. (2009). Optimal versus naive diversification: how
    inefficient is the 1/N portfolio strategy? Review of Financial Studies 22, 1915-1953.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> excess = [0.02, -0.01, 0.03, 0.00]  # mean 0.01
    >>> round(metrics.certainty_equivalent(excess, risk_aversion=5), 4)
    0.0092
    """
    values = _series(excess_returns, 2)
    return float(values.mean() - risk_aversion / 2 * values.var(ddof=1))


@overload
def downside_deviation(
    returns: pd.DataFrame, periods_per_year: float = 1.0, *, floor: float = 0.0
) -> "pd.Series[float]": ...
@overload
def downside_deviation(
    returns: VectorLike, periods_per_year: float = 1.0, *, floor: float = 0.0
) -> float: ...
@checked
@_by_column
def downside_deviation(
    returns: VectorLike | pd.DataFrame, periods_per_year: float = 1.0, *, floor: float = 0.0
) -> "float | pd.Series[float]":
    """Root mean square of the shortfalls below `floor`, over all periods.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns.
    periods_per_year : float
        The deviation is multiplied by its root. 1 leaves it per period.
    floor : float
        Least acceptable return per period.

    Returns
    -------
    float, or Series by column of a frame
        Decimal; zero when no return falls short.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are no periods.

    References
    ----------
    Sortino, F. A. and van der Meer, R. (1991). Downside risk. Journal of Portfolio Management
    17 (4), 27-31.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> returns = [0.02, -0.01, 0.03, 0.00]
    >>> round(metrics.downside_deviation(returns), 4)
    0.005
    >>> round(metrics.downside_deviation(returns, floor=0.01), 4)  # 0.00 falls short too
    0.0112
    """
    shortfall = np.minimum(_series(returns) - floor, 0.0)
    return float(np.sqrt(np.mean(shortfall**2) * read_positive(periods_per_year, PER_YEAR)))


@checked
@_by_column
def wealth(returns: Vector) -> Vector:
    """Growth of one unit: the running product of ``1 + r``, from the end of the first period.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns.

    Returns
    -------
    Series or ndarray of shape (n_periods,), or DataFrame
        What one unit at the start has become by the end of each period; zero from a loss of
        everything, or of more, on.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, there are no periods, or dates are out of
        order or repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import metrics
    >>> returns = pd.Series([0.10, -0.20, 0.05], ["2021", "2022", "2023"])
    >>> metrics.wealth(returns).round(3).to_dict()
    {'2021': 1.1, '2022': 0.88, '2023': 0.924}
    """
    found: Vector = _like(returns, _wealth(_record(returns)))
    return found


@checked
@_by_column
def drawdown(returns: Vector) -> Vector:
    """Loss from the highest wealth so far, relative to it, starting from a wealth of one.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns.

    Returns
    -------
    Series or ndarray of shape (n_periods,), or DataFrame
        Between -1 and 0.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, there are no periods, or dates are out of
        order or repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import metrics
    >>> returns = pd.Series([0.10, -0.20, 0.05], ["2021", "2022", "2023"])
    >>> metrics.drawdown(returns).round(3).to_dict()
    {'2021': 0.0, '2022': -0.2, '2023': -0.16}
    """
    found: Vector = _like(returns, _drawdown(_record(returns)))
    return found


def _record(returns: Any) -> Array:
    """Returns in order of time."""
    require_order(returns)
    return _series(returns)


def _like(returns: Any, values: Array) -> Any:
    return pd.Series(values, index=returns.index) if isinstance(returns, pd.Series) else values


def _wealth(values: Array) -> Array:
    """Wealth from one unit; nothing grows from a loss of everything, or of more."""
    return np.cumprod(np.maximum(1.0 + values, 0.0), dtype=np.float64)


def _drawdown(values: Array) -> Array:
    levels = _wealth(values)
    return np.asarray(levels / np.maximum.accumulate(np.maximum(levels, 1.0)) - 1.0)


@overload
def maximum_drawdown(returns: pd.DataFrame) -> "pd.Series[float]": ...
@overload
def maximum_drawdown(returns: VectorLike) -> float: ...
@checked
@_by_column
def maximum_drawdown(returns: VectorLike | pd.DataFrame) -> "float | pd.Series[float]":
    """The deepest :func:`drawdown`.

    Parameters
    ----------
    returns : Series or array of shape (n_periods,), or DataFrame
        Decimal simple returns.

    Returns
    -------
    float, or Series by column of a frame
        Between -1 and 0.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are no periods.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> round(metrics.maximum_drawdown([0.10, -0.20, 0.05]), 3)
    -0.2
    """
    return float(_drawdown(_record(returns)).min())


@overload
def volatility(weights: pd.DataFrame, covariance: MatrixLike) -> "pd.Series[float]": ...
@overload
def volatility(weights: VectorLike, covariance: MatrixLike) -> float: ...
@checked
@_by_column
def volatility(
    weights: VectorLike | pd.DataFrame, covariance: MatrixLike
) -> "float | pd.Series[float]":
    """Standard deviation ``sqrt(w'V w)`` of a portfolio.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame
        Matched by name where both sides have labels.
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance of returns per period.

    Returns
    -------
    float, or Series by column of a frame
        Decimal, per period of the covariance.

    Raises
    ------
    DataError
        If the covariance is unusable, a weight is missing.
    SingularCovarianceError
        If the covariance is indefinite, beyond rounding.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> covariance = [[0.04, 0.01], [0.01, 0.09]]  # volatilities of 20% and 30%
    >>> round(metrics.volatility([0.5, 0.5], covariance), 4)
    0.1936
    """
    w, matrix, _ = _portfolio(weights, covariance)
    return float(np.sqrt(_variance(w, matrix)))


def _portfolio(weights: Any, covariance: MatrixLike) -> tuple[Array, Array, Labels | None]:
    matrix, labels = read_semidefinite(covariance)
    w, labels = read_vector(weights, len(matrix), labels, "weights")
    return w, matrix, labels


def _variance(w: Array, matrix: Array) -> float:
    variance = float(w @ matrix @ w)
    if variance < 0:
        raise SingularCovarianceError(
            f"the portfolio's variance is {variance:.3g}: the covariance has a negative "
            "eigenvalue. Use a covariance estimated from one complete sample, or clip it."
        )
    return variance


def _positive_variance(w: Array, matrix: Array) -> float:
    variance = _variance(w, matrix)
    if variance == 0:
        raise DataError("the portfolio has no variance. Give weights that are not all zero.")
    return variance


@overload
def diversification_ratio(weights: pd.DataFrame, covariance: MatrixLike) -> "pd.Series[float]": ...
@overload
def diversification_ratio(weights: VectorLike, covariance: MatrixLike) -> float: ...
@checked
@_by_column
def diversification_ratio(
    weights: VectorLike | pd.DataFrame, covariance: MatrixLike
) -> "float | pd.Series[float]":
    """Weighted mean volatility over portfolio volatility (Choueifaty and Coignard, 2008).

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame
        Matched by name where both sides have labels.
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance of returns per period.

    Returns
    -------
    float, or Series by column of a frame
        1 for a single asset; more, the less the assets of a long-only portfolio move alike.

    Raises
    ------
    DataError
        If the covariance is unusable, a weight is missing, or all weights are zero.
    SingularCovarianceError
        If the covariance is indefinite, beyond rounding.

    References
    ----------
    Choueifaty, Y. and Coignard, Y. (2008). Toward maximum diversification. Journal of Portfolio
    Management 35 (1), 40-51.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> covariance = [[0.04, 0.01], [0.01, 0.09]]  # volatilities of 20% and 30%
    >>> for weights in ([0.5, 0.5], [1.0, 0.0]):
    ...     print(f"{metrics.diversification_ratio(weights, covariance):.3f}")
    1.291
    1.000
    """
    w, matrix, _ = _portfolio(weights, covariance)
    return float(w @ np.sqrt(np.diagonal(matrix)) / np.sqrt(_positive_variance(w, matrix)))


@overload
def risk_contributions(weights: pd.DataFrame, covariance: MatrixLike) -> pd.DataFrame: ...
@overload
def risk_contributions(weights: VectorLike, covariance: pd.DataFrame) -> pd.Series: ...
@overload
def risk_contributions(weights: pd.Series, covariance: MatrixLike) -> pd.Series: ...
@overload
def risk_contributions(weights: Array, covariance: Array) -> Array: ...
@checked
@_by_column
def risk_contributions(
    weights: VectorLike | pd.DataFrame, covariance: MatrixLike
) -> pd.DataFrame | pd.Series | Array:
    """Share of the portfolio variance that each asset contributes: ``w_i (V w)_i / w'V w``.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame
        Matched by name where both sides have labels.
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance of returns per period.

    Returns
    -------
    Series or ndarray of shape (n_assets,), or DataFrame
        Shares that sum to one; negative for an asset that hedges.

    Raises
    ------
    DataError
        If the covariance is unusable, a weight is missing, or all weights are zero.
    SingularCovarianceError
        If the covariance is indefinite, beyond rounding.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import metrics
    >>> names = ["stocks", "bonds"]
    >>> covariance = pd.DataFrame([[0.04, 0.002], [0.002, 0.0025]], names, names)
    >>> weights = pd.Series({"stocks": 0.6, "bonds": 0.4})
    >>> metrics.risk_contributions(weights, covariance).round(3).to_dict()
    {'stocks': 0.944, 'bonds': 0.056}
    """
    w, matrix, labels = _portfolio(weights, covariance)
    shares = w * (matrix @ w) / _positive_variance(w, matrix)
    return shares if labels is None else pd.Series(shares, index=labels, name="risk_contribution")


@overload
def effective_number(weights: pd.DataFrame) -> "pd.Series[float]": ...
@overload
def effective_number(weights: VectorLike) -> float: ...
@checked
@_by_column
def effective_number(weights: VectorLike | pd.DataFrame) -> "float | pd.Series[float]":
    """Inverse of the sum of squared weights (the Herfindahl index).

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame

    Returns
    -------
    float, or Series by column of a frame
        N for N equal weights, 1 for a single asset.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there is no weight but zero.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> for weights in ([0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]):
    ...     print(f"{metrics.effective_number(weights):.2f}")
    4.00
    1.92
    """
    w = _series(weights)
    if not w.any():
        raise DataError("all weights are zero; there is no portfolio to count.")
    return float(1.0 / (w @ w))


@overload
def distance_to_equal(weights: pd.DataFrame) -> "pd.Series[float]": ...
@overload
def distance_to_equal(weights: VectorLike) -> float: ...
@checked
@_by_column
def distance_to_equal(weights: VectorLike | pd.DataFrame) -> "float | pd.Series[float]":
    """Half the sum of absolute differences to 1/N: the share that must move to get there.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame

    Returns
    -------
    float, or Series by column of a frame
        0 for equal weights.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are no weights.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> round(metrics.distance_to_equal([0.7, 0.3, 0.0, 0.0]), 3)
    0.5
    """
    w = _series(weights)
    return float(np.abs(w - 1 / len(w)).sum() / 2)


@overload
def gross_exposure(weights: pd.DataFrame) -> "pd.Series[float]": ...
@overload
def gross_exposure(weights: VectorLike) -> float: ...
@checked
@_by_column
def gross_exposure(weights: VectorLike | pd.DataFrame) -> "float | pd.Series[float]":
    """Sum of the absolute weights.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame

    Returns
    -------
    float, or Series by column of a frame
        1 for a long-only portfolio, more with short positions or debt.

    Raises
    ------
    DataError
        If a value is missing, infinite or not a number, or there are no weights.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> round(metrics.gross_exposure([1.3, -0.3]), 3)  # 130% long, 30% short
    1.6
    """
    return float(np.abs(_series(weights)).sum())


@overload
def turnover(weights: pd.DataFrame, previous: VectorLike) -> "pd.Series[float]": ...
@overload
def turnover(weights: VectorLike, previous: VectorLike) -> float: ...
@checked
@_by_column
def turnover(
    weights: VectorLike | pd.DataFrame, previous: VectorLike
) -> "float | pd.Series[float]":
    """Sum of absolute changes: purchases plus sales, as a share of the wealth.

    A cost of c per unit traded costs ``c * turnover``. Selling a tenth of the portfolio to buy
    something else is a turnover of 0.2.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,), or DataFrame
        After the trade.
    previous : Series or array of shape (n_assets,)
        Before the trade: what the last weights have drifted to, ``w_i (1 + r_i) / (1 + w'r)``.
        Two Series are matched by name.

    Returns
    -------
    float, or Series by column of a frame

    Raises
    ------
    DataError
        If the two do not have the same assets, or a weight is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import metrics
    >>> before = pd.Series({"stocks": 0.6, "bonds": 0.4})
    >>> after = pd.Series({"stocks": 0.5, "bonds": 0.5})
    >>> round(metrics.turnover(after, before), 3)
    0.2
    """
    w = _series(weights)
    labels = weights.index if isinstance(weights, pd.Series) else None
    return float(np.abs(w - read_vector(previous, len(w), labels, "previous")[0]).sum())
