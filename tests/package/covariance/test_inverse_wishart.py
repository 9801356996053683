"""The inverse-Wishart prior against dense formulas, integrals, known truths and limits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import multigammaln

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _inverse_wishart as wishart
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.mixed_model import panel_reml


def draw(n_periods, n_assets, seed):
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_assets, n_assets)) + 2 * np.eye(n_assets)
    Y = rng.standard_normal((n_periods, n_assets)) @ mixing.T
    return Y - Y.mean(axis=0), mixing @ mixing.T + 0.5 * np.eye(n_assets)


def dense_log_marginal(excess, Y, V, n):
    """log of the integral of Wishart times inverse Wishart, all of Sigma's terms in it."""
    N = len(V)
    nu = excess + N + 1
    prior, posterior = excess * V, excess * V + Y.T @ Y
    return (
        nu / 2 * np.linalg.slogdet(prior)[1]
        - (nu + n) / 2 * np.linalg.slogdet(posterior)[1]
        + multigammaln((nu + n) / 2, N)
        - multigammaln(nu / 2, N)
    )


@pytest.mark.parametrize(("n_periods", "n_assets"), [(40, 5), (9, 5), (4, 12), (2, 1)])
def test_the_marginal_likelihood_is_the_dense_one_but_for_a_constant(n_periods, n_assets):
    Y, V = draw(n_periods, n_assets, 1)
    n = n_periods - 1
    eigenvalues = wishart.relative_eigenvalues(Y, V, n)
    excesses = np.array([0.01, 1.0, 7.5, 300.0])
    ours = wishart.log_marginal_likelihood(excesses, eigenvalues, n_assets, n)
    dense = np.array([dense_log_marginal(e, Y, V, n) for e in excesses])
    np.testing.assert_allclose(np.diff(ours), np.diff(dense), rtol=1e-9, atol=1e-9)
    one = wishart.log_marginal_likelihood(7.5, eigenvalues, n_assets, n)
    assert float(one) == pytest.approx(ours[2], rel=1e-14)


def test_for_one_asset_it_is_the_integral_over_the_variance():
    n, v, total = 6, 2.0, 9.0

    def integral(excess):
        nu = excess + 2
        prior = stats.invgamma(nu / 2, scale=excess * v / 2)
        inside = lambda s: stats.gamma(n / 2, scale=2 * s).pdf(total) * prior.pdf(s)  # noqa: E731
        return np.log(integrate.quad(inside, 0, 60, limit=200)[0])

    eigenvalues = np.array([total / n / v])
    ours = [float(wishart.log_marginal_likelihood(e, eigenvalues, 1, n)) for e in (3.0, 20.0)]
    assert ours[1] - ours[0] == pytest.approx(integral(20.0) - integral(3.0), abs=1e-6)


@pytest.mark.parametrize(("n_periods", "n_assets"), [(30, 4), (5, 9)])
def test_relative_eigenvalues_are_those_of_the_product(n_periods, n_assets):
    Y, V = draw(n_periods, n_assets, 2)
    n = n_periods - 1
    found = wishart.relative_eigenvalues(Y, V, n)
    expected = np.sort(np.linalg.eigvals(np.linalg.solve(V, Y.T @ Y / n)).real)[-len(found) :]
    assert len(found) == min(n_periods, n_assets)
    np.testing.assert_allclose(np.sort(found), expected, atol=1e-10)


@pytest.mark.parametrize(("n_periods", "n_assets", "seed"), [(40, 5, 1), (6, 8, 3), (200, 3, 4)])
def test_the_best_excess_beats_a_fine_grid(n_periods, n_assets, seed):
    Y, V = draw(n_periods, n_assets, seed)
    n = n_periods - 1
    eigenvalues = wishart.relative_eigenvalues(Y, V, n)
    best = wishart.best_excess(eigenvalues, n_assets, n)
    grid = np.exp(np.linspace(np.log(1e-5 * n), np.log(1e5 * n), 4001))
    values = wishart.log_marginal_likelihood(grid, eigenvalues, n_assets, n)
    top = wishart.log_marginal_likelihood(best, eigenvalues, n_assets, n)
    assert top >= values.max() - 1e-7


def test_a_sample_that_equals_its_target_is_not_departed_from():
    eigenvalues = np.ones(8)
    assert wishart.best_excess(eigenvalues, 8, 50) == 1e6 * 50


def test_the_excess_of_a_known_prior_is_recovered():
    N, n, excess = 20, 60, 80.0
    rng = np.random.default_rng(5)
    V = draw(3, N, 6)[1]
    found = []
    for _ in range(200):
        sigma = stats.invwishart(excess + N + 1, excess * V).rvs(random_state=rng)
        Y = rng.multivariate_normal(np.zeros(N), sigma, n)
        found.append(np.log(wishart.best_excess(wishart.relative_eigenvalues(Y, V, n), N, n)))
    error = np.mean(found) - np.log(excess)
    standard_error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert standard_error < 0.03
    assert abs(error) < 4 * standard_error


# ------------------------------------------------------------------- covariance.empirical_bayes

RNG = np.random.default_rng(8)
NAMES = ["a", "b", "c", "d"]
RETURNS = pd.DataFrame(0.02 * RNG.standard_normal((30, 4)) @ np.tril(np.ones((4, 4))).T)
RETURNS.columns = NAMES
TARGET = pd.DataFrame(0.0004 * (np.eye(4) + 0.3), index=NAMES, columns=NAMES)


def test_equal_weights_of_target_and_sample_when_their_freedoms_agree():
    found = covariance.empirical_bayes(RETURNS, TARGET, degrees_of_freedom=29 + 4 + 1)
    pd.testing.assert_frame_equal(found, (TARGET + covariance.sample(RETURNS)) / 2)


def test_the_estimate_is_the_mixture_that_the_intensity_names():
    a = covariance.empirical_bayes_intensity(RETURNS, TARGET)
    assert 0 < a < 1
    expected = a * TARGET + (1 - a) * covariance.sample(RETURNS)
    pd.testing.assert_frame_equal(covariance.empirical_bayes(RETURNS, TARGET), expected)


def test_toward_the_identity_it_is_linear_shrinkage_with_another_intensity():
    S = covariance.sample(RETURNS)
    identity = np.trace(S) / 4 * np.eye(4)
    a = covariance.empirical_bayes_intensity(RETURNS, identity)
    expected = covariance.linear_shrinkage(RETURNS, intensity=a)
    np.testing.assert_allclose(covariance.empirical_bayes(RETURNS, identity), expected, rtol=1e-12)


@given(st.integers(0, 1000), st.sampled_from([1e-4, 7.0, 1e5]))
@settings(deadline=None, max_examples=20)
def test_units_do_not_matter(seed, unit):
    Y, V = draw(12, 6, seed)
    scale = unit * np.exp(np.random.default_rng(seed).uniform(-1, 1, 6))
    scaled = covariance.empirical_bayes(Y * scale, V * np.outer(scale, scale))
    plain = covariance.empirical_bayes(Y, V)
    np.testing.assert_allclose(scaled, plain * np.outer(scale, scale), rtol=1e-5, atol=0)
    assert np.linalg.eigvalsh(plain)[0] > 0


def test_a_right_target_is_believed_more_than_a_wrong_one_and_more_data_believe_less():
    rng = np.random.default_rng(9)
    truth = draw(3, 10, 10)[1]
    returns = rng.multivariate_normal(np.zeros(10), truth, 2000)
    intensity = covariance.empirical_bayes_intensity
    assert intensity(returns[:60], truth) > 0.9
    assert intensity(returns[:60], np.diag(np.diagonal(truth))) < 0.6
    assert intensity(returns, np.diag(np.diagonal(truth))) < 0.05
    assert intensity(np.vstack([returns[:60]] * 2), truth) < intensity(returns[:60], truth)


def test_fewer_periods_than_assets_give_a_positive_definite_matrix():
    Y, V = draw(5, 40, 11)
    found = covariance.empirical_bayes(Y, V)
    assert np.linalg.eigvalsh(found)[0] > 0


def test_a_target_is_matched_by_name_and_may_cover_more():
    wide = TARGET.copy()
    wide.loc["z"] = 0.0
    wide["z"] = 0.0
    wide.loc["z", "z"] = 1.0
    wide.loc["a", "a"] = 0.002
    order = ["z", "c", "a", "d", "b"]
    found = covariance.empirical_bayes(RETURNS, wide.loc[order, order])
    expected = covariance.empirical_bayes(RETURNS, wide.loc[NAMES, NAMES])
    pd.testing.assert_frame_equal(found, expected)
    assert list(found.columns) == NAMES
    from_arrays = covariance.empirical_bayes(RETURNS.to_numpy(), wide.loc[NAMES, NAMES].to_numpy())
    np.testing.assert_allclose(from_arrays, expected, rtol=1e-12)
    labelled = covariance.empirical_bayes(RETURNS.to_numpy(), wide.loc[NAMES, NAMES])
    pd.testing.assert_frame_equal(labelled, expected)


def test_anything_with_a_covariance_is_a_target():
    class Model:
        def covariance(self):
            return TARGET

    expected = covariance.empirical_bayes(RETURNS, TARGET)
    pd.testing.assert_frame_equal(covariance.empirical_bayes(RETURNS, Model()), expected)


@pytest.mark.parametrize(
    ("returns", "target", "message"),
    [
        (RETURNS.rename(columns={"b": "q"}), TARGET, "no row for 1 asset.*'q'"),
        (RETURNS.to_numpy(), np.eye(3), "matrix of 3 assets and returns has 4"),
        (RETURNS.mask(RETURNS > 0.04), TARGET, "missing"),
        (RETURNS.assign(b=0.1), TARGET, "never move.*b"),
        (RETURNS, -TARGET, "not positive"),
        (RETURNS.iloc[:1], TARGET, "needs at least 2"),
        (RETURNS, panel_reml(RETURNS), "type PanelModel, .* model of mean returns. Give a matrix"),
        (RETURNS, None, "type NoneType, .* Give a matrix"),
    ],
)
def test_bad_input_is_named(returns, target, message):
    with pytest.raises(DataError, match=message):
        covariance.empirical_bayes(returns, target)
    with pytest.raises(DataError, match=message):
        covariance.empirical_bayes_intensity(returns, target)


@pytest.mark.parametrize("freedom", [5, 2.0, -1, np.nan, "many"])
def test_too_few_degrees_of_freedom_are_refused(freedom):
    with pytest.raises(DataError, match="degrees_of_freedom"):
        covariance.empirical_bayes(RETURNS, TARGET, degrees_of_freedom=freedom)


def test_a_singular_target_is_refused():
    with pytest.raises(SingularCovarianceError):
        covariance.empirical_bayes(RETURNS, np.ones((4, 4)))


@pytest.mark.parametrize("factor", [1e4, 1e8, 1e-4])
def test_targets_in_other_units_are_refused(factor):
    returns = np.random.default_rng(0).normal(0, 0.04, (60, 5))
    target = factor * np.cov(returns.T)
    for call in (covariance.empirical_bayes, covariance.empirical_bayes_intensity):
        with pytest.raises(DataError, match=r"times those of the returns.*per cent"):
            call(returns, target)
