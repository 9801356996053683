"""The long-only efficient frontier at fifty equally spaced means.

From the sample moments of twice as many days as assets to weights: `efficient_frontier` against
PyPortfolioOpt, one `EfficientFrontier` asked for fifty returns, as its own plots do, the corner
portfolios of its critical-line algorithm, `CLA`, with fifty put between them, skfolio's `MeanRisk`
with `efficient_frontier_size=50`, and Riskfolio-Lib's `efficient_frontier`. An error is the largest
relative difference of a portfolio's variance from the lowest at the same mean, up or down: weights
slightly below zero make it too low. Every library chooses its own means.
"""

import measure
import numpy as np
import peers
import pypfopt

from mixfolio import covariance, expected_returns, optimization

SIZES, POINTS = (10, 50, 100), 50


def pyportfolioopt(mean, matrix, targets):
    frontier = pypfopt.EfficientFrontier(mean, matrix)
    found = [list(frontier.min_volatility().values())]
    frontier = pypfopt.EfficientFrontier(mean, matrix)
    return found + [list(frontier.efficient_return(target).values()) for target in targets[1:-1]]


def critical_line(mean, matrix, targets):
    """Their corner portfolios, and what lies between them at our means.

    Their own `points` are divided among the segments, which leaves none where there are many.
    """
    frontier = pypfopt.CLA(mean, matrix)
    frontier.efficient_frontier(points=POINTS)
    corners = np.array([column.ravel() for column in frontier.w])
    corners = corners[np.argsort(corners @ np.array(mean))]
    means = corners @ np.array(mean)
    return np.column_stack([np.interp(targets, means, column) for column in corners.T])


def riskfolio_lib(returns, mean, matrix):
    portfolio = peers.riskfolio_portfolio(returns, mean, matrix)
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
    Q, targets = np.array(matrix), ours(mean, matrix) @ np.array(mean)
    return measure.compared(
        "frontier of 50 points",
        f"N = {n}",
        lambda: ours(mean, matrix),
        {
            "PyPortfolioOpt": lambda: pyportfolioopt(mean, matrix, targets),
            "PyPortfolioOpt, CLA": lambda: critical_line(mean, matrix, targets),
            "skfolio": lambda: peers.skfolio(returns, Q, efficient_frontier_size=POINTS),
            "Riskfolio-Lib": lambda: riskfolio_lib(returns, mean, matrix),
        },
        error=excess(mean, matrix),
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
