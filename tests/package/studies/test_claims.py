"""The ledger: verdicts follow from numbers, and every claim is settled or has a reason."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from docutils.nodes import make_id

from mixfolio import covariance, datasets, optimization
from mixfolio.errors import DataError
from mixfolio.studies import as_written, claims, departures
from mixfolio.studies.claims import Outcome, verdict

ROOT = Path(__file__).parents[3]
TABLE = datasets.published("claims")
CONTEXT = claims.Context(n_replications=4)


# ------------------------------------------------------------------------------- the comparisons


@pytest.mark.parametrize(
    ("kind", "printed", "digits", "outcome", "expected"),
    [
        ("number", 13.5, 1, Outcome(value=13.5499), "reproduced"),
        ("number", 13.5, 1, Outcome(value=13.5501), "corrected"),
        ("number", 13.5, 1, Outcome(value=13.45), "reproduced"),
        ("number", 13.5, 1, Outcome(value=13.4499), "corrected"),
        ("number", 17.2, 1, Outcome(value=19.6, low=19.6), "impossible"),
        ("number", 19.5, 1, Outcome(value=19.6, low=19.54), "corrected"),
        ("number", 0.68, 2, Outcome(value=0.61, high=0.61), "impossible"),
        ("derived", 1.19, 3, Outcome(low=1.16, high=1.1895), "reproduced"),
        ("derived", 1.19, 3, Outcome(low=1.16, high=1.1894), "corrected"),
        ("derived", 1.19, 3, Outcome(low=1.1906, high=1.2), "corrected"),
        ("estimate", 8.0, 2, Outcome(value=7.0, error=0.4), "reproduced"),
        ("estimate", 8.0, 2, Outcome(value=7.0, error=0.3), "corrected"),
        ("estimate", 6.0, 2, Outcome(value=7.0, error=0.3), "corrected"),
        ("bound", 0.5, 1, Outcome(low=0.2, high=0.6), "not checkable"),
        ("bound", 0.7, 1, Outcome(low=0.2, high=0.6), "impossible"),
        ("bound", 0.1, 1, Outcome(low=0.2, high=0.6), "impossible"),
        ("bound", 149, 0, Outcome(attainable=(148.0, 149.0)), "not checkable"),
        ("bound", 147, 0, Outcome(attainable=(148.0, 149.0)), "impossible"),
        ("statement", np.nan, 0, Outcome(holds=True), "reproduced"),
        ("statement", np.nan, 0, Outcome(holds=False), "not borne out"),
        ("none", np.nan, 0, Outcome(), "not checkable"),
    ],
)
def test_a_verdict_flips_with_its_number(kind, printed, digits, outcome, expected):
    assert verdict(kind, printed, digits, outcome) == expected


@pytest.mark.parametrize("kind", ["number", "derived", "estimate", "bound", "statement", "other"])
def test_an_outcome_without_what_is_compared_is_refused(kind):
    with pytest.raises(DataError, match="kind"):
        verdict(kind, 1.0, 1, Outcome())


def flipped(name, claim):
    """The verdict of a claim if its printed number, or the outcome of its words, were another."""
    outcome = claims.COMPUTATIONS[name](CONTEXT)
    digits = 0 if np.isnan(claim["digits"]) else int(claim["digits"])
    if claim["kind"] == "statement":
        return verdict("statement", np.nan, 0, replace(outcome, holds=not outcome.holds))
    limits = (outcome.value, outcome.low, outcome.high, *outcome.attainable)
    right = next(x for x in limits if x is not None)
    wrong = right + 100 if outcome.low is None else outcome.low - 100
    printed = wrong if claim["verdict"] in ("reproduced", "not checkable") else right
    return verdict(claim["kind"], round(printed, digits + 6), digits, outcome)


@pytest.mark.parametrize("group", ["two-assets", "three-assets"])
def test_every_verdict_of_the_book_can_flip(group):
    """Another printed number, or another outcome, changes the verdict of each computed claim."""
    ledger = claims.evaluate(CONTEXT, group)
    for name, claim in ledger[ledger["kind"] != "none"].iterrows():
        assert flipped(name, claim) != claim["verdict"], name


# ------------------------------------------------------------------------------------ the table


def test_the_ledger_is_long_and_its_ids_are_unique():
    assert len(TABLE) >= 200
    assert TABLE.index.is_unique
    assert set(TABLE["source"]) == {"tutorial", "simulation", "mean-variance"}
    assert not set(TABLE["kind"]) - {"number", "derived", "estimate", "bound", "statement", "none"}


def test_every_claim_has_a_computation_or_a_reason():
    uncomputed = TABLE["kind"] == "none"
    assert set(TABLE.index[~uncomputed]) <= set(claims.COMPUTATIONS)
    assert set(claims.COMPUTATIONS) <= set(TABLE.index)
    assert set(TABLE.loc[uncomputed, "reason"]) <= set(claims.REASONS)
    assert TABLE.loc[~uncomputed, "reason"].isna().all()


def test_numbers_are_printed_and_statements_are_not():
    numeric = TABLE["kind"].isin(["number", "derived", "estimate", "bound"])
    assert TABLE.loc[numeric, ["printed", "digits"]].notna().all(axis=None)
    assert TABLE.loc[TABLE["kind"] == "statement", "printed"].isna().all()
    rounded = [
        abs(round(p, int(d)) - p) < 1e-12
        for p, d in TABLE.loc[numeric, ["printed", "digits"]].to_numpy()
    ]
    assert all(rounded)


def headings(path):
    """Anchors of the headings of a page."""
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return {make_id(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_every_link_leads_to_a_heading_of_a_chapter():
    for link in TABLE["link"].unique():
        page, _, anchor = link.partition("#")
        path = ROOT / "chapters" / f"{page}.md"
        assert path.exists(), link
        assert anchor in headings(path), link


def test_every_group_is_a_section_of_the_chapter():
    path = ROOT / "chapters" / "18-replication.md"
    assert set(TABLE["group"]) <= headings(path)
    text = path.read_text(encoding="utf-8")
    assert all(f'"{group}"' in text for group in TABLE["group"].unique())


@pytest.mark.slow
def test_the_whole_ledger_can_be_computed():
    ledger = claims.evaluate(CONTEXT)
    assert set(ledger["verdict"]) == set(claims.VERDICTS)
    assert (ledger.loc[ledger["verdict"] == "not checkable", "why"] != "").all()
    assert (ledger.loc[ledger["verdict"] != "not checkable", "why"] == "").all()
    assert (ledger.loc[ledger["why"] == "", "computed"] != "").all()
    assert claims.counts(ledger).to_numpy().sum() == len(TABLE)
    for name, claim in ledger[ledger["kind"] != "none"].iterrows():
        assert flipped(name, claim) != claim["verdict"], name
    for name, expected in {
        "mv-mvp-volatility": "impossible",
        "mv-cost": "corrected",
        "mm-pair-IWM-EFA": "impossible",
        "mm-pair-AGG-TLT": "not checkable",
        "mm-cells-normal": "impossible",
        "mm-heritability": "reproduced",
        "sim-mean-truth-out": "reproduced",
    }.items():
        assert ledger.loc[name, "verdict"] == expected, name


def test_an_unknown_group_is_refused():
    with pytest.raises(DataError, match="no claim belongs"):
        claims.evaluate(CONTEXT, "no-such-section")


# --------------------------------------------------------------------------------------- as HTML


def test_the_table_reads_without_scripts():
    ledger = claims.evaluate(CONTEXT, "two-assets")
    shown = claims.to_html(ledger, "Two <assets>")
    soup = BeautifulSoup(shown._repr_html_(), "html.parser")
    assert not soup.select("script, style, [onclick], [style]")
    assert "&lt;assets&gt;" in shown._repr_html_()
    rows = soup.select("details > table.ledger > tbody > tr")
    assert [row["id"] for row in rows] == list(ledger.index)
    assert [row["data-verdict"] for row in rows] == list(ledger["verdict"])
    assert all(row.th["scope"] == "row" for row in rows)
    text = repr(shown)
    assert soup.summary.get_text() == text.splitlines()[0]
    words = Counter(word for cell in soup.select("th, td") for word in cell.get_text().split())
    words.subtract(Counter(text.split()))
    assert max(words.values()) <= 0, "the text has all that the table shows, so that it is compared"


# ------------------------------------------------------------------------------------ as written


def test_the_misplaced_bracket_is_off_by_one():
    daily = np.random.default_rng(1).normal(0, 0.01, 21)
    assert as_written.monthly_return(daily) == pytest.approx(np.prod(1 + daily))


def test_regime_counts_are_few():
    """What the ledger says of every market is true of many."""
    rng = np.random.default_rng(2)
    for _ in range(100):
        cells = as_written.volatility_regimes(rng.standard_normal(60), 10)
        found = pd.Series(cells.ravel()).value_counts()
        assert {found["High"], found["Low"]} <= {148, 149, 150}
        assert found["Normal"] in {300, 301, 302}
        assert (cells[1:] == cells[1]).all()  # the border touches the first asset alone


def test_kappa_is_one_norm_of_the_triangle():
    rng = np.random.default_rng(3)
    S = np.cov(rng.standard_normal((5, 30)))
    R = np.linalg.qr(S)[1]
    expected = np.abs(R).sum(axis=0).max() * np.abs(np.linalg.inv(R)).sum(axis=0).max()
    assert as_written.condition_number(S) == pytest.approx(expected)


def test_total_covariance_drops_the_cross_products():
    rng = np.random.default_rng(4)
    returns = pd.DataFrame(rng.standard_normal((40, 3)))
    fitted = as_written.common_slope(returns, returns[0])
    rest = returns - fitted
    cross = np.cov(fitted.T, rest.T)[:3, 3:]
    whole = as_written.total_covariance(returns, fitted) + cross + cross.T
    np.testing.assert_allclose(whole, returns.cov(), atol=1e-12)


def test_the_optimiser_as_written_is_minimum_variance():
    S = covariance.sample(pd.DataFrame(np.random.default_rng(5).standard_normal((50, 4))))
    w = as_written.optimize_portfolio(S, expected_returns=[9, 0, 0, 0], target_return=9)
    np.testing.assert_allclose(w, optimization.minimum_variance(S))


def test_similarity_as_written_is_the_formula():
    x = np.random.default_rng(6).standard_normal((6, 3))
    d = np.array([[np.linalg.norm(a - b) for b in x] for a in x])
    expected = np.exp(-d / np.median(d[np.triu_indices(6, 1)]))
    np.testing.assert_allclose(as_written.relationship_matrix(x), expected)


# ---------------------------------------------------------------------------------- our departures


def test_departures_are_departures():
    found = departures.table(CONTEXT)
    assert (found["cited"] != found["ours"]).all()
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert all(f"{{{key}," in bibliography for key in found["source"])
