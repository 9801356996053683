"""Prices and returns: reading tables of prices, checking them, turning them into returns."""

from mixfolio.prices._assets import read_groups, read_weights, write_weights
from mixfolio.prices._checks import Checks, Frequency, check_prices, find_frequency
from mixfolio.prices._exports import LAYOUTS, Layout
from mixfolio.prices._files import Source
from mixfolio.prices._missing import MISSING, Missing, complete
from mixfolio.prices._read import read_prices, read_returns
from mixfolio.prices._returns import compound, to_returns
from mixfolio.prices._steps import evenly

__all__ = [
    "LAYOUTS",
    "MISSING",
    "Checks",
    "Frequency",
    "Layout",
    "Missing",
    "Source",
    "check_prices",
    "complete",
    "compound",
    "evenly",
    "find_frequency",
    "read_groups",
    "read_prices",
    "read_returns",
    "read_weights",
    "to_returns",
    "write_weights",
]
