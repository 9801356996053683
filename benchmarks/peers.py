"""The peers' own calls for the portfolios that are compared, and exact weights to hold all to.

All are given the covariance, and the mean where it matters: skfolio by an estimator that has it
ready, Riskfolio-Lib by its attributes. So nobody estimates anything while the clock runs. Every
library has the solver and the tolerances of its defaults, cvxpy has Clarabel.
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
from skfolio.moments import BaseCovariance
from skfolio.optimization import MeanRisk
from skfolio.prior import EmpiricalPrior

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


class Given(BaseCovariance):
    """A covariance that skfolio need not estimate."""

    def __init__(self, matrix: Array) -> None:
        self.matrix = matrix

    def fit(self, X: Any, y: Any = None) -> "Given":
        self.covariance_ = self.matrix
        return self


def skfolio(returns: pd.DataFrame, matrix: Array, **options: Any) -> Array:
    prior = EmpiricalPrior(covariance_estimator=Given(matrix))
    return MeanRisk(prior_estimator=prior, **options).fit(returns).weights_


def riskfolio_portfolio(returns: pd.DataFrame, mean: pd.Series, matrix: pd.DataFrame) -> Any:
    portfolio = riskfolio.Portfolio(returns=returns)
    portfolio.mu, portfolio.cov = mean.to_frame().T, matrix
    return portfolio


def riskfolio_weights(
    returns: pd.DataFrame, mean: pd.Series, matrix: pd.DataFrame, **options: Any
) -> Array:
    portfolio = riskfolio_portfolio(returns, mean, matrix)
    found = portfolio.optimization(model="Classic", rm="MV", **options)
    return found["weights"].to_numpy()
