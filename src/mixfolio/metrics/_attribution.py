r"""Where the risk of a portfolio comes from: its parts by source and by asset, which add up.

A fitted covariance model states the covariance as a sum of parts, ``V = sum_c V_c``: factors,
kernels or latent factors, and what is specific to each asset. With weights w the variance is

    w'V w = sum_c w'V_c w = sum_c sum_i w_i (V_c w)_i,

so that every source c and every asset i has a share, and every pair of them too. By Euler's theorem
``w_i (V w)_i / sqrt(w'V w)`` is what asset i adds to the volatility: weight times derivative.

References
----------
Menchero, J. and Davis, B. (2011). Risk contribution is exposure times volatility times correlation.
Journal of Portfolio Management 37 (2), 97-106.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    read_square,
    read_vector,
)
from mixfolio.errors import DataError, SingularCovarianceError


class CovarianceModel(Protocol):
    """A fitted model whose covariance is a sum of named parts."""

    def components(self) -> dict[str, Any]:
        """Covariances per period by part, each of shape (n_assets, n_assets)."""


@dataclass(frozen=True)
class RiskAttribution:
    """The variance of a portfolio by source and by asset.

    Attributes
    ----------
    variance : float
        ``w'V w``, per period.
    contributions : DataFrame of shape (n_assets, n_sources)
        ``w_i (V_c w)_i``, in units of variance per period; negative for a hedge. All of them add up
        to `variance`.
    """

    variance: float
    contributions: pd.DataFrame

    @property
    def volatility(self) -> float:
        """Root of the variance, per period."""
        return float(np.sqrt(self.variance))

    @property
    def by_source(self) -> pd.Series:
        """Share of each source in the variance; they add up to one."""
        return (self.contributions.sum(axis=0) / self.variance).rename("share")

    @property
    def by_asset(self) -> pd.Series:
        """Share of each asset in the variance; they add up to one."""
        return (self.contributions.sum(axis=1) / self.variance).rename("share")

    @property
    def volatility_contributions(self) -> pd.DataFrame:
        """Contributions in units of volatility per period, which add up to the volatility."""
        return self.contributions / self.volatility


@checked
def risk_attribution(
    weights: VectorLike, model: CovarianceModel | Mapping[str, MatrixLike]
) -> RiskAttribution:
    """Decompose the variance of a portfolio by the parts of a covariance model and by asset.

    Parameters
    ----------
    weights : Series or array of shape (n_assets,)
        Matched by name where both sides have labels.
    model : fitted model, or mapping of str to matrix of shape (n_assets, n_assets)
        Anything with a method ``components``, or the parts themselves. Each is symmetric.

    Returns
    -------
    RiskAttribution

    Raises
    ------
    DataError
        If the model has no covariance, as one of mean returns; there are no parts; they differ in
        their assets; or a weight is missing.
    SingularCovarianceError
        If the parts give the portfolio a variance that is not positive.

    Examples
    --------
    >>> from mixfolio import metrics
    >>> parts = {"market": [[4.0, 2.0], [2.0, 1.0]], "specific": [[1.0, 0.0], [0.0, 1.0]]}
    >>> metrics.risk_attribution([0.5, 0.5], parts).by_source.round(3).to_dict()
    {'market': 0.818, 'specific': 0.182}
    """
    matrices, labels = _read_parts(_parts(model))
    n_assets = len(next(iter(matrices.values())))
    w, labels = read_vector(weights, n_assets, labels, "weights")
    table = pd.DataFrame({name: w * (matrix @ w) for name, matrix in matrices.items()}, labels)
    variance = float(table.to_numpy().sum())
    if not variance > 0:
        raise SingularCovarianceError(
            f"the parts give the portfolio a variance of {variance:.3g}, and a share of it means "
            "nothing. Use weights that are not all zero, and a positive definite covariance."
        )
    return RiskAttribution(variance, table)


def _parts(model: CovarianceModel | Mapping[str, MatrixLike]) -> Mapping[str, Any]:
    if isinstance(model, Mapping):
        return model
    if not callable(getattr(model, "components", None)):
        raise DataError(
            f"model is of type {type(model).__name__}, which has no covariance with parts; a "
            "PanelModel is one of mean returns. Give what covariance_reml, random_loadings or "
            "mixed_model.fit returns, or a mapping of names to matrices."
        )
    return model.components()


def _read_parts(parts: Mapping[str, Any]) -> tuple[dict[str, Array], Labels | None]:
    """The parts as arrays of the same assets in the same order."""
    if not parts:
        raise DataError("the model has no parts. Give at least one covariance matrix.")
    read = {name: read_square(part, f"part {name!r}") for name, part in parts.items()}
    first = next(iter(read))
    values, labels = read[first]
    for name, (other, found) in read.items():
        same = found is None if labels is None else found is not None and labels.equals(found)
        if not same or other.shape != values.shape:
            raise DataError(
                f"the parts {first!r} and {name!r} have different assets, or an order of their "
                "own. Give all the same labels in the same order."
            )
    return {name: matrix for name, (matrix, _) in read.items()}, labels
