"""Figures show the numbers that they are given, in the order that is asked for."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mixfolio import plotting
from mixfolio.errors import DataError
from mixfolio.estimators import ESTIMATORS

mpl.use("Agg")
NAMES = ["ant", "bee", "cat"]
KERNEL = pd.DataFrame([[1, 0.2, 0.7], [0.2, 1, 0.1], [0.7, 0.1, 0.5]], NAMES, NAMES)


@pytest.fixture(autouse=True)
def _close():
    yield
    mpl.pyplot.close("all")


def labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_heatmap_draws_the_matrix_in_order():
    order = ["cat", "ant", "bee"]
    image = plotting.heatmap(KERNEL, order=order)
    np.testing.assert_array_equal(image.get_array(), KERNEL.loc[order, order])
    assert labels(image.axes.xaxis) == labels(image.axes.yaxis) == order
    assert (image.norm.vmin, image.norm.vmax) == (0, 1)
    np.testing.assert_array_equal(plotting.heatmap(KERNEL).get_array(), KERNEL)


def test_heatmap_has_white_at_zero():
    for matrix in (KERNEL, -0.3 + KERNEL):
        image = plotting.heatmap(matrix)
        assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.04)
    image = plotting.heatmap(-0.3 + KERNEL, limit=2.0)
    assert (image.norm.vmin, image.norm.vmax) == (-2, 2)


def test_heatmap_uses_the_axes_it_is_given():
    ax = mpl.pyplot.subplots()[1]
    assert plotting.heatmap(KERNEL, ax=ax).axes is ax


def test_every_share_is_drawn_however_many_there_are():
    n_assets = len(plotting.CYCLE) + 3
    table = pd.DataFrame(1 / n_assets, ["1/N"], [f"a{j}" for j in range(n_assets)])
    ax = plotting.stacked_weights(table)
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(1)


def test_outside_a_notebook_no_shell_is_started():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell
    before = shell.initialized()
    options = ("display.precision", 6, "display.width", 80, "display.max_columns", 0)
    with mpl.rc_context(), pd.option_context(*options):
        plotting.use_book_style()
    assert shell.initialized() == before


def test_every_method_has_one_colour():
    assert plotting.colour("truth") == plotting.BLACK
    names = [*plotting.METHODS, *ESTIMATORS]
    assert all(mpl.colors.is_color_like(plotting.colour(name)) for name in names)
    with pytest.raises(DataError, match="method is 'magic'"):
        plotting.colour("magic")


def test_a_look_goes_into_matplotlib():
    line = mpl.pyplot.subplots()[1].plot([1, 2], **plotting.look("POET"))[0]
    assert (line.get_color(), line.get_marker()) == (plotting.colour("POET"), "^")
