"""Compute the Black-Litterman moments of black_litterman.json again.

    python tests/golden/make_black_litterman.py --check    # compares; it writes nothing

The inputs are those of He and Litterman (1999). The moments come from the formulas with all their
inverses written out, and from PyPortfolioOpt, which the tests' environment has.
"""

import json
from pathlib import Path

import numpy as np
from numpy.linalg import inv

PATH = Path(__file__).parent / "black_litterman.json"


def formulas(known, P, Q, Omega):
    Sigma, tau, Pi = (np.array(known[key]) for key in ("Sigma", "tau", "Pi"))
    precision = inv(tau * Sigma) + P.T @ inv(Omega) @ P
    mean = inv(precision) @ (inv(tau * Sigma) @ Pi + P.T @ inv(Omega) @ Q)
    covariance = Sigma + inv(precision)
    return mean, covariance, inv(known["delta"] * covariance) @ mean


def peer(known, P, Q, Omega):
    from pypfopt import BlackLittermanModel

    Sigma, Pi = np.array(known["Sigma"]), np.array(known["Pi"])
    model = BlackLittermanModel(Sigma, pi=Pi, P=P, Q=Q, omega=Omega, tau=known["tau"])
    return model.bl_returns(), model.bl_cov()


def main():
    known = json.loads(PATH.read_text(encoding="utf-8"))
    for case in ("view1", "view2"):
        record = known[case]
        P, Q, Omega = (np.array(record[key]) for key in ("P", "Q", "Omega"))
        found = dict(zip(("mu", "Sigma_p", "w"), formulas(known, P, Q, Omega), strict=True))
        found |= dict(zip(("pypfopt_mu", "pypfopt_cov"), peer(known, P, Q, Omega), strict=True))
        for name, values in found.items():
            miss = np.abs(np.asarray(values) - record[name]).max()
            print(f"{case} {name}: largest difference {miss:.1e}")
            assert miss < 1e-12


if __name__ == "__main__":
    main()
