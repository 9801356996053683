"""The colophon: versions that made the book, and what was checked in every chapter."""

import json
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from math import sqrt

from nbformat import NotebookNode

from tools.build import notebook, portable
from tools.build.project import Project

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "matplotlib",
    "quadprog",
    "ipykernel",
    "papermill",
    "nbval",
    "jupyter-book",
    "sphinx",
)


@dataclass(frozen=True)
class Counts:
    """What one chapter consists of."""

    prose: int
    code: int
    figures: int
    validated: int


def _has_figure(cell: NotebookNode) -> bool:
    return any(
        mime.startswith("image/") for output in cell.outputs for mime in output.get("data", {})
    )


def counts(nb: NotebookNode) -> Counts:
    code = notebook.code_cells(nb)
    return Counts(
        prose=len(nb.cells) - len(code),
        code=len(code),
        figures=sum(_has_figure(cell) for cell in code),
        validated=sum(len(notebook.text_outputs(cell)) for cell in code),
    )


def _versions() -> list[str]:
    lines = ["| package | version |", "|---|---|", f"| Python | {platform.python_version()} |"]
    return [*lines, *(f"| {name} | {version(name)} |" for name in PACKAGES)]


def _status(project: Project) -> list[str]:
    lines = [
        "| chapter | prose cells | code cells | figures | validated outputs |",
        "|---|--:|--:|--:|--:|",
    ]
    for chapter in project.chapters():
        row = counts(notebook.read_notebook(project.executed(chapter)))
        lines.append(
            f"| [](chapters/{chapter}) | {row.prose} | {row.code} | {row.figures} | "
            f"{row.validated} |"
        )
    return lines


def _machines(project: Project) -> list[str]:
    """For each setting, the chapters whose present reference was confirmed under it."""
    confirmed = portable.confirmed(project)
    numbers: dict[str, list[str]] = {}
    for chapter in project.chapters():
        for name in {part for joined in confirmed.get(chapter, []) for part in joined.split("+")}:
            numbers.setdefault(name, []).append(chapter.split("-", 1)[0])
    lines = ["| setting | meaning | chapters |", "|---|---|---|"]
    for name, setting in portable.SETTINGS.items():
        found = numbers.get(name, [])
        text = "all" if len(found) == len(project.chapters()) else ", ".join(found) or "none"
        lines.append(f"| {name} | {setting.meaning} | {text} |")
    return lines


INTRODUCTION = """\
# Colophon

Every chapter of this book is a program. When the site is built, each chapter runs in a fresh
kernel, without a network, and its outputs are compared, digit by digit, with those that are kept
with the sources. A second run must give the same again. If one digit differs, there is no new site.

## What was checked

A validated output is a printed result, a table or a computed number in the text. Figures are
drawn from the same numbers; their pictures are not compared.
"""

MACHINES = """
## On which machines

The last digits of a computation depend on the processor, since the linear-algebra library chooses
its code by it. The outputs printed here were confirmed, to the last printed digit, under these
settings; `make portable` repeats all of them.
"""

MUTANTS = """
## Do the tests see?

A test that passes says little if it also passes on wrong code. So {sampled} small errors were
planted in the numerical core, one at a time, drawn at random from all that are possible: another
comparison, operator, constant, sign or axis, a statement left out. The tests noticed {killed}. Of
the others {equal} change no result, as judged by hand, which leaves {share:.0%} noticed (standard
error {error:.1%}). Recorded on {date}; `make mutants SEED={seed}` repeats it, and
`tests/mutants.json` lists every survivor, with the reason where it changes nothing.

| room | planted | noticed | without effect | missed |
|---|--:|--:|--:|--:|
"""

VERSIONS = """
## Versions

The exact versions, with their checksums, are in `requirements.lock`.
"""


def mutants(project: Project) -> str:
    """What became of planted errors, room by room; nothing where none were planted."""
    path = project.root / "tests" / "mutants.json"
    if not path.is_file():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    equal = Counter(
        entry["file"].split("/")[2].removesuffix(".py")
        for entry in found["survivors"]
        if entry["equivalent"]
    )
    rows, total = [], Counter[str](equal=equal.total())
    for room, counts in found["rooms"].items():
        sampled, killed = counts["sampled"], counts["killed"]
        total.update(counts)
        missed = sampled - killed - equal[room]
        rows.append(f"| `{room}` | {sampled} | {killed} | {equal[room]} | {missed} |\n")
    n = total["sampled"] - total["equal"]
    share = total["killed"] / n
    told = {"share": share, "error": sqrt(share * (1 - share) / n)}
    told |= {"date": found["date"], "seed": found["seed"]}
    return MUTANTS.format(**total, **told) + "".join(rows)


def page(project: Project) -> str:
    """The page as MyST Markdown; the same for the same inputs."""
    checked = [*_status(project), mutants(project), MACHINES, *_machines(project)]
    parts = [INTRODUCTION, *checked, VERSIONS, *_versions()]
    return "\n".join(parts) + "\n"
