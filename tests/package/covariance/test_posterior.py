"""The posterior of a covariance and its portfolio: direct draws, calibration, limits, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from mixfolio import covariance, mixed_model, optimization
from mixfolio.errors import DataError

N, T = 5, 30
RNG = np.random.default_rng(3)
V = 0.0004 * (0.4 + 0.6 * np.diag(RNG.uniform(0.5, 2, N)))
RETURNS = pd.DataFrame(RNG.multivariate_normal(np.zeros(N), V, T), columns=list("abcde"))
SCATTER = (T - 1) * RETURNS.cov().to_numpy()
FREEDOM = 20.0  # of the prior: an excess of 14
PSI = (FREEDOM - N - 1) * V + SCATTER


def best(matrices):
    """Minimum-variance weights and variances of many covariances."""
    sums = np.linalg.inv(matrices).sum(axis=-1)
    total = sums.sum(axis=-1)
    return sums / total[..., None], 1 / total


@pytest.fixture(scope="module")
def known():
    return covariance.posterior(RETURNS, V, degrees_of_freedom=FREEDOM)


@pytest.fixture(scope="module")
def direct():
    """Draws by scipy of the inverse Wishart, no formula of the package in them."""
    law = stats.invwishart(FREEDOM + T - 1, PSI)
    return law.rvs(20_000, random_state=np.random.default_rng(1))


# ------------------------------------------------------------------ the law, given the intensity


def test_draws_are_those_of_the_inverse_wishart(known, direct):
    ours = np.array(list(known.draw(5000, np.random.default_rng(2))))
    for i, j in [(0, 0), (0, 1), (3, 4), (4, 4)]:
        assert stats.ks_2samp(ours[:, i, j], direct[:, i, j]).pvalue > 0.001
    ratio = [np.linalg.slogdet(each)[1] for each in (ours, direct)]
    assert stats.ks_2samp(*ratio).pvalue > 0.001


def test_the_mean_is_that_of_the_draws_and_of_empirical_bayes(known, direct):
    error = direct.std(axis=0) / np.sqrt(len(direct))
    assert (np.abs(direct.mean(axis=0) - known.covariance()) < 5 * error).all(axis=None)
    same = covariance.empirical_bayes(RETURNS, V, degrees_of_freedom=FREEDOM)
    pd.testing.assert_frame_equal(known.covariance(), same)


def test_weights_are_multivariate_t(direct):
    m, inverse = FREEDOM + T - 1, np.linalg.inv(PSI)
    x, s = inverse.sum(axis=1), inverse.sum()
    scale = (inverse - np.outer(x, x) / s) / (s * m)
    weights, variances = best(direct)
    directions = np.vstack([np.eye(N), np.random.default_rng(4).standard_normal((5, N))])
    for a in directions:
        law = stats.t(m, a @ x / s, np.sqrt(a @ scale @ a))
        assert stats.kstest(weights @ a, law.cdf).pvalue > 0.001
    assert stats.kstest(1 / (s * variances), stats.chi2(m).cdf).pvalue > 0.001


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bands_are_quantiles_of_the_direct_draws(known, direct, level):
    table = known.minimum_variance_weights(level)
    assert list(table.index) == list("abcde")
    weights, variances = best(direct)
    p = [(1 - level) / 2, (1 + level) / 2]
    for values, low, high in [
        *zip(weights.T, table["lower"], table["upper"], strict=True),
        (variances, *known.minimum_variance(level)[["lower", "upper"]]),
    ]:
        inside = [np.mean(values < low), np.mean(values < high)]
        np.testing.assert_allclose(inside, p, atol=5 * np.sqrt(0.25 / len(values)))
    np.testing.assert_allclose(table["mean"], weights.mean(axis=0), atol=5e-3)
    np.testing.assert_allclose(table["sd"], weights.std(axis=0), rtol=0.03)
    assert known.minimum_variance()["mean"] == pytest.approx(variances.mean(), rel=0.01)


def test_the_location_has_the_lowest_variance_under_the_posterior_mean(known):
    decision = optimization.minimum_variance(known.covariance(), long_only=False)
    np.testing.assert_allclose(known.minimum_variance_weights()["mean"], decision, atol=1e-12)


def test_the_expected_regret_has_a_closed_form(known, direct):
    """E[w'Sigma w] / E[min] = (m - 2) / (m - N - 1) for the w of the posterior mean."""
    w = known.minimum_variance_weights()["mean"].to_numpy()
    m = FREEDOM + T - 1
    found = np.einsum("i,kij,j->k", w, direct, w).mean() / best(direct)[1].mean()
    assert found == pytest.approx((m - 2) / (m - N - 1), rel=0.01)


# ------------------------------------------------------------------ little belief in the target


def test_without_belief_it_is_the_least_squares_of_kempf_and_memmel():
    """Regress the last asset on its differences from the others: slopes are weights."""
    last = RETURNS["e"]
    others = RETURNS[list("abcd")].rsub(last, axis=0)
    ols = sm.OLS(last, sm.add_constant(others)).fit()
    nearly = covariance.posterior(RETURNS, V, degrees_of_freedom=N + 1 + 1e-9)
    table = nearly.minimum_variance_weights().loc[list("abcd")]
    np.testing.assert_allclose(table["mean"], ols.params[list("abcd")], rtol=1e-6)
    # Same scale but for the degrees of freedom: T + N here, T - N in least squares.
    m = T + N
    scale = table["sd"] * np.sqrt((m - 2) / m)
    np.testing.assert_allclose(scale * np.sqrt(m / (T - N)), ols.bse[list("abcd")], rtol=1e-6)


def test_with_all_belief_nothing_is_open():
    sure = covariance.posterior(RETURNS, V, degrees_of_freedom=1e12)
    np.testing.assert_allclose(sure.covariance(), V, rtol=1e-6)
    np.testing.assert_allclose(sure.minimum_variance_weights()["sd"], 0, atol=1e-5)


# ------------------------------------------------------------------ the intensity is unknown


def test_equally_probable_intensities_have_the_moments_of_the_dense_posterior():
    found = covariance.posterior(RETURNS, V).intensities
    grid = np.linspace(0, 1, 20_002)[1:-1]
    n = T - 1
    values = np.linalg.eigvals(np.linalg.solve(V, SCATTER / n)).real
    density = np.exp(covariance.log_marginal_likelihood(n * grid / (1 - grid), values, N, n))
    density /= density.sum()
    assert found.mean() == pytest.approx(density @ grid, abs=2e-3)
    assert found.std() == pytest.approx(np.sqrt(density @ (grid - density @ grid) ** 2), rel=0.03)


def test_bands_of_an_unknown_intensity_are_quantiles_of_the_draws():
    unknown = covariance.posterior(RETURNS, V)
    weights, variances = best(np.array(list(unknown.draw(8000, np.random.default_rng(5)))))
    table = unknown.minimum_variance_weights(0.8)
    for values, low, high in [
        *zip(weights.T, table["lower"], table["upper"], strict=True),
        (variances, *unknown.minimum_variance(0.8)[["lower", "upper"]]),
    ]:
        np.testing.assert_allclose(np.mean(values < low), 0.1, atol=0.017)
        np.testing.assert_allclose(np.mean(values < high), 0.9, atol=0.017)
    np.testing.assert_allclose(table["mean"], weights.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(table["sd"], weights.std(axis=0), rtol=0.05)


def worlds(n_worlds, seed, target, *, n_assets=6, n_periods=24):
    """Ranks of the true weight in its posterior, and whether its 90% band covers it."""
    rng = np.random.default_rng(seed)
    centre = np.full((n_assets, n_assets), 0.3) + 0.7 * np.diag(np.linspace(0.5, 2, n_assets))
    n = n_periods - 1
    ranks, covered = [], []
    for _ in range(n_worlds):
        share = rng.uniform()
        excess = n * share / (1 - share)
        sigma = stats.invwishart(excess + n_assets + 1, excess * centre).rvs(random_state=rng)
        Y = rng.multivariate_normal(np.zeros(n_assets), sigma, n_periods)
        found = covariance.posterior(Y, target(Y, centre))
        truth = best(sigma)[0]
        drawn = best(np.array(list(found.draw(19, rng))))[0]
        ranks.append((drawn[:, 0] < truth[0]).sum())
        table = found.minimum_variance_weights(0.9)
        covered.append(((table["lower"] < truth) & (truth < table["upper"])).mean())
    return np.array(ranks), np.array(covered)


@pytest.mark.slow
def test_the_posterior_is_calibrated_when_the_target_is_known():
    """Simulation-based calibration: truth drawn from the prior has a uniform rank."""
    ranks, covered = worlds(300, 6, lambda Y, centre: centre)
    counts = np.bincount(ranks // 2, minlength=10)
    assert stats.chisquare(counts).pvalue > 0.01
    error = covered.std(ddof=1) / np.sqrt(len(covered))
    assert error < 0.02
    assert abs(covered.mean() - 0.9) < 3 * error


@pytest.mark.slow
def test_bands_are_too_narrow_when_the_target_was_fitted():
    """A target that follows the sample is believed too much; the test above is its control."""

    def fitted(Y, centre):
        return mixed_model.random_loadings(Y)

    _, covered = worlds(200, 7, fitted)
    error = covered.std(ddof=1) / np.sqrt(len(covered))
    assert covered.mean() < 0.9 - 4 * error


# ------------------------------------------------------------------ tables and refusals


def test_labels_of_returns_and_units():
    plain = covariance.posterior(RETURNS.to_numpy(), V)
    labelled = covariance.posterior(RETURNS, V)
    assert isinstance(plain.covariance(), np.ndarray)
    assert isinstance(next(plain.draw(1, np.random.default_rng(0))), np.ndarray)
    assert list(labelled.covariance().columns) == list("abcde")
    cents = covariance.posterior(RETURNS * 7, V * 49)
    pd.testing.assert_frame_equal(
        cents.minimum_variance_weights(), labelled.minimum_variance_weights(), rtol=1e-6
    )
    np.testing.assert_allclose(cents.minimum_variance(), 49 * labelled.minimum_variance())


def test_fewer_periods_than_assets():
    found = covariance.posterior(RETURNS.iloc[:4], V)
    assert np.linalg.eigvalsh(next(found.draw(1, np.random.default_rng(0))))[0] > 0
    assert np.isfinite(found.minimum_variance_weights().to_numpy()).all()


def test_refusals():
    with pytest.raises(DataError, match="must be above 6"):
        covariance.posterior(RETURNS, V, degrees_of_freedom=6)
    found = covariance.posterior(RETURNS, V)
    for level in (0, 1, 90):
        with pytest.raises(DataError, match="between 0 and 1"):
            found.minimum_variance_weights(level)
        with pytest.raises(DataError, match="between 0 and 1"):
            found.minimum_variance(level)
    with pytest.raises(DataError, match="n_draws"):
        next(found.draw(0, np.random.default_rng(0)))
