"""The mixed model in worlds that are not its own: what a portfolio loses, and what is claimed.

The study is made for :func:`mixfolio.montecarlo.run`: the mean of a column is a mean over worlds.
Simulated returns have no dates, so that no estimator has recent variances here.
"""

import numpy as np
import pandas as pd

from mixfolio import metrics, mixed_model, optimization
from mixfolio._inputs import Array, checked, read_count
from mixfolio.errors import DataError
from mixfolio.estimators import CONTROLS, ESTIMATORS
from mixfolio.inference import require_generator
from mixfolio.simulation import FactorWorld, World
from mixfolio.studies.contests import permute_groups

__all__ = ["COMPARED", "WORLDS", "losses"]

WORLDS = (
    "its own",
    "drifting loadings",
    "heavy tails",
    "wrong groups",
    "free factors",
    "no factors",
)
"""The first is that of :class:`~mixfolio.simulation.FactorWorld`; each other breaks one thing."""

COMPARED = (
    "LW identity",
    "LW single factor",
    "nonlinear",
    "mixed model, no groups",
    "mixed model",
)

REMAINS = 0.8  # correlation of loadings with those a training period ago
DEGREES_OF_FREEDOM = 4.0  # of the common size of a period under heavy tails
FREE_FACTORS, FREE_VOLATILITY = 8, 0.08  # annual, at a loading of one


@checked
def losses(
    rng: np.random.Generator,
    *,
    world: str = "its own",
    n_train: int = 250,
    n_per_industry: int = 20,
) -> dict[str, float]:
    """What minimum-variance portfolios with shorts lose in one world.

    Parameters
    ----------
    rng : numpy.random.Generator
    world : str
        One of :data:`WORLDS`. Loadings that drift follow AR(1) paths, and the truth is that of the
        period after the last. Heavy tails multiply all returns of a period by one number, so that
        they follow a t distribution with 4 degrees of freedom. Free factors have loadings of all
        assets that follow no group.
    n_train : int
        Periods that the estimators see.
    n_per_industry : int
        Stocks in each of nine industries.

    Returns
    -------
    dict
        For every estimator of :data:`COMPARED` "name, loss", the true volatility of its portfolio
        over the lowest possible, less one, and "name, bias", the variance that it claims for that
        portfolio over the true one, less one; and "intensity", the weight of the mixed model.

    Raises
    ------
    DataError
        If there is no such world or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio.studies import misspecified
    >>> options = {"world": "no factors", "n_train": 60, "n_per_industry": 4}
    >>> found = misspecified.losses(np.random.default_rng(1), **options)
    >>> {name: f"{found[f'{name}, loss']:z.2f}" for name in ("LW identity", "mixed model")}
    {'LW identity': '0.00', 'mixed model': '0.02'}
    """
    require_generator(rng)
    if world not in WORLDS:
        raise DataError(f"world is {world!r}; it must be one of {list(WORLDS)}.")
    n_train = read_count(n_train, "n_train", 3)
    drawn = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    returns, truth = _simulate(drawn, world, n_train, rng)
    groups = permute_groups(drawn.groups, rng) if world == "wrong groups" else drawn.groups
    lowest = metrics.volatility(optimization.minimum_variance(truth, long_only=False), truth)
    known, found = dict(ESTIMATORS) | dict(CONTROLS), {}
    for name in COMPARED:
        matrix = known[name](returns, groups)
        weights = optimization.minimum_variance(matrix, long_only=False)
        true = metrics.volatility(weights, truth)
        found[f"{name}, loss"] = true / lowest - 1
        found[f"{name}, bias"] = metrics.volatility(weights, matrix) ** 2 / true**2 - 1
    found["intensity"] = mixed_model.fit(returns, groups).intensity
    return {name: float(value) for name, value in found.items()}


def _simulate(
    world: World, kind: str, n_train: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns, and the true covariance of the period after them."""
    if kind == "drifting loadings":
        return _drifting(world, n_train, rng)
    if kind in ("free factors", "no factors"):
        world = _other_factors(world, FREE_FACTORS if kind == "free factors" else 0, rng)
    returns = world.simulate(n_train, rng)
    if kind == "heavy tails":
        nu = DEGREES_OF_FREEDOM
        size = np.sqrt((nu - 2) / rng.chisquare(nu, n_train))  # its mean square is one
        returns = world.mean + (returns - world.mean).mul(size, axis=0)
    return returns, world.covariance()


def _other_factors(world: World, n_factors: int, rng: np.random.Generator) -> World:
    """The world with factors in which all assets load without regard to groups."""
    names = [f"free {j}" for j in range(max(n_factors, 1))]
    size = (len(world.mean), len(names))
    loadings = rng.standard_normal(size) if n_factors else np.zeros(size)
    variance = pd.Series(FREE_VOLATILITY**2 / 250, names)
    table = pd.DataFrame(loadings, world.mean.index, names)
    return World(world.mean, table, variance, world.specific_variance, world.groups)


def _drifting(
    world: World, n_train: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    start = world.loadings.to_numpy()
    used = start > 0
    centre, spread = start[used].mean(), start[used].std()
    keep = REMAINS ** (1 / n_train)
    scale = np.sqrt(world.factor_variance.to_numpy())
    own = np.sqrt(world.specific_variance.to_numpy())
    deviation: Array = np.where(used, start - centre, 0.0)
    rows = []
    for _ in range(n_train):
        loadings = np.where(used, centre + deviation, 0.0)
        factors = scale * rng.standard_normal(len(scale))
        rows.append(loadings @ factors + own * rng.standard_normal(len(own)))
        fresh = spread * np.sqrt(1 - keep**2) * rng.standard_normal(start.shape)
        deviation = keep * deviation + fresh
    last = world.loadings * 0.0 + np.where(used, centre + deviation, 0.0)
    after = World(world.mean, last, world.factor_variance, world.specific_variance, world.groups)
    return pd.DataFrame(rows, columns=world.mean.index) + world.mean, after.covariance()
