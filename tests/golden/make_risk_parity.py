"""Solve the risk parity problems of risk_parity.json again, in two independent ways.

    python tests/golden/make_risk_parity.py            # rewrites risk_parity.json
    python tests/golden/make_risk_parity.py --check    # compares instead, and fails if they differ

The inputs (`cov`, and `b` of the budgeted problem) are read from the file itself.

* `riskfolio`: Riskfolio-Lib's `rp_optimization`, a cone program solved to the solver's tolerance.
  Needs `pip install riskfolio-lib==7.4.0`, in an environment of its own. Without it the
  recorded values are left as they are.
* `newton`: Newton's method on x'Vx/2 - sum b_i log x_i, written out below with NumPy alone.
"""

import json
import sys
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("risk_parity.json")


def newton(covariance, budget):
    """Minimise x'Vx/2 - b'log x by damped Newton steps, and scale x to sum to one."""
    x = np.sqrt(budget / np.diagonal(covariance))
    for _ in range(500):
        gradient = covariance @ x - budget / x
        step = np.linalg.solve(covariance + np.diag(budget / x**2), gradient)
        decrement = np.sqrt(max(gradient @ step, 0.0))
        x = x - step / (1.0 + decrement / np.sqrt(budget.min()))
        if decrement < 1e-17:
            break
    return x / x.sum()


def riskfolio(covariance, budget):
    """Riskfolio-Lib's weights, or None where it is not installed."""
    try:
        import pandas as pd
        import riskfolio as rp
    except ImportError:
        return None
    names = [f"asset{i}" for i in range(len(covariance))]
    # The returns only give the names: their covariance is replaced.
    noise = np.random.default_rng(0).normal(size=(20, len(names)))
    portfolio = rp.Portfolio(returns=pd.DataFrame(noise, columns=names))
    portfolio.assets_stats(method_mu="hist", method_cov="hist")
    portfolio.cov = pd.DataFrame(covariance, names, names)
    weights = portfolio.rp_optimization(
        model="Classic", rm="MV", rf=0, b=budget[:, None], hist=True
    )
    return weights.to_numpy().ravel()


def main():
    recorded = json.loads(PATH.read_text(encoding="utf-8"))
    covariance = np.array(recorded["cov"])
    n = len(covariance)
    for key, budget in {
        "equal": np.full(n, 1 / n),
        "budget": np.array(recorded["budget"]["b"]),
    }.items():
        for name, method, tolerance in (("riskfolio", riskfolio, 1e-7), ("newton", newton, 1e-12)):
            found = method(covariance, budget)
            if found is None:
                print(f"{key:7s} {name:10s} not installed, kept")
                continue
            miss = np.abs(found - recorded[key][name]).max()
            print(f"{key:7s} {name:10s} largest difference {miss:.1e}")
            if "--check" in sys.argv and miss > tolerance:
                sys.exit(f"{key}, {name}: differs by {miss:.1e}, allowed {tolerance:.0e}")
            recorded[key][name] = found.tolist()
    if "--check" not in sys.argv:
        PATH.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
