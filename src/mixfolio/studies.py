"""The simulation studies of the book: each a plain function of a random generator.

They are made for :func:`mixfolio.montecarlo.run`. Arguments beside the generator are fixed with
:func:`functools.partial`. An information ratio here is mean over standard deviation of the
portfolio's returns, times the root of the periods in a year.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mixfolio import covariance, hierarchy, optimization
from mixfolio.inputs import Array
from mixfolio.simulation import FactorWorld, Noise, World

__all__ = [
    "ESTIMATORS",
    "Portfolio",
    "information_ratio",
    "information_ratios",
    "pca_without_diagonal",
    "plug_in",
    "published_hierarchical",
    "signed_equal_weight",
]

Portfolio = Callable[[World, Noise, Array], Array]
N_FACTORS = 10


def information_ratio(returns: Array, periods_per_year: float = 250) -> float:
    """Mean over standard deviation (divisor T - 1), annualised."""
    return float(returns.mean() / returns.std(ddof=1) * np.sqrt(periods_per_year))


def _truth(world: World, noise: Noise, train: Array) -> Array:
    return _zero_cost(world, world.covariance(noise).to_numpy())


def _zero_cost(world: World, matrix: Array) -> Array:
    return np.asarray(optimization.zero_cost_sharpe(world.mean.to_numpy(), matrix))


def plug_in(estimator: Callable[[Array], Array]) -> Portfolio:
    """The zero-cost portfolio of known means and an estimated covariance."""

    def portfolio(world: World, noise: Noise, train: Array) -> Array:
        return _zero_cost(world, estimator(train))

    return portfolio


def signed_equal_weight(world: World, noise: Noise, train: Array) -> Array:
    """The same amount in every asset, long where the known mean is positive and short elsewhere."""
    return np.asarray(np.sign(world.mean.to_numpy()))


def _hierarchical(world: World, noise: Noise, train: Array) -> Array:
    matrix = covariance.sample(train)
    groups = world.groups.to_numpy()
    return np.asarray(hierarchy.cluster_then_allocate(world.mean.to_numpy(), matrix, groups))


def pca_without_diagonal(world: World, noise: Noise, train: Array) -> Array:
    """What the principal-component matrix without a diagonal leads to: a portfolio without risk.

    The matrix ``Q L Q'`` of rank k sees no risk in a portfolio orthogonal to its k eigenvectors.
    The ratio of mean to perceived risk is then unbounded. Its limit is the direction of the highest
    mean among zero-cost portfolios without perceived risk: the known means, projected off the
    eigenvectors and the vector of ones.
    """
    deviations = train - train.mean(axis=0)
    vectors = np.linalg.svd(deviations, full_matrices=False)[2][:N_FACTORS].T
    basis = np.linalg.qr(np.column_stack([vectors, np.ones(len(vectors))]))[0]
    mean = world.mean.to_numpy()
    return np.asarray(mean - basis @ (basis.T @ mean))


ESTIMATORS: Mapping[str, Portfolio] = {
    "truth": _truth,
    "sample": plug_in(covariance.sample),
    "equal": signed_equal_weight,
    "hierarchical": _hierarchical,
    "PCA": plug_in(lambda train: covariance.pca(train, n_factors=N_FACTORS)),
    "PCA, no diagonal": pca_without_diagonal,
    "clipped": plug_in(covariance.clip_eigenvalues),
    "Ledoit-Wolf": plug_in(covariance.linear_shrinkage),
}


def published_hierarchical(world: World, train: Array, full_sample: Array) -> Array:
    """The published two-step portfolio, which looks ahead in its second step.

    Within an industry it uses the known means and the training covariance. Across industries every
    portfolio is expected to earn the same, and the covariance is that of training and test periods
    together.
    """
    mean, groups = world.mean.to_numpy(), world.groups.to_numpy()
    past, all_of_it = (
        np.asarray(covariance.sample(train)),
        np.asarray(covariance.sample(full_sample)),
    )
    inner = np.zeros((len(mean), len(pd.unique(groups))))
    for j, name in enumerate(pd.unique(groups)):
        member = groups == name
        block = past[np.ix_(member, member)]
        inner[member, j] = optimization.zero_cost_sharpe(mean[member], block)
    across = inner.T @ all_of_it @ inner
    return np.asarray(inner @ np.linalg.solve(across, np.ones(len(across))))


def information_ratios(
    rng: np.random.Generator,
    *,
    world: FactorWorld | None = None,
    noise: Noise | None = None,
    n_train: int = 500,
    n_test: int = 500,
    estimators: tuple[str, ...] = tuple(ESTIMATORS),
    as_published: bool = False,
) -> dict[str, float]:
    """One replication of the published study: information ratios in and out of sample.

    A world is drawn, returns are simulated, portfolios are formed from the first part of them with
    known means, and measured on both parts.

    Parameters
    ----------
    rng : numpy.random.Generator
    world : FactorWorld, optional
        The published design by default.
    noise : Noise, optional
        Gaussian by default.
    n_train, n_test : int
        Periods.
    estimators : tuple of str
        Keys of :data:`ESTIMATORS`.
    as_published : bool
        Whether to add the published hierarchical portfolio, which looks ahead.

    Returns
    -------
    dict
        ``"<estimator> in"`` and ``"<estimator> out"`` for each.

    Raises
    ------
    SingularCovarianceError
        If a covariance is not positive definite: the sample needs more periods than assets.
    """
    recipe, law = world or FactorWorld(), noise or Noise()
    drawn = recipe.draw(rng)
    returns = drawn.simulate(n_train + n_test, rng, law).to_numpy()
    train, test = returns[:n_train], returns[n_train:]
    weights = {name: ESTIMATORS[name](drawn, law, train) for name in estimators}
    if as_published:
        weights["hierarchical, published"] = published_hierarchical(drawn, train, returns)
    ratios = {}
    for name, w in weights.items():
        ratios[f"{name} in"] = information_ratio(train @ w, recipe.periods_per_year)
        ratios[f"{name} out"] = information_ratio(test @ w, recipe.periods_per_year)
    return ratios
