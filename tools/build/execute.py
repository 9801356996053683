"""Execute chapters: ``python -m tools.build.execute [chapter ...]`` (all without a name).

The result appears at ``build/executed/<chapter>.ipynb`` only when every cell
succeeded, no cell wrote to standard error and every number that the text takes
from the code is there: the text says ``{glue:text}`key```, the code says
``glue("key", value)``. Until then, and after a failure, the notebook is at
``<chapter>.partial.ipynb``.
"""

import copy
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError, strip_color
from papermill.execute import ERROR_MARKER_TAG
from zmq import ZMQError

from tools.build import exclusive, kernel, notebook, reads
from tools.build.project import CHAPTERS, Project, UserError, run_command, write_atomically

TRACEBACK_LINES = 12
GLUE = re.compile(r"\{glue(?::(?P<kind>\w*))?\}(?:`(?P<role>[^`]+)`|[ \t]+(?P<directive>\S+))")


class ChapterError(UserError):
    """A chapter cannot be executed; the message says which cell, and why."""


def _report(nb: NotebookNode, cell: NotebookNode, error: str, details: str, kept: Path) -> str:
    return "\n".join(
        [
            f"cell     {notebook.cell_label(nb, cell)}",
            f"error    {error}",
            "source",
            notebook.quoted(cell.source),
            "details",
            notebook.quoted(details),
            f"kept     {kept}",
        ]
    )


def _describe_failure(error: PapermillExecutionError, partial: Path) -> str:
    nb = notebook.read_notebook(partial)
    nb.cells = [cell for cell in nb.cells if ERROR_MARKER_TAG not in notebook.tags(cell)]
    trace = strip_color("\n".join(error.traceback)).splitlines()
    headline = f"{error.ename}: {error.evalue}"
    details = "\n".join(trace[-TRACEBACK_LINES:])
    return _report(nb, nb.cells[error.cell_index], headline, details, partial)


def _refuse_warnings(nb: NotebookNode, kept: Path) -> None:
    """A warning that a reader would see is a defect."""
    for cell in notebook.code_cells(nb):
        for output in notebook.text_outputs(cell):
            if output.output_type == "stream" and output.name == "stderr":
                error = "the cell wrote to standard error (warnings are errors)"
                raise ChapterError(_report(nb, cell, error, output.text, kept))


def _glued(nb: NotebookNode) -> set[str]:
    """Keys that the executed cells have stored."""
    outputs = [output for cell in notebook.code_cells(nb) for output in cell.get("outputs", [])]
    names = [output.get("metadata", {}).get("scrapbook", {}).get("name") for output in outputs]
    return {name for name in names if name}


def _key(use: re.Match[str]) -> str:
    """The key without the format that may follow it: ``key:.2f``."""
    name = use["role"] or use["directive"]
    return name.partition(":")[0] if use["kind"] == "text" else name


def _used(nb: NotebookNode, text: str) -> Iterator[tuple[int, str, str]]:
    """Line in the chapter's text, markup and key of every use in a text cell."""
    start = 0
    for cell in nb.cells:
        for use in GLUE.finditer(cell.source if cell.cell_type == "markdown" else ""):
            start = max(text.find(use[0], start), start)
            yield text.count("\n", 0, start) + 1, use[0], _key(use)
            start += 1


def _require_glued(nb: NotebookNode, source: Path) -> None:
    """Fail if the text uses keys that no cell of the executed notebook has glued."""
    known = _glued(nb)
    place = f"{source.parent.name}/{source.name}"
    unknown = [
        f"{place}:{line}: {markup} has no glue({key!r}, ...)"
        for line, markup, key in _used(nb, source.read_text(encoding="utf-8"))
        if key not in known
    ]
    if unknown:
        raise UserError(
            "error    the text uses numbers that no cell provides\n" + "\n".join(unknown)
        )


def _execute(nb: NotebookNode, partial: Path, **options: Any) -> NotebookNode:
    """Run papermill; again if no kernel started, since a port may have been taken just then."""
    cause: Exception | None = None
    for _ in range(kernel.STARTS):
        try:
            return execute_notebook(copy.deepcopy(nb), str(partial), **options)
        except (ZMQError, RuntimeError) as error:
            cause = error
            if not kernel.cannot_start(f"{type(error).__name__}: {error}"):
                raise
    raise kernel.KernelStartError(f"{type(cause).__name__}: {cause}")


def run(
    nb: NotebookNode,
    source: Path,
    target: Path,
    parameters: dict[str, Any] | None = None,
    *,
    progress_bar: bool = False,
) -> NotebookNode:
    """Execute the notebook read from ``source`` and put the result at ``target``.

    Raises
    ------
    UserError
        If no kernel starts, a cell fails, the kernel dies, a cell writes to standard error, or
        the text uses a number that no cell provides.
    """
    partial = target.with_name(f"{target.stem}.partial.ipynb")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = _execute(
            nb,
            partial,
            parameters=parameters or {},
            kernel_name="python3",
            progress_bar=progress_bar,
            cwd=source.parent,
        )
    except PapermillExecutionError as error:
        raise ChapterError(_describe_failure(error, partial)) from None
    except DeadKernelError as error:
        raise ChapterError(f"error    the kernel died: {error}\nkept     {partial}") from None
    _refuse_warnings(done, partial)
    _require_glued(done, source)
    write_atomically(partial, notebook.dumps(notebook.strip_run_metadata(done)))
    partial.replace(target)
    return done


def execute_chapter(project: Project, chapter: str) -> None:
    """Execute one chapter with its default parameters and record what it read."""
    log = project.reads(chapter).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    before = reads.readable(project)
    os.environ.update(kernel.environment(project, reads_log=log, phone=True))
    logging.getLogger("papermill").setLevel(logging.ERROR)
    source = project.source(chapter)
    begun = time.perf_counter()
    run(notebook.read_chapter(source), source, project.executed(chapter))
    write_atomically(project.seconds(chapter), f"{time.perf_counter() - begun:.0f}\n")
    reads.record(project, chapter, log, before)


def execute(project: Project, chapter: list[str]) -> None:
    with exclusive.build(project):
        for name in project.named(chapter):
            execute_chapter(project, name)


if __name__ == "__main__":
    sys.exit(run_command(execute, CHAPTERS))
