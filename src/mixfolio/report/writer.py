"""A report on a reader's own prices: a page, the notebook behind it, and the weights.

The notebook ``template.md`` of this package is executed by papermill with the reader's files as
parameters. Files, choices and limits are checked before a kernel starts; nothing is estimated
outside the notebook. Everything is made in a temporary folder and moved in place at the end: an
error leaves nothing behind, and an earlier report as it was.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import mixfolio
from mixfolio import errors
from mixfolio._inputs import checked, read_count
from mixfolio.errors import MixfolioError
from mixfolio.prices import Layout, Missing
from mixfolio.report import html, pipeline
from mixfolio.report.pipeline import Inputs

__all__ = ["Report", "ReportError", "write_report"]

PathLike = str | os.PathLike[str]

NAMES = ("weights.csv", "report.ipynb", "report.html")
TEMPLATE = "template.md"
HIGHEST_LEVEL = 0.999  # that the resamples of the bootstrap can tell
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
QUIET = "c.Application.log_level = 40\nc.HistoryManager.enabled = False\n"


class ReportError(MixfolioError):
    """A report cannot be written: a package is missing, a folder closed, or a cell failed."""


@dataclass(frozen=True)
class Report:
    """Where the parts of a report are.

    Attributes
    ----------
    page, notebook, weights : Path
        ``report.html``, ``report.ipynb`` and ``weights.csv``.
    """

    page: Path
    notebook: Path
    weights: Path


@checked
def write_report(
    price_file: PathLike,
    output: PathLike = "portfolio-report",
    *,
    group_file: PathLike | None = None,
    previous_file: PathLike | None = None,
    layout: Layout = "auto",
    missing: Missing = "keep",
    exclude: Sequence[str] = (),
    benchmark: str | None = None,
    riskless: str | float | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    separator: str | None = None,
    level: float = 0.90,
    seed: int = 1,
    progress: bool = False,
    **choices: Any,
) -> Report:
    """Write a report on prices of the reader's own.

    Parameters
    ----------
    price_file, group_file, previous_file, layout, missing
        See :func:`mixfolio.report.pipeline.read_inputs`.
    exclude, benchmark, riskless, date_format, decimal, separator
        As well.
    output : path
        Folder, made if it is not there. Reports in it are replaced, other files left alone.
    level : float
        Confidence of the model confidence set of estimators and of the intervals, above 0 and at
        most 0.999.
    seed : int
        Seed of the bootstrap.
    progress : bool
        Whether to say on stderr what is being done, one line per stage.
    **choices
        As in :func:`mixfolio.report.pipeline.make_plan`: lookback, window, max_position, max_group,
        min_heritability, costs, turnover_penalty, estimator, objective, allow_short, limits_file,
        views_file, capital.

    Returns
    -------
    Report

    Raises
    ------
    ReportError
        If the extra packages are not installed, the folder cannot be written, or a cell fails.
    MixfolioError
        If the files or the choices cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from mixfolio import datasets, report
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (100 * (1 + returns).cumprod()).to_csv(f"{folder}/prices.csv")
    ...     made = report.write_report(f"{folder}/prices.csv", f"{folder}/report")
    >>> made.page.name, made.notebook.name, made.weights.name
    ('report.html', 'report.ipynb', 'weights.csv')
    """
    tools = _tools()
    reading: dict[str, Any] = {
        "layout": layout,
        "missing": missing,
        "exclude": list(exclude),
        "benchmark": benchmark,
        "riskless": riskless,
        "date_format": date_format,
        "decimal": decimal,
        "separator": separator,
    }
    inputs = pipeline.read_inputs(price_file, group_file, previous_file, **reading)
    plan = {name: _plain(value) for name, value in choices.items() if value is not None}
    pipeline.make_plan(inputs, **plan)  # refuses; the notebook makes the plan and estimates
    parameters = {
        "prices": _plain(Path(price_file)),
        "groups": "" if group_file is None else _plain(Path(group_file)),
        "previous": "" if previous_file is None else _plain(Path(previous_file)),
        "reading": {name: value for name, value in reading.items() if value is not None},
        "plan": plan,
        "level": _read_level(level),
        "seed": read_count(seed, "seed", 0),
        "today": date.today().isoformat(),
    }
    target = Path(output)
    say = _say if progress else _hush
    shape = f"{len(inputs.returns):,} {inputs.frequency.name} returns of {inputs.returns.shape[1]}"
    with _workshop(target) as folder:
        say(f"read {inputs.name}: {shape} assets")
        say("choosing the portfolio and walking through the past; this may take a minute or more")
        notebook = _execute(tools, parameters, folder)
        say(f"writing {target}")
        page = html.render(notebook, subtitle=_subtitle(inputs), footer=_footer())
        (folder / "report.html").write_text(page, encoding="utf-8")
        _move(folder, target)
    weights, executed, made = (target / name for name in NAMES)
    return Report(made, executed, weights)


def _say(stage: str) -> None:
    print(f"mixfolio: {stage}", file=sys.stderr, flush=True)


def _hush(stage: str) -> None:
    pass


def _plain(value: Any) -> Any:
    """A value that the notebook can hold: a path as text that is good in any folder."""
    return str(value.resolve()) if isinstance(value, Path) else value


def _read_level(level: float) -> float:
    if not 0 < level <= HIGHEST_LEVEL:
        raise ReportError(
            f"level is {level}; it must lie between 0 and {HIGHEST_LEVEL}, such as 0.90."
        )
    return float(level)


def _subtitle(inputs: Inputs) -> str:
    last = inputs.returns.index[-1]
    return f"{inputs.name}, with prices to {last.date()}"


def _footer() -> str:
    return (
        f"Made by mixfolio {mixfolio.__version__}. The notebook report.ipynb beside this page "
        "computes every number of it."
    )


# ------------------------------------------------------------------------------ the notebook


def _tools() -> Mapping[str, ModuleType]:
    """The packages of the extra, or an error that says how to get them."""
    try:
        import ipykernel
        import jupytext
        import markdown_it
        import nbformat
        import papermill
    except ImportError as error:
        raise ReportError(
            f"a report needs the package {error.name}, which is not installed. Run: "
            "pip install 'mixfolio[report]'"
        ) from error
    found = (ipykernel, jupytext, markdown_it, nbformat, papermill)
    return {module.__name__: module for module in found}


def _template(jupytext: Any) -> Any:
    text = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md:myst")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"report-{number:02d}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _execute(tools: Mapping[str, Any], parameters: dict[str, Any], folder: Path) -> Any:
    """The executed notebook, also written into the folder with the weights."""
    papermill = tools["papermill"]
    notebook = _template(tools["jupytext"])
    target = folder / "report.ipynb"
    with _environment(folder / "kernel"):
        try:
            done = papermill.execute_notebook(
                notebook,
                str(target).replace("{", "{{").replace("}", "}}"),  # it formats the path
                parameters,
                kernel_name="python3",
                progress_bar=False,
                cwd=str(folder),
            )
        except papermill.PapermillExecutionError as error:
            raise _unwrapped(error.ename, error.evalue) from None
        except RuntimeError as error:  # the kernel died or did not start
            raise ReportError(
                f"the notebook stopped: {error}. Is there enough memory? Try fewer assets."
            ) from error
    done.metadata.pop("papermill", None)
    for cell in done.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    target.write_text(tools["nbformat"].writes(done) + "\n", encoding="utf-8")
    return done


def _unwrapped(name: str, message: str) -> MixfolioError:
    """An error of a cell as it would have been without a notebook."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, MixfolioError):
        return kind(message)
    return ReportError(
        f"a cell of the notebook failed with {name}: {message}. That is a defect of mixfolio; "
        "please report it with these words."
    )


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Variables under which a kernel runs this Python, with no settings of the reader's own."""
    profile = folder / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(QUIET, encoding="utf-8")
    wanted = dict.fromkeys(ONE_THREAD, "1") | {
        "IPYTHONDIR": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "JUPYTER_PATH": "",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONWARNINGS": "ignore",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# ------------------------------------------------------------------------------ all or nothing


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """A temporary folder on the same disk as the target, gone at the end."""
    near = target.absolute()
    while not near.exists():
        near = near.parent
    if not near.is_dir():
        raise ReportError(f"{near} is a file. Give a folder for the report.")
    try:
        folder = tempfile.TemporaryDirectory(prefix=".mixfolio-", dir=near)
    except OSError as error:
        raise ReportError(
            f"nothing can be written into {near} ({error.strerror}). Choose another folder."
        ) from error
    with folder as name:
        yield Path(name)


def _move(folder: Path, target: Path) -> None:
    """Put the parts in place; if one cannot be, all are as before."""
    made = [path for path in (target, *target.parents) if not path.exists()]
    moved: list[str] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            if (target / name).exists():
                (target / name).replace(folder / f"old-{name}")
            moved.append(name)
            (folder / name).replace(target / name)
    except BaseException as error:
        _restore(folder, target, moved, made)
        if isinstance(error, OSError):
            raise ReportError(
                f"the report cannot be moved into {target} ({error.strerror}). Close its files, "
                "or choose another folder."
            ) from error
        raise


def _restore(folder: Path, target: Path, moved: list[str], made: list[Path]) -> None:
    for name in moved:
        with suppress(OSError):
            (target / name).unlink(missing_ok=True)
        with suppress(OSError):
            (folder / f"old-{name}").replace(target / name)
    for path in made:
        with suppress(OSError):
            path.rmdir()
