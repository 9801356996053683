"""Hierarchical risk parity with single linkage.

From a covariance: `hierarchical_risk_parity` against PyPortfolioOpt's `HRPOpt`. From returns:
sample covariance and weights in one, with the branches in optimal order, against skfolio's
`HierarchicalRiskParity` and Riskfolio-Lib's `HCPortfolio`, which order them so. The difference is
the largest between two weights of the same asset.
"""

import measure
import numpy as np
import pypfopt
import riskfolio
from skfolio.cluster import HierarchicalClustering, LinkageMethod
from skfolio.optimization import HierarchicalRiskParity

from mixfolio import covariance, optimization

SIZES = (50, 100, 250, 500)
TARGETS = {"PyPortfolioOpt": 40, "skfolio": 13}


def pyportfolioopt(matrix):
    weights = pypfopt.HRPOpt(cov_matrix=matrix).optimize(linkage_method="single")
    return np.array([weights[name] for name in matrix.columns])


def skfolio(returns):
    clustering = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    model = HierarchicalRiskParity(hierarchical_clustering_estimator=clustering)
    return model.fit(returns).weights_


def riskfolio_lib(returns):
    portfolio = riskfolio.HCPortfolio(returns=returns)
    weights = portfolio.optimization(model="HRP", rm="MV", linkage="single", leaf_order=True)
    return weights["weights"].to_numpy()


def rows(n):
    returns = measure.returns(2 * n, n)
    matrix = covariance.sample(returns)
    plain = optimization.hierarchical_risk_parity(matrix)
    ordered = optimization.hierarchical_risk_parity(matrix, optimal_ordering=True)
    return measure.compared(
        "HRP, from a covariance",
        f"N = {n}",
        lambda: optimization.hierarchical_risk_parity(matrix),
        {"PyPortfolioOpt": lambda: pyportfolioopt(matrix)},
        difference=lambda weights: np.abs(np.asarray(weights) - np.asarray(plain)).max(),
        targets=TARGETS,
    ) + measure.compared(
        "HRP, from returns",
        f"N = {n}",
        lambda: optimization.hierarchical_risk_parity(
            covariance.sample(returns), optimal_ordering=True
        ),
        {"skfolio": lambda: skfolio(returns), "Riskfolio-Lib": lambda: riskfolio_lib(returns)},
        difference=lambda weights: np.abs(np.asarray(weights) - np.asarray(ordered)).max(),
        targets=TARGETS,
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
