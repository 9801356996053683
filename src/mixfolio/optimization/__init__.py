"""Portfolios from means and covariances: exact optimizers, and hierarchies of them."""

from mixfolio.optimization._constraints import ConstraintOptions, read_constraints
from mixfolio.optimization._hierarchy import (
    cluster_then_allocate,
    correlation_clusters,
    hierarchical_risk_parity,
    nested_clusters,
)
from mixfolio.optimization._optimizers import (
    EfficientFrontier,
    efficient_frontier,
    equal_weight,
    maximum_diversification,
    maximum_sharpe,
    mean_variance,
    minimum_variance,
    risk_parity,
    target_return,
    target_volatility,
    zero_cost_sharpe,
)
from mixfolio.optimization._quadratic import QuadraticSolution, solve_quadratic
from mixfolio.optimization._tail import minimum_cvar

__all__ = [
    "ConstraintOptions",
    "EfficientFrontier",
    "QuadraticSolution",
    "cluster_then_allocate",
    "correlation_clusters",
    "efficient_frontier",
    "equal_weight",
    "hierarchical_risk_parity",
    "maximum_diversification",
    "maximum_sharpe",
    "mean_variance",
    "minimum_cvar",
    "minimum_variance",
    "nested_clusters",
    "read_constraints",
    "risk_parity",
    "solve_quadratic",
    "target_return",
    "target_volatility",
    "zero_cost_sharpe",
]
