"""A second drawing of every figure, for pages as narrow as a phone's.

The kernel of a chapter that is executed for the book calls this when it shows a figure (see
``second_drawing.py``). The figure is copied: panels in a row are stacked, letters stay large
enough, names and legends are kept from running into each other. The figure itself is left alone.
The drawing travels in the executed notebook, and only the rendering of the site makes use of it.
"""

import textwrap
from itertools import pairwise

import cloudpickle
import matplotlib as mpl
import numpy as np
from IPython.core.pylabtools import print_figure
from matplotlib.category import StrCategoryLocator
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.gridspec import GridSpec
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import Bbox
from phone_names import balanced, can_move, drawn, move

WIDTH = 246 / 72  # inches: 328 pixels, what a screen of 360 leaves to the text
POINTS = 72.0
LEAST = 7.0  # points: 9.3 pixels
SMALLER = 0.76  # of letters, lines and markers
STYLE = {"font.size": 8.4, "axes.titlesize": 8.4, "lines.linewidth": 1.4}
PANEL = (1.7, 2.5)  # least and greatest height of a panel in inches


def _copied(fig):
    """A figure of its own, of which no window and no list of open figures knows."""
    manager, fig.canvas.manager = fig.canvas.manager, None
    try:
        return cloudpickle.loads(cloudpickle.dumps(fig))  # with functions of notebooks, too
    finally:
        fig.canvas.manager = manager


def _shrunk(size):
    return max(LEAST, round(SMALLER * size, 1))


def _shrink(fig):
    """Letters, lines and markers in the measure of a small figure."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            for which in ("major", "minor"):
                size = axis.get_tick_params(which).get("labelsize")
                if isinstance(size, (int, float)):
                    axis.set_tick_params(which, labelsize=_shrunk(size))
        for line in ax.lines:
            line.set_linewidth(SMALLER * line.get_linewidth())
            line.set_markersize(SMALLER * line.get_markersize())
        for points in ax.collections:
            if isinstance(points, PathCollection):
                points.set_sizes(SMALLER**2 * points.get_sizes())
            elif isinstance(points, LineCollection):
                points.set_linewidth(SMALLER * np.asarray(points.get_linewidth()))
    for text in fig.findobj(Text):
        text.set_fontsize(_shrunk(text.get_fontsize()))
        if isinstance(text, Annotation) and text.anncoords == "offset points":
            text.xyann = tuple(SMALLER * part for part in text.xyann)
            if text.xycoords != "data":  # inside a bar
                text.set_fontsize(LEAST)


# ---- Panels -----------------------------------------------------------------------------------


def _panels(fig):
    """The panels of a grid in their order; None where there is no grid, or more than one."""
    found = [ax for ax in fig.axes if ax.get_subplotspec() is not None]
    grids = {id(ax.get_subplotspec().get_topmost_subplotspec().get_gridspec()) for ax in found}
    direct = all(
        ax.get_subplotspec().get_topmost_subplotspec() is ax.get_subplotspec() for ax in found
    )
    if len(grids) != 1 or not direct or fig.subfigs:
        return None
    return found


def _place(ax):
    spec = ax.get_subplotspec()
    return spec.rowspan.start, spec.colspan.start


def _shares(one, other, which):
    group = getattr(one, f"get_shared_{which}_axes")()
    return group.joined(one, other)


def _columns(panels, rows, columns):
    """How many columns the panels get, and whether rows become columns."""
    if columns == 1:
        return 1, False
    if all(_is_bare(ax) for ax in panels):
        return 2, False
    if rows > 1 and columns > rows:
        return rows, True
    everywhere = all(_shares(panels[0], ax, "y") for ax in panels)
    if columns > 2 and len(panels) > 3 and everywhere:
        return (3 if rows > 2 else 2), False
    return (2 if rows > 2 else 1), False


def _is_bare(ax):
    """Whether a panel is a picture without numbers or names along its edges."""
    return bool(ax.images) and not len(ax.get_xticks()) and not len(ax.get_yticks())


def _restack(fig, panels):
    """Put panels that stand in a row below each other; returns rows and columns, old and new."""
    grid = panels[0].get_subplotspec().get_gridspec()
    rows, columns = grid.nrows, grid.ncols
    wanted, turned = _columns(panels, rows, columns)
    if wanted == columns:
        return (rows, columns), (rows, columns)
    old = {ax: _place(ax) for ax in panels}
    ordered = sorted(panels, key=lambda ax: old[ax][::-1] if turned else old[ax])
    places = list(dict.fromkeys(old[ax] for ax in ordered))  # twins stand in one place
    new_rows = -(-len(places) // wanted)
    new = GridSpec(new_rows, wanted, figure=fig)
    for ax in ordered:
        ax.set_subplotspec(new[divmod(places.index(old[ax]), wanted)])
    _name_axes(ordered, old)
    if new_rows > rows:
        _turn_colorbars(fig)
    return (rows, columns), (new_rows, wanted)


def _name_axes(panels, old):
    """Numbers and names of axes that panels share stand where they are needed now."""
    for ax in panels:
        row, column = _place(ax)
        here = {_place(other): other for other in panels}
        for which, side, beside in (
            ("y", "left", here.get((row, column - 1))),
            ("x", "bottom", here.get((row + 1, column))),
        ):
            group = [one for one in panels if one is not ax and _shares(ax, one, which)]
            if not group:
                continue
            axis = getattr(ax, f"{which}axis")
            shown = beside is None or beside not in group
            axis.set_tick_params("both", **{f"label{side}": shown})
            axis.get_offset_text().set_visible(shown)
            if not shown:
                axis.label.set_visible(False)
            elif not axis.label.get_text():
                names = [getattr(one, f"{which}axis").label for one in group]
                named = [name.get_text() for name in names if name.get_text()]
                same = old[group[0]][1] != old[ax][1] if which == "y" else True
                if named and same:
                    axis.set_label_text(named[0], fontsize=names[0].get_fontsize())


def _turn_colorbars(fig):
    """Scales beside panels that have been stacked lie below them."""
    for bar in [ax._colorbar for ax in fig.axes if hasattr(ax, "_colorbar")]:
        told = bar.ax._colorbar_info
        if told["location"] in ("left", "right"):
            mappable, label = bar.mappable, bar.ax.get_ylabel()
            bar.remove()
            fig.colorbar(mappable, ax=told["parents"], location="bottom", label=label, aspect=30)


def _close_gaps(fig, panels):
    """Rows of pictures, whose shape is fixed, are as high as these are."""
    slack = {}
    for ax in panels:
        if ax.get_aspect() == "auto":
            return
        ax.apply_aspect()
        left = ax.get_position(original=True).height - ax.get_position().height
        row = _place(ax)[0]
        slack[row] = min(left, slack.get(row, left))
    width, height = fig.get_size_inches()
    fig.set_size_inches(width, height * (1 - sum(slack.values())))


def _room_for_names(ax):
    """Inches that the names along the vertical axis need not to touch."""
    names = _names(ax.yaxis)
    lines = [1 + name.get_text().count("\n") for name in names]
    if len(lines) < 2:
        return 0
    most = max(one + two for one, two in pairwise(lines)) / 2
    return (len(lines) * most * 1.25 * names[0].get_fontsize()) / POINTS + 0.6


def _height(fig, panels, old, new):
    """Inches: letters need as much as before, lines a little less."""
    width, height = fig.get_size_inches()
    if panels is None:
        return SMALLER * height
    each = height / old[0]
    if old == new:
        ratio = each * SMALLER
        if all(ax.get_aspect() == "auto" for ax in panels):
            ratio = max(ratio, min(PANEL[0], each))
    elif any(ax.get_aspect() != "auto" for ax in panels):
        ratio = WIDTH / new[1] * 1.05
    else:
        ratio = min(max(each / (width / old[1]) * WIDTH / new[1], PANEL[0]), PANEL[1])
    return new[0] * max([ratio, *map(_room_for_names, panels)])


# ---- Legends ----------------------------------------------------------------------------------


def _legends(fig):
    yield from fig.legends
    yield from (ax.get_legend() for ax in fig.axes if ax.get_legend() is not None)


def _sources(fig, legend):
    """What a legend explains, as far as it is found in the panels."""
    known = {}
    for ax in fig.axes:
        handles, labels = ax.get_legend_handles_labels()
        known |= dict(zip(labels, handles, strict=True))
    labels = [text.get_text() for text in legend.texts]
    pairs = zip(labels, legend.legend_handles, strict=True)
    return [known.get(label, handle) for label, handle in pairs], labels


def _outside(legend, renderer):
    """Whether a legend stands beside its panel or above it, or where only a wide one has room."""
    if legend.axes is None:
        return legend._outside_loc is not None
    if isinstance(legend._loc_real, tuple):
        return True
    box, frame = legend.get_window_extent(renderer), legend.axes.bbox
    return box.y0 >= frame.y1 - 2 or box.x0 >= frame.x1 - 2 or box.y1 <= frame.y0 + 2


def _covers(legend, renderer):
    """Whether a legend lies upon something that its panel draws."""
    box = legend.get_window_extent(renderer)
    across, up = drawn(legend.axes, renderer.dpi / POINTS).T
    return ((across > box.x0) & (across < box.x1) & (up > box.y0) & (up < box.y1)).any()


def _legends_outside(fig):
    """Legends that stand outside of panels, or where only a wide one has room."""
    found = list(_legends(fig))
    if any(legend.axes is not None for legend in found):
        fig.draw_without_rendering()
    renderer = fig._get_renderer()
    return [legend for legend in found if _outside(legend, renderer)]


def _take_legends(fig, found):
    """Take legends away until there is a layout for them; returns what they say."""
    taken = []
    for legend in found:
        lower = legend.axes is None and legend._outside_loc == "lower"
        handles, labels = _sources(fig, legend)
        size = legend.texts[0].get_fontsize() if legend.texts else LEAST
        taken.append(
            (
                handles,
                labels,
                {
                    "title": legend.get_title().get_text() or None,
                    "loc": "outside lower left" if lower else "outside upper left",
                    "fontsize": size,
                },
            )
        )
        legend.remove()
    return taken


TIGHT = {
    "handlelength": 1.2,
    "columnspacing": 1.0,
    "handletextpad": 0.5,
    "borderaxespad": 0.2,
    "borderpad": 0.2,
}


def _put_legends(fig, taken, stacked):
    """Legends over the whole width, in as many columns as there is room for; the figure grows."""
    renderer = fig._get_renderer()
    seen = []
    for handles, labels, options in taken:
        if labels in seen:
            continue
        seen.append(labels)
        if stacked:  # before a long way down
            options["loc"] = "outside upper left"
        for columns in range(min(len(labels), 5), 0, -1):
            new = fig.legend(handles, labels, ncols=columns, **options, **TIGHT)
            if new.get_window_extent(renderer).width <= fig.bbox.width or columns == 1:
                break
            new.remove()
        lines = new.get_window_extent(renderer).height / renderer.dpi
        fig.set_size_inches(WIDTH, fig.get_figheight() + lines)


# ---- Letters ----------------------------------------------------------------------------------


def _wrapped(text, room, extent):
    """Break a text into lines that fit the room in pixels."""
    words = text.get_text()
    if extent <= room or "\n" in words or "$" in words or " " not in words:
        return
    for lines in range(2, 5):
        broken = textwrap.wrap(
            words, max(4, round(1.1 * len(words) / lines)), break_long_words=False
        )
        if extent * max(map(len, broken)) / len(words) <= room:
            break
    text.set_text("\n".join(broken))


def _wrap(fig, renderer):
    for ax in fig.axes:
        share = fig.bbox.width / _ncols(ax)
        beside = [o.bbox.x0 - 6 for o in fig.axes if o.bbox.x0 > ax.bbox.x1]
        for title in (ax.title, ax._left_title, ax._right_title):
            if title.get_text():
                room = min([*beside, fig.bbox.width]) - ax.bbox.x0
                _wrapped(title, room, title.get_window_extent(renderer).width)
        if ax.xaxis.label.get_text():
            extent = ax.xaxis.label.get_window_extent(renderer).width
            _wrapped(ax.xaxis.label, min(0.95 * share, 1.2 * ax.bbox.width), extent)
        if ax.yaxis.label.get_text():
            extent = ax.yaxis.label.get_window_extent(renderer).height
            _wrapped(ax.yaxis.label, 1.05 * ax.bbox.height, extent)
    for text in filter(None, (fig._suptitle, fig._supxlabel)):
        _wrapped(text, 0.95 * fig.bbox.width, text.get_window_extent(renderer).width)


def _ncols(ax):
    spec = ax.get_subplotspec()
    return spec.get_gridspec().ncols if spec is not None else 1


def _names(axis):
    """Names that the chapter has given to places on an axis."""
    locator = axis.get_major_locator()
    if not isinstance(locator, (FixedLocator, StrCategoryLocator)):
        return []
    labels = [label for label in axis.get_ticklabels() if label.get_text()]
    return [] if all(_is_number(label.get_text()) for label in labels) else labels


def _is_number(text):
    try:
        float(text.strip("%").replace("\N{MINUS SIGN}", "-").replace("k", ""))
    except ValueError:
        return False
    return True


def _rename(axis, change):
    """Change the names along an axis."""
    places = axis.get_majorticklocs()
    names = [change(label.get_text()) for label in axis.get_ticklabels()]
    axis.set_ticks(places, names)


def _shorten_names(fig, renderer):
    """Names along a vertical axis take a third of the width at most, in two lines if need be."""
    room = (0.34 if max(map(_ncols, fig.axes)) == 1 else 0.26) * WIDTH * fig.dpi
    for ax in fig.axes:
        for label in (names := _names(ax.yaxis)):
            if label.get_window_extent(renderer).width > room:
                _rename(ax.yaxis, lambda name: balanced(name, max(_chars(names, renderer, room))))
                break


def _chars(names, renderer, room):
    for label in names:
        yield int(room / label.get_window_extent(renderer).width * len(label.get_text()))


def _crowded(axis, renderer):
    """Whether the labels along a horizontal axis touch."""
    boxes = [
        label.get_window_extent(renderer)
        for label in axis.get_ticklabels()
        if label.get_visible() and label.get_text()
    ]
    boxes = sorted(boxes, key=lambda box: box.x0)
    return any(one.x1 + 3 > two.x0 for one, two in pairwise(boxes))


def _spread_labels(fig, renderer):
    """Labels along horizontal axes: names are broken, turned or staggered, numbers thinned out."""
    for axis in (ax.xaxis for ax in fig.axes):
        if not _crowded(axis, renderer):
            continue
        if not _names(axis):
            _thin_out(axis, renderer)
        elif any(label.get_rotation() for label in axis.get_ticklabels()):
            _stagger(axis, renderer)
        else:
            _break_or_turn(axis, renderer)


def _break_or_turn(axis, renderer):
    """Names in several lines, or else slanting."""
    _rename(axis, lambda name: name.replace(" ", "\n"))
    if _crowded(axis, renderer):
        _rename(axis, lambda name: name.replace("\n", " "))
        for label in axis.get_ticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
        axis.figure.set_size_inches(WIDTH, axis.figure.get_figheight() + 0.3)


def _stagger(axis, renderer):
    """Names that stand upright, or too close to slant: in two rows, if one has no room for all."""
    labels = [label for label in axis.get_ticklabels() if label.get_text()]
    apart = axis.axes.bbox.width / len(labels) * np.sin(np.radians(labels[0].get_rotation()))
    if labels[0].get_rotation() < 90 and apart > labels[0].get_fontsize() * renderer.dpi / POINTS:
        return
    for label in labels:
        label.set(fontsize=LEAST, rotation=90, ha="center", va="top")
    boxes = [label.get_window_extent(renderer) for label in labels]
    width = max(box.width for box in boxes) + 1
    height = (max(box.height for box in boxes) / renderer.dpi) * POINTS + 3
    rows = -(-int(width * len(labels)) // int(axis.axes.bbox.width))
    for place, tick in enumerate(axis.get_major_ticks()):
        tick.set_pad(tick.get_pad() + height * (place % rows))
    figure = axis.figure
    figure.set_size_inches(WIDTH, figure.get_figheight() + height * (rows - 1) / POINTS)


def _thin_out(axis, renderer):
    """Every second number, until there is room between them."""
    low, high = sorted(axis.get_view_interval())
    while _crowded(axis, renderer):
        texts = [label.get_text() for label in axis.get_ticklabels()]
        shown = dict(zip(axis.get_majorticklocs(), texts, strict=False))
        shown = {at: text for at, text in shown.items() if low <= at <= high and text}
        if len(shown) < 3:
            break
        kept = list(shown)[::2]
        axis.set_ticks(kept, [shown[at] for at in kept])


def _plain_powers(fig):
    """Powers of ten as numbers: their exponents would be too small to be read."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            labels = [label for label in axis.get_ticklabels() if "^{" in label.get_text()]
            if not labels:
                continue
            low, high = sorted(axis.get_view_interval())
            if low > 0 and high < 2e4 and low > 2e-4:
                axis.set_major_formatter("{x:,g}")
            else:
                axis.set_tick_params("major", labelsize=LEAST / 0.7)


def _fold_names(fig, renderer):
    """Long names to the right of a panel take two lines: it is narrow enough."""
    room = 0.27 * fig.bbox.width
    for ax in fig.axes:
        for text in filter(can_move, ax.texts):
            box = text.get_window_extent(renderer)
            if box.width > room and box.x1 > ax.bbox.x1 + 0.5 * room:
                text.set_text(balanced(text.get_text(), int(len(text.get_text()) * 0.62)))


def _lay_out(fig):
    """Give panels their places; drawing does the same, and takes twice as long."""
    engine = fig.get_layout_engine()
    if engine is None:
        fig.draw_without_rendering()
    else:
        engine.execute(fig)


def _hide_what_bars_cannot_hold(ax, renderer):
    """Numbers inside bars that have become too short for them."""
    bars = [bar.get_window_extent(renderer) for bar in ax.patches]
    for text in ax.texts:
        if isinstance(text, Annotation) and not can_move(text):
            box = text.get_window_extent(renderer)
            x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            around = [bar for bar in bars if bar.contains(x, y)]
            if around and all(bar.width < box.width for bar in around):
                text.set_visible(False)


def narrow(fig):
    """A copy of the figure for a narrow page."""
    with mpl.rc_context(STYLE):
        new = _copied(fig)
        if new.get_layout_engine() is None:
            new.set_layout_engine("constrained")
        outside = _legends_outside(new)
        _shrink(new)
        legends = _take_legends(new, outside)
        panels = _panels(new)
        old = grid = (1, 1)
        if panels:
            old, grid = _restack(new, panels)
        renderer = new._get_renderer()
        _plain_powers(new)
        _shorten_names(new, renderer)
        new.set_size_inches(WIDTH, _height(new, panels, old, grid))
        _put_legends(new, legends, grid[0] > old[0])
        _lay_out(new)
        inside = [one for one in _legends(new) if one.axes is not None and _covers(one, renderer)]
        if len(inside) == 1 and not legends:
            _put_legends(new, _take_legends(new, inside), False)
            _lay_out(new)
        _close_gaps(new, panels or ())
        _spread_labels(new, renderer)
        _wrap(new, renderer)
        _fold_names(new, renderer)
        homes = {}
        for _ in range(3):
            _lay_out(new)
            moved = [move(ax, renderer, homes) for ax in new.axes]
            if not any(moved):
                break
        for ax in new.axes:
            _hide_what_bars_cannot_hold(ax, renderer)
        new.set_layout_engine("none")
    return new, (*old, *grid)


def _box(fig):
    """What of the figure is drawn, in inches: its whole width, and no empty rows."""
    fig.draw_without_rendering()
    box = fig.get_tightbbox(fig._get_renderer())
    return Bbox([[min(0, box.x0), box.y0 - 0.03], [max(WIDTH, box.x1), box.y1 + 0.03]])


def drawing(fig):
    """The SVG for a narrow page; it says from which rows and columns its panels have moved."""
    new, moved = narrow(fig)
    with mpl.rc_context(STYLE):
        svg = print_figure(new, fmt="svg", bbox_inches=_box(new), metadata={"Date": None})
    return svg.replace("<svg ", f'<svg data-panels="{" ".join(map(str, moved))}" ', 1)
