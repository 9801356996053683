"""Mixed models: relationship matrices, random loadings, persistent effects.

`covariance_reml` with one kernel beside the same restricted likelihood written with the covariance
of all returns at once, a matrix of NT×NT: one search over the heritability, with a Cholesky
factor at every step, done once. `panel_reml` beside the random-intercept model of statsmodels,
`MixedLM`, on the same panel. The difference is the largest relative one of a variance component.

Alone: `covariance_reml` with one and two kernels, `random_loadings` followed by `empirical_bayes`
with ten sectors and 208 periods, and `mixed_model.covariance`, which does more. Sizes are assets ×
periods.
"""

import measure
import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar
from statsmodels.regression.mixed_linear_model import MixedLM

from mixfolio import covariance, mixed_model

MILLISECONDS = {(50, 120): 1.0, (500, 240): 25.0}
TWO_KERNELS_SECONDS = 1.0
LOADINGS_MILLISECONDS = {110: 10.0, 500: 80.0, 1000: 300.0}
DENSE_RATIO, STATSMODELS_RATIO = 10_000, 10


def size_of(n_assets, n_periods):
    return f"{n_assets}×{n_periods}"


def sectors(names):
    return pd.Series(np.arange(len(names)) % 10, index=names)


def scaled(features, names):
    """The relationship matrix of features, mean diagonal one."""
    matrix = features @ features.T
    return pd.DataFrame(matrix * len(names) / np.trace(matrix), names, names)


def kernels(names):
    """Sectors with some noise, and what all assets share."""
    noise = np.random.default_rng(2).normal(0.0, 0.2, (len(names), 5))
    members = np.eye(10)[sectors(names).to_numpy()]
    return {
        "sector": scaled(np.column_stack([members, noise]), names),
        "market": scaled(np.ones((len(names), 1)), names),
    }


def dense(returns, matrix):
    """Variance components by the restricted likelihood of all returns at once."""
    n_periods, n_assets = returns.shape
    y, K = returns.to_numpy().ravel(), matrix.to_numpy()
    X = np.tile(np.eye(n_assets), (n_periods, 1))
    freedom = len(y) - n_assets

    def loss(share):
        V = np.kron(np.eye(n_periods), share * K + (1 - share) * np.eye(n_assets))
        factor = cho_factor(V, overwrite_a=True, check_finite=False)
        inside = X.T @ cho_solve(factor, X)
        gap = y - X @ np.linalg.solve(inside, X.T @ cho_solve(factor, y))
        total = gap @ cho_solve(factor, gap) / freedom
        log_determinant = 2 * np.log(np.diagonal(factor[0])).sum()
        value = freedom * np.log(total) + log_determinant + np.linalg.slogdet(inside)[1]
        return value, total

    share = minimize_scalar(lambda x: loss(x)[0], bounds=(1e-6, 0.999), method="bounded").x
    total = loss(share)[1]
    return np.array([share * total, (1 - share) * total])


def dense_row(n_assets=50, n_periods=120):
    returns = measure.returns(n_periods, n_assets)
    matrix = kernels(returns.columns)["sector"]

    def ours():
        return mixed_model.covariance_reml(returns, matrix, scale="raw")

    found = []
    ours()
    print("  one kernel: NT×NT", flush=True)
    theirs = measure.timed(lambda: found.append(dense(returns, matrix)))
    row = {
        "work": "covariance_reml, one kernel",
        "size": size_of(n_assets, n_periods),
        "peer": "NT×NT",
        **measure.paired([measure.steady(ours)], [theirs]),
        "difference": relative(found[0], ours().variance_components),
    }
    return measure.aim(row, "times as fast", at_least=DENSE_RATIO)


def relative(found, expected):
    return measure.rounded(np.abs(np.asarray(found) / np.asarray(expected) - 1).max(), 2)


def panel_rows(n_assets=50, n_periods=120):
    returns = measure.returns(n_periods, n_assets)
    returns += np.random.default_rng(3).normal(0.0, 0.004, n_assets)
    y = returns.to_numpy().T.ravel()
    groups = np.repeat(np.arange(n_assets), n_periods)
    expected = mixed_model.panel_reml(returns).variance_components
    return measure.compared(
        "panel_reml, asset effects",
        size_of(n_assets, n_periods),
        lambda: mixed_model.panel_reml(returns),
        {"statsmodels": lambda: MixedLM(y, np.ones_like(y), groups=groups).fit(reml=True)},
        difference=lambda fit: relative(
            [float(np.asarray(fit.cov_re)[0, 0]), fit.scale],
            [expected["asset"], expected["residual"]],
        ),
        targets={"statsmodels": STATSMODELS_RATIO},
    )


def one_kernel(n_assets, n_periods):
    returns = measure.returns(n_periods, n_assets)
    matrix = kernels(returns.columns)["sector"]
    row = measure.alone(
        "covariance_reml, one kernel",
        size_of(n_assets, n_periods),
        lambda: mixed_model.covariance_reml(returns, matrix),
    )
    limit = MILLISECONDS.get((n_assets, n_periods))
    return row if limit is None else measure.aim(row, "seconds", at_most=limit / 1000)


def two_kernels(n_assets=500, n_periods=240):
    returns = measure.returns(n_periods, n_assets)
    both = kernels(returns.columns)
    row = measure.alone(
        "covariance_reml, two kernels",
        size_of(n_assets, n_periods),
        lambda: mixed_model.covariance_reml(returns, both),
    )
    return measure.aim(row, "seconds", at_most=TWO_KERNELS_SECONDS)


def loadings(n_assets, n_periods=208):
    returns = measure.returns(n_periods, n_assets)
    groups, size = sectors(returns.columns), size_of(n_assets, n_periods)

    def both():
        model = mixed_model.random_loadings(returns, groups)
        return covariance.empirical_bayes(returns, model)

    row = measure.alone("random_loadings and empirical_bayes", size, both)
    limit = LOADINGS_MILLISECONDS[n_assets] / 1000
    return [
        measure.aim(row, "seconds", at_most=limit),
        measure.alone(
            "mixed_model.covariance", size, lambda: mixed_model.covariance(returns, groups)
        ),
    ]


if __name__ == "__main__":
    measure.require_one_thread()
    sizes = [*MILLISECONDS, (500, 2400)]
    rows = [dense_row(), *panel_rows(), *(one_kernel(*size) for size in sizes), two_kernels()]
    for n_assets in LOADINGS_MILLISECONDS:
        rows += loadings(n_assets)
    measure.report({"rows": rows})
