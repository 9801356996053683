"""Expected returns against literal formulas, golden values, other software and known truths."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypfopt import BlackLittermanModel

from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.expected_returns import _estimators as expected_returns
from mixfolio.expected_returns._views import ContradictionError, View, view_matrices
from mixfolio.optimization import _optimizers as optimization

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "black_litterman.json").read_text(encoding="utf-8")
)
COUNTRIES = pd.Index(GOLDEN["countries"])
SIGMA = pd.DataFrame(GOLDEN["Sigma"], COUNTRIES, COUNTRIES)
MARKET = pd.Series(GOLDEN["w_mkt"], COUNTRIES)
GERMANY = View.relative("GER", ["FRA", "UKG"], 0.05, weighting="market")
CANADA = View.relative("CAN", "USA", 0.03)


def table(seed=0, shape=(60, 4), spread=0.01):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1])) * 0.02
    values += rng.normal(0, spread, shape[1])
    names = [f"asset{j}" for j in range(shape[1])]
    return pd.DataFrame(values, pd.date_range("2001-01-31", periods=shape[0], freq="ME"), names)


def literal(returns):
    """Equations 14 to 17 with explicit inverses and the prior precision itself."""
    T, N = returns.shape
    m = returns.sum(axis=0) / T
    S = sum(np.outer(r - m, r - m) for r in returns) / (T - 1)
    V = S * (T - 1) / (T - N - 2)
    inverse, ones = np.linalg.inv(V), np.ones(N)
    m0 = (ones @ inverse @ m) / (ones @ inverse @ ones)
    distance = (m - m0 * ones) @ inverse @ (m - m0 * ones)
    phi = (N + 2) / ((N + 2) + T * distance)
    precision = (N + 2) / distance
    assert phi == pytest.approx(precision / (T + precision), rel=1e-12)
    covariance = V * (1 + 1 / (T + precision)) + precision / (T * (T + 1 + precision)) * np.outer(
        ones, ones
    ) / (ones @ inverse @ ones)
    return (1 - phi) * m + phi * m0, covariance, phi, m0


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12), extra=st.integers(3, 200))
@settings(max_examples=40)
def test_bayes_stein_is_jorions(seed, n, extra):
    returns = table(seed, (n + extra, n)).to_numpy()
    mean, covariance, phi, m0 = literal(returns)
    found = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-12)
    assert found.intensity == pytest.approx(phi, rel=1e-6)
    assert found.target == pytest.approx(m0, rel=1e-5, abs=1e-9)
    assert 0 < found.intensity < 1
    np.testing.assert_array_equal(expected_returns.bayes_stein(returns), found.mean)


def test_intensity_falls_as_means_spread_and_the_sample_grows():
    returns = table(1, (60, 4), spread=0.0).to_numpy()
    centred = returns - returns.mean(axis=0)
    ladder = np.array([-1.5, -0.5, 0.5, 1.5])
    intensities = [
        expected_returns.bayes_stein_moments(centred + size * ladder).intensity
        for size in (1e-6, 1e-3, 1e-2, 1.0)
    ]
    assert intensities[0] == pytest.approx(1.0, abs=1e-4)
    assert intensities[-1] == pytest.approx(0.0, abs=1e-2)
    assert (np.diff(intensities) < -1e-3).all()
    once = expected_returns.bayes_stein_moments(centred + 0.001 * ladder)
    often = expected_returns.bayes_stein_moments(np.tile(centred + 0.001 * ladder, (50, 1)))
    assert often.intensity < 0.2 * once.intensity


@pytest.mark.parametrize("n", [1, 3])
def test_equal_means_are_shrunk_completely(n):
    """The limit of a prior that knows: all means equal, and one asset always."""
    returns = table(2, (40, n)).to_numpy(copy=True)
    returns += 0.005 - returns.mean(axis=0)
    found = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(found.mean, 0.005, rtol=1e-10)
    assert found.intensity == pytest.approx(1.0, abs=1e-10)
    V = np.atleast_2d(np.cov(returns.T)) * 39 / (40 - n - 2)
    np.testing.assert_allclose(found.covariance, V + 1 / 40 / np.linalg.inv(V).sum(), rtol=1e-8)


def test_shrinkage_keeps_the_order_and_the_target():
    returns = table(3)
    raw = expected_returns.sample(returns)
    found = expected_returns.bayes_stein_moments(returns)
    assert list(found.mean.sort_values().index) == list(raw.sort_values().index)
    np.testing.assert_allclose(
        found.mean - found.target, (1 - found.intensity) * (raw - found.target), rtol=1e-12
    )


def test_sample_is_the_arithmetic_mean():
    returns = pd.DataFrame({"a": [0.01, 0.03, -0.01], "b": [0.0, 0.1, 0.2]})
    pd.testing.assert_series_equal(
        expected_returns.sample(returns), pd.Series({"a": 0.01, "b": 0.1}), check_names=False
    )
    found = expected_returns.sample(returns.to_numpy())
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, [0.01, 0.1], rtol=1e-14)


def test_labels_in_labels_out():
    returns = table(4)
    found = expected_returns.bayes_stein_moments(returns)
    assert list(found.mean.index) == list(found.covariance.index) == list(returns.columns)
    assert list(found.covariance.columns) == list(returns.columns)
    plain = expected_returns.bayes_stein_moments(returns.to_numpy())
    assert type(plain.mean) is np.ndarray
    np.testing.assert_array_equal(found.mean, plain.mean)
    np.testing.assert_array_equal(found.covariance, plain.covariance)


def test_order_of_assets():
    returns = table(5)
    order = list(returns.columns[[2, 0, 3, 1]])
    pd.testing.assert_series_equal(
        expected_returns.bayes_stein(returns[order]),
        expected_returns.bayes_stein(returns)[order],
        rtol=1e-10,
    )


def test_units():
    returns = table(6).to_numpy()
    percent = expected_returns.bayes_stein_moments(100 * returns)
    plain = expected_returns.bayes_stein_moments(returns)
    np.testing.assert_allclose(percent.mean, 100 * plain.mean, rtol=1e-10)
    np.testing.assert_allclose(percent.covariance, 1e4 * plain.covariance, rtol=1e-10)
    assert percent.intensity == pytest.approx(plain.intensity, rel=1e-10)


def test_too_few_periods():
    with pytest.raises(DataError, match=r"6 periods for 4 assets; .*needs at least 7.*longer"):
        expected_returns.bayes_stein(table(7, (6, 4)))
    expected_returns.bayes_stein(table(7, (7, 4)))


def test_an_asset_that_is_a_mixture_of_others_is_always_noticed():
    for seed in range(60):
        returns = table(seed, (60, 5)).to_numpy()
        mixture = returns @ np.random.default_rng(seed).dirichlet(np.ones(5))
        with pytest.raises(SingularCovarianceError, match=r"rank is 5 of 6"):
            expected_returns.bayes_stein(np.column_stack([returns, mixture]))


# ------------------------------------------------------------------ James and Stein


def independent(seed, shape, scale=0.02):
    rng = np.random.default_rng(seed)
    names = [f"asset{j}" for j in range(shape[1])]
    return pd.DataFrame(rng.normal(0.005, scale, shape), columns=names)


def squared_errors(truth, matrix, n_periods, n_draws, covariance, seed=0):
    """Per draw, the squared errors of the sample means and of the shrunken ones."""
    rng = np.random.default_rng(seed)
    found = np.empty((n_draws, 2))
    for draw in found:
        returns = rng.multivariate_normal(truth, matrix, n_periods)
        known = matrix if covariance == "known" else None
        shrunk = expected_returns.james_stein(returns, covariance=known)
        draw[:] = np.square(returns.mean(axis=0) - truth).sum(), np.square(shrunk - truth).sum()
    return found


def correlated(n):
    """A market that all assets follow, and variances that differ by a factor of four."""
    spread = np.linspace(0.03, 0.06, n)
    return np.outer(spread, spread) * (0.5 * np.eye(n) + 0.5)


@pytest.mark.parametrize("covariance", ["known", "estimated"])
@pytest.mark.parametrize(
    "truth", [np.full(8, 0.01), np.linspace(-0.01, 0.02, 8)], ids=["equal", "spread"]
)
def test_james_stein_beats_the_sample_mean(truth, covariance):
    """The theorem: a lower risk than the sample mean's, for means that are equal and not."""
    errors = squared_errors(truth, correlated(8), 60, 1500, covariance)
    gain = errors[:, 0] - errors[:, 1]
    assert gain.mean() > 4 * gain.std() / np.sqrt(len(gain))


def test_risk_where_all_means_are_equal():
    """N = 10 independent assets: James-Stein without the positive part has risk 1 + 2 of 10."""
    errors = squared_errors(np.full(10, 0.01), 0.002 * np.eye(10), 50, 3000, "known")
    ratio = errors[:, 1].mean() / (10 * 0.002 / 50)
    error = errors[:, 1].std() / np.sqrt(len(errors)) / (10 * 0.002 / 50)
    assert ratio < 0.3 + 3 * error
    assert ratio > 0.1


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 12))
@settings(max_examples=25, deadline=None)
def test_james_stein_of_independent_assets_is_efron_and_morris(seed, n):
    returns = table(seed, (40, n)).to_numpy()
    mean = returns.mean(axis=0)
    variance = 0.001
    phi = min(1, (n - 3) * variance / 40 / np.square(mean - mean.mean()).sum())
    found = expected_returns.james_stein_intensity(returns, covariance=variance * np.eye(n))
    assert found == pytest.approx(phi, rel=1e-10)
    np.testing.assert_allclose(
        expected_returns.james_stein(returns, covariance=variance * np.eye(n)),
        mean.mean() + (1 - phi) * (mean - mean.mean()),
        rtol=1e-10,
        atol=1e-15,
    )


def test_james_stein_constant_is_that_of_the_centred_means():
    returns = table(8, (50, 6)).to_numpy()
    matrix = correlated(6) * 0.01
    centre = np.eye(6) - 1 / 6
    W = centre @ matrix @ centre / 50
    constant = np.trace(W) - 2 * np.linalg.eigvalsh(W)[-1]
    spread = np.square(centre @ returns.mean(axis=0)).sum()
    assert 0 < constant < spread
    found = expected_returns.james_stein_intensity(returns, covariance=matrix)
    assert found == pytest.approx(constant / spread, rel=1e-10)


def test_james_stein_keeps_the_common_mean_and_its_bounds():
    returns = independent(9, (30, 8))
    found = expected_returns.james_stein(returns)
    assert found.mean() == pytest.approx(returns.to_numpy().mean(), rel=1e-12)
    equal = returns - returns.mean() + 0.004
    np.testing.assert_allclose(expected_returns.james_stein(equal), 0.004, rtol=1e-12)
    assert expected_returns.james_stein_intensity(equal) == 1.0
    for n in (1, 2, 3):
        assert expected_returns.james_stein_intensity(returns.iloc[:, :n]) == 0.0
    one_dominates = np.diag([1.0, *np.full(7, 1e-3)])
    assert expected_returns.james_stein_intensity(returns, covariance=one_dominates) == 0.0


def test_james_stein_does_not_mind_scale_constants_or_short_samples():
    returns = independent(10, (40, 8))
    plain = expected_returns.james_stein_intensity(returns)
    assert 0 < plain < 1
    for scale in (1e-12, 1e12):
        found = expected_returns.james_stein_intensity(returns * scale)
        assert found == pytest.approx(plain, rel=1e-8)
    still = returns.assign(still=0.001)
    assert np.isfinite(expected_returns.james_stein(still)).all()
    assert np.isfinite(expected_returns.james_stein(returns.iloc[:2])).all()


def test_james_stein_matches_the_covariance_by_name():
    returns = independent(11, (40, 5))
    matrix = pd.DataFrame(correlated(5), returns.columns, returns.columns)
    order = returns.columns[[4, 2, 0, 3, 1]]
    assert expected_returns.james_stein_intensity(
        returns, covariance=matrix.loc[order, order]
    ) == pytest.approx(expected_returns.james_stein_intensity(returns, covariance=matrix))
    with pytest.raises(DataError, match="covariance does not name the assets"):
        expected_returns.james_stein(
            returns, covariance=matrix.rename(index=str.upper, columns=str.upper)
        )
    with pytest.raises(DataError, match="covariance has 4 assets, returns has 5"):
        expected_returns.james_stein(returns, covariance=np.eye(4))


# ------------------------------------------------------------------ Black and Litterman


def literal_black_litterman(covariance, market, stated, delta, tau):
    """The master formula with every inverse written out."""
    pi = delta * covariance @ market
    prior, doubt = np.linalg.inv(tau * covariance), np.linalg.inv(stated.Omega)
    left = np.linalg.inv(prior + stated.P.T @ doubt @ stated.P)
    mean = left @ (prior @ pi + stated.P.T @ doubt @ stated.Q)
    return mean, covariance + left, np.linalg.solve(delta * (covariance + left), mean)


@pytest.mark.parametrize(("case", "views"), [("view1", [GERMANY]), ("view2", [GERMANY, CANADA])])
def test_he_and_litterman(case, views):
    known = GOLDEN[case]
    found = expected_returns.black_litterman(SIGMA, MARKET, views, risk_aversion=2.5, tau=0.05)
    np.testing.assert_allclose(found.equilibrium, GOLDEN["Pi"], rtol=1e-13)
    np.testing.assert_allclose(found.mean, known["mu"], rtol=1e-12)
    np.testing.assert_allclose(found.covariance, known["Sigma_p"], rtol=1e-12)
    np.testing.assert_allclose(found.weights, known["w"], rtol=1e-12, atol=1e-14)
    given_matrices = expected_returns.black_litterman(
        SIGMA, MARKET, P=known["P"], Q=known["Q"], Omega=known["Omega"]
    )
    pd.testing.assert_series_equal(given_matrices.mean, found.mean, rtol=1e-12)
    pd.testing.assert_frame_equal(given_matrices.covariance, found.covariance, rtol=1e-12)
    default = expected_returns.black_litterman(SIGMA, MARKET, P=known["P"], Q=known["Q"])
    pd.testing.assert_series_equal(default.weights, found.weights, rtol=1e-12)


def test_he_and_litterman_as_printed():
    """Expected returns and weights of their tables 4 and 5, in per cent with one decimal."""
    one = expected_returns.black_litterman(SIGMA, MARKET, GERMANY)
    two = expected_returns.black_litterman(SIGMA, MARKET, [GERMANY, CANADA])
    assert (100 * one.mean).round(1).tolist() == [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1]
    assert (100 * two.mean).round(1).tolist() == [4.4, 8.7, 9.5, 11.2, 4.6, 7.0, 7.5]
    assert (100 * one.weights).round(1).tolist() == [1.5, 2.1, -4.0, 35.4, 11.0, -9.5, 58.6]
    assert (100 * two.weights).round(1).tolist() == [1.5, 41.9, -3.4, 33.6, 11.0, -8.2, 18.8]
    assert (1.05 * two.views["tilt"]).round(3).tolist() == [0.298, 0.418]


def test_confidences_of_idzorek():
    views = [replace(GERMANY, confidence=0.25), replace(CANADA, confidence=0.65)]
    found = expected_returns.black_litterman(SIGMA, MARKET, views)
    np.testing.assert_allclose(found.mean, GOLDEN["idzorek"]["mu"], rtol=1e-12)
    assert found.views["confidence"].tolist() == pytest.approx([0.25, 0.65], rel=1e-12)


@pytest.mark.parametrize("confidence", [0.01, 0.3, 0.5, 0.99, 1.0])
def test_one_view_moves_its_portfolio_by_its_confidence(confidence):
    """Of the way from equilibrium to the view; and Idzorek's weights move by the same share."""
    found = expected_returns.black_litterman(
        SIGMA, MARKET, replace(GERMANY, confidence=confidence), tau=0.3
    )
    seen = found.views.iloc[0]
    moved = (seen["posterior"] - seen["equilibrium"]) / (seen["stated"] - seen["equilibrium"])
    assert moved == pytest.approx(confidence, rel=1e-10)
    sure = expected_returns.black_litterman(SIGMA, MARKET, replace(GERMANY, confidence=1), tau=0.3)
    weights, full = (np.linalg.solve(2.5 * SIGMA, result.mean) - MARKET for result in (found, sure))
    np.testing.assert_allclose(weights, confidence * full, rtol=1e-9, atol=1e-12)


def test_against_pyportfolioopt():
    views = [replace(GERMANY, confidence=0.3), replace(CANADA, confidence=0.8)]
    stated = view_matrices(views, SIGMA, MARKET, tau=0.05)
    ours = expected_returns.black_litterman(SIGMA, MARKET, views, risk_aversion=2.5, tau=0.05)
    theirs = BlackLittermanModel(
        SIGMA,
        pi=ours.equilibrium,
        P=stated.P,
        Q=stated.Q,
        omega="idzorek",
        view_confidences=[0.3, 0.8],
        tau=0.05,
        risk_aversion=2.5,
    )
    np.testing.assert_allclose(stated.Omega, theirs.omega, rtol=1e-12)
    np.testing.assert_allclose(ours.mean, theirs.bl_returns(), rtol=1e-12)
    np.testing.assert_allclose(ours.covariance, theirs.bl_cov(), rtol=1e-12)
    absolute = [View.absolute("USA", 0.09), View.absolute("JAP", 0.03)]
    default = BlackLittermanModel(
        SIGMA, pi=ours.equilibrium, absolute_views={"USA": 0.09, "JAP": 0.03}, tau=0.05
    )
    found = expected_returns.black_litterman(SIGMA, MARKET, absolute, tau=0.05)
    np.testing.assert_allclose(found.mean, default.bl_returns(), rtol=1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 10),
    count=st.integers(1, 4),
    tau=st.floats(0.01, 2),
    delta=st.floats(0.5, 10),
)
@settings(max_examples=40, deadline=None)
def test_black_litterman_is_the_literal_formula(seed, n, count, tau, delta):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2 * n))
    matrix = factors @ factors.T * 0.01 / n
    market = rng.dirichlet(np.full(n, 5.0))
    P, Q = rng.normal(size=(count, n)), rng.normal(0, 0.05, count)
    root = rng.normal(size=(count, count + 2)) * 0.02
    Omega = root @ root.T
    found = expected_returns.black_litterman(
        matrix, market, risk_aversion=delta, tau=tau, P=P, Q=Q, Omega=Omega, contradictions="blend"
    )
    stated = replace(view_matrices([], matrix, market), P=P, Q=Q, Omega=Omega)
    mean, covariance, weights = literal_black_litterman(matrix, market, stated, delta, tau)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.weights_by_view.sum(axis=1), found.weights, rtol=1e-12)
    np.testing.assert_allclose(
        found.weights_by_view.iloc[:, 1:], P.T * found.views["tilt"].to_numpy(), atol=1e-12
    )
    np.testing.assert_array_equal(found.covariance, found.covariance.T)


def test_black_litterman_knows_a_truth_better_than_views_or_equilibrium_alone():
    """Nature draws the means around equilibrium, and views around the means, as the model says."""
    rng = np.random.default_rng(12)
    pi = 2.5 * SIGMA @ MARKET
    stated = view_matrices([GERMANY, CANADA, View.absolute("JAP", 0.0)], SIGMA, MARKET, tau=0.05)
    errors = []
    for _ in range(500):
        truth = rng.multivariate_normal(pi, 0.05 * SIGMA)
        Q = rng.multivariate_normal(stated.P @ truth, stated.Omega)
        found = expected_returns.black_litterman(
            SIGMA, MARKET, P=stated.P, Q=Q, Omega=stated.Omega, tau=0.05
        )
        errors.append([truth - found.mean, truth - pi])
    posterior, prior = np.moveaxis(np.array(errors), 1, 0)
    gain = np.square(prior).sum(axis=1) - np.square(posterior).sum(axis=1)
    assert gain.mean() > 5 * gain.std() / np.sqrt(500)
    left = np.asarray(found.covariance) - SIGMA.to_numpy()
    distance = np.einsum("ri,ij,rj->r", posterior, np.linalg.inv(left), posterior)
    assert abs(distance.mean() - 7) < 4 * np.sqrt(2 * 7 / 500)  # chi-squared with 7 degrees


def test_no_view_leaves_the_equilibrium():
    found = expected_returns.black_litterman(SIGMA, MARKET)
    pd.testing.assert_series_equal(found.mean, found.equilibrium, check_names=False)
    np.testing.assert_allclose(found.covariance, 1.05 * SIGMA, rtol=1e-13)
    np.testing.assert_allclose(found.weights, MARKET / 1.05, rtol=1e-13)
    assert list(found.weights_by_view.columns) == ["market"]
    assert found.views.empty
    best = optimization.mean_variance(found.mean, SIGMA, risk_aversion=2.5, long_only=False)
    np.testing.assert_allclose(best, MARKET, rtol=1e-9)


def test_views_that_repeat_the_equilibrium_change_no_mean():
    pi = expected_returns.black_litterman(SIGMA, MARKET).equilibrium
    view = View.absolute("JAP", pi["JAP"], confidence=0.9)
    found = expected_returns.black_litterman(SIGMA, MARKET, view)
    np.testing.assert_allclose(found.mean, pi, rtol=1e-12)
    assert abs(found.views["surprise"].iloc[0]) < 1e-12


def test_views_work_on_a_singular_covariance():
    """Fewer periods than assets: the literal formula has no inverse, ours needs none."""
    returns = table(13, (5, 8))
    matrix = returns.cov()
    market = pd.Series(1 / 8, returns.columns)
    found = expected_returns.black_litterman(matrix, market, View.absolute("asset3", 0.02))
    ridge = expected_returns.black_litterman(
        matrix + 1e-9 * np.eye(8), market, View.absolute("asset3", 0.02)
    )
    np.testing.assert_allclose(found.mean, ridge.mean, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.weights, ridge.weights, rtol=1e-4, atol=1e-7)


def test_units_of_black_litterman():
    """A year of twelve months: means and covariances times twelve, weights the same."""
    views = [GERMANY, CANADA]
    monthly = [replace(view, value=view.value / 12) for view in views]
    year = expected_returns.black_litterman(SIGMA, MARKET, views)
    month = expected_returns.black_litterman(SIGMA / 12, MARKET, monthly)
    np.testing.assert_allclose(12 * month.mean, year.mean, rtol=1e-12)
    np.testing.assert_allclose(12 * month.covariance, year.covariance, rtol=1e-12)
    np.testing.assert_allclose(month.weights, year.weights, rtol=1e-10)
    wrong = expected_returns.black_litterman(SIGMA / 12, MARKET, views)
    assert wrong.views["surprise"].abs().max() > 2 * year.views["surprise"].abs().max()


def test_surprise_is_in_standard_deviations():
    found = expected_returns.black_litterman(SIGMA, MARKET, [GERMANY, CANADA]).views
    np.testing.assert_allclose(found["stated"], [0.05, 0.03], rtol=1e-14)
    spread = np.sqrt(2 * np.diagonal(GOLDEN["view2"]["Omega"]))
    gap = found["stated"] - np.array(GOLDEN["view2"]["P"]) @ np.array(GOLDEN["Pi"])
    np.testing.assert_allclose(found["surprise"], gap / spread, rtol=1e-12)


def test_labels_of_black_litterman():
    found = expected_returns.black_litterman(SIGMA, MARKET, [GERMANY, CANADA])
    turned = expected_returns.black_litterman(SIGMA, MARKET[::-1], [CANADA, GERMANY])
    pd.testing.assert_series_equal(found.mean, turned.mean, rtol=1e-12)
    assert list(found.views.index) == ["GER beats FRA, UKG by 0.05", "CAN beats USA by 0.03"]
    plain = expected_returns.black_litterman(
        SIGMA.to_numpy(), MARKET.to_numpy(), View.relative(1, 6, 0.03)
    )
    one = expected_returns.black_litterman(SIGMA, MARKET, CANADA)
    assert type(plain.mean) is type(plain.covariance) is type(plain.weights) is np.ndarray
    np.testing.assert_array_equal(plain.mean, one.mean)


def test_contradictions_are_reported_or_blended():
    views = [CANADA, replace(CANADA, value=0.01)]
    with pytest.raises(ContradictionError, match=r"disagree by 0\.02 a period.*blend"):
        expected_returns.black_litterman(SIGMA, MARKET, views)
    blended = expected_returns.black_litterman(SIGMA, MARKET, views, contradictions="blend")
    middle = view_matrices([replace(CANADA, value=0.02)], SIGMA, MARKET)
    both = expected_returns.black_litterman(
        SIGMA, MARKET, P=middle.P, Q=middle.Q, Omega=middle.Omega / 2
    )
    pd.testing.assert_series_equal(blended.mean, both.mean, rtol=1e-12)
    certain = [replace(view, confidence=1) for view in views]
    with pytest.raises(DataError, match=r"2 views leave no doubt.*same portfolio.*Drop one"):
        expected_returns.black_litterman(SIGMA, MARKET, certain, contradictions="blend")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk_aversion": 0}, "risk_aversion is 0.*positive"),
        ({"tau": -0.05}, "tau is -0.05.*positive"),
        ({"tau": np.nan}, "tau is nan"),
        ({"market_weights": 100 * MARKET}, "sum to 100.*Divide"),
        ({"market_weights": MARKET.rename({"USA": "US"})}, "does not name the assets"),
        ({"market_weights": MARKET.iloc[:-1]}, "1 missing"),
        ({"covariance": SIGMA.iloc[:, :-1]}, "must be square"),
        ({"covariance": SIGMA.replace(SIGMA.iloc[0, 0], np.nan)}, "missing or infinite"),
        ({"views": [View.absolute("Mars", 0.1)]}, "unknown asset.*'Mars'"),
        ({"views": ["USA"]}, "no View"),
        ({"views": [CANADA], "P": GOLDEN["view1"]["P"], "Q": [0.05]}, "two ways to say the same"),
        ({"Q": [0.05]}, "P is missing"),
        ({"views": [CANADA], "Omega": np.eye(2)}, "Omega has shape"),
        ({"contradictions": "ignore"}, "contradictions is 'ignore'"),
    ],
)
def test_bad_input_of_black_litterman(change, message):
    arguments = {"covariance": SIGMA, "market_weights": MARKET} | change
    with pytest.raises(DataError, match=message):
        expected_returns.black_litterman(**arguments)


def test_omega_for_views_by_name_replaces_their_confidence():
    Omega = GOLDEN["view2"]["Omega"]
    sure = [replace(view, confidence=1) for view in (GERMANY, CANADA)]
    found = expected_returns.black_litterman(SIGMA, MARKET, sure, Omega=Omega)
    np.testing.assert_allclose(found.mean, GOLDEN["view2"]["mu"], rtol=1e-12)


def test_order_of_magnitude_does_not_matter():
    plain = expected_returns.black_litterman(SIGMA, MARKET, CANADA)
    for scale, horizon in ((1, 1e-12), (1, 1e3), (1e-12, 1), (1e12, 1)):
        views = replace(CANADA, value=scale * horizon * CANADA.value)
        found = expected_returns.black_litterman(
            scale**2 * horizon * SIGMA, MARKET, views, risk_aversion=2.5 / scale
        )
        np.testing.assert_allclose(found.weights, plain.weights, rtol=1e-9)
        np.testing.assert_allclose(found.mean, scale * horizon * plain.mean, rtol=1e-9)
