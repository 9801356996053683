"""The study of covariances in portfolios: what is shared, what is computed, what tests reject."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from mixfolio import datasets, mixed_model
from mixfolio import mixed_model as public
from mixfolio.backtest import _engine as backtest
from mixfolio.backtest._engine import BacktestResult
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.estimators import ESTIMATORS
from mixfolio.expected_returns import _estimators as expected_returns
from mixfolio.inference import _many as comparisons
from mixfolio.inference import _pairs as inference
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import contests

NAMES = ["a", "b", "c", "d", "e", "f"]
GROUPS = pd.Series([*"xxxyyy"], NAMES)
FEW = {name: ESTIMATORS[name] for name in ("sample", "LW identity", "mixed model")}


def draw(n_periods=60, seed=0, names=NAMES):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n_periods, 1))
    values = 0.01 * (common + rng.standard_normal((n_periods, len(names)))) + 0.002
    return pd.DataFrame(values, pd.date_range("2001-01-31", periods=n_periods, freq="ME"), names)


@pytest.fixture(scope="module")
def evaluated():
    riskless = pd.Series(0.001, draw().index)
    result = contests.evaluate(draw(), GROUPS, window=30, step=3, costs=0.001, risk_free=riskless)
    return result, riskless


def of_records(records, weights=None):
    """A result with given records, for what only reads records."""
    names = list(records.columns)
    held = pd.DataFrame(0.5, records.index, ["a", "b"]) if weights is None else weights
    return BacktestResult(
        returns=records,
        gross=records,
        weights=dict.fromkeys(names, held),
        turnover=pd.DataFrame(0.1, records.index, records.columns),
        failures=pd.DataFrame(),
        frozen=pd.DataFrame(),
    )


# ------------------------------------------------------------------ walk forward


def test_a_covariance_is_computed_once_a_table():
    calls = []

    def counting(past, groups):
        calls.append((past.index[-1], len(past)))
        return covariance.sample(past)

    estimators = {"counted": counting}
    contests.evaluate(draw(), GROUPS, window=30, step=5, estimators=estimators)
    assert len(calls) == len(set(calls)) == 6


def test_what_is_remembered_belongs_to_every_bit_and_name():
    calls = []
    sample = contests._remembered(lambda past, groups: calls.append(groups) or len(calls), 7)
    past = draw(10)
    touched = past.copy()
    touched.iloc[3, 2] = np.nextafter(touched.iloc[3, 2], 1)
    tables = [past, touched, past.rename(columns={"a": "z"}), past.iloc[1:], past[NAMES[::-1]]]
    assert [sample(each) for each in tables] == [1, 2, 3, 4, 5]
    assert [sample(each.copy()) for each in tables] == [1, 2, 3, 4, 5]
    assert calls == [7] * 5


@pytest.mark.parametrize("portfolio", contests.PORTFOLIOS)
def test_each_strategy_is_what_it_would_be_alone(evaluated, portfolio):
    result, riskless = evaluated
    build = contests.PORTFOLIOS[portfolio]
    alone = backtest.walk_forward(
        draw(),
        {"alone": lambda past: build(past, mixed_model.covariance(past, GROUPS))},
        window=30,
        step=3,
        costs=0.001,
        risk_free=riskless,
    )
    np.testing.assert_array_equal(result.returns[portfolio, "mixed model"], alone.returns["alone"])
    held = result.weights[portfolio, "mixed model"]
    pd.testing.assert_frame_equal(held, alone.weights["alone"])


def test_portfolios_are_what_their_names_say(evaluated):
    result, _ = evaluated
    past = draw().iloc[:30]
    S = covariance.sample(past)

    def first(portfolio):
        return result.weights[portfolio, "sample"].iloc[0]

    free = np.linalg.solve(S, np.ones(6))
    np.testing.assert_allclose(first("minimum variance, shorts"), free / free.sum(), rtol=1e-10)
    assert (first("minimum variance") >= 0).all()
    w = first("risk parity")
    np.testing.assert_allclose(w * (S @ w) / (w @ S @ w), 1 / 6, rtol=1e-9)
    mean = expected_returns.bayes_stein(past)
    best = optimization.mean_variance(mean, S, risk_aversion=4.0)
    np.testing.assert_array_equal(first("mean-variance"), best)
    np.testing.assert_array_equal(result.weights["mean-variance", "1/N"].iloc[0], 1 / 6)
    assert set(result.weights) == {
        (kind, name) for kind in contests.PORTFOLIOS for name in ["1/N", *ESTIMATORS]
    }


def test_weights_know_nothing_of_the_future():
    cut, rng = 42, np.random.default_rng(1)
    changed = draw()
    changed.iloc[cut:] = rng.normal(0, 0.05, changed.iloc[cut:].shape)
    options = {"window": 30, "step": 3}
    before = contests.evaluate(draw(), GROUPS, **options)
    after = contests.evaluate(changed, GROUPS, **options)
    for name, held in before.weights.items():
        again = after.weights[name]
        np.testing.assert_array_equal(held.iloc[: cut - 30 + 1], again.iloc[: cut - 30 + 1])
    late = before.weights["risk parity", "sample"].iloc[-1]
    assert (late != after.weights["risk parity", "sample"].iloc[-1]).any()


def test_every_estimator_works_on_nearly_equal_assets_without_a_warning():
    past = draw(40)
    past["f"] = past["e"] + 1e-4 * draw(40, seed=5)["f"]
    with warnings.catch_warnings(action="error"):
        for name, estimate in ESTIMATORS.items():
            V = contests._remembered(estimate, GROUPS)(past)
            assert list(V.columns) == NAMES, name
            assert np.linalg.eigvalsh(V)[0] > 0, name


def test_a_kernel_model_that_climbs_to_the_level_of_rounding_is_accepted():
    past = datasets.load("industries-and-styles").loc["2004-01":"2013-12"]
    past = past.sub(
        datasets.load("industries-and-styles", role="risk_free").loc[past.index, "RF"], axis=0
    )
    groups = datasets.groups("industries-and-styles")
    V = ESTIMATORS["mixed model, kernel"](past, groups)
    assert np.linalg.eigvalsh(V)[0] > 0


def test_a_failure_names_strategy_and_date():
    with pytest.raises(SingularCovarianceError) as caught:
        contests.evaluate(draw(), GROUPS, window=5, step=3, estimators=FEW)
    assert "'minimum variance', 'sample'" in str(caught.value.__notes__)


# ------------------------------------------------------------------ who is better


@pytest.mark.parametrize("portfolio", contests.PORTFOLIOS)
def test_league_against_its_parts(evaluated, portfolio):
    result, riskless = evaluated
    table = contests.league(
        result,
        portfolio,
        periods_per_year=12,
        rng=np.random.default_rng(3),
        n_resamples=99,
        risk_free=riskless,
    )
    records, name = result.returns[portfolio], "LW single factor"
    r = records[name].to_numpy()
    wealth = np.concatenate([[1.0], np.cumprod(1 + r + 0.001)])
    fall = min(wealth[t] / wealth[: t + 1].max() - 1 for t in range(len(wealth)))
    w = result.weights[portfolio, name].to_numpy()
    expected = {
        "volatility": r.std(ddof=1) * 12**0.5,
        "sharpe": r.mean() / r.std(ddof=1) * 12**0.5,
        "maximum_drawdown": fall,
        "turnover": 12 * np.nanmean(result.turnover[portfolio, name]),
        "effective_number": 1 / np.mean([v @ v for v in w]),
        "distance_to_equal": np.mean([np.abs(v - 1 / 6).sum() / 2 for v in w]),
        "gross_exposure": np.mean([np.abs(v).sum() for v in w]),
    }
    np.testing.assert_allclose(
        table.loc[name, list(expected)].astype(float), list(expected.values()), rtol=1e-10
    )
    rng, measure = np.random.default_rng(3), contests._measure_of(portfolio)
    chosen = comparisons.model_confidence_set(records, measure=measure, rng=rng, n_resamples=99)
    steps = comparisons.stepdown(records, "1/N", measure=measure, rng=rng, n_resamples=99)
    assert table["in_set"].to_dict() == chosen["included"].to_dict()
    assert np.isnan(table.loc["1/N", "p (1/N)"])
    others = table.index.drop("1/N")
    np.testing.assert_array_equal(table.loc[others, "p (1/N)"], steps.loc[others, "adjusted"])
    assert list(table.index) == ["1/N", *ESTIMATORS]


def test_what_is_judged_by_what():
    measures = {kind: contests._measure_of(kind) for kind in contests.PORTFOLIOS}
    assert measures == {
        "minimum variance": "log_variance",
        "minimum variance, shorts": "log_variance",
        "mean-variance": "sharpe",
        "risk parity": "sharpe",
    }


def calm_and_wild(n_periods=240):
    """Records of known order: "calm" has half the volatility and twice the mean of the others."""
    rng = np.random.default_rng(4)
    z = rng.standard_normal((n_periods, 3))
    columns = {}
    for kind in ("minimum variance", "risk parity"):
        columns[kind, "calm"] = 0.02 + 0.02 * z[:, 0]
        columns[kind, "wild"] = 0.01 + 0.04 * z[:, 1]
        columns[kind, "too"] = 0.01 + 0.04 * (z[:, 1] + 0.3 * z[:, 2]) / np.hypot(1, 0.3)
    return pd.DataFrame(columns, pd.date_range("2001-01-31", periods=n_periods, freq="ME"))


def test_differences_have_sign_size_and_verdict():
    records = calm_and_wild()
    result = of_records(records)
    options = {"periods_per_year": 12, "n_resamples": 199}

    def compare(name, *rivals):
        rng = np.random.default_rng(5)
        return contests.differences(result, name, rivals, rng=rng, **options)

    ours, theirs = compare("calm", "wild"), compare("wild", "calm")
    assert ours["verdict"].tolist() == ["win", "win"]
    assert theirs["verdict"].tolist() == ["loss", "loss"]
    assert compare("wild", "too")["verdict"].tolist() == ["tie", "tie"]
    lower = ours.loc[("minimum variance", "wild")]
    spread = records["minimum variance"].std()
    assert lower["difference"] == pytest.approx(spread["calm"] / spread["wild"] - 1)
    assert lower["low"] < lower["difference"] < lower["high"] < 0
    higher = ours.loc[("risk parity", "wild")]
    rng = np.random.default_rng(5)
    calm, wild = records["minimum variance", "calm"], records["minimum variance", "wild"]
    inference.variance_difference(calm, wild, rng=rng, n_resamples=199)  # takes its draws first
    found = inference.sharpe_difference(calm, wild, rng=rng, n_resamples=199)
    assert higher["difference"] == pytest.approx(found.estimate * 12**0.5)
    assert (higher["low"], higher["high"]) == pytest.approx(np.array(found.interval) * 12**0.5)
    assert higher["p_value"] == found.p_value


def test_unknown_names_are_refused(evaluated):
    result, _ = evaluated
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="portfolio is 'maximum risk'"):
        contests.league(result, "maximum risk", periods_per_year=12, rng=rng)
    with pytest.raises(DataError, match="benchmark is 'truth'"):
        contests.league(result, "risk parity", periods_per_year=12, rng=rng, benchmarks=["truth"])
    with pytest.raises(DataError, match="rng is of type int"):
        contests.league(result, "risk parity", periods_per_year=12, rng=1)
    with pytest.raises(DataError, match=r"no estimator \['truth'\]"):
        contests.differences(result, "sample", ["truth"], periods_per_year=12, rng=rng)


# ------------------------------------------------------------------ crises


def test_conditions_against_loops():
    returns = draw(40)
    windows = {"first": ("2001-03", "2001-08"), "second": ("2002-01-31", "2002-12-31")}
    table = contests.conditions(returns, windows, 12)
    rows = {"first": range(2, 8), "second": range(12, 24)}
    rows["otherwise"] = [t for t in range(40) if t not in {*rows["first"], *rows["second"]}]
    for name, chosen in rows.items():
        part = returns.iloc[list(chosen)]
        pairs = [part[a].corr(part[b]) for a, b in combinations(NAMES, 2)]
        expected = [len(part), np.mean(pairs), np.mean([part[a].std() for a in NAMES]) * 12**0.5]
        np.testing.assert_allclose(table.loc[name], expected, rtol=1e-10)


def test_through_a_crisis():
    records = pd.DataFrame(
        {"up": [0.1, 0.1, 0.1, 0.1], "down": [0.5, -0.5, 0.2, -0.1]},
        pd.period_range("2001-01", periods=4, freq="M"),
    )
    table = contests.through(records, {"fall": ("2001-02", "2001-04")})
    assert table["fall", "return"].tolist() == pytest.approx([0.331, 0.5 * 1.2 * 0.9 - 1])
    assert table["fall", "drawdown"].tolist() == pytest.approx([0.0, -0.5])
    records.iloc[1:3, 1] = -3.0
    assert contests.through(records, {"fall": ("2001-02", "2001-04")}).loc["down"].eq(-1).all()


def test_windows_without_data_are_refused():
    with pytest.raises(DataError, match="early has 0 period"):
        contests.conditions(draw(), {"early": ("1990", "1991")}, 12)
    with pytest.raises(DataError, match="early has no period"):
        contests.through(draw(), {"early": ("1990", "1991")})


def test_random_loadings_are_fitted_once_a_table(monkeypatch):
    calls, fit = [], public.random_loadings
    monkeypatch.setattr(
        public, "random_loadings", lambda past, groups: calls.append(1) or fit(past, groups)
    )
    names = ["random loadings", "random loadings, shrunk"]
    each = {name: ESTIMATORS[name] for name in names}
    table = contests._strategies(GROUPS, estimators=each)
    for strategy in table.values():
        strategy(draw(40))
    assert len(calls) == 1
    for name in names:
        shared = table["minimum variance", name](draw(40))
        V = ESTIMATORS[name](draw(40), GROUPS)
        np.testing.assert_array_equal(shared, optimization.minimum_variance(V))


def test_equal_weight_is_the_optimization_one():
    table = contests._strategies(GROUPS, estimators={})
    for kind in contests.PORTFOLIOS:
        expected = optimization.equal_weight(NAMES)
        pd.testing.assert_series_equal(table[kind, "1/N"](draw()), expected)


# ------------------------------------------------------------------ which assets, which groups


def test_draws_are_balanced_and_repeatable():
    names = contests.draw_assets(GROUPS, 2, np.random.default_rng(0))
    assert GROUPS[names].value_counts().eq(2).all()
    assert len(set(names)) == 4
    assert names == contests.draw_assets(GROUPS, 2, np.random.default_rng(0))
    with pytest.raises(DataError, match="group 'x' has 3 asset"):
        contests.draw_assets(GROUPS, 5, np.random.default_rng(0))


def test_permuted_groups_keep_their_sizes():
    found = contests.permute_groups(GROUPS, np.random.default_rng(1))
    assert found.index.equals(GROUPS.index)
    assert sorted(found) == sorted(GROUPS)
    assert not found.equals(GROUPS)
