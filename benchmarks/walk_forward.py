"""Walk-forward evaluation of long-only minimum variance.

Twenty stocks that skfolio brings along, daily; 383 decisions 21 days apart, each with the sample
covariance of the last 252 days. `walk_forward` with a strategy on arrays and on labelled tables,
against skfolio's `cross_val_predict` with `WalkForward`, and against a plain loop around
PyPortfolioOpt. Weights drift between decisions, but not in skfolio, where they are put back every
day. An error is the largest difference of a daily return from a loop over days with quadprog.
"""

import measure
import numpy as np
import pandas as pd
import peers
from skfolio.datasets import load_sp500_dataset
from skfolio.model_selection import WalkForward, cross_val_predict
from skfolio.optimization import MeanRisk

from mixfolio import backtest, covariance, optimization

WINDOW, STEP, DECISIONS = 252, 21, 383
TARGETS = {"skfolio": 100, "PyPortfolioOpt": 40}
HIGHEST_ERROR = 1e-12


def stocks() -> pd.DataFrame:
    return load_sp500_dataset().pct_change().iloc[1 : 1 + WINDOW + STEP * DECISIONS]


def decide(past):
    return optimization.minimum_variance(covariance.sample(past))


def ours(returns, strategy):
    found = backtest.walk_forward(returns, {"it": strategy}, window=WINDOW, step=STEP)
    return found.returns["it"].to_numpy()


def loop(returns, weights_of):
    """Daily returns of weights that are decided every `STEP` days and drift in between."""
    values, earned = returns.to_numpy(), []
    for day in range(WINDOW, len(values)):
        if (day - WINDOW) % STEP == 0:
            weights = weights_of(returns.iloc[day - WINDOW : day])
        earned.append(weights @ values[day])
        weights = weights * (1 + values[day]) / (1 + earned[-1])
    return np.array(earned)


def quadprog(past):
    matrix = np.cov(past.to_numpy().T)
    return peers.raw_quadprog(matrix, np.zeros(len(matrix)))


def pyportfolioopt(past):
    return peers.pyportfolioopt(None, past.cov(), lambda frontier: frontier.min_volatility())


def skfolio(returns):
    folds = WalkForward(train_size=WINDOW, test_size=STEP)
    return np.asarray(cross_val_predict(MeanRisk(), returns, cv=folds).returns)


def rows():
    returns = stocks()
    expected = loop(returns, quadprog)
    calls = {
        "skfolio": lambda: skfolio(returns),
        "PyPortfolioOpt": lambda: loop(returns, pyportfolioopt),
    }
    found = []
    for name, strategy in (("arrays", backtest.OnArrays(decide)), ("labelled tables", decide)):
        found += measure.compared(
            f"walk-forward on {name}",
            f"{returns.shape[1]} stocks, {DECISIONS} decisions",
            lambda strategy=strategy: ours(returns, strategy),
            calls,
            error=lambda result: np.abs(result - expected).max(),
            targets=TARGETS if name == "arrays" else None,
        )
    measure.aim(found[0], "error", at_most=HIGHEST_ERROR)
    return found


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": rows()})
