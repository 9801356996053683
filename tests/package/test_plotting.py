"""Figures show the numbers that they are given, in the order that is asked for."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mixfolio import metrics, optimization, plotting
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


def test_heatmap_labels_assets_without_marks_or_lines():
    image = plotting.heatmap(KERNEL)
    ax = image.axes
    assert list(ax.get_xticks()) == list(ax.get_yticks()) == [0, 1, 2]
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90}
    assert not any(line.get_visible() for line in [*ax.get_xgridlines(), *ax.get_ygridlines()])
    assert {tick.tick1line.get_markersize() for tick in ax.xaxis.get_major_ticks()} == {0}
    assert ax.get_ylim() == (2.5, -0.5), "the first asset at the top"


def test_heatmap_has_blue_above_zero_and_red_below():
    signed = plotting.heatmap(-0.3 + KERNEL)
    red, _, blue, _ = signed.cmap(signed.norm(0.6))
    assert blue > red + 0.3
    red, _, blue, _ = signed.cmap(signed.norm(-0.6))
    assert red > blue + 0.3
    assert plotting.heatmap(KERNEL).cmap.name == "Blues"
    assert plotting.heatmap(KERNEL - 1e-13).cmap.name == "Blues", "rounding is no sign"
    largest = plotting.heatmap(-2 * KERNEL)
    assert (largest.norm.vmin, largest.norm.vmax) == (-2, 2)


def test_shares_lie_side_by_side_with_the_first_row_on_top():
    table = pd.DataFrame({"ant": [0.5, 0.06], "bee": [0.3, 0.9], "cat": [0.2, 0.04]}, ["A", "B"])
    ax = plotting.stacked_weights(table)
    bars = np.array([(bar.get_x(), bar.get_width()) for bar in ax.patches]).reshape(3, 2, 2)
    np.testing.assert_allclose(bars[:, 0], [(0, 0.5), (0.5, 0.3), (0.8, 0.2)])
    np.testing.assert_allclose(bars[:, 1], [(0, 0.06), (0.06, 0.9), (0.96, 0.04)])
    middle = [bar.get_y() + bar.get_height() / 2 for bar in ax.patches]
    np.testing.assert_allclose(middle, [0, -1] * 3, atol=1e-12)
    assert labels(ax.yaxis) == ["A", "B"]
    assert list(ax.get_yticks()) == [0, -1]
    # Only a share of more than 6 % has room for its number.
    assert [text.get_text() for text in ax.texts] == ["50%", "", "30%", "90%", "20%", ""]
    colours = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches[::2]]
    assert colours == plotting.CYCLE[:3]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(table)
    assert ax.get_xlim() == (0, 1)
    assert ax.xaxis.get_major_formatter()(0.5) == "50%"


def test_drawings_use_the_axes_they_are_given():
    runs = pd.DataFrame({"1/N in": [0.5, 0.6], "1/N out": [0.4, 0.6]})
    for draw in (
        lambda ax: plotting.paired_boxes(runs, ["1/N"], ax=ax),
        lambda ax: plotting.stacked_weights(pd.DataFrame({"SPY": [1.0]}), ax=ax),
    ):
        ax = mpl.pyplot.subplots()[1]
        assert draw(ax) is ax
        assert draw(None) is not ax


def test_boxes_stand_in_pairs():
    rng = np.random.default_rng(0)
    columns = ["A in", "A out", "B, long only in", "B, long only out", "C in"]
    runs = pd.DataFrame(rng.standard_normal((9, 5)), columns=columns)
    ax = plotting.paired_boxes(runs, ["B, long only", "A"])
    sky, amber = (mpl.colors.to_rgba(c) for c in (plotting.SKY, plotting.AMBER))
    assert [box.get_facecolor() for box in ax.patches] == [sky, amber, sky, amber]
    spans = [box.get_path().get_extents() for box in ax.patches]
    np.testing.assert_allclose([(span.x0 + span.x1) / 2 for span in spans], [0, 1, 3, 4])
    drawn = runs[["B, long only in", "B, long only out", "A in", "A out"]]
    np.testing.assert_allclose([span.y0 for span in spans], drawn.quantile(0.25))
    np.testing.assert_allclose([span.y1 for span in spans], drawn.quantile(0.75))
    assert labels(ax.xaxis) == ["B,\nlong only", "A"]
    assert list(ax.get_xticks()) == [0.5, 3.5]
    assert "information ratio a year" in ax.get_ylabel()
    with pytest.raises(DataError, match=r"no column .*D in"):
        plotting.paired_boxes(runs, ["D"])


def test_labels_stand_beside_their_points():
    ax = mpl.pyplot.subplots()[1]
    plotting.label_line(ax, 2.0, 3.0, "truth", color=plotting.colour("truth"), xytext=(0, 9))
    plotting.label_line(ax, 1.0, 1.0, "beside")
    moved, beside = ax.texts
    assert (moved.get_text(), moved.xy, moved.get_color()) == ("truth", (2.0, 3.0), plotting.BLACK)
    assert moved.xyann == (0, 9)
    assert (beside.xyann, beside.get_va(), beside.anncoords) == ((5, 0), "center", "offset points")


@pytest.mark.parametrize(
    ("which", "shown"), [("x", ("25%", None)), ("y", (None, "25%")), ("both", ("25%", "25%"))]
)
def test_per_cent_are_where_they_are_asked_for(which, shown):
    ax = mpl.pyplot.subplots()[1]
    plotting.percent_axis(ax, which)
    for axis, text in zip((ax.xaxis, ax.yaxis), shown, strict=True):
        formatter = axis.get_major_formatter()
        assert isinstance(formatter, mpl.ticker.PercentFormatter) == (text is not None)
        assert text is None or formatter(0.25) == text


def test_the_style_of_the_book():
    options = ("display.precision", 6, "display.width", 80, "display.max_columns", 0)
    with mpl.rc_context(), pd.option_context(*options):
        plotting.use_book_style()
        ax = mpl.pyplot.subplots()[1]
        lines = [ax.plot([0, 1])[0].get_color() for _ in plotting.CYCLE]
        assert lines == plotting.CYCLE
        assert not ax.spines["top"].get_visible()
        assert not ax.spines["right"].get_visible()
        assert mpl.rcParams["svg.hashsalt"] == "mixfolio", "equal figures are equal files"
        assert pd.get_option("display.precision") == 4
        assert pd.get_option("display.width") == 110


def test_in_a_notebook_figures_are_drawn_without_a_date(monkeypatch):
    shell = pytest.importorskip("IPython.core.getipython")
    backend = pytest.importorskip("matplotlib_inline.backend_inline")
    calls = []
    monkeypatch.setattr(shell, "get_ipython", object)
    monkeypatch.setattr(backend, "set_matplotlib_formats", lambda *a, **k: calls.append((a, k)))
    plotting._use_svg()
    assert calls == [(("svg",), {"metadata": {"Date": None}, "bbox_inches": "tight"})]


def test_without_a_notebook_nothing_is_set(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.core.getipython", None)
    assert plotting._use_svg() is None


def test_colours_are_those_of_the_registry_and_differ_within_the_palette():
    for name, estimator in ESTIMATORS.items():
        assert plotting.look(name) == {"color": estimator.colour, "marker": estimator.marker}
    looks = [tuple(plotting.look(name).values()) for name in ESTIMATORS]
    assert len(set(looks)) == len(looks), "no two estimators look alike"
    assert plotting.look("risk parity") == {"color": plotting.PURPLE, "marker": "o"}
    assert len(set(plotting.CYCLE)) == len(plotting.CYCLE)
    for method in ("1/N", "equal weight"):
        assert plotting.colour(method) == plotting.GREY


# ------------------------------------------------------------------------------- over time

DATES = pd.date_range("2020-01-31", periods=4, freq="ME")
RECORDS = pd.DataFrame(
    {"1/N": [0.1, -0.2, 0.0, 0.3], "mine": 0.01, "mixed model": [0.0, 0.1, -0.1, 0.0]}, DATES
)


@pytest.mark.parametrize(
    ("draw", "measure"),
    [(plotting.wealth, metrics.wealth), (plotting.drawdowns, metrics.drawdown)],
)
@pytest.mark.parametrize("records", [RECORDS, RECORDS.to_period()], ids=["dates", "periods"])
def test_lines_over_time_are_the_measures(draw, measure, records):
    ax = draw(records)
    assert [line.get_label() for line in ax.lines] == list(records)
    for line, name in zip(ax.lines, records, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), measure(records[name]))
    for line, method in ((ax.lines[0], "1/N"), (ax.lines[2], "mixed model")):
        assert line.get_color() == plotting.colour(method)
    assert ax.lines[1].get_color() not in {ax.lines[0].get_color(), ax.lines[2].get_color()}


def test_bands_add_up_and_shorts_lie_below():
    weights = pd.DataFrame({"a": [0.7, 1.2], "b": [0.3, -0.2]}, DATES[:2])
    ax = plotting.weights_over_time(weights)
    heights = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in ax.collections])
    assert (heights.min(), heights.max()) == pytest.approx((-0.2, 1.2))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["b", "a"]
    assert len(ax.collections) == 4
    assert len(plotting.weights_over_time(weights.abs()).collections) == 2


def test_a_frontier_draws_itself():
    mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    found = optimization.efficient_frontier(mean, covariance, n_points=7)
    ax = mpl.pyplot.subplots()[1]
    assert found.plot(ax=ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), np.c_[found.volatility, found.mean])
    with pytest.raises(DataError, match="column 'mine'"):
        plotting.wealth(RECORDS.assign(mine=np.nan))
