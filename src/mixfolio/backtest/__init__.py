"""Walk-forward evaluation: decisions from past returns only, trading, costs and calendars."""

from mixfolio.backtest._engine import BacktestResult, OnArrays, Strategy, walk_forward
from mixfolio.backtest._rebalancing import CALENDARS, Calendar, Threshold, reviews

__all__ = [
    "CALENDARS",
    "BacktestResult",
    "Calendar",
    "OnArrays",
    "Strategy",
    "Threshold",
    "reviews",
    "walk_forward",
]
