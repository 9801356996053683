"""Signals, the portfolio agent and the risk agent, alone and together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio import agents, metrics
from mixfolio.agents import Limits, Proposal
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError
from mixfolio.expected_returns._views import View
from mixfolio.optimization import _optimizers as optimization

NAMES = list("abcdef")
GROUPS = pd.Series(["x", "x", "x", "y", "y", "z"], NAMES)


def table(seed=0, periods=120):
    rng = np.random.default_rng(seed)
    values = rng.normal(0.005, 0.03, (periods, 6)) + rng.normal(0, 0.03, (periods, 1))
    dates = pd.date_range("2010-01-31", periods=periods, freq="ME")
    return pd.DataFrame(values, dates, NAMES)


def proposal(weights, previous=None, seed=0):
    matrix = covariance.sample(table(seed))
    mean = pd.Series(0.004, NAMES)
    held = None if previous is None else pd.Series(previous, NAMES)
    return Proposal(pd.Series(weights, NAMES), mean, matrix, pd.DataFrame(), held)


EQUAL = [1 / 6] * 6
BOLD = [0.6, 0.2, 0.1, 0.1, 0.0, 0.0]


# ------------------------------------------------------------------ signals


def test_momentum_ranks_the_past_and_skips_the_latest():
    returns = table()
    returns.iloc[-1] = [0.9, 0.9, -0.9, -0.9, 0.0, 0.0]
    (view,) = agents.momentum(returns, lookback=12, skip=1, share=1 / 3, premium=0.002)
    grown = (1 + returns.iloc[-12:-1]).prod()
    assert set(view.better) == set(grown.nlargest(2).index)
    assert set(view.worse) == set(grown.nsmallest(2).index)
    assert (view.value, view.confidence) == (0.002, 0.25)


def test_momentum_knows_only_its_lookback():
    returns = table()
    changed = returns.copy()
    changed.iloc[:-12] = 0.5
    assert agents.momentum(returns) == agents.momentum(changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lookback": 200}, "at least 200"),
        ({"lookback": 12, "skip": 12}, "skip is 12"),
        ({"share": 0.6}, "share is 0.6"),
        ({"share": 0.01}, "share is 0.01 of 6 assets"),
        ({"lookback": 2.5}, "lookback is 2.5"),
    ],
    ids=str,
)
def test_momentum_that_makes_no_sense(options, message):
    with pytest.raises(DataError, match=message):
        agents.momentum(table(), **options)


def test_views_need_names():
    for call in (agents.momentum, agents.propose):
        with pytest.raises(DataError, match="must be a DataFrame"):
            call(table().to_numpy())


def test_breeding_values_state_a_view_an_asset():
    rng = np.random.default_rng(3)
    effects = np.array([0.03, 0.02, 0.01, -0.01, -0.02, -0.03])
    returns = pd.DataFrame(rng.normal(0.01, 0.03, (60, 6)) + effects, columns=NAMES)
    views = agents.breeding_values(returns)
    stated = pd.Series({view.better: view.value for view in views})
    assert list(stated.index) == NAMES
    assert stated.rank().corr(returns.mean().rank()) == pytest.approx(1.0)
    assert (stated - stated.mean()).abs().sum() < (
        returns.mean() - returns.mean().mean()
    ).abs().sum()
    assert all(0 < view.confidence <= 1 for view in views)


def test_no_persistent_differences_no_views():
    returns = pd.DataFrame(
        np.tile([0.01, -0.01], 30)[:, None] * [1, -1, 1, -1], columns=list("abcd")
    )
    assert agents.breeding_values(returns + 0.002) == []


# ------------------------------------------------------------------ the portfolio agent


def test_without_signals_the_market_is_proposed():
    found = agents.propose(table(), estimator=covariance.sample)
    assert found.weights.to_list() == pytest.approx(EQUAL, abs=1e-9)
    assert len(found.views) == 0


def test_signals_move_the_portfolio_their_way():
    def likes_a(returns):
        return [View.relative("a", "b", 0.01, confidence=0.5)]

    found = agents.propose(table(), [likes_a, agents.momentum])
    assert found.weights["a"] > 1 / 6 > found.weights["b"]
    assert len(found.views) == 2


def test_signals_cannot_change_the_data():
    returns = table()
    kept = returns.copy()

    def vandal(past):
        past.iloc[:] = 0.5
        return []

    found = agents.propose(returns, [vandal])
    pd.testing.assert_frame_equal(returns, kept)
    pd.testing.assert_series_equal(found.weights, agents.propose(returns).weights)


def test_contradicting_signals_are_averaged():
    signals = [
        lambda r, v=value: [View.relative("a", "b", v, confidence=0.5)] for value in (0.02, -0.02)
    ]
    found = agents.propose(table(), signals)
    alone = agents.propose(table(), [lambda r: [View.relative("a", "b", 0.0, confidence=0.5)]])
    assert found.weights["a"] == pytest.approx(alone.weights["a"], abs=0.02)


def test_constraints_and_costs_reach_the_optimizer():
    held = pd.Series([0.5, 0.5, 0, 0, 0, 0], NAMES)
    stuck = agents.propose(table(), previous=held, turnover_penalty=1.0)
    pd.testing.assert_series_equal(stuck.weights, held, check_names=False, atol=1e-9)
    capped = agents.propose(table(), groups=GROUPS, group_limits=(None, 0.4))
    assert capped.weights[["a", "b", "c"]].sum() <= 0.4 + 1e-9


# ------------------------------------------------------------------ the risk agent


def test_a_portfolio_within_its_limits_passes_as_it_is():
    p = proposal(EQUAL, EQUAL)
    limits = Limits(0.3, GROUPS, 0.6, 0.1, 3, 0.5)
    found = agents.review(p, limits)
    assert (found.verdict, found.reasons) == ("pass", [])
    assert found.weights is p.weights
    assert not found.checks["breached"].any()
    assert list(found.checks.index) == [
        "max_position",
        "max_group",
        "max_volatility",
        "min_effective_number",
        "max_turnover",
    ]


BREACHES = {
    "max_position": Limits(max_position=0.3),
    "max_group": Limits(groups=GROUPS, max_group=0.5),
    "max_volatility": Limits(max_volatility=0.0342),
    "min_effective_number": Limits(min_effective_number=4.0),
    "max_turnover": Limits(max_turnover=0.3),
}


@pytest.mark.parametrize("name", list(BREACHES))
def test_each_limit_is_met_exactly_after_adjustment(name):
    p = proposal(BOLD, EQUAL)
    found = agents.review(p, BREACHES[name])
    assert found.verdict == "adjust"
    row = found.checks.loc[name]
    assert row["breached"]
    assert row["final"] == pytest.approx(row["limit"], rel=1e-6)
    assert found.weights.sum() == pytest.approx(1.0)
    assert len(found.reasons) == 2
    assert f"{row['limit']:.4g}" in found.reasons[0]


def test_caps_are_met_with_the_lowest_tracking_error():
    p = proposal(BOLD)
    found = agents.review(p, Limits(max_position=0.3))
    V = p.covariance.to_numpy()
    best = (found.weights - p.weights).to_numpy()
    rng = np.random.default_rng(1)
    for _ in range(2000):
        other = rng.dirichlet(np.ones(6))
        if other.max() <= 0.3:
            away = other - p.weights.to_numpy()
            assert away @ V @ away >= best @ V @ best - 1e-15


def test_far_breaches_are_rejected_and_what_is_held_stays():
    p = proposal([3.0, -2.0, 0, 0, 0, 0], EQUAL)
    found = agents.review(p, Limits(max_position=0.3))
    assert found.verdict == "reject"
    pd.testing.assert_series_equal(found.weights, p.previous)
    assert "beyond 5 times" in found.reasons[0]
    assert found.reasons[-1] == "What is held stays."
    assert agents.review(proposal([3.0, -2, 0, 0, 0, 0]), Limits(max_position=0.3)).weights is None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(max_position=0.15), "No portfolio meets them"),
        (Limits(max_volatility=0.01), "even the safest"),
        (Limits(min_effective_number=7.0), "even the safest, or most even"),
        (
            Limits(max_position=0.3, max_turnover=0.01, reject_beyond=99),
            "After adjustment: The largest position",
        ),
    ],
    ids=["caps", "volatility", "even", "partial trade"],
)
def test_limits_that_cannot_be_met_are_rejected_with_the_reason(limits, message):
    p = proposal(BOLD, [0.5, 0.5, 0, 0, 0, 0])
    found = agents.review(p, limits)
    assert found.verdict == "reject"
    assert any(message in reason for reason in found.reasons)
    pd.testing.assert_series_equal(found.weights, p.previous)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(lambda w: sum(w) > 0.1),
    st.floats(0.2, 1.0),
    st.floats(1.0, 5.5),
    st.floats(0.05, 2.0),
)
def test_what_the_agent_allows_is_within_the_limits(weights, cap, number, turnover):
    weights = np.array(weights) / sum(weights)
    p = proposal(weights, EQUAL)
    limits = Limits(
        max_position=cap, min_effective_number=number, max_turnover=turnover, reject_beyond=100.0
    )
    found = agents.review(p, limits)
    if found.verdict != "reject":
        assert found.weights.max() <= cap * (1 + 1e-6)
        assert metrics.effective_number(found.weights) >= number * (1 - 1e-6)
        assert metrics.turnover(found.weights, p.previous) <= turnover * (1 + 1e-6)
        assert found.weights.sum() == pytest.approx(1.0)
    assert (found.verdict == "pass") == (not found.checks["breached"].any())
    again = agents.review(
        Proposal(
            found.weights,
            *[getattr(p, k) for k in ("expected_returns", "covariance", "views", "previous")],
        ),
        limits,
    )
    if found.verdict != "reject":
        assert again.verdict == "pass"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_position": 0.0}, "max_position is 0.0"),
        ({"max_turnover": -1.0}, "max_turnover is -1.0"),
        ({"max_volatility": np.nan}, "max_volatility is nan"),
        ({"max_group": 0.5}, "max_group needs groups"),
        ({"reject_beyond": 0.5}, "reject_beyond is 0.5"),
    ],
    ids=str,
)
def test_limits_that_make_no_sense(options, message):
    with pytest.raises(DataError, match=message):
        Limits(**options)


def test_groups_must_cover_the_assets():
    limits = Limits(groups=GROUPS.drop("f"), max_group=0.5)
    with pytest.raises(DataError, match=r"no entry for 1 asset.*'f'"):
        agents.review(proposal(BOLD), limits)


def test_weights_that_are_not_finite_are_an_error():
    with pytest.raises(DataError, match="weights"):
        agents.review(proposal([np.nan, 0.2, 0.2, 0.2, 0.2, 0.2]), Limits(max_position=0.3))


def test_the_three_compose():
    returns = table(5)
    p = agents.propose(
        returns,
        [agents.momentum, agents.breeding_values],
        previous=optimization.equal_weight(returns.columns),
    )
    found = agents.review(p, Limits(max_position=0.25, groups=GROUPS, max_group=0.5))
    assert found.verdict in ("pass", "adjust")
    assert found.weights.max() <= 0.25 + 1e-8


@pytest.mark.parametrize(
    ("change", "limits", "message"),
    [
        ({"covariance": np.nan}, Limits(max_volatility=0.001), "missing or infinite"),
        ({"weights": 3.0}, Limits(max_position=0.9), "weights of the proposal sums to 3"),
        ({"previous": 4.0}, Limits(max_turnover=0.7), "previous of the proposal sums to 4"),
    ],
    ids=str,
)
def test_proposals_that_make_no_sense(change, limits, message):
    p = proposal(EQUAL, EQUAL)
    for name, factor in change.items():
        p = replace(p, **{name: getattr(p, name) * factor})
    with pytest.raises(DataError, match=message):
        agents.review(p, limits)


def test_groups_without_a_label_are_named():
    groups = GROUPS.where(GROUPS != "x")
    with pytest.raises(DataError, match=r"groups has 6 entries, 3 of them missing"):
        agents.review(proposal(EQUAL), Limits(groups=groups, max_group=0.5))


@pytest.mark.parametrize(
    "limits", [Limits(max_position=0.9), Limits(groups=GROUPS, max_group=0.99)]
)
def test_caps_allow_no_shorts(limits):
    found = agents.review(proposal([0.5, -0.2, 0.3, 0.4, 0.0, 0.0]), limits)
    assert found.verdict == "adjust"
    assert found.weights.min() >= -1e-9
    assert "lowest weight is -0.2" in found.reasons[0]


def test_caps_in_per_cent_are_refused():
    for name in ("max_position", "max_group"):
        with pytest.raises(DataError, match=r"30, more than all there is; 0.30 is 30 %"):
            Limits(**{name: 30}, groups=GROUPS)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r[::-1], "order of time"),
        (lambda r: pd.concat([r, r]).sort_index(), "repeated date"),
        (lambda r: (1 + r).cumprod() * 100, "Are they prices"),
        (lambda r: r * 100, "per cent"),
    ],
    ids=["reversed", "repeated", "prices", "per cent"],
)
def test_only_histories_of_returns_are_read(spoil, message):
    for call in (agents.momentum, agents.breeding_values, agents.propose):
        with pytest.raises(DataError, match=message):
            call(spoil(table()))


def test_signals_and_estimators_are_functions():
    returns = table()
    one = agents.propose(returns, agents.momentum)
    pd.testing.assert_series_equal(one.weights, agents.propose(returns, [agents.momentum]).weights)
    for signals in ([None], ["momentum"], [lambda r: None], [lambda r: [1]]):
        with pytest.raises(DataError, match="a signal"):
            agents.propose(returns, signals)
    with pytest.raises(DataError, match="estimator is 'oas'"):
        agents.propose(returns, estimator="oas")
    with pytest.raises(DataError, match="returns is of type ndarray; it must be a DataFrame"):
        agents.breeding_values(returns.to_numpy())


def test_estimators_cannot_change_the_data():
    returns = table()
    kept = returns.copy()

    def vandal(past):
        past.iloc[:] = past * 2
        return covariance.sample(past)

    agents.propose(returns, estimator=vandal)
    pd.testing.assert_frame_equal(returns, kept)


def test_reviews_need_a_proposal_and_limits():
    for pair in ((proposal(EQUAL), None), (EQUAL, Limits(max_position=0.5))):
        with pytest.raises(DataError, match="review takes a Proposal and Limits"):
            agents.review(*pair)
