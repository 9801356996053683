"""Compute the shrunken covariances of shrinkage.json again.

    python tests/golden/make_shrinkage.py            # rewrites what libraries give
    python tests/golden/make_shrinkage.py --check    # compares instead, and fails if they differ

The input is shrinkage_returns.csv. Needs, in an environment of its own,
`pip install scikit-learn==1.7.0 pyportfolioopt==1.6.0`. The two entries of the authors' own code,
cov1Para and covCor, come from no package, and are kept as recorded.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent


def computed(returns):
    from pypfopt.risk_models import CovarianceShrinkage
    from sklearn.covariance import OAS, LedoitWolf

    for estimator, name in ((LedoitWolf(), "identity"), (OAS(), "oas")):
        fitted = estimator.fit(returns)
        yield f"scikit-learn {name}", fitted.covariance_, fitted.shrinkage_
    for target, name in (
        ("constant_variance", "identity"),
        ("constant_correlation", "constant_correlation"),
        ("single_factor", "single_factor"),
    ):
        model = CovarianceShrinkage(returns, returns_data=True, frequency=1)
        yield f"PyPortfolioOpt {name}", model.ledoit_wolf(target).to_numpy(), model.delta


def main():
    returns = pd.read_csv(FOLDER / "shrinkage_returns.csv")
    path = FOLDER / "shrinkage.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    for name, matrix, intensity in computed(returns):
        if "--check" in sys.argv:
            miss = np.abs(np.array(recorded[name]["covariance"]) - matrix).max()
            miss = max(miss, abs(recorded[name]["intensity"] - intensity))
            print(f"{name}: largest difference {miss:.1e}")
            if miss > 1e-12:
                sys.exit(1)
        recorded[name] = {"intensity": float(intensity), "covariance": matrix.tolist()}
    if "--check" not in sys.argv:
        path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
