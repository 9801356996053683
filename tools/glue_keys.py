"""Numbers that the text of a chapter takes from its code: every key has to be there.

The text says ``{glue:text}`key```, the code says ``glue("key", value)``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from tools import notebook
from tools.project import UserError

USE = re.compile(r"\{glue(?::(?P<kind>\w*))?\}(?:`(?P<role>[^`]+)`|[ \t]+(?P<directive>\S+))")


def glued(nb: NotebookNode) -> set[str]:
    """Keys that the executed cells have stored."""
    outputs = [output for cell in notebook.code_cells(nb) for output in cell.get("outputs", [])]
    names = [output.get("metadata", {}).get("scrapbook", {}).get("name") for output in outputs]
    return {name for name in names if name}


def _key(use: re.Match[str]) -> str:
    """The key without the format that may follow it: ``key:.2f``."""
    name = use["role"] or use["directive"]
    return name.partition(":")[0] if use["kind"] == "text" else name


def used(nb: NotebookNode, text: str) -> Iterator[tuple[int, str, str]]:
    """Line in the chapter's text, markup and key of every use in a text cell."""
    start = 0
    for cell in nb.cells:
        for use in USE.finditer(cell.source if cell.cell_type == "markdown" else ""):
            start = max(text.find(use[0], start), start)
            yield text.count("\n", 0, start) + 1, use[0], _key(use)
            start += 1


def require_known(nb: NotebookNode, source: Path) -> None:
    """Fail if the text uses keys that no cell of the executed notebook has glued."""
    known = glued(nb)
    place = f"{source.parent.name}/{source.name}"
    unknown = [
        f"{place}:{line}: {markup} has no glue({key!r}, ...)"
        for line, markup, key in used(nb, source.read_text(encoding="utf-8"))
        if key not in known
    ]
    if unknown:
        raise UserError(
            "error    the text uses numbers that no cell provides\n" + "\n".join(unknown)
        )
