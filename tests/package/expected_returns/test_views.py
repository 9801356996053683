"""Views by name: their portfolios, their variances, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.expected_returns import _views as views
from mixfolio.expected_returns._views import ContradictionError, View

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "black_litterman.json").read_text(encoding="utf-8")
)
COUNTRIES = pd.Index(GOLDEN["countries"])
SIGMA = pd.DataFrame(GOLDEN["Sigma"], COUNTRIES, COUNTRIES)
MARKET = pd.Series(GOLDEN["w_mkt"], COUNTRIES)
GERMANY = View.relative("GER", ["FRA", "UKG"], 0.05, weighting="market")
CANADA = View.relative("CAN", "USA", 0.03)


def row(view):
    found = pd.Series(view.portfolio(COUNTRIES, MARKET.to_numpy()), COUNTRIES)
    return found[found != 0].to_dict()


def test_absolute_views_sum_to_one():
    assert row(View.absolute("GER", 0.1)) == {"GER": 1.0}
    assert row(View.absolute(["GER", "USA"], 0.1)) == {"GER": 0.5, "USA": 0.5}
    assert row(View.absolute({"GER": 3, "USA": 1}, 0.1)) == {"GER": 0.75, "USA": 0.25}
    found = row(View.absolute(["GER", "USA"], 0.1, weighting="market"))
    assert found == pytest.approx({"GER": 0.055 / 0.67, "USA": 0.615 / 0.67})


def test_relative_views_sum_to_zero():
    assert row(CANADA) == {"CAN": 1.0, "USA": -1.0}
    assert row(View.relative({"CAN": 1}, {"USA": 1}, 0.03)) == row(CANADA)
    assert row(View.relative("CAN", ["USA", "JAP"], 0.03)) == {
        "CAN": 1.0,
        "USA": -0.5,
        "JAP": -0.5,
    }
    assert row(GERMANY) == pytest.approx({"GER": 1, "FRA": -0.052 / 0.176, "UKG": -0.124 / 0.176})


def test_matrices_of_he_and_litterman():
    found = views.view_matrices([GERMANY, CANADA], SIGMA, MARKET, tau=0.05)
    for name in ("P", "Q", "Omega"):
        np.testing.assert_allclose(getattr(found, name), GOLDEN["view2"][name], rtol=1e-14)
    assert found.names == ["GER beats FRA, UKG by 0.05", "CAN beats USA by 0.03"]


def test_confidences_of_idzorek():
    quarter = View.relative("GER", ["FRA", "UKG"], 0.05, weighting="market", confidence=0.25)
    two_thirds = View.relative("CAN", "USA", 0.03, confidence=0.65)
    found = views.view_matrices([quarter, two_thirds], SIGMA, MARKET, tau=0.05)
    np.testing.assert_allclose(found.Omega, GOLDEN["idzorek"]["omega"], rtol=1e-13)


def test_assets_are_matched_by_name():
    order = list(COUNTRIES[[3, 6, 0, 5, 1, 4, 2]])
    found = views.view_matrices([GERMANY, CANADA], SIGMA.loc[order, order], MARKET, tau=0.05)
    again = views.view_matrices([GERMANY, CANADA], SIGMA, MARKET[order], tau=0.05)
    np.testing.assert_array_equal(found.P, again.P[:, COUNTRIES.get_indexer(order)])
    np.testing.assert_allclose(found.Omega, again.Omega, rtol=1e-13)


def test_without_labels_assets_are_numbers():
    found = views.view_matrices(View.relative(3, 0, 0.01), SIGMA.to_numpy(), MARKET.to_numpy())
    np.testing.assert_array_equal(found.P, [[-1, 0, 0, 1, 0, 0, 0]])


def test_names_may_be_tuples():
    pairs = pd.MultiIndex.from_tuples([("US", "large"), ("US", "small"), ("EM", "large")])
    view = View.relative(("US", "large"), ("EM", "large"), 0.01)
    np.testing.assert_array_equal(view.portfolio(pairs, np.ones(3) / 3), [1, 0, -1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: View.absolute("GER", np.nan), "value of a view is nan"),
        (lambda: View.absolute("GER", "much"), "value of a view is 'much'"),
        (lambda: View.absolute("GER", 0.1, confidence=0), "above 0 and at most 1.*Leave out"),
        (lambda: View.absolute("GER", 0.1, confidence=1.2), "confidence of 'GER returns 0.1'"),
        (lambda: View.absolute([], 0.1), "side of a view is empty"),
        (lambda: View.absolute({}, 0.1), "side of a view is empty"),
        (lambda: View.absolute(["GER", "GER"], 0.1), "names 'GER' twice"),
        (lambda: View.absolute({"GER": -1}, 0.1), "weight of 'GER'.*positive.*other side"),
        (lambda: View.absolute({"GER": np.inf}, 0.1), "weight of 'GER'.*finite"),
        (lambda: View.absolute(None, 0.1), "names None"),
        (lambda: View.absolute([["GER"]], 0.1), r"names \['GER'\]"),
        (lambda: View.absolute("GER", 0.1, weighting="cap"), "weighting is 'cap'"),
        (lambda: View.relative("GER", None, 0.1), "needs a worse side"),
        (lambda: View.relative("GER", ["FRA", "GER"], 0.1), "'GER' on both sides"),
    ],
)
def test_a_view_that_says_nothing_clear_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_unknown_names_are_an_error():
    view = View.relative("GER", ["FRA", "SPA", "ITA"], 0.05)
    with pytest.raises(DataError, match=r"names 2 unknown asset\(s\), the first is 'SPA'"):
        views.view_matrices([view], SIGMA, MARKET)
    with pytest.raises(DataError, match="'ger', which is no View"):
        views.view_matrices(["ger"], SIGMA, MARKET)


def test_a_group_without_market_weight_cannot_follow_the_market():
    market = MARKET.copy()
    market[["FRA", "UKG", "USA"]] = [0, 0, 0.791]
    with pytest.raises(DataError, match=r"sum to 0.*mapping"):
        views.view_matrices([GERMANY], SIGMA, market)


def test_a_portfolio_without_risk_cannot_be_viewed():
    twins = SIGMA.copy()
    twins["CAN"] = twins["USA"]
    twins.loc["CAN"] = twins.loc["USA"]
    twins.loc["CAN", "CAN"] = twins.loc["USA", "USA"]
    with pytest.raises(SingularCovarianceError, match=r"first is 'CAN beats USA by 0.03'"):
        views.view_matrices([GERMANY, CANADA], twins, MARKET)


# ------------------------------------------------------------------ contradictions


def three(by):
    chain = [View.absolute("GER", 0.05), View.absolute("FRA", 0.04)]
    return views.view_matrices([*chain, View.relative("GER", "FRA", by), CANADA], SIGMA, MARKET)


def test_a_contradiction_names_the_views_and_the_gap():
    stated = three(0.03)
    found = views.contradictions(stated.P, stated.Q, stated.names)
    assert len(found) == 1
    assert found.loc[0, "view"] == "GER beats FRA by 0.03"
    assert found.loc[0, "others"] == ("GER returns 0.05", "FRA returns 0.04")
    np.testing.assert_allclose(
        found.loc[0, ["stated", "implied", "gap"]].astype(float), [0.03, 0.01, 0.02], rtol=1e-12
    )
    with pytest.raises(ContradictionError, match=r"follows 0.01: they disagree by 0.02") as caught:
        views.require_consistent(stated.P, stated.Q, stated.names)
    pd.testing.assert_frame_equal(caught.value.contradictions, found)


def test_dependent_views_that_agree_are_no_contradiction():
    stated = three(0.05 - 0.04)
    assert views.contradictions(stated.P, stated.Q).empty
    views.require_consistent(stated.P, stated.Q, stated.names)
    repeated = views.view_matrices([CANADA, CANADA], SIGMA, MARKET)
    assert views.contradictions(repeated.P, repeated.Q).empty


def test_the_same_portfolio_turned_around():
    stated = views.view_matrices([CANADA, View.relative("USA", "CAN", 0.01)], SIGMA, MARKET)
    found = views.contradictions(stated.P, stated.Q)
    assert found["gap"].tolist() == pytest.approx([0.04])


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(3, 8),
    count=st.integers(2, 6),
    size=st.floats(-12, 12),
    gap=st.floats(0.001, 10),
)
@settings(max_examples=60, deadline=None)
def test_a_planted_contradiction_is_found_and_only_that(seed, n, count, size, gap):
    """Views that follow from true means agree, however many; one that is moved does not."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n) * 10.0**size
    P = rng.integers(-2, 3, (count, n)).astype(float)
    assume(P.any(axis=1).all())
    mixture = rng.choice([-2.0, -1.0, 1.0, 3.0], count) @ P
    assume(mixture.any())
    P = np.vstack([P, mixture])
    Q = P @ truth
    assert views.contradictions(P, Q).empty
    Q[-1] += gap * np.abs(truth).max()
    found = views.contradictions(P, Q)
    assert found["view"].tolist() == [f"view {count + 1}"]
    assert found["gap"][0] == pytest.approx(gap * np.abs(truth).max(), rel=1e-6)


# ------------------------------------------------------------------ matrices


def test_matrices_are_matched_by_name():
    P = pd.DataFrame(GOLDEN["view2"]["P"], ["germany", "canada"], COUNTRIES)
    Q = pd.Series({"canada": 0.03, "germany": 0.05})
    Omega = pd.DataFrame(GOLDEN["view2"]["Omega"], P.index, P.index)
    turned = P.iloc[:, ::-1], Q, Omega.iloc[::-1, ::-1]
    found = views.read_matrices(*turned, SIGMA.to_numpy(), COUNTRIES, tau=0.05)
    for name in ("P", "Q", "Omega"):
        np.testing.assert_allclose(getattr(found, name), GOLDEN["view2"][name], rtol=1e-14)
    assert found.names == ["germany", "canada"]
    default = views.read_matrices(P, Q, None, SIGMA.to_numpy(), COUNTRIES, tau=0.05)
    np.testing.assert_allclose(default.Omega, Omega, rtol=1e-13)


def test_one_view_as_a_row():
    found = views.read_matrices(
        CANADA.portfolio(COUNTRIES, MARKET), 0.03, 0.001, SIGMA.to_numpy(), COUNTRIES, tau=0.05
    )
    assert (found.P.shape, found.Q.shape, found.Omega.shape) == ((1, 7), (1,), (1, 1))


GOOD = GOLDEN["view2"]


@pytest.mark.parametrize(
    ("P", "Q", "Omega", "message"),
    [
        (GOOD["P"], None, None, "Q is missing"),
        (None, GOOD["Q"], None, "P is missing"),
        (np.ones((2, 6)), GOOD["Q"], None, r"P has shape \(2, 6\).*\(n_views, 7\)"),
        (np.zeros((2, 7)), GOOD["Q"], None, "row of zeros"),
        (np.full((2, 7), np.nan), GOOD["Q"], None, "P, 'view 1',.*missing or infinite"),
        (pd.DataFrame(GOOD["P"]), GOOD["Q"], None, "does not name the assets"),
        (pd.DataFrame(GOOD["P"], ["a", "a"], COUNTRIES), GOOD["Q"], None, "view twice"),
        (GOOD["P"], [0.05], None, "Q has shape"),
        (GOOD["P"], [0.05, np.inf], None, "Q has 1 cell"),
        (GOOD["P"], GOOD["Q"], np.eye(3), r"Omega has shape \(3, 3\)"),
        (GOOD["P"], GOOD["Q"], [[1, 0], [0, np.nan]], "missing or infinite"),
        (GOOD["P"], GOOD["Q"], [[1, 0.5], [0, 1]], "not symmetric"),
        (GOOD["P"], GOOD["Q"], [[1, 2], [2, 1]], "lowest eigenvalue is -1"),
        (
            pd.DataFrame(GOOD["P"], ["a", "b"], COUNTRIES),
            GOOD["Q"],
            pd.DataFrame(np.eye(2), ["a", "c"], ["a", "c"]),
            "does not name the views",
        ),
    ],
)
def test_matrices_that_do_not_fit_are_refused(P, Q, Omega, message):
    with pytest.raises(DataError, match=message):
        views.read_matrices(P, Q, Omega, SIGMA.to_numpy(), COUNTRIES, tau=0.05)


@pytest.mark.parametrize("value", [0.101, -0.101])
def test_views_beyond_what_can_be_meant_are_named_with_their_size(value):
    daily = np.diag([1e-4, 4e-4])  # volatilities of 1% and 2% a day
    market = np.array([0.5, 0.5])
    message = r"is 10\.1 standard deviations of its portfolio.*decimal, per period"
    with pytest.raises(DataError, match=rf"view '0 returns {value}' of {value} {message}"):
        views.view_matrices(View.absolute(0, value), daily, market)
    with pytest.raises(DataError, match=rf"view 'view 2' of {2 * value:.4g} {message}"):
        views.read_matrices(
            [[0, 1], [2, 0]], [0.1, 2 * value], None, daily, pd.RangeIndex(2), tau=0.05
        )
    assert views.view_matrices(View.absolute(1, value), daily, market).Q.tolist() == [value]


@pytest.mark.parametrize("tau", [0, -1, np.nan, "small"], ids=repr)
def test_tau_is_positive(tau):
    with pytest.raises(DataError, match="tau is"):
        views.view_matrices(CANADA, SIGMA, MARKET, tau=tau)


@pytest.mark.parametrize("weight", [0, -0.2, 0.0])
def test_weights_of_a_view_are_positive(weight):
    with pytest.raises(DataError, match=r"weight of 'FRA' in a view is .*must be positive"):
        View.absolute({"GER": 1.0, "FRA": weight}, 0.05)


@pytest.mark.parametrize("held", [(-0.1, 0.3), (0.3, -0.1), (0.0, 0.0), (-0.1, -0.2), (np.nan, 1)])
def test_a_market_that_is_short_or_empty_weighs_nothing(held):
    market = MARKET.to_numpy(copy=True)
    market[COUNTRIES.get_indexer(["FRA", "UKG"])] = held
    with pytest.raises(DataError, match=r"negative or sum to .*Give a mapping"):
        GERMANY.portfolio(COUNTRIES, market)
    plain = View.relative("GER", ["FRA", "UKG"], 0.05).portfolio(COUNTRIES, market)
    assert plain[COUNTRIES.get_indexer(["GER", "FRA", "UKG"])].tolist() == [1, -0.5, -0.5]


def test_a_market_that_holds_one_of_two_weighs_the_one():
    market = MARKET.to_numpy(copy=True)
    market[COUNTRIES.get_indexer(["FRA", "UKG"])] = (0.0, 0.3)
    found = pd.Series(GERMANY.portfolio(COUNTRIES, market), COUNTRIES)
    assert found[["GER", "FRA", "UKG"]].tolist() == [1, 0, -1]
