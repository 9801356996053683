"""Thousands of assets.

Returns are simulated from random loadings fitted to the stocks of the book: every simulated asset
has the sector, the volatility and the specific share of a stock drawn at random, and loadings drawn
from those that the model found. `mixed_model.covariance` with sectors, and the long-only
`minimum_variance` of its result, stand beside their limits: the Gram matrix of the same returns and
the Cholesky factor of a matrix of that size, one call of the linear-algebra library each. A ratio
of 0.5 says that the work costs two of them. Sizes are assets × periods. The memory is the highest
that a process held which simulated the returns and estimated the covariance once.

A walk-forward of the same two steps, with 500 days of history, runs in one process and, by the same
call inside `joblib.parallel_config(backend="dask")`, on a Dask cluster of two processes; seconds
there are those on the clock of the wall, once. The difference is the largest of a daily return.
"""

import json
import subprocess
import sys
import time
from importlib import import_module

import distributed
import joblib
import measure
import numpy as np
import pandas as pd
from scipy.linalg.lapack import dpotrf

from mixfolio import backtest, datasets, mixed_model, optimization

SIZES = ((1000, 500), (2000, 500), (5000, 500), (2000, 125), (2000, 2000))
SECONDS = {(2000, 500): 3.0, (5000, 500): 40.0}
MEBIBYTES = {(2000, 500): 1024, (5000, 500): 6144}
SHARE_OF_A_FACTOR = 1 / 3
HISTORY, STEP, DECISIONS, MANY = 500, 21, 8, 2000
FITTED = 1000  # days


def market(n_assets, n_periods, seed=1):
    """Simulated daily returns, and the sectors of the assets."""
    returns = datasets.load("stocks-daily").iloc[-FITTED:]
    groups = datasets.groups("stocks-daily").loc[returns.columns]
    model = mixed_model.random_loadings(returns, groups)
    rng = np.random.default_rng(seed)
    like = rng.integers(0, returns.shape[1], n_assets)
    member = model.loading_variance.to_numpy()[like] > 0
    mean, variance = model.loading_distribution[["mean", "variance"]].to_numpy().T
    loadings = np.where(member, rng.normal(mean, np.sqrt(variance), member.shape), 0.0)
    own = np.sqrt(model.specific_variance / returns.var()).to_numpy()[like]
    values = rng.normal(size=(n_periods, len(mean))) @ loadings.T
    values += own * rng.normal(size=(n_periods, n_assets))
    values *= returns.std().to_numpy()[like]
    names = [f"asset{j}" for j in range(n_assets)]
    dates = pd.date_range("2000-01-03", periods=n_periods, freq="B")
    return pd.DataFrame(values, dates, names), pd.Series(groups.to_numpy()[like], names)


def rows(n_assets, n_periods, memory):
    """Of one size; `memory` is in MiB, or None where it was not measured."""
    returns, groups = market(n_assets, n_periods)
    matrix = mixed_model.covariance(returns, groups)
    size, Q, Y = f"{n_assets}×{n_periods}", matrix.to_numpy(), returns.to_numpy()
    factor = {"one Cholesky factor": lambda: dpotrf(Q.T, lower=1, clean=0)}
    found = measure.compared(
        "mixed_model.covariance",
        size,
        lambda: mixed_model.covariance(returns, groups),
        {"one Gram matrix": lambda: Y.T @ Y} | factor,
    )
    key = n_assets, n_periods
    if key in SECONDS:
        measure.aim(found[0], "seconds", at_most=SECONDS[key])
        found[0]["MiB"] = measure.rounded(memory)
        measure.aim(found[0], "MiB", at_most=MEBIBYTES[key])
    if n_periods != HISTORY:
        return found
    return found + measure.compared(
        "minimum_variance",
        size,
        lambda: optimization.minimum_variance(matrix),
        factor,
        targets={"one Cholesky factor": SHARE_OF_A_FACTOR},
    )


def memory_of(n_assets, n_periods):
    """MiB at most held by a process of its own, if that of its parent is small."""
    command = [sys.executable, "-W", "ignore", __file__, str(n_assets), str(n_periods)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


class Decide:
    """A strategy that knows the sectors, wherever it runs."""

    def __init__(self, groups):
        self.groups = groups

    def __call__(self, past):
        return optimization.minimum_variance(mixed_model.covariance(past, self.groups))


def walk_forward_row():
    returns, groups = market(MANY, HISTORY + STEP * DECISIONS)

    def timed(n_jobs):
        start, strategies = time.perf_counter(), {"it": Decide(groups)}
        found = backtest.walk_forward(returns, strategies, window=HISTORY, step=STEP, n_jobs=n_jobs)
        return time.perf_counter() - start, found.returns["it"].to_numpy()

    alone, expected = timed(n_jobs=1)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        client.run(import_module, "mixfolio.mixed_model")
        there, found = timed(n_jobs=-1)
    return {
        "work": "walk-forward on Dask, two processes",
        "size": f"{MANY} assets, {DECISIONS} decisions",
        "peer": "one process",
        **measure.paired([there], [alone]),
        "difference": measure.rounded(np.abs(found - expected).max(), 2),
    }


if __name__ == "__main__":
    measure.require_one_thread()
    if len(sys.argv) > 1:
        mixed_model.covariance(*market(*map(int, sys.argv[1:])))
        measure.report(measure.peak())
    else:
        held = {size: memory_of(*size) for size in MEBIBYTES}  # before this process grows
        found = [row for size in SIZES for row in rows(*size, held.get(size))]
        measure.report({"rows": [*found, walk_forward_row()]})
