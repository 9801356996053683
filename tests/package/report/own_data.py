"""Files of prices as a reader would bring them, made from the book's data."""

import numpy as np
import pandas as pd

from mixfolio import datasets

ASSETS = ["Global Bonds", "US Treasuries", "MSCI US", "MSCI World USD", "Hedge Funds", "US TIPS"]


def monthly(n_periods=150):
    """Prices of six asset classes at the end of months."""
    returns = datasets.load("asset-classes")[ASSETS].dropna().iloc[-n_periods:]
    start = pd.DataFrame(0.0, [returns.index[0] - pd.offsets.MonthEnd()], ASSETS)
    prices = 100 * (1 + pd.concat([start, returns])).cumprod()
    return prices.rename_axis("date").round(6)


def daily(n_rows=500, n_assets=6):
    """Prices of exchange-traded funds."""
    return datasets.table("etfs-daily").iloc[-n_rows:, :n_assets]


def groups():
    """A group for each of the monthly assets."""
    kinds = ["bonds", "bonds", "equity", "equity", "other", "bonds"]
    return pd.Series(kinds, pd.Index(ASSETS, name="asset"), name="class")


def write(folder, table, name="prices.csv"):
    path = folder / name
    table.to_csv(path)
    return path


def long(table):
    """The same prices in three columns."""
    stacked = table.rename_axis(columns="symbol").stack().rename("price")
    return stacked.reset_index().set_index("date")


def random_prices(rng, n_rows=60, n_assets=5):
    """Monthly prices without structure."""
    index = pd.date_range("2015-01-31", periods=n_rows, freq="ME", name="date")
    returns = rng.normal(0.005, 0.04, (n_rows, n_assets))
    return pd.DataFrame(100 * np.cumprod(1 + returns, axis=0), index, list("ABCDEFGH")[:n_assets])
