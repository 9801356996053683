"""Linear shrinkage against its authors' code, other libraries, definitions and known truths."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _linear as shrinkage
from mixfolio.errors import DataError

FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = json.loads((FOLDER / "shrinkage.json").read_text(encoding="utf-8"))
RETURNS = pd.read_csv(FOLDER / "shrinkage_returns.csv")
targets = pytest.mark.parametrize("target", shrinkage.TARGETS)


def centred(values):
    values = np.asarray(values, dtype=float)
    return values - values.mean(axis=0)


# ------------------------------------------------------------------------------ other software


LINEAR = [name for name in GOLDEN if not name.startswith("Ledoit") and not name.endswith(" oas")]


@pytest.mark.parametrize("name", LINEAR)
def test_libraries_with_divisor_T(name):
    Y, target = centred(RETURNS), name.split()[1]
    found, intensity = shrinkage.shrink(Y, len(Y), target)
    wanted = np.array(GOLDEN[name]["covariance"])
    if target == "constant_correlation":  # combined there with divisor T - 1, estimated with T
        found *= len(Y) / (len(Y) - 1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert intensity == pytest.approx(GOLDEN[name]["intensity"], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "target"),
    [("Ledoit cov1Para", "identity"), ("Ledoit covCor", "constant_correlation")],
)
def test_the_code_of_the_authors(name, target):
    found = covariance.linear_shrinkage(RETURNS, target=target)
    np.testing.assert_allclose(found, GOLDEN[name]["covariance"], rtol=0, atol=1e-12)
    a, S = covariance.shrinkage_intensity(RETURNS, target=target), covariance.sample(RETURNS)
    F = shrinkage.TARGETS[target](centred(RETURNS), S.to_numpy(), len(RETURNS) - 1).matrix()
    np.testing.assert_allclose(found, a * F + (1 - a) * S, rtol=1e-13)


def test_corpcor_is_made_of_the_same_sums():
    """It shrinks correlations toward zero: pi without the diagonal, on standardised returns.

    It divides the variance of an entry by T - 1 once more than Ledoit and Wolf, and takes the mean
    of the products with T; its variances have another target. Put together from our sums:
    """
    wanted = json.loads((FOLDER / "corpcor.json").read_text(encoding="utf-8"))
    Y = centred(RETURNS)
    T, n = len(Y), len(Y) - 1
    np.testing.assert_allclose(covariance.sample(RETURNS), wanted["sample_cov"], rtol=1e-13)
    Z = Y / Y.std(axis=0, ddof=1)
    R = Z.T @ Z / n
    fourth = shrinkage._fourth_moment(Z, n) - np.square(Z**2).sum() / n
    square = np.square(R).sum() - len(R)
    intensity = (T / n * fourth - square) / (n * square)
    assert intensity == pytest.approx(wanted["lambda"], rel=1e-12)
    variances = Y.var(axis=0, ddof=1)
    noise = (T / n * np.square(Y**2).sum() / n - np.square(variances).sum()) / n
    median = np.median(variances)
    a = noise / np.square(variances - median).sum()
    assert a == pytest.approx(wanted["lambda_var"], rel=1e-12)
    spread = np.sqrt(a * median + (1 - a) * variances)
    found = (1 - intensity) * R + intensity * np.eye(len(R))
    np.testing.assert_allclose(found * np.outer(spread, spread), wanted["cov"], rtol=1e-12)


def schafer_and_strimmer(values):
    """Table 2, target D, entry by entry: unbiased variances of the off-diagonal covariances."""
    Y = centred(values)
    T, N = Y.shape
    variances = squares = 0.0
    for i in range(N):
        for j in range(N):
            if i != j:
                products = Y[:, i] * Y[:, j]
                mean = products.mean()
                squares += (T / (T - 1) * mean) ** 2
                variances += T / (T - 1) ** 3 * np.square(products - mean).sum()
    return min(1.0, variances / squares)


@pytest.mark.parametrize("n_periods", [30, 300, 3000])
def test_the_diagonal_target_is_that_of_schafer_and_strimmer(n_periods):
    """Their variances have T / (T - 1) twice, and a mean with T: 3 / T apart, or less."""
    values = RETURNS.to_numpy()[:30]
    values = np.random.default_rng(4).permuted(np.tile(values, (n_periods // 30, 1)), axis=0)
    values[:, 1:] += 0.5 * values[:, :1]
    found = covariance.shrinkage_intensity(values, target="diagonal")
    wanted = schafer_and_strimmer(values)
    assert 0.001 < wanted < 1
    assert found == pytest.approx(wanted, rel=3 / n_periods)


def test_the_diagonal_intensity_is_the_best_on_average():
    """With a known truth: sum of the variances of s_ij over the sum of their mean squares."""
    loadings = np.linspace(0.1, 0.6, 8)
    truth = np.outer(loadings, loadings) + np.diag(np.linspace(0.5, 2, 8))
    off = ~np.eye(8, dtype=bool)
    variance = (np.outer(truth.diagonal(), truth.diagonal()) + truth**2)[off].sum() / 49  # normal
    best = variance / (variance + np.square(truth[off]).sum())
    draws = np.random.default_rng(5).multivariate_normal(np.zeros(8), truth, (400, 50))
    samples = [covariance.sample(draw) for draw in draws]
    diagonals = [np.diag(np.diagonal(S)) for S in samples]

    def loss(a):
        return [
            np.square(a * F + (1 - a) * S - truth).sum()
            for S, F in zip(samples, diagonals, strict=True)
        ]

    for other in (best - 0.15, best + 0.15):
        extra = np.subtract(loss(other), loss(best))
        assert extra.mean() > 3 * extra.std(ddof=1) / np.sqrt(len(draws))
    found = [covariance.shrinkage_intensity(draw, target="diagonal") for draw in draws]
    assert np.mean(found) == pytest.approx(best, abs=0.08)


# ------------------------------------------------------ the oracle-approximating estimator


def test_oas_beside_scikit_learn():
    """There the divisor is T, and the terms in 2 / N are left out; with both changes it is ours."""
    golden, Y = GOLDEN["scikit-learn oas"], centred(RETURNS)
    T, N = Y.shape
    S = Y.T @ Y / T
    trace, square = np.trace(S), np.square(S).sum()
    theirs = (square + trace**2) / ((T + 1) * (square - trace**2 / N))
    assert golden["intensity"] == pytest.approx(theirs, rel=1e-12)
    found, as_printed = shrinkage.oas(Y, T)
    correction = (1 - 2 / N * square / (square + trace**2)) / (1 - 2 / N / (T + 1))
    assert as_printed == pytest.approx(theirs * correction, rel=1e-12)
    F = trace / N * np.eye(N)
    np.testing.assert_allclose(found - S, as_printed * (F - S), rtol=0, atol=1e-14)
    wanted = (1 - theirs) * S + theirs * F
    np.testing.assert_allclose(wanted, golden["covariance"], rtol=0, atol=1e-12)
    assert shrinkage.oas(Y, T - 1)[1] == pytest.approx(theirs, rel=0.05)


def test_oas_by_its_recursion():
    """Equation 23 is the fixed point of the iterated oracle of equations 20 and 21."""
    Y = centred(RETURNS)
    n, N = len(Y) - 1, Y.shape[1]
    S = Y.T @ Y / n
    F = np.trace(S) / N * np.eye(N)
    rho = 0.9
    for _ in range(200):
        guess = (1 - rho) * S + rho * F
        product = np.trace(guess @ S)
        top = (1 - 2 / N) * product + np.trace(guess) ** 2
        bottom = (n + 1 - 2 / N) * product + (1 - n / N) * np.trace(guess) ** 2
        rho = top / bottom
    assert shrinkage.oas(Y, n)[1] == pytest.approx(rho, rel=1e-10)
    np.testing.assert_allclose(covariance.oas(RETURNS), (1 - rho) * S + rho * F, rtol=1e-9)


def test_oas_beats_the_sample_and_knows_the_identity():
    """Frobenius loss over 40 normal samples of 30 periods of 12 assets, paired: 4 s.e."""
    truth = np.diag(np.linspace(1, 3, 12))
    gains = []
    for seed in range(40):
        draws = np.random.default_rng(seed).multivariate_normal(np.zeros(12), truth, 30)
        losses = [np.square(f(draws) - truth).sum() for f in (covariance.sample, covariance.oas)]
        gains.append(losses[0] - losses[1])
    assert np.mean(gains) > 4 * np.std(gains, ddof=1) / np.sqrt(40)
    noise = np.random.default_rng(1).standard_normal((100, 40))
    assert shrinkage.oas(centred(noise), 99)[1] > 0.95


@pytest.mark.parametrize("shape", [(10, 40), (40, 10), (25, 25)])
def test_the_intensity_by_the_smaller_gram_matrix(shape):
    values = np.random.default_rng(11).standard_normal(shape) * np.linspace(1, 3, shape[1])
    wanted = shrinkage.shrink(centred(values), len(values) - 1, "identity")[1]
    assert covariance.shrinkage_intensity(values) == pytest.approx(wanted, rel=1e-12)


# ------------------------------------------------------------------------- dumb definitions


def mean_correlation(S):
    N = len(S)
    return np.mean([S[i, j] / np.sqrt(S[i, i] * S[j, j]) for i in range(N) for j in range(i)])


def dumb_target(S, target, correlation):
    N = len(S)
    F = np.diag(np.diagonal(S)).astype(float)
    m = S.mean(axis=0)  # covariances with the mean of all assets
    for i in range(N):
        for j in range(N):
            if target == "identity":
                F[i, j] = np.mean(np.diagonal(S)) if i == j else 0.0
            elif i != j and target == "diagonal":
                F[i, j] = 0.0
            elif i != j and target == "constant_correlation":
                F[i, j] = correlation * np.sqrt(S[i, i] * S[j, j])
            elif i != j:
                F[i, j] = m[i] * m[j] / m.mean()
    return F


def dumb_intensity(Y, target):
    """Ledoit and Wolf's estimate, entry by entry.

    pi is the sum of the variances of the entries of S, and rho that of their covariances with the
    entries of F, by the delta method: the derivative of f_ij by every entry of S is numerical. The
    mean correlation counts as known.
    """
    n, N = len(Y) - 1, Y.shape[1]
    S = Y.T @ Y / n
    correlation = mean_correlation(S)

    def f(s):
        return dumb_target(s, target, correlation)

    def covariance_of_entries(i, j, k, m):
        return (
            sum(Y[t, i] * Y[t, j] * Y[t, k] * Y[t, m] for t in range(len(Y))) / n
            - S[i, j] * S[k, m]
        )

    pi = sum(covariance_of_entries(i, j, i, j) for i in range(N) for j in range(N))
    rho = 0.0
    if target != "identity":
        for k in range(N):
            for m in range(N):
                step = 1e-5 * np.sqrt(S[k, k] * S[m, m])
                change = np.zeros((N, N))
                change[k, m] = step
                slope = (f(S + change) - f(S - change)) / (2 * step)
                rho += sum(
                    slope[i, j] * covariance_of_entries(k, m, i, j)
                    for i in range(N)
                    for j in range(N)
                )
    gamma = np.square(f(S) - S).sum()
    return np.clip((pi - rho) / (gamma * n), 0, 1)


@targets
def test_intensity_by_the_delta_method(target):
    rng = np.random.default_rng(1)
    values = rng.standard_normal((60, 5)) * [1, 2, 1, 0.5, 1] + rng.standard_normal((60, 1))
    values[:, 0] += 0.8 * values[:, 1]
    values[:, 2] -= 0.6 * values[:, 4]
    found = covariance.shrinkage_intensity(values, target=target)
    assert 0.02 < found < 0.98
    assert found == pytest.approx(dumb_intensity(centred(values), target), rel=1e-6)


@targets
def test_targets_by_definition(target):
    values = np.random.default_rng(2).standard_normal((40, 6)) @ np.diag([1, 2, 3, 1, 2, 3])
    values += 0.5 * values[:, :1]
    S = covariance.sample(values)
    found = covariance.linear_shrinkage(values, target=target, intensity=1.0)
    np.testing.assert_allclose(found, dumb_target(S, target, mean_correlation(S)), rtol=1e-12)
    nothing = covariance.linear_shrinkage(values, target=target, intensity=0.0)
    np.testing.assert_allclose(nothing, S, rtol=1e-13)
    np.testing.assert_array_equal(found, found.T)
    third = covariance.linear_shrinkage(values, target=target, intensity=1 / 3)
    np.testing.assert_array_equal(third, third.T)
    np.testing.assert_allclose(third, found / 3 + 2 * S / 3, rtol=1e-12, atol=1e-15)


# ---------------------------------------------------------------------------- known truths


def true_matrix(target):
    correlation = np.full((12, 12), 0.4)
    if target == "identity":
        return np.eye(12)
    if target == "diagonal":
        return np.diag(np.linspace(0.3, 2, 12))
    if target == "single_factor":
        loadings = np.linspace(0.2, 1.4, 12)
        return np.outer(loadings, loadings) + np.eye(12)
    np.fill_diagonal(correlation, 1)
    return correlation * np.outer(np.arange(1, 13), np.arange(1, 13))


@targets
def test_intensity_is_high_where_the_target_is_true_and_falls_with_data_elsewhere(target):
    rng = np.random.default_rng(3)
    truth = true_matrix(target)
    draws = rng.multivariate_normal(np.zeros(12), truth, 2000)
    # The mean of few assets is no perfect factor: with enough data that shows as well.
    first = draws[:60] if target == "single_factor" else draws
    assert covariance.shrinkage_intensity(first, target=target) > 0.5
    other = draws @ np.linalg.qr(rng.standard_normal((12, 12)))[0]
    other = other * np.linspace(1, 4, 12) + np.outer(rng.standard_normal(2000), [1, -1] * 6)
    few, many = (covariance.shrinkage_intensity(other[:t], target=target) for t in (40, 2000))
    assert many < 0.05 < few


@targets
def test_shrinkage_beats_the_sample(target):
    """Frobenius loss over 40 samples of 30 periods of 12 assets, paired: 4 standard errors."""
    truth = true_matrix(target)
    gains = []
    for seed in range(40):
        draws = np.random.default_rng(seed).multivariate_normal(np.zeros(12), truth, 30)
        losses = [
            np.square(estimate - truth).sum()
            for estimate in (
                covariance.sample(draws),
                covariance.linear_shrinkage(draws, target=target),
            )
        ]
        gains.append(losses[0] - losses[1])
    assert np.mean(gains) > 4 * np.std(gains, ddof=1) / np.sqrt(40)


# ------------------------------------------------------------------------------ properties


@targets
@given(
    n_periods=st.integers(3, 40),
    n_assets=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([1e-12, 1e-3, 1.0, 1e12]),
    heavy=st.booleans(),
)
@settings(max_examples=40)
def test_estimates_are_covariances_whatever_the_scale(
    target, n_periods, n_assets, seed, scale, heavy
):
    rng = np.random.default_rng(seed)
    values = (
        rng.standard_t(2.5, (n_periods, n_assets)) if heavy else rng.random((n_periods, n_assets))
    )
    values[0], values[-1] = -np.abs(values[0]), np.abs(values[-1])  # returns, not prices
    found = covariance.linear_shrinkage(scale * values, target=target)
    intensity = covariance.shrinkage_intensity(scale * values, target=target)
    assert 0 <= intensity <= 1
    assert intensity == pytest.approx(
        covariance.shrinkage_intensity(values, target=target), abs=1e-9
    )
    eigenvalues = np.linalg.eigvalsh(found)
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-15 * eigenvalues[-1])
    assert eigenvalues[0] >= -1e-12 * eigenvalues[-1]
    assert np.trace(found) == pytest.approx(np.trace(covariance.sample(scale * values)))
    unit = covariance.linear_shrinkage(values, target=target)
    np.testing.assert_allclose(found / scale**2, unit, rtol=1e-7, atol=1e-9 * np.trace(unit))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_identity_makes_positive_definite(seed):
    values = np.random.default_rng(seed).standard_normal((8, 20))
    intensity = covariance.shrinkage_intensity(values)
    assume(intensity > 0)
    lowest = np.linalg.eigvalsh(covariance.linear_shrinkage(values))[0]
    variance = np.trace(covariance.sample(values)) / 20
    assert lowest == pytest.approx(intensity * variance, rel=1e-8)


@targets
def test_labels_order_and_level(target):
    names = [f"a{j}" for j in range(5)]
    returns = pd.DataFrame(np.random.default_rng(5).normal(size=(30, 5)), columns=names)
    found = covariance.linear_shrinkage(returns, target=target)
    assert list(found.index) == list(found.columns) == names
    shuffled = names[::-1]
    pd.testing.assert_frame_equal(
        covariance.linear_shrinkage(returns[shuffled] + [7, -7, 7, -7, 7], target=target),
        found.loc[shuffled, shuffled],
        rtol=1e-10,
    )
    before = returns.copy()
    covariance.linear_shrinkage(returns, target=target)
    pd.testing.assert_frame_equal(returns, before)


@targets
def test_integers_will_do(target):
    values = np.random.default_rng(6).integers(-9, 9, (20, 4))
    np.testing.assert_array_equal(
        covariance.linear_shrinkage(values, target=target),
        covariance.linear_shrinkage(values.astype(float), target=target),
    )


@targets
def test_one_asset_is_its_variance(target):
    values = np.random.default_rng(7).standard_normal((20, 1))
    found = covariance.linear_shrinkage(values, target=target)
    np.testing.assert_allclose(found, covariance.sample(values), rtol=1e-13)
    assert covariance.shrinkage_intensity(values, target=target) == 1.0


@targets
def test_copies_of_an_asset(target):
    values = np.random.default_rng(8).standard_normal((30, 4))
    found = covariance.linear_shrinkage(values[:, [0, 1, 2, 3, 3]], target=target)
    assert np.isfinite(found).all()
    assert found[3, 3] == found[4, 4]
    assert found[0, 3] == pytest.approx(found[0, 4], rel=1e-13)


@targets
def test_one_matrix_is_enough(target):
    """Memory at the peak: returns and a few vectors beside the matrix that comes out."""
    Y = centred(np.random.default_rng(12).standard_normal((20, 500)))
    tracemalloc.start()
    try:
        shrinkage.shrink(Y, 19, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 500**2 + 6 * Y.nbytes


# -------------------------------------------------------------------------------- refusals


GOOD = np.random.default_rng(9).standard_normal((10, 3))


def with_cell(value):
    bad = GOOD.copy()
    bad[4, 1] = value
    return bad


STILL = GOOD.copy()
STILL[:, 1] = 0.1


@targets
@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (with_cell(np.nan), r"1 cell\(s\) that are missing or infinite, the first in row 4, col"),
        (with_cell(-np.inf), "missing or infinite"),
        (STILL, r"1 asset\(s\) never move, the first is 1"),
        (pd.DataFrame(STILL, columns=list("abc")), "the first is b"),
        (GOOD[:2], "2 period.*at least 3"),
        (GOOD[:1], "1 period.*at least 3"),
        (GOOD[:, :0], "at least one asset"),
        (GOOD[:, 0], "must be .n_periods, n_assets."),
        (pd.DataFrame(GOOD, columns=["a", "b", "a"]), "repeated asset label"),
    ],
)
def test_returns_that_cannot_be_used(target, returns, message):
    for method in (covariance.linear_shrinkage, covariance.shrinkage_intensity):
        with pytest.raises(DataError, match=message):
            method(returns, target=target)


@targets
def test_two_periods_will_do_for_a_given_intensity(target):
    found = covariance.linear_shrinkage(GOOD[:2], target=target, intensity=0.5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("intensity", [-0.1, 1.1, np.nan, "half"])
def test_intensities_out_of_range(intensity):
    with pytest.raises(DataError, match="intensity is"):
        covariance.linear_shrinkage(GOOD, intensity=intensity)


def test_unknown_targets():
    for method in (covariance.linear_shrinkage, covariance.shrinkage_intensity):
        with pytest.raises(DataError, match=r"target is 'market'; it must be one of \['identity'"):
            method(GOOD, target="market")


def test_a_market_that_never_moves_is_no_factor():
    hedged = np.column_stack([GOOD[:, 0], -GOOD[:, 0]])
    with pytest.raises(DataError, match="mean of all assets never moves"):
        covariance.linear_shrinkage(hedged, target="single_factor")
    assert np.isfinite(covariance.linear_shrinkage(hedged, target="identity")).all()
