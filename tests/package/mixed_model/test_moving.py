"""Loadings that move: a dense normal likelihood, another Kalman filter, known truths, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.linalg import toeplitz
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from mixfolio import mixed_model
from mixfolio.errors import DataError
from mixfolio.mixed_model import _moving as moving
from mixfolio.mixed_model._variational import Structure

T, PHI, K = 40, 0.9, np.array([0.3, 0.5])
RNG = np.random.default_rng(1)
F = RNG.standard_normal((T, 2))
MEAN = np.array([[0.7, 0.4], [0.5, -0.2], [0.3, 0.9]])
Z = F @ MEAN.T + RNG.standard_normal((T, 3))
DESIGN = moving.Design(Z, F[:, None, :], MEAN, np.zeros(3, dtype=int))


def run(phi=PHI, K=K):
    return moving.filtered(DESIGN, np.array([phi]), K[None, None, :])


def dense(phi, K, psi):
    """Covariance of all returns of an asset, written out, and with the loadings after them."""
    decay = toeplitz(phi ** np.arange(T))
    each = sum(k * decay * np.outer(f, f) for k, f in zip(K, F.T, strict=True))
    ahead = np.array([k * phi ** np.arange(T, 0, -1) * f for k, f in zip(K, F.T, strict=True)])
    return psi * (np.eye(T) + each), psi * ahead


@pytest.mark.parametrize("phi", [0.3, 0.9, 1.0])
def test_the_likelihood_is_the_dense_one_at_its_maximum_over_psi(phi):
    found = run(phi)
    total = 0.0
    for i in range(3):
        left = Z[:, i] - F @ MEAN[i]
        V, _ = dense(phi, K, 1.0)
        psi = left @ np.linalg.solve(V, left) / T
        assert found.psi[0, i] == pytest.approx(psi, rel=1e-12)
        total += stats.multivariate_normal(np.zeros(T), psi * V).logpdf(left)
    assert found.log_likelihood[0] == pytest.approx(total, rel=1e-12)


def test_the_forecast_is_the_dense_conditional_mean_and_variance():
    found = run()
    for i in range(3):
        V, ahead = dense(PHI, K, 1.0)
        mean = MEAN[i] + ahead @ np.linalg.solve(V, Z[:, i] - F @ MEAN[i])
        variance = np.diag(K) - ahead @ np.linalg.solve(V, ahead.T)
        np.testing.assert_allclose(found.loadings[0, i], mean, rtol=1e-11)
        np.testing.assert_allclose(found.uncertainty[0, 0], variance, atol=1e-12)


def test_it_is_the_filter_of_statsmodels():
    found = run()
    total = 0.0
    for i, psi in enumerate(found.psi[0]):
        other = KalmanFilter(k_endog=1, k_states=2)
        other.bind(Z[:, [i]] - (F @ MEAN[i])[:, None])
        other["design"] = F.T[None]
        other["transition"] = PHI * np.eye(2)
        other["selection"] = np.eye(2)
        other["obs_cov"] = np.array([[psi]])
        other["state_cov"] = (1 - PHI**2) * psi * np.diag(K)
        other.initialize_known(np.zeros(2), psi * np.diag(K))
        theirs = other.filter()
        total += theirs.llf_obs.sum()
        np.testing.assert_allclose(
            found.loadings[0, i] - MEAN[i], theirs.predicted_state[:, -1], atol=1e-10
        )
        np.testing.assert_allclose(
            psi * found.uncertainty[0, 0], theirs.predicted_state_cov[:, :, -1], atol=1e-10
        )
    assert found.log_likelihood[0] == pytest.approx(total, rel=1e-10)


def test_a_batch_is_its_members():
    phi, spreads = np.array([0.5, 0.99]), np.array([[[0.1, 0.2]], [[0.4, 0.3]]])
    both = moving.filtered(DESIGN, phi, spreads)
    for j in range(2):
        one = moving.filtered(DESIGN, phi[[j]], spreads[[j]])
        np.testing.assert_allclose(both.loadings[j], one.loadings[0], rtol=1e-13)
        assert both.log_likelihood[j] == pytest.approx(one.log_likelihood[0], rel=1e-14)


# ------------------------------------------------------------------ the whole fit

GROUPS = pd.Series(np.repeat(["x", "y"], 10), [f"s{j}" for j in range(20)])


def world(phi, seed, n_periods=400, spread=0.15):
    """Returns on known factors; the fit sees only the returns."""
    rng = np.random.default_rng(seed)
    mean = np.column_stack([rng.normal(0.7, 0.05, 20), rng.normal(0.5, 0.05, 20)])
    away = np.sqrt(spread) * rng.standard_normal((20, 2))
    factors = rng.standard_normal((n_periods, 3))
    values = np.empty((n_periods, 20))
    for t in range(n_periods):
        own = factors[t, [0] * 20], factors[t, 1 + np.repeat([0, 1], 10)]
        values[t] = ((mean + away) * np.column_stack(own)).sum(axis=1)
        values[t] += rng.standard_normal(20)
        fresh = rng.standard_normal((20, 2))
        away = phi * away + np.sqrt((1 - phi**2) * spread) * fresh
    return pd.DataFrame(0.01 * values, columns=GROUPS.index)


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.8, 0.97])
def test_the_persistence_is_recovered(phi):
    fits = [mixed_model.moving_loadings(world(phi, seed), GROUPS) for seed in range(12)]
    found = np.array([fit.persistence for fit in fits])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert error < 0.02
    # The indexes hold a part of each member, and loadings differ for good: a little bias is left.
    assert abs(found.mean() - phi) < 3 * error + 0.02


def test_loadings_that_stand_still_are_found_to():
    still = mixed_model.moving_loadings(world(1.0, 3), GROUPS)
    assert still.persistence > 0.99
    fixed = mixed_model.moving_loadings(world(1.0, 3), GROUPS, persistence=1)
    assert -0.01 < still.log_likelihood - fixed.log_likelihood < 3


def test_the_fit_is_the_best_of_a_grid():
    returns = world(0.9, 5, n_periods=200)
    best = mixed_model.moving_loadings(returns, GROUPS)
    for phi in (0.5, 0.8, 0.9, 0.95, 0.99):
        fixed = mixed_model.moving_loadings(returns, GROUPS, persistence=phi)
        assert fixed.persistence == pytest.approx(phi, rel=1e-12)
        assert fixed.log_likelihood <= best.log_likelihood + 1e-3


@pytest.mark.slow
def test_forecast_bands_of_the_next_return_cover():
    """Given the next factors, returns lie within the predicted 90% bands nine times in ten."""
    inside = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        factors = rng.standard_normal((301, 1))
        away, psi = np.sqrt(0.3) * rng.standard_normal(30), 1.0
        mean, values = 0.8, np.empty((301, 30))
        for t in range(301):
            values[t] = (mean + away) * factors[t] + rng.standard_normal(30) * np.sqrt(psi)
            away = 0.95 * away + np.sqrt((1 - 0.95**2) * 0.3) * rng.standard_normal(30)
        structure = Structure(np.ones((30, 1)))
        design = moving._design(values[:300], factors[:300], structure)
        x = moving._most_likely(design, structure, None)
        found = moving.filtered(
            design, np.exp(-np.exp(x[:1])), moving._spreads(x[None, 1:], structure)
        )
        f = factors[300, 0]
        spread = np.sqrt(found.psi[0] * (1 + f**2 * found.uncertainty[0, 0, 0, 0]))
        error = values[300] - found.loadings[0, :, 0] * f
        inside.append((np.abs(error) < 1.645 * spread).mean())
    error = np.std(inside, ddof=1) / np.sqrt(len(inside))
    assert error < 0.02
    assert abs(np.mean(inside) - 0.9) < 3 * error


def test_the_covariance_far_ahead_is_that_of_the_means():
    model = mixed_model.moving_loadings(world(0.9, 5, n_periods=200), GROUPS)
    far = model.covariance(100_000)
    mean, omega = model.mean_loadings.to_numpy(), model._factors
    shared = mean @ omega @ mean.T * np.outer(model._scale, model._scale)
    off = ~np.eye(20, dtype=bool)
    np.testing.assert_allclose(far.to_numpy()[off], shared[off], rtol=1e-9)
    assert (np.diagonal(far) > np.diagonal(shared)).all()
    near = model.covariance()
    assert np.linalg.eigvalsh(near)[0] > 0
    assert not np.allclose(near, far, rtol=0.01)


def test_indexes_are_orthogonal_to_what_came_before_and_of_variance_one():
    rng = np.random.default_rng(2)
    values = rng.standard_normal((60, 6)) + rng.standard_normal((60, 1))
    membership = np.array([[1, 1, 0]] * 3 + [[1, 0, 1]] * 3, dtype=float)
    found = moving.indexes(values - values.mean(axis=0), membership)
    np.testing.assert_allclose(found.var(axis=0, ddof=1), 1)
    np.testing.assert_allclose(found[:, 0] @ found[:, 1:], 0, atol=1e-10)


def test_units_labels_and_the_order_of_assets():
    returns = world(0.9, 7, n_periods=100)
    model = mixed_model.moving_loadings(returns, GROUPS)
    other = mixed_model.moving_loadings(500 * returns.iloc[:, ::-1], GROUPS)
    back = other.covariance().loc[returns.columns, returns.columns] / 500**2
    np.testing.assert_allclose(back, model.covariance(), rtol=1e-3, atol=1e-9)
    array = mixed_model.moving_loadings(returns.to_numpy(), GROUPS.to_numpy())
    np.testing.assert_array_equal(array.covariance(), model.covariance())
    assert list(model.loadings.columns) == ["market", "x", "y"]


def test_the_market_alone_and_refusals():
    returns = world(0.9, 7, n_periods=60)
    alone = mixed_model.moving_loadings(returns)
    assert list(alone.spread) == ["market"]
    with pytest.raises(DataError, match="at least 12"):
        mixed_model.moving_loadings(returns.iloc[:11])
    for phi in (0, 1.2, -0.5):
        with pytest.raises(DataError, match="above 0 and at most 1"):
            mixed_model.moving_loadings(returns, persistence=phi)
    with pytest.raises(DataError, match="never move"):
        mixed_model.moving_loadings(returns.assign(s3=0.0), GROUPS)
    with pytest.raises(DataError, match="horizon"):
        alone.covariance(0)
