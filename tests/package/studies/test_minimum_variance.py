"""The comparison of estimators out of sample: against the general backtest, and by hand."""

import numpy as np
import pandas as pd
import pytest

from mixfolio.backtest import _engine as backtest
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import minimum_variance as volatility_study

RNG = np.random.default_rng(2)
DATES = pd.date_range("2014-01-03", periods=90, freq="W-FRI")
NAMES = list("abcdefgh")
COMMON = 0.02 * RNG.standard_normal((90, 1))
RETURNS = pd.DataFrame(COMMON + 0.02 * RNG.standard_normal((90, 8)), DATES, NAMES)
GROUPS = pd.Series(list("xxxxyyyy"), index=NAMES)
FEW = {
    "1/N": volatility_study.ESTIMATORS["1/N"],
    "sample": lambda returns, groups: covariance.sample(returns),
    "LW": lambda returns, groups: covariance.linear_shrinkage(returns),
}


@pytest.mark.parametrize("long_only", [True, False])
@pytest.mark.parametrize(("window", "step"), [(30, 13), (50, 1)])
def test_returns_are_those_of_the_general_backtest(window, step, long_only):
    found = volatility_study.portfolio_returns(
        RETURNS, GROUPS, window=window, step=step, estimators=FEW
    )
    strategies = {
        name: lambda past, estimate=estimate: optimization.minimum_variance(
            estimate(past, GROUPS), long_only=long_only
        )
        for name, estimate in FEW.items()
    }
    expected = backtest.walk_forward(RETURNS, strategies, window=window, step=step).returns
    constraint = "long-only" if long_only else "long-short"
    for name in FEW:
        np.testing.assert_allclose(found[name, constraint], expected[name], atol=1e-13)
    assert found.index.equals(expected.index)


def test_one_over_n_is_equal_weights():
    found = volatility_study.portfolio_returns(RETURNS, window=60, step=1, estimators=FEW)
    np.testing.assert_allclose(found["1/N", "long-short"], RETURNS[60:].mean(axis=1), atol=1e-15)


def test_a_singular_covariance_leaves_a_gap():
    table = (
        volatility_study.volatilities(RETURNS, GROUPS, windows=(8, 30), estimators=FEW, step=20)
        .set_index(["window", "estimator", "constraint"])["volatility"]
        .sort_index()
    )
    assert table[8, "sample"].isna().all()
    assert table[30, "sample"].notna().all()
    assert table[8, "LW"].notna().all()


def test_one_singular_decision_leaves_no_volatility():
    def at_times(past, groups):
        return np.ones((8, 8)) if past.index[-1] == DATES[49] else np.eye(8)

    options = {"window": 30, "step": 20, "estimators": {"at times": at_times}}
    earned = volatility_study.portfolio_returns(RETURNS, GROUPS, **options)
    assert earned["at times", "long-short"].isna().sum() == 20
    options["windows"] = (options.pop("window"),)
    assert volatility_study.volatilities(RETURNS, GROUPS, **options)["volatility"].isna().all()


def test_volatilities_are_annualised_and_dated():
    start, end = "2015-01-01", "2015-06-30"
    options = {"window": 30, "step": 5, "estimators": FEW, "start": start, "end": end}
    earned = volatility_study.portfolio_returns(RETURNS, GROUPS, **options)
    assert earned.index.equals(RETURNS[start:end].index)
    options.pop("window")
    table = volatility_study.volatilities(RETURNS, GROUPS, windows=(30,), **options)
    assert list(table) == ["window", "estimator", "constraint", "volatility", "n_periods"]
    row = table[(table["estimator"] == "LW") & (table["constraint"] == "long-only")].iloc[0]
    assert row["volatility"] == pytest.approx(earned["LW", "long-only"].std() * np.sqrt(52))
    assert row["n_periods"] == len(earned)


def test_the_future_is_out_of_reach():
    changed = RETURNS.copy()
    changed.iloc[60:] *= -3
    options = {"window": 30, "step": 7, "estimators": dict(volatility_study.ESTIMATORS)}
    before = volatility_study.portfolio_returns(RETURNS, GROUPS, **options)
    after = volatility_study.portfolio_returns(changed, GROUPS, **options)
    pd.testing.assert_frame_equal(before[:30], after[:30], check_exact=True)
    assert not before[30:].equals(after[30:])


def test_every_estimator_works_with_fewer_periods_than_assets():
    table = volatility_study.volatilities(RETURNS, GROUPS, windows=(7,), step=40)
    missing = set(table.loc[table["volatility"].isna(), "estimator"])
    assert missing <= {"sample", "EWMA"}
    assert set(table["estimator"]) == set(volatility_study.ESTIMATORS)


def test_recent_variances_change_variances_and_no_correlation():
    renewed = volatility_study.with_recent_variances(FEW["sample"])
    past = RETURNS[:40]
    found, plain = renewed(past, GROUPS), past.cov()
    p = 0.5 ** (np.arange(39, -1, -1) / 10)
    expected = [p @ (past[x] - past[x].mean()) ** 2 / p.sum() * 40 / 39 for x in NAMES]
    np.testing.assert_allclose(np.diagonal(found), expected, rtol=1e-12)
    correlation = plain / np.sqrt(np.outer(np.diagonal(plain), np.diagonal(plain)))
    np.testing.assert_allclose(found / np.sqrt(np.outer(expected, expected)), correlation)
    assert list(found.columns) == NAMES


def test_draws_are_balanced_and_repeatable():
    names = volatility_study.draw_assets(GROUPS, 2, np.random.default_rng(0))
    assert GROUPS[names].value_counts().eq(2).all()
    assert len(set(names)) == 4
    assert names == volatility_study.draw_assets(GROUPS, 2, np.random.default_rng(0))
    with pytest.raises(DataError, match="group 'x' has 4 asset"):
        volatility_study.draw_assets(GROUPS, 5, np.random.default_rng(0))


def test_permuted_groups_keep_their_sizes():
    found = volatility_study.permute_groups(GROUPS, np.random.default_rng(1))
    assert found.index.equals(GROUPS.index)
    assert sorted(found) == sorted(GROUPS)
    assert not found.equals(GROUPS)


def test_draws_do_not_depend_on_their_number_and_permutation_only_on_groups():
    options = {"per_group": 3, "seed": 5, "windows": (30,), "estimators": FEW, "step": 30}
    two = volatility_study.over_draws(RETURNS, GROUPS, n_draws=2, **options)
    one = volatility_study.over_draws(RETURNS, GROUPS, n_draws=1, **options)
    pd.testing.assert_frame_equal(two[two["draw"] == 0], one)
    permuted = volatility_study.over_draws(RETURNS, GROUPS, n_draws=2, permuted=True, **options)
    pd.testing.assert_frame_equal(two, permuted)  # none of these estimators uses groups
    seen = []
    watch = {"watch": lambda returns, groups: seen.append(groups) or np.eye(6)}
    options["estimators"] = watch
    volatility_study.over_draws(RETURNS, GROUPS, n_draws=1, permuted=True, **options)
    assert not seen[0].equals(GROUPS[seen[0].index])
    assert sorted(seen[0]) == sorted(GROUPS[seen[0].index])


def test_comparison_by_hand():
    rows = []
    for draw, (ours, first, second) in enumerate([(1.0, 2.0, 3.0), (4.0, 3.0, 9.0), (2, 4, 1.5)]):
        for name, value in (("ours", ours), ("first", first), ("second", second), ("none", np.nan)):
            rows.append((104, name, "long-only", value, draw))
    columns = ["window", "estimator", "constraint", "volatility", "draw"]
    found = volatility_study.compare(pd.DataFrame(rows, columns=columns), "ours")
    row = found.loc[(104, "long-only")]
    assert row["best_peer"] == "first"
    assert row["volatility"] == pytest.approx(7 / 3)
    assert row["peer_volatility"] == 3
    assert row["difference"] == pytest.approx(-2 / 3)
    gaps = np.array([-1.0, 1.0, -2.0])
    assert row["standard_error"] == pytest.approx(gaps.std(ddof=1) / np.sqrt(3))
    assert row["wins"] == 1
    assert row["n_draws"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 90}, "no period is left"),
        ({"window": 30, "start": "2017-01-01"}, "no period is left"),
        ({"window": 1}, "window is 1"),
        ({"window": 30, "step": 0}, "step is 0"),
    ],
)
def test_impossible_settings_are_named(options, message):
    with pytest.raises(DataError, match=message):
        volatility_study.portfolio_returns(RETURNS, GROUPS, estimators=FEW, **options)


def test_bad_input_is_named():
    with pytest.raises(DataError, match="must be a DataFrame"):
        volatility_study.portfolio_returns(RETURNS.to_numpy(), window=30)
    table = volatility_study.volatilities(RETURNS, GROUPS, windows=(30,), estimators=FEW)
    with pytest.raises(DataError, match=r"no estimator \['best'"):
        volatility_study.compare(table, "best")
