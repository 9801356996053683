"""The long-only portfolio of lowest variance.

Sample covariances of twice as many days as assets. From a covariance: `minimum_variance` against
PyPortfolioOpt's `min_volatility`, the bare call of quadprog, and the same problem written in cvxpy
for Clarabel. From returns: sample covariance and weights in one, against skfolio's `MeanRisk` and
Riskfolio-Lib's `optimization` with their defaults. An error is the largest difference of a weight
from the exact one.
"""

import measure
import numpy as np
import peers

from mixfolio import covariance, optimization

SIZES = (10, 50, 100, 250, 500, 1000)
TARGETS = {
    50: {"PyPortfolioOpt": 15},
    500: {"PyPortfolioOpt": 20, "quadprog": 40, "skfolio": 150},
}
HIGHEST_ERROR = {500: 1e-12}


def from_covariance(matrix):
    Q, zero = np.array(matrix), np.zeros(len(matrix))
    return {
        "PyPortfolioOpt": lambda: peers.pyportfolioopt(None, matrix, lambda f: f.min_volatility()),
        "quadprog": lambda: peers.raw_quadprog(Q, zero),
        "cvxpy, Clarabel": lambda: peers.clarabel(Q, zero),
    }


def from_returns(returns):
    return {
        "skfolio": lambda: peers.skfolio_minimum_variance(returns),
        "Riskfolio-Lib": lambda: peers.riskfolio_weights(returns, obj="MinRisk"),
    }


def rows(n):
    returns = measure.returns(2 * n, n)
    matrix = covariance.sample(returns)
    exact = peers.exact_weights(np.array(matrix), np.zeros(n))
    settings = {
        "error": lambda weights: np.abs(np.asarray(weights) - exact).max(),
        "targets": TARGETS.get(n),
    }
    found = measure.compared(
        "from a covariance",
        f"N = {n}",
        lambda: optimization.minimum_variance(matrix),
        from_covariance(matrix),
        **settings,
    )
    if n in HIGHEST_ERROR:
        measure.aim(found[0], "error", at_most=HIGHEST_ERROR[n])
    return found + measure.compared(
        "from returns",
        f"N = {n}",
        lambda: optimization.minimum_variance(covariance.sample(returns)),
        from_returns(returns),
        **settings,
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
