"""The look of the book's figures and tables: one style, and one colour per method.

Chapters and the report's notebook import this module; no other module depends on it, but for
methods named `plot`, which import it when they are called.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from mixfolio import metrics
from mixfolio._inputs import checked, read_array
from mixfolio.errors import DataError
from mixfolio.estimators import ESTIMATORS

__all__ = [
    "BLACK",
    "BLUE",
    "CYCLE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "colour",
    "drawdowns",
    "frontier",
    "heatmap",
    "label_line",
    "look",
    "paired_boxes",
    "percent_axis",
    "stacked_weights",
    "use_book_style",
    "wealth",
    "weights_over_time",
]

# Okabe and Ito's palette, safe for colour-blind readers.
BLACK, GREY = "#222222", "#767676"
BLUE, GREEN, ORANGE = "#0072B2", "#009E73", "#D55E00"
PURPLE, SKY, AMBER = "#AA4499", "#3A9BD9", "#B8860B"
CYCLE = [BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, GREY, BLACK]

METHODS: Mapping[str, str] = {
    "truth": BLACK,
    "equal weight": GREY,
    "1/N": GREY,
    "minimum variance": BLUE,
    "maximum Sharpe": GREEN,
    "mean-variance": ORANGE,
    "Bayes-Stein": AMBER,
    "risk parity": PURPLE,
    "maximum diversification": AMBER,
}
"""Colours of what is no covariance estimator; those of estimators are in the registry."""


@checked
def colour(method: str) -> str:
    """The colour of a method, the same in every chapter.

    Parameters
    ----------
    method : str
        A key of :data:`mixfolio.estimators.ESTIMATORS`, or a portfolio, as "risk parity".

    Returns
    -------
    str
        A hexadecimal RGB colour.

    Raises
    ------
    DataError
        If the method has no colour.

    Examples
    --------
    >>> from mixfolio import plotting
    >>> plotting.colour("mixed model")
    '#3A9BD9'
    """
    known = {**METHODS} | {name: each.colour for name, each in ESTIMATORS.items()}
    if method not in known:
        raise DataError(f"method is {method!r}; those with a colour are {list(known)}.")
    return known[method]


@checked
def look(method: str) -> dict[str, str]:
    """Colour and marker of a method, for Matplotlib's functions that draw lines with points.

    Parameters
    ----------
    method : str
        As in :func:`colour`.

    Returns
    -------
    dict
        With the keys "color" and "marker".

    Raises
    ------
    DataError
        If the method has no colour.

    Examples
    --------
    >>> from mixfolio import plotting
    >>> plotting.look("LW identity")
    {'color': '#0072B2', 'marker': 'o'}
    """
    marker = ESTIMATORS[method].marker if method in ESTIMATORS else "o"
    return {"color": colour(method), "marker": marker}


def use_book_style() -> None:
    """Set the style of figures and the precision of tables for the running notebook.

    Figures are SVG with a fixed hash salt and no date, so that equal figures are equal files.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> plotting.use_book_style()
    >>> mpl.rcParams["figure.figsize"], pd.get_option("display.precision")
    ([7.2, 4.0], 4)
    >>> mpl.rcdefaults()  # back to the defaults
    >>> pd.reset_option("display.precision|display.width|display.max_columns")
    """
    mpl.rcParams.update(
        {
            "figure.figsize": (7.2, 4.0),
            "figure.constrained_layout.use": True,
            "savefig.transparent": True,
            "savefig.dpi": 150,
            "svg.hashsalt": "mixfolio",
            "font.size": 11,
            "axes.prop_cycle": cycler(color=CYCLE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.color": "#DDDDDD",
            "grid.linewidth": 0.6,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "lines.linewidth": 1.8,
            "legend.frameon": False,
        }
    )
    pd.set_option("display.precision", 4, "display.width", 110, "display.max_columns", 30)
    _use_svg()


def _use_svg() -> None:
    """Show figures as SVG, where a notebook runs."""
    try:
        from IPython.core.getipython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats(  # type: ignore[no-untyped-call]
            "svg", metadata={"Date": None}, bbox_inches="tight"
        )


@checked
def label_line(ax: Axes, x: float | date, y: float, text: str, **options: Any) -> None:
    """Write a label beside a line or a point instead of in a legend.

    Parameters
    ----------
    ax : Axes
    x, y : float, or a date where the axis has dates
        Data coordinates of the end of the line.
    text : str
    **options
        Passed on to :meth:`matplotlib.axes.Axes.annotate`; `color` most of all.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixfolio import plotting
    >>> fig, ax = plt.subplots()
    >>> plotting.label_line(ax, 0.2, 0.08, "1/N", color=plotting.colour("1/N"))
    >>> [(text.get_text(), text.xy) for text in ax.texts]
    [('1/N', (0.2, 0.08))]
    >>> plt.close(fig)
    """
    settings: dict[str, Any] = {"xytext": (5, 0), "va": "center", "fontsize": 10} | options
    ax.annotate(text, (x, y), textcoords="offset points", **settings)


@checked
def percent_axis(ax: Axes, which: str = "both", decimals: int = 0) -> None:
    """Show decimals as per cent on the x axis, the y axis, or both.

    Parameters
    ----------
    ax : Axes
    which : {"both", "x", "y"}
    decimals : int
        Digits after the decimal point.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixfolio import plotting
    >>> fig, ax = plt.subplots()
    >>> plotting.percent_axis(ax, "y", decimals=1)
    >>> ax.yaxis.get_major_formatter()(0.125)
    '12.5%'
    >>> plt.close(fig)
    """
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        if which in (name, "both"):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


@checked
def paired_boxes(results: pd.DataFrame, names: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Boxplots in pairs, in sample and out of sample, one pair per portfolio.

    Parameters
    ----------
    results : DataFrame of shape (n_replications, n_measures)
        With columns ``"<name> in"`` and ``"<name> out"``.
    names : sequence of str
        Portfolios, from left to right.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> runs = pd.DataFrame({"1/N in": [0.5, 0.6], "1/N out": [0.4, 0.6]})
    >>> ax = plotting.paired_boxes(runs, ["1/N"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['1/N']
    >>> plt.close(ax.figure)
    """
    ax = plt.subplots()[1] if ax is None else ax
    columns = [f"{name} {when}" for name in names for when in ("in", "out")]
    places = [3 * j + k for j in range(len(names)) for k in (0, 1)]
    unknown = [column for column in columns if column not in results]
    if unknown or not columns:
        raise DataError(f"results has no column {unknown[:3]}; name portfolios that it has.")
    boxes = ax.boxplot(
        read_array(results[columns], "results"), positions=places, widths=0.7, patch_artist=True
    )
    for box, column in zip(boxes["boxes"], columns, strict=True):
        box.set_facecolor(SKY if column.endswith(" in") else AMBER)
    labels = [name.replace(", ", ",\n") for name in names]
    ax.set_xticks([3 * j + 0.5 for j in range(len(names))], labels)
    ax.set_ylabel("information ratio a year (blue in, amber out)")
    return ax


@checked
def heatmap(
    matrix: pd.DataFrame,
    *,
    order: Sequence[Any] | pd.Index | None = None,
    limit: float | None = None,
    ax: Axes | None = None,
) -> AxesImage:
    """A square of colours for a symmetric matrix, the first asset at the top left.

    White is zero. A matrix with negative entries gets two colours, blue above zero and red below;
    one without gets blue alone.

    Parameters
    ----------
    matrix : DataFrame of shape (n_assets, n_assets)
        A kernel, a correlation or a covariance.
    order : sequence of names, optional
        Assets from top to bottom, such as
        :func:`mixfolio.relationship.cluster_order` gives; that of the matrix by default.
    limit : float, optional
        Value of the darkest blue; the largest absolute entry by default.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    AxesImage
        Give it to ``ax.figure.colorbar`` for a scale.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> correlation = pd.DataFrame([[1.0, 0.3], [0.3, 1.0]], ["SPY", "TLT"], ["SPY", "TLT"])
    >>> image = plotting.heatmap(correlation, order=["TLT", "SPY"])
    >>> [label.get_text() for label in image.axes.get_yticklabels()]
    ['TLT', 'SPY']
    >>> plt.close(image.axes.figure)
    """
    ax = plt.subplots()[1] if ax is None else ax
    names = matrix.index if order is None else pd.Index(order)
    if not all(isinstance(name, Hashable) for name in names):
        raise DataError("order must hold names of rows of matrix, one each.")
    lost = [name for name in names if name not in matrix.index or name not in matrix.columns]
    if lost or len(names) == 0 or names.hasnans:
        raise DataError(
            f"matrix has no row and column for {lost[:3] or 'any name'}. Give rows, columns and "
            "order the same names."
        )
    values = read_array(matrix.loc[names, names], "matrix")
    limit = float(np.abs(values).max()) if limit is None else limit
    signed = bool((values < -1e-12).any())
    colours = "RdBu" if signed else "Blues"
    image = ax.imshow(values, vmin=-limit if signed else 0.0, vmax=limit, cmap=colours)
    places = np.arange(len(names))
    ax.set_xticks(places, names, rotation=90, fontsize=8)
    ax.set_yticks(places, names, fontsize=8)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    return image


@checked
def stacked_weights(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Horizontal bars of shares that add up, one bar per row, the first row on top.

    Parameters
    ----------
    table : DataFrame of shape (n_portfolios, n_assets)
        Nonnegative shares: weights or risk contributions.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> shares = pd.DataFrame({"SPY": [0.6], "TLT": [0.4]}, ["60/40"])
    >>> ax = plotting.stacked_weights(shares)
    >>> [text.get_text() for text in ax.texts]
    ['60%', '40%']
    >>> plt.close(ax.figure)
    """
    shares_of = pd.DataFrame(read_array(table, "table"), table.index, table.columns)
    ax = plt.subplots()[1] if ax is None else ax
    left, heights = np.zeros(len(table)), -np.arange(len(table))
    for asset, shade in zip(table.columns, cycle(CYCLE), strict=False):
        widths = shares_of[asset].to_numpy()
        bars = ax.barh(heights, widths, left=left, color=shade, height=0.7, label=asset)
        shares = [f"{width:.0%}" if width > 0.06 else "" for width in widths]
        ax.bar_label(bars, shares, label_type="center", color="white")
        left = left + widths
    ax.set_yticks(heights, table.index)
    ax.legend(ncols=len(table.columns), loc="lower left", bbox_to_anchor=(0, 1), handlelength=1)
    ax.grid(visible=False)
    ax.set_xlim(0, 1)
    percent_axis(ax, "x")
    return ax


@checked
def wealth(returns: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What one unit has become, on a logarithmic axis: equal slopes are equal rates of growth.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Decimal simple returns, as :class:`mixfolio.backtest.BacktestResult` has them.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        As :func:`mixfolio.metrics.wealth`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> dates = pd.to_datetime(["2024-01-31", "2024-02-29"])
    >>> ax = plotting.wealth(pd.DataFrame({"1/N": [0.10, -0.05]}, dates))
    >>> ax.lines[0].get_ydata().round(3).tolist(), ax.lines[0].get_color()
    ([1.1, 1.045], '#767676')
    >>> plt.close(ax.figure)
    """
    ax = _lines(metrics.wealth(returns), ax)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.set_ylabel("wealth from one unit")
    return ax


@checked
def drawdowns(returns: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Loss from the highest wealth so far, strategy by strategy.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_strategies)
        Decimal simple returns, as :class:`mixfolio.backtest.BacktestResult` has them.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        As :func:`mixfolio.metrics.drawdown`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> dates = pd.to_datetime(["2024-01-31", "2024-02-29"])
    >>> ax = plotting.drawdowns(pd.DataFrame({"1/N": [0.10, -0.05]}, dates))
    >>> ax.lines[0].get_ydata().round(3).tolist()
    [0.0, -0.05]
    >>> plt.close(ax.figure)
    """
    ax = _lines(metrics.drawdown(returns), ax)
    percent_axis(ax, "y")
    ax.set_ylabel("loss from the highest wealth")
    return ax


@checked
def weights_over_time(weights: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Weights as bands that add up, period by period; short positions lie below zero.

    Parameters
    ----------
    weights : DataFrame of shape (n_periods, n_assets)
        Of one strategy, as in :attr:`mixfolio.backtest.BacktestResult.weights`.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from mixfolio import plotting
    >>> dates = pd.to_datetime(["2024-01-31", "2024-02-29"])
    >>> ax = plotting.weights_over_time(pd.DataFrame({"SPY": [0.6, 0.7], "TLT": 0.4}, dates))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]  # from the top band down
    ['TLT', 'SPY']
    >>> plt.close(ax.figure)
    """
    ax = plt.subplots()[1] if ax is None else ax
    if weights.empty:
        raise DataError(f"weights has shape {weights.shape}; nothing is there to be drawn.")
    places, values = _places(weights.index), read_array(weights, "weights").T
    shades = [shade for shade, _ in zip(cycle(CYCLE), weights.columns, strict=False)]
    names = [str(name) for name in weights.columns]
    ax.stackplot(places, np.maximum(values, 0.0), colors=shades, labels=names)
    if (values < 0).any():
        ax.stackplot(places, np.minimum(values, 0.0), colors=shades)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=1, reverse=True)
    ax.margins(x=0)
    percent_axis(ax, "y")
    ax.set_ylabel("weight")
    return ax


@checked
def frontier(
    volatility: Sequence[float] | np.ndarray[Any, Any],
    mean: Sequence[float] | np.ndarray[Any, Any],
    *,
    ax: Axes | None = None,
) -> Axes:
    """The line of portfolios of least variance, mean against volatility.

    Parameters
    ----------
    volatility, mean : array of shape (n_points,)
        Of the portfolios, per period, such as
        :func:`mixfolio.optimization.efficient_frontier` gives.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> ax = optimization.efficient_frontier(mean, covariance, n_points=3).plot()
    >>> ax.get_xlabel(), ax.lines[0].get_ydata().round(3).tolist()
    ('volatility', [0.032, 0.056, 0.08])
    >>> plt.close(ax.figure)
    """
    ax = plt.subplots()[1] if ax is None else ax
    across, up = read_array(volatility, "volatility"), read_array(mean, "mean")
    if across.shape != up.shape:
        raise DataError(f"volatility has shape {across.shape} and mean {up.shape}. Give pairs.")
    ax.plot(across, up, color=METHODS["mean-variance"])
    percent_axis(ax, decimals=1)
    ax.set_xlabel("volatility")
    ax.set_ylabel("expected return")
    return ax


def _lines(table: pd.DataFrame, ax: Axes | None) -> Axes:
    """One line per column, in the colour of the method where it has one."""
    ax = plt.subplots()[1] if ax is None else ax
    places, shades = _places(table.index), _shades(table.columns)
    for name, shade in shades.items():
        ax.plot(places, table[name].to_numpy(), color=shade, label=str(name))
    ax.legend(loc="best")
    return ax


def _shades(names: Iterable[Any]) -> dict[Any, str]:
    """The colours of methods; what has none takes those that are left, in turn."""
    names = list(names)
    known = {name: METHODS.get(name) for name in names}
    known |= {name: ESTIMATORS[name].colour for name in names if name in ESTIMATORS}
    free = cycle([shade for shade in CYCLE if shade not in known.values()] or CYCLE)
    return {name: shade or next(free) for name, shade in known.items()}


def _places(index: pd.Index) -> Any:
    """What Matplotlib draws along: dates, or what stands in the index."""
    return index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
