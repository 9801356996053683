"""Portfolio optimization under estimation error.

The companion package of the book *Portfolios from Noisy Data*. Functions come
first: an estimator maps returns to a covariance or a mean, an optimizer maps
those to weights. Labels that go in come out.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "agents",
    "backtest",
    "covariance",
    "datasets",
    "errors",
    "estimators",
    "expected_returns",
    "inference",
    "metrics",
    "mixed_model",
    "montecarlo",
    "optimization",
    "plotting",
    "portfolio",
    "prices",
    "relationship",
    "report",
    "simulation",
    "sklearn",
    "studies",
]


def __getattr__(name: str) -> ModuleType:
    """A public module, imported when it is first asked for."""
    if name in __all__:
        return import_module(f"mixfolio.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
