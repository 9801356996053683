"""Names beside lines and points find places where they can be read, in a small panel.

A name that covers something tries other sides of its point, other heights and two lines, and
takes what is least bad: what it covers, and how far from its point it is, both count.
"""

import textwrap
from functools import partial
from itertools import product

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.text import Annotation

NOTHING = ("None", "none", " ", "", None)  # markers and strokes that are not drawn
POINTS = 72.0  # of an inch
GOOD = 1.0  # a place that is no worse is kept


def balanced(name, most):
    if len(name) <= most or "\n" in name:
        return name
    least = max(map(len, name.split()))
    lines = -(-len(name) // max(most, 1))
    for width in range(max(least, len(name) // lines), len(name) + 1):
        broken = textwrap.wrap(name, width, break_long_words=False)
        if len(broken) <= lines:
            break
    return "\n".join(broken)


def _boxes(ax, renderer):
    """What stands in the panel and around it: letters, and the points of lines."""
    letters = [ax.xaxis.label, ax.yaxis.label, ax.title, ax._left_title, ax._right_title]
    letters += [*ax.get_xticklabels(), *ax.get_yticklabels()]
    letters += [text for text in ax.texts if not can_move(text)]
    found = [t.get_window_extent(renderer) for t in letters if t.get_visible() and t.get_text()]
    legend = ax.get_legend()
    if legend is not None:
        found.append(legend.get_window_extent(renderer))
    return found


def can_move(text):
    return (
        isinstance(text, Annotation)
        and text.anncoords == "offset points"
        and (not callable(text.xycoords) and text.xycoords == "data")
        and text.arrow_patch is None
    )


def _stroke(path, transform):
    """Points along a path, in pixels and few pixels apart."""
    found = transform.transform_path(path).vertices
    found = found[np.isfinite(found).all(axis=1)]
    if len(found) < 2:
        return found
    steps = np.clip(np.hypot(*np.diff(found, axis=0).T) / 4, 1, 300).astype(int)
    pairs = zip(found[:-1], found[1:], steps, strict=True)
    parts = [np.linspace(one, two, n, endpoint=False) for one, two, n in pairs]
    return np.concatenate([*parts, found[-1:]])


def _marks(places, sizes):
    """Points that stand for markers of some size in pixels."""
    corners = 0.4 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1], [0, 0], [0, 0]])
    places = np.asarray(places, float)
    sizes = np.broadcast_to(np.asarray(sizes, float), len(places))
    found = (places[:, None] + sizes[:, None, None] * corners).reshape(-1, 2)
    return found[np.isfinite(found).all(axis=1)]


def drawn(ax, dot):
    """Points along every line of the panel and of every marker, in pixels of size ``dot``."""
    found = [np.empty((0, 2))]
    for line in filter(Artist.get_visible, ax.lines):
        if line.get_linestyle() not in NOTHING:
            found.append(_stroke(line.get_path(), line.get_transform()))
        if line.get_marker() not in NOTHING:
            places = line.get_transform().transform(line.get_xydata())
            found.append(_marks(places, line.get_markersize() * dot))
    for one in filter(Artist.get_visible, ax.collections):
        if isinstance(one, PathCollection):
            places = one.get_offset_transform().transform(one.get_offsets())
            found.append(_marks(places, np.resize(one.get_sizes() ** 0.5 * dot, len(places))))
        elif isinstance(one, LineCollection):
            found += [_stroke(path, one.get_transform()) for path in one.get_paths()]
    return np.concatenate(found)


def _overlap(one, two):
    width = min(one.x1, two.x1) - max(one.x0, two.x0)
    height = min(one.y1, two.y1) - max(one.y0, two.y0)
    return max(width, 0) * max(height, 0)


def _cost(box, others, points, frame, anchor, size):
    """How bad a place is: what it covers, and how far from its line it is."""
    covered = sum(_overlap(box, other) for other in others)
    across, up = points.T
    inside = (across > box.x0) & (across < box.x1) & (up > box.y0 + 1) & (up < box.y1 - 1)
    beyond = max(frame.x0 - box.x0, 0) + max(frame.y0 - box.y0, 0) + max(box.y1 - frame.y1 - 4, 0)
    aside = max(box.x0 - anchor[0], anchor[0] - box.x1, 0)
    gap = aside + 1.5 * max(box.y0 - anchor[1], anchor[1] - box.y1, 0)
    hidden = 20 * covered / size**2
    return (
        hidden + 0.5 * min(inside.sum(), 12) + 1.5 * inside.any() + 4 * beyond / size + gap / size
    )


def move(ax, renderer, homes):
    """Let names that cover something stand elsewhere; returns whether any has moved.

    ``homes`` keeps where each of them stood at first.
    """
    names = [text for text in ax.texts if can_move(text) and text.get_visible()]
    names = [name for name in names if name.get_text()]
    if not names:
        return False
    dot = renderer.dpi / POINTS
    fixed, points, moved = _boxes(ax, renderer), drawn(ax, dot), False
    for name in names:
        before = _state(name)
        home = homes.setdefault(name, before)
        others = fixed + [one.get_window_extent(renderer) for one in names if one is not name]
        find = partial(_badness, name, home, renderer, others, points)
        if find(home) > GOOD:
            _set(name, min(_places(home, name.get_fontsize()), key=find))
        moved |= _state(name) != before
    return moved


def _badness(name, home, renderer, others, points, state):
    """How bad a place is for a name that is put there."""
    _set(name, state)
    size = name.get_fontsize() * renderer.dpi / POINTS
    anchor = name._get_xy(renderer, name.xy, name.xycoords)
    box = name.get_window_extent(renderer)
    changes = (state[0] != home[0]) + (state[2] != home[2])
    return _cost(box, others, points, name.axes.bbox, anchor, size) + 0.3 * changes


def _state(name):
    return name.get_text(), name.xyann, name.get_ha(), name.get_va()


def _set(name, state):
    text, name.xyann, ha, va = state
    name.set(text=text, ha=ha, va=va)


def _places(home, size):
    """Where a name may stand, and in how many lines."""
    text, (x, y), ha, _ = home
    yield home
    texts = dict.fromkeys([text, balanced(text, max(6, int(0.6 * len(text))))])
    sides = dict.fromkeys([(x, ha), (5, "left"), (-5, "right"), (0, "center")])
    steps = [0.0] + [sign * k for k in (0.7, 1.1, 1.6, 2.3) for sign in (1, -1)]
    lifts = dict.fromkeys([y, *(step * size for step in steps)])
    for words, (aside, side), lift in product(texts, sides, lifts):
        yield words, (aside, lift), side, "center"
