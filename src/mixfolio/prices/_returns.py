"""Returns from prices, and returns of longer periods from returns of shorter ones.

A simple return is ``p_t / p_{t-1} - 1``. A log return is the logarithm of ``p_t / p_{t-1}``.
Simple returns add up across assets: a portfolio's return is the weighted mean of its assets'
simple returns. Log returns add up over time. Compounding simple returns multiplies growth
factors, ``prod(1 + r) - 1``; nothing grows from a loss of everything, or of more.
"""

from typing import Literal

import numpy as np
import pandas as pd

from mixfolio._inputs import checked_but
from mixfolio.errors import DataError


def to_returns(prices: pd.DataFrame, *, kind: Literal["simple", "log"] = "simple") -> pd.DataFrame:
    """Simple or logarithmic returns between consecutive rows of a table of prices.

    Parameters
    ----------
    prices : DataFrame of shape (n_periods + 1, n_assets)
        Positive prices, oldest first. A missing price makes the two returns that need it missing.
    kind : {"simple", "log"}
        ``p_t / p_{t-1} - 1``, or the natural logarithm of ``p_t / p_{t-1}``.

    Returns
    -------
    DataFrame of shape (n_periods, n_assets)
        Decimal returns, dated at the end of their period.

    Raises
    ------
    DataError
        If a price is not a positive finite number, the dates do not increase, there are fewer
        than two rows, or `kind` is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> table = pd.DataFrame({"SPY": [400.0, 440.0, 396.0], "TLT": [100.0, 98.0, 101.92]})
    >>> prices.to_returns(table).round(4).to_dict("list")
    {'SPY': [0.1, -0.1], 'TLT': [-0.02, 0.04]}
    """
    if kind not in ("simple", "log"):
        raise DataError(f"kind is {kind!r}; it must be 'simple' or 'log'.")
    if not isinstance(prices, pd.DataFrame):
        raise DataError(
            f"prices is of type {type(prices).__name__}; it must be a DataFrame, oldest row first. "
            "Use prices.to_frame() for a Series."
        )
    if isinstance(prices.index, pd.DatetimeIndex):
        _require_increasing(prices.index, "prices")
    if len(prices) < 2:
        raise DataError(f"prices has {len(prices)} row(s); a return needs two prices.")
    try:
        values = prices.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"prices holds something that is not a number ({error}). Convert every column first."
        ) from error
    if any(kind.kind in "mMc" for kind in prices.dtypes):
        raise DataError("prices holds dates, spans of time or complex numbers. Use numbers.")
    bad = np.argwhere((values <= 0) | np.isinf(values))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"prices has {len(bad)} price(s) that are not positive and finite, the first in row "
            f"{prices.index[row]}, column {prices.columns[column]!r}. Are these returns already?"
        )
    known = prices.astype(float)
    growth = known / known.shift(1)
    return (growth - 1.0 if kind == "simple" else growth.apply(np.log)).iloc[1:]


@checked_but("returns")
def compound(returns: pd.DataFrame, freq: str) -> pd.DataFrame:
    """Compound simple returns within calendar periods, ``prod(1 + r) - 1``.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns with a DatetimeIndex; periods are those of its time zone.
    freq : str
        A pandas period alias: "W", "M", "Q", "Y". Periods are dated by their last observation.

    Returns
    -------
    DataFrame of shape (n_longer_periods, n_assets)
        A period with a missing return is missing; it is not treated as zero. A period that loses
        everything, or more, has the return -1.

    Raises
    ------
    DataError
        If the index holds no dates, a date is missing, repeated or out of order, a return is
        infinite or no number, or `freq` is unknown.

    Notes
    -----
    The first and the last period may be incomplete, as the data are.

    Examples
    --------
    Two months of ten percent make a quarter of 21 percent, not of 20.

    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> months = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-29"])
    >>> returns = pd.DataFrame({"SPY": [0.1, 0.1, 0.0]}, months)
    >>> prices.compound(returns, "Q").round(4).to_dict("list")
    {'SPY': [0.21]}
    """
    index = getattr(returns, "index", None)
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            f"returns has an index of type {type(index).__name__}; compounding by calendar "
            "needs dates. Use pd.to_datetime on the index."
        )
    _require_increasing(index, "returns")
    try:
        periods = index.tz_localize(None).to_period(str(freq))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"freq is {freq!r}, which is no pandas period alias. Use 'W', 'M', 'Q' or 'Y'."
        ) from error
    try:
        growth = 1.0 + returns.astype(float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"returns holds something that is not a number ({error}). Convert every column first."
        ) from error
    if np.isinf(growth.to_numpy()).any():
        raise DataError("returns holds an infinite value. Find the division by zero.")
    missing = growth.isna().groupby(periods).any()
    growth = growth.clip(lower=0.0).groupby(periods).prod().mask(missing) - 1.0
    last = pd.Series(returns.index, index=returns.index).groupby(periods).max()
    growth.index = pd.DatetimeIndex(last, name=returns.index.name)
    return growth


def _require_increasing(dates: pd.DatetimeIndex, what: str) -> None:
    if dates.hasnans:
        raise DataError(f"{what} has {int(pd.isna(dates).sum())} row(s) without a date. Drop them.")
    if not dates.is_monotonic_increasing:
        raise DataError(f"the dates of {what} do not increase. Use {what}.sort_index() first.")
    if not dates.is_unique:
        raise DataError(
            f"{what} has the date {dates[dates.duplicated()][0]} twice. Keep one row per date: "
            f"{what}[~{what}.index.duplicated()]."
        )
