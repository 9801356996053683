"""Compute the hierarchical risk parity weights of hrp.json again.

    python tests/golden/make_hrp.py            # rewrites hrp.json
    python tests/golden/make_hrp.py --check    # compares instead, and fails if they differ

The covariance is the sample covariance of shrinkage_returns.csv. Needs, in an environment of its
own, `pip install pyportfolioopt==1.6.0 skfolio==1.12.2`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
LINKAGES = ("single", "average", "complete", "ward")


def pyportfolioopt(returns, linkage):
    from pypfopt import HRPOpt

    weights = HRPOpt(cov_matrix=returns.cov()).optimize(linkage_method=linkage)
    return [weights[name] for name in returns.columns]


def skfolio(returns, linkage):
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.optimization import HierarchicalRiskParity

    clustering = HierarchicalClustering(linkage_method=LinkageMethod(linkage))
    model = HierarchicalRiskParity(hierarchical_clustering_estimator=clustering)
    return model.fit(returns).weights_.tolist()


def main():
    returns = pd.read_csv(FOLDER / "shrinkage_returns.csv")
    path = FOLDER / "hrp.json"
    found = {
        method.__name__: {linkage: method(returns, linkage) for linkage in LINKAGES}
        for method in (pyportfolioopt, skfolio)
    }
    if "--check" not in sys.argv:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    recorded = json.loads(path.read_text(encoding="utf-8"))
    for library, weights in recorded.items():
        for linkage, values in weights.items():
            miss = np.abs(np.subtract(values, found[library][linkage])).max()
            print(f"{library} {linkage}: largest difference {miss:.1e}")
            if miss > 1e-12:
                sys.exit(1)


if __name__ == "__main__":
    main()
