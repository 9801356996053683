"""The laws of estimation error against simulation, against integrals and in their limits."""

import numpy as np
import pytest
from scipy import integrate, stats

from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.studies import laws as estimation_error

GRID = [(2, 10), (5, 14), (10, 30), (20, 30), (30, 120), (40, 60)]
REPLICATIONS = 300


def risk(weights, matrix):
    return np.sqrt(weights @ matrix @ weights)


def ratios(n_assets, n_periods, rng):
    """What one sample covariance makes of the best portfolios, over the best; by the package."""
    root = 0.01 * rng.standard_normal((n_assets, n_assets + 2))
    truth, mean = root @ root.T, 0.01 * rng.standard_normal(n_assets)
    sample = rng.multivariate_normal(mean, truth, n_periods, method="cholesky")
    estimate = covariance.sample(sample)
    inverse, wrong = np.linalg.inv(truth), np.linalg.inv(estimate)
    costly = {"truth": inverse @ mean, "sample": wrong @ mean}
    free = {
        "truth": optimization.zero_cost_sharpe(mean, truth),
        "sample": optimization.zero_cost_sharpe(mean, estimate),
    }
    row = []
    for w in (free, costly):
        best = w["truth"] @ mean / risk(w["truth"], truth)
        gain = w["sample"] @ mean
        row += [gain / risk(w["sample"], truth) / best, gain / risk(w["sample"], estimate) / best]
    least, chosen = inverse.sum(axis=0), wrong.sum(axis=0)
    lowest = (least / least.sum()) @ truth @ (least / least.sum())
    return [*row, (chosen / chosen.sum()) @ truth @ (chosen / chosen.sum()) / lowest]


def laws(n_assets, n_periods):
    return [
        estimation_error.realised_ratio(n_assets, n_periods),
        estimation_error.perceived_ratio(n_assets, n_periods),
        estimation_error.realised_ratio(n_assets, n_periods, zero_cost=False),
        estimation_error.perceived_ratio(n_assets, n_periods, zero_cost=False),
        estimation_error.minimum_variance_inflation(n_assets, n_periods),
    ]


@pytest.fixture(scope="module")
def z_values():
    """(simulated - law) / standard error, for every law and every point of the grid."""
    table = {}
    for point in GRID:
        rng = np.random.default_rng([1, *point])
        rows = np.array([ratios(*point, rng) for _ in range(REPLICATIONS)])
        errors = rows.std(axis=0, ddof=1) / np.sqrt(REPLICATIONS)
        fixed = errors < 1e-9  # two assets at no cost leave no choice
        assert fixed.tolist() == [point[0] == 2, False, False, False, False]
        gaps = rows.mean(axis=0) - laws(*point)
        assert np.abs(gaps[fixed]).max(initial=0) < 1e-9
        table[point] = gaps[~fixed] / errors[~fixed]
    return table


@pytest.mark.parametrize("point", GRID, ids=str)
def test_laws_hold_within_three_standard_errors(z_values, point):
    assert (np.abs(z_values[point]) < 3).all()


def test_laws_hold_together(z_values):
    """Deviations over the grid have the size of chance: the points are independent."""
    for law in range(-4, 0):
        z = np.array([values[law] for values in z_values.values()])
        assert stats.chi2.sf(z @ z, len(z)) > 0.001


def test_the_approximations_would_not_pass():
    """At (5, 14) the exact laws and the limits differ by far more than the test allows."""
    share = 1 - 5 / 14
    found = laws(5, 14)
    assert abs(found[0] - np.sqrt(share)) > 0.05
    assert abs(found[3] - 1 / np.sqrt(share)) > 0.05
    assert abs(found[4] - 1 / share) > 0.03


def expectation(function, law):
    """By numerical integration over the quantiles of the law."""
    value, error = integrate.quad(
        lambda x: function(x) * law.pdf(x), *law.support(), epsabs=0, epsrel=1e-11, limit=500
    )
    assert error < 1e-7 * value
    return value


@pytest.mark.parametrize("point", [*GRID, (3, 8), (50, 51 + 9)], ids=str)
@pytest.mark.parametrize("zero_cost", [True, False])
def test_ratios_by_integration(point, zero_cost):
    n_assets, n_periods = point
    p, n = n_assets - zero_cost, n_periods - 1
    if p > 1:
        beta = stats.beta((n - p + 2) / 2, (p - 1) / 2)
        realised = estimation_error.realised_ratio(*point, zero_cost=zero_cost)
        assert realised == pytest.approx(expectation(np.sqrt, beta), rel=1e-7)
    chi = stats.chi2(n - p + 1)
    perceived = estimation_error.perceived_ratio(*point, zero_cost=zero_cost)
    assert perceived == pytest.approx(expectation(lambda x: np.sqrt(n / x), chi), rel=1e-7)


@pytest.mark.parametrize("point", [*GRID, (3, 8)], ids=str)
def test_inflation_by_integration(point):
    n_assets, n_periods = point
    n = n_periods - 1
    beta = stats.beta((n - n_assets + 2) / 2, (n_assets - 1) / 2)
    inflation = estimation_error.minimum_variance_inflation(*point)
    assert inflation == pytest.approx(expectation(lambda y: 1 / y, beta), rel=1e-7)


def test_by_hand():
    """One degree of freedom to spare: N = 3, T = 5, chi-squared with 3 or 2 of them."""
    assert estimation_error.minimum_variance_inflation(3, 5) == 3.0
    # E sqrt(4 / X), X chi-squared(3): 2 sqrt(2 / pi). X chi-squared(2): 2 sqrt(pi / 2).
    assert estimation_error.perceived_ratio(3, 5) == pytest.approx(2 * np.sqrt(2 / np.pi))
    assert estimation_error.perceived_ratio(3, 5, zero_cost=False) == pytest.approx(
        2 * np.sqrt(np.pi / 2)
    )
    # E sqrt(Y), Y beta(2, 1 / 2): gamma(5 / 2)^2 / (gamma(2) gamma(3)) = (9 pi / 16) / 2.
    assert estimation_error.realised_ratio(3, 5) == pytest.approx(9 * np.pi / 32)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_limits_of_large_problems(share):
    T = 200_000
    N = round(share * T)
    limit = np.sqrt(1 - share)
    tolerance = 5 / (T * (1 - share))
    for zero_cost in (True, False):
        realised = estimation_error.realised_ratio(N, T, zero_cost=zero_cost)
        perceived = estimation_error.perceived_ratio(N, T, zero_cost=zero_cost)
        assert realised == pytest.approx(limit, rel=tolerance)
        assert perceived == pytest.approx(1 / limit, rel=tolerance)
    inflation = estimation_error.minimum_variance_inflation(N, T)
    assert inflation == pytest.approx(1 / limit**2, rel=tolerance)


def test_much_data_makes_no_error_and_little_choice_neither():
    np.testing.assert_allclose(laws(10, 10**7), 1, atol=1e-5)
    assert estimation_error.realised_ratio(2, 4) == pytest.approx(1, abs=1e-14)
    assert estimation_error.realised_ratio(1, 4, zero_cost=False) == pytest.approx(1, abs=1e-14)
    assert estimation_error.minimum_variance_inflation(1, 4) == 1.0


def test_more_data_is_better_and_more_assets_are_worse():
    for n in (2, 5, 20):
        rows = np.array([laws(n, n + k) for k in range(3, 60)])
        for column in (0, 2):
            assert (np.diff(rows[:, column]) > -1e-13).all()
        for column in (1, 3, 4):
            assert (np.diff(rows[:, column]) < 0).all()
    rows = np.array([laws(n, 100) for n in range(2, 97)])
    assert (np.diff(rows[:, 0]) < 0).all()
    assert (np.diff(rows[:, 1]) > 0).all()


def test_the_published_study():
    """N = 450, T = 500 and a best ratio of about 24.2: 7.7 realised, 77 perceived."""
    assert 24.2 * estimation_error.realised_ratio(450, 500) == pytest.approx(7.7, abs=0.1)
    assert 24.2 * estimation_error.perceived_ratio(450, 500) == pytest.approx(77, abs=1)


@pytest.mark.parametrize(
    ("n_assets", "n_periods", "zero_cost", "needed"),
    [(5, 6, False, 7), (5, 5, True, 6), (10, 3, True, 11), (1, 2, False, 3)],
)
def test_too_few_periods(n_assets, n_periods, zero_cost, needed):
    message = rf"{n_periods} periods and {n_assets} assets .* Use at least {needed} periods"
    for law in (estimation_error.realised_ratio, estimation_error.perceived_ratio):
        with pytest.raises(DataError, match=message):
            law(n_assets, n_periods, zero_cost=zero_cost)
        assert law(n_assets, needed, zero_cost=zero_cost) > 0
    if not zero_cost:
        with pytest.raises(DataError, match=message):
            estimation_error.minimum_variance_inflation(n_assets, n_periods)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10), "n_assets is 0"),
        ((1, 10), "n_assets is 1; it must be at least 2"),
        ((2.5, 10), "n_assets is 2.5; it must be a whole number"),
        ((2, 10.5), "n_periods is 10.5"),
        ((2, np.nan), "n_periods is nan"),
    ],
)
def test_numbers_that_are_no_counts(arguments, message):
    for law in (estimation_error.realised_ratio, estimation_error.perceived_ratio):
        with pytest.raises(DataError, match=message):
            law(*arguments)
