"""The page on a reader's own prices: its examples are read, its snippet makes a file that works."""

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from mixfolio.prices import read_groups, read_prices
from mixfolio.report import pipeline as own_prices
from mixfolio.report.cli import _parser

PAGE = (Path(__file__).parents[3] / "book" / "your-own-prices.md").read_text(encoding="utf-8")
TICKERS = ["SPY", "IWM", "EFA", "EEM", "AGG", "TLT", "GLD", "DBC", "VNQ", "HYG"]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_of_files_are_read():
    wide, long, groups = blocks("text")
    assert list(read_prices(io.StringIO(wide))) == ["SPY", "TLT", "GLD"]
    found = read_prices(io.StringIO(long), missing="keep")
    assert found.shape == (2, 2)
    assert read_groups(io.StringIO(groups)).to_dict()["GLD"] == "gold"


def test_the_commands_are_understood():
    lines = "\n".join(blocks("sh")).splitlines()
    given = [line.split()[1:] for line in lines if line.startswith("mixfolio")]
    given += [re.search(r'OPTIONS="(.*)"', line)[1].split() for line in lines if "OPTIONS" in line]
    assert len(given) == 3
    for arguments in given:
        command = arguments if arguments[0] == "report" else ["report", "x.csv", *arguments]
        assert _parser().parse_args(command).command == "report"


def test_the_snippet_makes_prices_that_are_taken(tmp_path, monkeypatch):
    def download(tickers, *, start, auto_adjust):
        """Daily prices in the form of yfinance: columns of two levels, tickers sorted."""
        assert (tickers, auto_adjust) == (TICKERS, True)
        days = pd.bdate_range(start, periods=400, name="Date")
        columns = pd.MultiIndex.from_product(
            [["Close", "Volume"], sorted(tickers)], names=["Price", "Ticker"]
        )
        moves = np.random.default_rng(6).normal(0, 0.01, (400, 20))
        return pd.DataFrame(50 * np.exp(moves.cumsum(axis=0)), days, columns)

    monkeypatch.setitem(sys.modules, "yfinance", SimpleNamespace(download=download))
    monkeypatch.chdir(tmp_path)
    (snippet,) = blocks("python")
    exec(snippet, {})
    inputs = own_prices.read_inputs("prices.csv", missing="fill")
    assert list(inputs.returns) == TICKERS
    assert inputs.frequency.name == "weekly"
