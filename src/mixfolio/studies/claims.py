"""The ledger: every claim of the three sources beside what a computation says of it.

The claims are data: ``data/published/claims.csv``, one a row, in words of this book. The
computations are small functions by the id of the claim. No verdict is typed: :func:`verdict`
compares the printed with the computed.

References
----------
Akdemir, D. (2025). How to use mixed models to improve portfolio performance. Online tutorial.
Woeltjen, J. P. (2019). Understanding portfolio optimization by simulation. Online article.
Zhang, W. (2026). Background: mean-variance portfolio optimization. Online chapter.
"""

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd

from mixfolio import datasets
from mixfolio._inputs import checked
from mixfolio.errors import DataError
from mixfolio.studies import (
    _claims_mean_variance,
    _claims_practice,
    _claims_simulation,
    _claims_tutorial,
)
from mixfolio.studies._claims_context import Context
from mixfolio.studies._claims_core import REASONS, VERDICTS, Computation, Outcome, verdict

__all__ = [
    "COMPUTATIONS",
    "REASONS",
    "VERDICTS",
    "Context",
    "Outcome",
    "counts",
    "evaluate",
    "to_html",
    "verdict",
]

COMPUTATIONS: Mapping[str, Computation] = {
    **_claims_mean_variance.COMPUTATIONS,
    **_claims_simulation.COMPUTATIONS,
    **_claims_tutorial.COMPUTATIONS,
    **_claims_practice.COMPUTATIONS,
}
"""A function of a :class:`Context` for the id of every claim that can be computed."""

INSIDE = "inside"
"""The reason of a number that lies within its bounds."""


def _shown(value: float, digits: int) -> str:
    """A computed number with two decimals more than the printed one, and no trailing zeros."""
    whole, _, rest = f"{value + 0.0:.{digits + 2}f}".partition(".")
    rest = rest.rstrip("0").ljust(digits, "0")
    return f"{whole}.{rest}" if rest else whole


def _computed(kind: str, digits: int, outcome: Outcome) -> str:
    """The computation in words: a value or an interval, and what the outcome adds."""
    parts = []
    if outcome.value is not None:
        value = outcome.value
        parts.append(f"{value:.{digits}f}" if kind == "estimate" else _shown(value, digits))
    if kind == "derived" and outcome.low is not None and outcome.high is not None:
        parts.append(f"{outcome.low + 0.0:.{digits}f} to {outcome.high + 0.0:.{digits}f}")
    joint = " " if outcome.text.startswith("±") else "; "
    return joint.join([*parts, outcome.text] if outcome.text else parts)


@checked
def evaluate(context: Context, group: str | None = None) -> pd.DataFrame:
    """Compute and compare the claims of a group, or all.

    Parameters
    ----------
    context : Context
        Data, worlds and simulations that the computations share.
    group : str, optional
        A value of the column ``group`` of the claims: the section of the chapter.

    Returns
    -------
    DataFrame, one row a claim
        The claims, and the columns ``computed`` (in words), ``verdict``, and ``why`` for what
        cannot be checked: a key of :data:`REASONS`.

    Raises
    ------
    DataError
        If no claim belongs to the group.

    Examples
    --------
    >>> from mixfolio.studies import claims
    >>> ledger = claims.evaluate(claims.Context(), "two-assets")
    >>> ledger.loc["mv-pair-cut-05", ["computed", "verdict"]].tolist()
    ['13.397', 'corrected']
    """
    table = datasets.published("claims")
    if group is not None:
        table = table[table["group"] == group]
    if table.empty:
        raise DataError(f"no claim belongs to the group {group!r}.")
    rows = [_judge(str(name), claim, context) for name, claim in table.iterrows()]
    found = pd.DataFrame(rows, table.index, columns=["computed", "verdict", "why"])
    return pd.concat([table.drop(columns="reason"), found], axis=1)


def _judge(name: str, claim: "pd.Series[str]", context: Context) -> tuple[str, str, str]:
    """What was computed, the verdict, and the reason if there is none."""
    outcome = COMPUTATIONS[name](context) if name in COMPUTATIONS else Outcome()
    if claim["kind"] == "none":
        return outcome.text, "not checkable", str(claim["reason"])
    digits = 0 if np.isnan(float(claim["digits"])) else int(claim["digits"])
    found = verdict(str(claim["kind"]), float(claim["printed"]), digits, outcome)
    reason = INSIDE if found == "not checkable" else ""
    return _computed(str(claim["kind"]), digits, outcome), found, reason


@checked
def counts(ledger: pd.DataFrame) -> pd.DataFrame:
    """How many claims have each verdict, by source.

    Parameters
    ----------
    ledger : DataFrame
        From :func:`evaluate`.

    Returns
    -------
    DataFrame of shape (n_sources, n_verdicts)

    Examples
    --------
    >>> from mixfolio.studies import claims
    >>> ledger = claims.evaluate(claims.Context(), "two-assets")
    >>> claims.counts(ledger).loc["mean-variance", ["reproduced", "corrected"]].to_dict()
    {'reproduced': 14, 'corrected': 2}
    """
    table = pd.crosstab(ledger["source"], ledger["verdict"])
    return table.reindex(columns=list(VERDICTS), fill_value=0).rename_axis(columns=None)


# ---------------------------------------------------------------------------------------- as HTML


def _printed(claim: "pd.Series[str]") -> str:
    value = float(claim["printed"])
    if np.isnan(value):
        return ""
    unit = "" if pd.isna(claim["unit"]) else str(claim["unit"])
    number = f"{value:.{int(claim['digits'])}f}"
    return f"{number}%" if unit == "%" else f"{number} {unit}".strip()


def _place(link: str) -> tuple[str, str]:
    """Address of a section of a chapter, and the words of the link."""
    page, _, anchor = link.partition("#")
    return f"{page}.html#{anchor}", f"chapter {int(page[:2])}"


HEAD = ("claim", "printed", "computed", "verdict", "where")


def _said(claim: "pd.Series[str]") -> str:
    """What is computed, or why nothing is."""
    reason = REASONS[str(claim["why"])] if claim["why"] else ""
    return "; ".join(part for part in (str(claim["computed"]), reason) if part)


def _line(claim: "pd.Series[str]") -> str:
    """The row as text, which the validation of a notebook compares."""
    parts = (claim["claim"], claim["place"], _printed(claim), _said(claim), claim["verdict"])
    return " | ".join(map(str, (*parts, "cell", _place(str(claim["link"]))[1])))


def _row(name: str, claim: "pd.Series[str]") -> str:
    said = _said(claim)
    address, label = _place(str(claim["link"]))
    kind = str(claim["verdict"])
    place = f" <br><small>{escape(str(claim['place']))}</small>"
    cells = [
        f'<th scope="row">{escape(str(claim["claim"]))}{place}</th>',
        f"<td>{escape(_printed(claim))}</td>",
        f"<td>{escape(said)}</td>",
        f'<td><span class="verdict {kind.replace(" ", "-")}">{kind}</span></td>',
        f'<td><a href="#{claim["group"]}">cell</a> <br><a href="{address}">{label}</a></td>',
    ]
    data = f'data-source="{claim["source"]}" data-verdict="{kind}"'
    return f'<tr id="{name}" {data}>{"".join(cells)}</tr>'


class _Html:
    """What a notebook shows as HTML, and as a line of text."""

    def __init__(self, html: str, text: str) -> None:
        self.html, self.text = html, text

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


@checked
def to_html(ledger: pd.DataFrame, title: str) -> _Html:
    """The claims of a section as a folded table, which reads without any script.

    Parameters
    ----------
    ledger : DataFrame
        From :func:`evaluate`.
    title : str
        What the table holds; the counts of the verdicts are added.

    Returns
    -------
    object
        A notebook shows it as a table; printed, it is a line with the counts and one per claim.

    Examples
    --------
    >>> from mixfolio.studies import claims
    >>> table = claims.to_html(claims.evaluate(claims.Context(), "two-assets"), "Two assets")
    >>> print(str(table).splitlines()[0])
    Two assets, 17 claims: 14 reproduced, 2 corrected, 1 not checkable
    """
    found = ledger["verdict"].value_counts()
    parts = [f"{found[kind]} {kind}" for kind in VERDICTS if kind in found]
    text = f"{title}, {len(ledger)} claims: {', '.join(parts)}"
    rows = "".join(_row(str(name), claim) for name, claim in ledger.iterrows())
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    table = (
        f'<table class="ledger"><caption>{escape(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
    html = f'<details class="ledger"><summary>{escape(text)}</summary>{table}</details>'
    lines = [text, " | ".join(HEAD), *(_line(claim) for _, claim in ledger.iterrows())]
    return _Html(html, "\n".join(lines))
