"""Reference outputs: what every chapter must print, kept as text in git, and how it differs."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from tools.build import notebook
from tools.build.project import Project, UserError, write_atomically

EMPTY = nbformat.from_dict({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
ADDRESS = re.compile(r"(?:<[^<>\n]*)? at 0x[0-9a-fA-F]+")


class ReferenceMismatch(UserError):
    """An executed chapter and its reference differ."""


@dataclass(frozen=True)
class Difference:
    """One cell whose text outputs are not those of the reference."""

    cell: str
    expected: str
    got: str

    def __str__(self) -> str:
        return "\n".join(
            [
                f"cell     {self.cell}",
                "expected",
                notebook.quoted(self.expected or "(nothing)"),
                "got",
                notebook.quoted(self.got or "(nothing)"),
            ]
        )


def reference_of(executed: NotebookNode) -> NotebookNode:
    """The part of an executed chapter that is validated: code and text outputs.

    Cells carry no ids, and all the same execution count (nbval wants one), so that
    a new cell changes nothing but its own lines.
    """
    cells = []
    for cell in notebook.code_cells(executed):
        outputs = notebook.text_outputs(cell)
        for output in outputs:
            if output.output_type == "execute_result":
                output["execution_count"] = 1
        cells.append(
            nbformat.from_dict(
                {
                    "cell_type": "code",
                    "execution_count": 1,
                    "metadata": {},
                    "outputs": outputs,
                    "source": cell.source,
                }
            )
        )
    metadata = {"kernelspec": dict(notebook.KERNELSPEC)}
    return nbformat.from_dict(
        {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    )


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


def _cell_text(nb: NotebookNode, position: int | None) -> tuple[str, str]:
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
        parts = zip(("source", "output"), _cell_text(old, then), _cell_text(new, now), strict=True)
        changes = [
            f"  {name}\n{changed_lines(*texts)}" for name, *texts in parts if texts[0] != texts[1]
        ]
        if changes:
            blocks.append("\n".join([_label(then, now), *changes]))
    return "\n".join(blocks)


def _hint(chapter: str) -> str:
    return f"run make accept CHAPTER={chapter.split('-', 1)[0]}"


def read_reference(project: Project, chapter: str) -> NotebookNode:
    path = project.reference(chapter)
    if not path.exists():
        raise ReferenceMismatch(f"error    there is no reference for {chapter}; {_hint(chapter)}")
    return notebook.read_notebook(path)


def require_current(project: Project, chapter: str) -> None:
    """Fail unless the reference was recorded from the chapter's present code."""
    source = notebook.read_chapter(project.source(chapter))
    reference = read_reference(project, chapter)
    current, recorded = notebook.code_cells(source), notebook.code_cells(reference)
    for then, now in pairs(reference, source):
        old = recorded[then].source if then is not None else ""
        new = current[now].source if now is not None else ""
        if old != new:
            name = current[now]["id"] if now is not None else f"{(then or 0) + 1}, which is gone"
            raise ReferenceMismatch(
                f"error    reference is stale: cell {name}; {_hint(chapter)} or undo the edit\n"
                f"changed\n{changed_lines(old, new)}"
            )


def differences(reference: NotebookNode, executed: NotebookNode) -> list[Difference]:
    """Cells of an executed chapter whose text differs from the reference."""
    actual = reference_of(executed)
    cells = notebook.code_cells(executed)
    found = []
    for expected, got, cell in zip(reference.cells, actual.cells, cells, strict=True):
        if expected.outputs != got.outputs:
            found.append(
                Difference(
                    notebook.cell_label(executed, cell),
                    notebook.readable(expected.outputs),
                    notebook.readable(got.outputs),
                )
            )
    return found


def require_reproducible(executed: NotebookNode) -> None:
    """Fail if an output shows a memory address, which is another one in every run."""
    for cell in notebook.code_cells(executed):
        found = ADDRESS.search(notebook.readable(notebook.text_outputs(cell)))
        if found:
            raise ReferenceMismatch(
                f"cell     {notebook.cell_label(executed, cell)}\n"
                f"error    the output cannot be reproduced, it shows a memory address: {found[0]}\n"
                "remedy   assign the last expression to _ (write _ = ...), or print what matters"
            )


def require_tables_in_text(executed: NotebookNode) -> None:
    """Fail if a table shows readers a number that its text, which is validated, leaves out."""
    for cell in notebook.code_cells(executed):
        for data in (output.data for output in cell.outputs if "data" in output):
            hidden = notebook.table_words(data.get("text/html", ""))
            hidden.subtract(Counter(data.get("text/plain", "").split()))
            missing = sorted(word for word, count in hidden.items() if count > 0)
            if missing:
                raise ReferenceMismatch(
                    f"cell     {notebook.cell_label(executed, cell)}\n"
                    "error    the table shows what its text leaves out, so nothing validates it: "
                    f"{', '.join(missing[:8])}; show a smaller table"
                )


def require_equal(project: Project, chapter: str) -> None:
    """Fail unless the executed chapter, which the site shows, prints what the reference says."""
    executed = notebook.read_notebook(project.executed(chapter))
    require_reproducible(executed)
    require_tables_in_text(executed)
    found = differences(read_reference(project, chapter), executed)
    if found:
        text = "\n".join(map(str, found))
        raise ReferenceMismatch(f"{text}\nif the new output is right, {_hint(chapter)}")


def proposed(project: Project, chapter: str) -> NotebookNode | None:
    """The reference that the executed chapter would have; None if it has that one already."""
    executed = notebook.read_notebook(project.executed(chapter))
    require_reproducible(executed)
    new, target = reference_of(executed), project.reference(chapter)
    same = target.exists() and notebook.dumps(new) == target.read_text(encoding="utf-8")
    return None if same else new


def write(project: Project, chapter: str, new: NotebookNode) -> str:
    """Write a chapter's reference; returns what changed, for people to read."""
    target = project.reference(chapter)
    old = notebook.read_notebook(target) if target.exists() else EMPTY
    write_atomically(target, notebook.dumps(new))
    return describe(old, new) or "only the form of the file changed"
