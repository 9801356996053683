"""The picture in the appendix on speed: every ratio of benchmarks/results.json, side by side."""

import io
from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.figure import Figure

from tools.build.project import Project
from tools.site import benchmarks_page
from tools.site.benchmarks_page import Row

COLOURS = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#B8860B", "#56B4E9", "#777777", "#222222"
MARKERS = "osD^vP"
STYLE = {
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "svg.hashsalt": "benchmarks",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
}

NAMES = {  # of works that the tables call by their function
    "covariance_reml, one kernel": "REML of a covariance, one kernel",
    "panel_reml, asset effects": "REML of means, asset effects",
    "mixed_model.covariance": "mixed-model covariance",
    "minimum_variance": "minimum variance, thousands",
    "one replication": "published simulation, one run",
}


def picture(project: Project) -> str | None:
    """The drawing as SVG, the same for the same inputs; None where there is no peer."""
    results = benchmarks_page.read(project.root / "benchmarks" / "results.json")
    pairs = benchmarks_page.pairs(results["benchmarks"])
    if not pairs:
        return None
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        return _drawn(pairs)


def _drawn(pairs: Mapping[tuple[str, str], Row]) -> str:
    works, peers = (list(dict.fromkeys(column)) for column in zip(*pairs, strict=True))
    figure = Figure(figsize=(7.2, 1.4 + 0.26 * len(works) + 0.09 * len(peers)))
    axes = figure.subplots()
    for number, peer in enumerate(peers):
        rows = [(works.index(work), row) for (work, name), row in pairs.items() if name == peer]
        colour = COLOURS[number % len(COLOURS)]
        marker = MARKERS[number // len(COLOURS) % len(MARKERS)]
        low, middle, high = (
            [row["times as fast"][key] for _, row in rows]
            for key in ("lower quartile", "median", "upper quartile")
        )
        heights = [height for height, _ in rows]
        axes.plot(middle, heights, linestyle="", marker=marker, color=colour, label=peer)
        axes.hlines(heights, low, high, color=colour, linewidth=1.2)
    axes.axvline(1.0, color="black", linewidth=1.0)
    axes.set(
        xscale="log",
        xlabel="times as fast as the peer (logarithmic)",
        ylim=(len(works) - 0.4, -0.6),
    )
    axes.set_yticks(range(len(works)), [NAMES.get(work, work) for work in works])
    figure.legend(loc="outside lower center", ncols=3)
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    return drawing.getvalue()
