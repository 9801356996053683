"""Means of returns: sample, shrunken, and from views."""

from mixfolio.expected_returns._estimators import (
    BayesStein,
    BlackLitterman,
    bayes_stein,
    bayes_stein_moments,
    black_litterman,
    james_stein,
    james_stein_intensity,
    sample,
)
from mixfolio.expected_returns._views import ContradictionError, View, ViewMatrices, view_matrices

__all__ = [
    "BayesStein",
    "BlackLitterman",
    "ContradictionError",
    "View",
    "ViewMatrices",
    "bayes_stein",
    "bayes_stein_moments",
    "black_litterman",
    "james_stein",
    "james_stein_intensity",
    "sample",
    "view_matrices",
]
