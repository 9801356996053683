"""Student-t random loadings: direct maximisation, rounds that rise, normal and wild data."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from mixfolio import covariance, mixed_model
from mixfolio.errors import DataError
from mixfolio.mixed_model import _student as student


def scatter(X):
    """The fit of highest likelihood, for a matrix without structure."""
    return X.T @ X / len(X)


def equal_correlations(X):
    """The fit of highest likelihood of a (1 - r) I + a r 11', with two parameters."""
    S, N = scatter(X), X.shape[1]
    a, total = np.trace(S) / N, S.sum() / N
    r = (total / a - 1) / (N - 1)
    return a * ((1 - r) * np.eye(N) + r)


def draw_t(nu, n_periods, N, seed, scale=None):
    rng = np.random.default_rng(seed)
    size = np.ones(n_periods) if nu is None else rng.chisquare(nu, n_periods) / nu
    root = np.eye(N) if scale is None else np.linalg.cholesky(scale)
    return rng.standard_normal((n_periods, N)) @ root.T / np.sqrt(size)[:, None] + 0.3


SCALE = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, 0.1], [0.2, 0.1, 0.5]])


def test_the_likelihood_is_that_of_scipy():
    X = draw_t(4, 50, 3, 1, SCALE)
    squared, log_det = student._distances(X - 0.1, SCALE)
    ours = student.log_likelihood(4.5, squared, log_det, 3)
    law = stats.multivariate_t(np.full(3, 0.1), SCALE, df=4.5)
    assert ours == pytest.approx(law.logpdf(X).sum(), rel=1e-12)


def test_it_is_the_maximum_that_a_direct_search_finds():
    X = draw_t(5, 300, 3, 2, SCALE)
    found = student.ecme(X, scatter, 500)
    assert found.converged
    rows, columns = np.tril_indices(3)

    def minus(x):
        L = np.zeros((3, 3))
        L[rows, columns] = x[4:]
        return -stats.multivariate_t(x[1:4], L @ L.T, df=np.exp(x[0])).logpdf(X).sum()

    start = np.concatenate([[1.0], X.mean(axis=0), np.linalg.cholesky(np.cov(X.T))[rows, columns]])
    direct = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-6})
    assert found.path[-1] == pytest.approx(-direct.fun, abs=1e-6)
    assert found.nu == pytest.approx(np.exp(direct.x[0]), rel=1e-4)
    np.testing.assert_allclose(found.mean, direct.x[1:4], atol=1e-5)


@pytest.mark.parametrize("fit", [scatter, equal_correlations])
def test_no_round_lowers_the_likelihood(fit):
    path = np.array(student.ecme(draw_t(3, 120, 6, 3), fit, 200).path)
    assert len(path) > 3
    assert (np.diff(path) > -1e-8).all()


def test_weights_and_distances_agree_at_the_end():
    X = draw_t(4, 200, 3, 4, SCALE)
    found = student.ecme(X, scatter, 500)
    squared, _ = student._distances(X - found.mean, found.V)
    np.testing.assert_allclose(found.weights, (found.nu + 3) / (found.nu + squared), atol=1e-5)
    assert found.weights.mean() == pytest.approx(1, abs=1e-5)  # known of the maximum


@pytest.mark.slow
def test_the_degrees_of_freedom_are_recovered():
    inverse = [1 / student.ecme(draw_t(6, 200, 10, seed), scatter, 200).nu for seed in range(60)]
    error = np.std(inverse, ddof=1) / np.sqrt(len(inverse))
    assert error < 0.006
    assert abs(np.mean(inverse) - 1 / 6) < 4 * error


# ------------------------------------------------------------------ with random loadings

GROUPS = pd.Series(np.repeat(["x", "y", "z"], 8), [f"s{j}" for j in range(24)])


def returns_of(nu, n_periods=300, seed=0):
    rng = np.random.default_rng(seed)
    L = np.zeros((24, 4))
    L[:, 0] = rng.normal(0.6, 0.1, 24)
    L[np.arange(24), 1 + np.repeat([0, 1, 2], 8)] = rng.normal(0.4, 0.1, 24)
    truth = 0.0004 * (L @ L.T + 0.5 * np.eye(24))
    values = draw_t(nu, n_periods, 24, seed + 1, truth) - 0.3
    return pd.DataFrame(values, columns=GROUPS.index), truth


def test_normal_returns_have_equal_weights_and_the_plain_covariance():
    returns, _ = returns_of(None)
    model = mixed_model.student_loadings(returns, GROUPS)
    assert model.degrees_of_freedom > 60
    assert model.weights.between(0.6, 1.4).all()
    plain = mixed_model.random_loadings(returns, GROUPS).covariance()
    np.testing.assert_allclose(model.covariance(), plain, atol=0.05 * plain.to_numpy().max())


def test_heavy_tails_are_found_and_the_likelihood_rises():
    returns, _ = returns_of(4, seed=5)
    model = mixed_model.student_loadings(returns, GROUPS)
    assert model.converged
    assert 3 < model.degrees_of_freedom < 5.5
    start = mixed_model.random_loadings(returns, GROUPS).covariance().to_numpy()
    normal = stats.multivariate_normal(returns.mean(), start).logpdf(returns).sum()
    assert model.log_likelihood > normal + 100


def test_contaminated_periods_hardly_count():
    """One week in twenty times eight: the shape of the others is found all the same."""
    returns, truth = returns_of(None, seed=9)
    dirty = returns.copy()
    dirty.iloc[::20] = 8 * np.random.default_rng(1).standard_normal((15, 24)) * 0.02
    model = mixed_model.student_loadings(dirty, GROUPS)
    weights = model.weights.to_numpy()
    assert weights[::20].max() < 0.2 * np.delete(weights, np.s_[::20]).min()

    def loss(V):
        return covariance.minimum_variance_loss(np.asarray(V), truth)

    plain = mixed_model.random_loadings(dirty, GROUPS)
    assert loss(model.covariance()) < 0.5 * loss(plain.covariance())


def test_even_returns_are_the_weighted_ones():
    returns, _ = returns_of(5, seed=3)
    model = mixed_model.student_loadings(returns, GROUPS)
    assert list(model.even.columns) == list(returns.columns)
    assert model.weights.index.equals(returns.index)
    size = np.sqrt(model.weights * model.degrees_of_freedom / (model.degrees_of_freedom - 2))
    mean = model.weights @ returns / model.weights.sum()
    pd.testing.assert_frame_equal(model.even, (returns - mean).mul(size, axis=0), atol=1e-6)
    same = mixed_model.student_loadings(returns.to_numpy(), np.asarray(GROUPS))
    np.testing.assert_array_equal(same.even, model.even)
    assert isinstance(same.covariance(), np.ndarray)


def test_units_and_the_order_of_assets_do_not_matter():
    returns, _ = returns_of(5, n_periods=80, seed=3)
    model = mixed_model.student_loadings(returns, GROUPS)
    other = mixed_model.student_loadings(1000 * returns.iloc[:, ::-1], GROUPS)
    assert other.degrees_of_freedom == pytest.approx(model.degrees_of_freedom, rel=1e-4)
    back = other.covariance().loc[returns.columns, returns.columns] / 1e6
    np.testing.assert_allclose(back, model.covariance(), rtol=1e-3, atol=1e-9)


def test_refusals_and_warnings():
    returns, _ = returns_of(5, n_periods=40)
    with pytest.warns(UserWarning, match="did not settle in 2 rounds"):
        mixed_model.student_loadings(returns, GROUPS, max_iterations=2)
    with pytest.raises(DataError, match="never move"):
        mixed_model.student_loadings(returns.assign(s3=0.01), GROUPS)
    with pytest.raises(DataError, match="at least 3"):
        mixed_model.student_loadings(returns.iloc[:2], GROUPS)
