"""One frequency for a table: prices between the regular dates, and a stub at the end, are cut."""

import numpy as np
import pandas as pd

from mixfolio._inputs import checked
from mixfolio.errors import DataError
from mixfolio.prices._checks import FREQUENCIES, Frequency, find_frequency

PERIODS = {"weekly": "W", "monthly": "M", "quarterly": "Q", "yearly": "Y"}
EARLY = 0.3  # of a period, in which dates stand that mark its beginning
LATE = 5  # days before the end of a period, from which it counts as whole
LONG_RUN = 4  # steps in a row that are too long make another frequency


@checked
def evenly(table: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """A table at its usual frequency, and what was left out for that.

    Monthly prices often end with the days of a month that is not over, and weekly ones with a
    part of a week. Of several prices in a week, month, quarter or year one is kept: the first if
    the others stand at the beginning of theirs, else the last.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_assets)
        Prices, dates rising.
    source : str
        Name of the table in messages.

    Returns
    -------
    table : DataFrame
    notes : list of str
        What was left out, one sentence each.

    Raises
    ------
    DataError
        If the dates have no frequency, or several steps in a row are longer than the usual one,
        as where months come before days.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> months = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-29", "2024-04-10"])
    >>> table, notes = prices.evenly(pd.DataFrame({"SPY": [100, 101, 99, 98]}, months), "mine")
    >>> len(table), notes[0][:50]
    (3, 'Prices are monthly; 1 between the regular dates or')
    """
    try:
        frequency = find_frequency(table.index)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    days = np.diff(table.index.to_numpy()) / np.timedelta64(1, "D")
    _refuse_longer(table.index, days, frequency, source)
    if frequency.name == "daily" or not (days < FREQUENCIES[frequency.name][0]).any():
        return table, []
    kept = _one_per_period(table, frequency)
    gone = table.index.difference(kept.index)
    note = (
        f"Prices are {frequency.name}; {len(gone)} between the regular dates or in a last period "
        f"that is not over {'was' if len(gone) == 1 else 'were'} left out, the first of "
        f"{str(gone[0])[:10]}."
    )
    return kept, [note]


def _one_per_period(table: pd.DataFrame, frequency: Frequency) -> pd.DataFrame:
    """The first or the last row of each period; without a last one that is not whole."""
    dates = pd.DatetimeIndex(table.index)
    periods = dates.to_period(PERIODS[frequency.name])
    begins, ends = periods.to_timestamp(how="start"), periods.to_timestamp(how="end").normalize()
    alone = ~periods.duplicated(keep=False)
    place = (dates - begins) / (ends - begins)
    if np.median(place[alone] if alone.any() else place) < EARLY:
        return table[~periods.duplicated(keep="first")]
    kept = table[~periods.duplicated(keep="last")]
    usual = float(np.median(place[alone] if alone.any() else place))
    whole = (ends[-1] - dates[-1]).days <= LATE or place[-1] >= usual - 0.2
    return kept if whole else kept.iloc[:-1]


def _refuse_longer(
    dates: pd.Index,
    days: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    usual: Frequency,
    source: str,
) -> None:
    """Refuse a stretch of the table at a lower frequency than the rest."""
    long = days > 1.5 * FREQUENCIES[usual.name][1]
    ends = np.convolve(long, np.ones(LONG_RUN, dtype=int), mode="valid") == LONG_RUN
    if ends.any():
        first = int(ends.argmax())
        last = first + int((~long[first:]).argmax()) if not long[first:].all() else len(days)
        raise DataError(
            f"{source}: prices are {usual.name} as a rule, but from {str(dates[first])[:10]} to "
            f"{str(dates[last])[:10]} they are {np.median(days[first:last]):.0f} days apart. Two "
            "frequencies do not make one history: keep one part, or the last price of each month."
        )
