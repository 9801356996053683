"""What the benchmarks share: rounds, ratios, targets."""

import importlib.util
import itertools
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks/measure.py"


@pytest.fixture
def measure(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # the script changes it, pytest puts it back
    spec = importlib.util.spec_from_file_location("measure", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clock(measure, monkeypatch):
    """A clock that only the functions of `takes` move on."""

    class Clock:
        now = 0.0

        def takes(self, seconds):
            seconds = itertools.cycle([seconds] if isinstance(seconds, float) else seconds)

            def function():
                self.now += next(seconds)

            return function

    clock = Clock()
    monkeypatch.setattr(measure, "clock", lambda: clock.now)
    return clock


def test_slow_calls_get_few_rounds_and_quick_ones_many(measure, clock):
    assert len(measure.in_turns([clock.takes(30.0)])[0]) == measure.FEWEST
    assert len(measure.in_turns([clock.takes(0.01), clock.takes(0.02)])[0]) == measure.MOST
    between = len(measure.in_turns([clock.takes(0.1), clock.takes(0.1)])[0])
    assert between == pytest.approx(measure.BUDGET / 0.2, abs=1)


def test_short_calls_are_repeated_and_their_median_counts(measure, clock):
    assert measure.steady(clock.takes([0.001, 0.9, 0.001])) == pytest.approx(0.45, abs=0.01)
    assert measure.steady(clock.takes([0.001, 0.002, 0.003])) == pytest.approx(0.002)


def test_ratios_are_those_of_the_rounds(measure):
    row = measure.paired([1.0, 2.0, 4.0], [10.0, 20.0, 80.0])
    assert row["times as fast"] == {
        "median": 10.0,
        "lower quartile": 10.0,
        "upper quartile": 15.0,
        "rounds": 3,
    }
    assert row["seconds"]["median"] == 2.0
    assert row["peer seconds"]["median"] == 20.0


def test_a_row_has_ratio_errors_and_target(measure, clock):
    (row,) = measure.compared(
        "work",
        "N = 1",
        clock.takes(0.1),
        {"Peer": clock.takes(0.5)},
        error=lambda result: 0.25,
        targets={"Peer": 6, "Other": 1},
    )
    assert row["times as fast"]["median"] == pytest.approx(5.0)
    assert (row["error"], row["peer error"]) == (0.25, 0.25)
    assert row["targets"] == [{"figure": "times as fast", "at least": 6, "met": False}]


def test_a_cost_is_the_difference_in_each_round(measure, clock):
    row = measure.extra("labels", "N = 1", clock.takes(0.10005), clock.takes(0.1), at_most=100)
    assert row["extra microseconds"]["median"] == pytest.approx(50, rel=1e-3)
    assert row["targets"] == [{"figure": "extra microseconds", "at most": 100, "met": True}]


def test_the_same_seed_gives_the_same_returns(measure):
    table = measure.returns(30, 12)
    assert table.shape == (30, 12)
    assert table.equals(measure.returns(30, 12))
    assert not table.equals(measure.returns(30, 12, seed=2))
