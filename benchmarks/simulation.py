"""The published simulation study: in closed form against a general-purpose optimizer.

One replication draws a world of 450 stocks, simulates 500 periods to learn from and 500 to be
tested on, and makes five zero-cost portfolios: truth, sample, ten principal components,
hierarchical, signed equal weights. The package's study has a closed form. SLSQP does the same work
as the published code did: scipy's SLSQP on the negative information ratio, weights that sum to zero
within [-1, 1], numerical derivatives, started from equal weights, default options. It is run with
the SciPy of the lock, and with 1.15, the last one whose SLSQP is the Fortran of 1988: in 1.16 it
was written anew. The difference is the largest relative shortfall of the objective that both
maximise, over the four portfolios of the first replication.

Peak memory is that of a process of its own.
"""

import json
import statistics
import subprocess
import sys
from functools import partial

import measure
import numpy as np
import scipy
from environment import python_of
from scipy.optimize import minimize

from mixfolio import covariance, montecarlo, optimization
from mixfolio.simulation import FactorWorld
from mixfolio.studies import published

SEED, ROUNDS, WARM_UPS = 1, 3, 3
ESTIMATORS = ("truth", "sample", "PCA", "hierarchical", "equal")
STUDY = partial(published.information_ratios, estimators=ESTIMATORS)


def slsqp(mean, matrix):
    """The general-purpose optimizer, as in the published study."""
    n = len(mean)
    return minimize(
        lambda w: -(w @ mean) / np.sqrt(w @ matrix @ w),
        np.full(n, 1 / n),
        method="SLSQP",
        bounds=[(-1, 1)] * n,
        constraints={"type": "eq", "fun": np.sum},
    ).x


def slsqp_hierarchical(mean, matrix, groups):
    names = list(dict.fromkeys(groups))
    inner = np.zeros((len(mean), len(names)))
    for j, name in enumerate(names):
        member = np.flatnonzero(groups == name)
        inner[member, j] = slsqp(mean[member], matrix[np.ix_(member, member)])
    across = minimize(
        lambda w: -(w @ inner.T @ mean) / np.sqrt(w @ inner.T @ matrix @ inner @ w),
        np.full(len(names), 1 / len(names)),
        method="SLSQP",
        bounds=[(-1, 1)] * len(names),
    ).x
    return inner @ across


def slsqp_replication(rng):
    world = FactorWorld().draw(rng)
    returns = world.simulate(1000, rng).to_numpy()
    mean, matrices, _ = problem(world, returns[:500])
    weights = {name: slsqp(mean, matrix) for name, matrix in matrices.items()}
    groups = world.groups.to_numpy()
    weights["hierarchical"] = slsqp_hierarchical(mean, matrices["sample"], groups)
    weights["equal"] = np.sign(mean)
    return weights


def closed_form_weights(world, train):
    mean, matrices, sample = problem(world, train)
    weights = {n: optimization.zero_cost_sharpe(mean, m) for n, m in matrices.items()}
    groups = world.groups.to_numpy()
    weights["hierarchical"] = optimization.cluster_then_allocate(mean, sample, groups)
    return weights


def problem(world, train):
    sample = covariance.sample(train)
    matrices = {
        "truth": world.truth.to_numpy(),
        "sample": sample,
        "PCA": covariance.pca(train, n_factors=10),
    }
    return world.mean.to_numpy(), matrices, sample


def accuracy(replication, found):
    """Perceived and realised information ratios a year of both kinds of weights."""
    rng = montecarlo.generator(SEED, replication)
    world = FactorWorld().draw(rng)
    returns = world.simulate(1000, rng).to_numpy()
    mean, matrices, sample = problem(world, returns[:500])
    exact = closed_form_weights(world, returns[:500])
    table = {}
    for name in ESTIMATORS[:-1]:
        matrix = matrices.get(name, sample)
        table[name] = {}
        for method, w in (("closed form", exact[name]), ("SLSQP", found[name])):
            perceived = w @ mean / np.sqrt(w @ matrix @ w) * np.sqrt(250)
            realised = published.information_ratio(returns[500:] @ w)
            table[name][method] = {
                "perceived ratio": measure.rounded(perceived, 6),
                "out-of-sample ratio": measure.rounded(realised, 6),
                "sum of weights over gross": measure.rounded(abs(w.sum()) / np.abs(w).sum(), 1),
            }
    return table


def closed_form_seconds(replication):
    """Seconds of one replication in closed form, three times."""
    return [measure.timed(lambda: STUDY(montecarlo.generator(SEED, replication))) for _ in range(3)]


def slsqp_seconds(replication):
    """Seconds of one replication with SLSQP, in this process, and its weights."""
    found = {}
    seconds = measure.timed(
        lambda: found.update(slsqp_replication(montecarlo.generator(SEED, replication)))
    )
    return seconds, found


def older_slsqp(replication):
    """The same with the older SciPy, and the version of that."""
    command = [python_of("scipy-1-15"), __file__, "slsqp", str(replication)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def shortfall(table):
    """How far SLSQP stays below the closed form in what both maximise, relative, at most."""
    ratios = [[row[name]["perceived ratio"] for name in row] for row in table.values()]
    return max(1 - theirs / ours for ours, theirs in ratios)


def replications():
    """Rows of the two versions of SLSQP, and the ratios of the first replication."""
    for k in range(WARM_UPS):
        STUDY(montecarlo.generator(SEED, k))
    closed, general, older, found = [], [], [], {}
    for k in range(ROUNDS):
        seconds, found[k] = slsqp_seconds(k)
        general += [seconds]
        closed += [statistics.median(closed_form_seconds(k))]
        version, seconds = older_slsqp(k)
        older += [seconds]
    table = accuracy(0, found[0])
    gaps = {scipy.__version__: (general, shortfall(table)), version: (older, None)}
    rows = []
    for name, (theirs, gap) in gaps.items():
        row = {"work": "one replication", "size": "450 stocks", "peer": f"SLSQP, SciPy {name}"}
        rows.append(row | measure.paired(closed, theirs))
        if gap is not None:
            rows[-1]["difference"] = measure.rounded(gap, 2)
    return rows, table


def memory_row(n_replications):
    """Seconds and peak resident memory of a process that runs so many replications."""
    done = subprocess.run(
        [sys.executable, __file__, "memory", str(n_replications)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, memory = json.loads(done.stdout)
    return {
        "work": f"{n_replications} replications",
        "size": "450 stocks",
        "peer": None,
        "seconds": measure.summary([seconds]),
        "MiB": measure.rounded(memory),
    }


def own_peak(n_replications):
    seconds = measure.timed(lambda: montecarlo.run(STUDY, n_replications, seed=SEED))
    return seconds, measure.peak()


def main():
    measure.require_one_thread()
    rows, table = replications()
    rows += [memory_row(n) for n in (100, 1000)]
    measure.report({"rows": rows, "details": {"information ratios": table}})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["slsqp", replication]:
            seconds, _ = slsqp_seconds(int(replication))
            measure.report([scipy.__version__, seconds])
        case ["memory", count]:
            measure.report(own_peak(int(count)))
        case _:
            main()
