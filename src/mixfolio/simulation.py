r"""A world with a known truth: one market, several industries, and noise of a stated kind.

Asset i of industry g earns

    r_it = m_i + b_i f_mt + c_i f_gt + e_it,

with independent factors, so that the true covariance of returns is

    Sigma = B diag(v_f) B' + diag(v_e),

where the columns of B are the loadings, v_f the factor variances and v_e the variances of the
noise. The noise is Gaussian, GARCH(1,1) or Student-t. A GARCH process with ``s_t^2 = omega +
alpha e_{t-1}^2 + beta s_{t-1}^2`` has variance ``omega / (1 - alpha - beta)``, and a t variable
with d degrees of freedom ``d / (d - 2)``. Noise of another kind has the variance of the Gaussian
noise when it is matched, and these multiples of it when it is not.

All figures are per period. :class:`FactorWorld` takes annual ones and converts them.

:func:`made_up_factors` are series that explain nothing, for tests of what is said to explain.

References
----------
Bollerslev, T. (1986). Generalized autoregressive conditional heteroskedasticity. Journal of
Econometrics 31, 307-327.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mixfolio._inputs import Array, checked, read_count, read_number, require_fields
from mixfolio.errors import DataError

__all__ = ["INDUSTRIES", "FactorWorld", "Noise", "World", "made_up_factors"]

INDUSTRIES: Mapping[str, float] = {
    "banks": 0.10,
    "oil": 0.14,
    "insurance": 0.07,
    "tech": 0.20,
    "bio": 0.12,
    "pharma": 0.22,
    "auto": 0.05,
    "retail": 0.125,
    "manufacturing": 0.10,
}

Kind = Literal["gaussian", "garch", "student"]
BURN_IN = 200


@dataclass(frozen=True)
class Noise:
    """The distribution of the asset-specific noise.

    Attributes
    ----------
    kind : {"gaussian", "garch", "student"}
    match_variance : bool
        Whether the noise has the world's specific variance. If not, that variance is GARCH's
        omega, or the squared scale of the t distribution.
    alpha, beta : float
        GARCH(1,1) coefficients of the last squared shock and of the last variance.
    degrees_of_freedom : float
        Of the t distribution, above 2.

    Raises
    ------
    DataError
        If the kind is unknown, or its parameters give no finite variance.
    """

    kind: Kind = "gaussian"
    match_variance: bool = True
    alpha: float = 0.5
    beta: float = 0.3
    degrees_of_freedom: float = 5.0

    def __post_init__(self) -> None:
        """Refuse parameters without a finite variance."""
        if self.kind not in ("gaussian", "garch", "student"):
            raise DataError(f"noise is {self.kind!r}; it must be 'gaussian', 'garch' or 'student'.")
        require_fields(self)
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta >= 1:
            raise DataError(
                f"GARCH has alpha + beta = {self.alpha:g} + {self.beta:g} = "
                f"{self.alpha + self.beta:g}; both must be nonnegative and their sum below 1, or "
                "the variance is not finite."
            )
        if self.degrees_of_freedom <= 2:
            raise DataError(
                f"the t distribution has {self.degrees_of_freedom:g} degrees of freedom; it needs "
                "more than 2 to have a variance."
            )

    @property
    def variance_factor(self) -> float:
        """Variance of the noise in units of the world's specific variance."""
        if self.match_variance or self.kind == "gaussian":
            return 1.0
        if self.kind == "garch":
            return 1.0 / (1.0 - self.alpha - self.beta)
        return self.degrees_of_freedom / (self.degrees_of_freedom - 2.0)

    def draw(self, variances: Array, n_periods: int, rng: np.random.Generator) -> Array:
        """Noise of a world.

        Parameters
        ----------
        variances : ndarray of shape (n_assets,)
            The world's specific variances.
        n_periods : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of shape (n_periods, n_assets)
        """
        scale = np.sqrt(variances)
        shape = (n_periods, len(variances))
        if self.kind == "gaussian":
            return rng.standard_normal(shape) * scale
        if self.kind == "garch":
            return self._garch(shape, rng) * scale
        unit = rng.standard_t(self.degrees_of_freedom, shape)
        d = self.degrees_of_freedom
        return unit * scale * (np.sqrt((d - 2) / d) if self.match_variance else 1.0)

    def _garch(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """GARCH shocks with omega 1, or with variance 1 when matched; started in equilibrium."""
        n_periods, n_assets = shape
        persistence = 1.0 - self.alpha - self.beta
        omega = persistence if self.match_variance else 1.0
        variance = np.full(n_assets, omega / persistence)
        shocks = np.empty((n_periods + BURN_IN, n_assets))
        normal = rng.standard_normal(shocks.shape)
        for t, z in enumerate(normal):
            shocks[t] = np.sqrt(variance) * z
            variance = omega + self.alpha * shocks[t] ** 2 + self.beta * variance
        return shocks[BURN_IN:]


@dataclass(frozen=True)
class World:
    """Known parameters of returns, and returns drawn from them; all per period.

    Attributes
    ----------
    mean : Series of shape (n_assets,)
    loadings : DataFrame of shape (n_assets, n_factors)
    factor_variance : Series of shape (n_factors,)
    specific_variance : Series of shape (n_assets,)
    groups : Series of shape (n_assets,)
        The industry of each asset.

    Raises
    ------
    DataError
        If a variance is negative, a specific variance is zero, or labels disagree.
    """

    mean: pd.Series
    loadings: pd.DataFrame
    factor_variance: pd.Series
    specific_variance: pd.Series
    groups: pd.Series

    def __post_init__(self) -> None:
        """Refuse variances and labels that make no covariance matrix."""
        for name in ("mean", "factor_variance", "specific_variance", "groups"):
            _require_labelled(getattr(self, name), pd.Series, name)
        for name in ("mean", "factor_variance", "specific_variance"):
            if getattr(self, name).dtype.kind not in "fiu":
                raise DataError(f"{name} holds something that is not a number. Convert it first.")
        _require_labelled(self.loadings, pd.DataFrame, "loadings")
        if (self.factor_variance < 0).any() or (self.specific_variance <= 0).any():
            lowest = min(self.factor_variance.min(), self.specific_variance.min())
            raise DataError(
                f"the world has a variance of {lowest:.3g}; factor variances must be zero or "
                "positive and specific variances positive, or the truth is not a covariance."
            )
        assets, factors = self.loadings.index, self.loadings.columns
        agree = all(
            s.index.equals(assets) for s in (self.mean, self.specific_variance, self.groups)
        )
        if not agree or not self.factor_variance.index.equals(factors):
            raise DataError("mean, loadings, variances and groups must carry the same labels.")
        if len(assets) == 0 or not assets.is_unique or not factors.is_unique:
            raise DataError(
                f"the world has {len(assets)} assets, {assets.nunique()} of them with a name of "
                "their own; it needs at least one, and a different name for each asset and factor."
            )

    @property
    def truth(self) -> pd.DataFrame:
        """True covariance of returns with Gaussian, or variance-matched, noise."""
        return self.covariance()

    def covariance(self, noise: Noise | Kind | None = None) -> pd.DataFrame:
        """True covariance ``B diag(v_f) B' + diag(v_e)`` of returns with the given noise.

        Parameters
        ----------
        noise : Noise or {"gaussian", "garch", "student"}, optional
            Gaussian by default. A name stands for ``Noise(name)``: matched in variance.

        Returns
        -------
        DataFrame of shape (n_assets, n_assets)
        """
        factor = _law(noise).variance_factor
        scaled = self.loadings.to_numpy() * np.sqrt(self.factor_variance.to_numpy())
        matrix = scaled @ scaled.T
        matrix[np.diag_indices_from(matrix)] += factor * self.specific_variance.to_numpy()
        return pd.DataFrame(matrix, self.mean.index, self.mean.index)

    def simulate(
        self, n_periods: int, rng: np.random.Generator, noise: Noise | Kind = "gaussian"
    ) -> pd.DataFrame:
        """Returns drawn from this world.

        Parameters
        ----------
        n_periods : int
        rng : numpy.random.Generator
        noise : Noise or {"gaussian", "garch", "student"}
            A name stands for ``Noise(name)``: matched in variance.

        Returns
        -------
        DataFrame of shape (n_periods, n_assets)
            Decimal simple returns per period.

        Raises
        ------
        DataError
            If `n_periods` is below 1, the noise is unknown or `rng` is no generator.
        """
        n_periods, law = read_count(n_periods, "n_periods"), _law(noise)
        _require_generator(rng)
        spread = np.sqrt(self.factor_variance.to_numpy())
        factors = rng.standard_normal((n_periods, len(spread))) * spread
        specific = law.draw(self.specific_variance.to_numpy(), n_periods, rng)
        values = self.mean.to_numpy() + factors @ self.loadings.to_numpy().T + specific
        return pd.DataFrame(values, columns=self.mean.index)


def _law(noise: Noise | Kind | None) -> Noise:
    return noise if isinstance(noise, Noise) else Noise("gaussian" if noise is None else noise)


def _require_labelled(values: Any, kind: Any, name: str) -> None:
    if not isinstance(values, kind):
        raise DataError(f"{name} is a {type(values).__name__}; give a pandas {kind.__name__}.")
    known = values.notna() if name == "groups" else np.isfinite(values.to_numpy(dtype=float))
    missing = int((~np.asarray(known)).sum())
    if missing:
        raise DataError(
            f"{name} of the world has {missing} entr(ies) that are missing or infinite. "
            "Give every parameter a number."
        )


def _require_generator(rng: Any) -> None:
    if not isinstance(rng, np.random.Generator):
        raise DataError(f"rng is {rng!r}; give a generator, such as numpy.random.default_rng(7).")


@dataclass(frozen=True)
class FactorWorld:
    """The recipe of a world: volatilities fixed, means and loadings drawn.

    The defaults are those of the published study: nine industries of fifty stocks, annual means
    uniform on (-.2, .2), loadings uniform on (.5, 2), 250 periods a year.

    Attributes
    ----------
    industries : mapping of name to float
        Annual volatility of each industry factor.
    n_per_industry : int
    market_volatility, noise_volatility : float
        Annual.
    mean_range, loading_range : pair of float
        Bounds of the uniform distributions of annual means and of loadings.
    periods_per_year : int

    Raises
    ------
    DataError
        If there is no asset, a volatility is negative or that of the noise not positive, or a
        number is missing or a range empty.

    Examples
    --------
    Two industries of three stocks each, and three years of daily returns with volatility clusters:

    >>> import numpy as np
    >>> from mixfolio.simulation import FactorWorld
    >>> rng = np.random.default_rng(7)
    >>> world = FactorWorld({"banks": 0.10, "oil": 0.14}, n_per_industry=3).draw(rng)
    >>> world.simulate(750, rng, noise="garch").shape
    (750, 6)
    >>> bool(world.truth.loc["banks-000", "oil-000"] > 0)  # by the market
    True
    """

    industries: Mapping[str, float] = field(default_factory=lambda: dict(INDUSTRIES))
    n_per_industry: int = 50
    market_volatility: float = 0.10
    noise_volatility: float = 0.10
    mean_range: tuple[float, float] = (-0.2, 0.2)
    loading_range: tuple[float, float] = (0.5, 2.0)
    periods_per_year: int = 250

    def __post_init__(self) -> None:
        """Refuse what no world can be drawn from."""
        require_fields(self)
        read_count(self.n_per_industry, "n_per_industry")
        if not self.industries or "market" in self.industries:
            raise DataError(
                f"industries are {list(self.industries)}; a world needs at least one, and none "
                "named 'market', which is the factor that all assets share."
            )
        for name, volatility in {**self.industries, "market": self.market_volatility}.items():
            if read_number(volatility, f"the volatility of {name!r}") < 0:
                raise DataError(f"the volatility of {name!r} is {volatility}; it is negative.")
        for name in ("noise_volatility", "periods_per_year"):
            if read_number(getattr(self, name), name) <= 0:
                raise DataError(f"{name} is {getattr(self, name)}; it must be positive.")
        for name in ("mean_range", "loading_range"):
            low, high = (read_number(bound, name) for bound in getattr(self, name))
            if low > high:
                raise DataError(f"{name} is ({low:g}, {high:g}); the lower bound comes first.")

    @property
    def n_assets(self) -> int:
        """Number of assets in every world drawn."""
        return self.n_per_industry * len(self.industries)

    def draw(self, rng: np.random.Generator) -> World:
        """A world with means and loadings drawn at random.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        World

        Raises
        ------
        DataError
            If `rng` is no generator.
        """
        _require_generator(rng)
        volatilities = {"market": self.market_volatility, **self.industries}
        labels = np.repeat(list(self.industries), self.n_per_industry)
        assets = pd.Index(
            [f"{g}-{i:03d}" for g in self.industries for i in range(self.n_per_industry)]
        )
        member = labels[:, None] == np.array(list(self.industries))
        n, low, high = len(assets), *self.loading_range
        mean = rng.uniform(*self.mean_range, n) / self.periods_per_year
        market, industry = rng.uniform(low, high, n), rng.uniform(low, high, n)
        loadings = np.column_stack([market, member * industry[:, None]])
        per_period = pd.Series(volatilities) ** 2 / self.periods_per_year
        noise = self.noise_volatility**2 / self.periods_per_year
        return World(
            pd.Series(mean, assets, name="mean"),
            pd.DataFrame(loadings, assets, list(volatilities)),
            per_period,
            pd.Series(noise, assets, name="specific_variance"),
            pd.Series(labels, assets, name="industry"),
        )


@checked
def made_up_factors(n_periods: int, rng: np.random.Generator) -> pd.DataFrame:
    """Four daily series that look like factors and are related to nothing, not to each other.

    The recipe is that of a tutorial which uses them, without a word to the reader of its results,
    where the download of real factors fails. Keep them for placebo tests: what they explain,
    chance explains.

    Parameters
    ----------
    n_periods : int
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame of shape (n_periods, 4)
        Levels, not changes: MARKET, a random walk (the logarithm of an index) with steps of mean
        .0003 and standard deviation .01; VOLATILITY, a sine wave of amplitude 5 around 20, in
        percent, with independent noise of 2; DOLLAR, a random walk from 100 with steps of .5;
        RATES, a sine wave of .5 around 2, in percent, and a random walk with steps of .02.

    Raises
    ------
    DataError
        If `n_periods` is below 1, or `rng` is no generator.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import simulation
    >>> factors = simulation.made_up_factors(2500, np.random.default_rng(7))
    >>> factors.diff().std().round(2).to_dict()
    {'MARKET': 0.01, 'VOLATILITY': 2.84, 'DOLLAR': 0.49, 'RATES': 0.02}
    """
    n_periods = read_count(n_periods, "n_periods")
    _require_generator(rng)
    day = np.arange(1, n_periods + 1)
    market, noise, dollar, rates = rng.standard_normal((4, n_periods))
    return pd.DataFrame(
        {
            "MARKET": np.cumsum(0.0003 + 0.01 * market),
            "VOLATILITY": 20 + 5 * np.sin(day / 100) + 2 * noise,
            "DOLLAR": 100 + np.cumsum(0.5 * dollar),
            "RATES": 2 + 0.5 * np.sin(day / 200) + np.cumsum(0.02 * rates),
        }
    )
