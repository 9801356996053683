"""What changed between two references, cell by cell, as text that people read."""

import difflib
from collections.abc import Iterator

from nbformat import NotebookNode

from tools import notebook


def changed_lines(old: str, new: str) -> str:
    """The lines that went (-) and came (+), without those that stayed."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
    shown = ["..." if line.startswith("@@") else f"{line[0]} {line[1:]}" for line in lines]
    return "\n".join(f"    {line}" for line in shown[1:])


def pairs(old: NotebookNode, new: NotebookNode) -> Iterator[tuple[int | None, int | None]]:
    """Positions of the code cells that belong together; None where one side has no such cell."""
    sources = [[cell.source for cell in notebook.code_cells(nb)] for nb in (old, new)]
    matcher = difflib.SequenceMatcher(None, *sources, autojunk=False)
    for _, start, stop, other_start, other_stop in matcher.get_opcodes():
        for shift in range(max(stop - start, other_stop - other_start)):
            yield (
                start + shift if start + shift < stop else None,
                other_start + shift if other_start + shift < other_stop else None,
            )


def _cell(nb: NotebookNode, position: int | None) -> tuple[str, str]:
    """Source and readable outputs of a code cell."""
    if position is None:
        return "", ""
    cell = notebook.code_cells(nb)[position]
    return cell.source, notebook.readable(cell.get("outputs", []))


def _label(then: int | None, now: int | None) -> str:
    if now is None:
        return f"code cell {(then or 0) + 1} of the old reference, which is gone"
    return f"code cell {now + 1}" + (", which is new" if then is None else "")


def describe(old: NotebookNode, new: NotebookNode) -> str:
    """Every cell whose source or outputs changed, with the lines that did."""
    blocks = []
    for then, now in pairs(old, new):
        parts = zip(("source", "output"), _cell(old, then), _cell(new, now), strict=True)
        changes = [
            f"  {name}\n{changed_lines(*texts)}" for name, *texts in parts if texts[0] != texts[1]
        ]
        if changes:
            blocks.append("\n".join([_label(then, now), *changes]))
    return "\n".join(blocks)
