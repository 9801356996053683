"""The steps of the sources as they are written, in code of our own, beside which ours can be run.

Each function does what the listing or the formula of the source does, defects included, and its
docstring says what that is. Nothing else in the package uses them.

References
----------
Akdemir, D. (2025). How to use mixed models to improve portfolio performance. Online tutorial.
Zhang, W. (2026). Background: mean-variance portfolio optimization. Online chapter.
"""

from typing import Any

import numpy as np
import pandas as pd

from mixfolio._inputs import Array, checked, checked_but, read_array
from mixfolio.optimization import minimum_variance

__all__ = [
    "common_slope",
    "condition_number",
    "cost",
    "drawdown",
    "last_rows",
    "monthly_return",
    "optimize_portfolio",
    "relationship_matrix",
    "total_covariance",
    "volatility_regimes",
]


@checked
def monthly_return(daily: "pd.Series[float] | Array") -> float:
    """``(1 + prod(1 + r)) - 1``: the bracket is misplaced, and the result is the growth factor.

    Parameters
    ----------
    daily : Series or ndarray of shape (n_days,)
        Decimal returns.

    Returns
    -------
    float
        One more than the compounded return.

    Examples
    --------
    Two days without any return make a month of "100%":

    >>> from mixfolio.studies import as_written
    >>> as_written.monthly_return([0.0, 0.0])
    1.0
    """
    return float((1 + np.prod(1 + np.asarray(daily))) - 1)


@checked
def volatility_regimes(market: "pd.Series[float] | Array", n_assets: int) -> Array:
    """Regimes of a table that is sorted by asset and then by month.

    A rolling standard deviation of three months runs down the whole column of market returns,
    across the border from one asset to the next. Above its upper quartile a cell is "High", below
    its lower one "Low". Cells without a value, and all others, are "Normal".

    Parameters
    ----------
    market : Series or ndarray of shape (n_months,)
        Market returns, the same for every asset.
    n_assets : int

    Returns
    -------
    ndarray of str, shape (n_assets, n_months)

    Examples
    --------
    The first asset has two cells less than the others:

    >>> import numpy as np
    >>> from mixfolio.studies import as_written
    >>> regimes = as_written.volatility_regimes(np.arange(8.0) ** 3, 2)
    >>> regimes[:, :3].tolist()
    [['Normal', 'Normal', 'Low'], ['High', 'High', 'Low']]
    """
    column = np.tile(np.asarray(market, dtype=float), n_assets)
    windows = np.lib.stride_tricks.sliding_window_view(column, 3)
    rolling = np.concatenate([[np.nan, np.nan], windows.std(axis=1, ddof=1)])
    low, high = np.nanquantile(rolling, [0.25, 0.75])
    labels = np.where(rolling > high, "High", np.where(rolling < low, "Low", "Normal"))
    return labels.reshape(n_assets, -1)


@checked_but("features")
def relationship_matrix(features: Array) -> pd.DataFrame:
    """``exp(-d / median d)``, with the row names of the features lost on the way.

    The listing names the rows of one table, and computes from two others that have none. Labels
    are numbers here, as they are in R when there are no names.

    Parameters
    ----------
    features : ndarray of shape (n_assets, n_features)
        NaN is missing.

    Returns
    -------
    DataFrame, shape (n_assets, n_assets)
        Labelled 0, 1, ...

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio.studies import as_written
    >>> K = as_written.relationship_matrix(np.array([[0.0], [1.0], [3.0]]))
    >>> K.round(2).loc[0].tolist(), "SPY" in K.index
    ([1.0, 0.61, 0.22], False)

    One missing characteristic makes everything missing:

    >>> features = np.array([[0.0, np.nan], [1.0, np.nan], [3.0, np.nan]])
    >>> int(as_written.relationship_matrix(features).isna().sum().sum())
    6
    """
    x = read_array(features, "features", also=np.isnan)
    distance = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2))
    K = np.exp(-distance / np.median(distance[np.triu_indices(len(x), 1)]))
    np.fill_diagonal(K, 1.0)
    return pd.DataFrame(K)


@checked_but("regimes")
def common_slope(
    returns: pd.DataFrame, market: "pd.Series[float]", regimes: Array | None = None
) -> pd.DataFrame:
    """Fitted values of one regression for all assets: an intercept, one slope, effects of regimes.

    Parameters
    ----------
    returns : DataFrame of shape (n_months, n_assets)
    market : Series of shape (n_months,)
    regimes : ndarray of str, shape (n_assets, n_months), optional
        From :func:`volatility_regimes`.

    Returns
    -------
    DataFrame of shape (n_months, n_assets)
        Fixed effects only, as the listing takes them: a constant by asset would not change any
        covariance.

    Examples
    --------
    Without regimes all columns are the same:

    >>> import numpy as np, pandas as pd
    >>> from mixfolio.studies import as_written
    >>> rng = np.random.default_rng(1)
    >>> returns = pd.DataFrame(rng.normal(size=(12, 3)))
    >>> int(np.linalg.matrix_rank(as_written.common_slope(returns, returns[0]).cov()))
    1
    """
    n_months, n_assets = returns.shape
    columns = [np.ones(n_months * n_assets), np.tile(market.to_numpy(), n_assets)]
    if regimes is not None:
        columns += [1.0 * (regimes.ravel() == name) for name in ("Low", "Normal")]
    X, y = np.column_stack(columns), returns.to_numpy().T.ravel()
    fitted = X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return pd.DataFrame(fitted.reshape(n_assets, n_months).T, returns.index, returns.columns)


@checked
def total_covariance(returns: pd.DataFrame, fitted: pd.DataFrame) -> pd.DataFrame:
    """Covariance of fitted values plus that of residuals, without the products of the two.

    Parameters
    ----------
    returns, fitted : DataFrame of shape (n_periods, n_assets)

    Returns
    -------
    DataFrame of shape (n_assets, n_assets)
        Divisor T - 1.

    Examples
    --------
    With fitted values of half the returns, half of the covariance is lost:

    >>> import pandas as pd
    >>> from mixfolio.studies import as_written
    >>> returns = pd.DataFrame({"A": [1.0, 2.0, 3.0], "B": [1.0, 0.0, 2.0]})
    >>> total = as_written.total_covariance(returns, 0.5 * returns)
    >>> float(total.loc["A", "A"] / returns.cov().loc["A", "A"])
    0.5
    """
    return fitted.cov() + (returns - fitted).cov()


@checked
def condition_number(matrix: "pd.DataFrame | Array") -> float:
    """R's ``kappa`` of a square matrix: the condition in the 1-norm of the R of its QR factors.

    R estimates it, from below. This is the number itself.

    Parameters
    ----------
    matrix : DataFrame or ndarray of shape (n, n)

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio.studies import as_written
    >>> float(as_written.condition_number(np.diag([1.0, 4.0])))
    4.0
    """
    triangle = np.linalg.qr(np.asarray(matrix, dtype=float))[1]
    return float(np.linalg.cond(triangle, 1))


@checked
def optimize_portfolio(
    matrix: pd.DataFrame, expected_returns: Any = None, target_return: float | None = None
) -> "pd.Series[float]":
    """The long-only optimiser of the tutorial, which takes means and a target and reads neither.

    Parameters
    ----------
    matrix : DataFrame of shape (n_assets, n_assets)
    expected_returns, target_return
        Not used.

    Returns
    -------
    Series of length n_assets
        Of lowest variance.

    Raises
    ------
    SingularCovarianceError
        If the matrix is not positive definite.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio.studies import as_written
    >>> matrix = pd.DataFrame([[1.0, 0.0], [0.0, 4.0]])
    >>> as_written.optimize_portfolio(matrix, [0.0, 1.0], target_return=1.0).round(2).tolist()
    [0.8, 0.2]
    """
    del expected_returns, target_return
    return pd.Series(minimum_variance(matrix), matrix.columns)


@checked
def last_rows(table: pd.DataFrame, window: int, n_assets: int = 10) -> pd.DataFrame:
    """The last `window` times ten rows of a table sorted by asset: some assets, not some months.

    Parameters
    ----------
    table : DataFrame
        One row per asset and month, sorted by asset.
    window : int
        Months.
    n_assets : int

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio.studies import as_written
    >>> table = pd.DataFrame({"asset": ["A"] * 4 + ["B"] * 4, "month": [1, 2, 3, 4] * 2})
    >>> as_written.last_rows(table, window=2, n_assets=2)["asset"].unique().tolist()
    ['B']
    """
    return table.tail(window * n_assets)


@checked
def drawdown(returns: "pd.Series[float] | Array") -> float:
    """The deepest fall in units of the *first* wealth; a share of the peak is usual.

    Parameters
    ----------
    returns : Series or ndarray of shape (n_periods,)

    Returns
    -------
    float
        Nonnegative.

    Examples
    --------
    Wealth doubles and then loses a quarter:

    >>> from mixfolio.studies import as_written
    >>> as_written.drawdown([1.0, -0.25])
    0.5
    """
    wealth = np.cumprod(1 + np.asarray(returns))
    return float((np.maximum.accumulate(wealth) - wealth).max())


@checked
def cost(turnover: float, rate: float) -> float:
    """Turnover times rate times two, although the turnover counts purchases and sales already.

    Parameters
    ----------
    turnover : float
        Sum of absolute changes of weights.
    rate : float
        Cost of a trade, as a share of what is traded.

    Returns
    -------
    float
        As a share of wealth.

    Examples
    --------
    >>> from mixfolio.studies import as_written
    >>> as_written.cost(0.40, 0.002)
    0.0016
    """
    return turnover * rate * 2
