"""Nonlinear shrinkage against arithmetic of many digits, a dumb version and known truths."""

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _losses as losses
from mixfolio.covariance import _nonlinear as nonlinear
from mixfolio.errors import DataError

FOLDER = Path(__file__).parents[2] / "golden"
EXACT = json.loads((FOLDER / "nonlinear.json").read_text(encoding="utf-8"))
RECORDED = json.loads((FOLDER / "nls_mtcars_exact.json").read_text(encoding="utf-8"))
PI = "3.14159265358979323846264338327950288419716939937510582"
CARS = pd.read_csv(FOLDER / "mtcars.csv")


# ------------------------------------------------------------------------ Hilbert transform


@pytest.mark.parametrize(("x", "value"), EXACT["hilbert"])
def test_hilbert_transform_with_fifty_digits(x, value):
    assert nonlinear.hilbert_transform(x) == pytest.approx(value, rel=3e-14)
    assert nonlinear.hilbert_transform(-x) == pytest.approx(-value, rel=3e-14)


@given(st.floats(11.0, 1e12))
@settings(max_examples=60, deadline=None)
def test_hilbert_transform_by_fractions(x):
    """Exact sums of the moment series, with 60 terms; no rounding before the division by pi."""
    square = Fraction(x) ** 2
    total = sum(
        Fraction(3 * 5**k, (2 * k + 1) * (2 * k + 3)) / square**k for k in range(60)
    ) / Fraction(x)
    found = nonlinear.hilbert_transform(x)
    assert found == pytest.approx(-float(total) / np.pi, rel=3e-14)


def test_hilbert_transform_is_the_principal_value():
    """By quadrature of k(t) / (t - x) on grids symmetric about x, where x is inside the kernel."""
    root = np.sqrt(5)
    for x in (0.3, -1.1, 2.0):
        reach = root - abs(x)
        nodes, weights = np.polynomial.legendre.leggauss(200)

        def k(t):
            return 3 / (4 * root) * np.maximum(0, 1 - t**2 / 5)

        half = reach * (nodes + 1) / 2
        near = reach / 2 * weights @ ((k(x + half) - k(x - half)) / half)
        a, b = (-root, x - reach) if x > 0 else (x + reach, root)
        t = a + (b - a) * (nodes + 1) / 2
        far = (b - a) / 2 * weights @ (k(t) / (t - x))
        assert nonlinear.hilbert_transform(x) == pytest.approx((near + far) / np.pi, rel=1e-9)


def test_both_forms_agree_where_the_published_one_is_good():
    x = np.concatenate([np.linspace(-30, 30, 2001), [np.sqrt(5), -np.sqrt(5)]])
    stable, published = nonlinear.hilbert_transform(x), nonlinear.hilbert_transform_published(x)
    assert np.isfinite(stable).all()
    np.testing.assert_allclose(stable, published, rtol=0, atol=1e-14)
    np.testing.assert_array_less(np.abs(stable + nonlinear.hilbert_transform(-x)), 1e-15)


def test_the_published_form_cancels():
    """The claim of the exhibit: a relative error of about x^3 eps, until no digit is left."""
    x = np.geomspace(1e3, 1e9, 300)
    errors = np.abs(nonlinear.hilbert_transform_published(x) / nonlinear.hilbert_transform(x) - 1)
    typical = errors / (x**3 * np.finfo(float).eps)
    assert 0.003 < np.median(typical) < 0.3
    assert np.median(errors[(x > 1e6) & (x < 1e7)]) > 1


def test_shapes_of_arguments():
    assert nonlinear.hilbert_transform(0.0) == 0
    assert nonlinear.hilbert_transform(np.inf) == 0
    grid = np.linspace(-100, 100, 12).reshape(3, 4)
    found = nonlinear.hilbert_transform(grid)
    assert found.shape == (3, 4)
    assert found[1, 2] == nonlinear.hilbert_transform(grid[1, 2])


# -------------------------------------------------------------------------- golden values


def test_cars_with_fifty_digits():
    found = nonlinear.shrink_eigenvalues(EXACT["eigenvalues"], 31)
    np.testing.assert_allclose(found, EXACT["shrunken"], rtol=2e-14)
    matrix = covariance.nonlinear_shrinkage(CARS)
    np.testing.assert_allclose(matrix, EXACT["covariance"], rtol=1e-12)


def test_cars_as_recorded():
    found = nonlinear.shrink_eigenvalues(RECORDED["eigenvalues"], RECORDED["n"])
    np.testing.assert_allclose(found, RECORDED["delta_exact"], rtol=1e-12)
    matrix = covariance.nonlinear_shrinkage(CARS)
    np.testing.assert_allclose(matrix, RECORDED["cov_exact"], rtol=1e-12)


@pytest.mark.parametrize("case", ["as many", "fewer"])
def test_spectra_with_fifty_digits(case):
    given_values, wanted = EXACT[case]
    null = np.zeros(len(wanted) - len(given_values))
    found = nonlinear.shrink_eigenvalues(np.concatenate([null, given_values]), 40)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_the_published_form_fails_where_the_stable_one_does_not():
    """Where p is n and the smallest eigenvalue is tiny, as in a square sample."""
    values = np.geomspace(1e-9, 1, 100)
    stable = nonlinear.shrink_eigenvalues(values, 100)
    published = nonlinear.shrink_eigenvalues(
        values, 100, hilbert=nonlinear.hilbert_transform_published
    )
    assert np.abs(published / stable - 1).max() > 0.05


# ----------------------------------------------------------------------- dumb definitions


def closed_form(x):
    """The published Hilbert transform in decimal arithmetic of 50 digits."""
    with localcontext() as context:
        context.prec = 50
        x, root, pi = Decimal(float(x)), Decimal(5).sqrt(), Decimal(PI)
        log = abs((root - x) / (root + x)).ln()
        return float(-3 * x / (10 * pi) + 3 / (4 * root * pi) * (1 - x * x / 5) * log)


def dumb_shrink(X):
    """Term by term, from eigenvalues of the covariance."""
    n = len(X) - 1
    values, vectors = np.linalg.eigh(np.cov(X.T))
    p, h = len(values), n ** (-1 / 3)
    kept = values[max(0, p - n) :]

    def mean(function, at):
        return sum(function((at - v) / (h * v)) / (h * v) for v in kept) / len(kept)

    def k(x):
        return 3 / (4 * np.sqrt(5)) * max(0.0, 1 - x**2 / 5)

    d = []
    for v in values:
        if p <= n:
            c = p / n
            f, Hf = np.pi * c * v * mean(k, v), np.pi * c * v * mean(closed_form, v)
            d.append(v / (f**2 + (1 - c - Hf) ** 2))
        elif v in kept:
            d.append(v / (np.pi * v) ** 2 / (mean(k, v) ** 2 + mean(closed_form, v) ** 2))
        else:
            d.append(1 / (np.pi * (p - n) / n * mean(closed_form, 0.0)))
    return sum(d[j] * np.outer(vectors[:, j], vectors[:, j]) for j in range(p))


@pytest.mark.parametrize("shape", [(60, 8), (61, 60), (40, 40), (20, 50), (3, 9), (500, 1)])
def test_shrinkage_term_by_term(shape):
    X = np.random.default_rng(sum(shape)).standard_normal(shape) * np.linspace(1, 2, shape[1])
    wanted = dumb_shrink(X) if shape[1] > 1 else dumb_one(X)
    found = covariance.nonlinear_shrinkage(X)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 * np.abs(wanted).max())
    np.testing.assert_array_equal(found, found.T)


def dumb_one(X):
    """One asset has one eigenvalue, at the centre of its own kernel, where H is 0."""
    n = len(X) - 1
    f = np.pi / n * 3 / (4 * np.sqrt(5)) * n ** (1 / 3)
    return np.var(X, ddof=1) / (f**2 + (1 - 1 / n) ** 2) * np.ones((1, 1))


# ---------------------------------------------------------------------------- known truths


@pytest.mark.parametrize("n_periods", [15, 30, 31, 60])
def test_it_beats_the_sample_and_comes_near_the_oracle(n_periods):
    """Frobenius loss over 30 samples of 30 assets, in three groups of variances; 4 s.e."""
    truth = np.diag(np.repeat([1.0, 3.0, 10.0], 10))
    gains, shares = [], []
    for seed in range(30):
        X = np.random.default_rng(seed).standard_normal((n_periods, 30)) @ np.sqrt(truth)
        S = np.cov(X.T)
        vectors = np.linalg.eigh(S)[1]
        oracle = (vectors * np.einsum("ij,ik,kj->j", vectors, truth, vectors)) @ vectors.T
        losses = [
            np.square(estimate - truth).sum()
            for estimate in (S, covariance.nonlinear_shrinkage(X), oracle)
        ]
        gains.append(losses[0] - losses[1])
        shares.append((losses[0] - losses[1]) / (losses[0] - losses[2]))
    assert np.mean(gains) > 4 * np.std(gains, ddof=1) / np.sqrt(30)
    assert np.mean(shares) > 0.75, "of what the best rotation-equivariant estimate gains"


def test_the_weak_point_is_a_square_sample():
    """As documented: near T = N the inverse suffers, though the matrix is close to the truth."""
    truth = np.eye(40)

    def means(n_periods):
        found = []
        for seed in range(20):
            X = np.random.default_rng(seed).standard_normal((n_periods, 40))
            A = covariance.nonlinear_shrinkage(X)
            gain = losses.frobenius_loss(A, truth) / losses.frobenius_loss(np.cov(X.T), truth)
            found.append((gain, losses.minimum_variance_loss(A, truth)))
        return np.mean(found, axis=0)

    square, tall = means(41), means(80)
    assert square[0] < 0.2
    assert square[1] > 10 * tall[1]


def test_with_many_periods_nothing_is_left_to_shrink():
    X = np.random.default_rng(0).standard_normal((20000, 4)) * [1, 2, 3, 4]
    found = covariance.nonlinear_shrinkage(X)
    np.testing.assert_allclose(found, np.cov(X.T), rtol=0, atol=0.02 * 16)


# ------------------------------------------------------------------------------ properties


@given(
    n_periods=st.integers(2, 40),
    n_assets=st.integers(1, 25),
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([1e-12, 1.0, 1e12]),
    heavy=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_estimates_are_covariances_whatever_the_shape(n_periods, n_assets, seed, scale, heavy):
    rng = np.random.default_rng(seed)
    draw = (
        rng.standard_t(2.5, (n_periods, n_assets)) if heavy else rng.random((n_periods, n_assets))
    )
    draw[0], draw[-1] = -np.abs(draw[0]), np.abs(draw[-1])  # returns, not prices
    found = covariance.nonlinear_shrinkage(scale * draw)
    eigenvalues = np.linalg.eigvalsh(found)
    assert np.isfinite(found).all()
    assert eigenvalues[0] > -1e-14 * eigenvalues[-1]
    unit = covariance.nonlinear_shrinkage(draw) * scale**2
    np.testing.assert_allclose(found, unit, rtol=0, atol=1e-8 * np.abs(unit).max())


@given(seed=st.integers(0, 2**32), n_periods=st.sampled_from([5, 12, 13, 40]))
@settings(max_examples=20, deadline=None)
def test_it_turns_with_the_data(seed, n_periods):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_periods, 12)) * np.linspace(1, 3, 12)
    Q = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    found = covariance.nonlinear_shrinkage(X @ Q)
    wanted = Q.T @ covariance.nonlinear_shrinkage(X) @ Q
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 * np.abs(wanted).max())


def test_many_periods_take_the_same_path():
    """Beyond twice as many periods as assets a triangle stands for the data."""
    X = np.random.default_rng(4).standard_normal((90, 30))
    Y = X - X.mean(axis=0)
    values, vectors = np.linalg.eigh(Y.T @ Y / 89)
    wanted = (vectors * nonlinear.shrink_eigenvalues(values, 89)) @ vectors.T
    np.testing.assert_allclose(nonlinear.shrink(Y, 89), wanted, rtol=0, atol=1e-12)


def test_a_copy_of_an_asset_stays_a_copy():
    X = np.random.default_rng(5).standard_normal((30, 6))
    found = covariance.nonlinear_shrinkage(X[:, [0, 1, 2, 3, 4, 5, 5]])
    assert np.isfinite(found).all()
    assert found[5, 5] == pytest.approx(found[6, 6], rel=1e-10)
    assert found[5, 6] == pytest.approx(found[5, 5], rel=1e-10)


# -------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("values", "n", "message"),
    [
        ([1.0, 2.0], 0, "degrees_of_freedom is 0"),
        ([1.0, 2.0], 2.5, "degrees_of_freedom is 2.5"),
        ([2.0, 1.0], 9, "eigenvalues go from 2 to 1"),
        ([-1.0, 1.0], 9, "must be nonnegative and rising"),
        ([0.0, 0.0], 9, "the last positive"),
        ([1.0, np.nan], 9, "missing or infinite"),
    ],
)
def test_eigenvalues_that_cannot_be_used(values, n, message):
    with pytest.raises(DataError, match=message):
        nonlinear.shrink_eigenvalues(values, n)
