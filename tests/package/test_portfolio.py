"""From returns to a portfolio with its reasons."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import datasets, metrics, mixed_model, relationship
from mixfolio import portfolio as practice
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, InfeasibleError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.portfolio import mixed_model_portfolio


@pytest.fixture(scope="module")
def stocks():
    returns, groups = datasets.load("stocks-weekly"), datasets.groups("stocks-weekly")
    names = [name for sector in groups.unique() for name in groups.index[groups == sector][:3]]
    return returns[names].iloc[-208:], groups


def test_it_is_the_recommended_covariance_and_an_optimizer(stocks):
    returns, groups = stocks
    found = mixed_model_portfolio(returns, groups=groups, lookback=104, max_position=1.0)
    matrix = mixed_model.covariance(returns.iloc[-104:], groups)
    pd.testing.assert_frame_equal(found.covariance, matrix)
    pd.testing.assert_series_equal(found.weights, optimization.minimum_variance(matrix))
    assert found.used == "mixed model"
    assert 0 < found.intensity < 1
    assert 0.1 < found.heritability < 1


def test_the_risk_adds_up(stocks):
    returns, groups = stocks
    found = mixed_model_portfolio(returns, groups=groups)
    w, V = found.weights.to_numpy(), found.covariance.to_numpy()
    assert found.attribution.variance == pytest.approx(w @ V @ w, rel=1e-12)
    assert found.attribution.by_source.sum() == pytest.approx(1, abs=1e-12)
    assert list(found.attribution.by_source.index) == ["sample", "market", "sector", "specific"]
    assert found.diagnosis["volatility per period"] == pytest.approx(np.sqrt(w @ V @ w))


def test_relationship_matrices_do_instead_of_groups(stocks):
    returns, groups = stocks
    K = relationship.from_groups(groups.loc[returns.columns])
    found = mixed_model_portfolio(returns, relationship={"sector": K.iloc[::-1, ::-1]})
    assert set(found.attribution.by_source.index) == {"sample", "sector", "market", "residual"}
    pd.testing.assert_frame_equal(
        found.covariance, mixed_model.covariance(returns, relationship={"sector": K})
    )


def test_too_little_in_common_falls_back_to_shrinkage_and_says_so(stocks):
    returns, groups = stocks
    found = mixed_model_portfolio(returns, groups=groups, min_heritability=0.95)
    shrunk = mixed_model.with_time_steps(lambda past, _: covariance.nonlinear_shrinkage(past))
    pd.testing.assert_frame_equal(found.covariance, shrunk(returns, None))
    assert (found.used, found.intensity) == ("shrinkage", 0.0)
    assert found.heritability < 0.95
    assert list(found.attribution.by_source.index) == ["shrinkage"]
    assert "less than the 95% asked for" in found.explanation
    assert "nonlinear shrinkage" in found.explanation


def test_independent_assets_fall_back_by_default():
    values = np.random.default_rng(0).normal(0, 0.02, (200, 12))
    returns = pd.DataFrame(values, columns=[f"a{j}" for j in range(12)])
    assert mixed_model_portfolio(returns).used == "shrinkage"


def test_limits_hold(stocks):
    returns, groups = stocks
    found = mixed_model_portfolio(returns, groups=groups, max_position=0.08, max_group=0.15)
    assert found.weights.max() <= 0.08 + 1e-9
    by_group = found.weights.groupby(groups.loc[found.weights.index]).sum()
    assert by_group.max() <= 0.15 + 1e-9
    assert found.weights.min() >= 0
    capped = int((found.weights > 0.08 - 1e-6).sum())
    assert capped > 1
    assert f"at most 8% an asset, which {capped} assets reach" in found.explanation
    assert "at most 15% a group" in found.explanation
    short = mixed_model_portfolio(returns, groups=groups, long_only=False, max_position=0.1)
    assert short.weights.min() < 0
    assert short.weights.abs().max() <= 0.1 + 1e-9


AS_OTHERS_GIVE_THEM = {
    "list": list,
    "tuple": tuple,
    "array": np.asarray,
    "shuffled Series": lambda labels: labels[::-1],
    "shuffled dict": lambda labels: labels[::-1].to_dict(),
    "one column": lambda labels: labels[::-1].to_frame(),
    "zeros and ones": lambda labels: pd.get_dummies(labels)[::-1],
}


@pytest.mark.parametrize("form", AS_OTHERS_GIVE_THEM)
def test_groups_in_every_form_give_the_same_portfolio(stocks, form):
    returns, groups = stocks
    labels = groups.loc[returns.columns]
    expected = mixed_model_portfolio(returns, labels, max_group=0.15)
    found = mixed_model_portfolio(returns, AS_OTHERS_GIVE_THEM[form](labels), max_group=0.15)
    assert expected.weights.groupby(labels).sum().max() == pytest.approx(0.15)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-8)
    assert found.weights.index.equals(returns.columns)


def test_groups_of_several_levels_are_limited_at_every_level(stocks):
    returns, groups = stocks
    size = pd.Series(list("abc") * 11, returns.columns)
    levels = pd.DataFrame({"sector": groups.loc[returns.columns], "size": size})
    found = mixed_model_portfolio(returns, levels, max_group=0.35)
    free = mixed_model_portfolio(returns, levels)
    assert free.weights.groupby(size).sum().max() > 0.36
    for level in levels:
        assert found.weights.groupby(levels[level]).sum().max() <= 0.35 + 1e-9
    assert {"sector", "size"} <= set(found.attribution.by_source.index)
    with pytest.raises(InfeasibleError, match=r"upper limit 0\.15 of group size: c"):
        mixed_model_portfolio(returns, levels, max_group=0.15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda labels: list(labels)[:-1], "groups has 32 entries, .* each of the 33 assets"),
        (lambda labels: [None, *labels[1:]], "1 of them missing"),
        (lambda labels: labels[1:].to_dict(), "no entry for 1 asset"),
        (lambda labels: labels.reset_index(drop=True), "no entry for 33 asset"),
        (lambda labels: labels.to_frame()[1:], "no entry for 1 asset"),
    ],
    ids=["short list", "missing label", "short dict", "other names", "short table"],
)
def test_groups_that_do_not_fit_the_assets_are_refused(stocks, change, message):
    returns, groups = stocks
    with pytest.raises(DataError, match=message):
        mixed_model_portfolio(returns, change(groups.loc[returns.columns]), max_group=0.15)


def test_weights_held_may_be_rounded(stocks):
    returns, groups = stocks
    held = optimization.equal_weight(returns.columns) * 0.9995
    found = mixed_model_portfolio(returns, groups, previous=held)
    assert found.diagnosis["turnover"] == pytest.approx(metrics.turnover(found.weights, held))


def test_a_price_on_trading_means_less_of_it(stocks):
    returns, groups = stocks
    held = optimization.equal_weight(returns.columns)
    options = {"groups": groups, "previous": held}
    free = mixed_model_portfolio(returns, **options)
    dear = mixed_model_portfolio(returns, turnover_penalty=1e-4, **options)
    assert 0 < dear.diagnosis["turnover"] < free.diagnosis["turnover"]
    assert free.diagnosis["turnover"] == pytest.approx(metrics.turnover(free.weights, held))
    assert "is bought or sold" in dear.explanation


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.25] * 4, "which none reaches"),
        ([0.3, 0.25, 0.25, 0.2], "which 1 asset reaches"),
        ([0.3, -0.3, 0.3, 0.7], "which 4 assets reach"),
    ],
)
def test_how_many_reach_the_cap_reads_well(weights, words):
    text = practice._what("minimum_variance", {"bounds": (0.0, 0.3)}, pd.Series(weights))
    assert text.endswith(f"with at most 30% an asset, {words}.")


@pytest.mark.parametrize("objective", ["risk_parity", "maximum_diversification"])
def test_other_objectives(stocks, objective):
    returns, groups = stocks
    found = mixed_model_portfolio(returns, groups=groups, objective=objective)
    expected = getattr(optimization, objective)(found.covariance)
    if objective == "risk_parity":
        pd.testing.assert_series_equal(found.weights, expected)
    assert found.weights.sum() == pytest.approx(1)


def test_the_future_and_the_far_past_do_not_matter(stocks):
    returns, groups = stocks
    changed = returns.copy()
    changed.iloc[:-104] = 0.5
    first, again = (
        mixed_model_portfolio(r, groups=groups, lookback=104) for r in (returns, changed)
    )
    pd.testing.assert_series_equal(first.weights, again.weights)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lookback": 209}, DataError, r"lookback is 209; it must be between 20 and 208"),
        ({"lookback": 5}, DataError, r"lookback is 5"),
        ({"min_heritability": 1.5}, DataError, r"min_heritability is 1.5"),
        ({"max_position": 0.01}, DataError, r"max_position is 0.01 for 33 assets"),
        ({"max_group": 0.05}, InfeasibleError, r"group"),
        ({"groups": None, "max_group": 0.5}, DataError, r"max_group needs groups"),
        ({"objective": "profit"}, DataError, r"objective is 'profit'"),
        ({"turnover_penalty": 0.1}, DataError, r"turnover_penalty needs previous"),
        ({"objective": "risk_parity", "max_position": 0.04}, DataError, r"risk parity knows no"),
    ],
    ids=str,
)
def test_requests_that_cannot_be_met(stocks, options, error, message):
    returns, groups = stocks
    with pytest.raises(error, match=message):
        mixed_model_portfolio(returns, **({"groups": groups} | options))


def test_returns_that_cannot_be_used(stocks):
    returns, groups = stocks
    with pytest.raises(DataError, match="must be a DataFrame"):
        mixed_model_portfolio(returns.to_numpy())
    with pytest.raises(DataError, match="missing or infinite"):
        mixed_model_portfolio(returns.mask(returns > 0.1), groups=groups)
    with pytest.raises(DataError, match="at least 20"):
        mixed_model_portfolio(returns.iloc[:19], groups=groups)
    with pytest.raises(DataError, match="no entry for 1 asset"):
        mixed_model_portfolio(returns, groups=groups.drop(returns.columns[0]))


def test_gaps_before_the_lookback_do_no_harm(stocks):
    returns, groups = stocks
    gappy = returns.copy()
    gappy.iloc[:50, 3] = np.nan
    assert mixed_model_portfolio(gappy, groups=groups, lookback=104).used == "mixed model"


def test_the_fitted_estimate_is_its_parts(stocks):
    returns, groups = stocks
    for options in (
        {"groups": groups},
        {"relationship": relationship.from_groups(groups.loc[returns.columns])},
        {},
    ):
        fitted = mixed_model.fit(returns, persistence=1.0, **options)
        total = sum(np.asarray(part) for part in fitted.components().values())
        np.testing.assert_allclose(total, fitted.covariance(), rtol=0, atol=1e-16)
        even = mixed_model.even_periods(returns)
        mixed = covariance.empirical_bayes(even, fitted.model)
        scale = np.sqrt(np.diagonal(fitted.covariance()) / np.diagonal(mixed))
        np.testing.assert_allclose(
            fitted.covariance(), mixed * np.outer(scale, scale), rtol=1e-10, atol=0
        )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r[::-1], "order of time"),
        (lambda r: (1 + r).cumprod() * 100, "Are they prices"),
        (lambda r: r * 100, "per cent"),
    ],
    ids=["reversed", "prices", "per cent"],
)
def test_only_histories_of_returns_are_read(stocks, spoil, message):
    returns, groups = stocks
    with pytest.raises(DataError, match=message):
        mixed_model_portfolio(spoil(returns), groups=groups)


def test_shares_in_per_cent_are_refused(stocks):
    returns, groups = stocks
    for name in ("max_position", "max_group"):
        with pytest.raises(DataError, match=r"more than all there is; 0.30 is 30 %"):
            mixed_model_portfolio(returns, groups=groups, **{name: 30})
    held = optimization.equal_weight(returns.columns) * 2
    with pytest.raises(DataError, match="previous sums to 2"):
        mixed_model_portfolio(returns, groups=groups, previous=held)
