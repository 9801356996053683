"""Simulated worlds: what is drawn agrees with the truth that is stated in closed form."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixfolio.errors import DataError
from mixfolio.simulation import INDUSTRIES, FactorWorld, Noise, World, made_up_factors

NOISES = {
    "gaussian": Noise(),
    "GARCH, matched": Noise("garch"),
    "GARCH, unmatched": Noise("garch", match_variance=False),
    "GARCH, persistent": Noise("garch", alpha=0.05, beta=0.90),
    "ARCH": Noise("garch", match_variance=False, alpha=0.3, beta=0.0),
    "constant variance": Noise("garch", alpha=0.0, beta=0.0, match_variance=False),
    "t": Noise("student"),
    "t, unmatched": Noise("student", match_variance=False, degrees_of_freedom=6.0),
}
noises = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)


def given_world():
    """Parameters that nobody drew: five assets, three factors, one asset in two of them."""
    assets, factors = list("abcde"), ["market", "oil", "tech"]
    loadings = [[1.0, 0.8, 0.0], [0.7, 1.5, 0.0], [1.2, 0.0, 1.0], [0.5, 0.0, 2.0], [0.9, 0.4, -1]]
    return World(
        mean=pd.Series([0.01, -0.02, 0.0, 0.03, 0.005], assets),
        loadings=pd.DataFrame(loadings, assets, factors),
        factor_variance=pd.Series([4e-4, 1e-4, 0.0], factors),
        specific_variance=pd.Series([1e-4, 2e-4, 3e-4, 1e-5, 5e-4], assets),
        groups=pd.Series(["oil", "oil", "tech", "tech", "both"], assets),
    )


def drawn_world():
    recipe = FactorWorld({"oil": 0.14, "tech": 0.20}, n_per_industry=4, periods_per_year=12)
    return recipe.draw(np.random.default_rng(0))


WORLDS = {"given": given_world(), "drawn": drawn_world()}
worlds = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def dumb_truth(world, factor):
    """Covariances one by one: sum over factors of b_if v_f b_jf, and the noise where i is j."""
    n = len(world.mean)
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for f, variance in enumerate(world.factor_variance):
                matrix[i, j] += world.loadings.iloc[i, f] * variance * world.loadings.iloc[j, f]
            if i == j:
                matrix[i, j] += factor * world.specific_variance.iloc[i]
    return matrix


@worlds
@pytest.mark.parametrize(
    ("noise", "factor"),
    [
        (None, 1),
        (Noise(match_variance=False), 1),
        (Noise("garch"), 1),
        ("garch", 1),
        (Noise("garch", match_variance=False), 5),  # 1 / (1 - .5 - .3)
        (Noise("garch", match_variance=False, alpha=0.1, beta=0.8), 10),
        (Noise("student"), 1),
        (Noise("student", match_variance=False), 5 / 3),
        (Noise("student", match_variance=False, degrees_of_freedom=2.5), 5),
    ],
)
def test_the_truth_by_hand(world, noise, factor):
    truth = world.covariance(noise)
    np.testing.assert_allclose(truth, dumb_truth(world, factor), rtol=1e-12, atol=1e-18)
    assert list(truth.index) == list(truth.columns) == list(world.mean.index)
    assert truth.to_numpy().dtype == np.float64
    assert np.linalg.eigvalsh(truth)[0] > 0


@worlds
def test_truth_is_that_of_matched_noise(world):
    pd.testing.assert_frame_equal(world.truth, world.covariance(Noise("student")))


def joint_distance(sample, truth, n_blocks=50):
    """Are the means of blocks of a series of matrices those of the truth, all entries together?

    Hotelling's statistic of block means of (r - m)(r - m)' against the truth, in the entries of the
    lower triangle; returns its p-value. Blocks make the central limit theorem do, and leave the
    dependence of GARCH within them.
    """
    products = np.einsum("ti,tj->tij", sample, sample)
    lower = np.tril_indices(len(truth))
    entries = products[:, lower[0], lower[1]]
    blocks = entries.reshape(n_blocks, -1, entries.shape[1]).mean(axis=1)
    gap = blocks.mean(axis=0) - truth[lower]
    n, p = blocks.shape
    statistic = n * gap @ np.linalg.solve(np.cov(blocks.T), gap)
    return stats.f.sf(statistic * (n - p) / (p * (n - 1)), p, n - p)


JOINT = {name: noise for name, noise in NOISES.items() if name != "GARCH, persistent"}
JOINT |= {"GARCH, matched": Noise("garch", alpha=0.15, beta=0.5)}
JOINT |= {"GARCH, unmatched": Noise("garch", alpha=0.15, beta=0.5, match_variance=False)}
JOINT |= {"t": Noise("student", degrees_of_freedom=9.0)}


def deviations(world, n_periods, seed, noise):
    values = world.simulate(n_periods, np.random.default_rng(seed), noise).to_numpy()
    return values - world.mean.to_numpy()


@pytest.mark.parametrize("noise", JOINT.values(), ids=JOINT)
def test_simulated_covariances_agree_with_the_truth_jointly(noise):
    """Ten seeds an entry: their p-values are those of chance (Kolmogorov-Smirnov), so none is
    picked. The noise has four moments here, without which there is no test of a covariance."""
    world = given_world()
    truth = world.covariance(noise).to_numpy()
    p_values = [joint_distance(deviations(world, 20_000, s, noise), truth) for s in range(10)]
    assert stats.kstest(p_values, "uniform").pvalue > 0.001
    wrong = truth + 0.05 * np.diag(np.diagonal(truth))
    sample = deviations(world, 20_000, 0, noise)
    assert joint_distance(sample, wrong) < 1e-6, "the test has no power"


def variance_z(noise, n_assets, n_periods, seed):
    """Mean square of unit noise, in standard errors from its truth; assets are independent."""
    drawn = noise.draw(np.ones(n_assets), n_periods, np.random.default_rng(seed))
    squares = (drawn**2).mean(axis=0)
    return (squares.mean() - noise.variance_factor) / (squares.std(ddof=1) / np.sqrt(n_assets))


@noises
def test_unconditional_variance(noise):
    """omega / (1 - alpha - beta) for GARCH, d / (d - 2) for t, both 1 when matched."""
    assert abs(variance_z(noise, 2000, 400, 1)) < 3


def test_variance_factors_by_hand():
    factors = [round(noise.variance_factor, 12) for noise in NOISES.values()]
    assert factors == [1, 1, 5, 1, round(1 / 0.7, 12), 1, 1, 1.5]


@noises
def test_variance_is_the_same_in_every_period(noise):
    """Started in equilibrium: the first periods have the variance of the last."""
    drawn = noise.draw(np.ones(20_000), 6, np.random.default_rng(2)) ** 2
    z = (drawn.mean(axis=1) - noise.variance_factor) / (drawn.std(axis=1) / np.sqrt(20_000))
    assert (np.abs(z) < 4).all()


def test_garch_by_its_recursion():
    """Shocks scaled by the standard deviation that the recursion gives are standard normal."""
    noise = Noise("garch", match_variance=False, alpha=0.3, beta=0.5)
    shocks = noise.draw(np.full(3, 4.0), 30_000, np.random.default_rng(3)) / 2
    variance = np.full(3, noise.variance_factor)
    scaled = np.empty_like(shocks)
    for t, shock in enumerate(shocks):
        scaled[t] = shock / np.sqrt(variance)
        variance = 1.0 + 0.3 * shock**2 + 0.5 * variance
    settled = scaled[100:].ravel()  # the start of the recursion is forgotten at .8 a period
    assert stats.kstest(settled, "norm").pvalue > 0.001
    unscaled = shocks[100:].ravel() / shocks.std()
    assert stats.kstest(unscaled, "norm").pvalue < 1e-6
    squares = settled.reshape(-1, 3)[:, 0] ** 2
    assert abs(np.corrcoef(squares[1:], squares[:-1])[0, 1]) < 4 / np.sqrt(30_000)


def test_garch_clusters_and_the_others_do_not():
    def autocorrelation(noise):
        drawn = noise.draw(np.ones(50), 4000, np.random.default_rng(4))
        ranks = stats.rankdata(drawn**2, axis=0)
        return np.mean([np.corrcoef(r[1:], r[:-1])[0, 1] for r in ranks.T])

    assert autocorrelation(Noise("garch")) > 0.2
    for kind in ("gaussian", "student"):
        assert abs(autocorrelation(Noise(kind))) < 4 / np.sqrt(50 * 4000)


@pytest.mark.parametrize("match", [True, False])
def test_student_noise_is_t(match):
    noise = Noise("student", match_variance=match, degrees_of_freedom=4.0)
    drawn = noise.draw(np.array([9.0]), 20_000, np.random.default_rng(5)).ravel() / 3
    scale = np.sqrt(2 / 4) if match else 1.0
    assert stats.kstest(drawn / scale, "t", (4,)).pvalue > 0.001
    assert stats.kstest(drawn / scale, "norm").pvalue < 1e-6


@noises
def test_means_and_independence_of_factors(noise):
    """The mean within 4 standard errors, with the truth's variance of a mean."""
    for world in WORLDS.values():
        gap = deviations(world, 10_000, 6, noise).mean(axis=0)
        errors = np.sqrt(np.diagonal(world.covariance(noise)) / 10_000)
        assert (np.abs(gap) < 4 * errors).all()


@noises
def test_simulations_are_deterministic_tables(noise):
    world = given_world()
    one, two = (world.simulate(50, np.random.default_rng(7), noise) for _ in range(2))
    other = world.simulate(50, np.random.default_rng(8), noise)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert not np.isclose(one, other).any()
    assert one.shape == (50, 5)
    assert list(one.columns) == list("abcde")
    assert (one.dtypes == np.float64).all()


def test_a_name_stands_for_matched_noise():
    world = given_world()
    for kind in ("gaussian", "garch", "student"):
        named, noise = (
            world.simulate(5, np.random.default_rng(9), law) for law in (kind, Noise(kind))
        )
        pd.testing.assert_frame_equal(named, noise)


def test_a_world_without_factors_has_a_diagonal_truth():
    world = given_world()
    bare = World(
        world.mean,
        world.loadings[[]],
        pd.Series(dtype=float),
        world.specific_variance,
        world.groups,
    )
    np.testing.assert_array_equal(bare.truth, np.diag(world.specific_variance))
    assert bare.simulate(3, np.random.default_rng(0)).shape == (3, 5)


# ------------------------------------------------------------------------------ the recipe


def test_the_published_design():
    recipe = FactorWorld()
    world = recipe.draw(np.random.default_rng(0))
    assert recipe.n_assets == len(world.mean) == 450
    assert list(world.loadings.columns) == ["market", *INDUSTRIES]
    np.testing.assert_allclose(world.specific_variance, 0.10**2 / 250)
    volatility = np.sqrt(world.factor_variance * 250)
    assert volatility["market"] == pytest.approx(0.10)
    np.testing.assert_allclose(volatility[list(INDUSTRIES)], list(INDUSTRIES.values()))
    own = world.loadings.to_numpy()[:, 1:]
    member = world.groups.to_numpy()[:, None] == np.array(list(INDUSTRIES))
    assert (member.sum(axis=0) == 50).all()
    assert (own[~member] == 0).all()
    for loadings in (own[member], world.loadings["market"].to_numpy()):
        assert stats.kstest(loadings, "uniform", (0.5, 1.5)).pvalue > 0.001
    assert stats.kstest(world.mean * 250, "uniform", (-0.2, 0.4)).pvalue > 0.001
    assert abs(np.corrcoef(own[member], world.loadings["market"])[0, 1]) < 4 / np.sqrt(450)


def test_worlds_are_deterministic_and_differ():
    one, two, other = (FactorWorld().draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    pd.testing.assert_series_equal(one.mean, two.mean, check_exact=True)
    pd.testing.assert_frame_equal(one.loadings, two.loadings, check_exact=True)
    assert not np.isclose(one.mean, other.mean).any()


def test_a_range_may_be_one_point():
    recipe = FactorWorld({"a": 0.1}, 3, mean_range=(0.06, 0.06), loading_range=(1, 1))
    world = recipe.draw(np.random.default_rng(0))
    np.testing.assert_allclose(world.mean, 0.06 / 250)
    assert (world.loadings == 1).all(axis=None)


@given(
    n=st.integers(1, 6),
    volatilities=st.lists(st.floats(0, 2), min_size=1, max_size=4),
    noise=st.floats(1e-3, 2),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=40)
def test_every_truth_is_a_covariance(n, volatilities, noise, seed):
    recipe = FactorWorld(
        {f"g{j}": v for j, v in enumerate(volatilities)}, n, noise_volatility=noise
    )
    truth = recipe.draw(np.random.default_rng(seed)).truth.to_numpy()
    np.testing.assert_array_equal(truth, truth.T)
    lowest = np.linalg.eigvalsh(truth)[0]
    assert lowest >= noise**2 / 250 - 1e-13 * np.trace(truth)


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "cauchy"}, r"noise is 'cauchy'; it must be 'gaussian', 'garch' or 'student'"),
        ({"kind": None}, "noise is None"),
        (
            {"kind": "garch", "alpha": 0.5, "beta": 0.5},
            r"alpha \+ beta = 0.5 \+ 0.5 = 1; .*below 1",
        ),
        ({"kind": "garch", "alpha": 0.9, "beta": 0.3}, "= 1.2; both must be nonnegative"),
        ({"kind": "garch", "alpha": -0.1}, r"-0.1 \+ 0.3"),
        ({"kind": "garch", "beta": -0.1}, r"0.5 \+ -0.1"),
        ({"kind": "garch", "alpha": np.nan}, "alpha is nan; it must be a finite number"),
        ({"kind": "garch", "beta": "high"}, "beta is 'high'; it must be a finite number"),
        ({"kind": "student", "degrees_of_freedom": 2.0}, "2 degrees of freedom; .*more than 2"),
        ({"kind": "student", "degrees_of_freedom": -3}, "needs more than 2"),
        ({"kind": "student", "degrees_of_freedom": np.nan}, "degrees_of_freedom is nan"),
        ({"kind": "student", "degrees_of_freedom": np.inf}, "degrees_of_freedom is inf"),
    ],
)
def test_noise_without_a_variance(options, message):
    with pytest.raises(DataError, match=message):
        Noise(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_per_industry": 0}, "n_per_industry is 0; it must be at least 1"),
        ({"n_per_industry": -2}, "n_per_industry is -2"),
        ({"n_per_industry": 2.5}, "n_per_industry is 2.5; it must be a whole number"),
        ({"industries": {}}, "needs at least one"),
        ({"industries": {"market": 0.2}}, "none named 'market'"),
        ({"industries": {"oil": -0.1}}, "volatility of 'oil' is -0.1"),
        ({"industries": {"oil": np.nan}}, "industries is .*each member a finite number"),
        ({"market_volatility": -0.1}, "volatility of 'market' is -0.1"),
        ({"market_volatility": np.inf}, "market_volatility is inf"),
        ({"noise_volatility": 0.0}, "noise_volatility is 0.0; it must be positive"),
        ({"noise_volatility": np.nan}, "noise_volatility is nan"),
        ({"periods_per_year": 0}, "periods_per_year is 0; it must be positive"),
        ({"mean_range": (0.2, -0.2)}, "the lower bound comes first"),
        ({"mean_range": (np.nan, 0.2)}, "mean_range is .*each member a finite number"),
        ({"loading_range": (0.5, np.inf)}, "loading_range is .*each member a finite number"),
    ],
)
def test_recipes_without_a_world(options, message):
    with pytest.raises(DataError, match=message):
        FactorWorld(**options)


def spoilt(values, where, value):
    values = values.copy()
    values.iloc[where] = value
    return values


def none_of(world):
    """All parameters of a world without assets."""
    fields = ("mean", "loadings", "specific_variance", "groups")
    return {name: getattr(world, name)[:0] for name in fields}


GIVEN = given_world()
TWICE = dict.fromkeys("abcde", "a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"specific_variance": spoilt(GIVEN.specific_variance, 2, -1e-4)}, "variance of -0.0001"),
        (
            {"specific_variance": spoilt(GIVEN.specific_variance, 2, 0.0)},
            "specific variances posit",
        ),
        ({"factor_variance": spoilt(GIVEN.factor_variance, 1, -1e-9)}, "variance of -1e-09"),
        ({"mean": spoilt(GIVEN.mean, 1, np.nan)}, r"mean of the world has 1 entr\(ies\)"),
        ({"mean": spoilt(GIVEN.mean, 1, np.inf)}, "missing or infinite"),
        ({"loadings": spoilt(GIVEN.loadings, (1, 1), np.nan)}, "loadings of the world has 1"),
        ({"factor_variance": spoilt(GIVEN.factor_variance, 0, np.nan)}, "factor_variance of the"),
        ({"specific_variance": spoilt(GIVEN.specific_variance, 0, np.nan)}, "specific_variance of"),
        ({"groups": spoilt(GIVEN.groups, 0, None)}, "groups of the world has 1"),
        ({"mean": GIVEN.mean.to_numpy()}, "mean is a ndarray; give a pandas Series"),
        ({"loadings": GIVEN.loadings.to_numpy()}, "loadings is a ndarray; give a pandas DataFrame"),
        ({"mean": GIVEN.mean[::-1]}, "must carry the same labels"),
        ({"groups": GIVEN.groups[:-1]}, "must carry the same labels"),
        ({"factor_variance": GIVEN.factor_variance[:-1]}, "must carry the same labels"),
        (none_of(GIVEN), "the world has 0 assets"),
        (
            {name: getattr(GIVEN, name).rename(index=TWICE) for name in none_of(GIVEN)},
            "5 assets, 1 of them with a name of their own",
        ),
    ],
)
def test_parameters_that_make_no_world(change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(GIVEN, **change)


@pytest.mark.parametrize("n_periods", [0, -1, 2.5, None])
def test_periods_to_simulate(n_periods):
    with pytest.raises(DataError, match=r"n_periods is .* at least 1"):
        GIVEN.simulate(n_periods, np.random.default_rng(0))


def test_noise_and_generators_to_simulate_with():
    rng = np.random.default_rng(0)
    for call in (lambda: GIVEN.simulate(5, rng, "cauchy"), lambda: GIVEN.covariance("cauchy")):
        with pytest.raises(DataError, match="noise is 'cauchy'"):
            call()
    for call in (lambda: GIVEN.simulate(5, 7), lambda: FactorWorld().draw(7)):
        with pytest.raises(
            DataError, match=r"rng is 7; give a generator, such as .*default_rng\(7\)"
        ):
            call()


# ------------------------------------------------------------------------- made-up factors


def test_made_up_factors_have_the_moments_of_their_recipe():
    n = 100_000
    factors = made_up_factors(n, np.random.default_rng(6))
    day = np.arange(1, n + 1)
    still = factors.assign(
        VOLATILITY=factors["VOLATILITY"] - 20 - 5 * np.sin(day / 100),
        DOLLAR=factors["DOLLAR"].diff(),
        MARKET=factors["MARKET"].diff(),
        RATES=(factors["RATES"] - 0.5 * np.sin(day / 200)).diff(),
    ).iloc[1:]
    spread = {"MARKET": 0.01, "VOLATILITY": 2.0, "DOLLAR": 0.5, "RATES": 0.02}
    assert dict(still.std()) == pytest.approx(spread, rel=0.01)
    means = pd.Series({"MARKET": 0.0003, "VOLATILITY": 0.0, "DOLLAR": 0.0, "RATES": 0.0})
    assert ((still.mean() - means).abs() < 4 * pd.Series(spread) / np.sqrt(n)).all()
    assert np.abs(np.corrcoef(still.T) - np.eye(4)).max() < 4 / np.sqrt(n)
    first = made_up_factors(1, np.random.default_rng(1)).iloc[0]
    assert dict(first) == pytest.approx(
        {"MARKET": 0, "VOLATILITY": 20, "DOLLAR": 100, "RATES": 2}, rel=0.5, abs=0.1
    )


@pytest.mark.parametrize(("n_periods", "rng"), [(0, np.random.default_rng(1)), (5, 7)])
def test_made_up_factors_need_a_length_and_a_generator(n_periods, rng):
    with pytest.raises(DataError, match=r"n_periods|rng"):
        made_up_factors(n_periods, rng)
