"""Where this book departs from the literature that it cites, each shown by a computation."""

import inspect

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from mixfolio import covariance, expected_returns, metrics, portfolio, relationship
from mixfolio._inputs import Array, checked
from mixfolio.studies._claims_context import STAND_INS, Context

__all__ = ["table"]


def _downside(context: Context) -> tuple[str, str]:
    r = context.market.to_numpy()
    return f"{100 * r[r < 0].std(ddof=1):.2f}%", f"{100 * metrics.downside_deviation(r):.2f}%"


def _drawdown(context: Context) -> tuple[str, str]:
    r = context.market.to_numpy()
    return f"{r.min():.1%}", f"{metrics.maximum_drawdown(r):.1%}"


def _genomic_scale(context: Context) -> tuple[str, str]:
    """Mean diagonal of a kernel of markers, of two inbred families."""
    rng = context.rng(41)
    p = rng.uniform(0.1, 0.9, 500)
    family = rng.binomial(1, p, (2, 500))
    markers = np.repeat(family, 6, axis=0) + rng.binomial(1, p, (12, 500))
    moving: Array = markers[:, np.ptp(markers, axis=0) > 0].astype(np.float64)
    q = moving.mean(axis=0) / 2
    Z = moving - 2 * q
    theirs = np.diagonal(Z @ Z.T / (2 * q * (1 - q)).sum()).mean()
    K = relationship.kernel(moving, metric="linear", standardise=False)
    return f"{theirs:.2f}", f"{np.diagonal(K).mean():.2f}"


def _weight(context: Context) -> tuple[str, str]:
    """The weight of the target in a mixture that both call .3."""
    returns = context.industries.iloc[-60:].to_numpy()
    S, F = covariance.sample(returns), covariance.linear_shrinkage(returns, intensity=1.0)
    ours = covariance.linear_shrinkage(returns, intensity=0.3)

    def of_target(matrix: Array) -> str:
        return f"{np.linalg.norm(matrix - S) / np.linalg.norm(F - S):.1f}"

    return of_target(0.3 * S + 0.7 * F), of_target(ours)


def _divisor(context: Context) -> tuple[str, str]:
    r = context.funds.to_numpy()
    S = covariance.sample(r)
    theirs = np.cov(r.T, bias=True)
    return f"{theirs[0, 0] / S[0, 0]:.3f}", "1.000"


def _hierarchy(context: Context) -> tuple[str, str]:
    """Pairs of stocks on which clusters by the two distances agree."""
    distance = np.sqrt((1 - np.corrcoef(context.days.to_numpy().T)) / 2)
    np.fill_diagonal(distance, 0.0)
    labels = [
        fcluster(linkage(d, "single"), 11, "maxclust")
        for d in (pdist(distance), squareform(distance, checks=False))
    ]
    same = [np.equal.outer(x, x)[np.triu_indices(len(x), 1)] for x in labels]
    return f"{(same[0] == same[1]).mean():.0%} of pairs alike", "100%"


def _hilbert(context: Context) -> tuple[str, str]:
    x = 1e6
    miss = abs(-np.pi * x * covariance.hilbert_transform_published(x) - 1) > 0.01
    ours = -np.pi * x * covariance.hilbert_transform(x)
    return "off by more than 1%" if miss else "within 1%", f"{ours:.4f}"


def _confidence(context: Context) -> tuple[str, str]:
    c = 0.5
    tau = inspect.signature(expected_returns.black_litterman).parameters["tau"].default
    return f"{c:.3f}", f"{c / (1 + tau * (1 - c)):.3f}"


def _look_back(context: Context) -> tuple[str, str]:
    default = inspect.signature(portfolio.mixed_model_portfolio).parameters["lookback"].default
    months = len(context.classes[STAND_INS])
    return "36 months", f"{months} months, all" if default is None else f"{default} months"


ROWS = {
    "downside volatility": (_downside, "akdemir2025", "all months count, not the losses alone"),
    "drawdown": (_drawdown, "akdemir2025", "from the peak, not the worst month"),
    "mean diagonal of a genomic kernel": (
        _genomic_scale,
        "vanraden2008",
        "so that a component is the variance of an average asset",
    ),
    "weight of the target at .3": (_weight, "zhang2026", "the weight is that of the target"),
    "variance in linear shrinkage, over T - 1": (_divisor, "ledoit2004", "means are estimated"),
    "hierarchical risk parity, its clusters": (
        _hierarchy,
        "lopezdeprado2016",
        "distances themselves, not distances of their columns",
    ),
    "-pi x H(x) far out (1 is right)": (
        _hilbert,
        "ledoit2020",
        "a series in place of the closed form",
    ),
    "move of weights at confidence .5": (
        _confidence,
        "idzorek2005",
        "weights use the posterior covariance",
    ),
    "look-back of the portfolio call": (
        _look_back,
        "akdemir2025",
        "the user decides what to forget",
    ),
}


@checked
def table(context: Context) -> pd.DataFrame:
    """Departures from the cited literature, with a number by each convention.

    Parameters
    ----------
    context : Context
        Of :mod:`mixfolio.studies.claims`.

    Returns
    -------
    DataFrame
        Indexed by what is computed; columns ``cited`` and ``ours`` (numbers in words), ``source``
        (a key of the bibliography) and ``why``.

    Examples
    --------
    >>> from mixfolio.studies import claims, departures
    >>> found = departures.table(claims.Context())
    >>> found.loc["weight of the target at .3", ["cited", "ours"]].tolist()
    ['0.7', '0.3']
    """
    rows = {}
    for name, (compute, source, why) in ROWS.items():
        cited, ours = compute(context)
        rows[name] = cited, ours, source, why
    return pd.DataFrame(rows, ["cited", "ours", "source", "why"]).T
