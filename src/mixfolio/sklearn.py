"""Every covariance of the package as a scikit-learn estimator, for pipelines and other libraries.

An estimator here takes the parameters of the function that it stands for, under the same names;
``fit(returns)`` calls that function and keeps the matrix as ``covariance_``. What scikit-learn does
with the covariances of its own, it does with these: clone them, search their parameters, score
them by the likelihood of other returns. skfolio takes them as ``covariance_estimator``; there is
nothing to register.

Needs scikit-learn, which is not installed with the package: ``pip install 'mixfolio[sklearn]'``.

Examples
--------
>>> import numpy as np
>>> returns = np.random.default_rng(1).normal(0.0, 0.01, (120, 3))
>>> LinearShrinkage(target="constant_correlation").fit(returns).covariance_.shape
(3, 3)
"""

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mixfolio import covariance, mixed_model
from mixfolio.covariance import Target

try:
    from sklearn.base import clone
    from sklearn.covariance import EmpiricalCovariance
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise ImportError(
        "mixfolio.sklearn needs scikit-learn 1.6 or newer. Install it: "
        "pip install 'mixfolio[sklearn]'."
    ) from error

__all__ = [
    "OAS",
    "POET",
    "ClippedEigenvalues",
    "CovarianceEstimator",
    "EmpiricalBayes",
    "ExponentiallyWeighted",
    "LinearShrinkage",
    "MixedModel",
    "NonlinearShrinkage",
    "PrincipalComponents",
    "SampleCovariance",
    "Tyler",
    "Winsorised",
]


class CovarianceEstimator(EmpiricalCovariance):  # type: ignore[misc]
    """What the estimators share: fitting by a function of the package, and scikit-learn's methods.

    A subclass names the function and has its parameters.

    Attributes
    ----------
    covariance_ : ndarray of shape (n_assets, n_assets)
        Covariance per period.
    location_ : ndarray of shape (n_assets,)
        Mean return of each asset per period; the median for the robust estimators. ``score`` and
        ``mahalanobis`` measure from there.
    n_features_in_ : int
        Number of assets.
    feature_names_in_ : ndarray of shape (n_assets,)
        Their names, if `fit` was given a DataFrame whose labels are all text.
    """

    _estimate: ClassVar[Callable[..., Any]]
    _centre: ClassVar[Callable[..., Any]] = staticmethod(np.mean)
    store_precision = False
    assume_centered = False

    def __init__(self) -> None:
        """Become what skfolio looks for, if skfolio is there: one of its own covariances."""
        if (moments := sys.modules.get("skfolio.moments")) is not None:
            moments.BaseCovariance.register(CovarianceEstimator)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Estimate the covariance of returns.

        Parameters
        ----------
        X : DataFrame or array of shape (n_periods, n_assets)
            Decimal simple returns, oldest first.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        CovarianceEstimator
            The estimator itself.

        Raises
        ------
        MixfolioError
            As the function that the estimator stands for.
        """
        values = validate_data(
            self, X, dtype=np.float64, ensure_min_samples=2, ensure_all_finite=False
        )
        # scikit-learn promises to take any numbers; the functions refuse what no return can be.
        level = np.nanmean(np.where(np.isfinite(values), values, np.nan), axis=0)
        returns = (X if isinstance(X, pd.DataFrame) else values) - level
        self.covariance_ = np.asarray(type(self)._estimate(returns, **self._arguments(returns)))
        self.location_ = type(self)._centre(values, axis=0)
        return self

    def _arguments(self, returns: Any) -> dict[str, Any]:
        """What the function is called with beside the returns."""
        return dict(self.get_params(deep=False))


class SampleCovariance(CovarianceEstimator):
    """:func:`mixfolio.covariance.sample`, with divisor T - 1."""

    _estimate = staticmethod(covariance.sample)


class ExponentiallyWeighted(CovarianceEstimator):
    """:func:`mixfolio.covariance.ewma`.

    Parameters
    ----------
    halflife : float
        Age in periods at which an observation counts half.
    """

    _estimate = staticmethod(covariance.ewma)

    def __init__(self, *, halflife: float) -> None:
        super().__init__()
        self.halflife = halflife


class LinearShrinkage(CovarianceEstimator):
    """:func:`mixfolio.covariance.linear_shrinkage` (Ledoit and Wolf, 2003, 2004).

    Parameters
    ----------
    target : {"identity", "diagonal", "constant_correlation", "single_factor"}
    intensity : float, optional
        Weight of the target, between 0 and 1; estimated from the returns by default.
    """

    _estimate = staticmethod(covariance.linear_shrinkage)

    def __init__(self, *, target: Target = "identity", intensity: float | None = None) -> None:
        super().__init__()
        self.target = target
        self.intensity = intensity


class OAS(CovarianceEstimator):
    """:func:`mixfolio.covariance.oas` (Chen, Wiesel, Eldar and Hero, 2010)."""

    _estimate = staticmethod(covariance.oas)


class NonlinearShrinkage(CovarianceEstimator):
    """:func:`mixfolio.covariance.nonlinear_shrinkage` (Ledoit and Wolf, 2020)."""

    _estimate = staticmethod(covariance.nonlinear_shrinkage)


class ClippedEigenvalues(CovarianceEstimator):
    """:func:`mixfolio.covariance.clip_eigenvalues`, at the edge of Marchenko and Pastur."""

    _estimate = staticmethod(covariance.clip_eigenvalues)


class PrincipalComponents(CovarianceEstimator):
    """:func:`mixfolio.covariance.pca`.

    Parameters
    ----------
    n_factors : int
        Components to keep, 1 to n_assets.
    diagonal : bool
        Whether the variances of the sample are put back.
    """

    _estimate = staticmethod(covariance.pca)

    def __init__(self, *, n_factors: int, diagonal: bool = True) -> None:
        super().__init__()
        self.n_factors = n_factors
        self.diagonal = diagonal


class POET(CovarianceEstimator):
    """:func:`mixfolio.covariance.poet` (Fan, Liao and Mincheva, 2013).

    Parameters
    ----------
    n_factors : int
        Components to keep, 0 to n_assets - 1.
    threshold : float
        Lowest constant of the threshold for residual correlations.
    """

    _estimate = staticmethod(covariance.poet)

    def __init__(self, *, n_factors: int, threshold: float = 0.5) -> None:
        super().__init__()
        self.n_factors = n_factors
        self.threshold = threshold


class EmpiricalBayes(CovarianceEstimator):
    """:func:`mixfolio.covariance.empirical_bayes`.

    Parameters
    ----------
    target : matrix of shape (n_assets, n_assets), fitted model, or estimator
        What the sample covariance is shrunk toward. An estimator, such as those of this module, is
        fitted to the same returns first; in a cross-validation only that keeps out the future.
    degrees_of_freedom : float, optional
        Of the prior; those of highest marginal likelihood by default.
    """

    _estimate = staticmethod(covariance.empirical_bayes)

    def __init__(self, target: Any, *, degrees_of_freedom: float | None = None) -> None:
        super().__init__()
        self.target = target
        self.degrees_of_freedom = degrees_of_freedom

    def _arguments(self, returns: Any) -> dict[str, Any]:
        arguments = super()._arguments(returns)
        if hasattr(self.target, "fit"):
            arguments["target"] = clone(self.target).fit(returns).covariance_
        return arguments


class MixedModel(CovarianceEstimator):
    """:func:`mixfolio.mixed_model.covariance`, the covariance that the book recommends.

    Parameters
    ----------
    groups : Series, mapping, sequence or DataFrame, optional
        Groups of assets, matched by name with the columns of the returns.
    relationship : matrix of shape (n_assets, n_assets), or mapping of name to matrix, optional
        Relationship matrices, instead of groups.
    halflife : float, optional
        Age in periods at which an observation counts half in the variances; by default that of
        :func:`mixfolio.mixed_model.usual_halflife`, which needs dates.
    persistence : float
        Of the covariances of the model, from 0 to 1.
    recent_factors : bool
        Whether the factors' variances are the recent ones as well.
    """

    _estimate = staticmethod(mixed_model.covariance)

    def __init__(
        self,
        groups: Any = None,
        relationship: Any = None,
        *,
        halflife: float | None = None,
        persistence: float = 0.9,
        recent_factors: bool = False,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.relationship = relationship
        self.halflife = halflife
        self.persistence = persistence
        self.recent_factors = recent_factors


class Winsorised(CovarianceEstimator):
    """:func:`mixfolio.covariance.winsorised`.

    Parameters
    ----------
    limit : float
        Robust standard deviations from the median to which returns are pulled back.
    """

    _estimate = staticmethod(covariance.winsorised)
    _centre = staticmethod(np.median)

    def __init__(self, *, limit: float = 3.0) -> None:
        super().__init__()
        self.limit = limit


class Tyler(CovarianceEstimator):
    """:func:`mixfolio.covariance.tyler`.

    Parameters
    ----------
    tolerance : float
        Largest relative change of an entry in the last round.
    """

    _estimate = staticmethod(covariance.tyler)
    _centre = staticmethod(np.median)

    def __init__(self, *, tolerance: float = 1e-8) -> None:
        super().__init__()
        self.tolerance = tolerance
