"""Chapters as notebooks: reading sources, stable cell ids, the text of outputs."""

from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from bs4 import BeautifulSoup
from nbformat import NotebookNode

from tools.build.project import UserError

# What validation leaves out: pictures and the HTML twin of a text output.
PHONE = "application/vnd.mixfolio.phone+svg"  # a figure drawn once more, for narrow pages
SKIPPED_MIME = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf", "text/html", PHONE)
GLUE = "application/papermill.record/"
SKIPPED = SKIPPED_MIME + tuple(GLUE + mime for mime in SKIPPED_MIME)

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def read_chapter(path: Path) -> NotebookNode:
    """Read a chapter's source; cells get the ids ``<chapter>-000``, ``-001`` and so on."""
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem}-{number:03d}"
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook that a step has made; an unreadable one is named."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise UserError(f"{path} is not there yet; run make book, which makes it.") from None
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        what = str(error).splitlines()[0]
        raise UserError(
            f"{path} is no notebook ({what:.80}). Delete it if it is in build, else restore it."
        ) from None


def dumps(notebook: NotebookNode) -> str:
    """The notebook as text: sorted keys, one-space indent, a final newline."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_label(notebook: NotebookNode, cell: NotebookNode) -> str:
    """A cell's id, and its number among the code cells."""
    return f"{cell['id']} (code cell {code_cells(notebook).index(cell) + 1})"


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def strip_run_metadata(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs from one execution to the next: times, paths, versions, pieces of text."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs with the pieces of a stream, however a busy machine cut it, put together."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            _append_stream(joined, output)
        else:
            joined.append(output)
    return joined


def _text_data(data: dict[str, Any]) -> dict[str, Any]:
    return {mime: value for mime, value in data.items() if mime not in SKIPPED}


def _append_stream(outputs: list[NotebookNode], output: NotebookNode) -> None:
    """Streams arrive in pieces of any size: pieces of one stream become one output."""
    last = outputs[-1] if outputs else None
    if last is not None and last.output_type == "stream" and last.name == output.name:
        last.text += output.text
    else:
        outputs.append(nbformat.from_dict(dict(output)))


def text_outputs(cell: NotebookNode) -> list[NotebookNode]:
    """Outputs of a code cell without pictures, HTML and metadata."""
    outputs: list[NotebookNode] = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            _append_stream(outputs, output)
        elif output.output_type in ("display_data", "execute_result"):
            kept = {key: value for key, value in output.items() if key != "data"}
            data = _text_data(output.data)
            outputs.append(nbformat.from_dict({**kept, "metadata": {}, "data": data}))
        else:
            outputs.append(nbformat.from_dict(dict(output)))
    return outputs


def table_words(html: str) -> Counter[str]:
    """The words and numbers in the cells of an HTML table, with how often each occurs."""
    cells = BeautifulSoup(html, "html.parser").select("th, td")
    return Counter(word for cell in cells for word in cell.get_text().split())


def quoted(text: str) -> str:
    """The text as an indented block."""
    return "\n".join(f"    | {line}" for line in text.splitlines())


def readable(outputs: list[NotebookNode]) -> str:
    """Outputs as plain lines, for messages and comparisons."""
    parts = []
    for output in outputs:
        if output.output_type == "stream":
            label = "" if output.name == "stdout" else f"[{output.name}]\n"
            parts.append(label + output.text.rstrip("\n"))
        elif output.output_type == "error":
            parts.append(f"[error] {output.ename}: {output.evalue}")
        else:
            parts.extend(_readable_data(output.data))
    return "\n".join(parts)


def _readable_data(data: dict[str, Any]) -> list[str]:
    """Each kind of text of one output; plain text goes without a label."""
    lines = []
    for mime in sorted(data):
        label = "" if mime == "text/plain" else f"[{mime}] "
        lines.append(f"{label}{data[mime]}")
    return lines
