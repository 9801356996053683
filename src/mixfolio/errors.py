"""Named errors: each says what is wrong, where, how much, and what to do about it.

Every error of the package derives from :class:`MixfolioError`, which is a
``ValueError``, so that code which catches ``ValueError`` keeps working.
"""

__all__ = [
    "ConvergenceError",
    "DataError",
    "InfeasibleError",
    "MixfolioError",
    "SingularCovarianceError",
]


class MixfolioError(ValueError):
    """Base class of all errors that the package raises on purpose."""


class DataError(MixfolioError):
    """The input data cannot be used: missing, infinite, mislabelled or misshaped."""


class SingularCovarianceError(MixfolioError):
    """A covariance matrix is not positive definite where the method needs it to be."""


class InfeasibleError(MixfolioError):
    """No portfolio satisfies all constraints at once."""


class ConvergenceError(MixfolioError):
    """An iterative method stopped before it reached its tolerance."""
