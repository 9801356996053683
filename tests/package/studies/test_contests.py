"""The study of covariances in portfolios: what is shared, what is computed, what tests reject."""

import warnings
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from mixfolio import datasets, montecarlo
from mixfolio import mixed_model as public
from mixfolio.backtest import _engine as backtest
from mixfolio.backtest._engine import BacktestResult
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.expected_returns import _estimators as expected_returns
from mixfolio.inference import _many as comparisons
from mixfolio.inference import _pairs as inference
from mixfolio.mixed_model import _recommended as mixed_model
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import contests as validation_study
from mixfolio.studies import minimum_variance as volatility_study

NAMES = ["a", "b", "c", "d", "e", "f"]
GROUPS = pd.Series([*"xxxyyy"], NAMES)
FEW = {name: validation_study.ESTIMATORS[name] for name in ("sample", "LW identity", "mixed model")}


def draw(n_periods=60, seed=0, names=NAMES):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n_periods, 1))
    values = 0.01 * (common + rng.standard_normal((n_periods, len(names)))) + 0.002
    return pd.DataFrame(values, pd.date_range("2001-01-31", periods=n_periods, freq="ME"), names)


@pytest.fixture(scope="module")
def evaluated():
    riskless = pd.Series(0.001, draw().index)
    result = validation_study.evaluate(
        draw(), GROUPS, window=30, step=3, costs=0.001, risk_free=riskless
    )
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
    validation_study.evaluate(draw(), GROUPS, window=30, step=5, estimators=estimators)
    assert len(calls) == len(set(calls)) == 6


def test_what_is_remembered_belongs_to_every_bit_and_name():
    calls = []
    sample = validation_study.remembered(lambda past, groups: calls.append(groups) or len(calls), 7)
    past = draw(10)
    touched = past.copy()
    touched.iloc[3, 2] = np.nextafter(touched.iloc[3, 2], 1)
    tables = [past, touched, past.rename(columns={"a": "z"}), past.iloc[1:], past[NAMES[::-1]]]
    assert [sample(each) for each in tables] == [1, 2, 3, 4, 5]
    assert [sample(each.copy()) for each in tables] == [1, 2, 3, 4, 5]
    assert calls == [7] * 5


@pytest.mark.parametrize("portfolio", validation_study.PORTFOLIOS)
def test_each_strategy_is_what_it_would_be_alone(evaluated, portfolio):
    result, riskless = evaluated
    build = validation_study.PORTFOLIOS[portfolio]
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
        (kind, name)
        for kind in validation_study.PORTFOLIOS
        for name in ["1/N", *validation_study.ESTIMATORS]
    }


def test_weights_know_nothing_of_the_future():
    cut, rng = 42, np.random.default_rng(1)
    changed = draw()
    changed.iloc[cut:] = rng.normal(0, 0.05, changed.iloc[cut:].shape)
    options = {"window": 30, "step": 3}
    before = validation_study.evaluate(draw(), GROUPS, **options)
    after = validation_study.evaluate(changed, GROUPS, **options)
    for name, held in before.weights.items():
        again = after.weights[name]
        np.testing.assert_array_equal(held.iloc[: cut - 30 + 1], again.iloc[: cut - 30 + 1])
    late = before.weights["risk parity", "sample"].iloc[-1]
    assert (late != after.weights["risk parity", "sample"].iloc[-1]).any()


def test_every_estimator_works_on_nearly_equal_assets_without_a_warning():
    past = draw(40)
    past["f"] = past["e"] + 1e-4 * draw(40, seed=5)["f"]
    with warnings.catch_warnings(action="error"):
        for name, estimate in validation_study.ESTIMATORS.items():
            V = validation_study.remembered(estimate, GROUPS)(past)
            assert list(V.columns) == NAMES, name
            assert np.linalg.eigvalsh(V)[0] > 0, name


def test_a_kernel_model_that_climbs_to_the_level_of_rounding_is_accepted():
    past = datasets.load("industries-and-styles").loc["2004-01":"2013-12"]
    past = past.sub(
        datasets.load("industries-and-styles", role="risk_free").loc[past.index, "RF"], axis=0
    )
    groups = datasets.groups("industries-and-styles")
    V = validation_study.ESTIMATORS["mixed model, kernel"](past, groups)
    assert np.linalg.eigvalsh(V)[0] > 0


def test_a_failure_names_strategy_and_date():
    with pytest.raises(SingularCovarianceError) as caught:
        validation_study.evaluate(draw(), GROUPS, window=5, step=3, estimators=FEW)
    assert "'minimum variance', 'sample'" in str(caught.value.__notes__)


# ------------------------------------------------------------------ who is better


@pytest.mark.parametrize("portfolio", validation_study.PORTFOLIOS)
def test_league_against_its_parts(evaluated, portfolio):
    result, riskless = evaluated
    table = validation_study.league(
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
    rng, measure = np.random.default_rng(3), validation_study.measure_of(portfolio)
    chosen = comparisons.model_confidence_set(records, measure=measure, rng=rng, n_resamples=99)
    steps = comparisons.stepdown(records, "1/N", measure=measure, rng=rng, n_resamples=99)
    assert table["in_set"].to_dict() == chosen["included"].to_dict()
    assert np.isnan(table.loc["1/N", "p (1/N)"])
    others = table.index.drop("1/N")
    np.testing.assert_array_equal(table.loc[others, "p (1/N)"], steps.loc[others, "adjusted"])
    assert list(table.index) == ["1/N", *validation_study.ESTIMATORS]


def test_what_is_judged_by_what():
    measures = {kind: validation_study.measure_of(kind) for kind in validation_study.PORTFOLIOS}
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
        return validation_study.differences(result, name, rivals, rng=rng, **options)

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
        validation_study.league(result, "maximum risk", periods_per_year=12, rng=rng)
    with pytest.raises(DataError, match="benchmark is 'truth'"):
        validation_study.league(
            result, "risk parity", periods_per_year=12, rng=rng, benchmarks=["truth"]
        )
    with pytest.raises(DataError, match="rng is of type int"):
        validation_study.league(result, "risk parity", periods_per_year=12, rng=1)
    with pytest.raises(DataError, match=r"no estimator \['truth'\]"):
        validation_study.differences(result, "sample", ["truth"], periods_per_year=12, rng=rng)


# ------------------------------------------------------------------ crises


def test_conditions_against_loops():
    returns = draw(40)
    windows = {"first": ("2001-03", "2001-08"), "second": ("2002-01-31", "2002-12-31")}
    table = validation_study.conditions(returns, windows, 12)
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
    table = validation_study.through(records, {"fall": ("2001-02", "2001-04")})
    assert table["fall", "return"].tolist() == pytest.approx([0.331, 0.5 * 1.2 * 0.9 - 1])
    assert table["fall", "drawdown"].tolist() == pytest.approx([0.0, -0.5])


def test_windows_without_data_are_refused():
    with pytest.raises(DataError, match="early has 0 period"):
        validation_study.conditions(draw(), {"early": ("1990", "1991")}, 12)
    with pytest.raises(DataError, match="early has no period"):
        validation_study.through(draw(), {"early": ("1990", "1991")})


# ------------------------------------------------------------------ do the tests keep their level?


@pytest.mark.parametrize("process", validation_study.PROCESSES)
def test_laws_of_the_processes(process):
    z = validation_study._pair(process, 200_000, 0.8, np.random.default_rng(6))
    assert z.shape == (200_000, 2)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=0.06)
    last = np.corrcoef(z[1:, 0], z[:-1, 0])[0, 1]
    assert last == pytest.approx(0.3 if process == "AR(1)" else 0.0, abs=0.02)
    clustered = np.corrcoef(z[1:, 0] ** 2, z[:-1, 0] ** 2)[0, 1] > 0.15
    assert clustered == ("GARCH" in process)
    together = np.corrcoef(z.T)[0, 1]
    assert together == pytest.approx(0.8, abs=0.02 if process != "GARCH" else 0.1)


@pytest.mark.parametrize("common", [True, False])
def test_garch_against_a_loop(common):
    z = np.random.default_rng(14).standard_normal((30, 2, 3))
    shocks = validation_study._garch(z, common=common)
    for world in range(2):
        variance = np.ones(3)
        for period in range(30):
            shock = np.sqrt(variance) * z[period, world]
            np.testing.assert_allclose(shocks[period, world], shock, rtol=1e-12)
            last = np.full(3, (shock**2).mean()) if common else shock**2
            variance = 0.05 + 0.15 * last + 0.80 * variance


@pytest.mark.parametrize("process", ["GARCH", "common GARCH"])
def test_whether_the_variance_is_shared(process):
    z = validation_study._pair(process, 100_000, 0.8, np.random.default_rng(7))
    size = (z**2).sum(axis=1)
    gap = (z[:, 0] ** 2 - z[:, 1] ** 2) / size
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.15
    persistent = np.corrcoef(gap[1:], gap[:-1])[0, 1]
    assert (persistent > 0.05) if process == "GARCH" else (abs(persistent) < 0.02)


def test_all_tests_keep_their_level_under_their_assumptions():
    study = partial(validation_study.rejections, n_resamples=99)
    rates = montecarlo.run(study, 200, seed=8).mean()
    foils = {"Jobson-Korkie-Memmel", "Pitman-Morgan"}
    assert set(rates.index) == foils | {"bootstrap, Sharpe", "bootstrap, variance"}
    assert ((rates >= 0.005) & (rates <= 0.11)).all()  # 0.05 within three or more standard errors


def test_dependence_over_time_breaks_the_foils():
    study = partial(validation_study.rejections, process="AR(1)", n_resamples=99)
    rates = montecarlo.run(study, 200, seed=8).mean()
    assert rates["Jobson-Korkie-Memmel"] > 0.10
    assert rates["bootstrap, Sharpe"] < rates["Jobson-Korkie-Memmel"]


def test_unequal_records_are_rejected(monkeypatch):
    unequal = np.random.default_rng(9).standard_normal((240, 2)) * [1, 2] + [0.5, 0]
    monkeypatch.setattr(validation_study, "_pair", lambda *arguments: unequal)
    found = validation_study.rejections(np.random.default_rng(0), sharpe=0.3)
    assert all(value == 1.0 for value in found.values())


def test_formulas_at_once_are_the_formulas_one_by_one():
    pairs = np.random.default_rng(10).standard_normal((7, 60, 2)) + 0.3
    pairs[..., 1] += pairs[..., 0]
    alone = [inference.jobson_korkie_memmel(*pair.T).p_value for pair in pairs]
    np.testing.assert_allclose(validation_study._memmel(pairs), alone, rtol=1e-10)
    apart = [pearsonr(a + b, a - b).pvalue for a, b in pairs.swapaxes(1, 2)]
    np.testing.assert_allclose(validation_study._pitman(pairs), apart, rtol=1e-10)


def test_formulas_keep_their_level_under_their_assumptions():
    rng = np.random.default_rng(11)
    rates = validation_study.formula_rejections(rng, n_pairs=8000, n_periods=240)
    error = np.sqrt(0.05 * 0.95 / 8000)
    assert all(abs(rate - 0.05) <= 3 * error for rate in rates.values()), rates


@pytest.mark.parametrize("process", ["i.i.d.", "common GARCH"])
def test_records_in_a_family_follow_one_law(process):
    z = validation_study._draw(process, 50, 4, 0.6, np.random.default_rng(12), 4000)
    assert z.shape == (4000, 50, 4)
    np.testing.assert_allclose(z.var(axis=(0, 1)), 1, atol=0.05)
    flat = np.corrcoef(z[:, -1].T)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(flat, 0.6, atol=0.06)
    apart = np.corrcoef(z[:, -1, 0], z[[*range(1, 4000), 0], -1, 0])[0, 1]
    assert abs(apart) < 0.05  # worlds know nothing of each other


def test_families_of_equals_seldom_err():
    rates = montecarlo.run(validation_study.family_errors, 60, seed=13).mean()
    for name, rate in rates.items():
        level = 0.05 if name.startswith("stepdown") else 0.10
        assert rate <= level + 3 * np.sqrt(level * (1 - level) / 60), name
    assert len(rates) == 4


def test_errors_in_a_family_are_seen(monkeypatch):
    unequal = np.random.default_rng(9).standard_normal((1, 240, 5)) * [1, 1, 1, 1, 2]
    monkeypatch.setattr(validation_study, "_draw", lambda *arguments: unequal)
    found = validation_study.family_errors(np.random.default_rng(0), sharpe=0.5)
    assert found == dict.fromkeys(found, 1.0)


def test_random_loadings_are_fitted_once_a_table(monkeypatch):
    calls, fit = [], public.random_loadings
    monkeypatch.setattr(
        public, "random_loadings", lambda past, groups: calls.append(1) or fit(past, groups)
    )
    names = ["random loadings", "random loadings, shrunk"]
    each = {name: validation_study.ESTIMATORS[name] for name in names}
    table = validation_study.strategies(GROUPS, estimators=each)
    for strategy in table.values():
        strategy(draw(40))
    assert len(calls) == 1
    for name in names:
        shared = table["minimum variance", name](draw(40))
        V = volatility_study.ESTIMATORS[name](draw(40), GROUPS)
        np.testing.assert_array_equal(shared, optimization.minimum_variance(V))


def test_arguments_of_rejections_are_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="process is 'GARCH-M'"):
        validation_study.rejections(rng, process="GARCH-M")
    with pytest.raises(DataError, match="n_periods is 10"):
        validation_study.rejections(rng, n_periods=10)
    with pytest.raises(DataError, match="block_length is 60"):
        validation_study.rejections(rng, n_periods=120, block_length=60)
    with pytest.raises(DataError, match="n_pairs is 0"):
        validation_study.formula_rejections(rng, n_pairs=0)
    with pytest.raises(DataError, match="process is 'noise'"):
        validation_study.family_errors(rng, process="noise")
    with pytest.raises(DataError, match="n_records is 1"):
        validation_study.family_errors(rng, n_records=1)


def test_equal_weight_is_the_optimization_one():
    table = validation_study.strategies(GROUPS, estimators={})
    for kind in validation_study.PORTFOLIOS:
        expected = optimization.equal_weight(NAMES)
        pd.testing.assert_series_equal(table[kind, "1/N"](draw()), expected)
