"""Walk-forward evaluation of ten covariances on the stocks of the book.

Weekly returns; 100 decisions four weeks apart, each long-only minimum variance from the last 208
weeks; the ten strategies spread over two processes. One run, in seconds on the clock of the wall.
The memory is the highest that the first process held, plus twice that of the larger of the others.
"""

import resource
import time
from functools import partial

import measure
from joblib.externals.loky import get_reusable_executor

from mixfolio import backtest, covariance, datasets, optimization

WINDOW, STEP, DECISIONS = 208, 4, 100
SECONDS, MEBIBYTES = 60, 1024
ESTIMATORS = {
    "Ledoit-Wolf, identity": covariance.linear_shrinkage,
    "Ledoit-Wolf, correlation": partial(covariance.linear_shrinkage, target="constant_correlation"),
    "Ledoit-Wolf, factor": partial(covariance.linear_shrinkage, target="single_factor"),
    "OAS": covariance.oas,
    "nonlinear shrinkage": covariance.nonlinear_shrinkage,
    "clipped eigenvalues": covariance.clip_eigenvalues,
    "principal components, 5": partial(covariance.pca, n_factors=5),
    "principal components, 10": partial(covariance.pca, n_factors=10),
    "POET, 5 factors": partial(covariance.poet, n_factors=5),
    "POET, 10 factors": partial(covariance.poet, n_factors=10),
}


def decide(past, estimator):
    return optimization.minimum_variance(estimator(past))


def memory():
    """MiB at most held at once by this process and two others."""
    get_reusable_executor().shutdown(wait=True)
    return measure.rounded(measure.peak() + 2 * measure.peak(resource.RUSAGE_CHILDREN))


def row():
    returns = datasets.load("stocks-weekly").iloc[-(WINDOW + STEP * DECISIONS) :]
    strategies = {name: partial(decide, estimator=how) for name, how in ESTIMATORS.items()}
    start = time.perf_counter()
    backtest.walk_forward(returns, strategies, window=WINDOW, step=STEP, n_jobs=2)
    found = {
        "work": "walk-forward of ten, two processes",
        "size": f"{returns.shape[1]} stocks, {DECISIONS} decisions",
        "peer": None,
        "seconds": measure.summary([time.perf_counter() - start]),
        "MiB": memory(),
    }
    measure.aim(found, "seconds", at_most=SECONDS)
    return measure.aim(found, "MiB", at_most=MEBIBYTES)


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row()]})
