"""Walk-forward evaluation: decisions from past returns only, trading, costs and calendars."""

from mixfolio.backtest._engine import BacktestResult, OnArrays, Strategy, walk_forward
from mixfolio.backtest._rebalancing import Threshold

__all__ = [
    "BacktestResult",
    "OnArrays",
    "Strategy",
    "Threshold",
    "walk_forward",
]
