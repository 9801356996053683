"""Covariance estimators against NumPy, pandas and their definitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _poet
from mixfolio.errors import DataError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.simulation import FactorWorld, Noise
from mixfolio.studies import published as studies


def table(seed=0, shape=(60, 4)):
    names = [f"asset{j}" for j in range(shape[1])]
    dates = pd.date_range("2001-01-31", periods=shape[0], freq="ME")
    values = np.random.default_rng(seed).normal(0.01, 0.04, size=shape)
    values[:, 0] += values[:, -1]
    return pd.DataFrame(values, dates, names)


@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (60, 4), (500, 30)], ids=str)
def test_sample_is_that_of_numpy(shape):
    returns = table(1, shape)
    expected = np.atleast_2d(np.cov(returns.T))
    found = covariance.sample(returns.to_numpy())
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-17)


def test_sample_by_hand():
    returns = [[0.01, 0.04], [0.03, 0.00], [0.05, -0.01]]
    # Deviations (-.02, 0, .02) and (.03, -.01, -.02); products over T - 1 = 2.
    expected = [[0.0004, -0.0005], [-0.0005, 0.0007]]
    np.testing.assert_allclose(covariance.sample(returns), expected, rtol=1e-13)


@pytest.mark.parametrize("halflife", [0.5, 3.0, 12.0, 60.0])
def test_ewma_is_that_of_pandas(halflife):
    returns = table(2)
    expected = returns.ewm(halflife=halflife).cov(bias=False).loc[returns.index[-1]]
    pd.testing.assert_frame_equal(
        covariance.ewma(returns, halflife=halflife),
        expected,
        rtol=1e-12,
        atol=1e-16,
        check_names=False,
    )


def test_ewma_by_hand():
    """Weights 1/3 and 2/3: mean .03, sum p d^2 = .0002, 1 - sum p^2 = 4/9."""
    found = covariance.ewma([[0.01], [0.04]], halflife=1.0)
    assert found[0, 0] == pytest.approx(0.0002 / (4 / 9), rel=1e-13)


def test_ewma_looks_at_the_latest_rows_most():
    returns = table(3)
    calm = returns.copy()
    calm.iloc[-20:] *= 0.1
    assert np.trace(covariance.ewma(calm, halflife=5)) < 0.1 * np.trace(covariance.sample(calm))
    reversed_rows = calm[::-1].set_axis(calm.index)
    assert np.trace(covariance.ewma(reversed_rows, halflife=5)) > np.trace(covariance.sample(calm))
    with pytest.raises(DataError, match="not in order of time"):
        covariance.ewma(calm[::-1], halflife=5)


@pytest.mark.parametrize(("halflife", "tolerance"), [(1e5, 1e-2), (1e9, 1e-6), (np.inf, 1e-14)])
def test_a_long_halflife_gives_the_sample_covariance(halflife, tolerance):
    returns = table(4).to_numpy()
    expected = covariance.sample(returns)
    miss = np.abs(covariance.ewma(returns, halflife=halflife) - expected).max()
    assert miss <= tolerance * np.abs(expected).max()


ESTIMATORS = {
    "sample": covariance.sample,
    "ewma": lambda returns: covariance.ewma(returns, halflife=12),
}
estimators = pytest.mark.parametrize("estimate", ESTIMATORS.values(), ids=ESTIMATORS)


@estimators
@pytest.mark.parametrize("shape", [(2, 6), (10, 10), (60, 4)], ids=str)
def test_estimates_are_positive_semidefinite(estimate, shape):
    found = estimate(table(5, shape).to_numpy())
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-18)
    eigenvalues = np.linalg.eigvalsh(found)
    assert eigenvalues[0] >= -1e-14 * eigenvalues[-1]
    assert (eigenvalues > 1e-12 * eigenvalues[-1]).sum() == min(shape[1], shape[0] - 1)


@estimators
def test_labels_in_labels_out(estimate):
    returns = table(6)
    found = estimate(returns)
    assert list(found.index) == list(found.columns) == list(returns.columns)
    np.testing.assert_array_equal(found.to_numpy(), estimate(returns.to_numpy()))


@estimators
def test_level_and_units(estimate):
    returns = table(7).to_numpy()
    np.testing.assert_allclose(estimate(5 + 100 * returns), 1e4 * estimate(returns), rtol=1e-9)


@estimators
def test_order_of_assets(estimate):
    returns = table(8)
    order = list(returns.columns[[2, 0, 3, 1]])
    pd.testing.assert_frame_equal(
        estimate(returns[order]), estimate(returns).loc[order, order], rtol=1e-13
    )


@estimators
def test_inputs_are_left_alone(estimate):
    values = np.asfortranarray(table(9).to_numpy(copy=True))
    kept = values.copy()
    values.flags.writeable = False
    estimate(values)
    np.testing.assert_array_equal(values, kept)


@estimators
def test_one_period_is_too_short(estimate):
    with pytest.raises(DataError, match=r"1 period\(s\); this method needs at least 2"):
        estimate(table().iloc[:1])


@pytest.mark.parametrize("halflife", [0, -3, np.nan, "long", None])
def test_halflife_is_a_positive_number(halflife):
    with pytest.raises(DataError, match=r"halflife is .*; it must be a"):
        covariance.ewma(table(), halflife=halflife)


@pytest.mark.parametrize("halflife", [1e-3, 0.02, 0.04])
def test_halflife_that_leaves_one_period(halflife):
    with pytest.raises(DataError, match=r"so short that the last period has all .* longer"):
        covariance.ewma(table(), halflife=halflife)


# ------------------------------------------------- principal components and clipped spectra

STRUCTURED = {
    "PCA": lambda returns: covariance.pca(returns, n_factors=2),
    "PCA, no diagonal": lambda returns: covariance.pca(returns, n_factors=2, diagonal=False),
    "clipped": covariance.clip_eigenvalues,
    "POET": lambda returns: covariance.poet(returns, n_factors=2),
}
structured = pytest.mark.parametrize("estimate", STRUCTURED.values(), ids=STRUCTURED)


def factor_table(seed=0, shape=(80, 8), scale=0.02):
    """One strong factor, and volatilities that differ."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) + rng.standard_normal((shape[0], 1)) * 1.5
    names = [f"asset{j}" for j in range(shape[1])]
    return pd.DataFrame(scale * values * np.linspace(1, 3, shape[1]), columns=names)


@pytest.mark.parametrize("shape", [(80, 8), (20, 20), (10, 30)], ids=str)
@pytest.mark.parametrize("n_factors", [1, 3, 8])
def test_pca_by_its_definition(shape, n_factors):
    """Sum over the k largest of l q q', entry by entry, from all eigenvalues."""
    returns = factor_table(1, shape)
    S = np.cov(returns.T)
    eigenvalues, vectors = np.linalg.eigh(S)
    wanted = np.zeros_like(S)
    for j in np.argsort(eigenvalues)[::-1][:n_factors]:
        wanted += eigenvalues[j] * np.outer(vectors[:, j], vectors[:, j])
    bare = covariance.pca(returns, n_factors=n_factors, diagonal=False)
    np.testing.assert_allclose(bare, wanted, rtol=0, atol=1e-12 * np.trace(S))
    assert np.linalg.matrix_rank(bare, tol=1e-10 * np.trace(S)) == n_factors
    np.fill_diagonal(wanted, np.diagonal(S))
    restored = covariance.pca(returns, n_factors=n_factors)
    np.testing.assert_allclose(restored, wanted, rtol=0, atol=1e-12 * np.trace(S))
    assert np.linalg.eigvalsh(restored)[0] > -1e-14 * np.trace(S)


def test_all_components_are_the_sample_covariance():
    returns = factor_table(2)
    wanted = covariance.sample(returns)
    for diagonal in (True, False):
        found = covariance.pca(returns, n_factors=8, diagonal=diagonal)
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-10)


def test_pca_restores_what_makes_it_positive_definite():
    """With a strong factor and noise, 40 assets over 20 periods."""
    returns = factor_table(3, (20, 40))
    assert np.linalg.eigvalsh(covariance.pca(returns, n_factors=2))[0] > 0
    bare = covariance.pca(returns, n_factors=2, diagonal=False).to_numpy()
    gap = covariance.sample(returns).to_numpy() - bare
    assert np.linalg.eigvalsh(gap)[0] > -1e-12 * np.trace(bare), "what is left out is a variance"


@pytest.mark.parametrize("seed", range(5))
def test_without_the_diagonal_portfolios_tend_to_one_without_perceived_risk(seed):
    """Zero-cost portfolios of `Q L Q' + eps I` tend to the limit that the studies use."""
    world = FactorWorld({"a": 0.2, "b": 0.1}, 12).draw(np.random.default_rng(seed))
    train = world.simulate(60, np.random.default_rng(seed + 100)).to_numpy()
    limit = studies.pca_without_diagonal(world, Noise(), train)
    limit /= np.abs(limit).max()
    bare = covariance.pca(train, n_factors=studies.N_FACTORS, diagonal=False)
    mean, level = world.mean.to_numpy(), np.trace(bare) / 24
    gaps = []
    for eps in (1e-2, 1e-4, 1e-6, 1e-8):
        weights = optimization.zero_cost_sharpe(mean, bare + eps * level * np.eye(24))
        gaps.append(np.abs(weights - limit).max())
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-4
    assert gaps[3] < 1e-6
    assert abs(limit.sum()) < 1e-12
    assert limit @ bare @ limit < 1e-15 * np.trace(bare)
    assert limit @ mean > 0


def dumb_clip(returns):
    """Laloux et al., step by step, on the correlation matrix."""
    values = np.asarray(returns)
    T, N = values.shape
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(values.T))
    edge = (1 + np.sqrt(N / T)) ** 2
    below = [j for j in range(N) if eigenvalues[j] <= edge]
    mean = sum(eigenvalues[j] for j in below) / max(len(below), 1)
    clipped = [mean if j in below else eigenvalues[j] for j in range(N)]
    C = sum(clipped[j] * np.outer(vectors[:, j], vectors[:, j]) for j in range(N))
    deviation = values.std(axis=0, ddof=1)
    found = np.empty((N, N))
    for i in range(N):
        for j in range(N):
            found[i, j] = C[i, j] / np.sqrt(C[i, i] * C[j, j]) * deviation[i] * deviation[j]
    return found, clipped


@pytest.mark.parametrize("shape", [(80, 8), (300, 5), (60, 20), (20, 40)], ids=str)
def test_clipping_step_by_step(shape):
    returns = factor_table(4, shape)
    wanted, clipped = dumb_clip(returns)
    found = covariance.clip_eigenvalues(returns).to_numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.trace(wanted))
    assert len(np.unique(np.round(clipped, 10))) < shape[1], "something was clipped"
    assert sum(clipped) == pytest.approx(shape[1]), "the trace is kept"
    np.testing.assert_allclose(np.diagonal(found), returns.var(ddof=1), rtol=1e-12)
    assert np.linalg.eigvalsh(found)[0] > 0


def test_clipping_pure_noise_leaves_variances_only():
    values = np.random.default_rng(5).standard_normal((400, 20)) * np.linspace(1, 4, 20)
    found = covariance.clip_eigenvalues(values)
    np.testing.assert_allclose(found, np.diag(values.var(axis=0, ddof=1)), rtol=1e-12, atol=1e-12)


def test_clipping_keeps_the_market():
    returns = factor_table(6, (500, 50))
    found = covariance.clip_eigenvalues(returns)
    spread = np.sqrt(np.diagonal(found))
    correlation = found.to_numpy() / np.outer(spread, spread)
    wanted = 1.5**2 / (1 + 1.5**2)
    assert correlation[np.tril_indices(50, -1)].mean() == pytest.approx(wanted, abs=0.05)


@structured
def test_structured_estimates_have_labels_order_units(estimate):
    returns = factor_table(7)
    found = estimate(returns)
    assert list(found.index) == list(found.columns) == list(returns.columns)
    array = estimate(returns.to_numpy())
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(found.to_numpy(), array)
    order = list(returns.columns[::-1])
    shuffled = estimate(returns[order])
    pd.testing.assert_frame_equal(shuffled, found.loc[order, order], rtol=1e-9)
    level = 3 * (-1.0) ** np.arange(returns.shape[1])
    np.testing.assert_allclose(estimate(returns + level), found, rtol=1e-9)
    np.testing.assert_array_equal(found, found.T)


@structured
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_structured_estimates_at_extreme_scales(estimate, scale):
    values = factor_table(8, scale=1.0).to_numpy()
    unit, found = estimate(values), estimate(scale * values)
    np.testing.assert_allclose(found / scale**2, unit, rtol=1e-9, atol=1e-12 * np.trace(unit))


@given(n_periods=st.integers(2, 30), n_assets=st.integers(2, 20), seed=st.integers(0, 2**32))
@settings(max_examples=30)
def test_structured_estimates_are_positive_semidefinite(n_periods, n_assets, seed):
    values = np.random.default_rng(seed).standard_t(3, (n_periods, n_assets))
    values[0], values[-1] = -np.abs(values[0]), np.abs(values[-1])  # returns, not prices
    for estimate in STRUCTURED.values():
        found = estimate(values)
        eigenvalues = np.linalg.eigvalsh(found)
        assert eigenvalues[0] >= -1e-12 * eigenvalues[-1]
    variances = values.var(axis=0, ddof=1)
    for name in ("PCA", "clipped", "POET"):
        np.testing.assert_allclose(np.diagonal(STRUCTURED[name](values)), variances, rtol=1e-9)


@structured
def test_structured_estimates_of_integers_and_copies(estimate):
    integers = np.random.default_rng(9).integers(-9, 9, (30, 5))
    np.testing.assert_array_equal(estimate(integers), estimate(integers.astype(float)))
    found = estimate(integers[:, [0, 1, 2, 3, 4, 4]])
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found)[0] > -1e-12 * np.trace(found)
    np.testing.assert_allclose(found[4, :4], found[5, :4], atol=1e-12 * np.trace(found))
    assert found[4, 4] == pytest.approx(found[5, 5])


def test_one_asset():
    values = np.random.default_rng(10).standard_normal((30, 1))
    wanted = covariance.sample(values)
    for found in (
        covariance.pca(values, n_factors=1),
        covariance.clip_eigenvalues(values),
        covariance.poet(values, n_factors=1),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


def bad_cell(value):
    values = factor_table().to_numpy(copy=True)
    values[3, 2] = value
    return values


@structured
@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (bad_cell(np.nan), "row 3, column 2"),
        (bad_cell(np.inf), "missing or infinite"),
        (factor_table().iloc[:1], r"1 period\(s\); this method needs at least 2"),
        (factor_table().iloc[:, [0, 1, 1]], "repeated asset label"),
        (factor_table()["asset0"], r"must be \(n_periods, n_assets\)"),
    ],
)
def test_structured_estimates_refuse(estimate, returns, message):
    with pytest.raises(DataError, match=message):
        estimate(returns)


@pytest.mark.parametrize("n_factors", [0, 9, -1, 2.5, None, np.nan])
def test_numbers_of_factors(n_factors):
    for estimate in (covariance.pca, covariance.poet):
        with pytest.raises(DataError, match=r"n_factors is .*between 1 and 8"):
            estimate(factor_table(), n_factors=n_factors)


def test_clipping_an_asset_that_never_moves():
    returns = factor_table()
    returns["asset3"] = 0.1
    with pytest.raises(DataError, match=r"1 asset.* never move, the first is asset3"):
        covariance.clip_eigenvalues(returns)


@pytest.mark.parametrize(
    "estimate", [covariance.oas, covariance.nonlinear_shrinkage, covariance.linear_shrinkage]
)
@pytest.mark.parametrize("shape", [(80, 8), (12, 20)])
def test_the_level_of_returns_and_their_order_do_not_matter(estimate, shape):
    returns = factor_table(11, shape)
    found = estimate(returns)
    level = 3 * (-1.0) ** np.arange(shape[1])
    np.testing.assert_allclose(
        estimate(returns + level), found, rtol=0, atol=1e-10 * np.trace(found)
    )
    np.testing.assert_allclose(
        estimate(returns.iloc[::-1]), found, rtol=0, atol=1e-10 * np.trace(found)
    )
    order = list(returns.columns[::-1])
    np.testing.assert_allclose(
        estimate(returns[order]).loc[returns.columns, returns.columns],
        found,
        rtol=0,
        atol=1e-10 * np.trace(found),
    )


# --------------------------------------------------------------------------------- POET


def dumb_poet(returns, n_factors, constant):
    """Fan, Liao and Mincheva, entry by entry on the scale of returns."""
    values = np.asarray(returns)
    Y = values - values.mean(axis=0)
    T, N = Y.shape
    S = Y.T @ Y / (T - 1)
    eigenvalues, vectors = np.linalg.eigh(S)
    V = vectors[:, N - n_factors :]
    low_rank = V @ np.diag(eigenvalues[N - n_factors :]) @ V.T
    U = Y - Y @ V @ V.T
    residual = S - low_rank
    omega = 1 / np.sqrt(N) + np.sqrt(np.log(N) / T)
    kept = np.diag(np.diagonal(residual))
    for i in range(N):
        for j in range(N):
            if i != j:
                theta = np.mean((U[:, i] * U[:, j] - residual[i, j]) ** 2)
                size = max(0.0, abs(residual[i, j]) - constant * omega * np.sqrt(theta))
                kept[i, j] = np.sign(residual[i, j]) * size
    return low_rank + kept, kept


def paired_table(seed=0, shape=(200, 12)):
    """One factor, and neighbours that share something beside it."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal(shape)
    own[:, 1::2] += 1.2 * own[:, ::2]
    return 0.02 * (own + 2 * rng.standard_normal((shape[0], 1))) * np.linspace(1, 3, shape[1])


def poet_threshold(returns, n_factors, threshold=0.5):
    """The constant C that POET uses."""
    Y = returns - returns.mean(axis=0)
    return _poet.residuals(Y, len(Y) - 1, n_factors).constant(threshold)


@pytest.mark.parametrize("shape", [(200, 12), (40, 12), (30, 30), (20, 40)])
@pytest.mark.parametrize("n_factors", [1, 3])
def test_poet_entry_by_entry(shape, n_factors):
    returns = paired_table(1, shape)
    constant = poet_threshold(returns, n_factors=n_factors)
    wanted, kept = dumb_poet(returns, n_factors, constant)
    found = covariance.poet(returns, n_factors=n_factors)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.trace(wanted))
    np.testing.assert_array_equal(found, found.T)
    spread = np.sqrt(np.diagonal(kept))
    assert np.linalg.eigvalsh(kept / np.outer(spread, spread))[0] > 0.01 - 1e-9


def test_poet_raises_the_constant_only_where_it_must_and_hardly_more():
    plenty = paired_table(2, (400, 12))
    assert poet_threshold(plenty, n_factors=1) == 0.5
    assert poet_threshold(plenty, n_factors=1, threshold=0.7) == 0.7
    few = paired_table(2, (16, 40))
    constant = poet_threshold(few, n_factors=1, threshold=0.0)
    assert constant > 0
    for factor, definite in ((1.0, True), (0.998, False)):
        kept = dumb_poet(few, 1, factor * constant)[1]
        spread = np.sqrt(np.diagonal(kept))
        lowest = np.linalg.eigvalsh(kept / np.outer(spread, spread))[0]
        assert (lowest >= 0.01 - 1e-9) == definite


@pytest.mark.parametrize("seed", range(8))
def test_poet_raises_the_constant_to_one_part_in_a_thousand(seed):
    few = paired_table(seed, (16, 40))
    constant = poet_threshold(few, n_factors=1, threshold=0.0)
    for factor, definite in ((1.0, True), (1 - 1.001e-3, False)):
        kept = dumb_poet(few, 1, factor * constant)[1]
        spread = np.sqrt(np.diagonal(kept))
        lowest = np.linalg.eigvalsh(kept / np.outer(spread, spread))[0]
        assert (lowest >= 0.01 - 1e-12) == definite


@pytest.mark.parametrize(("noise", "kept"), [(1e-5, True), (1e-10, False)])
def test_poet_takes_only_rounding_for_nothing(noise, kept):
    """What a factor leaves is kept, small as it may be; what is rounding has no correlation."""
    rng = np.random.default_rng(6)
    returns = rng.standard_normal((50, 1)) * np.linspace(1, 2, 5)
    returns += noise * rng.standard_normal((50, 5))
    Y = returns - returns.mean(axis=0)
    left = _poet.residuals(Y, 49, 1)
    assert ((left.spread > 0) == kept).all()
    assert ((left.correlation - np.eye(5)) != 0).any() == kept
    if kept:
        U = Y - Y @ np.linalg.svd(Y)[2][:1].T @ np.linalg.svd(Y)[2][:1]
        np.testing.assert_allclose(left.spread, U.std(axis=0) * np.sqrt(50 / 49), rtol=1e-6)


def test_poet_between_pca_and_the_sample():
    returns = paired_table(3)
    S = covariance.sample(returns)
    loose = covariance.poet(returns, n_factors=2, threshold=0)
    # Residuals span two dimensions less than the assets, and some threshold has to give them back.
    assert 0 < poet_threshold(returns, n_factors=2, threshold=0) < 0.1
    np.testing.assert_allclose(loose, S, rtol=0, atol=0.01 * np.abs(S).max())
    strict = covariance.poet(returns, n_factors=2, threshold=1e6)
    np.testing.assert_allclose(strict, covariance.pca(returns, n_factors=2), rtol=1e-10, atol=1e-18)


def test_poet_finds_the_neighbours():
    returns = paired_table(4, (1000, 20))
    kept = covariance.poet(returns, n_factors=1) - covariance.pca(returns, n_factors=1)
    spread = np.sqrt(np.diagonal(covariance.sample(returns)))
    kept = np.abs(kept / np.outer(spread, spread))
    neighbours = np.kron(np.eye(10), np.ones((2, 2))) - np.eye(20) > 0
    assert (kept[neighbours] > 0).all()
    others = ~neighbours & ~np.eye(20, dtype=bool)
    assert kept[others].mean() < 0.1 * kept[neighbours].mean()


def test_poet_of_pairs_that_always_move_alike():
    """Three periods and one factor leave residuals on a line: every product of them is alike."""
    returns = np.random.default_rng(5).standard_normal((3, 6))
    found = covariance.poet(returns, n_factors=1)
    assert np.linalg.eigvalsh(found)[0] > 0
    Y = returns - returns.mean(axis=0)
    left = _poet.residuals(Y, 2, 1)
    assert np.linalg.eigvalsh(left.softened(left.constant(0.5)))[0] >= 0.01 - 1e-12


@pytest.mark.parametrize("threshold", [-0.1, np.nan, np.inf, "soft", None])
def test_thresholds(threshold):
    with pytest.raises(DataError, match="threshold is"):
        covariance.poet(factor_table(), n_factors=1, threshold=threshold)


@pytest.mark.parametrize(("size", "kept"), [(1.95, False), (2.3, True), (2.9, True)])
def test_clipping_keeps_what_is_just_above_the_edge(size, kept):
    """Ten assets, fifty periods: the edge of noise is (1 + sqrt(0.2))^2 = 2.09."""
    r = (size - 1) / 9
    C = (1 - r) * np.eye(10) + r
    Z = np.random.default_rng(8).standard_normal((50, 10))
    Z = 7 * np.linalg.qr(Z - Z.mean(axis=0))[0]  # uncorrelated to the last digit
    found = np.linalg.eigvalsh(covariance.clip_eigenvalues(Z @ np.linalg.cholesky(C).T))
    assert found[-1] == pytest.approx(size if kept else 1)
