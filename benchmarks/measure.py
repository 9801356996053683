"""What all benchmarks share: one thread, interleaved timing, a summary, one JSON document out."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(functions: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every function in every round, one after the other, so that all meet the same
    other load of the machine."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            seconds[name].append(timed(function))
    return seconds


def summary(seconds: list[float]) -> dict[str, float | int]:
    """Median and spread, in seconds with four digits."""
    return {
        "median": rounded(statistics.median(seconds)),
        "fastest": rounded(min(seconds)),
        "slowest": rounded(max(seconds)),
        "runs": len(seconds),
    }


def rounded(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def report(results: Mapping[str, Any]) -> None:
    json.dump(results, sys.stdout, indent=1)


def require_one_thread() -> None:
    """A number of threads that nobody chose makes a benchmark of linear algebra meaningless."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        sys.exit("set one thread first: run this through benchmarks/run.py")
