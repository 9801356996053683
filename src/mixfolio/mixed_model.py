"""Mixed models of returns: relationship matrices, variance components and what they give.

Each model stands in a module of its own, with its mathematics; here are their names in one place.
:func:`covariance_reml` explains the covariance of returns by relationship matrices
(:mod:`mixfolio.kernel_model`). :func:`panel_reml` explains mean returns by persistent effects of
assets (:mod:`mixfolio.panel_model`).
"""

from mixfolio.kernel_model import KernelModel, covariance_reml
from mixfolio.panel_model import PanelModel, panel_reml

__all__ = ["KernelModel", "PanelModel", "covariance_reml", "panel_reml"]
