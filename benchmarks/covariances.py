"""Every covariance, from few and from many returns.

Beside those of scikit-learn, skfolio, PyPortfolioOpt and pandas where these have the estimator, and
alone where they have not. Labelled returns go in, but plain arrays into scikit-learn, and into the
package beside it. scikit-learn is called in two ways: its function gives the matrix and no more,
which is the same work as ours; its class also inverts the matrix, unless it is told not to.

The difference is that of the two matrices, relative, in the Frobenius norm. For Ledoit and Wolf's
shrinkage it is taken with T for divisor in the package's formula, as the peers have it, although
PyPortfolioOpt not in all places. OAS differs in divisor and formula. skfolio's exponentially
weighted matrix takes means as zero, its default, which is faster than its other way. That of pandas
comes with those of all earlier days, so that it is compared at the smallest size only. Sizes are
periods × assets; Tyler's estimator needs more periods than assets.
"""

from functools import partial

import measure
import numpy as np
import skfolio.moments
import sklearn.covariance
from pypfopt import risk_models

from mixfolio import covariance
from mixfolio.covariance import _linear  # the peers' divisor T is not offered to users

SIZES = ((250, 50), (50, 250), (500, 500), (1000, 1000))
HALFLIFE, FACTORS = 60.0, 5
TARGETS = {(1000, 1000): {"scikit-learn, function": 20, "scikit-learn, class": 20}}
PLAIN = {"returns_data": True, "frequency": 1}


def relative(expected):
    expected = np.asarray(expected)

    def difference(found):
        gap = np.asarray(getattr(found, "covariance_", found)) - expected
        return np.linalg.norm(gap) / np.linalg.norm(expected)

    return difference


def divided_by_all(values, target):
    """The package's linear shrinkage with the divisor T."""
    return _linear.shrink(values - values.mean(axis=0), len(values), target)[0]


def sample(returns, compared):
    peers = {
        "pandas": returns.cov,
        "PyPortfolioOpt": lambda: risk_models.sample_cov(returns, **PLAIN),
        "skfolio": lambda: skfolio.moments.EmpiricalCovariance().fit(returns),
    }
    ours = partial(covariance.sample, returns)
    return compared("sample", ours=ours, peers=peers, difference=relative(ours()))


def ewma(returns, compared):
    ours = partial(covariance.ewma, returns, halflife=HALFLIFE)
    n = returns.shape[1]
    theirs = partial(skfolio.moments.EWCovariance, half_life=HALFLIFE, min_observations=2)
    peers = {"skfolio": lambda: theirs().fit(returns)}
    if returns.shape == SIZES[0]:
        peers = {"pandas": lambda: returns.ewm(halflife=HALFLIFE).cov().iloc[-n:]} | peers
    return compared("exponentially weighted", ours=ours, peers=peers, difference=relative(ours()))


def to_identity(returns, compared):
    values = np.array(returns)
    difference = relative(divided_by_all(values, "identity"))
    shrunk = risk_models.CovarianceShrinkage
    rows = compared(
        "Ledoit-Wolf, identity",
        ours=partial(covariance.linear_shrinkage, values),
        peers={
            "scikit-learn, function": lambda: sklearn.covariance.ledoit_wolf(values)[0],
            "scikit-learn, class": lambda: sklearn.covariance.LedoitWolf().fit(values),
        },
        difference=difference,
        targets=TARGETS.get(values.shape),
    )
    return rows + compared(
        "Ledoit-Wolf, identity",
        ours=partial(covariance.linear_shrinkage, returns),
        peers={
            "skfolio": lambda: skfolio.moments.LedoitWolf().fit(returns),
            "PyPortfolioOpt": lambda: shrunk(returns, **PLAIN).ledoit_wolf(),
        },
        difference=difference,
    )


def to_model(returns, compared, target):
    peer = risk_models.CovarianceShrinkage
    return compared(
        f"Ledoit-Wolf, {target.replace('_', ' ')}",
        ours=partial(covariance.linear_shrinkage, returns, target=target),
        peers={"PyPortfolioOpt": lambda: peer(returns, **PLAIN).ledoit_wolf(target)},
        difference=relative(divided_by_all(np.array(returns), target)),
    )


def oas(returns, compared):
    values = np.array(returns)
    ours = partial(covariance.oas, values)
    peers = {"scikit-learn, function": lambda: sklearn.covariance.oas(values)[0]}
    return compared("OAS", ours=ours, peers=peers, difference=relative(ours()))


def without_peer(returns):
    """Estimators that no peer has, by name."""
    found = {
        "nonlinear shrinkage": covariance.nonlinear_shrinkage,
        "clipped eigenvalues": covariance.clip_eigenvalues,
        f"principal components, {FACTORS}": partial(covariance.pca, n_factors=FACTORS),
        f"POET, {FACTORS} factors": partial(covariance.poet, n_factors=FACTORS),
        "winsorised": covariance.winsorised,
    }
    if len(returns) > returns.shape[1] + 1:
        found["Tyler"] = covariance.tyler
    return {name: partial(function, returns) for name, function in found.items()}


def rows(n_periods, n_assets):
    returns = measure.returns(n_periods, n_assets)
    size = f"{n_periods}×{n_assets}"
    compared = partial(measure.compared, size=size)
    found = sample(returns, compared) + ewma(returns, compared) + to_identity(returns, compared)
    for target in ("constant_correlation", "single_factor"):
        found += to_model(returns, compared, target)
    found += oas(returns, compared)
    others = without_peer(returns).items()
    return found + [measure.alone(name, size, function) for name, function in others]


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for size in SIZES for row in rows(*size)]})
