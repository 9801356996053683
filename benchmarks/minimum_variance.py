"""The long-only portfolio of lowest variance.

From the sample covariance of twice as many days as assets to weights: `minimum_variance` against
PyPortfolioOpt's `min_volatility`, skfolio's `MeanRisk`, Riskfolio-Lib's `optimization`, the bare
call of quadprog, and the same problem written in cvxpy for Clarabel. An error is the largest
difference of a weight from the exact one.
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


def calls(returns, matrix):
    Q, zero, mean = np.array(matrix), np.zeros(len(matrix)), returns.mean()
    return {
        "PyPortfolioOpt": lambda: peers.pyportfolioopt(None, matrix, lambda f: f.min_volatility()),
        "skfolio": lambda: peers.skfolio(returns, Q),
        "Riskfolio-Lib": lambda: peers.riskfolio_weights(returns, mean, matrix, obj="MinRisk"),
        "quadprog": lambda: peers.raw_quadprog(Q, zero),
        "cvxpy, Clarabel": lambda: peers.clarabel(Q, zero),
    }


def rows(n):
    returns = measure.returns(2 * n, n)
    matrix = covariance.sample(returns)
    exact = peers.exact_weights(np.array(matrix), np.zeros(n))
    found = measure.compared(
        "minimum variance",
        f"N = {n}",
        lambda: optimization.minimum_variance(matrix),
        calls(returns, matrix),
        error=lambda weights: np.abs(np.asarray(weights) - exact).max(),
        targets=TARGETS.get(n),
    )
    if n in HIGHEST_ERROR:
        measure.aim(found[0], "error", at_most=HIGHEST_ERROR[n])
    return found


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
