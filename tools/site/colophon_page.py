"""The colophon: versions that made the book, and what was checked in every chapter."""

import json
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from math import sqrt

from nbformat import NotebookNode

from tools.build import notebook, portable, sources
from tools.build.project import Project, sha256
from tools.site.metadata import Book

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

    figures: int
    validated: int


def _has_figure(cell: NotebookNode) -> bool:
    return any(
        mime.startswith("image/") for output in cell.outputs for mime in output.get("data", {})
    )


def counts(nb: NotebookNode) -> Counts:
    code = notebook.code_cells(nb)
    return Counts(
        figures=sum(_has_figure(cell) for cell in code),
        validated=sum(len(notebook.text_outputs(cell)) for cell in code),
    )


def _versions() -> list[str]:
    lines = ["| package | version |", "|---|---|", f"| Python | {platform.python_version()} |"]
    return [*lines, *(f"| {name} | {version(name)} |" for name in PACKAGES)]


def _status(project: Project) -> list[str]:
    lines = [
        "| chapter | figures | outputs | run time | reference |",
        "|---|--:|--:|--:|---|",
    ]
    for chapter in project.chapters():
        row = counts(notebook.read_notebook(project.executed(chapter)))
        took = project.seconds(chapter)
        seconds = f"{took.read_text(encoding='utf-8').strip()}&nbsp;s" if took.is_file() else "–"
        lines.append(
            f"| {chapter[:2].lstrip('0')}. [](chapters/{chapter}) | {row.figures} | "
            f"{row.validated} | {seconds} | `{sha256(project.reference(chapter))[:10]}` |"
        )
    return lines


def _data(project: Project) -> str:
    """How many data sets there are, and from when to when they run."""
    descriptor = project.data_dir / "datapackage.json"
    if not descriptor.is_file():
        return ""
    sets = json.loads(descriptor.read_text(encoding="utf-8"))["resources"]
    last = sorted(entry["last"] for entry in sets)
    return (
        f"{len(sets)} sets of returns, prices and rates. The oldest record begins on "
        f"{min(entry['first'] for entry in sets)}; the sets end between {last[0]} and {last[-1]}"
    )


def _edition(project: Project) -> list[str]:
    """Version, commit, data and time of this site, as far as they are known."""
    book = Book.of(project)
    files = [project.seconds(chapter) for chapter in project.chapters()]
    whole = all(path.is_file() for path in files)
    took = sum(int(path.read_text(encoding="utf-8")) for path in files) if whole else 0
    facts = {
        "Version": f"{book.version} of {book.released}" if book.version else "",
        "Commit of the sources": sources.commit(project),
        "Data": _data(project),
        "All chapters": f"{took / 60:.0f} min, one after the other" if took >= 60 else "",
    }
    known = [f"| {name} | {fact} |" for name, fact in facts.items() if fact]
    return ["", "| This site | |", "|---|---|", *known] if known else []


def _machines(project: Project) -> list[str]:
    """For each setting, the chapters whose present reference was confirmed under it."""
    confirmed = portable.confirmed(project)
    numbers: dict[str, list[str]] = {}
    for chapter in project.chapters():
        for name in {part for joined in confirmed.get(chapter, []) for part in joined.split("+")}:
            numbers.setdefault(name, []).append(chapter.split("-", 1)[0])
    lines = ["| setting | chapters |", "|---|---|"]
    for name, setting in portable.SETTINGS.items():
        if found := numbers.get(name, []):
            text = "all" if len(found) == len(project.chapters()) else ", ".join(found)
            lines.append(f"| {setting.meaning} | {text} |")
    rest = [s.meaning for name, s in portable.SETTINGS.items() if name not in numbers]
    return (
        [*lines, "", f"Not tried yet on the present outputs: {'; '.join(rest)}."] if rest else lines
    )


INTRODUCTION = """\
# Colophon

Every chapter of this book is a program. When the site is built, each chapter runs in a fresh
kernel, without a network, and its outputs are compared, digit by digit, with those that are kept
with the sources. A second run must give the same again. If one digit differs, there is no new site.
"""

CHECKED = """
## What was checked

An output is a printed result, a table or a computed number in the text; all of them were compared.
Figures are drawn from the same numbers; their pictures are not compared. The run time is that of
this build, on its machine, while another chapter may have run beside it. The reference is the
beginning of the SHA-256 sum of the chapter's file in `tests/reference/`.
"""

MACHINES = """
## On which machines

The last digits of a computation depend on the processor, since the linear-algebra library, here
OpenBLAS, chooses its code by it. The outputs printed here were made on one machine, and confirmed
to the last printed digit under the settings of the table, which make it behave like another one.
`make portable` repeats them, and tries others by name.
"""

MUTANTS = """
## Do the tests see?

A test that passes says little if it also passes on wrong code. So {sampled} small errors were
planted in the numerical core, one at a time, drawn at random from all that are possible: another
comparison, operator, constant, sign or axis, a statement left out. The tests noticed {killed}. Of
the others {equal} change no result, as judged by hand, which leaves {share:.0%} noticed (standard
error {error:.1%}). Recorded on {date}; `make mutants SEED={seed}` repeats it, and
`tests/mutants.json` lists every survivor, with the reason where it changes nothing.

| part | planted | noticed | no effect | missed |
|---|--:|--:|--:|--:|
"""

VERSIONS = """
## Versions

These made the site. All of them, with their checksums, are in `requirements.lock`.
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
    checked = [CHECKED, *_status(project), MACHINES, *_machines(project), mutants(project)]
    parts = [INTRODUCTION, *_edition(project), *checked, VERSIONS, *_versions()]
    return "\n".join(parts) + "\n"
