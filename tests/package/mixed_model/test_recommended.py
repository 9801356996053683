"""The recommended covariance against its steps by hand, known truths, and bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mixfolio import mixed_model, relationship
from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _losses as losses
from mixfolio.errors import DataError

RNG = np.random.default_rng(4)
NAMES = [f"s{i}" for i in range(12)]
GROUPS = pd.Series(np.repeat(["a", "b", "c"], 4), index=NAMES, name="sector")


def sectors(n_periods, rng, n_groups=3, size=4):
    """Normal returns with a market and sectors; and their true covariance."""
    N = n_groups * size
    L = np.zeros((N, n_groups + 1))
    L[:, 0] = rng.normal(0.6, 0.15, N)
    L[np.arange(N), 1 + np.arange(N) // size] = rng.normal(0.4, 0.1, N)
    own = rng.uniform(0.2, 0.8, N)
    scale = 0.02 * np.exp(rng.normal(0, 0.3, N))
    truth = (L @ L.T + np.diag(own)) * np.outer(scale, scale)
    factors = rng.standard_normal((n_periods, n_groups + 1))
    noise = np.sqrt(own) * rng.standard_normal((n_periods, N))
    return (factors @ L.T + noise) * scale, truth


RETURNS = pd.DataFrame(sectors(40, RNG)[0] * RNG.gamma(2, 0.5, (40, 1)), columns=NAMES)


def literal_even(returns):
    """The first step of the module's docstring, period by period."""
    rows = []
    mean, spread = returns.mean(), returns.std()
    for _, row in returns.iterrows():
        z = (row - mean) / spread
        rows.append((row - mean) / (z**2).mean() ** 0.25)
    return pd.DataFrame(rows, index=returns.index)


def literal_covariance(returns, fit, halflife, persistence=0.9):
    """All five steps, with loops."""
    even = literal_even(returns)
    target = fit(even).covariance()
    for one in returns.columns:
        for other in returns.columns.drop(one):
            target.loc[one, other] *= persistence
    matrix = covariance.empirical_bayes(even, target)
    n = len(returns)
    p = np.array([0.5 ** ((n - 1 - t) / halflife) for t in range(n)])
    p /= p.sum()

    def recent(x):
        return sum(p[t] * (x.iloc[t] - x.mean()) ** 2 for t in range(n)) * n / (n - 1)

    factor = np.sqrt(recent(returns) / even.var())
    return matrix * np.outer(factor, factor)


def test_even_periods_are_those_of_the_definition():
    found = mixed_model.even_periods(RETURNS)
    pd.testing.assert_frame_equal(found, literal_even(RETURNS), rtol=1e-12)
    np.testing.assert_array_equal(mixed_model.even_periods(RETURNS.to_numpy()), found)


def test_even_periods_are_half_way_to_equal_sizes():
    size = np.square((RETURNS - RETURNS.mean()) / RETURNS.std()).mean(axis=1)
    even = mixed_model.even_periods(RETURNS) / RETURNS.std()
    np.testing.assert_allclose(np.square(even).mean(axis=1), np.sqrt(size), rtol=1e-12)


def test_a_period_without_any_deviation_stays_without():
    values = np.array([[0.01, -0.02], [-0.01, 0.02], [0.0, 0.0]])  # means of exactly zero
    even = mixed_model.even_periods(values)
    np.testing.assert_array_equal(even[-1], 0)
    assert np.isfinite(even).all()


@pytest.mark.parametrize("halflife", [None, 5.0, np.inf])
def test_with_groups_it_is_the_five_steps(halflife):
    def fit(even):
        return mixed_model.random_loadings(even, GROUPS)

    expected = literal_covariance(RETURNS, fit, np.inf if halflife is None else halflife)
    found = mixed_model.covariance(RETURNS, GROUPS, halflife=halflife)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_with_a_relationship_it_is_the_five_steps():
    K = relationship.from_groups(GROUPS)

    def fit(even):
        ones = pd.DataFrame(1.0, index=NAMES, columns=NAMES)
        return mixed_model.covariance_reml(even, {"sector": K, "market": ones})

    expected = literal_covariance(RETURNS, fit, np.inf)
    found = mixed_model.covariance(RETURNS, relationship={"sector": K})
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    alone = mixed_model.covariance(RETURNS, relationship=K.loc[NAMES[::-1], NAMES[::-1]])
    pd.testing.assert_frame_equal(alone, expected, rtol=1e-6)


def test_persistence_is_a_choice():
    def fit(even):
        return mixed_model.random_loadings(even, GROUPS)

    for persistence in (0.0, 0.4, 1.0):
        expected = literal_covariance(RETURNS, fit, np.inf, persistence)
        found = mixed_model.covariance(RETURNS, GROUPS, persistence=persistence)
        pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_without_groups_there_is_only_the_market():
    alone = mixed_model.covariance(RETURNS)
    same = mixed_model.covariance(RETURNS, pd.Series("all", index=NAMES))
    pd.testing.assert_frame_equal(alone, same)


def test_the_variances_are_about_those_of_the_returns_as_they_are():
    found = mixed_model.covariance(RETURNS, GROUPS, halflife=np.inf)
    assert np.abs(np.diagonal(found) / RETURNS.var() - 1).mean() < 0.1
    stormy = RETURNS.copy()
    stormy.iloc[-5:] *= 4
    tables = (RETURNS, stormy)
    before, after = (mixed_model.covariance(table, GROUPS, halflife=10) for table in tables)
    rise = np.diagonal(after) / np.diagonal(before)
    assert (rise > stormy.var() / RETURNS.var()).all()  # recent periods count more


def test_a_fit_adds_up_to_the_covariance():
    fitted = mixed_model.fit(RETURNS, GROUPS)
    total = fitted.covariance()
    pd.testing.assert_frame_equal(total, mixed_model.covariance(RETURNS, GROUPS))
    np.testing.assert_allclose(sum(fitted.components().values()), total, rtol=1e-10)
    assert list(fitted.components()) == ["sample", "market", "sector", "specific"]
    for part in fitted.components().values():
        assert np.linalg.eigvalsh(part)[0] >= -1e-18
    assert 0 < fitted.intensity < 1
    related = mixed_model.fit(RETURNS, relationship=relationship.from_groups(GROUPS))
    assert list(related.components()) == ["sample", "relationship", "market", "residual"]


def test_copies_are_recorded_and_not_warned_of():
    long = pd.concat([RETURNS.assign(s1=RETURNS["s0"])] * 6, ignore_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = mixed_model.fit(long, GROUPS)
    assert fitted.model.floored == ("s0", "s1")
    total = fitted.covariance()
    assert np.linalg.eigvalsh(total)[0] > 0
    assert total.loc["s0", "s1"] / total.loc["s0", "s0"] == pytest.approx(1, abs=1e-3)


def test_parts_add_up_whatever_the_level_is_called():
    for name in ("sample", "market", "specific"):
        fitted = mixed_model.fit(RETURNS, GROUPS.rename(name))
        total = sum(fitted.components().values())
        np.testing.assert_allclose(total, fitted.covariance(), rtol=1e-10)


def test_arrays_in_arrays_out_and_assets_in_any_order():
    found = mixed_model.covariance(RETURNS.to_numpy(), list(GROUPS))
    expected = mixed_model.covariance(RETURNS, GROUPS)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    order = RNG.permutation(NAMES)
    shuffled = mixed_model.covariance(RETURNS[order], GROUPS.sort_index(ascending=False))
    scale = float(np.abs(expected.to_numpy()).max())
    np.testing.assert_allclose(shuffled.loc[NAMES, NAMES], expected, rtol=0, atol=1e-3 * scale)


def test_units_do_not_matter():
    scale = np.exp(RNG.uniform(-3, 3, 12))
    found = mixed_model.covariance(RETURNS * scale, GROUPS) / np.outer(scale, scale)
    expected = mixed_model.covariance(RETURNS, GROUPS).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("n_periods", [3, 8])
def test_fewer_periods_than_assets_give_a_positive_definite_matrix(n_periods):
    found = mixed_model.covariance(RETURNS[:n_periods], GROUPS)
    assert np.linalg.eigvalsh(found)[0] > 0


def extra_variance(truths, estimate):
    return np.array([losses.minimum_variance_loss(estimate(*world), world[1]) for world in truths])


def test_true_groups_help_and_permuted_ones_do_not():
    """Extra variance of minimum-variance portfolios in worlds of sectors, 45 assets, 60 periods."""
    rng = np.random.default_rng(11)
    worlds = [sectors(60, rng, n_groups=5, size=9) for _ in range(10)]
    label = np.repeat(np.arange(5), 9)
    wrong = rng.permutation(label)
    with_groups = extra_variance(worlds, lambda r, _: mixed_model.covariance(r, label))
    permuted = extra_variance(worlds, lambda r, _: mixed_model.covariance(r, wrong))
    linear = extra_variance(
        worlds, lambda r, _: covariance.linear_shrinkage(r, target="single_factor")
    )
    for other in (permuted, linear):
        gap = other - with_groups
        assert gap.mean() > 3 * gap.std(ddof=1) / np.sqrt(len(gap))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": GROUPS, "relationship": np.eye(12)}, "both given"),
        ({"groups": GROUPS.drop("s3")}, "no entry for 1 asset.*'s3'"),
        ({"relationship": pd.DataFrame(np.eye(2), index=["p", "q"], columns=["p", "q"])}, "'s0'"),
        ({"relationship": {"market": relationship.from_groups(GROUPS)}}, "'market'.* Rename it"),
        ({"relationship": {"sample": relationship.from_groups(GROUPS)}}, "'sample'.* Rename it"),
        ({"groups": (GROUPS == "a").astype(int).to_frame()}, "single column of zeros and ones"),
        ({"groups": GROUPS, "halflife": 0.0}, "halflife is 0"),
        ({"groups": GROUPS, "halflife": -1}, "halflife is -1"),
        ({"groups": GROUPS, "halflife": np.nan}, "halflife is nan"),
        ({"groups": GROUPS, "halflife": "long"}, "halflife is 'long'"),
        ({"groups": GROUPS, "persistence": 1.1}, "persistence is 1.1"),
        ({"groups": GROUPS, "persistence": -0.1}, "persistence is -0.1"),
        ({"groups": GROUPS, "persistence": np.nan}, "persistence is nan"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        mixed_model.covariance(RETURNS, **arguments)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (RETURNS.mask(RETURNS > 0.03), "missing"),
        (RETURNS.assign(s1=0.1), "never move, the first is s1"),
        (RETURNS[:2], "needs at least 3"),
    ],
)
def test_bad_returns_are_named(returns, message):
    with pytest.raises(DataError, match=message):
        mixed_model.covariance(returns, GROUPS)


def test_heritability_is_the_mean_share_of_what_assets_have_in_common():
    fit = mixed_model.fit(RETURNS, GROUPS)
    total = np.diagonal(fit.model.covariance())
    own = fit.model.specific_variance
    assert fit.heritability == pytest.approx(np.mean(1 - own / total), rel=1e-12)
    assert 0.2 < fit.heritability < 0.95
    alone = np.random.default_rng(1).standard_normal((400, 6))
    assert 0 < mixed_model.fit(alone).heritability < 0.2
