"""Policies for missing cells, the same for the readers of files, the backtest and the report.

Nothing is left out or filled unless a policy asks for it, and what was done is said.
"""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from mixfolio._inputs import checked_but
from mixfolio.errors import DataError
from mixfolio.prices._checks import longest_runs

Missing = Literal["raise", "drop-assets", "common-period", "fill", "keep"]

LONGEST_GAP = 5  # rows that "fill" bridges
MISSING: dict[Missing, str] = {
    "raise": "refuse them",
    "drop-assets": "leave out every asset with an empty cell",
    "common-period": "use the dates at which all assets have started and none has ended",
    "fill": f"bridge gaps of up to {LONGEST_GAP} rows by the last price, then use the common "
    "period",
    "keep": "leave them empty: a portfolio is then made of the assets that have a whole window",
}
"""Every policy for missing cells, and its meaning."""


def require_policy(missing: str) -> None:
    """Refuse an unknown policy.

    Raises
    ------
    DataError
    """
    if not isinstance(missing, str) or missing not in MISSING:
        raise DataError(f"missing={missing!r} is unknown. Use one of {', '.join(MISSING)}.")


@checked_but("missing")
def complete(
    table: pd.DataFrame,
    missing: Missing,
    source: str,
    *,
    places: Mapping[Any, str] | None = None,
    option: str = "missing={!r}",
    still: float | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Treat the missing cells of a table by a policy, and say what was done.

    Parameters
    ----------
    table : DataFrame of shape (n_periods, n_assets)
        Prices, or returns, with NaN for empty cells.
    missing : str
        A key of :data:`MISSING`.
    source : str
        Name of the table in messages.
    places : mapping of date to str, optional
        Place of each row in a file, as "line 4".
    option : str
        How the reader of a message states a policy, with braces in its place.
    still : float, optional
        What "fill" puts into a gap: the last price by default; 0 in a table of returns.

    Returns
    -------
    table : DataFrame
        Without empty cells, unless they are kept.
    notes : list of str
        What was done, one sentence each.

    Raises
    ------
    DataError
        If the policy is unknown, or cells stay empty that it does not allow.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import prices
    >>> table = pd.DataFrame({"SPY": [47.0, 48.0, 49.0], "BITO": [None, 20.0, 22.0]})
    >>> kept, notes = prices.complete(table, "drop-assets", "my prices")
    >>> list(kept), notes
    (['SPY'], ['Left out for missing prices: BITO.'])
    """
    require_policy(missing)
    notes: list[str] = []
    kept = table
    if missing == "drop-assets":
        kept = table.loc[:, table.notna().all()]
        if kept.shape[1] < table.shape[1]:
            names = table.columns.difference(kept.columns, sort=False)
            notes.append(f"Left out for missing prices: {', '.join(map(str, names))}.")
    if missing == "fill":
        kept = _bridged(table, still, notes)
    if missing in ("common-period", "fill"):
        kept = _common_period(kept, notes)
    if missing != "keep":
        _require_complete(kept, source, places, option)
    return kept, notes


def _common_period(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows from the latest start to the earliest end of all assets."""
    if table.isna().all().any():
        return table
    started, ended = table.ffill().notna().all(axis=1), table.bfill().isna().any(axis=1)
    kept = table[started & ~ended]
    if len(kept) < len(table):
        notes.append(
            f"{len(table) - len(kept):,} rows were left out, in which not all assets have started "
            "or one has ended."
        )
    return kept


def _bridged(table: pd.DataFrame, still: float | None, notes: list[str]) -> pd.DataFrame:
    """Short gaps inside filled by the last price."""
    inside = table.isna() & table.ffill().notna() & table.bfill().notna()
    short = table.columns[longest_runs(inside.to_numpy()) <= LONGEST_GAP]
    cells = int(inside[short].to_numpy().sum())
    if not cells:
        return table
    filled = table.copy()
    last = table[short].ffill() if still is None else table[short].fillna(still)
    filled[short] = last.where(table[short].notna() | inside[short])
    notes.append(
        f"{cells:,} missing prices inside the history were replaced by the last one before: their "
        "returns are zero, and the next makes up for it."
    )
    return filled


def _require_complete(
    table: pd.DataFrame, source: str, places: Mapping[Any, str] | None, option: str
) -> None:
    """Refuse empty cells, saying of which sort they are, which assets, and what can be done."""
    gaps = table.isna()
    count = int(gaps.to_numpy().sum())
    if not count:
        return
    empty = table.index[gaps.all(axis=1)]
    if len(empty):
        raise DataError(
            f"{source}: {len(empty)} row{'' if len(empty) == 1 else 's'} without any price, first "
            f"that of {str(empty[0])[:10]}. Delete it: a day that was not traded is no row."
        )
    names = table.columns[gaps.any()]
    row = int(gaps.any(axis=1).to_numpy().argmax())
    name = table.columns[int(gaps.iloc[row].to_numpy().argmax())]
    place = "" if places is None else places.get(table.index[row], "no line") + ", "
    shown = ", ".join(map(str, names[:3])) + (", ..." if len(names) > 3 else "")
    others = ", ".join(option.format(policy) for policy in MISSING if policy != "raise")
    raise DataError(
        f"{source}: {count} cell{' is' if count == 1 else 's are'} missing in {len(names)} of "
        f"{table.shape[1]} assets ({_sorts(table)}): {shown}. The first is at "
        f"{place}column {name!r}, date {str(table.index[row])[:10]}. "
        f"{_ended(table)}Fill the cells, or say what to do: {others}."
    )


def _ended(table: pd.DataFrame) -> str:
    """A warning if an asset ends before the others: it may have failed."""
    after = table.bfill().isna().sum()
    early = after[(after > 0) & (after < len(table))]
    if early.empty or len(early) == table.shape[1]:
        return ""
    name, rows = early.idxmax(), int(early.max())
    return (
        f"{name} has no price after {str(table.index[-1 - rows])[:10]}, {rows} "
        f"row{'s' if rows > 1 else ''} before the others end: was it delisted? Leaving out what "
        "has ended makes the past look better than it was. "
    )


def _sorts(table: pd.DataFrame) -> str:
    """Number of assets that start late, end early, and have gaps inside."""
    started, ended = table.ffill().isna(), table.bfill().isna()
    inside = table.isna() & ~started & ~ended
    late, early, gaps = (int(part.any().sum()) for part in (started, ended & ~started, inside))
    return f"{late} start late, {early} end early, {gaps} have gaps inside"
