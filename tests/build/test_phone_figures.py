"""Figures are drawn a second time for narrow pages: how, and that nothing else notices."""

import re
import sys
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import print_figure

from mixfolio import plotting
from tools.build import notebook
from tools.build.project import Project
from tools.site import drawings

sys.path.append(str(Project().root / "tools" / "build" / "kernel_site"))
import phone_figures
import phone_names
import second_drawing

NAMES = (
    "LW constant correlation",
    "nonlinear shrinkage",
    "random loadings, shrunk",
    "equal weight",
)


@pytest.fixture(autouse=True)
def style(monkeypatch):
    with mpl.rc_context():
        mpl.use("agg")
        plotting.use_book_style()
        yield
    plt.close("all")


def wide(fig):
    return print_figure(fig, fmt="svg", bbox_inches="tight", metadata={"Date": None})


def row(n=3, **options):
    fig, axes = plt.subplots(1, n, figsize=(7.2, 3), **options)
    for number, ax in enumerate(np.ravel(axes)):
        ax.plot([0, 1, 2], [number, 1, 2])
        ax.set(title=f"panel {number}", xlabel="month")
    np.ravel(axes)[0].set_ylabel("return")
    return fig


def lines():
    """Four lines that end near each other, with long names."""
    fig, ax = plt.subplots()
    for height, name in enumerate(NAMES):
        ax.plot([0, 1], [height, 1 + 0.02 * height])
        plotting.label_line(ax, 1, 1 + 0.02 * height, name)
    return fig


def bars():
    fig, ax = plt.subplots(figsize=(7.2, 4))
    found = ax.barh(range(4), [0.4, 0.3, 0.2, 0.1])
    ax.bar_label(found, label_type="center")
    ax.set_yticks(range(4), NAMES)
    ax.legend(found, NAMES, loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def powers():
    fig, ax = plt.subplots()
    ax.loglog([1e-9, 1e9], [0.01, 100])
    ax.set_xticks([1e-9, 1, 1e9])
    return fig


def categories():
    fig, ax = plt.subplots()
    ax.bar(range(8), range(8))
    ax.set_xticks(range(8), [*NAMES, *NAMES])
    return fig


def tickers():
    """Forty slanting names, for which a narrow panel has no room in one row."""
    fig, ax = plt.subplots(figsize=(9, 3.6))
    ax.bar(range(40), range(40))
    ax.set_xticks(range(40), ["ABCD", "EFG"] * 20, rotation=45)
    return fig


FIGURES = {
    "row": row,
    "shared": lambda: row(sharey=True),
    "four": lambda: row(4, sharey=True),
    "lines": lines,
    "bars": bars,
    "powers": powers,
    "categories": categories,
    "tickers": tickers,
}


def narrow(fig):
    fig, moved = phone_figures.narrow(fig)
    fig.draw_without_rendering()
    return fig, moved


def boxes(texts, renderer):
    seen = [text for text in texts if text.get_visible() and text.get_text()]
    return [text.get_window_extent(renderer) for text in seen]


def touching(found):
    return [(one, two) for one, two in combinations(found, 2) if one.overlaps(two)]


@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_itself_is_left_alone(name):
    untouched, fig = wide(FIGURES[name]()), FIGURES[name]()
    first = phone_figures.drawing(fig)
    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    assert phone_figures.drawing(fig) == first
    assert wide(fig) == untouched != first
    assert (dict(mpl.rcParams), plt.get_fignums()) == (before, numbers)


@pytest.mark.parametrize("name", FIGURES)
def test_letters_can_be_read_on_a_phone(name):
    svg = phone_figures.drawing(FIGURES[name]())
    width, _, _ = drawings.size(svg)
    assert width == pytest.approx(328, abs=4)
    assert min(drawings.letters(svg)) * 328 / width >= drawings.LEAST_TEXT


def test_letters_that_are_too_small_are_found():
    svg = wide(powers())
    width, _, _ = drawings.size(svg)
    assert min(drawings.letters(svg)) * 328 / width < drawings.LEAST_TEXT
    assert min(drawings.letters(svg)) == pytest.approx(0.7 * 11 * 4 / 3)  # an exponent


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_and_names_stand_apart(name):
    fig, _ = narrow(FIGURES[name]())
    renderer = fig._get_renderer()
    for ax in fig.axes:
        moving = [text for text in ax.texts if phone_names.can_move(text)]
        for texts in (moving, ax.get_xticklabels(), ax.get_yticklabels()):
            straight = [text for text in texts if text.get_rotation() in (0, 90)]
            assert touching(boxes(straight, renderer)) == []
        for box in boxes([*ax.texts, ax._left_title, ax.xaxis.label], renderer):
            assert box.x0 >= -2 and box.x1 <= fig.bbox.width + 4


def test_names_that_touch_are_found():
    fig = lines()
    fig.set_size_inches(3, 2)
    fig.draw_without_rendering()
    assert touching(boxes(fig.axes[0].texts, fig._get_renderer()))


def test_panels_of_a_row_are_stacked_and_keep_the_names_of_their_axes():
    fig, moved = narrow(row(sharey=True))
    assert moved == (1, 3, 3, 1)
    tops = [ax.get_position().y0 for ax in fig.axes]
    assert tops == sorted(tops, reverse=True)
    for ax in fig.axes:
        assert ax.get_ylabel() == "return"
        assert any(label.get_visible() for label in ax.get_yticklabels())
        assert ax.yaxis.get_tick_params()["labelleft"]


@pytest.mark.parametrize(
    ("shape", "share", "moved", "word"),
    [
        ((1, 2), {}, (1, 2, 2, 1), "stacked"),
        ((1, 4), {"sharey": True}, (1, 4, 2, 2), "rows"),
        ((2, 3), {"sharex": True, "sharey": "row"}, (2, 3, 3, 2), "turned"),
        ((2, 2), {"sharey": True}, (2, 2, 4, 1), "listed"),
        ((3, 1), {"sharex": True}, (3, 1, 3, 1), ""),
        ((3, 3), {"sharex": True, "sharey": True}, (3, 3, 3, 3), ""),
    ],
)
def test_grids(shape, share, moved, word):
    fig, axes = plt.subplots(*shape, **share)
    for number, ax in enumerate(axes.flat):
        ax.plot([0, 1 + number])
        ax.set_title(str(number))
    new, found = narrow(fig)
    assert found == moved
    assert drawings.moved_panels(phone_figures.drawing(fig)) == word
    if word == "turned":  # what was a row is a column
        first = [ax for ax in new.axes if ax.get_subplotspec().colspan.start == 0]
        assert [ax.get_title(loc="left") for ax in first] == ["0", "1", "2"]


def test_a_scale_lies_below_stacked_pictures():
    fig, axes = plt.subplots(1, 2)
    for ax in axes:
        image = ax.imshow(np.eye(3))
    fig.colorbar(image, ax=axes, label="correlation")
    new, _ = narrow(fig)
    scale = new.axes[-1]
    assert scale.get_xlabel() == "correlation"
    assert scale.get_position().y1 < min(ax.get_position().y0 for ax in new.axes[:-1])


def test_a_legend_beside_a_panel_goes_above_it():
    new, _ = narrow(bars())
    (legend,) = new.legends
    box = legend.get_window_extent(new._get_renderer())
    assert box.y0 >= new.axes[0].bbox.y1
    assert box.x1 <= new.bbox.width
    assert [text.get_text() for text in legend.texts] == list(NAMES)


def test_a_key_that_would_lie_upon_lines_goes_above():
    fig, ax = plt.subplots()
    for height in (0, 1):
        ax.plot([0, 1], [height, height], label="a line with a name")
    ax.legend(loc="upper right", framealpha=1)
    new, _ = narrow(fig)
    (legend,) = new.legends
    assert legend.get_window_extent(new._get_renderer()).y0 >= new.axes[0].bbox.y1
    ax.legend(loc="center right")
    new, _ = narrow(fig)
    assert new.legends == []
    assert new.axes[0].get_legend() is not None


def test_numbers_along_an_axis_are_thinned_out():
    fig, ax = plt.subplots()
    ax.plot(np.arange(20))
    ax.set_xticks(np.arange(20), [f"{1000 + number}" for number in range(20)])
    new, _ = narrow(fig)
    found = [label.get_text() for label in new.axes[0].get_xticklabels()]
    assert found == ["1000", "1004", "1008", "1012", "1016"]


def test_the_kernel_adds_the_drawing_only_when_it_is_told_to(monkeypatch):
    shell = InteractiveShell()
    fig = row()
    monkeypatch.delenv("BOOK_PHONE", raising=False)
    second_drawing.load_ipython_extension(shell)
    assert notebook.PHONE not in shell.display_formatter.format(fig)[0]
    monkeypatch.setenv("BOOK_PHONE", notebook.PHONE)
    second_drawing.load_ipython_extension(shell)
    assert shell.display_formatter.format(fig)[0][notebook.PHONE] == phone_figures.drawing(fig)


@pytest.mark.parametrize("page", ["chapters/01-coin.html"])
def test_a_page_offers_it_and_a_download_does_not(built_once, page):
    site = built_once / "build" / "site"
    html = (site / page).read_text(encoding="utf-8")
    files = re.findall(r'<source [^>]*srcset="\.\./([^"]*)"', html)
    assert len(files) == 2
    for file, dark in zip(files, (False, True), strict=True):
        svg = (site / file).read_text(encoding="utf-8")
        assert 'data-panels="1 1 1 1"' in svg
        assert (f'fill="{drawings.INK}"' in svg) == dark
    executed = built_once / "build" / "executed" / "01-coin.ipynb"
    download = site / "_sources" / "chapters" / "01-coin.ipynb"
    assert notebook.PHONE in executed.read_text(encoding="utf-8")
    assert notebook.PHONE not in download.read_text(encoding="utf-8")
