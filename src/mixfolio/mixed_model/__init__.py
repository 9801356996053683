"""Mixed models of returns: persistent effects, kernels, loadings, the recommended covariance."""

from mixfolio.mixed_model._kernels import KernelModel, covariance_reml
from mixfolio.mixed_model._loadings import LoadingModel, random_loadings
from mixfolio.mixed_model._moving import MovingLoadingModel, moving_loadings
from mixfolio.mixed_model._panel import PanelModel, panel_reml
from mixfolio.mixed_model._recommended import ShrunkModel, covariance, fit
from mixfolio.mixed_model._student import StudentModel, student_loadings
from mixfolio.mixed_model._time import (
    even_periods,
    usual_halflife,
    with_time_steps,
)

__all__ = [
    "KernelModel",
    "LoadingModel",
    "MovingLoadingModel",
    "PanelModel",
    "ShrunkModel",
    "StudentModel",
    "covariance",
    "covariance_reml",
    "even_periods",
    "fit",
    "moving_loadings",
    "panel_reml",
    "random_loadings",
    "student_loadings",
    "usual_halflife",
    "with_time_steps",
]
