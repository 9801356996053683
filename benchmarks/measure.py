"""What all benchmarks share: one thread, timing in pairs, rows of a table, one JSON document out.

A row compares the package with one peer at one piece of work of one size. In every round both are
timed one after the other, so that both meet the same other load of the machine; the ratio of a
round is the peer's time over the package's. What takes less than `LEAST` seconds is repeated until
it has taken that long, and the median of the repetitions counts. Rounds go on until `BUDGET`
seconds are spent or `MOST` rounds are made, but there are `FEWEST`: a slow peer gets few.

The clock counts processor time of this process, all its threads together. With one thread on an
idle machine that is the time that passes; on a busy one it leaves out the time of others. Where the
system's clock for it is coarse, the time that passes is taken.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "RAYON_NUM_THREADS",  # Clarabel
    ),
    "1",
)
BUDGET, FEWEST, MOST = 2.0, 3, 25
LEAST, REPETITIONS = 0.005, 20
MICROSECOND = 1e-6
FINE = time.get_clock_info("process_time").resolution < MICROSECOND
clock = time.process_time if FINE else time.perf_counter

Function = Callable[[], Any]

sys.stdout = sys.stderr  # what peers print does not belong in the document


def timed(function: Function) -> float:
    start = clock()
    function()
    return clock() - start


def steady(function: Function) -> float:
    """Seconds of a call: the median of repetitions, where one is short."""
    seconds = [timed(function)]
    while sum(seconds) < LEAST and len(seconds) < REPETITIONS:
        seconds.append(timed(function))
    return statistics.median(seconds)


def in_turns(functions: Sequence[Function]) -> list[list[float]]:
    """Seconds of every function, one list each, round by round."""
    rounds: list[list[float]] = []
    start = clock()
    while len(rounds) < FEWEST or (len(rounds) < MOST and clock() - start < BUDGET):
        rounds.append([steady(function) for function in functions])
    return [list(column) for column in zip(*rounds, strict=True)]


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """Median and quartiles, with four digits."""
    lower, median, upper = np.quantile(np.asarray(values), [0.25, 0.5, 0.75])
    return {
        "median": rounded(median),
        "lower quartile": rounded(lower),
        "upper quartile": rounded(upper),
        "rounds": len(values),
    }


def rounded(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def compared(
    work: str,
    size: str,
    ours: Function,
    peers: Mapping[str, Function],
    *,
    error: Callable[[Any], float] | None = None,
    difference: Callable[[Any], float] | None = None,
    targets: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """One row a peer. `targets` are ratios, by peer.

    `error` measures what the package gives and what the peer gives; `difference` measures how far
    what the peer gives is from the package's, where neither is exact by itself.
    """
    rows = []
    for peer, theirs in peers.items():
        results = ours(), theirs()  # also warms up
        print(f"  {work}, {size}: {peer}", flush=True)
        rows.append({"work": work, "size": size, "peer": peer, **paired(*in_turns([ours, theirs]))})
        if error is not None:
            mine, other = (rounded(error(result), 2) for result in results)
            rows[-1] |= {"error": mine, "peer error": other}
        if difference is not None:
            rows[-1]["difference"] = rounded(difference(results[1]), 2)
        if targets and peer in targets:
            aim(rows[-1], "times as fast", at_least=targets[peer])
    return rows


def paired(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Times of both, and the ratios of the rounds."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "seconds": summary(ours),
        "peer seconds": summary(theirs),
        "times as fast": summary(ratios),
    }


def alone(work: str, size: str, ours: Function) -> dict[str, Any]:
    """The row of work that no peer does."""
    ours()
    print(f"  {work}, {size}", flush=True)
    return {"work": work, "size": size, "peer": None, "seconds": summary(in_turns([ours])[0])}


def extra(work: str, size: str, more: Function, less: Function, *, at_most: float) -> dict:
    """The row of a cost: what one call takes longer than another, in microseconds."""
    more(), less()
    print(f"  {work}, {size}", flush=True)
    a, b = in_turns([more, less])
    cost = [(x - y) / MICROSECOND for x, y in zip(a, b, strict=True)]
    row = {"work": work, "size": size, "peer": None, "seconds": summary(a)}
    return aim(row | {"extra microseconds": summary(cost)}, "extra microseconds", at_most=at_most)


def aim(row: dict[str, Any], figure: str, **bound: float) -> dict[str, Any]:
    """Put a target into a row, and whether its figure, or the median of it, meets the target."""
    ((side, limit),) = bound.items()
    value = row[figure]["median"] if isinstance(row[figure], dict) else row[figure]
    met = value >= limit if side == "at_least" else value <= limit
    target = {"figure": figure, side.replace("_", " "): limit, "met": bool(met)}
    row.setdefault("targets", []).append(target)
    return row


def peak(who: int | None = None) -> float:
    """MiB that this process held at most, or, by `resource.RUSAGE_CHILDREN`, the largest child."""
    import resource  # where there is none, other benchmarks still run

    usage = resource.getrusage(resource.RUSAGE_SELF if who is None else who)
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def returns(n_periods: int, n_assets: int, seed: int = 1) -> pd.DataFrame:
    """Daily returns with a market, ten sectors and noise: what every benchmark is fed with."""
    rng = np.random.default_rng(seed)
    betas = rng.uniform(0.5, 1.5, n_assets)
    sectors = rng.normal(0.0003, 0.006, (n_periods, 10))[:, np.arange(n_assets) % 10]
    values = rng.normal(0.0003, 0.01, (n_periods, 1)) * betas + sectors
    values += rng.normal(0.0, 0.015, (n_periods, n_assets))
    dates = pd.date_range("2000-01-03", periods=n_periods, freq="B")
    return pd.DataFrame(values, dates, [f"asset{j}" for j in range(n_assets)])


def report(results: Mapping[str, Any]) -> None:
    json.dump(results, sys.__stdout__, indent=1)


def require_one_thread() -> None:
    """A number of threads that nobody chose makes a benchmark of linear algebra meaningless."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        sys.exit("set one thread first: run this through benchmarks/run.py")
