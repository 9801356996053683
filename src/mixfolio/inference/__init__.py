"""Tests of records: a pair, many at once, and the set of those that may be best."""

from mixfolio.inference._bootstrap import MeasureName, require_generator
from mixfolio.inference._many import model_confidence_set, stepdown
from mixfolio.inference._pairs import (
    Difference,
    jobson_korkie_memmel,
    pooled_variance_difference,
    sharpe_difference,
    variance_difference,
)

__all__ = [
    "Difference",
    "MeasureName",
    "jobson_korkie_memmel",
    "model_confidence_set",
    "pooled_variance_difference",
    "require_generator",
    "sharpe_difference",
    "stepdown",
    "variance_difference",
]
