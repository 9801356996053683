"""Execute chapters: ``python -m tools.execute [chapter ...]`` (all without a name).

The result appears at ``build/executed/<chapter>.ipynb`` only when every cell
succeeded, no cell wrote to standard error and every glued number of the text is
there. Until then, and after a failure,
the notebook is at ``<chapter>.partial.ipynb``.
"""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError, strip_color
from papermill.execute import ERROR_MARKER_TAG

from tools import data_reads, glue_keys, kernel, notebook
from tools.project import Project, UserError

TRACEBACK_LINES = 12


class ChapterError(UserError):
    """A chapter cannot be executed; the message says which cell, and why."""


def quoted(text: str) -> str:
    """The text as an indented block."""
    return "\n".join(f"    | {line}" for line in text.splitlines())


def cell_label(nb: NotebookNode, cell: NotebookNode) -> str:
    """A cell's id, and its number among the code cells."""
    return f"{cell['id']} (code cell {notebook.code_cells(nb).index(cell) + 1})"


def _report(nb: NotebookNode, cell: NotebookNode, error: str, details: str, kept: Path) -> str:
    return "\n".join(
        [
            f"cell     {cell_label(nb, cell)}",
            f"error    {error}",
            "source",
            quoted(cell.source),
            "details",
            quoted(details),
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
        If a cell fails, the kernel dies, a cell writes to standard error, or the text uses
        a number that no cell provides.
    """
    partial = target.with_name(f"{target.stem}.partial.ipynb")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = execute_notebook(
            nb,
            str(partial),
            parameters or {},
            kernel_name="python3",
            progress_bar=progress_bar,
            cwd=source.parent,
        )
    except PapermillExecutionError as error:
        raise ChapterError(_describe_failure(error, partial)) from None
    except DeadKernelError as error:
        raise ChapterError(f"error    the kernel died: {error}\nkept     {partial}") from None
    _refuse_warnings(done, partial)
    glue_keys.require_known(done, source)
    kernel.write_atomically(partial, notebook.dumps(notebook.strip_run_metadata(done)))
    partial.replace(target)
    return done


def execute_chapter(project: Project, chapter: str) -> None:
    """Execute one chapter with its default parameters and record the data it read."""
    log = project.reads(chapter).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    os.environ.update(kernel.environment(project, reads_log=log))
    logging.getLogger("papermill").setLevel(logging.ERROR)
    source = project.source(chapter)
    run(notebook.read_chapter(source), source, project.executed(chapter))
    data_reads.record(project, chapter, log)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapter", nargs="*", help="number or name; all when left out")
    parser.add_argument("--root", type=Path, default=Project().root)
    options = parser.parse_args(arguments)
    project = Project(options.root)
    try:
        for name in options.chapter or project.chapters():
            execute_chapter(project, project.chapter(name))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
