"""The long-only efficient frontier at fifty equally spaced means.

From a mean and a covariance: `efficient_frontier` against PyPortfolioOpt, one `EfficientFrontier`
asked for fifty returns, as its own plots do, and against its critical-line algorithm, `CLA`. From
returns: sample moments and frontier in one, against skfolio's `MeanRisk` with
`efficient_frontier_size=50` and Riskfolio-Lib's `efficient_frontier`. An error is the largest
relative difference of a portfolio's variance from the lowest at the same mean; every library
chooses its own means.
"""

import measure
import numpy as np
import peers
import pypfopt
from skfolio.optimization import MeanRisk

from mixfolio import covariance, expected_returns, optimization

SIZES, POINTS = (10, 50, 100), 50


def pyportfolioopt(mean, matrix, targets):
    frontier = pypfopt.EfficientFrontier(mean, matrix)
    found = [list(frontier.min_volatility().values())]
    frontier = pypfopt.EfficientFrontier(mean, matrix)
    return found + [list(frontier.efficient_return(target).values()) for target in targets[1:-1]]


def critical_line(mean, matrix):
    _, _, weights = pypfopt.CLA(mean, matrix).efficient_frontier(points=POINTS)
    return [column.ravel() for column in weights]


def skfolio(returns):
    return MeanRisk(efficient_frontier_size=POINTS).fit(returns).weights_


def riskfolio_lib(returns):
    portfolio = peers.riskfolio_portfolio(returns)
    return portfolio.efficient_frontier(model="Classic", rm="MV", points=POINTS).to_numpy().T


def ours(mean, matrix):
    return optimization.efficient_frontier(mean, matrix, n_points=POINTS).weights.to_numpy()


def excess(mean, matrix):
    """A function that measures how far portfolios lie from the frontier."""
    m, C = np.array(mean), np.array(matrix)
    lowest = optimization.minimum_variance(C) @ m

    def error(portfolios):
        gaps = []
        for w in np.asarray(portfolios):
            target = float(np.clip(w @ m, lowest, m.max()))
            best = optimization.target_return(m, C, target)
            gaps.append(abs(w @ C @ w / (best @ C @ best) - 1))
        return max(gaps)

    return error


def rows(n):
    returns = measure.returns(2 * n, n)
    mean, matrix = expected_returns.sample(returns), covariance.sample(returns)
    targets = ours(mean, matrix) @ np.array(mean)
    error = excess(mean, matrix)
    return measure.compared(
        "from a covariance",
        f"N = {n}",
        lambda: ours(mean, matrix),
        {
            "PyPortfolioOpt": lambda: pyportfolioopt(mean, matrix, targets),
            "PyPortfolioOpt, CLA": lambda: critical_line(mean, matrix),
        },
        error=error,
    ) + measure.compared(
        "from returns",
        f"N = {n}",
        lambda: ours(expected_returns.sample(returns), covariance.sample(returns)),
        {"skfolio": lambda: skfolio(returns), "Riskfolio-Lib": lambda: riskfolio_lib(returns)},
        error=error,
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
