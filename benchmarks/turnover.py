"""Portfolios with a price of trading.

`minimum_variance` and `mean_variance` at a risk aversion of ten, long-only, with a penalty on the
sum of absolute trades, beside the same problem written in cvxpy for Clarabel and for OSQP. The
portfolio held is that of lowest variance on other days of the same market, and the price is such
that a part of the assets is not traded: the share is in the size. An error is the largest
difference of a weight from the dense program with purchases and sales as variables of their own,
which quadprog solves.
"""

import cvxpy
import measure
import numpy as np
import quadprog

from mixfolio import covariance, expected_returns, optimization

SIZES = (50, 100, 250, 500)
RISK_AVERSION, PRICE = 10.0, 2e-6
SECONDS = {100: 0.005, 500: 0.3}
HIGHEST_ERROR = 1e-10


def by_cvxpy(Q, c, price, held, solver):
    w = cvxpy.Variable(len(Q))
    risk = cvxpy.quad_form(w, cvxpy.psd_wrap(Q)) / 2
    cost = price * cvxpy.norm1(w - held)
    problem = cvxpy.Problem(cvxpy.Minimize(risk - c @ w + cost), [w >= 0, cvxpy.sum(w) == 1])
    problem.solve(solver=solver)
    return w.value


def dense(Q, c, price, held):
    """Minimiser in (w, q), with sales q and purchases p = w - held + q.

    The objective is w'Qw/2 - c'w + price 1'(p + q) + 2 d p'q. The last term is zero where nothing
    is bought and sold at once, as in the solution, and makes the problem strictly convex.
    """
    n, eye = len(Q), np.eye(len(Q))
    d = np.linalg.eigvalsh(Q)[0] / 2
    H = np.block([[Q, 2 * d * eye], [2 * d * eye, 4 * d * eye]])
    linear = np.concatenate([c - price, 2 * d * held - 2 * price])
    zero = np.zeros((n, n))
    sides = np.block([[np.ones((n, 1)), eye, eye, zero], [np.zeros((n, 1)), zero, eye, eye]])
    levels = np.concatenate([[1.0], np.zeros(n), held, np.zeros(n)])
    scale = np.trace(Q) / n
    return quadprog.solve_qp(H / scale, linear / scale, sides, levels, 1)[0][:n]


def rows_of(work, n, ours, Q, c, price, held):
    exact = dense(Q, c, price, held)
    resting = np.mean(np.asarray(ours()) == held)
    found = measure.compared(
        f"{work}, price of trading",
        f"N = {n}, {resting:.0%} not traded",
        ours,
        {
            "cvxpy, Clarabel": lambda: by_cvxpy(Q, c, price, held, cvxpy.CLARABEL),
            "cvxpy, OSQP": lambda: by_cvxpy(Q, c, price, held, cvxpy.OSQP),
        },
        error=lambda weights: np.abs(np.asarray(weights) - exact).max(),
    )
    measure.aim(found[0], "error", at_most=HIGHEST_ERROR)
    return (
        [measure.aim(found[0], "seconds", at_most=SECONDS[n]), *found[1:]]
        if n in SECONDS
        else found
    )


def rows(n):
    returns = measure.returns(4 * n, n)
    then, now = returns.iloc[: 2 * n], returns.iloc[2 * n :]
    matrix, mean = covariance.sample(now), expected_returns.sample(now)
    previous = optimization.minimum_variance(covariance.sample(then))
    Q, c, held = matrix.to_numpy(), mean.to_numpy(), previous.to_numpy()
    price = RISK_AVERSION * PRICE
    return [
        *rows_of(
            "minimum variance",
            n,
            lambda: optimization.minimum_variance(
                matrix, previous=previous, turnover_penalty=PRICE
            ),
            *(Q, np.zeros(n), PRICE, held),
        ),
        *rows_of(
            "mean-variance",
            n,
            lambda: optimization.mean_variance(
                mean,
                matrix,
                risk_aversion=RISK_AVERSION,
                previous=previous,
                turnover_penalty=price,
            ),
            *(RISK_AVERSION * Q, c, price, held),
        ),
    ]


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
