"""The long-only portfolio of best mean and variance, at a risk aversion of ten.

From the sample moments of twice as many days as assets to weights: `mean_variance` against
PyPortfolioOpt's `max_quadratic_utility`, skfolio's `MeanRisk` and Riskfolio-Lib's `optimization`
with their objectives for utility, the bare call of quadprog, and the same problem written in cvxpy
for Clarabel. An error is the largest difference of a weight from the exact one.
"""

import measure
import numpy as np
import peers
from skfolio.optimization import ObjectiveFunction

from mixfolio import covariance, expected_returns, optimization

SIZES = (10, 50, 100, 250, 500, 1000)
RISK_AVERSION = 10.0  # skfolio and Riskfolio-Lib leave out the half before the variance
UTILITY = {
    "objective_function": ObjectiveFunction.MAXIMIZE_UTILITY,
    "risk_aversion": RISK_AVERSION / 2,
}


def calls(returns, mean, matrix):
    Q, c = np.array(matrix), np.array(mean)
    return {
        "PyPortfolioOpt": lambda: peers.pyportfolioopt(
            mean, matrix, lambda f: f.max_quadratic_utility(risk_aversion=RISK_AVERSION)
        ),
        "skfolio": lambda: peers.skfolio(returns, Q, **UTILITY),
        "Riskfolio-Lib": lambda: peers.riskfolio_weights(
            returns, mean, matrix, obj="Utility", l=RISK_AVERSION / 2
        ),
        "quadprog": lambda: peers.raw_quadprog(RISK_AVERSION * Q, c),
        "cvxpy, Clarabel": lambda: peers.clarabel(RISK_AVERSION * Q, c),
    }


def rows(n):
    returns = measure.returns(2 * n, n)
    mean, matrix = expected_returns.sample(returns), covariance.sample(returns)
    exact = peers.exact_weights(RISK_AVERSION * np.array(matrix), np.array(mean))
    return measure.compared(
        "mean-variance",
        f"N = {n}",
        lambda: optimization.mean_variance(mean, matrix, risk_aversion=RISK_AVERSION),
        calls(returns, mean, matrix),
        error=lambda weights: np.abs(np.asarray(weights) - exact).max(),
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
