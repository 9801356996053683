"""The peers' own calls for the portfolios that are compared, and exact weights to hold all to.

PyPortfolioOpt and cvxpy are given the covariance. skfolio and Riskfolio-Lib start from returns, as
their users do; the package's time beside theirs includes the sample covariance then. Every library
runs with the solver and the tolerances that it has by default, cvxpy with Clarabel.
"""

from collections.abc import Callable
from typing import Any

import cvxpy
import numpy as np
import pandas as pd
import pypfopt
import quadprog
import riskfolio
from scipy.linalg import lu_factor, lu_solve
from skfolio.optimization import MeanRisk, ObjectiveFunction

Array = np.ndarray


def exact_weights(Q: Array, c: Array) -> Array:
    """Minimiser of w'Qw/2 - c'w with w >= 0 and 1'w = 1, right to rounding.

    quadprog finds which assets are held. Their weights solve a linear system, which is refined with
    residuals in extended precision. An assertion proves that the conditions hold there.
    """
    held = np.flatnonzero(raw_quadprog(Q, c) > 1e-10)
    n = len(held)
    K = np.zeros((n + 1, n + 1), dtype=np.longdouble)
    K[:n, :n], K[:n, n], K[n, :n] = Q[np.ix_(held, held)], -1, 1
    right = np.append(c[held], 1.0).astype(np.longdouble)
    factor, x = lu_factor(K.astype(float)), np.zeros(n + 1, dtype=np.longdouble)
    for _ in range(6):
        x += lu_solve(factor, (right - K @ x).astype(float))
    weights = np.zeros(len(Q))
    weights[held] = x[:n]
    slopes = Q @ weights - c - float(x[n])
    assert weights.min() >= 0 and slopes.min() >= -1e-12 * np.abs(Q @ weights).max()
    return weights


def raw_quadprog(Q: Array, c: Array) -> Array:
    n = len(Q)
    A, b = np.column_stack([np.ones(n), np.eye(n)]), np.eye(n + 1)[0]
    return quadprog.solve_qp(Q, c, A, b, 1)[0]


def clarabel(Q: Array, c: Array) -> Array:
    w = cvxpy.Variable(len(Q))
    objective = cvxpy.Minimize(cvxpy.quad_form(w, cvxpy.psd_wrap(Q)) / 2 - c @ w)
    cvxpy.Problem(objective, [w >= 0, cvxpy.sum(w) == 1]).solve(solver=cvxpy.CLARABEL)
    return w.value


def pyportfolioopt(mean: Any, matrix: pd.DataFrame, choose: Callable[[Any], Any]) -> Array:
    """`choose` calls the method of their EfficientFrontier."""
    weights = choose(pypfopt.EfficientFrontier(mean, matrix))
    return np.array([weights[name] for name in matrix.columns])


def skfolio_minimum_variance(returns: pd.DataFrame) -> Array:
    return MeanRisk().fit(returns).weights_


def skfolio_mean_variance(returns: pd.DataFrame, risk_aversion: float) -> Array:
    """Their risk aversion multiplies the variance, without the half."""
    objective = ObjectiveFunction.MAXIMIZE_UTILITY
    model = MeanRisk(objective_function=objective, risk_aversion=risk_aversion / 2)
    return model.fit(returns).weights_


def riskfolio_portfolio(returns: pd.DataFrame) -> Any:
    portfolio = riskfolio.Portfolio(returns=returns)
    portfolio.assets_stats(method_mu="hist", method_cov="hist")
    return portfolio


def riskfolio_weights(returns: pd.DataFrame, **options: Any) -> Array:
    found = riskfolio_portfolio(returns).optimization(model="Classic", rm="MV", **options)
    return found["weights"].to_numpy()
