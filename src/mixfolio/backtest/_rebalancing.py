"""When a portfolio is reviewed, and when a review leads to trades.

Between trades weights drift with returns. A calendar reviews at the first period of each month,
quarter or year, and trades at every review. A threshold trades at a review only when some weight
is further from its target than it allows, and not sooner than a least number of periods after the
last trade (Donohue and Yip, 2003, call these calendar and tolerance-band rules).

References
----------
Donohue, C. and Yip, K. (2003). Optimal portfolio rebalancing with transaction costs. Journal of
Portfolio Management 29 (4), 49-63.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixfolio._inputs import Labels, read_count, read_number
from mixfolio.errors import DataError

Calendar = Literal["monthly", "quarterly", "yearly"]
_CALENDARS: dict[str, int] = {"monthly": 1, "quarterly": 3, "yearly": 12}


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
    dates: Labels, first: int, *, step: int = 1, rule: Calendar | Threshold | None = None
) -> NDArray[np.intp]:
    """Positions of the periods before which the portfolio is reviewed.

    Parameters
    ----------
    dates : Index of length n_periods
    first : int
        Position of the first period that is held; always a review.
    step : int
        Periods between reviews, unless `rule` is a calendar.
    rule : {"monthly", "quarterly", "yearly"}, Threshold or None
        A calendar reviews before the first period of each new month, quarter or year.

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
    if rule not in _CALENDARS:
        raise DataError(
            f"rebalance is {rule!r}; it must be one of {list(_CALENDARS)}, a Threshold, or None "
            "for every `step` periods."
        )
    if not isinstance(dates, pd.DatetimeIndex | pd.PeriodIndex):
        raise DataError(
            f"rebalance is {rule!r}, and the index of returns has no dates but {dates.dtype}. "
            "Convert it: returns.index = pd.to_datetime(returns.index)."
        )
    months = dates.year * 12 + dates.month - 1
    period = np.asarray(months // _CALENDARS[rule])
    starts = np.flatnonzero(period[1:] != period[:-1]) + 1
    return np.union1d(np.array([first]), starts[starts > first])
