"""The size of tests: simulated records follow their laws, and the tests reject as they should."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import pearsonr

from mixfolio import montecarlo
from mixfolio.errors import DataError
from mixfolio.inference import _pairs as inference
from mixfolio.studies import size_of_tests


@pytest.mark.parametrize("process", size_of_tests.PROCESSES)
def test_laws_of_the_processes(process):
    z = size_of_tests._pair(process, 200_000, 0.8, np.random.default_rng(6))
    assert z.shape == (200_000, 2)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=0.06)
    last = np.corrcoef(z[1:, 0], z[:-1, 0])[0, 1]
    assert last == pytest.approx(0.3 if process == "AR(1)" else 0.0, abs=0.02)
    clustered = np.corrcoef(z[1:, 0] ** 2, z[:-1, 0] ** 2)[0, 1] > 0.15
    assert clustered == ("GARCH" in process)
    together = np.corrcoef(z.T)[0, 1]
    assert together == pytest.approx(0.8, abs=0.02 if process != "GARCH" else 0.1)


@pytest.mark.parametrize("common", [True, False])
def test_garch_against_a_loop(common):
    z = np.random.default_rng(14).standard_normal((30, 2, 3))
    shocks = size_of_tests._garch(z, common=common)
    for world in range(2):
        variance = np.ones(3)
        for period in range(30):
            shock = np.sqrt(variance) * z[period, world]
            np.testing.assert_allclose(shocks[period, world], shock, rtol=1e-12)
            last = np.full(3, (shock**2).mean()) if common else shock**2
            variance = 0.05 + 0.15 * last + 0.80 * variance


@pytest.mark.parametrize("process", ["GARCH", "common GARCH"])
def test_whether_the_variance_is_shared(process):
    z = size_of_tests._pair(process, 100_000, 0.8, np.random.default_rng(7))
    size = (z**2).sum(axis=1)
    gap = (z[:, 0] ** 2 - z[:, 1] ** 2) / size
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.15
    persistent = np.corrcoef(gap[1:], gap[:-1])[0, 1]
    assert (persistent > 0.05) if process == "GARCH" else (abs(persistent) < 0.02)


def test_all_tests_keep_their_level_under_their_assumptions():
    study = partial(size_of_tests.rejections, n_resamples=99)
    rates = montecarlo.run(study, 200, seed=8).mean()
    foils = {"Jobson-Korkie-Memmel", "Pitman-Morgan"}
    assert set(rates.index) == foils | {"bootstrap, Sharpe", "bootstrap, variance"}
    assert ((rates >= 0.005) & (rates <= 0.11)).all()  # 0.05 within three or more standard errors


def test_dependence_over_time_breaks_the_foils():
    study = partial(size_of_tests.rejections, process="AR(1)", n_resamples=99)
    rates = montecarlo.run(study, 200, seed=8).mean()
    assert rates["Jobson-Korkie-Memmel"] > 0.10
    assert rates["bootstrap, Sharpe"] < rates["Jobson-Korkie-Memmel"]


def test_unequal_records_are_rejected(monkeypatch):
    unequal = np.random.default_rng(9).standard_normal((240, 2)) * [1, 2] + [0.5, 0]
    monkeypatch.setattr(size_of_tests, "_pair", lambda *arguments: unequal)
    found = size_of_tests.rejections(np.random.default_rng(0), sharpe=0.3)
    assert all(value == 1.0 for value in found.values())


def test_formulas_at_once_are_the_formulas_one_by_one():
    pairs = np.random.default_rng(10).standard_normal((7, 60, 2)) + 0.3
    pairs[..., 1] += pairs[..., 0]
    alone = [inference.jobson_korkie_memmel(*pair.T).p_value for pair in pairs]
    np.testing.assert_allclose(size_of_tests._memmel(pairs), alone, rtol=1e-10)
    apart = [pearsonr(a + b, a - b).pvalue for a, b in pairs.swapaxes(1, 2)]
    np.testing.assert_allclose(size_of_tests._pitman(pairs), apart, rtol=1e-10)


def test_formulas_keep_their_level_under_their_assumptions():
    rng = np.random.default_rng(11)
    rates = size_of_tests.formula_rejections(rng, n_pairs=8000, n_periods=240)
    error = np.sqrt(0.05 * 0.95 / 8000)
    assert all(abs(rate - 0.05) <= 3 * error for rate in rates.values()), rates


@pytest.mark.parametrize("process", ["i.i.d.", "common GARCH"])
def test_records_in_a_family_follow_one_law(process):
    z = size_of_tests._draw(process, 50, 4, 0.6, np.random.default_rng(12), 4000)
    assert z.shape == (4000, 50, 4)
    np.testing.assert_allclose(z.var(axis=(0, 1)), 1, atol=0.05)
    flat = np.corrcoef(z[:, -1].T)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(flat, 0.6, atol=0.06)
    apart = np.corrcoef(z[:, -1, 0], z[[*range(1, 4000), 0], -1, 0])[0, 1]
    assert abs(apart) < 0.05  # worlds know nothing of each other


def test_families_of_equals_seldom_err():
    rates = montecarlo.run(size_of_tests.family_errors, 60, seed=13).mean()
    for name, rate in rates.items():
        level = 0.05 if name.startswith("stepdown") else 0.10
        assert rate <= level + 3 * np.sqrt(level * (1 - level) / 60), name
    assert len(rates) == 4


def test_errors_in_a_family_are_seen(monkeypatch):
    unequal = np.random.default_rng(9).standard_normal((1, 240, 5)) * [1, 1, 1, 1, 2]
    monkeypatch.setattr(size_of_tests, "_draw", lambda *arguments: unequal)
    found = size_of_tests.family_errors(np.random.default_rng(0), sharpe=0.5)
    assert found == dict.fromkeys(found, 1.0)


def test_arguments_of_rejections_are_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="process is 'GARCH-M'"):
        size_of_tests.rejections(rng, process="GARCH-M")
    with pytest.raises(DataError, match="n_periods is 10"):
        size_of_tests.rejections(rng, n_periods=10)
    with pytest.raises(DataError, match="block_length is 60"):
        size_of_tests.rejections(rng, n_periods=120, block_length=60)
    with pytest.raises(DataError, match="n_pairs is 0"):
        size_of_tests.formula_rejections(rng, n_pairs=0)
    with pytest.raises(DataError, match="process is 'noise'"):
        size_of_tests.family_errors(rng, process="noise")
    with pytest.raises(DataError, match="n_records is 1"):
        size_of_tests.family_errors(rng, n_records=1)
