"""Many records at once, against plain loops, and against what is known to be true."""

import math

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.inference import _bootstrap as resampling
from mixfolio.inference import _many as comparisons
from mixfolio.inference import _pairs as inference


def generator(seed=0):
    return np.random.default_rng(seed)


def records(seed=0, periods=120, volatilities=(1.0, 1.0, 1.0, 1.0, 1.0), means=0.05):
    rng = generator(seed)
    common = rng.standard_normal((periods, 1))
    own = rng.standard_normal((periods, len(volatilities)))
    values = means + np.array(volatilities) * (0.8 * common + 0.6 * own)
    return pd.DataFrame(
        0.01 * values,
        pd.date_range("2010-01-31", periods=periods, freq="ME"),
        [f"s{j}" for j in range(len(volatilities))],
    )


@pytest.mark.parametrize("measure", ["sharpe", "log_variance"])
def test_each_alone_is_the_test_of_two(measure):
    table = records(1, volatilities=(1.0, 0.8, 1.2))
    found = comparisons.stepdown(table, "s2", measure=measure, rng=generator(), n_resamples=199)
    test = {
        "sharpe": inference.sharpe_difference,
        "log_variance": inference.variance_difference,
    }[measure]
    for name in ("s0", "s1"):
        alone = test(table[name], table["s2"], rng=generator(), n_resamples=199)
        row = found.loc[name]
        assert row["difference"] == pytest.approx(alone.estimate, rel=1e-9)
        assert row["standard_error"] == pytest.approx(alone.standard_error, rel=1e-9)
        assert row["p_value"] == pytest.approx(alone.p_value)
    assert list(found.index) == ["s0", "s1"]


def stepdown_loop(observed, drawn):
    """Reject the largest, leave it out, compare the next with the maximum of the rest."""
    left, p, highest = list(range(len(observed))), {}, 0.0
    while left:
        first = max(left, key=lambda j: observed[j])
        maxima = drawn[:, left].max(axis=1)
        count = sum(value >= observed[first] for value in maxima)
        highest = max(highest, (count + 1) / (len(drawn) + 1))
        p[first] = highest
        left.remove(first)
    return [p[j] for j in range(len(observed))]


def test_adjusted_p_values_are_those_of_the_plain_loop():
    rng = generator(2)
    for _ in range(20):
        observed, drawn = np.abs(rng.standard_normal(6)) * 1.5, np.abs(rng.standard_normal((99, 6)))
        found = comparisons._adjusted(observed, drawn)
        np.testing.assert_allclose(found, stepdown_loop(observed, drawn), rtol=1e-15)


def test_adjustment_never_makes_a_claim_stronger():
    table = records(3, volatilities=(0.7, 0.9, 1.0, 1.1, 1.0))
    found = comparisons.stepdown(table, "s4", rng=generator(), n_resamples=499)
    assert (found["adjusted"] >= found["p_value"]).all()
    assert found["adjusted"].idxmin() == "s0"
    assert found.loc["s0", "adjusted"] < 0.05
    assert found.loc["s2", "adjusted"] > 0.05


def confidence_set_loop(losses, drawn):
    """Hansen, Lunde and Nason (2011), one record after another."""
    left, p, highest = set(range(len(losses))), dict.fromkeys(range(len(losses)), 1.0), 0.0
    while len(left) > 1:
        names = sorted(left)
        t, noise = {}, {}
        for j in names:
            away = losses[j] - np.mean([losses[k] for k in names])
            noise[j] = [row[j] - np.mean([row[k] for k in names]) for row in drawn]
            t[j] = away / math.sqrt(np.mean(np.square(noise[j])))
            noise[j] = np.array(noise[j]) / math.sqrt(np.mean(np.square(noise[j])))
        worst = max(names, key=lambda j: t[j])
        maxima = np.max([noise[j] for j in names], axis=0)
        highest = max(highest, ((maxima >= t[worst]).sum() + 1) / (len(drawn) + 1))
        p[worst] = highest
        left.remove(worst)
    return [p[j] for j in range(len(losses))]


def test_elimination_is_that_of_the_plain_loop():
    rng = generator(4)
    for _ in range(10):
        losses, drawn = rng.standard_normal(5), rng.standard_normal((199, 5))
        found = comparisons._eliminate(losses, drawn)
        np.testing.assert_allclose(found, confidence_set_loop(losses, drawn), rtol=1e-15)


def test_the_set_holds_the_best_and_drops_the_far_worse():
    table = records(5, 240, volatilities=(0.5, 0.5, 1.0, 1.5))
    found = comparisons.model_confidence_set(table, rng=generator(), n_resamples=499)
    assert found["included"].to_dict() == {"s0": True, "s1": True, "s2": False, "s3": False}
    assert found["p_value"].is_monotonic_decreasing
    expected = table.var(ddof=0)
    pd.testing.assert_series_equal(
        found["value"], expected[found.index], check_names=False, rtol=1e-12
    )


def test_variances_and_their_logarithms_are_in_the_units_of_the_returns():
    table = records(5, 240, volatilities=(0.5, 0.7, 1.0))
    logs = comparisons.model_confidence_set(
        table, measure="log_variance", rng=generator(), n_resamples=199
    )
    expected = np.log(table.var(ddof=0))[logs.index]
    pd.testing.assert_series_equal(logs["value"], expected, check_names=False, rtol=1e-12)
    for scale in (1.0, 100.0):
        steps = comparisons.stepdown(
            scale * table, "s2", measure="variance", rng=generator(), n_resamples=199
        )
        gaps = scale**2 * (table.var(ddof=0) - table["s2"].var(ddof=0))
        np.testing.assert_allclose(steps["difference"], gaps[steps.index], rtol=1e-12)
        squares = (table - table.mean()) ** 2
        each = (squares["s0"] - squares["s2"]).to_numpy()
        error = np.sqrt(resampling.newey_west(each - each.mean()) / len(each)) * scale**2
        assert steps.loc["s0", "standard_error"] == pytest.approx(error, rel=1e-9)


def test_the_set_by_sharpe_ratio():
    table = records(6, 400)
    table["s3"] += 0.006
    found = comparisons.model_confidence_set(
        table, measure="sharpe", rng=generator(), n_resamples=499
    )
    assert found.index[0] == "s3"
    assert found["included"].sum() == 1
    expected = table.mean() / table.std(ddof=1)
    pd.testing.assert_series_equal(
        found["value"], expected[found.index], check_names=False, rtol=1e-12
    )


def test_records_that_are_the_same_stay_together():
    table = records(7)
    table["copy"] = table["s0"]
    found = comparisons.model_confidence_set(table, rng=generator(), n_resamples=199)
    assert found.loc["copy", "p_value"] == pytest.approx(found.loc["s0", "p_value"], abs=0.02)
    alone = comparisons.model_confidence_set(
        table[["s0", "copy"]], rng=generator(), n_resamples=199
    )
    assert alone["included"].all()


@pytest.mark.parametrize("scale", [1e-6, 100.0])
def test_units_do_not_matter(scale):
    table = records(8, volatilities=(0.8, 1.0, 1.2))
    for call in (
        lambda t: comparisons.stepdown(t, "s0", rng=generator(), n_resamples=199),
        lambda t: comparisons.model_confidence_set(t, rng=generator(), n_resamples=199),
    ):
        plain, scaled = call(table), call(scale * table)
        pd.testing.assert_series_equal(plain["p_value"], scaled["p_value"])


def test_family_wise_error_rate_and_coverage():
    """Five records of equal variance: few false claims, and the best is seldom lost."""
    n_worlds, claims, lost = 150, 0, 0
    rng = generator(9)
    for world in range(n_worlds):
        table = records(1000 + world, 100)
        found = comparisons.stepdown(table, "s4", rng=rng, n_resamples=199)
        claims += (found["adjusted"] <= 0.05).any()
        kept = comparisons.model_confidence_set(table, level=0.9, rng=rng, n_resamples=199)
        lost += not kept.loc["s0", "included"]
    # Three binomial standard errors above the level.
    assert claims / n_worlds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / n_worlds)
    assert lost / n_worlds <= 0.10 + 3 * math.sqrt(0.10 * 0.90 / n_worlds)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"benchmark": "gold"}, r"benchmark is 'gold'"),
        ({"measure": "return"}, r"measure is 'return'; it must be one of"),
        ({"n_resamples": 10}, r"n_resamples is 10; it must be at least 99"),
        ({"block_length": 60}, r"block_length is 60"),
        ({"rng": 5}, r"rng is of type int"),
    ],
    ids=str,
)
def test_arguments_that_make_no_sense(change, message):
    options = {"benchmark": "s4", "rng": generator()} | change
    with pytest.raises(DataError, match=message):
        comparisons.stepdown(records(), **options)


@pytest.mark.parametrize("level", [0.0, 1.0, 90, np.nan])
def test_levels_that_make_no_sense(level):
    with pytest.raises(DataError, match="level is"):
        comparisons.model_confidence_set(records(), level=level, rng=generator())


def test_records_that_cannot_be_compared():
    table = records()
    both = (
        lambda t: comparisons.stepdown(t, "s4", rng=generator(), n_resamples=99),
        lambda t: comparisons.model_confidence_set(t, rng=generator(), n_resamples=99),
    )
    for call in both:
        with pytest.raises(DataError, match="s1 never changes"):
            call(table.assign(s1=0.01))
        with pytest.raises(DataError, match="missing or infinite"):
            call(table.where(table < 0.02))
        with pytest.raises(DataError, match="at least 20"):
            call(table.iloc[:19])
    with pytest.raises(DataError, match="must be a DataFrame"):
        comparisons.model_confidence_set(table.to_numpy(), rng=generator())
    with pytest.raises(DataError, match=r"s0 and the benchmark s4 are the same record"):
        comparisons.stepdown(table.assign(s0=table["s4"]), "s4", rng=generator())


@pytest.mark.parametrize("measure", ["sharpe", "variance", "log_variance"])
@pytest.mark.parametrize("level", [0.0, 0.003])
def test_a_record_that_stays_at_one_value_in_a_resample_is_refused_by_name(measure, level):
    """One that moves in three periods of sixty is still in many resamples."""
    quiet = pd.Series(level, range(60))
    quiet.iloc[[10, 31, 50]] += [0.03, -0.02, 0.02]
    table = records(3, 60, (1.0, 1.0, 1.0))
    table = table.assign(quiet=quiet.to_numpy())
    options = {"measure": measure, "rng": generator(1), "n_resamples": 499}
    with pytest.raises(DataError, match=r"^quiet stays at one value in a resample.* Leave it out"):
        comparisons.model_confidence_set(table, **options)
    for benchmark in ("s0", "quiet"):
        with pytest.raises(DataError, match=r"^quiet stays at one value in a resample"):
            comparisons.stepdown(table, benchmark, **options)
    almost = table.assign(quiet=0.003 + 1e-10 * table["s1"])
    with pytest.raises(DataError, match=r"^quiet never changes, but for rounding"):
        comparisons.model_confidence_set(almost, **options)


def test_records_that_differ_by_little_but_surely_are_told_apart():
    """The second moves like the first but for a ten-billionth, more in almost every block."""
    losses, rng = np.array([0.0, 5e-10]), generator(2)
    noise = 1e-10 * rng.standard_normal((999, 1)) * np.array([0.5, -0.5])
    p = comparisons._eliminate(losses, noise)
    assert p[0] == 1
    assert p[1] < 0.01
    assert (comparisons._eliminate(losses * 1e-4, noise * 1e-4) == 1).all(), "that is rounding"
