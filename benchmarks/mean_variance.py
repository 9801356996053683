"""The long-only portfolio of best mean and variance, at a risk aversion of ten.

Sample means and covariances of twice as many days as assets. From a covariance: `mean_variance`
against PyPortfolioOpt's `max_quadratic_utility`, the bare call of quadprog, and the same problem
written in cvxpy for Clarabel. From returns: sample moments and weights in one, against skfolio's
`MeanRisk` and Riskfolio-Lib's `optimization` with their objectives for utility. An error is the
largest difference of a weight from the exact one.
"""

import measure
import numpy as np
import peers

from mixfolio import covariance, expected_returns, optimization

SIZES = (10, 50, 100, 250, 500, 1000)
RISK_AVERSION = 10.0


def from_moments(mean, matrix):
    Q, c = RISK_AVERSION * np.array(matrix), np.array(mean)
    return {
        "PyPortfolioOpt": lambda: peers.pyportfolioopt(
            mean, matrix, lambda f: f.max_quadratic_utility(risk_aversion=RISK_AVERSION)
        ),
        "quadprog": lambda: peers.raw_quadprog(Q, c),
        "cvxpy, Clarabel": lambda: peers.clarabel(Q, c),
    }


def from_returns(returns):
    return {
        "skfolio": lambda: peers.skfolio_mean_variance(returns, RISK_AVERSION),
        "Riskfolio-Lib": lambda: peers.riskfolio_weights(
            returns, obj="Utility", l=RISK_AVERSION / 2
        ),
    }


def ours(returns):
    moments = expected_returns.sample(returns), covariance.sample(returns)
    return optimization.mean_variance(*moments, risk_aversion=RISK_AVERSION)


def rows(n):
    returns = measure.returns(2 * n, n)
    mean, matrix = expected_returns.sample(returns), covariance.sample(returns)
    exact = peers.exact_weights(RISK_AVERSION * np.array(matrix), np.array(mean))

    def error(weights):
        return np.abs(np.asarray(weights) - exact).max()

    return measure.compared(
        "from a covariance",
        f"N = {n}",
        lambda: optimization.mean_variance(mean, matrix, risk_aversion=RISK_AVERSION),
        from_moments(mean, matrix),
        error=error,
    ) + measure.compared(
        "from returns", f"N = {n}", lambda: ours(returns), from_returns(returns), error=error
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
