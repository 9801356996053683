"""The simulation studies of the book: each a plain function of a random generator.

They are made for :func:`mixfolio.montecarlo.run`. Arguments beside the generator are fixed with
:func:`functools.partial`. An information ratio here is mean over standard deviation of the
portfolio's returns, times the root of the periods in a year.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mixfolio import covariance, optimization
from mixfolio._inputs import Array
from mixfolio.simulation import INDUSTRIES, FactorWorld, Noise, World

__all__ = [
    "COMMON_TAIL_ESTIMATORS",
    "ESTIMATORS",
    "Portfolio",
    "cluster_errors",
    "factor_counts",
    "information_ratio",
    "information_ratios",
    "law_point",
    "minimum_variance_losses",
    "noise_turnover",
    "one_industry",
    "overlapping_clusters",
    "pca_without_diagonal",
    "plug_in",
    "published_hierarchical",
    "signed_equal_weight",
    "tails",
    "three_frontiers",
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
    return np.asarray(optimization.cluster_then_allocate(world.mean.to_numpy(), matrix, groups))


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


def one_industry(
    rng: np.random.Generator, *, n_assets: int = 100, n_train: int = 500, n_test: int = 500
) -> dict[str, float]:
    """Information ratios in a world of one industry, with shorts and without.

    The industry is manufacturing, with the volatilities of the published study.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_assets : int
        At least 2, below `n_train`.
    n_train, n_test : int
        Periods.

    Returns
    -------
    dict
        ``"<portfolio> in"`` and ``"<portfolio> out"`` for zero-cost portfolios of the true and the
        sample covariance, the signed equal weights, and their long-only counterparts.
    """
    recipe = FactorWorld({"manufacturing": INDUSTRIES["manufacturing"]}, n_assets)
    world = recipe.draw(rng)
    returns = world.simulate(n_train + n_test, rng).to_numpy()
    train, test = returns[:n_train], returns[n_train:]
    mean, matrix = world.mean.to_numpy(), np.asarray(covariance.sample(train))
    weights = {
        "truth": _zero_cost(world, world.truth.to_numpy()),
        "sample": _zero_cost(world, matrix),
        "equal": np.sign(mean),
        "long-only truth": np.asarray(optimization.maximum_sharpe(mean, world.truth.to_numpy())),
        "long-only sample": np.asarray(optimization.maximum_sharpe(mean, matrix)),
        "long-only equal": np.maximum(np.sign(mean), 0.0),
    }
    ratios = {}
    for name, w in weights.items():
        ratios[f"{name} in"] = information_ratio(train @ w, recipe.periods_per_year)
        ratios[f"{name} out"] = information_ratio(test @ w, recipe.periods_per_year)
    return ratios


def law_point(
    rng: np.random.Generator, *, n_per_industry: int = 10, n_train: int = 200
) -> dict[str, float]:
    """What a sample covariance makes of the best portfolios, in units of the best.

    Measured with the true covariance, so that only the error of the estimate counts.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_per_industry : int
        Assets in each of the nine industries.
    n_train : int
        Periods, more than there are assets.

    Returns
    -------
    dict
        ``"realised"`` and ``"perceived"`` information ratio of the zero-cost portfolio, and the
        realised ``"variance"`` of the minimum-variance portfolio, each over that of the truth.
    """
    world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    estimate = np.asarray(covariance.sample(world.simulate(n_train, rng).to_numpy()))
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()

    def ratio(w: Array, matrix: Array) -> float:
        return float(w @ mean / np.sqrt(w @ matrix @ w))

    def safest(matrix: Array) -> Array:
        return np.asarray(optimization.minimum_variance(matrix, long_only=False))

    best, chosen = _zero_cost(world, truth), _zero_cost(world, estimate)
    safe, lowest = safest(estimate), safest(truth)
    return {
        "realised": ratio(chosen, truth) / ratio(best, truth),
        "perceived": ratio(chosen, estimate) / ratio(best, truth),
        "variance": float(safe @ truth @ safe / (lowest @ truth @ lowest)),
    }


def _normal_sample(rng: np.random.Generator, mean: Array, matrix: Array, n_periods: int) -> Array:
    return rng.multivariate_normal(mean, matrix, n_periods, method="cholesky")


def three_frontiers(
    rng: np.random.Generator, *, mean: Array, matrix: Array, n_periods: int, n_points: int = 12
) -> dict[str, float]:
    """One estimated long-only frontier, as it looks and as it is (Michaud, 1989).

    Parameters
    ----------
    rng : numpy.random.Generator
    mean : ndarray of shape (n_assets,)
        True means per period.
    matrix : ndarray of shape (n_assets, n_assets)
        True covariance.
    n_periods : int
        Length of the history that means and covariance are estimated from.
    n_points : int
        Points of the frontier, from minimum variance to the highest mean.

    Returns
    -------
    dict
        ``"<version> <coordinate> <point>"`` for the estimated and the realised version of every
        point, with coordinates mean and volatility, per period.
    """
    history = _normal_sample(rng, mean, matrix, n_periods)
    estimate = np.asarray(covariance.sample(history))
    frontier = optimization.efficient_frontier(history.mean(axis=0), estimate, n_points=n_points)
    weights = frontier.weights.to_numpy()
    realised = np.sqrt(np.einsum("pi,ij,pj->p", weights, matrix, weights))
    coordinates = {
        "estimated mean": frontier.mean,
        "estimated volatility": frontier.volatility,
        "realised mean": weights @ mean,
        "realised volatility": realised,
    }
    return {f"{k} {j}": float(v) for k, values in coordinates.items() for j, v in enumerate(values)}


def noise_turnover(
    rng: np.random.Generator,
    *,
    mean: Array,
    matrix: Array,
    window: int,
    n_decisions: int = 36,
    risk_aversion: float = 4.0,
) -> dict[str, float]:
    """Turnover in a world where nothing changes, so that only noise is traded on.

    Every period the portfolio is optimised again on the last `window` periods. Drift is left out:
    the turnover is that of the target weights, and would be zero if the inputs were known.

    Parameters
    ----------
    rng : numpy.random.Generator
    mean : ndarray of shape (n_assets,)
    matrix : ndarray of shape (n_assets, n_assets)
    window, n_decisions : int
    risk_aversion : float

    Returns
    -------
    dict
        Mean turnover a decision for minimum variance with and without shorts, and for long-only
        mean-variance.
    """
    history = _normal_sample(rng, mean, matrix, window + n_decisions)
    rows = []
    for t in range(n_decisions + 1):
        past = history[t : t + window]
        means, estimate = past.mean(axis=0), np.asarray(covariance.sample(past))
        rows.append(
            [
                optimization.minimum_variance(estimate, long_only=False),
                optimization.minimum_variance(estimate),
                optimization.mean_variance(means, estimate, risk_aversion=risk_aversion),
            ]
        )
    trades = np.abs(np.diff(np.array(rows), axis=0)).sum(axis=2).mean(axis=0)
    names = ("minimum variance", "minimum variance, long only", "mean-variance, long only")
    return dict(zip(names, trades.tolist(), strict=True))


def _realised(weights: Array, mean: Array, truth: Array) -> float:
    """Information ratio a year of a portfolio under the true moments of a period of a day."""
    return float(weights @ mean / np.sqrt(weights @ truth @ weights) * np.sqrt(250))


def factor_counts(
    rng: np.random.Generator, *, counts: tuple[int, ...], n_train: int = 500
) -> dict[str, float]:
    """Realised information ratios of principal-component covariances with more and fewer factors.

    Parameters
    ----------
    rng : numpy.random.Generator
    counts : tuple of int
        Numbers of components to keep.
    n_train : int
        Periods.

    Returns
    -------
    dict
        For each count ``"with diagonal <k>"`` and ``"limit without <k>"``, in units of the truth's.
    """
    world = FactorWorld().draw(rng)
    train = world.simulate(n_train, rng).to_numpy()
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    best = _realised(_zero_cost(world, truth), mean, truth)
    matrix = np.asarray(covariance.sample(train))
    eigenvalues, vectors = np.linalg.eigh(matrix)
    ratios = {}
    for k in counts:
        low_rank = (vectors[:, -k:] * eigenvalues[-k:]) @ vectors[:, -k:].T
        np.fill_diagonal(low_rank, np.diagonal(matrix))
        basis = np.linalg.qr(np.column_stack([vectors[:, -k:], np.ones(len(mean))]))[0]
        limit = mean - basis @ (basis.T @ mean)
        ratios[f"with diagonal {k}"] = _realised(_zero_cost(world, low_rank), mean, truth) / best
        ratios[f"limit without {k}"] = _realised(limit, mean, truth) / best
    return ratios


def cluster_errors(
    rng: np.random.Generator, *, shares: tuple[float, ...], n_train: int = 500
) -> dict[str, float]:
    """Realised information ratios of the hierarchical portfolio when clusters are wrong.

    Parameters
    ----------
    rng : numpy.random.Generator
    shares : tuple of float
        Shares of the assets that are moved to a cluster drawn at random.
    n_train : int
        Periods.

    Returns
    -------
    dict
        ``"wrong <share>"`` for each share, ``"learned"`` for clusters by correlation, and their
        ``"agreement"``: the share of pairs on which learned and true clusters agree. Ratios are in
        units of the truth's.
    """
    world = FactorWorld().draw(rng)
    train = world.simulate(n_train, rng).to_numpy()
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    best = _realised(_zero_cost(world, truth), mean, truth)
    matrix = np.asarray(covariance.sample(train))
    groups = pd.factorize(world.groups)[0]
    learned = np.asarray(optimization.correlation_clusters(matrix, groups.max() + 1, method="ward"))

    def ratio(labels: Array) -> float:
        weights = np.asarray(optimization.cluster_then_allocate(mean, matrix, labels))
        return _realised(weights, mean, truth) / best

    ratios = {}
    for share in shares:
        moved = rng.random(len(groups)) < share
        labels = np.where(moved, rng.integers(0, groups.max() + 1, len(groups)), groups)
        ratios[f"wrong {share:g}"] = ratio(labels)
    same = (groups[:, None] == groups) == (learned[:, None] == learned)
    return {**ratios, "learned": ratio(learned), "agreement": float(same.mean())}


def overlapping_clusters(rng: np.random.Generator, *, n_train: int = 500) -> dict[str, float]:
    """A world in which a fifth of the stocks belong to two industries, and three ways to see it.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_train : int
        Periods.

    Returns
    -------
    dict
        Realised information ratios, in units of the truth's, when every stock is put into its
        first industry only, into both, and when clusters are ignored.
    """
    drawn = FactorWorld().draw(rng)
    industries = drawn.loadings.columns[1:]
    member = (drawn.loadings[industries] > 0).astype(float)
    second = rng.integers(0, len(industries), len(member))
    double = rng.random(len(member)) < 0.2
    loadings = drawn.loadings.copy()
    for i in np.flatnonzero(double):
        loadings.iloc[i, 1 + second[i]] += rng.uniform(0.5, 2.0)
    world = World(
        drawn.mean, loadings, drawn.factor_variance, drawn.specific_variance, drawn.groups
    )
    both = (loadings[industries] > 0).astype(float)
    train = world.simulate(n_train, rng).to_numpy()
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    matrix = np.asarray(covariance.sample(train))
    best = _realised(_zero_cost(world, truth), mean, truth)
    portfolios = {
        "first industry only": optimization.cluster_then_allocate(mean, matrix, member.to_numpy()),
        "both industries": optimization.cluster_then_allocate(mean, matrix, both.to_numpy()),
        "no clusters": _zero_cost(world, matrix),
    }
    return {k: _realised(np.asarray(w), mean, truth) / best for k, w in portfolios.items()}


def minimum_variance_losses(
    rng: np.random.Generator, *, n_per_industry: int = 20, n_train: int = 250
) -> dict[str, float]:
    """True volatility of minimum-risk portfolios built in steps, over the lowest possible.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_per_industry, n_train : int

    Returns
    -------
    dict
        For long-only portfolios: equal weight, minimum variance of the sample, hierarchical risk
        parity, and nested clusters with learned and with true clusters. The lowest volatility is
        that of the long-only minimum-variance portfolio of the truth.
    """
    world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    train = world.simulate(n_train, rng).to_numpy()
    truth, matrix = world.truth.to_numpy(), np.asarray(covariance.sample(train))
    groups = pd.factorize(world.groups)[0]
    learned = optimization.correlation_clusters(matrix, groups.max() + 1, method="ward")
    portfolios = {
        "equal weight": optimization.equal_weight(len(truth)),
        "minimum variance": optimization.minimum_variance(matrix),
        "hierarchical risk parity": optimization.hierarchical_risk_parity(matrix),
        "nested, learned clusters": optimization.nested_clusters(matrix, learned),
        "nested, true clusters": optimization.nested_clusters(matrix, groups),
    }
    lowest = np.asarray(optimization.minimum_variance(truth))
    floor = float(np.sqrt(lowest @ truth @ lowest))
    return {
        name: float(np.sqrt(np.asarray(w) @ truth @ np.asarray(w))) / floor
        for name, w in portfolios.items()
    }


COMMON_TAIL_ESTIMATORS: Mapping[str, Callable[[Array], Array]] = {
    "sample": covariance.sample,
    "winsorised": covariance.winsorised,
    "Tyler": lambda train: covariance.tyler(train, tolerance=1e-5),
}


def tails(
    rng: np.random.Generator,
    *,
    degrees_of_freedom: float,
    common: bool,
    n_per_industry: int = 10,
    n_train: int = 180,
) -> dict[str, float]:
    """Realised information ratios under Student-t returns of unchanged covariance.

    Parameters
    ----------
    rng : numpy.random.Generator
    degrees_of_freedom : float
        Above 2; infinity for normal returns.
    common : bool
        Whether large moves come to all assets at once: one chi-squared variable scales all returns
        of a period. Otherwise the noise of each asset has its own.
    n_per_industry, n_train : int

    Returns
    -------
    dict
        For each covariance estimator, in units of the truth's.
    """
    world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    d = degrees_of_freedom
    if np.isinf(d):
        train = world.simulate(n_train, rng).to_numpy()
    elif common:
        scale = np.sqrt((d - 2) / rng.chisquare(d, n_train))
        train = mean + (world.simulate(n_train, rng).to_numpy() - mean) * scale[:, None]
    else:
        train = world.simulate(n_train, rng, Noise("student", degrees_of_freedom=d)).to_numpy()
    best = _realised(_zero_cost(world, truth), mean, truth)
    return {
        name: _realised(_zero_cost(world, np.asarray(estimate(train))), mean, truth) / best
        for name, estimate in COMMON_TAIL_ESTIMATORS.items()
    }
