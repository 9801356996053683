"""Prices and returns: reading tables of prices, checking them, turning them into returns."""

from mixfolio.prices._checks import (
    Checks,
    Finding,
    Frequency,
    check_prices,
    find_frequency,
    longest_runs,
)
from mixfolio.prices._grid import Source
from mixfolio.prices._read import (
    LAYOUTS,
    Layout,
    read_groups,
    read_prices,
    read_returns,
    read_weights,
)
from mixfolio.prices._returns import compound, to_returns

__all__ = [
    "LAYOUTS",
    "Checks",
    "Finding",
    "Frequency",
    "Layout",
    "Source",
    "check_prices",
    "compound",
    "find_frequency",
    "longest_runs",
    "read_groups",
    "read_prices",
    "read_returns",
    "read_weights",
    "to_returns",
]
