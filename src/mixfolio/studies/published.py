"""The simulation studies of the book: each a plain function of a random generator.

They are made for :func:`mixfolio.montecarlo.run`. Arguments beside the generator are fixed with
:func:`functools.partial`. The world is that of :class:`mixfolio.simulation.FactorWorld`: daily
returns of one market and nine industries, with known means. An information ratio is mean over
standard deviation of the portfolio's returns, times the root of the periods in a year. "Over the
truth's" is a ratio to that of the zero-cost portfolio of known means and the true covariance.

References
----------
Woeltjen, J. P. (2019). Understanding portfolio optimization by simulation. Online article.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

from mixfolio import covariance, mixed_model, optimization
from mixfolio._inputs import Array, checked, checked_but, read_count
from mixfolio.simulation import INDUSTRIES, FactorWorld, Noise, World

__all__ = [
    "COMMON_TAIL_ESTIMATORS",
    "PORTFOLIOS",
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
    "tails",
    "three_frontiers",
]

Portfolio: TypeAlias = Callable[[World, Noise, Array], Array]
N_FACTORS = 10


@checked
def information_ratio(returns: Array, periods_per_year: float = 250) -> float:
    """Mean over standard deviation (divisor T - 1), annualised.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,)
        Returns per period, in any unit.
    periods_per_year : float

    Returns
    -------
    float
        Per year.

    Examples
    --------
    Mean 2, standard deviation 1, four periods a year:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> published.information_ratio(np.array([1.0, 2.0, 3.0]), periods_per_year=4)
    4.0
    """
    return float(returns.mean() / returns.std(ddof=1) * np.sqrt(periods_per_year))


def _in_and_out(
    weights: Mapping[str, Array], train: Array, test: Array, periods_per_year: float
) -> dict[str, float]:
    """Information ratios of the portfolios in both parts of a history."""
    return {
        f"{name} {part}": information_ratio(returns @ w, periods_per_year)
        for name, w in weights.items()
        for part, returns in (("in", train), ("out", test))
    }


def _draw(
    rng: np.random.Generator, n_train: int, n_per_industry: int = 50
) -> tuple[World, Array, Array, Array]:
    """A world, a history of it, and its true mean and covariance."""
    world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    train = world.simulate(n_train, rng).to_numpy()
    return world, train, world.mean.to_numpy(), world.truth.to_numpy()


def _over_best(weights: Mapping[str, Array], mean: Array, truth: Array) -> dict[str, float]:
    """Realised information ratios of portfolios under the true moments, over the best."""

    def realised(w: Array) -> float:
        return float(w @ mean / np.sqrt(w @ truth @ w) * np.sqrt(250))

    best = realised(optimization.zero_cost_sharpe(mean, truth))
    return {name: realised(w) / best for name, w in weights.items()}


def _plug_in(estimator: Callable[[Array], Array]) -> Portfolio:
    """The zero-cost portfolio of known means and an estimated covariance."""
    return lambda world, noise, train: optimization.zero_cost_sharpe(
        world.mean.to_numpy(), estimator(train)
    )


def _truth(world: World, noise: Noise, train: Array) -> Array:
    matrix = world.covariance(noise).to_numpy()
    return optimization.zero_cost_sharpe(world.mean.to_numpy(), matrix)


def _hierarchical(world: World, noise: Noise, train: Array) -> Array:
    matrix, groups = covariance.sample(train), world.groups.to_numpy()
    return optimization.cluster_then_allocate(world.mean.to_numpy(), matrix, groups)


def _without_risk(mean: Array, vectors: Array) -> Array:
    """The means, projected off these eigenvectors (in columns) and the vector of ones."""
    basis = np.linalg.qr(np.column_stack([vectors, np.ones(len(vectors))]))[0]
    return np.asarray(mean - basis @ (basis.T @ mean))


@checked
def pca_without_diagonal(world: World, noise: Noise, train: Array) -> Array:
    """What the principal-component matrix without a diagonal leads to: a portfolio without risk.

    The matrix ``Q L Q'`` of rank k sees no risk in a portfolio orthogonal to its k eigenvectors.
    The ratio of mean to perceived risk is then unbounded. Its limit is the direction of the highest
    mean among zero-cost portfolios without perceived risk: the known means, projected off the
    eigenvectors and the vector of ones.

    Parameters
    ----------
    world : World
        With the known means.
    noise : Noise
        Not used: portfolios of :data:`PORTFOLIOS` take the same arguments.
    train : ndarray of shape (n_periods, n_assets)
        Decimal returns; k is 10.

    Returns
    -------
    ndarray of shape (n_assets,)
        Weights that sum to zero, in any scale.

    Examples
    --------
    The portfolio does have risk in the true covariance.

    >>> import numpy as np
    >>> from mixfolio.simulation import FactorWorld, Noise
    >>> from mixfolio.studies import published
    >>> rng = np.random.default_rng(1)
    >>> world = FactorWorld(n_per_industry=3).draw(rng)
    >>> weights = published.pca_without_diagonal(world, Noise(), world.simulate(60, rng).to_numpy())
    >>> abs(round(float(weights.sum()), 9)), bool(weights @ world.truth @ weights > 0)
    (0.0, True)
    """
    deviations = train - train.mean(axis=0)
    vectors = np.linalg.svd(deviations, full_matrices=False)[2][:N_FACTORS].T
    return _without_risk(world.mean.to_numpy(), vectors)


PORTFOLIOS: Mapping[str, Portfolio] = {
    "truth": _truth,
    "sample": _plug_in(covariance.sample),
    "equal": lambda world, noise, train: np.sign(world.mean.to_numpy()),
    "hierarchical": _hierarchical,
    "PCA": _plug_in(lambda train: covariance.pca(train, n_factors=N_FACTORS)),
    "PCA, no diagonal": pca_without_diagonal,
    "clipped": _plug_in(covariance.clip_eigenvalues),
    "Ledoit-Wolf": _plug_in(covariance.linear_shrinkage),
}
"""Portfolios of known means by name: each takes a world, its noise and past returns.

"truth" knows the covariance; "equal" has the same amount in every asset, long where the mean is
positive and short elsewhere; "hierarchical" allocates within industries first."""


def _published_hierarchical(world: World, train: Array, full_sample: Array) -> Array:
    """The published two-step portfolio, which looks ahead in its second step.

    Within an industry it uses the known means and the training covariance. Across industries every
    portfolio is expected to earn the same, and the covariance is that of training and test periods
    together.
    """
    mean, groups = world.mean.to_numpy(), world.groups.to_numpy()
    past, everything = covariance.sample(train), covariance.sample(full_sample)
    names = pd.unique(groups)
    inner = np.zeros((len(mean), len(names)))
    for j, name in enumerate(names):
        member = groups == name
        block = past[np.ix_(member, member)]
        inner[member, j] = optimization.zero_cost_sharpe(mean[member], block)
    across = inner.T @ everything @ inner
    return np.asarray(inner @ np.linalg.solve(across, np.ones(len(across))))


@checked
def information_ratios(
    rng: np.random.Generator,
    *,
    world: FactorWorld | None = None,
    noise: Noise | None = None,
    n_train: int = 500,
    n_test: int = 500,
    estimators: tuple[str, ...] = tuple(PORTFOLIOS),
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
        Keys of :data:`PORTFOLIOS`.
    as_published : bool
        Whether to add the published hierarchical portfolio, which looks ahead.

    Returns
    -------
    dict
        ``"<estimator> in"`` and ``"<estimator> out"`` for each, per year.

    Raises
    ------
    SingularCovarianceError
        If a covariance is not positive definite: the sample needs more periods than assets.

    Examples
    --------
    450 stocks, 500 days: the sample covariance promises almost three times the best, and earns a
    third of it.

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> rng = np.random.default_rng(1)
    >>> ratios = published.information_ratios(rng, estimators=("truth", "sample"))
    >>> {name: round(ratio, 1) for name, ratio in ratios.items()}
    {'truth in': 24.5, 'truth out': 24.2, 'sample in': 68.2, 'sample out': 7.5}
    """
    recipe, law = world or FactorWorld(), noise or Noise()
    drawn = recipe.draw(rng)
    returns = drawn.simulate(n_train + n_test, rng, law).to_numpy()
    train, test = returns[:n_train], returns[n_train:]
    weights = {name: PORTFOLIOS[name](drawn, law, train) for name in estimators}
    if as_published:
        weights["hierarchical, published"] = _published_hierarchical(drawn, train, returns)
    return _in_and_out(weights, train, test, recipe.periods_per_year)


@checked
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
        ``"<portfolio> in"`` and ``"<portfolio> out"``, per year, for zero-cost portfolios of the
        true and the sample covariance, the signed equal weights, and their long-only counterparts.

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets.

    Examples
    --------
    What short positions are worth, out of sample and with known inputs:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> ratios = published.one_industry(np.random.default_rng(1))
    >>> round(ratios["truth out"], 1), round(ratios["long-only truth out"], 1)
    (12.8, 2.2)
    """
    recipe = FactorWorld({"manufacturing": INDUSTRIES["manufacturing"]}, n_assets)
    world = recipe.draw(rng)
    returns = world.simulate(n_train + n_test, rng).to_numpy()
    train, test = returns[:n_train], returns[n_train:]
    mean, truth, matrix = world.mean.to_numpy(), world.truth.to_numpy(), covariance.sample(train)
    weights = {
        "truth": optimization.zero_cost_sharpe(mean, truth),
        "sample": optimization.zero_cost_sharpe(mean, matrix),
        "equal": np.sign(mean),
        "long-only truth": optimization.maximum_sharpe(mean, truth),
        "long-only sample": optimization.maximum_sharpe(mean, matrix),
        "long-only equal": np.maximum(np.sign(mean), 0.0),
    }
    return _in_and_out(weights, train, test, recipe.periods_per_year)


@checked
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

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets.

    Examples
    --------
    One draw beside its expectation, for 90 assets and 200 periods:

    >>> import numpy as np
    >>> from mixfolio.studies import laws, published
    >>> point = published.law_point(np.random.default_rng(1))
    >>> round(point["realised"], 2), round(laws.realised_ratio(90, 200), 2)
    (0.74, 0.75)
    """
    _, train, mean, truth = _draw(rng, n_train, n_per_industry)
    estimate = covariance.sample(train)

    def ratio(w: Array, matrix: Array) -> float:
        return float(w @ mean / np.sqrt(w @ matrix @ w))

    best, chosen = (optimization.zero_cost_sharpe(mean, matrix) for matrix in (truth, estimate))
    lowest, safe = (
        optimization.minimum_variance(matrix, long_only=False) for matrix in (truth, estimate)
    )
    return {
        "realised": ratio(chosen, truth) / ratio(best, truth),
        "perceived": ratio(chosen, estimate) / ratio(best, truth),
        "variance": float(safe @ truth @ safe / (lowest @ truth @ lowest)),
    }


def _normal_sample(rng: np.random.Generator, mean: Array, matrix: Array, n_periods: int) -> Array:
    return rng.multivariate_normal(mean, matrix, n_periods, method="cholesky")


@checked
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

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets.

    References
    ----------
    Michaud, R. O. (1989). The Markowitz optimization enigma: is "optimized" optimal? Financial
    Analysts Journal 45 (1), 31-42.

    Examples
    --------
    Three assets and a year of months: minimum variance is riskier than it looks.

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> mean, matrix = np.array([0.002, 0.004, 0.006]), np.diag([0.0004, 0.001, 0.002])
    >>> options = {"mean": mean, "matrix": matrix, "n_periods": 12, "n_points": 2}
    >>> point = published.three_frontiers(np.random.default_rng(2), **options)
    >>> round(point["estimated volatility 0"], 3), round(point["realised volatility 0"], 3)
    (0.014, 0.017)
    """
    history = _normal_sample(rng, mean, matrix, n_periods)
    estimate = covariance.sample(history)
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


@checked
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

    Every period the portfolio is optimized again on the last `window` periods. Drift is left out:
    the turnover is that of the target weights, and would be zero if the inputs were known.

    Parameters
    ----------
    rng : numpy.random.Generator
    mean : ndarray of shape (n_assets,)
        True means per period.
    matrix : ndarray of shape (n_assets, n_assets)
        True covariance per period.
    window : int
        Periods, more than there are assets.
    n_decisions : int
    risk_aversion : float
        Of mean-variance.

    Returns
    -------
    dict
        Mean turnover per decision, the sum of absolute changes of weights, for minimum variance
        with and without shorts, and for long-only mean-variance.

    Raises
    ------
    SingularCovarianceError
        If there are no more periods in a window than assets.

    Examples
    --------
    With estimated means, noise alone trades a quarter of the portfolio every month:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> world = {"mean": np.array([0.002, 0.004]), "matrix": np.diag([0.0004, 0.001])}
    >>> trades = published.noise_turnover(np.random.default_rng(1), window=36, **world)
    >>> {name: round(turnover, 2) for name, turnover in trades.items()}
    {'minimum variance': 0.03, 'minimum variance, long only': 0.03,
     'mean-variance, long only': 0.25}
    """
    history = _normal_sample(rng, mean, matrix, window + n_decisions)
    rows = []
    for t in range(n_decisions + 1):
        past = history[t : t + window]
        means, estimate = past.mean(axis=0), covariance.sample(past)
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


@checked
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
        For each count k the ratios over the truth's: ``"with diagonal <k>"``, and ``"limit without
        <k>"`` for the portfolio of :func:`pca_without_diagonal`.

    Raises
    ------
    SingularCovarianceError
        If a covariance is not positive definite.

    Examples
    --------
    The world has ten factors. One component is not enough:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> ratios = published.factor_counts(np.random.default_rng(1), counts=(1, 10))
    >>> {name: round(ratio, 2) for name, ratio in ratios.items()}
    {'with diagonal 1': 0.63, 'limit without 1': 0.43, 'with diagonal 10': 0.98,
     'limit without 10': 0.99}
    """
    _, train, mean, truth = _draw(rng, n_train)
    matrix = covariance.sample(train)
    eigenvalues, vectors = np.linalg.eigh(matrix)
    portfolios = {}
    for k in counts:
        low_rank = (vectors[:, -k:] * eigenvalues[-k:]) @ vectors[:, -k:].T
        np.fill_diagonal(low_rank, np.diagonal(matrix))
        portfolios[f"with diagonal {k}"] = optimization.zero_cost_sharpe(mean, low_rank)
        portfolios[f"limit without {k}"] = _without_risk(mean, vectors[:, -k:])
    return _over_best(portfolios, mean, truth)


@checked
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
        Ratios over the truth's, ``"wrong <share>"`` for each share and ``"learned"`` for clusters
        by correlation, and ``"agreement"``: the share of pairs of assets on which learned and true
        clusters agree.

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets in a cluster.

    Examples
    --------
    Half of the stocks in clusters drawn at random cost a tenth of the best ratio:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> ratios = published.cluster_errors(np.random.default_rng(1), shares=(0.0, 0.5))
    >>> {name: round(ratio, 2) for name, ratio in ratios.items()}
    {'wrong 0': 0.93, 'wrong 0.5': 0.83, 'learned': 0.93, 'agreement': 1.0}
    """
    world, train, mean, truth = _draw(rng, n_train)
    matrix = covariance.sample(train)
    groups = pd.factorize(world.groups)[0]
    n_groups = groups.max() + 1
    learned = optimization.correlation_clusters(matrix, n_groups, method="ward")
    clusters = {}
    for share in shares:
        moved = rng.random(len(groups)) < share
        drawn = rng.integers(0, n_groups, len(groups))
        clusters[f"wrong {share:g}"] = np.where(moved, drawn, groups)
    portfolios = {
        name: optimization.cluster_then_allocate(mean, matrix, labels)
        for name, labels in {**clusters, "learned": learned}.items()
    }
    same = (groups[:, None] == groups) == (learned[:, None] == learned)
    return {**_over_best(portfolios, mean, truth), "agreement": float(same.mean())}


@checked
def overlapping_clusters(rng: np.random.Generator, *, n_train: int = 500) -> dict[str, float]:
    """A world in which a fifth of the stocks belong to two industries, and four ways to see it.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_train : int
        Periods.

    Returns
    -------
    dict
        Realised information ratios over the truth's when every stock is put into its first
        industry only, into both, when both are factors of a covariance with random loadings, and
        when clusters are ignored.

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets.

    Examples
    --------
    Clusters help, even those that leave out the second industry:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> ratios = published.overlapping_clusters(np.random.default_rng(1))
    >>> for name, ratio in ratios.items():
    ...     print(f"{name}: {ratio:.2f}")
    first industry only: 0.90
    both industries: 0.87
    random loadings: 1.00
    no clusters: 0.40
    """
    drawn = FactorWorld().draw(rng)
    industries = drawn.loadings.columns[1:]
    member = (drawn.loadings[industries] > 0).astype(float)
    second = rng.integers(0, len(industries), len(member))
    double = rng.random(len(member)) < 0.2
    values = drawn.loadings.to_numpy(copy=True)
    for i in np.flatnonzero(double):
        values[i, 1 + second[i]] += rng.uniform(0.5, 2.0)
    loadings = pd.DataFrame(values, drawn.loadings.index, drawn.loadings.columns)
    world = World(
        drawn.mean, loadings, drawn.factor_variance, drawn.specific_variance, drawn.groups
    )
    both = (loadings[industries] > 0).astype(float)
    train = world.simulate(n_train, rng).to_numpy()
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    matrix = covariance.sample(train)
    loaded = mixed_model.random_loadings(train, both.to_numpy()).covariance()
    portfolios = {
        "first industry only": optimization.cluster_then_allocate(mean, matrix, member.to_numpy()),
        "both industries": optimization.cluster_then_allocate(mean, matrix, both.to_numpy()),
        "random loadings": optimization.zero_cost_sharpe(mean, loaded),
        "no clusters": optimization.zero_cost_sharpe(mean, matrix),
    }
    return _over_best(portfolios, mean, truth)


@checked
def minimum_variance_losses(
    rng: np.random.Generator, *, n_per_industry: int = 20, n_train: int = 250
) -> dict[str, float]:
    """True volatility of minimum-risk portfolios built in steps, over the lowest possible.

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
        For long-only portfolios: equal weight, minimum variance of the sample, hierarchical risk
        parity, and nested clusters with learned and with true clusters. The lowest volatility is
        that of the long-only minimum-variance portfolio of the truth.

    Raises
    ------
    SingularCovarianceError
        If there are no more periods than assets.

    Examples
    --------
    180 stocks and 250 days: hierarchical risk parity is between 1/N and minimum variance.

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> losses = published.minimum_variance_losses(np.random.default_rng(1))
    >>> shown = ("equal weight", "minimum variance", "hierarchical risk parity")
    >>> {name: round(losses[name], 2) for name in shown}
    {'equal weight': 1.84, 'minimum variance': 1.04, 'hierarchical risk parity': 1.45}
    """
    world, train, _, truth = _draw(rng, n_train, n_per_industry)
    matrix = covariance.sample(train)
    groups = pd.factorize(world.groups)[0]
    learned = optimization.correlation_clusters(matrix, groups.max() + 1, method="ward")
    portfolios = {
        "equal weight": optimization.equal_weight(len(truth)),
        "minimum variance": optimization.minimum_variance(matrix),
        "hierarchical risk parity": optimization.hierarchical_risk_parity(matrix),
        "nested, learned clusters": optimization.nested_clusters(matrix, learned),
        "nested, true clusters": optimization.nested_clusters(matrix, groups),
    }
    lowest = optimization.minimum_variance(truth)
    floor = float(np.sqrt(lowest @ truth @ lowest))
    return {name: float(np.sqrt(w @ truth @ w)) / floor for name, w in portfolios.items()}


COMMON_TAIL_ESTIMATORS: Mapping[str, Callable[[Array], Array]] = {
    "sample": covariance.sample,
    "winsorised": covariance.winsorised,
    "Tyler": lambda train: covariance.tyler(train, tolerance=1e-5),
}
"""Covariance estimators that :func:`tails` compares."""


@checked_but("degrees_of_freedom")
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
    n_per_industry : int
        Assets in each of the nine industries.
    n_train : int
        Periods, more than there are assets.

    Returns
    -------
    dict
        For each of :data:`COMMON_TAIL_ESTIMATORS`, over the truth's.

    Raises
    ------
    DataError
        If the degrees of freedom of noise are not above 2.
    SingularCovarianceError
        If there are no more periods than assets.

    Examples
    --------
    Robust estimates lose less than the sample covariance when a few days move everything:

    >>> import numpy as np
    >>> from mixfolio.studies import published
    >>> rng = np.random.default_rng(1)
    >>> ratios = published.tails(rng, degrees_of_freedom=2.5, common=True)
    >>> {name: round(ratio, 2) for name, ratio in ratios.items()}
    {'sample': 0.6, 'winsorised': 0.63, 'Tyler': 0.64}
    """
    world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
    truth, mean = world.truth.to_numpy(), world.mean.to_numpy()
    n_train, d = read_count(n_train, "n_train", 2), degrees_of_freedom
    noise = Noise() if d == np.inf else Noise("student", degrees_of_freedom=d)
    if common and noise.kind == "student":
        scale = np.sqrt((d - 2) / rng.chisquare(d, n_train))
        train = mean + (world.simulate(n_train, rng).to_numpy() - mean) * scale[:, None]
    else:
        train = world.simulate(n_train, rng, noise).to_numpy()
    portfolios = {
        name: optimization.zero_cost_sharpe(mean, estimate(train))
        for name, estimate in COMMON_TAIL_ESTIMATORS.items()
    }
    return _over_best(portfolios, mean, truth)
