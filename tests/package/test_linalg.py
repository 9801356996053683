"""Factors of a covariance, against plain inverses."""

import numpy as np
import pytest

from mixfolio import _linalg

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("collinear", [False, True], ids=["plain", "nearly collinear"])
def test_whitening_there_and_back_is_the_inverse(collinear):
    A = RNG.standard_normal((6, 6))
    if collinear:  # scaled before it is factorised
        A[5] = A[4] + 1e-5 * A[5]
    V, Y = A @ A.T, RNG.standard_normal((6, 3))
    factor = _linalg.factorise(V)
    white = _linalg.whiten(factor, Y)
    np.testing.assert_allclose(white.T @ white, Y.T @ np.linalg.solve(V, Y), rtol=1e-4)
    np.testing.assert_allclose(
        _linalg.whiten(factor, white, back=True), np.linalg.solve(V, Y), rtol=1e-4
    )
