r"""Checks of a table of prices for what an estimator does not notice.

Nothing is repaired here. Each check looks for one thing that goes wrong in files of prices: assets
that start late or end early, gaps, breaks in the dates, prices that stand still, prices that jump,
and two columns of the same asset.

A jump is a simple return that is larger in size than :data:`JUMP_SPREADS` robust standard
deviations of its asset (1.4826 times the median absolute deviation) and than :data:`JUMP_SIZE`.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from mixfolio._inputs import checked
from mixfolio.errors import DataError
from mixfolio.prices._returns import to_returns

FrequencyName = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]

# Days between rows at the median, from and to; and periods a year.
FREQUENCIES: dict[FrequencyName, tuple[float, float, float]] = {
    "daily": (0.9, 4.0, 252.0),
    "weekly": (5.0, 10.0, 52.0),
    "monthly": (25.0, 35.0, 12.0),
    "quarterly": (80.0, 100.0, 4.0),
    "yearly": (350.0, 380.0, 1.0),
}
JUMP_SPREADS, JUMP_SIZE = 15.0, 0.3
COMES_BACK = 0.25  # of a jump that remains after the next return, at most
STALE_ROWS = 5  # equal prices in a row
STALE_SHARE = 0.2  # of all returns that are zero
TWINS = 0.99  # correlation of returns
LONG_BREAK = 3.0  # times the usual step between dates, and more than a week
LARGEST_LOGARITHM = 12.0  # of prices up to 160,000
CALM, USUAL = 0.08, (0.08, 0.8)  # volatility a year of logarithms, and of what they stand for
LOGARITHMS = (
    "All prices lie below 12 and hardly move, as logarithms of prices do. If they are logarithms, "
    "bring exp of them: nothing here is right for logarithms."
)
SHOWN = 5  # names in a sentence


class Frequency(NamedTuple):
    """How often prices are recorded.

    Attributes
    ----------
    name : {"daily", "weekly", "monthly", "quarterly", "yearly"}
    periods_per_year : float
    """

    name: FrequencyName
    periods_per_year: float


class Finding(NamedTuple):
    """One sentence on the data, and whether it is a reason to look closer.

    Attributes
    ----------
    concern : bool
    text : str
    """

    concern: bool
    text: str


@dataclass(frozen=True)
class Checks:
    """What :func:`check_prices` found.

    Attributes
    ----------
    n_rows, n_assets : int
        Shape of the table.
    first, last : Timestamp
        Its first and last date.
    frequency : Frequency
        Of the prices, by the median step between dates.
    longest_break : Timedelta
        Longest step between two dates.
    break_after : Timestamp
        Date at which that step begins.
    missing : DataFrame
        One row per asset with missing prices: first and last date with a price, and the number of
        cells missing before, after and inside.
    stale : DataFrame
        One row per asset whose price stands still: the most equal prices in a row, and the share
        of returns that are zero.
    jumps : DataFrame
        One row per jump, largest first: asset, date, return, and whether the next return takes it
        back.
    twins : DataFrame
        One row per pair of assets with almost the same returns: both names and their correlation.
    logarithms : bool
        Whether most columns look like logarithms of prices.
    """

    n_rows: int
    n_assets: int
    first: pd.Timestamp
    last: pd.Timestamp
    frequency: Frequency
    longest_break: pd.Timedelta
    break_after: pd.Timestamp
    missing: pd.DataFrame
    stale: pd.DataFrame
    jumps: pd.DataFrame
    twins: pd.DataFrame
    logarithms: bool

    def findings(self) -> list[Finding]:
        """All checks in plain words, one sentence each, those that passed too.

        Returns
        -------
        list of Finding
            Pairs of whether it is a reason to look closer, and the sentence.
        """
        return [
            self._span(),
            self._breaks(),
            *self._missing(),
            self._stale(),
            self._jumps(),
            self._twins(),
            *([Finding(True, LOGARITHMS)] if self.logarithms else []),
        ]

    def _span(self) -> Finding:
        text = (
            f"{self.n_rows:,} rows of {self.n_assets} assets, from {_day(self.first)} to "
            f"{_day(self.last)}; the prices are {self.frequency.name}."
        )
        return Finding(False, text)

    def _breaks(self) -> Finding:
        days, usual = self.longest_break.days, 365.25 / self.frequency.periods_per_year
        long = days > max(LONG_BREAK * usual, 7)
        text = (
            f"The longest step between two dates has {days} days, after {self.break_after.date()}"
        )
        return Finding(long, text + (": is something missing there?" if long else "."))

    def _missing(self) -> list[Finding]:
        """Late starts, early ends and gaps, one sentence each; or that there are none."""
        if self.missing.empty:
            return [Finding(False, "No price is missing.")]
        kinds = {
            "before": ("starts later than the others", "start later than the others"),
            "after": ("ends earlier than the others", "end earlier than the others"),
            "inside": ("has gaps inside", "have gaps inside"),
        }
        found = []
        for kind, words in kinds.items():
            names = self.missing.index[self.missing[kind] > 0]
            if len(names):
                cells = int(self.missing[kind].sum())
                text = f"{_names(names)} {words[len(names) > 1]} ({cells:,} missing cells)."
                found.append(Finding(True, text))
        return found

    def _stale(self) -> Finding:
        if self.stale.empty:
            return Finding(False, "No price stands still for long.")
        rows = int(self.stale["rows"].max())
        name = self.stale["rows"].idxmax()
        text = (
            f"The price of {_names(self.stale.index)} stands still at times, that of {name} for "
            f"{rows} rows. Such prices are old ones, or filled in: risk and correlation look "
            "smaller than they are."
        )
        return Finding(True, text)

    def _jumps(self) -> Finding:
        if self.jumps.empty:
            return Finding(False, "No price jumps beyond what its other returns allow.")
        top = self.jumps.iloc[0]
        back = int(self.jumps["comes_back"].sum())
        text = (
            f"{_count(len(self.jumps), 'return')} out of all proportion, in "
            f"{_names(pd.Index(self.jumps['asset'].unique()))}; the largest is "
            f"{top['return']:+.0%} of {top['asset']} on {top['date'].date()}. "
        )
        text += (
            f"{back} of them the next price takes back, as a typing error would. "
            if back
            else "None is taken back by the next price. "
        )
        return Finding(True, text + "Look for splits and dividends that are not adjusted for.")

    def _twins(self) -> Finding:
        if self.twins.empty:
            return Finding(False, f"No two assets have a correlation above {TWINS}.")
        top = self.twins.iloc[0]
        text = (
            f"{_count(len(self.twins), 'pair')} of assets with almost the same returns, "
            f"{top['asset']} and {top['other']} most of all (correlation "
            f"{top['correlation']:.4f}). How a portfolio divides between twins is chance: keep one."
        )
        return Finding(True, text)


@checked
def find_frequency(dates: pd.Index) -> Frequency:
    """The frequency of a table, by the median step between its dates.

    Parameters
    ----------
    dates : DatetimeIndex of length n_rows
        Rising.

    Returns
    -------
    Frequency

    Raises
    ------
    DataError
        If there are fewer than 3 dates, or their usual step is none of a day, week, month, quarter
        or year.

    Examples
    --------
    >>> from mixfolio import datasets, prices
    >>> prices.find_frequency(datasets.load("stocks-weekly").index)
    Frequency(name='weekly', periods_per_year=52.0)
    """
    if not isinstance(dates, pd.DatetimeIndex) or len(dates) < 3:
        raise DataError(f"a frequency needs three dates or more, and there are {len(dates)}.")
    days = float(np.median(np.diff(dates.to_numpy()) / np.timedelta64(1, "D")))
    for name, (low, high, periods) in FREQUENCIES.items():
        if low <= days <= high:
            return Frequency(name, periods)
    raise DataError(
        f"the dates are {days:.3g} days apart at the median. Use prices of days, weeks, months, "
        "quarters or years; of several prices a day keep the last."
    )


@checked
def check_prices(prices: pd.DataFrame) -> Checks:
    """Look for gaps, stale prices, jumps and twins in a table of prices, and repair nothing.

    Parameters
    ----------
    prices : DataFrame of shape (n_rows, n_assets)
        Positive prices, dates rising; NaN where one is missing.

    Returns
    -------
    Checks
        Its method ``findings()`` says in words what was found.

    Raises
    ------
    DataError
        If the dates have no frequency, a price is not positive, or an asset has none.

    Examples
    --------
    A share that was split two for one, in prices that are not adjusted:

    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> months = pd.date_range("2024-01-31", periods=4, freq="ME")
    >>> table = pd.DataFrame({"SPY": [47, 48, 48.5, 49], "NVDA": [90, 92, 47, 48]}, months)
    >>> found = prices.check_prices(table)
    >>> found.jumps[["asset", "return"]].round(3).to_dict("records")
    [{'asset': 'NVDA', 'return': -0.489}]
    """
    empty = prices.columns[prices.isna().all()]
    if len(empty):
        raise DataError(f"{_names(empty)} without a single price. Delete the empty columns.")
    returns = to_returns(prices)
    steps = np.diff(prices.index.to_numpy())
    longest = int(steps.argmax())
    return Checks(
        n_rows=len(prices),
        n_assets=prices.shape[1],
        first=prices.index[0],
        last=prices.index[-1],
        frequency=find_frequency(prices.index),
        longest_break=pd.Timedelta(steps[longest]),
        break_after=prices.index[longest],
        missing=_find_missing(prices),
        stale=_find_stale(prices, returns),
        jumps=_find_jumps(returns),
        twins=_find_twins(returns),
        logarithms=_look_like_logarithms(prices),
    )


# ------------------------------------------------------------------------------ each check


def _find_missing(prices: pd.DataFrame) -> pd.DataFrame:
    empty, before, after = prices.isna(), prices.ffill().isna(), prices.bfill().isna()
    table = pd.DataFrame(
        {
            "first": [prices[name].first_valid_index() for name in prices],
            "last": [prices[name].last_valid_index() for name in prices],
            "before": before.sum(),
            "after": (after & ~before).sum(),
            "inside": (empty & ~before & ~after).sum(),
        },
        prices.columns,
    )
    return table[empty.any()]


def _find_stale(prices: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    still = returns.to_numpy() == 0.0
    table = pd.DataFrame(
        {"rows": 1 + longest_runs(still), "share": still.mean(axis=0)}, prices.columns
    )
    table.loc[table["rows"] == 1, "rows"] = 0
    return table[(table["rows"] >= STALE_ROWS) | (table["share"] > STALE_SHARE)]


def longest_runs(marks: Any) -> "np.ndarray[tuple[int, ...], np.dtype[np.intp]]":
    """The longest run of True in every column.

    Parameters
    ----------
    marks : ndarray of bool, shape (n_rows, n_columns)

    Returns
    -------
    ndarray of int, shape (n_columns,)
    """
    places = np.arange(1, len(marks) + 1)[:, None]
    last_unmarked = np.maximum.accumulate(np.where(marks, 0, places), axis=0)
    return np.asarray((places - last_unmarked).max(axis=0))


def _find_jumps(returns: pd.DataFrame) -> pd.DataFrame:
    values = returns.to_numpy()
    centre = np.nanmedian(values, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(values - centre), axis=0)
    size = np.abs(values)
    rows, columns = np.nonzero((size > JUMP_SIZE) & (size > JUMP_SPREADS * spread))
    following = np.vstack([values[1:], np.full((1, values.shape[1]), np.nan)])
    twice = (1 + values[rows, columns]) * (1 + following[rows, columns]) - 1
    table = pd.DataFrame(
        {
            "asset": returns.columns[columns],
            "date": returns.index[rows],
            "return": values[rows, columns],
            "comes_back": np.abs(twice) < COMES_BACK * size[rows, columns],
        }
    )
    return table.iloc[np.argsort(-size[rows, columns], kind="stable")].reset_index(drop=True)


def _find_twins(returns: pd.DataFrame) -> pd.DataFrame:
    correlation = returns.corr().to_numpy()
    rows, columns = np.nonzero(np.triu(correlation > TWINS, 1))
    table = pd.DataFrame(
        {
            "asset": returns.columns[rows],
            "other": returns.columns[columns],
            "correlation": correlation[rows, columns],
        }
    )
    return table.sort_values("correlation", ascending=False, ignore_index=True)


def _look_like_logarithms(prices: pd.DataFrame) -> bool:
    """Whether most columns are calm as they stand, and like prices if they are logarithms."""
    if float(prices.max().max()) > LARGEST_LOGARITHM or float(prices.median().min()) < 1.0:
        return False
    year = np.sqrt(find_frequency(prices.index).periods_per_year)
    calm = to_returns(prices).std() * year < CALM
    usual = (prices.diff().std() * year).between(*USUAL)
    return bool((calm & usual).mean() > 0.5)


def _names(labels: pd.Index) -> str:
    """The first names of a list, and how many more there are."""
    shown = [str(name) for name in labels[:SHOWN]]
    if len(labels) > SHOWN:
        return f"{', '.join(shown)} and {len(labels) - SHOWN} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _count(number: int, noun: str) -> str:
    return f"There is 1 {noun}" if number == 1 else f"There are {number} {noun}s"


def _day(date: pd.Timestamp) -> str:
    return f"{date.day} {date:%B %Y}"
