"""What the computations of the ledger share: data, worlds and simulations, each made once."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from mixfolio import covariance, datasets, montecarlo, optimization, relationship
from mixfolio._inputs import Array
from mixfolio.simulation import FactorWorld, Noise, World
from mixfolio.studies import as_written, published

TICKERS = ["SPY", "IWM", "EFA", "EEM", "AGG", "TLT", "GLD", "DBC", "VNQ", "HYG"]
FLAGS = {
    "equity": "SPY IWM EFA EEM VNQ",
    "bond": "AGG TLT HYG",
    "alternative": "GLD DBC",
    "large": "SPY EFA",
    "small": "IWM",
    "US": "SPY IWM AGG TLT VNQ HYG",
    "abroad": "EFA EEM",
    "high risk": "IWM EEM HYG DBC",
}
STAND_INS = [
    "MSCI US",
    "MSCI Japan",
    "MSCI Asia ex-Japan",
    "MSCI EM ex-Asia",
    "Global Bonds",
    "US Treasuries",
    "Global HY Bonds",
    "EM USD Bonds",
    "Commodities ex-Precious",
    "Commodities Precious",
]
"""Asset classes in the place of the ten funds, whose prices of those years are not in the book."""
MONTHS = 60
SPRING = slice("2020-02-20", "2020-04-20")
CRISIS = slice("2008-07", "2009-06")


@dataclass(frozen=True)
class Context:
    """Inputs and intermediate results, computed when they are first asked for.

    Attributes
    ----------
    seed : int
        Of all random numbers.
    n_replications : int
        Of each simulated study.
    """

    seed: int = 16
    n_replications: int = 30

    def rng(self, *more: int) -> np.random.Generator:
        """A generator of its own for every use."""
        return np.random.default_rng([self.seed, *more])

    # ------------------------------------------------------------ the mean-variance chapter

    @cached_property
    def mean(self) -> "pd.Series[float]":
        """Expected returns of the three stocks, a year."""
        return pd.Series({"AAPL": 0.15, "MSFT": 0.12, "GOOGL": 0.18})

    @property
    def mu(self) -> Array:
        """The same as an array."""
        return np.asarray(self.mean, dtype=np.float64)

    @cached_property
    def sigma(self) -> pd.DataFrame:
        """Covariance of the three stocks, a year."""
        volatility = np.array([0.25, 0.20, 0.30])
        rho = np.array([[1.0, 0.7, 0.6], [0.7, 1.0, 0.5], [0.6, 0.5, 1.0]])
        names = self.mean.index
        return pd.DataFrame(np.outer(volatility, volatility) * rho, names, names)

    @cached_property
    def portfolios(self) -> dict[str, Array]:
        """Optimal portfolios of the three stocks."""
        sigma = self.sigma.to_numpy()
        sharpe = optimization.maximum_sharpe(self.mu, sigma, risk_free=0.02)
        return {
            "minimum variance": optimization.minimum_variance(sigma),
            "maximum Sharpe": sharpe,
            "risk parity": optimization.risk_parity(sigma),
            "maximum diversification": optimization.maximum_diversification(sigma),
            "equal weight": np.full(3, 1 / 3),
        }

    def facts(self, w: Array) -> tuple[float, float, float]:
        """Mean and volatility in per cent, and Sharpe ratio, of a portfolio of the three stocks."""
        mean, risk = float(w @ self.mean), float(np.sqrt(w @ self.sigma.to_numpy() @ w))
        return 100 * mean, 100 * risk, (mean - 0.02) / risk

    @cached_property
    def random_portfolios(self) -> Array:
        """Long-only portfolios of three assets that might beat the optimum."""
        return self.rng(1).dirichlet(np.ones(3), 4000)

    @cached_property
    def stocks(self) -> pd.DataFrame:
        """Weekly returns of large US stocks."""
        return datasets.load("stocks-weekly")

    @cached_property
    def days(self) -> pd.DataFrame:
        """Daily returns of 110 US stocks."""
        return datasets.load("stocks-daily")

    @cached_property
    def weekly_fear(self) -> "pd.Series[int]":
        """The same for the week before, for each week of the large stocks."""
        vix = datasets.load("vix")["close"].reindex(self.stocks.index, method="ffill").shift(1)
        return pd.qcut(vix, 3, labels=False)

    @cached_property
    def fear(self) -> "pd.Series[int]":
        """Tercile (0 to 2) of the VIX at the close before, for each day of the stocks."""
        vix = datasets.load("vix")["close"].reindex(self.days.index, method="ffill").shift(1)
        return pd.qcut(vix.dropna(), 3, labels=False)

    @cached_property
    def industries(self) -> pd.DataFrame:
        """Monthly excess returns of twelve US industries."""
        name = "industries-and-styles"
        panel = datasets.load(name).loc[:, datasets.groups(name) == "industry"]
        return panel.sub(datasets.load(name, role="risk_free").iloc[:, 0], axis=0)

    # ------------------------------------------------------------ the simulation article

    def simulate(self, noise: Noise, *names: str, as_published: bool = False) -> pd.DataFrame:
        """Information ratios of the published design, one row a replication."""
        study = partial(
            published.information_ratios, noise=noise, estimators=names, as_published=as_published
        )
        return montecarlo.run(study, self.n_replications, seed=self.seed)

    @cached_property
    def gaussian(self) -> pd.DataFrame:
        names = ("truth", "sample", "hierarchical", "PCA", "equal")
        return self.simulate(Noise(), *names, as_published=True)

    @cached_property
    def garch(self) -> pd.DataFrame:
        names = ("truth", "sample", "hierarchical", "PCA", "equal")
        return self.simulate(Noise("garch", match_variance=False), *names)

    @cached_property
    def matched(self) -> pd.DataFrame:
        names = ("truth", "sample", "hierarchical", "PCA", "equal")
        return self.simulate(Noise("garch"), *names)

    def one_industry(self, n_assets: int) -> pd.DataFrame:
        """Information ratios in a world of one industry, one row a replication."""
        return self._industry_100 if n_assets == 100 else self._industry_300

    @cached_property
    def _industry_100(self) -> pd.DataFrame:
        return montecarlo.run(published.one_industry, self.n_replications, seed=self.seed)

    @cached_property
    def _industry_300(self) -> pd.DataFrame:
        study = partial(published.one_industry, n_assets=300)
        return montecarlo.run(study, self.n_replications, seed=self.seed)

    @cached_property
    def world(self) -> World:
        """One world of nine industries."""
        return FactorWorld().draw(self.rng(2))

    @cached_property
    def history(self) -> pd.DataFrame:
        """Five hundred days of that world."""
        return self.world.simulate(500, self.rng(3))

    # ------------------------------------------------------------ the mixed-model tutorial

    @cached_property
    def classes(self) -> pd.DataFrame:
        """Monthly returns of the asset classes, complete months."""
        return datasets.load("asset-classes").loc["2002-02":"2026-05"]

    @cached_property
    def funds(self) -> pd.DataFrame:
        """The last sixty months of the ten stand-ins."""
        return self.classes[STAND_INS].iloc[-MONTHS:]

    @cached_property
    def market(self) -> "pd.Series[float]":
        """The stand-in for SPY, in the same months."""
        return self.funds["MSCI US"]

    @cached_property
    def us_market(self) -> "pd.Series[float]":
        """US market returns in the five years before the tutorial, cash included."""
        factors = datasets.table("factors-monthly").loc["2020-07":"2025-06"]
        return factors["Mkt-RF"] + factors["RF"]

    @cached_property
    def cells(self) -> Array:
        """Volatility regimes of the sixty months of ten assets, as written."""
        return as_written.volatility_regimes(self.market, len(STAND_INS))

    @cached_property
    def fitted(self) -> pd.DataFrame:
        """Fitted values with one slope and regimes, as written."""
        return as_written.common_slope(self.funds, self.market, self.cells)

    @cached_property
    def class_kernel(self) -> pd.DataFrame:
        """The tutorial's similarity by labels, which depends on its own flags alone."""
        table = {flag: 1.0 * np.isin(TICKERS, held.split()) for flag, held in FLAGS.items()}
        return relationship.kernel(pd.DataFrame(table, TICKERS), standardise=False)

    @cached_property
    def daily_fund(self) -> "pd.Series[float]":
        """Daily returns of SPY, 2008 to 2016."""
        return datasets.load("etfs-daily")["SPY"].dropna()

    @cached_property
    def stacked(self) -> pd.DataFrame:
        """The table of the tutorial: one row a fund and month, sorted by fund and month."""
        long = self.funds.rename_axis(index="date", columns="symbol").T.stack()
        table = pd.Series(long, name="monthly_return").reset_index()
        table["market_return"] = table["date"].map(self.market)
        table["vol_regime"] = self.cells.ravel()
        return table

    @cached_property
    def sample(self) -> pd.DataFrame:
        """Sample covariance of the ten stand-ins."""
        return covariance.sample(self.funds)
