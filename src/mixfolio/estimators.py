"""The covariance estimators of the book: one registry of names, functions and looks.

Chapters, studies, figures and the report take their estimators from here, so that a name means the
same function, colour and marker everywhere. A new estimator is one more line of :data:`ESTIMATORS`.

Examples
--------
Covariance of two stock markets, in squared per cent per month, by three estimators:

>>> from mixfolio import datasets
>>> from mixfolio.estimators import ESTIMATORS
>>> returns = 100 * datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
>>> for name in ("sample", "LW identity", "mixed model"):
...     print(f"{name}: {ESTIMATORS[name](returns).loc['MSCI US', 'MSCI Japan']:.2f}")
sample: 13.37
LW identity: 13.04
mixed model: 8.75
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from mixfolio import covariance, mixed_model, relationship
from mixfolio._inputs import Array, read_returns, require_moving

__all__ = ["CONTROLS", "ESTIMATORS", "Estimate", "Estimator", "FromLoadings"]

Matrix = TypeVar("Matrix", pd.DataFrame, Array)
Estimate: TypeAlias = Callable[[Any, Any], Any]
"""Takes past returns and the groups of the assets, and gives a covariance matrix."""


@dataclass(frozen=True)
class FromLoadings:
    """An estimate that starts from random loadings, which several estimates of a date may share.

    Attributes
    ----------
    finish : function
        Takes past returns and the fitted :class:`~mixfolio.mixed_model.LoadingModel`, and gives
        a covariance matrix.
    """

    finish: Callable[[Any, Any], Any]

    def __call__(self, returns: Matrix, groups: Any) -> Matrix:
        """Fit random loadings to past returns, and finish."""
        matrix: Matrix = self.finish(returns, mixed_model.random_loadings(returns, groups))
        return matrix


@dataclass(frozen=True)
class Estimator:
    """One covariance estimator with its name and look in the whole book.

    Attributes
    ----------
    estimate : function
        Takes past returns and groups, and gives a covariance matrix.
    colour : str
        Hexadecimal RGB colour of its lines and points.
    marker : str
        Matplotlib's code of its points.
    title : str
        What a reader of a report sees; the name where it is left out.
    """

    estimate: Estimate
    colour: str
    marker: str
    title: str = ""

    def __call__(self, returns: Matrix, groups: Any = None) -> Matrix:
        """Covariance of past returns; groups are passed over where none are used."""
        matrix: Matrix = self.estimate(returns, groups)
        return matrix


def _plain(function: Callable[..., Any], **options: Any) -> Estimate:
    """An estimate that uses no groups."""
    fixed = partial(function, **options)
    return lambda returns, groups: fixed(returns)


def _factors_above_noise(returns: Any) -> int:
    """How many eigenvalues of the sample correlation exceed ``(1 + sqrt(N / T))^2``; at least 1.

    The edge is that of Marchenko and Pastur (1967).
    """
    values, labels = read_returns(returns)
    require_moving(values, labels)
    Z = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    eigenvalues = np.square(np.linalg.svd(Z, compute_uv=False)) / (len(Z) - 1)
    edge = (1 + np.sqrt(Z.shape[1] / len(Z))) ** 2
    return max(1, int((eigenvalues > edge).sum()))


def _kernel(returns: Any, groups: Any) -> Any:
    kernel = {"group": relationship.from_groups(groups)}
    return mixed_model.covariance(returns, relationship=kernel)


_ORANGE, _BLUE, _GREEN, _PURPLE = "#D55E00", "#0072B2", "#009E73", "#AA4499"
_AMBER, _SKY, _WINE = "#B8860B", "#3A9BD9", "#882255"
_LINEAR = covariance.linear_shrinkage

ESTIMATORS: Mapping[str, Estimator] = {
    "sample": Estimator(_plain(covariance.sample), _ORANGE, "o", "sample covariance"),
    "EWMA": Estimator(
        lambda returns, groups: covariance.ewma(returns, halflife=len(returns) / 2), _ORANGE, "s"
    ),
    "LW identity": Estimator(_plain(_LINEAR), _BLUE, "o", "linear shrinkage"),
    "LW constant correlation": Estimator(
        _plain(_LINEAR, target="constant_correlation"), _AMBER, "o"
    ),
    "LW single factor": Estimator(_plain(_LINEAR, target="single_factor"), _PURPLE, "o"),
    "OAS": Estimator(_plain(covariance.oas), _BLUE, "D"),
    "nonlinear": Estimator(
        _plain(covariance.nonlinear_shrinkage), _GREEN, "o", "nonlinear shrinkage"
    ),
    "clipped": Estimator(_plain(covariance.clip_eigenvalues), _WINE, "o"),
    "PCA": Estimator(
        lambda returns, groups: covariance.pca(returns, n_factors=_factors_above_noise(returns)),
        _WINE,
        "s",
    ),
    "POET": Estimator(
        lambda returns, groups: covariance.poet(returns, n_factors=_factors_above_noise(returns)),
        _WINE,
        "^",
    ),
    "random loadings": Estimator(
        FromLoadings(lambda returns, model: model.covariance()), _SKY, "s"
    ),
    "random loadings, shrunk": Estimator(FromLoadings(covariance.empirical_bayes), _SKY, "^"),
    "mixed model": Estimator(mixed_model.covariance, _SKY, "o"),
    "mixed model, kernel": Estimator(_kernel, _SKY, "D"),
    "winsorised": Estimator(_plain(covariance.winsorised), _AMBER, "s"),
    "Tyler": Estimator(_plain(covariance.tyler), _AMBER, "^"),
}
"""The covariances of the book by name. "mixed model, kernel" uses groups through one kernel."""


def _stepped() -> dict[str, Estimator]:
    """The serious peers with both steps; their points are open, and their colours the same."""
    return {
        f"{name} + steps": Estimator(
            mixed_model.with_time_steps(ESTIMATORS[name]), ESTIMATORS[name].colour, marker
        )
        for name, marker in {
            "LW identity": "P",
            "LW constant correlation": "X",
            "LW single factor": "p",
            "nonlinear": "h",
        }.items()
    }


CONTROLS: Mapping[str, Estimator] = _stepped() | {
    "mixed model, no groups": Estimator(
        lambda returns, groups: mixed_model.covariance(returns), _SKY, "v"
    )
}
"""What the recommended estimate is held against: peers with its two steps that concern time, and
itself without groups. Add permuted groups by :func:`mixfolio.studies.contests.permute_groups`."""
