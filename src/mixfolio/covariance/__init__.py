"""Covariances of returns: sample, factor models, shrinkage, robust estimates, and their losses."""

from mixfolio.covariance._estimators import (
    clip_eigenvalues,
    empirical_bayes,
    empirical_bayes_intensity,
    ewma,
    linear_shrinkage,
    nonlinear_shrinkage,
    oas,
    pca,
    poet,
    sample,
    shrinkage_intensity,
)
from mixfolio.covariance._inverse_wishart import log_marginal_likelihood, relative_eigenvalues
from mixfolio.covariance._linear import TARGETS, Target
from mixfolio.covariance._losses import (
    Prial,
    frobenius_loss,
    minimum_variance_loss,
    portfolio_variance,
    prial,
    qlike_loss,
)
from mixfolio.covariance._nonlinear import (
    hilbert_transform,
    hilbert_transform_published,
    shrink_eigenvalues,
)
from mixfolio.covariance._posterior import CovariancePosterior, posterior
from mixfolio.covariance._regimes import regime_covariances, volatility_regimes
from mixfolio.covariance._robust import tyler, winsorised

__all__ = [
    "TARGETS",
    "CovariancePosterior",
    "Prial",
    "Target",
    "clip_eigenvalues",
    "empirical_bayes",
    "empirical_bayes_intensity",
    "ewma",
    "frobenius_loss",
    "hilbert_transform",
    "hilbert_transform_published",
    "linear_shrinkage",
    "log_marginal_likelihood",
    "minimum_variance_loss",
    "nonlinear_shrinkage",
    "oas",
    "pca",
    "poet",
    "portfolio_variance",
    "posterior",
    "prial",
    "qlike_loss",
    "regime_covariances",
    "relative_eigenvalues",
    "sample",
    "shrink_eigenvalues",
    "shrinkage_intensity",
    "tyler",
    "volatility_regimes",
    "winsorised",
]
