"""Panel models against lme4, nlme, sommer, statsmodels, and the density of all cells."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize, minimize_scalar
from scipy.stats import chi2, multivariate_normal

from mixfolio.errors import ConvergenceError, DataError
from mixfolio.mixed_model import _panel as panel_model
from mixfolio.mixed_model import _panel_likelihood as panel_likelihood
from mixfolio.mixed_model import panel_reml

GOLDEN = Path(__file__).parents[2] / "golden"
SEEDS = st.integers(0, 2**32 - 1)


# --------------------------------------------------------------------------- test data


def kernel(rng, n, names=None):
    """A dense relationship matrix with unit diagonal."""
    points = rng.normal(size=(n, 4))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    names = [f"asset{j}" for j in range(n)] if names is None else names
    return pd.DataFrame(np.exp(-distance / 2), names, names)


def panel(seed=0, shape=(24, 6), gaps=0.0, p=1, ratio=0.1, periods=0.0):
    """Returns, a kernel, and regressors, from the model itself."""
    rng = np.random.default_rng(seed)
    n_periods, n_assets = shape
    K = kernel(rng, n_assets)
    effect = np.linalg.cholesky(K) @ rng.normal(size=n_assets) * np.sqrt(ratio)
    dates = pd.date_range("2001-01-31", periods=n_periods, freq="ME")
    X = pd.DataFrame(rng.normal(1, 2, (n_periods, p)), dates, [f"x{j}" for j in range(p)])
    values = rng.normal(size=shape) + effect + X.to_numpy() @ rng.normal(size=(p, 1))
    values += np.sqrt(periods) * rng.normal(size=(n_periods, 1))
    values[rng.random(shape) < gaps] = np.nan
    values[:2] = np.where(np.isnan(values[:2]), 0.3 * rng.normal(size=(2, n_assets)), values[:2])
    return pd.DataFrame(0.05 * values + 0.01, dates, K.columns), K, X


class Cells:
    """Every observed cell is one entry of a vector, with matrices of that size."""

    def __init__(self, returns, kernels, X=None, period=False):
        table = np.asarray(returns)
        t, i = np.nonzero(~np.isnan(table))
        self.y = table[t, i]
        self.Z = np.eye(table.shape[1])[i]
        self.X = np.column_stack([np.ones(len(t)), *([] if X is None else np.asarray(X)[t].T)])
        self.kernels = [np.asarray(K) for K in kernels]
        self.parts = [self.Z @ K @ self.Z.T for K in self.kernels]
        self.W = np.eye(len(table))[t]
        if period:
            self.parts.append(self.W @ self.W.T)
        self.parts.append(np.eye(len(t)))

    def covariance(self, theta):
        return sum(s * part for s, part in zip(theta, self.parts, strict=True))

    def fixed(self, theta):
        inverse = np.linalg.inv(self.covariance(theta))
        variance = np.linalg.inv(self.X.T @ inverse @ self.X)
        return variance @ self.X.T @ inverse @ self.y, variance, inverse

    def log_likelihood(self, theta, method="reml"):
        b, variance, _ = self.fixed(theta)
        V = self.covariance(theta)
        value = multivariate_normal.logpdf(self.y, self.X @ b, V)
        if method == "reml":
            p = self.X.shape[1]
            value += 0.5 * (p * np.log(2 * np.pi) + np.linalg.slogdet(variance)[1])
        return value

    def prediction(self, theta):
        """BLUP of the sum of the effects, and its joint error covariance with the fixed effects."""
        b, variance, inverse = self.fixed(theta)
        G = sum(s * K for s, K in zip(theta, self.kernels, strict=False))
        gain = G @ self.Z.T @ inverse
        # error of (b, a) as a linear function of y and of a itself
        to_b = variance @ self.X.T @ inverse
        to_a = gain @ (np.eye(len(self.y)) - self.X @ to_b)
        both = np.vstack([to_b, to_a])
        V, C = self.covariance(theta), self.Z @ G
        error = both @ V @ both.T
        p = len(b)
        error[:, p:] -= both @ C
        error[p:, :] -= (both @ C).T
        error[p:, p:] += G
        return to_a @ self.y, error


def close(found, expected, rtol=1e-7, atol=1e-10):
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=rtol, atol=atol)


# ---------------------------------------------------------------------- other software


def wide(name, asset):
    table = pd.read_csv(GOLDEN / name)
    market = table.groupby("t")["market"].first()
    return table.pivot(index="t", columns=asset, values="r"), market


BALANCED = json.loads((GOLDEN / "mixed_balanced.json").read_text())
SOMMER = json.loads((GOLDEN / "sommer_10x60.json").read_text())


@pytest.mark.parametrize(
    ("name", "method"),
    [("lme4_balanced_REML", "reml"), ("lme4_balanced_ML", "ml"), ("nlme_balanced_REML", "reml")],
)
def test_balanced_panel_as_in_lme4_and_nlme(name, method):
    returns, market = wide("panel_balanced.csv", "asset")
    fit, expected = panel_reml(returns, fixed=market, method=method), BALANCED[name]
    assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-6)
    # lme4 and nlme stop where the deviance is flat to 1e-8 or so: variances agree to 1e-5.
    assert fit.variance_components["asset"] == pytest.approx(expected["var_asset"], rel=1e-5)
    assert fit.variance_components["residual"] == pytest.approx(expected["var_resid"], rel=1e-6)
    close(fit.fixed_effects, list(expected["fixed"].values()), rtol=1e-9)
    close(fit.effects[list(expected["blup"])], list(expected["blup"].values()), atol=1e-8)
    assert list(fit.fixed_effects.index) == ["intercept", "market"]
    if "se" in expected:
        close(fit.fixed_effects_se, list(expected["se"].values()), rtol=1e-6)
        # lme4's conditional variance takes the intercept as known; ours adds its uncertainty.
        kept = 1 - fit.reliability
        known = fit.effects_se**2 - (1 - kept) ** 2 * level_variance(fit, len(returns))
        close(known[list(expected["blup_condvar"])], list(expected["blup_condvar"].values()), 1e-6)


def level_variance(fit, n_periods):
    """Variance of the mean of all assets around the intercept's true value, balanced."""
    parts = fit.variance_components
    return (parts["asset"] + parts["residual"] / n_periods) / len(fit.effects)


def test_crossed_period_effect_as_in_lme4():
    returns, market = wide("panel_balanced.csv", "asset")
    expected = BALANCED["lme4_balanced_crossed_asset_time_REML"]
    fit = panel_reml(returns, fixed=market, random=("asset", "period"))
    assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-6)
    assert fit.at_boundary == ("period",)
    assert fit.variance_components["period"] == expected["vc"]["t"] == 0
    for name, key in (("asset", "asset"), ("residual", "Residual")):
        assert fit.variance_components[name] == pytest.approx(expected["vc"][key], rel=1e-4)


@pytest.mark.parametrize("case", ["kernels1", "kernels2"])
def test_relationships_as_in_sommer(case):
    returns, market = wide("sommer_10x60_panel.csv", "symbol")
    K1, K2 = (pd.read_csv(GOLDEN / f"sommer_10x60_K{k}.csv", index_col=0) for k in (1, 2))
    kernels = {"u:symbol": K1, "u:sym2": K2} if case == "kernels2" else {"u:symbol": K1}
    expected = SOMMER[f"sommer_10x60_{case}"]
    fit = panel_reml(returns[returns.columns[::-1]], kernels, fixed=market)
    theirs = np.array(list(expected["sigma"].values()))
    close(fit.variance_components, theirs, rtol=1e-4)
    close(fit.fixed_effects, list(expected["beta"].values()), atol=1e-8)
    close(fit.fixed_effects_se, np.sqrt(np.diagonal(expected["VarBeta"])), rtol=1e-4)
    for name, effects in expected["U"].items():
        found = fit.component_effects[name]
        close(found[list(effects)], list(effects.values()), atol=1e-6)
    # The likelihood of all cells says whose optimum is the better one.
    cells = Cells(
        returns,
        [K.loc[returns.columns, returns.columns] for K in kernels.values()],
        market.to_frame(),
    )
    ours = cells.log_likelihood(fit.variance_components)
    assert ours == pytest.approx(fit.log_likelihood, abs=1e-7)
    assert ours >= cells.log_likelihood(theirs)
    assert fit.at_boundary == (("u:sym2",) if case == "kernels2" else ())


def test_random_intercepts_as_in_statsmodels():
    from statsmodels.regression.mixed_linear_model import MixedLM

    returns, _, X = panel(3, (30, 8), gaps=0.2, ratio=1.0)
    returns = 100 * returns  # statsmodels warns of a boundary below a variance of 0.01
    cells = Cells(returns, [np.eye(8)], X)
    groups = cells.Z @ np.arange(8)
    theirs = MixedLM(cells.y, cells.X, groups).fit(reml=True, gtol=1e-10)
    fit = panel_reml(returns, fixed=X)
    assert fit.variance_components["asset"] == pytest.approx(float(theirs.cov_re[0, 0]), rel=1e-4)
    assert fit.variance_components["residual"] == pytest.approx(theirs.scale, rel=1e-4)
    close(fit.fixed_effects, theirs.fe_params, rtol=1e-5)


@pytest.mark.parametrize(("n_periods", "equal"), [(2, 3), (3, 5), (11, 7)])
def test_equal_replicates_as_in_statsmodels(n_periods, equal):
    """Some assets have one return again and again; the others tell the residual variance."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(3)
    returns = rng.normal(size=8) + rng.normal(size=(n_periods, 8))
    returns[:, :equal] = returns[0, :equal]
    cells = Cells(returns, [np.eye(8)])
    assets = cells.Z @ np.arange(8)
    theirs = MixedLM(cells.y, cells.X, assets).fit(reml=True, method="powell")
    fit = panel_reml(returns)
    assert fit.variance_components["asset"] == pytest.approx(float(theirs.cov_re[0, 0]), rel=1e-4)
    assert fit.variance_components["residual"] == pytest.approx(theirs.scale, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(
        cells.log_likelihood(fit.variance_components), abs=1e-8
    )


def test_replicates_that_are_all_equal_leave_no_residual():
    returns = np.tile(np.random.default_rng(4).normal(size=6), (3, 1))
    with pytest.raises(DataError, match="leave no residual"):
        panel_reml(returns)


@pytest.mark.parametrize("n_regressors", [0, 1, 2, 3])
def test_the_fewest_periods_are_those_that_the_message_names(n_regressors):
    rng = np.random.default_rng(5)
    least = n_regressors + 2
    returns, X = 0.02 * rng.normal(size=(least, 5)), rng.normal(size=(least, n_regressors))
    assert panel_reml(returns, fixed=X if n_regressors else None).n_observations == 5 * least
    returns[-1] = np.nan  # a period without a return does not count
    with pytest.raises(
        DataError, match=rf"{least - 1} period\(s\) with a return.*at least {least}"
    ):
        panel_reml(returns, fixed=X if n_regressors else None)


# ------------------------------------------------------------------- dense likelihood

CASES = {
    "one kernel": {},
    "no kernel": {"kernels": 0},
    "gaps": {"gaps": 0.3},
    "two regressors, gaps": {"p": 2, "gaps": 0.3},
    "no regressor": {"p": 0},
    "period": {"period": True, "periods": 0.3},
    "period, gaps": {"period": True, "periods": 0.3, "gaps": 0.3},
    "two kernels, gaps": {"kernels": 2, "gaps": 0.2},
    "two kernels, period, gaps": {"kernels": 2, "gaps": 0.2, "period": True, "periods": 0.2},
    "full likelihood, gaps": {"method": "ml", "gaps": 0.3},
    "full likelihood, period": {"method": "ml", "period": True, "periods": 0.3},
}


def fitted(seed, kernels=1, period=False, method="reml", shape=(16, 6), **settings):
    """A fit, and the same model cell by cell."""
    returns, K, X = panel(seed, shape, **settings)
    n = len(K)
    known = {"first": K, "second": kernel(np.random.default_rng(seed + 1), n)}
    chosen = [None, K, known][kernels]
    random = ("asset", "period") if period else ("asset",)
    fixed = X if X.shape[1] else None
    fit = panel_reml(returns, chosen, fixed=fixed, random=random, method=method)
    matrices = [[np.eye(n)], [K], list(known.values())][kernels]
    return fit, Cells(returns, matrices, fixed, period)


@pytest.mark.parametrize("case", CASES)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=8)
def test_likelihood_and_optimum_are_those_of_all_cells(case, seed):
    fit, cells = fitted(seed, **CASES[case])
    theta = fit.variance_components.to_numpy()
    assert cells.log_likelihood(theta, fit.method) == pytest.approx(fit.log_likelihood, abs=1e-7)
    unit = np.maximum(theta, 1e-3 * theta.sum())
    slope = approx_fprime(theta / unit, lambda x: cells.log_likelihood(x * unit, fit.method), 1e-6)
    assert np.abs(slope[theta > 0]).max() < 1e-3
    assert (slope[theta == 0] < 1e-3).all()
    assert fit.at_boundary == tuple(fit.variance_components.index[theta == 0])
    assert fit.n_observations == len(cells.y)


@pytest.mark.parametrize("case", CASES)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=4)
def test_predictions_and_errors_are_those_of_all_cells(case, seed):
    fit, cells = fitted(seed, **CASES[case])
    theta = fit.variance_components.to_numpy()
    b, variance, inverse = cells.fixed(theta)
    effects, error = cells.prediction(theta)
    p = len(b)
    close(fit.fixed_effects, b)
    close(fit.fixed_effects_se, np.sqrt(np.diagonal(variance)))
    close(fit.effects, effects)
    close(fit.component_effects.sum(axis=1), effects)
    close(fit.effects_se**2, np.diagonal(error)[p:], atol=1e-12)
    mean = np.r_[1.0, cells.X[:, 1:].mean(axis=0)] if "gaps" not in case else None
    if mean is not None:
        close(fit.expected_returns, mean @ b + effects)
        contrast = np.hstack([np.tile(mean, (len(effects), 1)), np.eye(len(effects))])
        close(fit.expected_returns_se**2, np.diagonal(contrast @ error @ contrast.T), atol=1e-12)
    if "period" in fit.variance_components:
        left = inverse @ (cells.y - cells.X @ b)
        close(fit.period_effects, theta[-2] * cells.W.T @ left)
    else:
        assert fit.period_effects.empty


@given(seed=SEEDS, method=st.sampled_from(["reml", "ml"]))
@settings(max_examples=25)
def test_eigenvalues_and_matrices_give_one_likelihood(seed, method):
    returns, K, X = panel(seed, (12, 5), gaps=0.3)
    design = panel_reml(returns, K, fixed=X, method=method)._design.cells
    freedom = design.freedom(method)
    fast = panel_likelihood.objective(panel_likelihood.Eigen(design), freedom, method)
    slow = panel_likelihood.objective(panel_likelihood.Dense(design), freedom, method)
    for theta in np.random.default_rng(seed).uniform(0.01, 2, (5, 2)):
        assert fast(theta)[0] == pytest.approx(slow(theta)[0], abs=1e-9)
        close(fast(theta)[1], slow(theta)[1], rtol=1e-8, atol=1e-8)
        close(fast(theta)[1], approx_fprime(theta, lambda x: fast(x)[0], 1e-7), 1e-4, 1e-4)


@given(seed=SEEDS)
@settings(max_examples=25)
def test_score_with_periods_and_kernels_is_the_gradient(seed):
    fit, _ = fitted(seed % 2**31, kernels=2, period=True, gaps=0.2, shape=(16, 6))
    cells = fit._design.cells
    value = panel_likelihood.objective(panel_likelihood.Dense(cells), cells.freedom("reml"), "reml")
    theta = np.random.default_rng(seed).uniform(0.05, 2, 4)
    close(value(theta)[1], approx_fprime(theta, lambda x: value(x)[0], 1e-7), 1e-4, 1e-4)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=10)
def test_no_start_of_another_search_finds_a_higher_likelihood(seed):
    fit, cells = fitted(seed, kernels=2, period=True, gaps=0.2, periods=0.2, shape=(12, 5))
    unit = fit.variance_components["residual"]
    for start in np.random.default_rng(seed).uniform(-4, 1, (3, 4)):
        other = minimize(
            lambda x: -cells.log_likelihood(unit * np.exp(x)),
            start,
            bounds=[(-20, 5)] * 4,
            method="L-BFGS-B",
        )
        assert fit.log_likelihood >= -other.fun - 1e-6


@given(seed=SEEDS, ratio=st.sampled_from([0.0, 0.01, 0.1, 1.0, 30.0]))
@settings(max_examples=40)
def test_ratio_is_the_best_of_many(seed, ratio):
    returns, K, X = panel(seed, (20, 6), gaps=0.2, ratio=ratio)
    fit = panel_reml(returns, K, fixed=X)
    cells = fit._design.cells
    freedom = cells.freedom("reml")
    ratios = np.append(0.0, np.logspace(-12, 6, 400))[:, None]
    values = panel_likelihood.profile(fit._engine, ratios, freedom, "reml")[0]
    found = fit.log_likelihood - fit._design.constant("reml")
    assert values.max() <= found + 1e-9


KERNELS = {
    "none": lambda K, block, low: None,
    "groups": lambda K, block, low: block,
    "rank two": lambda K, block, low: low,
    "groups and own": lambda K, block, low: {"group": block, "own": np.eye(len(K))},
    "rank two and full": lambda K, block, low: {"low": low, "full": K},
    "tiny": lambda K, block, low: 1e-6 * K,
}


@pytest.mark.parametrize("case", KERNELS)
@given(
    seed=SEEDS,
    shape=st.tuples(st.integers(4, 12), st.integers(4, 8)),
    gaps=st.sampled_from([0.0, 0.3, 0.7]),
    ratio=st.sampled_from([0.0, 0.1, 10.0, 1e4]),
    power=st.integers(-6, 4),
    period=st.booleans(),
)
@settings(max_examples=25)
@pytest.mark.filterwarnings("error")
def test_awkward_panels_have_their_optimum(case, seed, shape, gaps, ratio, power, period):
    """Singular kernels, kernels in other units, few returns, variances far apart."""
    returns, K, _ = panel(seed, shape, gaps=gaps, ratio=ratio)
    rng, n = np.random.default_rng(seed), shape[1]
    block = np.kron(np.eye(2), np.ones((n, n)))[: 2 * n : 2, : 2 * n : 2]
    low = rng.normal(size=(n, 2))
    chosen = KERNELS[case](K.to_numpy(), block, low @ low.T)
    random = ("asset", "period") if period else ("asset",)
    values = returns.to_numpy()
    scaled = (values - np.nanmean(values)) * 10.0**power  # returns are not all of one sign
    fit = panel_reml(scaled, chosen, random=random)
    matrices = [np.eye(n)] if chosen is None else [chosen]
    cells = Cells(scaled, chosen.values() if isinstance(chosen, dict) else matrices, None, period)
    theta = fit.variance_components.to_numpy()
    assert cells.log_likelihood(theta) == pytest.approx(fit.log_likelihood, abs=1e-5)
    near = np.exp(0.05 * np.random.default_rng(seed).normal(size=(5, len(theta))))
    assert max(cells.log_likelihood(theta * step) for step in near) <= fit.log_likelihood + 1e-5
    assert np.isfinite(fit.effects).all()
    assert np.isfinite(fit.effects_se).all()


# ------------------------------------------------------------------ exact special cases


@given(seed=SEEDS, method=st.sampled_from(["reml", "ml"]))
@settings(max_examples=25)
def test_balanced_unrelated_assets_have_the_variances_of_the_textbook(seed, method):
    """One-way analysis of variance: s_e is the mean square within, T s_a + s_e that between."""
    returns, _, _ = panel(seed, (15, 7), p=0, ratio=0.5)
    fit = panel_reml(returns, method=method)
    T, N = returns.shape
    mean = returns.mean()
    within = ((returns - mean) ** 2).to_numpy().sum() / (N * (T - 1))
    between = T * ((mean - mean.mean()) ** 2).sum() / (N - (method == "reml"))
    if between > within:
        close(fit.variance_components, [(between - within) / T, within], rtol=1e-9)
        shrink = 1 - within / between
        close(fit.effects, shrink * (mean - mean.mean()))
        assert fit.reliability == pytest.approx(shrink)
    else:
        assert fit.at_boundary == ("asset",)
        assert fit.heritability == fit.reliability == 0
        assert (fit.effects == 0).all()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert fit.accuracy.isna().all(), "an effect without variance has no accuracy"
            assert fit.effect_reliability.isna().all()


def test_the_two_shares_are_what_they_are_called():
    fit, _ = fitted(4)
    asset, residual = fit.variance_components
    assert fit.heritability == pytest.approx(asset / (asset + residual))
    assert fit.reliability == pytest.approx(asset / (asset + residual / 16))
    assert fit.reliability_of_mean(60) == pytest.approx(asset / (asset + residual / 60))


@pytest.mark.parametrize("period", [False, True])
def test_units_of_a_kernel_do_not_change_the_shares(period):
    returns, K, X = panel(4, ratio=1.0, gaps=0.2, periods=0.3)
    random = ("asset", "period") if period else ("asset",)
    fit, other = (panel_reml(returns, c * K, fixed=X, random=random) for c in (1, 100))
    asset, residual = fit.variance_components.iloc[[0, -1]]
    assert fit.heritability == pytest.approx(asset / (asset + residual))
    close(other.variance_components["asset"], asset / 100, rtol=1e-5)
    assert other.heritability == pytest.approx(fit.heritability, rel=1e-5)
    assert other.reliability == pytest.approx(fit.reliability, rel=1e-5)
    close(other.confint().loc["heritability"], fit.confint().loc["heritability"], rtol=1e-5)


def test_shares_count_the_diagonal_of_every_kernel():
    returns, K, _ = panel(5, (40, 6), ratio=1.0)
    half = np.diag([1.0, 1, 1, 0, 0, 0])
    fit = panel_reml(returns, {"all": K, "half": half})
    everyone, some, residual = fit.variance_components
    asset = everyone + some / 2
    assert fit.heritability == pytest.approx(asset / (asset + residual))


def test_a_group_keeps_more_and_an_asset_less_than_the_reliability():
    """Balanced groups of m, half shared: shares of group means and of deviations within groups."""
    rng = np.random.default_rng(3)
    block = np.kron(np.eye(4), np.ones((5, 5)))
    values = rng.normal(size=(30, 20)) + np.repeat(rng.normal(size=4), 5) + rng.normal(size=20)
    fit = panel_reml(values, (block + np.eye(20)) / 2)
    asset, noise = fit.variance_components / [1, 30]
    mean, found = values.mean(axis=0).reshape(4, 5), np.asarray(fit.effects).reshape(4, 5)
    group, kept = mean.mean(axis=1), found.mean(axis=1)
    own = 0.5 * asset / (0.5 * asset + noise)
    shared = 3 * asset / (3 * asset + noise)
    close(found - kept[:, None], own * (mean - group[:, None]))
    close(kept, shared * (group - group.mean()))
    assert own < fit.reliability < shared


def test_accuracy_is_the_correlation_of_prediction_and_effect():
    returns, K, X = panel(6, (25, 6), ratio=0.2)
    fit = panel_reml(returns, K, fixed=X)
    asset, residual = fit.variance_components
    effects = np.random.default_rng(0).normal(size=(4000, 6)) @ np.linalg.cholesky(asset * K).T
    gain = gls_gain(returns, K, X, asset / residual)
    noise = np.random.default_rng(1).normal(0, np.sqrt(residual), (4000, 25, 6))
    predicted = (effects[:, None] + noise).reshape(4000, -1) @ gain.T
    found = [np.corrcoef(predicted[:, j], effects[:, j])[0, 1] for j in range(6)]
    assert np.abs(found - fit.accuracy).max() < 4 / np.sqrt(4000)
    close(fit.accuracy**2, fit.effect_reliability)
    variance = asset * np.diagonal(K)
    close(fit.effect_reliability, 1 - fit.effects_se**2 / variance)


def gls_gain(returns, K, X, ratio):
    """The matrix that makes predictions of effects from all cells, at a ratio of variances."""
    cells = Cells(returns, [K], X)
    _, variance, inverse = cells.fixed([ratio, 1.0])
    left = np.eye(len(cells.y)) - cells.X @ variance @ cells.X.T @ inverse
    return ratio * np.asarray(K) @ cells.Z.T @ inverse @ left


@given(seed=SEEDS, gaps=st.sampled_from([0.0, 0.3]))
@settings(max_examples=25)
def test_effects_add_to_zero_as_relatives_count(seed, gaps):
    """1'K^-1 a = 0: what all assets share is the intercept."""
    returns, K, X = panel(seed, (20, 6), gaps=gaps, ratio=0.5)
    fit = panel_reml(returns, K, fixed=X)
    total = np.linalg.solve(K, fit.effects)
    assert abs(total.sum()) <= 1e-9 * max(np.abs(total).sum(), 1e-6)


@given(seed=SEEDS, period=st.booleans())
@settings(max_examples=15)
def test_units_order_and_level_of_returns_do_not_matter(seed, period):
    returns, K, X = panel(seed, (14, 5), gaps=0.2, ratio=0.5)
    random = ("asset", "period") if period else ("asset",)
    fit = panel_reml(returns, K, fixed=X, random=random)
    order = np.random.default_rng(seed).permutation(5)
    shuffled = returns.iloc[:, order].sample(frac=1, random_state=seed % 1000)
    other = panel_reml(100 * shuffled + 7, K, fixed=3 * X - 500, random=random)
    close(other.variance_components, 1e4 * fit.variance_components, rtol=1e-5, atol=1e-6)
    close(other.effects[fit.effects.index], 100 * fit.effects, rtol=1e-5, atol=1e-7)
    close(other.fixed_effects.iloc[1:], 100 / 3 * fit.fixed_effects.iloc[1:], rtol=1e-6)
    expected = 100 * fit.expected_returns + 7
    close(other.expected_returns[expected.index], expected, rtol=1e-6)


def test_arrays_give_the_numbers_of_frames():
    returns, K, X = panel(5, gaps=0.2)
    labelled = panel_reml(returns, K, fixed=X)
    plain = panel_reml(returns.to_numpy(), K.to_numpy(), fixed=X.to_numpy())
    assert isinstance(plain.effects, np.ndarray)
    close(plain.effects, labelled.effects, rtol=0, atol=0)
    close(plain.expected_returns, labelled.expected_returns, rtol=0, atol=0)
    assert list(labelled.effects.index) == list(returns.columns)
    one_column = panel_reml(returns.to_numpy(), K.to_numpy(), fixed=X.to_numpy()[:, 0])
    close(one_column.effects, plain.effects, rtol=0, atol=0)


def test_kernels_and_regressors_are_matched_by_name_and_date():
    returns, K, X = panel(6)
    fit = panel_reml(returns, K, fixed=X)
    bigger = kernel(np.random.default_rng(1), 9, [*K.columns, "a", "b", "c"])
    bigger.loc[K.index, K.columns] = K
    bigger = bigger.iloc[::-1, ::-1]
    longer = pd.concat([X, X.set_index(X.index + pd.DateOffset(years=20))]).iloc[::-1]
    repaired = bigger if np.linalg.eigvalsh(bigger)[0] > 0 else K.iloc[::-1, ::-1]
    other = panel_reml(returns, repaired, fixed=longer)
    close(other.effects, fit.effects, rtol=1e-8)
    close(other.fixed_effects, fit.fixed_effects, rtol=1e-8)


def test_arrays_take_the_order_and_names_of_the_first_labelled_kernel():
    returns, K, _ = panel(6, (40, 6), ratio=1.0)
    other = kernel(np.random.default_rng(2), 6, list(K.columns)).iloc[::-1, ::-1]
    expected = panel_reml(returns, {"u": K, "v": other})
    for first in (K, K.to_numpy()):
        second = other if first is K else other.loc[K.index, K.index]
        fit = panel_reml(returns.to_numpy(), {"u": first, "v": second})
        close(fit.variance_components, expected.variance_components, rtol=0, atol=0)
        pd.testing.assert_series_equal(fit.effects, expected.effects)
    stranger = other.rename(index={"asset2": "z"}, columns={"asset2": "z"})
    with pytest.raises(DataError, match=r"relationship\['v'\].*asset2"):
        panel_reml(returns.to_numpy(), {"u": K, "v": stranger})


def test_predictions_at_other_values_of_the_regressors():
    fit, _ = fitted(7, p=2)
    b, a = fit.fixed_effects, fit.effects
    point = pd.Series({"x1": 2.0, "x0": -1.0})
    close(fit.predict(point), b["intercept"] - b["x0"] + 2 * b["x1"] + a)
    close(fit.predict([-1.0, 2.0]), fit.predict(point), rtol=0)
    with pytest.raises(DataError, match="fixed does not name"):
        fit.predict(pd.Series({"x1": 2.0, "y": 1.0}))
    for wrong in ([1.0], 2.0, [1.0, 2.0, 3.0]):
        with pytest.raises(DataError, match="one per regressor"):
            fit.predict(wrong)
    with pytest.raises(DataError, match="missing or infinite"):
        fit.predict([1.0, np.nan])
    alone, _ = fitted(7, p=0)
    with pytest.raises(DataError, match="the model has no regressors"):
        alone.predict([1.0, 2.0])


def test_an_asset_without_returns_is_predicted_by_its_relatives():
    returns, K, _ = panel(8, (40, 6), ratio=0.5)
    some = returns.copy()
    some.iloc[:, 2] = np.nan
    fit = panel_reml(some, K)
    kept = [0, 1, 3, 4, 5]
    without = panel_reml(returns.iloc[:, kept], K)
    close(fit.variance_components, without.variance_components, rtol=1e-6)
    weights = np.linalg.solve(K.iloc[kept, kept], K.iloc[kept, 2])
    assert fit.effects.iloc[2] == pytest.approx(weights @ without.effects, rel=1e-5)
    assert fit.effects_se.iloc[2] > fit.effects_se.iloc[kept].max()
    assert 0 < fit.accuracy.iloc[2] < fit.accuracy.iloc[kept].min()


def test_a_period_without_returns_says_nothing():
    returns, K, X = panel(9, gaps=0.1, p=2)
    gone = returns.copy()
    gone.iloc[[4, 11]] = np.nan
    for random in (("asset",), ("asset", "period")):
        fit = panel_reml(gone, K, fixed=X, random=random)
        other = panel_reml(gone.dropna(how="all"), K, fixed=X, random=random)
        assert fit.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-10)
        close(fit.expected_returns, other.expected_returns)
    assert len(fit.period_effects) == len(returns) - 2


def test_a_large_panel_recovers_its_variances():
    returns, K, X = panel(10, (400, 150), ratio=0.2, periods=0.1)
    fit = panel_reml(returns, K, fixed=X, random=("asset", "period"))
    truth = 0.05**2 * np.array([0.2, 0.1, 1.0])
    errors = truth * np.sqrt([2 / 149, 2 / 397, 2 / 60000])
    assert (np.abs(fit.variance_components - truth) < 4 * errors).all()


# -------------------------------------------------------------------------- intervals


@pytest.mark.parametrize("case", ["gaps", "period, gaps", "two kernels, gaps"])
def test_intervals_end_where_the_profile_has_dropped(case):
    fit, cells = fitted(12, ratio=1.0, shape=(20, 6), **CASES[case])
    table = fit.confint(0.9)
    drop = chi2.ppf(0.9, 1) / 2
    for j, name in enumerate(fit.variance_components.index):
        assert table.loc[name, "estimate"] == fit.variance_components[name]
        for end in table.loc[name, ["lower", "upper"]]:
            if end > 0:
                lost = fit.log_likelihood - highest(cells, fit, j, end)
                assert lost == pytest.approx(drop, abs=1e-5)
            else:
                assert fit.log_likelihood - highest(cells, fit, j, 0.0) <= drop


def highest(cells, fit, j, value):
    """Profile log-likelihood by another optimizer, from the density of all cells."""
    unit = fit.variance_components.to_numpy().sum() / 10
    others = [k for k in range(len(fit.variance_components)) if k != j]

    def loss(x):
        theta = np.empty(len(x) + 1)
        theta[j], theta[others] = value, unit * np.exp(x)
        return -cells.log_likelihood(theta)

    start = np.log(np.maximum(fit.variance_components.to_numpy()[others] / unit, 1e-2))
    if len(start) == 1:
        return -minimize_scalar(lambda x: loss([x]), bracket=(start[0] - 1, start[0] + 1)).fun
    found = minimize(
        loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000}
    )
    return -found.fun


@pytest.mark.parametrize("seed", [13, 16])
def test_interval_of_the_heritability_beside_a_period_effect(seed):
    fit, cells = fitted(seed, gaps=0.2, ratio=1.0, period=True, periods=0.3, shape=(14, 6))
    found = fit.confint().loc["heritability"]
    assert found["estimate"] == pytest.approx(fit.heritability)
    drop = chi2.ppf(0.95, 1) / 2
    for share in found[["lower", "upper"]]:
        best = minimize(
            lambda x, s=share: -cells.log_likelihood(np.exp(x[[0, 1, 0]]) * [s, 1, 1 - s]),
            np.log([fit.variance_components["residual"], 0.001]),
            method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000},
        )
        lost = fit.log_likelihood + best.fun
        assert lost == pytest.approx(drop, abs=1e-5) if share else lost <= drop


def test_several_kernels_have_no_interval_of_the_heritability():
    assert list(fitted(1, kernels=2)[0].confint().index) == ["first", "second", "residual"]


def test_interval_of_the_heritability_is_that_of_the_ratio():
    fit, cells = fitted(13, gaps=0.2, ratio=1.0)
    found = fit.confint().loc["heritability"]
    assert found["estimate"] == pytest.approx(fit.heritability)
    drop = chi2.ppf(0.95, 1) / 2
    for share in found[["lower", "upper"]]:
        best = minimize_scalar(
            lambda total, s=share: -cells.log_likelihood(np.exp(total) * np.array([s, 1 - s])),
            bracket=(-8, -4),
        )
        assert fit.log_likelihood + best.fun == pytest.approx(drop, abs=1e-5)


@pytest.mark.parametrize("case", ["gaps", "two kernels, period, gaps"])
def test_profiles_are_those_of_all_cells(case):
    fit, cells = fitted(15, ratio=1.0, shape=(12, 5), **{**CASES[case], "periods": 0.4})
    for j, (name, value) in enumerate(fit.variance_components.items()):
        points = np.array([0.3, 1.0, 3.0]) * max(value, 1e-4)
        found = fit.profile(name, points)
        assert list(found.index) == list(points)
        assert (found <= fit.log_likelihood + 1e-9).all()
        for point in points[[0, 2]]:
            assert found[point] == pytest.approx(highest(cells, fit, j, point), abs=2e-5)
    assert fit.profile("residual", value).iloc[0] == pytest.approx(fit.log_likelihood, abs=1e-9)


@pytest.mark.parametrize(
    ("component", "values", "message"),
    [
        ("market", [1.0], "component is 'market'"),
        ("asset", [-1.0], "must be variances"),
        ("asset", [np.nan], "must be variances"),
        ("residual", [0.0], "must be variances"),
        ("asset", ["x"], "must be numbers"),
        ("asset", None, "must be variances"),
        ("asset", [[1.0, 2.0], [3.0]], "must be numbers"),
        ("asset", [[1.0, 2.0]], "give a vector"),
        (["asset"], [1.0], "component is"),
    ],
)
def test_profiles_are_of_variances(component, values, message):
    with pytest.raises(DataError, match=message):
        fitted(1)[0].profile(component, values)


def test_intervals_start_at_zero_on_the_boundary():
    seeds = (seed for seed in range(50) if "asset" in fitted(seed, ratio=0.0)[0].at_boundary)
    fit, cells = fitted(next(seeds), ratio=0.0)
    table = fit.confint()
    assert (table.loc["asset", ["estimate", "lower"]] == 0).all()
    assert (table.loc["heritability", ["estimate", "lower"]] == 0).all()
    assert table.loc["asset", "upper"] > 0
    drop = chi2.ppf(0.95, 1) / 2
    end = table.loc["asset", "upper"]
    assert fit.log_likelihood - highest(cells, fit, 0, end) == pytest.approx(drop, abs=1e-5)
    assert list(fit.boundary_test()) == [0.0, 1.0]
    assert fit.accuracy.isna().all()


def test_likelihood_ratio_test_halves_the_tail():
    fit, cells = fitted(14, ratio=0.5)
    test = fit.boundary_test()
    null = -minimize_scalar(lambda x: -cells.log_likelihood([0.0, np.exp(x)]), bracket=(-8, -4)).fun
    assert test["statistic"] == pytest.approx(2 * (fit.log_likelihood - null), abs=1e-6)
    assert test["p_value"] == pytest.approx(chi2.sf(test["statistic"], 1) / 2)
    for wrong in ("residual", "period"):
        with pytest.raises(DataError, match="component is"):
            fit.boundary_test(wrong)


@pytest.mark.filterwarnings("error")
def test_a_test_beside_a_component_at_zero_warns():
    fits = (fitted(seed, period=True, periods=0.0, ratio=0.5)[0] for seed in range(50))
    fit = next(fit for fit in fits if fit.at_boundary == ("period",))
    with pytest.warns(UserWarning, match=r"\['period'\] are estimated as zero too"):
        test = fit.boundary_test()
    assert test["p_value"] == pytest.approx(chi2.sf(test["statistic"], 1) / 2)
    assert list(fit.boundary_test("period")) == [0.0, 1.0]


def test_the_test_trusts_residuals_of_a_group_to_be_independent():
    """Without effects, but with noise that groups share, it rejects far too often."""
    block = np.kron(np.eye(6), np.ones((4, 4)))
    rng, small = np.random.default_rng(8), []
    for _ in range(100):
        noise = rng.normal(size=(30, 24)) + np.repeat(rng.normal(size=(30, 6)), 4, axis=1)
        small.append(panel_reml(noise, (block + np.eye(24)) / 2).boundary_test()["p_value"] < 0.05)
    assert np.mean(small) > 0.05 + 4 * np.sqrt(0.05 * 0.95 / 100)


# -------------------------------------------------------------------------- bad input


def changed(**entries):
    """A panel with some arguments of panel_reml replaced."""
    returns, K, X = panel(1, (12, 5))
    return {"returns": returns, "relationship": K, "fixed": X} | {
        name: make(returns, K, X) for name, make in entries.items()
    }


def with_cell(table, row, column, value):
    table = table.copy()
    table.iloc[row, column] = value
    return table


def diagonal(returns):
    """Every asset is seen once."""
    return returns.where(np.arange(len(returns))[:, None] == np.arange(returns.shape[1]))


def still(returns):
    return returns.assign(asset3=0.01)


ones = pd.DataFrame(1.0, [f"asset{j}" for j in range(5)], [f"asset{j}" for j in range(5)])
BAD = {
    "not symmetric": (
        {"relationship": lambda r, K, X: with_cell(K, 0, 1, 0.9)},
        "relationship.* not symmetric",
    ),
    "indefinite": (
        {"relationship": lambda r, K, X: K - 0.9 * np.eye(5)},
        "not positive semi-?definite",
    ),
    "missing name": (
        {"relationship": lambda r, K, X: K.rename(index={"asset2": "z"}, columns={"asset2": "z"})},
        "asset2",
    ),
    "wrong shape": ({"relationship": lambda r, K, X: np.eye(4)}, "matrix of 4 assets"),
    "not square": ({"relationship": lambda r, K, X: np.ones((5, 4))}, "must be square"),
    "one group": ({"relationship": lambda r, K, X: ones}, "makes all assets alike"),
    "same kernel twice": (
        {"relationship": lambda r, K, X: {"a": K, "b": K}},
        "combinations of each other",
    ),
    "no kernel": ({"relationship": lambda r, K, X: {}}, "at least one"),
    "reserved name": ({"relationship": lambda r, K, X: {"residual": K}}, "none 'period'"),
    "still asset": ({"returns": lambda r, K, X: still(r)}, "never move, the first is asset3"),
    "one asset": ({"returns": lambda r, K, X: r[["asset0"]]}, "1 asset"),
    "infinite": ({"returns": lambda r, K, X: with_cell(r, 2, 1, np.inf)}, "missing or infinite"),
    "nothing seen": ({"returns": lambda r, K, X: r * np.nan}, "0 period"),
    "too short": (
        {"returns": lambda r, K, X: r.iloc[:2], "fixed": lambda r, K, X: X.iloc[:2]},
        r"2 period\(s\).* needs at least 3",
    ),
    "constant regressor": ({"fixed": lambda r, K, X: X * 0 + 3}, "x0 is constant"),
    "collinear regressors": (
        {"fixed": lambda r, K, X: X.assign(twice=2 * X["x0"] + 1)},
        "twice is a combination",
    ),
    "dummy trap": (
        {"fixed": lambda r, K, X: pd.get_dummies(pd.Series(np.arange(12) % 3, r.index))},
        "leave out one",
    ),
    "regressor with a gap": (
        {"fixed": lambda r, K, X: with_cell(X, 3, 0, np.nan)},
        "fixed has 1 cell.*column x0",
    ),
    "regressor too short": (
        {"fixed": lambda r, K, X: X.iloc[1:]},
        "fixed lacks 1 of the 12 periods.*first is 2001-01-31",
    ),
    "regressor array too short": (
        {"fixed": lambda r, K, X: X.to_numpy()[1:]},
        "fixed has 11 periods and returns 12",
    ),
    "infinite regressor": (
        {"fixed": lambda r, K, X: with_cell(X, 3, 0, np.inf)},
        "missing or infinite, the first in column x0 of period 2001-04-30",
    ),
    "regressor with a period twice": (
        {"fixed": lambda r, K, X: pd.concat([X, X])},
        "fixed lacks 0 of the 12 periods of the returns, or one has some twice",
    ),
    "complex regressor": ({"fixed": lambda r, K, X: X * 1j}, "fixed holds complex numbers"),
    "no regressor": ({"fixed": lambda r, K, X: X[[]]}, "leave the argument out"),
    "a regressor called intercept": (
        {"fixed": lambda r, K, X: X.rename(columns={"x0": "intercept"})},
        "fixed has a column 'intercept'",
    ),
    "regimes by name": (
        {"fixed": lambda r, K, X: pd.Series(["calm"] * 6 + ["wild"] * 6, r.index)},
        "zeros and ones",
    ),
    "columns of one name": (
        {"fixed": lambda r, K, X: pd.concat([X, X**2], axis=1)},
        "a name of its own",
    ),
    "every cell its own effect": (
        {"random": lambda r, K, X: ("asset", "asset:period")},
        "IS the residual",
    ),
    "as a string": ({"random": lambda r, K, X: "asset:period"}, "IS the residual"),
    "unknown term": ({"random": lambda r, K, X: ("asset", "regime")}, "pass them as fixed"),
    "no terms": ({"random": lambda r, K, X: None}, "random is None"),
    "a number for terms": ({"random": lambda r, K, X: 5}, "random is 5"),
    "a list of lists": ({"random": lambda r, K, X: [["asset"]]}, "it must be"),
    "rows in another order": (
        {"relationship": lambda r, K, X: K.iloc[::-1]},
        r"Reorder it with relationship\.loc\[names, names\]",
    ),
    "rows of one of two in another order": (
        {"relationship": lambda r, K, X: {"u": K, "v": K.iloc[::-1]}},
        r"Reorder it with relationship\['v'\]\.loc\[names, names\]",
    ),
    "no asset term": ({"random": lambda r, K, X: ("period",)}, "it must be"),
    "method": ({"method": lambda r, K, X: "bayes"}, "'reml' or 'ml'"),
    "iterations": ({"max_iterations": lambda r, K, X: 0}, "at least 1"),
    "one return an asset": ({"returns": lambda r, K, X: diagonal(r)}, "no asset has more than one"),
    "one return a period": (
        {
            "returns": lambda r, K, X: r.where(np.arange(12)[:, None] % 5 == np.arange(5)),
            "random": lambda r, K, X: ("asset", "period"),
        },
        "no period has more than one",
    ),
    "no residual": (
        {
            "returns": lambda r, K, X: r * 0 + X.to_numpy() + np.arange(5),
            "relationship": lambda r, K, X: None,
        },
        "leave no residual",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    entries, message = BAD[case]
    with pytest.raises(DataError, match=message):
        panel_reml(**changed(**entries))


def test_an_asset_without_returns_and_relatives_is_refused():
    returns, K, _ = panel(1, (12, 5))
    returns["asset1"] = np.nan
    with pytest.raises(DataError, match="no return at all, the first is asset1"):
        panel_reml(returns)
    with pytest.raises(DataError, match="no relatives"):
        panel_reml(returns, np.eye(5))
    with pytest.raises(DataError, match="no relatives"):
        panel_reml(returns.assign(asset0=np.nan, asset2=np.nan, asset3=np.nan), K)


def test_groups_of_one_are_unrelated_assets():
    returns, _, X = panel(2)
    alone = pd.DataFrame(np.eye(6), returns.columns, returns.columns)
    close(panel_reml(returns, alone, fixed=X).effects, panel_reml(returns, fixed=X).effects)


def test_two_groups_give_one_effect_a_group():
    returns, _, _ = panel(3, (30, 6), p=0, ratio=1.0)
    block = np.kron(np.eye(2), np.ones((3, 3)))
    fit = panel_reml(returns, block)
    assert fit.effects.nunique() == 6 or np.ptp(fit.effects.to_numpy()[:3]) < 1e-12
    close(fit.effects.to_numpy()[:3], np.repeat(fit.effects.iloc[0], 3), atol=1e-12)


def test_a_search_that_is_cut_short_says_so():
    returns, K, X = panel(4, (20, 6), periods=0.3)
    with pytest.raises(ConvergenceError, match=r"1 steps.*max_iterations"):
        panel_reml(returns, K, fixed=X, random=("asset", "period"), max_iterations=1)


@pytest.mark.parametrize("wrong", [0, 1, -0.5, np.nan, "x"])
def test_levels_and_periods_are_checked(wrong):
    fit, _ = fitted(1)
    with pytest.raises(DataError, match="level is"):
        fit.confint(wrong)
    if wrong != 1:
        with pytest.raises(DataError, match="n_periods is"):
            fit.reliability_of_mean(wrong)


def test_input_is_left_alone():
    returns, K, X = panel(2, gaps=0.2)
    before = [table.copy() for table in (returns, K, X)]
    panel_reml(returns, K, fixed=X, random=("asset", "period")).confint()
    for table, copy in zip((returns, K, X), before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


@pytest.mark.parametrize("best", [0.0, 1e-6, 1.0, 40.0])
@pytest.mark.parametrize("positive", [False, True])
def test_an_interval_ends_where_the_function_crosses_zero(best, positive):
    """Known crossings on both sides, near and far, with a typical size that is far too small."""
    if positive and best == 0:
        return
    for low, high in ((0.999 * best, 1.001 * best + 1e-6), (best / 300, 300 * best + 1)):

        def excess(x, low=low, high=high):
            below = best - low if best > 0 else 1.0
            return (best - x) / below - 1 if x < best else (x - best) / (high - best) - 1

        found = panel_likelihood.interval(excess, best, 1e-3, positive=positive)
        assert found == pytest.approx((low if best else 0.0, high), rel=1e-5)


def test_an_interval_reaches_zero_where_the_function_does_not_cross():
    def excess(x):
        return abs(x - 1) - 2  # negative from -1 to 3

    assert panel_likelihood.interval(excess, 1.0, 0.1) == pytest.approx((0.0, 3.0))
    touching = panel_likelihood.interval(lambda x: abs(x - 1) - 1, 1.0, 0.1)
    assert touching == pytest.approx((0.0, 2.0))


def test_an_interval_of_what_is_positive_comes_near_zero():
    """Where zero is out of the question, the lower end is looked for by halves."""

    def excess(x):
        return abs(np.log(x)) - 7

    found = panel_likelihood.interval(excess, 1.0, 0.1, positive=True)
    assert found == pytest.approx((np.exp(-7), np.exp(7)), rel=1e-4)


def test_two_assets_are_enough_and_one_is_not():
    returns, _, _ = panel(3, (40, 2), p=0, ratio=2.0)
    fit = panel_reml(returns)
    assert list(fit.effects.index) == list(returns)
    assert fit.converged is True
    with pytest.raises(DataError, match="1 asset"):
        panel_reml(returns.iloc[:, :1])


def test_regressors_that_are_nearly_the_same_are_still_two():
    """A millionth of what they share is theirs alone: what is fitted is the same."""
    returns, K, X = panel(5, (60, 5), p=2)
    near = pd.DataFrame({"a": X["x0"], "b": X["x0"] + 1e-6 * X["x1"]})
    fit, plain = (panel_reml(returns, K, fixed=table) for table in (near, X))
    np.testing.assert_allclose(fit.variance_components, plain.variance_components, rtol=1e-5)
    same = near.assign(b=X["x0"] + 1e-10 * X["x1"])
    with pytest.raises(DataError, match=r"combination|collinear"):
        panel_reml(returns, K, fixed=same)


def test_an_asset_without_returns_needs_one_relative_with_some():
    K = np.eye(4)
    K[0, 1] = K[1, 0] = 0.5
    for empty, related in (
        ([True, False, False, False], True),  # related to one of three
        ([False, False, True, False], False),
        ([True, True, False, False], False),  # to each other only
        ([True, False, True, False], False),  # one of the two is alone
    ):
        assert panel_model._related({"a": K}, np.array(empty)) == related
    other = np.eye(4)
    other[2, 3] = other[3, 2] = -0.1
    both = {"a": K, "b": other}
    assert panel_model._related(both, np.array([True, False, True, False]))
