"""A study of covariance estimators on truths of three kinds, for :mod:`mixfolio.montecarlo`.

A truth is drawn, normal returns with that covariance are simulated, and every estimate is compared
with the truth by the losses of :mod:`mixfolio.covariance`. The truths:

- factor: assets of :class:`~mixfolio.simulation.FactorWorld`, one market and nine industries, with
  loadings drawn anew in every replication; daily variances;
- identity-like: uncorrelated, with variances from 0.8 to 1.2;
- Toeplitz: variances 1, and correlations ``0.5^|i - j|`` that fall with the distance.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy.linalg import toeplitz

from mixfolio import covariance, montecarlo
from mixfolio._inputs import Array, checked, checked_but, read_count, read_number
from mixfolio.errors import DataError
from mixfolio.estimators import ESTIMATORS
from mixfolio.simulation import INDUSTRIES, FactorWorld

__all__ = [
    "TRUTHS",
    "estimator_losses",
    "instability",
    "loss_curves",
    "loss_draws",
    "winners",
]

SINGULAR = ("sample", "EWMA")
INVERTED = {
    "portfolio_variance": covariance.portfolio_variance,
    "minimum_variance": covariance.minimum_variance_loss,
    "qlike": covariance.qlike_loss,
}
CELL = ["truth", "ratio", "n_periods"]

_COMPARED = (
    "sample",
    "EWMA",
    "LW identity",
    "LW constant correlation",
    "LW single factor",
    "OAS",
    "nonlinear",
    "clipped",
    "PCA",
    "POET",
)
"""Those of :data:`mixfolio.estimators.ESTIMATORS` that need no groups."""


def _factor(n_assets: int, rng: np.random.Generator) -> Array:
    """Assets at even distances in a factor world, so that every industry has its share."""
    world = FactorWorld(n_per_industry=-(-n_assets // len(INDUSTRIES))).draw(rng)
    truth = world.truth.to_numpy()
    chosen = np.linspace(0, len(truth) - 1, n_assets).round().astype(int)
    return np.asarray(truth[np.ix_(chosen, chosen)])


def _identity_like(n_assets: int, rng: np.random.Generator) -> Array:
    return np.diag(np.linspace(0.8, 1.2, n_assets))


def _toeplitz(n_assets: int, rng: np.random.Generator) -> Array:
    return np.asarray(toeplitz(0.5 ** np.arange(n_assets)))


TRUTHS: Mapping[str, Callable[[int, np.random.Generator], Array]] = {
    "factor": _factor,
    "identity-like": _identity_like,
    "Toeplitz": _toeplitz,
}


def _draw(
    truth: str, n_assets: int, n_periods: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """A true covariance, and normal returns with it."""
    if truth not in TRUTHS:
        raise DataError(f"truth is {truth!r}; it must be one of {list(TRUTHS)}.")
    sigma = TRUTHS[truth](read_count(n_assets, "n_assets", 2), rng)
    normal = rng.standard_normal((read_count(n_periods, "n_periods", 3), n_assets))
    return sigma, normal @ np.linalg.cholesky(sigma).T


@checked
def estimator_losses(
    rng: np.random.Generator,
    *,
    truth: str = "factor",
    n_assets: int = 63,
    n_periods: int = 126,
    estimators: Sequence[str] = _COMPARED,
) -> dict[str, float]:
    """Losses of covariance estimates from one sample.

    Parameters
    ----------
    rng : numpy.random.Generator
    truth : {"factor", "identity-like", "Toeplitz"}
    n_assets, n_periods : int
    estimators : sequence of str
        Names of :data:`mixfolio.estimators.ESTIMATORS` that need no groups, from "sample" to
        "POET"; all ten by default. PCA and POET keep the eigenvalues above the edge of Marchenko
        and Pastur; the half-life of EWMA is half the sample.

    Returns
    -------
    dict
        ``"<loss> <estimator>"`` with the losses frobenius, portfolio_variance, minimum_variance and
        qlike of :mod:`mixfolio.covariance`. The last three need an inverse, and are left out where
        there is none: for the sample covariance and EWMA with no more periods than assets.

    Raises
    ------
    DataError
        If the truth or an estimator is unknown, or a number is out of range.

    Examples
    --------
    Twenty assets and forty periods: the minimum-variance portfolio of the sample covariance has
    more than three times the lowest variance, with linear shrinkage less than twice.

    >>> import numpy as np
    >>> from mixfolio.studies import covariance_losses
    >>> options = {"n_assets": 20, "n_periods": 40, "estimators": ("sample", "LW identity")}
    >>> losses = covariance_losses.estimator_losses(np.random.default_rng(1), **options)
    >>> excess = (losses[f"portfolio_variance {name}"] for name in options["estimators"])
    >>> [round(loss, 2) for loss in excess]
    [2.24, 0.85]
    """
    unknown = [name for name in estimators if name not in _COMPARED]
    if unknown:
        raise DataError(f"estimators has {unknown}; it must be some of {list(_COMPARED)}.")
    sigma, train = _draw(truth, n_assets, n_periods, rng)
    found = {}
    for name in estimators:
        estimate = ESTIMATORS[name](train)
        found[f"frobenius {name}"] = covariance.frobenius_loss(estimate, sigma)
        if n_periods > n_assets or name not in SINGULAR:
            found |= {f"{loss} {name}": f(estimate, sigma) for loss, f in INVERTED.items()}
    return found


def _loss_table(results: pd.DataFrame) -> pd.DataFrame:
    """The columns of :func:`loss_curves` for one truth and ratio, one row per estimator."""
    if "frobenius sample" not in results:
        raise DataError("results has no losses of the sample covariance to compare with.")
    rows = {}
    for column in results.columns[results.columns.str.startswith("frobenius ")]:
        name = column.removeprefix("frobenius ")
        gain = covariance.prial(results[column], results["frobenius sample"])
        rows[name] = {"PRIAL": gain.value, "PRIAL s.e.": gain.standard_error}
        for loss in INVERTED:
            draws = results.get(f"{loss} {name}", pd.Series(dtype=float))
            rows[name][loss] = draws.mean()
            rows[name][f"{loss} s.e."] = draws.std(ddof=1) / np.sqrt(max(len(draws), 1))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("estimator")


@checked_but("ratios")
def loss_draws(
    n_replications: int,
    *,
    seed: int,
    ratios: Sequence[float] = (0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 2.0),
    truths: Sequence[str] = tuple(TRUTHS),
    n_assets: int = 63,
    estimators: Sequence[str] = _COMPARED,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Losses of the estimators over the ratio of assets to periods, every replication.

    Parameters
    ----------
    n_replications : int
        For every truth and ratio; all use the same random numbers.
    seed : int
    ratios : sequence of float
        N / T. The number of periods is the nearest whole one.
    truths : sequence of str
        Keys of :data:`TRUTHS`.
    n_assets : int
    estimators : sequence of str
        As in :func:`estimator_losses`.
    n_jobs : int
        Processes.

    Returns
    -------
    DataFrame
        One row for every truth, ratio and replication, with these and ``n_periods`` as index
        (``ratio`` as asked for), and the columns of :func:`estimator_losses`; missing where a loss
        is not defined.

    Raises
    ------
    DataError
        If a number is out of range.
    StudyError
        If a name is unknown.

    Examples
    --------
    Three replications at half as many assets as periods, and at twice as many:

    >>> from mixfolio.studies import covariance_losses
    >>> options = {"ratios": (0.5, 2.0), "truths": ("Toeplitz",), "n_assets": 20}
    >>> draws = covariance_losses.loss_draws(3, seed=1, estimators=("sample", "OAS"), **options)
    >>> draws.groupby("n_periods").size().to_dict()
    {10: 3, 40: 3}
    >>> draws["frobenius OAS"].groupby("n_periods").mean().round(2).to_dict()
    {10: 0.57, 40: 0.35}
    """
    if not isinstance(ratios, Sequence | np.ndarray) or not len(ratios) or not len(truths):
        raise DataError("truths and ratios must be lists, with at least one of each.")
    tables = {}
    for truth in truths:
        for ratio in ratios:
            if not read_number(ratio, "ratio") > 0:
                raise DataError(f"ratio is {ratio}; it must be positive.")
            n_periods = read_count(round(n_assets / ratio), "n_periods", 3)
            study = partial(
                estimator_losses,
                truth=truth,
                n_assets=n_assets,
                n_periods=n_periods,
                estimators=tuple(estimators),
            )
            results = montecarlo.run(study, n_replications, seed=seed, n_jobs=n_jobs)
            tables[truth, ratio, n_periods] = results
    return pd.concat(tables, names=CELL)


@checked
def loss_curves(draws: pd.DataFrame) -> pd.DataFrame:
    """Means of the losses over the ratio of assets to periods.

    Parameters
    ----------
    draws : DataFrame
        From :func:`loss_draws`; the sample covariance among the estimators.

    Returns
    -------
    DataFrame
        One row for every truth, ratio and estimator: columns ``truth``, ``ratio``, ``n_periods``,
        ``estimator``, the ``PRIAL`` under Frobenius loss, in percent, and the means of
        ``portfolio_variance``, ``minimum_variance`` and ``qlike``, each with its Monte Carlo
        standard error in a column that ends in ``s.e.``; missing where a loss is not defined.

    Raises
    ------
    DataError
        If the sample covariance is not among the estimators.

    Examples
    --------
    Where correlations fade with distance, shrinkage removes a third of the sample's loss, and
    principal components add to it:

    >>> from mixfolio.studies import covariance_losses
    >>> options = {"ratios": (0.5,), "truths": ("Toeplitz",), "n_assets": 20}
    >>> names = ("sample", "LW identity", "PCA")
    >>> draws = covariance_losses.loss_draws(5, seed=1, estimators=names, **options)
    >>> curves = covariance_losses.loss_curves(draws).set_index("estimator")
    >>> curves["PRIAL"].round(1).to_dict()
    {'sample': 0.0, 'LW identity': 33.4, 'PCA': -61.6}
    """
    tables = {cell: _loss_table(part) for cell, part in draws.groupby(CELL, sort=False)}
    return pd.concat(tables, names=CELL).reset_index()


@checked
def winners(draws: pd.DataFrame, *, loss: str = "portfolio_variance") -> pd.DataFrame:
    """Which estimator has the lowest mean loss, and which others may be as good.

    Parameters
    ----------
    draws : DataFrame
        From :func:`loss_draws`, with at least two replications.
    loss : {"portfolio_variance", "minimum_variance", "qlike", "frobenius"}

    Returns
    -------
    DataFrame
        One row for every truth, ratio and number of periods: ``best``, its mean loss ``value`` with
        ``s.e.``, and ``tied``, a tuple of the estimators whose loss is higher by no more than two
        standard errors of the mean paired difference. Nothing is adjusted for the number of
        comparisons.

    Raises
    ------
    DataError
        If there are no such losses, or a single replication.

    Examples
    --------
    The best of three, clearly ahead of the others:

    >>> from mixfolio.studies import covariance_losses
    >>> options = {"ratios": (0.5,), "truths": ("Toeplitz",), "n_assets": 20}
    >>> names = ("sample", "LW identity", "PCA")
    >>> draws = covariance_losses.loss_draws(5, seed=1, estimators=names, **options)
    >>> covariance_losses.winners(draws).iloc[0][["best", "tied"]].to_dict()
    {'best': 'LW identity', 'tied': ()}
    """
    columns = draws.columns[draws.columns.str.startswith(f"{loss} ")]
    if not len(columns):
        raise DataError(f"draws has no losses named {loss!r}.")
    table = draws[columns].rename(columns=lambda name: name.removeprefix(f"{loss} "))
    rows = {cell: _best(part) for cell, part in table.groupby(CELL, sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(CELL)


def _best(part: pd.DataFrame) -> dict[str, object]:
    """A row of :func:`winners`."""
    if len(part) < 2:
        raise DataError("draws has a single replication; a standard error needs two.")
    part = part.dropna(axis=1, how="all")
    best = part.mean().idxmin()
    gaps = part.drop(columns=best).sub(part[best], axis=0)
    root = np.sqrt(len(part))
    close = gaps.mean() <= 2 * gaps.std(ddof=1) / root
    error = float(part[best].std(ddof=1) / root)
    tied = tuple(gaps.columns[close])
    return {"best": best, "value": float(part[best].mean()), "s.e.": error, "tied": tied}


@checked
def instability(
    rng: np.random.Generator, *, n_assets: int, n_periods: int, truth: str = "factor"
) -> dict[str, float]:
    """Frobenius losses of nonlinear shrinkage by the published and by the stable transform.

    The Hilbert transform of the kernel, as printed by Ledoit and Wolf (2020), loses all digits far
    from the eigenvalues; see :func:`mixfolio.covariance.hilbert_transform`.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_assets, n_periods : int
    truth : {"factor", "identity-like", "Toeplitz"}

    Returns
    -------
    dict
        For ``"sample"``, ``"stable"`` and ``"published"``. Give the losses of many replications to
        :func:`mixfolio.covariance.prial`.

    Raises
    ------
    DataError
        If the truth is unknown or a number is out of range.

    References
    ----------
    Ledoit, O. and Wolf, M. (2020). Analytical nonlinear shrinkage of large-dimensional covariance
    matrices. Annals of Statistics 48, 3043-3065.

    Examples
    --------
    With as many periods as assets the published form is worse than no shrinkage at all:

    >>> import numpy as np
    >>> from mixfolio.studies import covariance_losses
    >>> rng = np.random.default_rng(1)
    >>> losses = covariance_losses.instability(rng, n_assets=50, n_periods=50)
    >>> losses["published"] > losses["sample"] > losses["stable"]
    True
    """
    sigma, train = _draw(truth, n_assets, n_periods, rng)
    Y, n = train - train.mean(axis=0), n_periods - 1
    estimates = {
        "sample": Y.T @ Y / n,
        "stable": _nonlinear(Y, n, covariance.hilbert_transform),
        "published": _nonlinear(Y, n, covariance.hilbert_transform_published),
    }
    return {name: float(np.square(E - sigma).sum()) / n_assets for name, E in estimates.items()}


def _nonlinear(Y: Array, n: int, hilbert: Callable[[Array], Array]) -> Array:
    """Nonlinear shrinkage of Y'Y / n with this Hilbert transform."""
    values, vectors = np.linalg.eigh(Y.T @ Y / n)
    values[: max(len(values) - n, 0)] = 0.0
    shrunken = covariance.shrink_eigenvalues(values, n, hilbert=hilbert)
    return np.asarray((vectors * shrunken) @ vectors.T)
