"""Walk-forward evaluation: decide with the past, hold, measure, roll on.

At each decision date a strategy sees a copy of the returns that ends there. Its weights earn the
returns of the following periods and drift with them until the next decision. Nothing of the
future is within a strategy's reach.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from mixfolio import metrics
from mixfolio.errors import DataError
from mixfolio.inputs import Array, VectorLike, read_number, read_returns, read_vector

__all__ = ["BacktestResult", "Strategy", "walk_forward"]

Strategy = Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class BacktestResult:
    """What every strategy earned, held and traded.

    Attributes
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Decimal simple returns after costs, dated by the period in which they were earned.
    weights : dict of DataFrame of shape (n_periods, n_assets)
        For each strategy the weights at the start of each period, after trading.
    turnover : DataFrame of shape (n_periods, n_strategies)
        Sum of absolute trades at the start of each period, against the drifted weights. Missing in
        the first period, where the portfolio is bought. After a loss of more than the whole wealth,
        which leverage allows, the figure follows the formula and has no meaning.
    """

    returns: pd.DataFrame
    weights: dict[str, pd.DataFrame]
    turnover: pd.DataFrame

    def summary(self, periods_per_year: float = 1.0) -> pd.DataFrame:
        """One row a strategy: mean, volatility, Sharpe ratio, drawdown, turnover, effective N.

        Parameters
        ----------
        periods_per_year : float
            Annualises mean, volatility and Sharpe ratio. 1 leaves them per period.

        Returns
        -------
        DataFrame of shape (n_strategies, 6)
        """
        table = {
            "mean": self.returns.mean() * periods_per_year,
            "volatility": self.returns.std() * np.sqrt(periods_per_year),
            "sharpe": self.returns.apply(metrics.sharpe_ratio, args=(periods_per_year,)),
            "maximum_drawdown": self.returns.apply(metrics.maximum_drawdown),
            "turnover": self.turnover.mean(),
            "effective_number": pd.Series(
                {
                    name: 1 / (held.to_numpy() ** 2).sum(axis=1).mean()
                    for name, held in self.weights.items()
                }
            ),
        }
        return pd.DataFrame(table)


def walk_forward(
    returns: pd.DataFrame,
    strategies: Mapping[str, Strategy],
    *,
    window: int,
    step: int = 1,
    costs: float = 0.0,
    expanding: bool = False,
    risk_free: VectorLike | None = None,
) -> BacktestResult:
    """Evaluate strategies out of sample over one table of returns.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns, oldest first, without gaps.
    strategies : mapping of name to function
        Each takes a DataFrame of past returns and gives weights, one an asset.
    window : int
        Periods of history that a decision may use.
    step : int
        Periods between decisions; the weights drift in between.
    costs : float
        Proportional cost of one unit traded, as a decimal: 0.001 is ten basis points.
    expanding : bool
        Whether the history keeps its start instead of its length.
    risk_free : Series or array of shape (n_periods,), optional
        Give it when `returns` are in excess of the riskless asset. Weights then drift with the
        total returns, and what they leave uninvested earns the riskless one.

    Returns
    -------
    BacktestResult
        From period `window` on.

    Raises
    ------
    DataError
        If the returns are unusable, out of order or below -1, the window leaves no period to
        evaluate, `risk_free` has other dates, or a strategy gives weights that are not finite.
        Any error of a strategy comes with a note of its name and the date.
    """
    values, labels = read_returns(returns)
    if labels is None:
        raise DataError("returns must be a DataFrame here, so that results carry dates and names.")
    _require_past_to_future(returns, values)
    n_periods = len(values)
    whole = isinstance(window, Integral) and isinstance(step, Integral)
    if not (whole and 1 <= window < n_periods and step >= 1):
        raise DataError(
            f"window is {window} and step {step} for {n_periods} periods; the window must be an "
            f"integer between 1 and {n_periods - 1} and the step one of at least 1."
        )
    costs = read_number(costs, "costs")
    if costs < 0:
        raise DataError(f"costs is {costs}; it must be zero or positive, a decimal per unit.")
    total, riskless = values, np.zeros(n_periods)
    if risk_free is not None:
        if isinstance(risk_free, pd.Series) and not risk_free.index.equals(returns.index):
            raise DataError(
                "risk_free and returns have different dates. Use risk_free.reindex(returns.index), "
                "and look for gaps."
            )
        riskless = read_vector(risk_free, n_periods, None, "risk_free")[0]
        total = values + riskless[:, None]
    held = {
        name: _hold(name, strategy, returns, total, riskless, window, step, expanding)
        for name, strategy in strategies.items()
    }
    dates = returns.index[window:]
    traded = {
        name: _trades(weights, total[window:], riskless[window:]) for name, weights in held.items()
    }
    earned = {
        name: (weights * values[window:]).sum(axis=1) - costs * np.nan_to_num(traded[name])
        for name, weights in held.items()
    }
    tables = {
        name: pd.DataFrame(weights, index=dates, columns=returns.columns)
        for name, weights in held.items()
    }
    return BacktestResult(pd.DataFrame(earned, dates), tables, pd.DataFrame(traded, dates))


def _require_past_to_future(returns: pd.DataFrame, values: Array) -> None:
    """Refuse what would make an evaluation meaningless: wrong order, prices, per cent."""
    if not returns.index.is_monotonic_increasing:
        raise DataError(
            "returns is not in order of time, so that a strategy would see the future. Use "
            "returns.sort_index()."
        )
    if (values < -1).any():
        row, column = np.argwhere(values < -1)[0]
        raise DataError(
            f"returns has {int((values < -1).sum())} value(s) below -1, a loss of more than "
            f"everything, the first in row {returns.index[row]}, column {returns.columns[column]}. "
            "Are they prices, or in per cent? Returns are decimal: 0.01 is one per cent."
        )


def _hold(
    name: str,
    strategy: Strategy,
    returns: pd.DataFrame,
    total: Array,
    riskless: Array,
    window: int,
    step: int,
    expanding: bool,
) -> Array:
    """Weights at the start of each period: decided every `step` periods, drifting in between."""
    rows = []
    for t in range(window, len(returns)):
        if (t - window) % step == 0:
            past = returns.iloc[0 if expanding else t - window : t].copy()
            rows.append(_decide(name, strategy, past))
            continue
        held = slice(t - 1, t)
        drifted, wealth = _drifted(rows[-1][None, :], total[held], riskless[held])
        if not wealth[0] > 0:
            raise DataError(
                f"strategy {name!r} multiplies its wealth by {wealth[0]:.4g} in "
                f"{returns.index[t - 1]}: nothing is left to hold. Limit its leverage."
            )
        rows.append(drifted[0])
    return np.array(rows)


def _drifted(weights: Array, total: Array, riskless: Array) -> tuple[Array, Array]:
    """Weights at the end of each period, and what the wealth was multiplied by in it."""
    grown = weights * (1.0 + total)
    wealth = grown.sum(axis=1) + (1.0 - weights.sum(axis=1)) * (1.0 + riskless)
    return grown / wealth[:, None], wealth


def _decide(name: str, strategy: Strategy, past: pd.DataFrame) -> Array:
    labels, last = past.columns, past.index[-1]  # before the strategy can change its copy
    try:
        return read_vector(strategy(past), len(labels), labels, "weights")[0]
    except Exception as error:
        error.add_note(f"Strategy {name!r}, deciding with data to {last}.")
        raise


def _trades(weights: Array, total: Array, riskless: Array) -> Array:
    """Sum of absolute trades at the start of each period; missing in the first."""
    traded = np.full(len(weights), np.nan)
    arrived, _ = _drifted(weights[:-1], total[:-1], riskless[:-1])
    traded[1:] = np.abs(weights[1:] - arrived).sum(axis=1)
    return traded
