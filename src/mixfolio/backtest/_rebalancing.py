"""When a portfolio is reviewed, on how much history, and when a review leads to trades.

Between trades weights drift with returns. A calendar decides after the last period of each month,
quarter or year, holds from the first period of the next, and trades at every review. A threshold
trades at a review only when some weight is further from its target than it allows, and not sooner
than a least number of periods after the last trade (Donohue and Yip, 2003, call these calendar and
tolerance-band rules).

References
----------
Donohue, C. and Yip, K. (2003). Optimal portfolio rebalancing with transaction costs. Journal of
Portfolio Management 29 (4), 49-63.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixfolio._inputs import Labels, read_count, read_number
from mixfolio.errors import DataError

_CALENDARS = {"monthly": "ME", "quarterly": "QE", "yearly": "YE"}
_SPAN = re.compile(r"(\d+) ?(Y|M|W|D)")
_UNITS = {
    "Y": pd.DateOffset(years=1),
    "M": pd.DateOffset(months=1),
    "W": pd.DateOffset(weeks=1),
    "D": pd.DateOffset(days=1),
}


@dataclass(frozen=True)
class Threshold:
    """Trade only when a weight has drifted too far from its target.

    Attributes
    ----------
    deviation : float
        Trade when the largest absolute difference of a held weight and its target exceeds this:
        0.05 is five points of the wealth.
    minimum_interval : int
        Periods that must pass between two trades; 1 sets no limit.

    Raises
    ------
    DataError
        If `deviation` is negative or `minimum_interval` is not a whole number of at least 1.
    """

    deviation: float = 0.05
    minimum_interval: int = 1

    def __post_init__(self) -> None:
        if read_number(self.deviation, "deviation") < 0:
            raise DataError(
                f"deviation is {self.deviation}; it must be zero or positive: 0.05 is five points."
            )
        read_count(self.minimum_interval, "minimum_interval", 1, 10**9)


def reviews(
    dates: Labels, first: int, *, step: int = 1, rule: str | Threshold | None = None
) -> NDArray[np.intp]:
    """Positions of the periods before which the portfolio is reviewed.

    Parameters
    ----------
    dates : Index of length n_periods
    first : int
        Position of the first period that is held; always a review.
    step : int
        Periods between reviews, unless `rule` is a calendar.
    rule : str, Threshold or None
        A calendar: "monthly", "quarterly", "yearly" or an offset alias of pandas, such as "ME" or
        "W-FRI". A review comes after the last period up to each of its dates.

    Returns
    -------
    ndarray of int, of shape (n_reviews,)

    Raises
    ------
    DataError
        If the rule is unknown, or a calendar is asked for without dates.
    """
    if rule is None or isinstance(rule, Threshold):
        return np.arange(first, len(dates), step)
    days = _days(dates, f"rebalance is {rule!r}")
    try:
        ends = pd.date_range(days[0], days[-1], freq=_CALENDARS.get(rule, rule))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"rebalance is {rule!r}; it must be one of {list(_CALENDARS)}, an offset alias of "
            "pandas such as 'ME' or 'W-FRI', a Threshold, or None for every `step` periods."
        ) from error
    period = ends.searchsorted(days, side="left")
    starts = np.flatnonzero(period[1:] != period[:-1]) + 1
    return np.union1d(np.array([first]), starts[starts > first])


def histories(dates: Labels, window: int | str) -> tuple[int, NDArray[np.intp]]:
    """The first period that can be held, and where the history of every decision begins.

    Parameters
    ----------
    dates : Index of length n_periods
    window : int or str
        Periods of history, or a span of time such as "2Y", "18M", "26W" or "90D": the returns
        dated after the last one known less the span. Years and months before the last weekday of
        a month go back to the end of a month.

    Returns
    -------
    first : int
        The first period with a whole window before it.
    begins : ndarray of int, of shape (n_periods,)
        Position of the first return that a decision before each period may use.

    Raises
    ------
    DataError
        If the window is no such thing, or leaves no period to hold.
    """
    if not isinstance(window, str):
        first = read_count(window, "window", 1, len(dates) - 1)
        return first, np.maximum(np.arange(len(dates)) - first, 0)
    match = _SPAN.fullmatch(window.upper())
    if match is None or int(match[1]) == 0:
        raise DataError(
            f"window is {window!r}; it must be a number of periods, or a span of time: a whole "
            "number with Y, M, W or D, such as '2Y', '18M', '26W' or '90D'."
        )
    days = _days(dates, f"window is {window!r}")
    before = _span_before(days[:-1], int(match[1]), match[2])
    begins = np.append(0, days.searchsorted(before, side="right"))
    usual_gap = np.median(np.diff(days.to_numpy())) if len(days) > 1 else np.timedelta64(0)
    whole = np.flatnonzero(before >= days[0] - 1.1 * pd.Timedelta(usual_gap))
    if len(whole) == 0:
        raise DataError(
            f"window is {window!r}, and returns from {days[0].date()} to {days[-1].date()} leave "
            "no period after it. Use a shorter one."
        )
    return int(whole[0]) + 1, begins


def _span_before(days: pd.DatetimeIndex, count: int, unit: str) -> pd.DatetimeIndex:
    """The same day a span earlier; for the last trading day of a month the end of a month."""
    earlier = pd.DatetimeIndex(days - count * _UNITS[unit])
    if unit in "WD":
        return earlier
    last = (days + pd.offsets.BusinessDay(1)).month != days.month
    return earlier.where(~last, earlier + pd.offsets.MonthEnd(0))


def _days(dates: Labels, what: str) -> pd.DatetimeIndex:
    """Days on which periods end, or a DataError that begins with `what`."""
    if isinstance(dates, pd.PeriodIndex):
        dates = dates.to_timestamp(how="end")
    if not isinstance(dates, pd.DatetimeIndex):
        raise DataError(
            f"{what}, and the index of returns has no dates but {dates.dtype}. "
            "Convert it: returns.index = pd.to_datetime(returns.index)."
        )
    return dates.tz_localize(None).normalize()
