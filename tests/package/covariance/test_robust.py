"""Robust covariances against their definitions, their invariances and their refusals."""

import numpy as np
import pandas as pd
import pytest

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _robust as robust
from mixfolio.errors import ConvergenceError, DataError

RNG = np.random.default_rng(3)
MIXING = RNG.standard_normal((6, 6)) + 2 * np.eye(6)
NORMAL = RNG.standard_normal((400, 6)) @ MIXING.T


def literal_winsorised(values, limit):
    columns = []
    for x in values.T:
        middle = np.median(x)
        spread = np.median(np.abs(x - middle)) / 0.6744897501960817
        columns.append(np.clip(x - middle, -limit * spread, limit * spread))
    return np.cov(np.array(columns), ddof=1)


@pytest.mark.parametrize("limit", [0.5, 3.0, 10.0])
def test_winsorised_is_the_covariance_of_clipped_returns(limit):
    found = robust.winsorised(NORMAL, limit=limit)
    np.testing.assert_allclose(found, literal_winsorised(NORMAL, limit), rtol=1e-12)


def test_a_wide_limit_gives_the_sample_covariance():
    found = robust.winsorised(NORMAL, limit=1e6)
    np.testing.assert_allclose(found, covariance.sample(NORMAL), rtol=1e-12)


@pytest.mark.parametrize("estimate", [robust.winsorised, robust.tyler])
def test_one_wild_return_moves_a_robust_covariance_little(estimate):
    wild = NORMAL.copy()
    wild[7, 2] = 1e6
    before, after = estimate(NORMAL), estimate(wild)
    assert np.abs(after - before).max() < 0.2 * np.abs(before).max()
    assert np.abs(covariance.sample(wild)).max() > 1e6


def test_tyler_solves_its_equation_and_is_scaled_to_robust_variances():
    centred = NORMAL - np.median(NORMAL, axis=0)
    spread = np.median(np.abs(centred), axis=0) / 0.6744897501960817
    y = centred / spread
    shape = robust._fixed_point(y, 1e-13)
    right = (y / np.einsum("ti,ij,tj->t", y, np.linalg.inv(shape), y)[:, None]).T @ y
    np.testing.assert_allclose(right * len(shape) / np.trace(right), shape, atol=1e-11)
    assert np.trace(shape) == pytest.approx(len(shape))
    scale = spread / np.sqrt(np.diagonal(shape))
    found = robust.tyler(NORMAL, tolerance=1e-13)
    np.testing.assert_allclose(found, shape * np.outer(scale, scale), rtol=1e-10)


def test_tyler_ignores_the_size_of_a_period():
    centred = NORMAL - np.median(NORMAL, axis=0)
    sizes = np.repeat(np.random.default_rng(1).uniform(0.2, 5.0, 200), 2)[:, None]
    pairs = np.empty_like(centred)
    pairs[0::2], pairs[1::2] = centred[:200], -centred[:200]  # the median stays at zero
    plain, scaled = robust._fixed_point(pairs, 1e-12), robust._fixed_point(sizes * pairs, 1e-12)
    np.testing.assert_allclose(plain, scaled, rtol=1e-8, atol=1e-10)


def test_tyler_estimates_the_correlation_of_a_multivariate_t():
    rng = np.random.default_rng(5)
    truth = np.array([[1.0, 0.6], [0.6, 1.0]])
    found = []
    for _ in range(60):
        normal = rng.multivariate_normal(np.zeros(2), truth, 400)
        heavy = normal / np.sqrt(rng.chisquare(2.5, 400))[:, None]
        matrix = robust.tyler(heavy)
        found.append(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]))
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - 0.6) < 3 * error


@pytest.mark.parametrize("estimate", [robust.winsorised, robust.tyler])
def test_labels_come_back_and_units_scale(estimate):
    frame = pd.DataFrame(NORMAL, columns=list("abcdef"))
    labelled = estimate(frame)
    assert list(labelled.index) == list(labelled.columns) == list("abcdef")
    np.testing.assert_allclose(estimate(1e-6 * NORMAL), 1e-12 * labelled.to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("estimate", [robust.winsorised, robust.tyler])
def test_an_asset_that_hardly_moves_is_refused(estimate):
    still = NORMAL.copy()
    still[:300, 4] = 0.0
    with pytest.raises(DataError, match=r"asset 4 .*more than half.*Leave it out"):
        estimate(still)


def test_other_refusals():
    with pytest.raises(DataError, match="limit is 0"):
        robust.winsorised(NORMAL, limit=0)
    with pytest.raises(DataError, match=r"7 periods for 6 assets.*at least 8"):
        robust.tyler(NORMAL[:7])
    with pytest.raises(ConvergenceError, match="500 rounds"):
        robust.tyler(NORMAL, tolerance=-1.0)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e8])
def test_an_asset_that_moves_by_rounding_only_is_refused_in_any_unit(unit):
    values = np.random.default_rng(0).standard_normal((30, 2)) * unit
    assert np.isfinite(robust.winsorised(values)).all()
    values[:, 1] = unit * (1 + np.finfo(float).eps * (np.arange(30) % 2))
    with pytest.raises(DataError, match="asset 1 does not move"):
        robust.winsorised(values)
