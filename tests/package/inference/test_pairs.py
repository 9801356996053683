"""Tests of Sharpe ratios: the formulas, the bootstrap, its size and power, and the refusals."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.sandwich_covariance import S_hac_simple

from mixfolio import inference
from mixfolio.errors import DataError
from mixfolio.inference import _bootstrap as resampling
from mixfolio.inference._pairs import jobson_korkie_memmel, sharpe_difference, variance_difference
from mixfolio.metrics import sharpe_ratio

SEED = 20080901
RHO = 0.5


def generator(seed=SEED):
    return np.random.default_rng(seed)


def normal_pairs(rng, n_pairs, n_periods, mean=(0.1, 0.1)):
    """Correlated standard normal pairs, moved to the means: (n_pairs, n_periods, 2)."""
    z = rng.standard_normal((n_pairs, n_periods, 2))
    z[..., 1] = RHO * z[..., 0] + math.sqrt(1 - RHO**2) * z[..., 1]
    return np.array(mean) + z


def autoregressive_pairs(rng, n_pairs, n_periods, memory=0.2):
    """Both series follow an AR(1) of unit variance around the same mean."""
    shocks = normal_pairs(rng, n_pairs, n_periods + 50, (0, 0)) * math.sqrt(1 - memory**2)
    for t in range(1, n_periods + 50):
        shocks[:, t] += memory * shocks[:, t - 1]
    return 0.1 + shocks[:, 50:]


def garch_pairs(rng, n_pairs, n_periods):
    """Both series follow a GARCH(1, 1) of unit variance around the same mean."""
    shocks = normal_pairs(rng, n_pairs, n_periods + 100, (0, 0))
    variance = np.ones((n_pairs, 2))
    for t in range(n_periods + 100):
        shocks[:, t] *= np.sqrt(variance)
        variance = 0.05 + 0.10 * shocks[:, t] ** 2 + 0.85 * variance
    return 0.1 + shocks[:, 100:]


@pytest.fixture
def pair():
    """Two records of 120 periods as arrays."""
    first, second = normal_pairs(generator(), 1, 120)[0].T
    return 0.04 * first, 0.06 * second


def both(first, second, **options):
    """The results of the two tests, the bootstrap's from a fresh generator."""
    return jobson_korkie_memmel(first, second, **options), sharpe_difference(
        first, second, rng=generator(), n_resamples=499, **options
    )


# ------------------------------------------------------------------- Jobson, Korkie and Memmel


def memmel_variance(first, second, rho):
    """T times the asymptotic variance of the difference of Sharpe ratios, written out."""
    return 2 - 2 * rho + 0.5 * (first**2 + second**2 - 2 * first * second * rho**2)


def test_memmel_from_sums_of_whole_numbers():
    steps = np.array([2, -1, 3, 0, -2, 1, 1, 4, -3, 2, 0, -1, 2, 1, -2, 3, 0, 1, -1, 1])
    other = np.array([1, 0, 2, -1, 1, 2, -2, 3, -1, 0, 1, -2, 1, 2, 0, 1, -1, 2, -1, 0])
    n = 20
    centred = [sum(x * x) - sum(x) ** 2 / n for x in (steps, other)]
    product = sum(steps * other) - sum(steps) * sum(other) / n
    one, two = (
        sum(x) / n / math.sqrt(c / (n - 1)) for x, c in zip((steps, other), centred, strict=True)
    )
    rho = product / math.sqrt(centred[0] * centred[1])
    error = math.sqrt(memmel_variance(one, two, rho) / n)
    found = jobson_korkie_memmel(0.25 * steps, 0.25 * other, level=0.9)
    assert found.estimate == pytest.approx(one - two, rel=1e-12)
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    assert found.p_value == pytest.approx(2 * norm.cdf(-abs(one - two) / error), rel=1e-12)
    half = 1.6448536269514722 * error
    assert found.interval == pytest.approx((one - two - half, one - two + half), rel=1e-12)


@pytest.mark.parametrize("mean", [(0.1, 0.1), (0.8, 0.3), (0.6, -0.4)])
def test_memmel_is_the_variance_of_the_difference_under_normality(mean):
    n_pairs, n_periods = 4000, 500
    x = normal_pairs(generator(), n_pairs, n_periods, mean)
    ratios = x.mean(axis=1) / x.std(axis=1, ddof=1)
    simulated = n_periods * (ratios[:, 0] - ratios[:, 1]).var(ddof=1)
    # A variance from n normal draws has the relative standard error sqrt(2 / n).
    assert simulated == pytest.approx(memmel_variance(*mean, RHO), rel=3 * math.sqrt(2 / n_pairs))


def test_memmel_keeps_its_digits_when_the_series_are_close(pair):
    first = pair[0]
    second = first + 1e-5 * pair[1]
    found = jobson_korkie_memmel(first, second)
    z = [(x - x.mean()) / x.std() for x in (first, second)]
    slope = (sharpe_ratio(first) + sharpe_ratio(second)) / 2
    # Near rho = 1, 1 - rho^2 is 2 - 2 rho, which is the mean squared gap of standard scores.
    near = ((z[0] - z[1]) ** 2).mean() * (1 + slope**2) + found.estimate**2 / 2
    assert found.standard_error == pytest.approx(math.sqrt(near / 120), rel=1e-6)


# ------------------------------------------------------------------- the pieces of the bootstrap


MEASURES = [pytest.param(measure, id=name) for name, measure in resampling.MEASURES.items()]


def difference(measure, v):
    """Value and gradient of the difference at (mean1, mean2, square1, square2)."""
    values, by_mean, by_square = measure(v[:2], v[2:])
    return values[0] - values[1], np.concatenate([by_mean, by_square]) * [1, -1, 1, -1]


@pytest.mark.parametrize("measure", MEASURES)
def test_gradient_is_that_of_finite_differences(measure):
    v = np.array([0.05, -0.02, 0.9, 1.3])
    _, gradient = difference(measure, v)
    step = 1e-6
    for i, direction in enumerate(np.eye(4)):
        up, down = (difference(measure, v + s * step * direction)[0] for s in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), rel=1e-8)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("n_periods", [20, 120, 700])
def test_newey_west_is_that_of_statsmodels(n_periods, measure):
    x = autoregressive_pairs(generator(), 1, n_periods)[0]
    moments = np.hstack([x, x**2])
    centred = moments - moments.mean(axis=0)
    _, gradient = difference(measure, moments.mean(axis=0))
    lags = int(4 * (n_periods / 100) ** (2 / 9))
    psi = S_hac_simple(centred, nlags=lags) / n_periods
    _, influences = resampling.influences(x, measure)
    found = resampling.newey_west(influences[:, 0] - influences[:, 1])
    assert found == pytest.approx(gradient @ psi @ gradient, rel=1e-12)


def one_resample(measure, moments, gap, length, rng):
    """One resample as the paper writes it, from whole blocks and the full matrix Psi."""
    T, n_blocks = len(moments), len(moments) // length
    starts = rng.integers(0, T, n_blocks)
    blocks = moments[(starts[:, None] + np.arange(length)) % T]
    centre = blocks.mean(axis=(0, 1))
    resampled, gradient = difference(measure, centre)
    zeta = (blocks - centre).sum(axis=1) / math.sqrt(length)
    error = math.sqrt(gradient @ (zeta.T @ zeta / n_blocks) @ gradient / (n_blocks * length))
    return abs(resampled - gap) / error


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("length", [1, 5, 7])
def test_resamples_are_those_of_the_paper_whatever_the_chunk(pair, length, measure, monkeypatch):
    x = np.column_stack(pair)
    moments, rng = np.hstack([x, x**2]), generator()
    gap, _ = difference(measure, moments.mean(axis=0))
    expected = [one_resample(measure, moments, gap, length, rng) for _ in range(50)]
    for chunk in (1, 1000, resampling.CHUNK):
        monkeypatch.setattr(resampling, "CHUNK", chunk)
        found = resampling.studentised_differences(x, measure, length, 50, generator(), "ab")
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-10)


@pytest.mark.parametrize("measure", MEASURES)
def test_many_series_share_their_resamples(pair, measure):
    x = np.column_stack([pair[0] - pair[1], *pair])
    together = resampling.studentised_differences(x, measure, 5, 40, generator(), "abc")
    for j in (0, 1):
        alone = resampling.studentised_differences(x[:, [j, 2]], measure, 5, 40, generator(), "ab")
        np.testing.assert_allclose(together[:, j], alone[:, 0], rtol=1e-10)


def test_resample_without_variation_of_the_difference_is_infinitely_extreme():
    """Both move, but blocks of two periods are all alike, except where the first is in it."""
    x = np.tile([[1.0, -1.0], [-1.0, 2.0]], (10, 1))
    x[0] += 0.1
    found = resampling.studentised_differences(x, resampling.sharpe, 2, 400, generator(), "ab")
    assert np.isinf(found).any()
    assert not np.isnan(found).any()


@pytest.mark.parametrize("test", [sharpe_difference, variance_difference])
@pytest.mark.parametrize("level", [0.0, 0.003, -7.0])
def test_a_record_that_stays_at_one_value_in_a_resample_is_refused_by_name(pair, test, level):
    """Rounding leaves a resample at 0.003 with a variance that is not quite zero."""
    quiet = pd.Series(level, range(120), name="Cash")
    quiet.iloc[[10, 60]] += 0.01
    other = pd.Series(pair[0], name="Stocks")
    with pytest.raises(
        DataError, match=r"^second \(Cash\) stays at one value in a resample.*Leave"
    ):
        test(other, quiet, rng=generator(), n_resamples=499)
    almost = (level * (1 + 1e-9 * other)).rename("Cash")
    with pytest.raises(DataError, match=r"^first \(Cash\) is .* in every period, but for rounding"):
        test(almost, other, rng=generator())


def test_what_counts_as_zero_is_a_share_of_the_mean_square():
    square = np.array([1.0, 1.0, 0.0, 1e-20])
    mean = np.sqrt(square * (1 - np.array([9e-14, 1.1e-13, 0, 0.5])))
    assert resampling.stays(mean, square).tolist() == [True, False, True, False]


# ------------------------------------------------------------------- what the bootstrap returns


def test_p_value_and_interval_are_those_of_the_plain_recipe(pair):
    x = np.column_stack(pair)
    moments = np.hstack([x, x**2])
    gap, gradient = difference(resampling.sharpe, moments.mean(axis=0))
    psi = S_hac_simple(moments - moments.mean(axis=0), nlags=4) / 120
    error = math.sqrt(gradient @ psi @ gradient / 120)
    rng = generator()
    drawn = sorted(one_resample(resampling.sharpe, moments, gap, 5, rng) for _ in range(199))
    found = sharpe_difference(*pair, rng=generator(), n_resamples=199)
    extreme = sum(value >= abs(gap) / error for value in drawn)
    assert 5 < extreme < 195
    assert found.p_value == (1 + extreme) / 200
    assert found.standard_error == pytest.approx(error * math.sqrt(119 / 120), rel=1e-10)
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(drawn[189] * found.standard_error, rel=1e-10)


def test_estimate_is_the_difference_of_sharpe_ratios_with_ddof_1(pair):
    expected = sharpe_ratio(pair[0]) - sharpe_ratio(pair[1])
    for found in both(*pair):
        assert found.estimate == pytest.approx(expected, rel=1e-12)
        assert sum(found.interval) / 2 == pytest.approx(expected, rel=1e-12)


def test_same_generator_same_result(pair):
    first, again = (sharpe_difference(*pair, rng=generator(), n_resamples=199) for _ in range(2))
    assert first == again
    other = sharpe_difference(*pair, rng=generator(1), n_resamples=199)
    assert other.interval != first.interval
    assert (other.estimate, other.standard_error) == (first.estimate, first.standard_error)


def test_exchanging_the_series_turns_the_sign(pair):
    for there, back in zip(both(*pair), both(*pair[::-1]), strict=True):
        assert back.estimate == pytest.approx(-there.estimate, rel=1e-12)
        assert back.standard_error == pytest.approx(there.standard_error, rel=1e-10)
        assert back.p_value == pytest.approx(there.p_value, rel=1e-10)
        assert back.interval == pytest.approx([-end for end in there.interval[::-1]], rel=1e-10)


@pytest.mark.parametrize("scale", [1e-8, 100.0, 1e8])
def test_units_do_not_matter(pair, scale):
    for plain, scaled in zip(both(*pair), both(scale * pair[0], pair[1]), strict=True):
        assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-9)
        assert scaled.standard_error == pytest.approx(plain.standard_error, rel=1e-9)
        assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-9)


def test_interval_leaves_out_zero_exactly_when_the_test_rejects():
    rng, verdicts = generator(), set()
    for x in normal_pairs(rng, 200, 60, (0.3, 0.0)):
        found = sharpe_difference(*x.T, rng=rng, n_resamples=199)
        rejects = found.p_value <= 0.05
        assert rejects == (found.interval[0] > 0 or found.interval[1] < 0)
        verdicts.add(rejects)
    assert verdicts == {True, False}


def test_wider_at_a_higher_level(pair):
    for low, high in zip(both(*pair, level=0.8), both(*pair, level=0.99), strict=True):
        assert high.interval[0] < low.interval[0] < low.interval[1] < high.interval[1]
        assert high.p_value == low.p_value


def test_default_block_is_the_cube_root(pair):
    default, five = (
        sharpe_difference(*pair, rng=generator(), n_resamples=99, block_length=length)
        for length in (None, 5)
    )
    assert default == five


@pytest.mark.parametrize("factor", [1.0, 0.1, 3.0])
def test_a_multiple_of_a_series_has_no_difference(pair, factor):
    first = pair[0]
    for found in both(first, factor * first):
        assert (found.estimate, found.standard_error, found.p_value) == (0, 0, 1)
        assert found.interval == (0, 0)


def test_the_opposite_of_a_series_is_another(pair):
    for found in both(pair[0], -pair[0]):
        assert found.estimate == pytest.approx(2 * sharpe_ratio(pair[0]), rel=1e-12)
        assert found.standard_error > 0


def test_series_are_matched_by_period(pair):
    months = pd.period_range("2000-01", periods=120, freq="M")
    first, second = (pd.Series(x, index=months) for x in pair)
    assert both(first, second.sample(frac=1, random_state=1)) == both(*pair)
    assert both(first, pair[1]) == both(*map(list, pair)) == both(*pair)


# ------------------------------------------------------------------- size and power

N_PAIRS = 2000
MONTE_CARLO = 3 * math.sqrt(0.05 * 0.95 / N_PAIRS)  # three standard errors: 0.015


def rejection_rates(draw, n_periods=120):
    """Share of equal Sharpe ratios that the bootstrap, and Memmel's test, reject at 5 %."""
    rng = generator()
    pairs = draw(rng, N_PAIRS, n_periods)
    robust = [sharpe_difference(*x.T, rng=rng, n_resamples=199).p_value <= 0.05 for x in pairs]
    classic = [jobson_korkie_memmel(*x.T).p_value <= 0.05 for x in pairs]
    return np.mean(robust), np.mean(classic)


@pytest.mark.parametrize(
    ("draw", "band"),
    [
        (normal_pairs, (0.04, 0.06)),
        (garch_pairs, (0.04, 0.06)),
        (autoregressive_pairs, (0.04, 0.07)),
    ],
)
def test_bootstrap_rejects_equal_ratios_about_as_often_as_it_says(draw, band):
    robust, _ = rejection_rates(draw)
    assert band[0] - MONTE_CARLO < robust < band[1] + MONTE_CARLO


@pytest.mark.slow
def test_memmel_holds_its_size_under_normality_and_loses_it_under_dependence():
    _, normal = rejection_rates(normal_pairs)
    robust, dependent = rejection_rates(autoregressive_pairs)
    assert abs(normal - 0.05) < MONTE_CARLO
    assert dependent > 0.08 + MONTE_CARLO
    assert dependent > 1.5 * robust


def test_interval_covers_a_true_difference():
    rng, mean = generator(), (0.4, 0.1)
    covered = []
    for x in normal_pairs(rng, N_PAIRS, 120, mean):
        low, high = sharpe_difference(*x.T, rng=rng, n_resamples=199).interval
        covered.append(low <= mean[0] - mean[1] <= high)
    assert abs(np.mean(covered) - 0.95) < 0.01 + MONTE_CARLO


def test_a_large_difference_is_found():
    rng = generator()
    pairs = normal_pairs(rng, 200, 120, (0.5, 0.0))
    found = [sharpe_difference(*x.T, rng=rng, n_resamples=199).p_value <= 0.05 for x in pairs]
    assert np.mean(found) > 0.95  # the difference is more than five standard errors


# ------------------------------------------------------------------- refusals


def with_cell(values, value):
    changed = np.array(values)
    changed[17] = value
    return changed


BAD_SERIES = {
    "shorter": (lambda a, b: (a, b[:-3]), r"first has 120 periods and second has 117.*Cut them"),
    "missing": (lambda a, b: (with_cell(a, np.nan), b), r"first has 1 return.*period 17\. Drop"),
    "infinite": (lambda a, b: (a, with_cell(b, np.inf)), r"second has 1 return.*period 17\. Drop"),
    "constant": (lambda a, b: (a, np.full(120, 0.1)), r"second is 0\.1 in every period.*Leave"),
    "zero": (lambda a, b: (0 * a, b), r"first is 0 in every period.*Leave the series out"),
    "few": (lambda a, b: (a[:19], b[:19]), r"first has 19 periods.*at least 20.*longer"),
    "empty": (lambda a, b: ([], []), r"first has 0 periods.*at least 20"),
    "table": (lambda a, b: (a, b[:, None]), r"second has shape \(120, 1\).*single column"),
    "number": (lambda a, b: (0.3, b), r"first has shape \(\).*one series"),
    "text": (lambda a, b: (["up"] * 120, b), r"first holds something that is not a number.*Conv"),
}


@pytest.mark.parametrize("case", BAD_SERIES)
def test_unusable_series_are_refused(pair, case):
    damage, message = BAD_SERIES[case]
    first, second = damage(*pair)
    with pytest.raises(DataError, match=message):
        jobson_korkie_memmel(first, second)
    with pytest.raises(DataError, match=message):
        sharpe_difference(first, second, rng=generator())


def test_labels_tell_where(pair):
    months = pd.period_range("2000-01", periods=120, freq="M")
    first, second = (pd.Series(x, index=months) for x in pair)
    with pytest.raises(
        DataError, match=r"2 period.*only one of first and second, the first 2000-01.*align"
    ):
        jobson_korkie_memmel(first, second.shift(1, freq="M"))
    with pytest.raises(DataError, match=r"second has 1 repeated period.*2000-02"):
        jobson_korkie_memmel(first, second.rename({months[0]: months[1]}))
    with pytest.raises(DataError, match=r"first has 2 return.*period 2001-06"):
        jobson_korkie_memmel(first.where(~months.isin(months[17:19])), second)


@pytest.mark.parametrize("level", [0, 1, 0.0, 1.0, -0.1, 95, float("nan"), "high", None])
def test_a_level_outside_0_and_1_is_refused(pair, level):
    message = r"level is .*between 0 and 1.*0\.95"
    with pytest.raises(DataError, match=message):
        jobson_korkie_memmel(*pair, level=level)
    with pytest.raises(DataError, match=message):
        sharpe_difference(*pair, rng=generator(), level=level)


@pytest.mark.parametrize("length", [0, -1, 25, 120, 2.5, "five", True])
def test_a_bad_block_length_is_refused(pair, length):
    with pytest.raises(DataError, match=r"block_length is .*120 periods.*1 and 24.*root, 5"):
        sharpe_difference(*pair, rng=generator(), block_length=length)


@pytest.mark.parametrize("number", [0, -1, 18, 99.5, None, True])
def test_too_few_resamples_are_refused(pair, number):
    with pytest.raises(DataError, match=r"n_resamples is .*level 0\.95.*at least 19\."):
        sharpe_difference(*pair, rng=generator(), n_resamples=number)
    assert sharpe_difference(*pair, rng=generator(), n_resamples=19).p_value >= 0.05


@pytest.mark.parametrize("rng", [42, None, np.random.RandomState(1)])
def test_anything_but_a_generator_is_refused(pair, rng):
    with pytest.raises(DataError, match=rf"rng is of type {type(rng).__name__}.*default_rng"):
        sharpe_difference(*pair, rng=rng)


def test_a_fixed_pattern_is_refused():
    pattern = np.tile([1.0, -1.0], 20)
    with pytest.raises(DataError, match=r"standard error of zero.*fixed pattern.*observed"):
        sharpe_difference(pattern, pattern + 0.5, rng=generator())


# ------------------------------------------------------------------- variances


def test_difference_of_log_variances(pair):
    first, second = pair
    found = variance_difference(3 * first, second, rng=generator(), n_resamples=199)
    expected = math.log(9 * first.var() / second.var())
    assert found.estimate == pytest.approx(expected, rel=1e-12)
    assert sum(found.interval) / 2 == pytest.approx(expected, rel=1e-12)
    assert found.interval[0] > 0
    assert found.p_value == 1 / 200


def test_variances_scale_together(pair):
    plain = variance_difference(*pair, rng=generator(), n_resamples=199)
    scaled = variance_difference(
        *(1e-7 * series for series in pair), rng=generator(), n_resamples=199
    )
    assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-9)
    assert scaled.p_value == plain.p_value


def test_a_multiple_has_another_variance_and_itself_has_not(pair):
    first = pair[0]
    found = variance_difference(first, first, rng=generator(), n_resamples=199)
    assert (found.estimate, found.standard_error, found.p_value) == (0, 0, 1)
    with pytest.raises(DataError, match=r"difference of the variances .* standard error of zero"):
        variance_difference(first, 2 * first, rng=generator(), n_resamples=199)


def test_size_of_the_test_of_variances():
    rng, rejected, n_pairs = generator(5), 0, 400
    for x in normal_pairs(rng, n_pairs, 120, (0.05, 0.05)):
        rejected += variance_difference(*x.T, rng=rng, n_resamples=199).p_value <= 0.05
    # Three binomial standard errors around the level, and a little for 120 periods.
    assert rejected / n_pairs == pytest.approx(
        0.05, abs=3 * math.sqrt(0.05 * 0.95 / n_pairs) + 0.01
    )


# ------------------------------------------------------------------ pooled over pairs


def overlapping(seed, n_periods=300, n_pairs=3, gap=0.0):
    """Records of pairs that share a common part, with the same variances but for `gap`."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n_periods, 2))
    first = common[:, [0]] + 0.3 * rng.standard_normal((n_periods, n_pairs))
    second = common[:, [1]] + 0.3 * rng.standard_normal((n_periods, n_pairs))
    names = [f"set {j}" for j in range(n_pairs)]
    return pd.DataFrame(np.exp(gap / 2) * first, columns=names), pd.DataFrame(second, columns=names)


def test_one_pair_has_the_difference_of_the_bootstrap():
    first, second = overlapping(1, n_pairs=1)
    found = inference.pooled_variance_difference(first, second)
    alone = inference.variance_difference(
        first["set 0"], second["set 0"], rng=np.random.default_rng(0), n_resamples=99
    )
    assert found.estimate == pytest.approx(alone.estimate, rel=1e-12)
    assert found.standard_error == pytest.approx(alone.standard_error, rel=1e-9)


def test_pooled_differences_are_averaged_by_period():
    first, second = overlapping(2, gap=0.2)
    found = inference.pooled_variance_difference(first, second[second.columns[::-1]])
    expected = np.mean([np.log(first[x].var() / second[x].var()) for x in first])
    assert found.estimate == pytest.approx(expected, rel=1e-12)
    each = sum(
        (first[x] - first[x].mean()) ** 2 / first[x].var(ddof=0)
        - (second[x] - second[x].mean()) ** 2 / second[x].var(ddof=0)
        for x in first
    ) / len(first.columns)
    T, lags = len(each), int(4 * (len(each) / 100) ** (2 / 9))
    total = (each**2).mean()
    for lag in range(1, lags + 1):
        product = (each.iloc[lag:].to_numpy() * each.iloc[:-lag].to_numpy()).sum() / T
        total += 2 * (1 - lag / (lags + 1)) * product
    assert found.standard_error == pytest.approx(np.sqrt(total / T), rel=1e-9)


def test_pooled_differences_reject_as_rarely_as_they_say():
    """Overlapping sets are not independent: treating them so would reject in a third of worlds."""
    p = [inference.pooled_variance_difference(*overlapping(seed)).p_value for seed in range(400)]
    rate = np.mean(np.array(p) <= 0.05)
    assert abs(rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: (a, b.drop(columns="set 0")), "same columns"),
        (lambda a, b: (a, a), "same records in every pair"),
        (lambda a, b: (a["set 0"], b["set 0"]), "must be DataFrames"),
        (lambda a, b: (a[:10], b[:10]), "10 periods"),
        (lambda a, b: (a, b[:-1]), "in only one of first and second"),
        (lambda a, b: (a[[]], b[[]]), r"300 period\(s\) and 0 pair\(s\).*at least one"),
        (lambda a, b: (a[:0], b[:0]), r"0 period\(s\) and 3 pair\(s\)"),
        (lambda a, b: (a.iloc[:0, :0], b.iloc[:0, :0]), r"0 period\(s\) and 0 pair\(s\)"),
        (lambda a, b: (a, b.assign(**{"set 1": 0.003})), r"second \(set 1\) is 0\.003 in every"),
    ],
)
def test_pairs_that_cannot_be_pooled(change, message):
    with pytest.raises(DataError, match=message):
        inference.pooled_variance_difference(*change(*overlapping(3)))
