"""The data sets of the book: decimal returns with their provenance, verified on every read.

The files live in ``data/`` of the repository, or inside the installed package.
Each is described in ``datapackage.json`` (a Frictionless tabular data package):
source package and version, licence, columns, groups, known defects, sha256. A
file whose hash differs from the descriptor's is refused, never parsed.

Columns have a *role*: ``"asset"`` for what a portfolio holds, ``"factor"`` for
factor returns, ``"risk_free"`` for the risk-free rate, ``"level"`` for quantities
that are not returns.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import io
import json
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from mixfolio._inputs import checked
from mixfolio.errors import DataError
from mixfolio.prices import read_prices, read_returns, to_returns

__all__ = [
    "catalogue",
    "describe",
    "groups",
    "load",
    "published",
    "read_prices",
    "read_returns",
    "registered",
    "table",
]

DESCRIPTOR = "datapackage.json"


def catalogue() -> pd.DataFrame:
    """List every data set.

    Returns
    -------
    DataFrame, one row per data set
        Indexed by ``name``; columns ``title``, ``frequency``, ``kind`` (what the
        stored numbers are), ``first`` and ``last`` (dates), ``rows`` (periods
        stored), ``assets`` (columns that :func:`load` returns by default),
        ``licence`` and ``source`` (package and version).

    Examples
    --------
    >>> from mixfolio import datasets
    >>> datasets.catalogue().loc["asset-classes", ["frequency", "kind", "assets"]].to_dict()
    {'frequency': 'monthly', 'kind': 'total returns', 'assets': 19}
    """
    rows = [_summary(entry) for entry in _resources()]
    frame = pd.DataFrame(rows).set_index("name")
    return frame.assign(first=pd.to_datetime(frame["first"]), last=pd.to_datetime(frame["last"]))


@checked
def describe(name: str) -> dict[str, Any]:
    """Provenance, columns and known defects of a data set.

    Parameters
    ----------
    name : str
        A name in :func:`catalogue`.

    Returns
    -------
    dict
        The descriptor's entry: among others ``title``, ``unit``, ``sources``,
        ``licenses``, ``hash``, ``schema`` and ``defects``, each of which says
        ``what`` is wrong in the original and which ``action`` was taken.

    Raises
    ------
    DataError
        If no data set has that name.

    Examples
    --------
    >>> from mixfolio import datasets
    >>> entry = datasets.describe("asset-classes")
    >>> entry["title"], entry["unit"]
    ('Nineteen total-return indices over four asset classes', 'decimal simple return a month')
    """
    entries = {entry["name"]: entry for entry in _resources()}
    if name not in entries:
        raise DataError(f"no data set is called {name!r}. {_suggestion(name, entries)}")
    found: dict[str, Any] = entries[name]
    return found


@checked
def load(name: str, *, role: str = "asset") -> pd.DataFrame:
    """Load a data set as decimal simple returns, one row per period.

    Prices are turned into simple returns, so their first date is lost. Data sets
    whose `kind` is ``"levels"`` are returned as they are stored.

    Parameters
    ----------
    name : str
        A name in :func:`catalogue`.
    role : {"asset", "factor", "risk_free"}, default "asset"
        Which columns. For a data set without assets (factors, levels) the
        default gives its main columns.

    Returns
    -------
    DataFrame, shape (n_periods, n_columns)
        Float64, indexed by date; the unit is given by ``describe(name)["unit"]``.
        A missing value stays missing; which ones there are is listed in
        ``describe(name)["defects"]``.

    Raises
    ------
    DataError
        If the name or the role is unknown, or the file is not the one described.

    Examples
    --------
    >>> from mixfolio import datasets
    >>> returns = datasets.load("asset-classes")
    >>> returns.loc["2020-03-31", ["MSCI US", "US Treasuries"]].to_dict()
    {'MSCI US': -0.127305, 'US Treasuries': 0.028924}
    """
    entry = describe(name)
    stored = table(name)[_columns(entry, role)]
    return to_returns(stored) if entry["kind"] == "prices" else stored


@checked
def table(name: str) -> pd.DataFrame:
    """Load a data set as it is stored, all columns, after its hash is verified.

    Parameters
    ----------
    name : str
        A name in :func:`catalogue`.

    Returns
    -------
    DataFrame, shape (n_rows, n_columns)
        Float64, indexed by date: returns, prices or levels as ``kind`` says.

    Raises
    ------
    DataError
        If the name is unknown, or the file is missing or not the one described.

    Examples
    --------
    Levels of an index as they are stored; :func:`load` gives its returns.

    >>> from mixfolio import datasets
    >>> datasets.table("world-indices").loc["2000-01":"2000-03", "GSPC"].tolist()
    [1394.46, 1366.42, 1498.58]
    """
    entry = describe(name)
    content = _verified(entry)
    if entry["path"].endswith(".gz"):
        content = gzip.decompress(content)
    frame = pd.read_csv(io.BytesIO(content), index_col="date", parse_dates=["date"])
    return frame.astype("float64")


@checked
def groups(name: str) -> pd.Series:
    """Group of every asset: its sector, asset class or portfolio family.

    Parameters
    ----------
    name : str
        A name in :func:`catalogue`.

    Returns
    -------
    Series, shape (n_assets,)
        Asset -> label, in the order of the columns of ``load(name)``; its name
        says what the labels are, for example ``"sector"``.

    Raises
    ------
    DataError
        If the name is unknown or the data set has no groups.

    Examples
    --------
    >>> from mixfolio import datasets
    >>> datasets.groups("asset-classes").loc[["MSCI US", "US Treasuries"]].to_dict()
    {'MSCI US': 'Equity', 'US Treasuries': 'Fixed Income'}
    """
    labels = _labels(describe(name))
    if not labels:
        grouped = [entry["name"] for entry in _resources() if _labels(entry)]
        raise DataError(f"data set {name!r} has no groups. Those that have: {', '.join(grouped)}.")
    return pd.Series(labels, name=describe(name)["group_label"]).rename_axis("asset")


# ------------------------------------------------------------------- the descriptor


@checked
def published(name: str) -> pd.DataFrame:
    """Results that others printed or computed, to hold beside ours.

    Parameters
    ----------
    name : str
        ``"demiguel2009"``, a publication; ``"mixed-models"``, what R fits to the panels in
        ``"mixed-models-returns"`` with the relationships in ``"mixed-models-relationship"``;
        ``"claims"``, what the sources of the book claim.

    Returns
    -------
    DataFrame
        A publication is indexed by table and strategy, with one column per data set; results of
        software by panel and software; panels by panel and period; relationships by asset; claims
        by id. A cell that was not printed, or does not exist, is missing.

    Raises
    ------
    DataError
        If there is no such publication, or the file is not the one the descriptor describes.

    Examples
    --------
    Monthly Sharpe ratios of equal weights in DeMiguel, Garlappi and Uppal (2009):

    >>> from mixfolio import datasets
    >>> datasets.published("demiguel2009").loc[("sharpe", "EW")].to_dict()
    {'dgu-sectors': 0.1876, 'dgu-industry': 0.1353, 'dgu-international': 0.1277}
    """
    entries = {entry["name"]: entry for entry in _descriptor()["published"]}
    if name not in entries:
        raise DataError(f"no published figures are called {name!r}. {_suggestion(name, entries)}")
    return pd.read_csv(io.BytesIO(_verified(entries[name])), index_col=entries[name]["index"])


@checked
def registered(name: str) -> dict[str, Any]:
    """The rules of a test that were written down before it was run.

    Parameters
    ----------
    name : str
        The file's name without its ending, which begins with the date.

    Returns
    -------
    dict
        Estimators, data, parameters, the comparison and the questions.

    Raises
    ------
    DataError
        If there is no such file.

    Examples
    --------
    >>> from mixfolio import datasets
    >>> rule = datasets.registered("2026-11-28-time-and-groups")
    >>> rule["date"].isoformat(), list(rule["data"])
    ('2026-11-28', ['etfs', 'indices', 'industries', 'large', 'recent', 'short'])
    """
    folder = _folder() / "registered"
    known = [path.stem for path in sorted(folder.glob("*.toml"))]
    if name not in known:
        raise DataError(f"no registered test is called {name!r}. {_suggestion(name, known)}")
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def _folder() -> Path:
    """The folder of the data: inside the installed package, or in the checkout."""
    installed = resources.files(__package__) / "_data"
    if installed.is_dir():
        return Path(str(installed))
    return Path(__file__).resolve().parents[2] / "data"


def _resources() -> list[dict[str, Any]]:
    """Entries of the descriptor, one per data set."""
    resources: list[dict[str, Any]] = _descriptor()["resources"]
    return resources


def _descriptor() -> dict[str, Any]:
    """The content of ``datapackage.json``."""
    path = _folder() / DESCRIPTOR
    if not path.is_file():
        raise DataError(f"{path} is missing. Run `make data` in the checkout to rebuild it.")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _summary(entry: dict[str, Any]) -> dict[str, Any]:
    """One row of the catalogue."""
    same = ("name", "title", "frequency", "kind", "first", "last", "rows")
    return {
        **{key: entry[key] for key in same},
        "assets": len(_columns(entry, entry["main_role"])),
        "licence": ", ".join(dict.fromkeys(item["name"] for item in entry["licenses"])),
        "source": ", ".join(dict.fromkeys(item["title"] for item in entry["sources"])),
    }


def _labels(entry: dict[str, Any]) -> dict[str, str]:
    """Column -> group, for the columns that have one."""
    fields = entry["schema"]["fields"]
    return {field["name"]: field["group"] for field in fields if "group" in field}


def _columns(entry: dict[str, Any], role: str) -> list[str]:
    """Columns of a role, the main role standing in for assets where there are none."""
    by_role: dict[str, list[str]] = {}
    for field in entry["schema"]["fields"][1:]:
        by_role.setdefault(field["role"], []).append(field["name"])
    wanted = entry["main_role"] if role == "asset" else role
    if wanted not in by_role:
        suggestion = _suggestion(role, by_role)
        raise DataError(f"data set {entry['name']!r} has no columns of role {role!r}. {suggestion}")
    return by_role[wanted]


def _suggestion(word: str, known: Iterable[str]) -> str:
    """The close matches of a word, or all that is known."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    return f"Did you mean: {', '.join(close)}?" if close else f"There are: {', '.join(names)}."


def _verified(entry: dict[str, Any]) -> bytes:
    """Bytes of the file of an entry, if they are those the descriptor promises."""
    path = _folder() / str(entry["path"])
    if not path.is_file():
        raise DataError(f"{path} is missing. Run `make data` in the checkout to rebuild it.")
    content = path.read_bytes()
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if found != entry["hash"]:
        raise DataError(
            f"{path} is not the file that {DESCRIPTOR} describes: expected {entry['hash']}, "
            f"found {found}. Run `make data` in the checkout to rebuild it."
        )
    return content
