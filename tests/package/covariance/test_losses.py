"""Losses against eigenvalues, hand calculations, simulation and their invariances."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio.covariance import _losses as losses
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.optimization import _optimizers as optimization

LOSSES = (
    losses.frobenius_loss,
    losses.portfolio_variance,
    losses.minimum_variance_loss,
    losses.qlike_loss,
)
TURNABLE = (losses.frobenius_loss, losses.minimum_variance_loss, losses.qlike_loss)
every = pytest.mark.parametrize("loss", LOSSES)


def matrix(seed, n=6):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal((3 * n, n)) * np.linspace(1, 2, n)
    return draw.T @ draw / (3 * n)


def test_by_hand():
    """A = diag(2, 4) and Sigma = diag(1, 2)."""
    A, sigma = np.diag([2.0, 4.0]), np.diag([1.0, 2.0])
    assert losses.frobenius_loss(A, sigma) == pytest.approx((1 + 4) / 2, rel=1e-14)
    assert losses.minimum_variance_loss(A, sigma) == pytest.approx(0, abs=1e-14)
    # tr(A^-1 Sigma) = 1, log|A^-1 Sigma| = log(1/4)
    assert losses.qlike_loss(A, sigma) == pytest.approx((1 + np.log(4) - 2) / 2, rel=1e-13)
    # A^-1 = I: 2 tr(Sigma) / 4 * tr(Sigma^-1) / 2 - 1 = 3 / 4 * 3 / 2 - 1
    assert losses.minimum_variance_loss(np.eye(2), sigma) == pytest.approx(1 / 8, rel=1e-13)


@every
def test_zero_at_the_truth_and_only_there(loss):
    truth = matrix(0)
    assert loss(truth, truth) == pytest.approx(0, abs=1e-13)
    assert loss(matrix(1), truth) > 0.01


@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1e-6, 0.5, 3.0, 1e6]))
@settings(max_examples=30, deadline=None)
def test_invariances(seed, scale):
    estimate, truth = matrix(seed), matrix(seed + 1)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]
    for loss in LOSSES:
        value = loss(estimate, truth)
        assert value >= 0
        if loss in TURNABLE:
            turned = [(x + x.T) / 2 for x in (Q @ estimate @ Q.T, Q @ truth @ Q.T)]
            assert loss(*turned) == pytest.approx(value, rel=1e-8)
        factor = scale**2 if loss is losses.frobenius_loss else 1
        assert loss(scale * estimate, scale * truth) == pytest.approx(factor * value, rel=1e-8)
    for loss in (losses.portfolio_variance, losses.minimum_variance_loss):
        unscaled = loss(estimate, truth)
        assert loss(scale * estimate, truth) == pytest.approx(unscaled, rel=1e-8)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_portfolio_variance_is_that_of_the_portfolio(seed):
    A, sigma = matrix(seed), matrix(seed + 1)
    ours, best = (optimization.minimum_variance(x, long_only=False) for x in (A, sigma))
    wanted = (ours @ sigma @ ours) / (best @ sigma @ best) - 1
    assert losses.portfolio_variance(A, sigma) == pytest.approx(wanted, rel=1e-8, abs=1e-12)


def test_one_portfolio_and_all_directions_are_not_the_same():
    """A market along the ones, exactly known or not: A errs across it or along it only."""
    ones = np.ones((4, 4)) / 4
    sigma = np.eye(4) + 9 * ones
    along = np.eye(4) + 99 * ones
    assert losses.portfolio_variance(along, sigma) == pytest.approx(0, abs=1e-13)
    # A^-1 = I - .99 J, tr = 3.01; tr(A^-1 Sigma A^-1) = 3 + 10 / 100^2; tr(Sigma^-1) = 3.1
    wanted = (3 + 10 / 100**2) / 3.01**2 * 3.1 - 1
    assert losses.minimum_variance_loss(along, sigma) == pytest.approx(wanted, rel=1e-10)


def test_minimum_variance_is_an_average_over_directions():
    """In random directions m, weights A^-1 m / m'A^-1 m: mean variance over mean of the lowest.

    The loss has the traces, means over directions of numerator and denominator apart.
    """
    A, sigma = matrix(2), matrix(3)
    directions = np.random.default_rng(0).standard_normal((40000, 6))
    raw, best = np.linalg.solve(A, directions.T), np.linalg.solve(sigma, directions.T)
    variance = np.einsum("im,ij,jm->m", raw, sigma, raw).mean()
    units = np.einsum("mi,im->m", directions, raw).mean()
    lowest = 1 / np.einsum("mi,im->m", directions, best).mean()
    found = losses.minimum_variance_loss(A, sigma)
    assert variance / units**2 / lowest - 1 == pytest.approx(found, rel=0.05)


def test_minimum_variance_where_all_assets_are_alike():
    """Exchangeable assets with one asset's variance misjudged, by the weights of the optimizer."""
    sigma, A = np.eye(2), np.diag([1.0, 4.0])
    w = optimization.minimum_variance(A, long_only=False)
    realised = w @ sigma @ w / 0.5
    assert losses.minimum_variance_loss(A, sigma) + 1 == pytest.approx(realised, rel=1e-12)
    assert losses.portfolio_variance(A, sigma) + 1 == pytest.approx(realised, rel=1e-12)


def test_qlike_is_the_expected_loss_of_likelihood():
    A, sigma = matrix(4), matrix(5)
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(6), sigma, 20000)

    def score(C):
        return np.einsum("ti,ti->t", draws, np.linalg.solve(C, draws.T).T) + np.log(
            np.linalg.det(C)
        )

    gaps = (score(A) - score(sigma)) / 6
    error = gaps.std() / np.sqrt(len(gaps))
    assert abs(gaps.mean() - losses.qlike_loss(A, sigma)) < 4 * error


@every
def test_matrices_are_matched_by_name(loss):
    names = list("abcdef")
    estimate = pd.DataFrame(matrix(6), names, names)
    truth = pd.DataFrame(matrix(7), names, names)
    wanted = loss(estimate.to_numpy(), truth.to_numpy())
    other = names[::-1]
    assert loss(estimate.loc[other, other], truth) == pytest.approx(wanted, rel=1e-10)
    assert loss(estimate.to_numpy(), truth) == pytest.approx(wanted, rel=1e-12)
    renamed = estimate.rename(index={"a": "z"}, columns={"a": "z"})
    with pytest.raises(DataError, match="do not name the same assets"):
        loss(renamed, truth)


@every
def test_matrices_that_cannot_be_compared(loss):
    with pytest.raises(DataError, match="estimate has 5 assets and truth 6"):
        loss(matrix(0, 5), matrix(0))
    with pytest.raises(DataError, match="missing or infinite"):
        loss(np.full((6, 6), np.nan), matrix(0))
    with pytest.raises(DataError, match="not symmetric"):
        loss(np.triu(matrix(0)), matrix(0))


@pytest.mark.parametrize(
    "loss", [losses.portfolio_variance, losses.minimum_variance_loss, losses.qlike_loss]
)
def test_singular_estimates(loss):
    with pytest.raises(SingularCovarianceError):
        loss(np.ones((6, 6)), matrix(0))


# -------------------------------------------------------------------------------- PRIAL


def test_prial_by_hand():
    found = losses.prial([1.0, 2.0, 3.0], [4.0, 4.0, 4.0])
    assert found.value == pytest.approx(50)
    assert found.standard_error == pytest.approx(100 / 4 / np.sqrt(3))
    same = losses.prial([1.0, 2.0], [1.0, 2.0])
    assert (same.value, same.standard_error) == (0, 0)
    half = losses.prial([1.0, 2.0], [2.0, 4.0])
    assert half.value == pytest.approx(50)
    assert half.standard_error == pytest.approx(0, abs=1e-12)
    assert np.isnan(losses.prial([1.0], [2.0]).standard_error)


def test_prial_beside_the_jackknife():
    rng = np.random.default_rng(2)
    b = rng.gamma(4.0, size=200)
    a = 0.6 * b + 0.3 * rng.gamma(4.0, size=200)
    found = losses.prial(a, b)
    left_out = np.array([losses.prial(np.delete(a, k), np.delete(b, k)).value for k in range(200)])
    jackknife = np.sqrt(199 / 200 * np.square(left_out - left_out.mean()).sum())
    assert found.standard_error == pytest.approx(jackknife, rel=0.02)


def test_prial_standard_error_is_that_of_repetition():
    rng = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(400):
        b = rng.gamma(4.0, size=50)
        found = losses.prial(0.6 * b + 0.3 * rng.gamma(4.0, size=50), b)
        values.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [1.0], "sample_losses has shape"),
        ([1.0, np.nan], [1.0, 1.0], "missing or infinite"),
        ([0.0, 0.0], [0.0, 0.0], "mean 0"),
    ],
)
def test_losses_that_cannot_be_compared(a, b, message):
    with pytest.raises(DataError, match=message):
        losses.prial(a, b)
