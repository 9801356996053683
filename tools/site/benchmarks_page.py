"""The appendix on speed: what benchmarks/results.json recorded, as tables.

The words about each benchmark are the docstring of its script. No number is typed by hand.
"""

import ast
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tools.build.project import Project, UserError

Row = Mapping[str, Any]

SPREAD = ("median", "lower quartile", "upper quartile", "rounds")
BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "at least": lambda value, limit: value >= limit,
    "at most": lambda value, limit: value <= limit,
}


class BenchmarkError(UserError):
    """benchmarks/results.json lacks something, or contradicts itself."""


def inputs(project: Project) -> list[Path]:
    """The files that the page is made of; none in a book without benchmarks."""
    folder = project.root / "benchmarks"
    return sorted([*folder.glob("results.json"), *folder.glob("*.py")])


def read(path: Path) -> dict[str, Any]:
    """The recorded results, checked; what is wrong with them is a BenchmarkError."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(f"{path.name} does not exist; run make bench") from None
    except json.JSONDecodeError as error:
        raise BenchmarkError(f"{path.name} is not JSON ({error}); run make bench") from None
    for key in ("machine", "versions", "threads", "benchmarks"):
        _part(results, key, path.name)
    for name, benchmark in results["benchmarks"].items():
        rows = _part(benchmark, "rows", f"{path.name}, {name}")
        for number, row in enumerate(rows):
            _check_row(row, f"{path.name}, {name}, row {number}")
    return results


def _part(whole: Any, key: str, where: str) -> Any:
    part = whole.get(key) if isinstance(whole, dict) else None
    if part in (None, "", [], {}):
        raise BenchmarkError(f"{where} has no {key!r}; run make bench")
    return part


def _check_row(row: Any, where: str) -> None:
    figures = ["seconds"]
    for key in ("work", "size"):
        _part(row, key, where)
    if "peer" not in row:
        raise BenchmarkError(f"{where} has no 'peer'; run make bench")
    if row["peer"] is not None:
        figures += ["peer seconds", "times as fast"]
    for figure in figures:
        for key in SPREAD:
            value = _part(_part(row, figure, where), key, f"{where}, {figure}")
            if not math.isfinite(value) or value <= 0:
                raise BenchmarkError(f"{where}, {figure} has {key} {value}; run make bench")
    for target in row.get("targets", []):
        _check_target(target, row, where)


def _check_target(target: Any, row: Row, where: str) -> None:
    value = _measured(row, _part(target, "figure", where), where)
    bounds = BOUNDS.keys() & target.keys()
    if len(bounds) != 1 or "met" not in target:
        raise BenchmarkError(f"{where} has a target without one bound and 'met'; run make bench")
    (bound,) = bounds
    if BOUNDS[bound](value, target[bound]) is not target["met"]:
        raise BenchmarkError(
            f"{where}: {target['figure']} is {value}, {bound} {target[bound]} was "
            f"wanted, but 'met' says {target['met']}; run make bench"
        )


def _measured(row: Row, figure: str, where: str = "") -> float:
    value = _part(row, figure, where)
    return value["median"] if isinstance(value, dict) else value


def number(value: float) -> str:
    """Three digits, without exponents where a reader can do without."""
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.1e}"
    value = float(f"{value:.3g}")
    decimals = 0 if value == 0 else 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(decimals, 0)}f}"


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds / 1e-6)} µs"


def _spread(figure: Mapping[str, float]) -> str:
    return (
        f"{number(figure['median'])} "
        f"({number(figure['lower quartile'])} to {number(figure['upper quartile'])})"
    )


COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "work": ("work", str),
    "size": ("size", str),
    "peer": ("peer", str),
    "seconds": ("mixfolio", lambda figure: duration(figure["median"])),
    "peer seconds": ("peer's time", lambda figure: duration(figure["median"])),
    "times as fast": ("times as fast (quartiles)", _spread),
    "extra microseconds": ("extra µs (quartiles)", _spread),
    "error": ("error, mixfolio", number),
    "peer error": ("error, peer", number),
    "difference": ("difference", number),
    "MiB": ("MiB", number),
}


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(rows: list[Row]) -> Iterator[str]:
    """One line a row, with the columns that any row fills."""
    used = [key for key in COLUMNS if any(row.get(key) is not None for row in rows)]
    yield _line([COLUMNS[key][0] for key in used])
    yield _line(["---" if key in ("work", "size", "peer") else "--:" for key in used])
    for row in rows:
        yield _line(["–" if row.get(key) is None else COLUMNS[key][1](row[key]) for key in used])


def _words(project: Project, name: str) -> tuple[str, str]:
    """Heading and text of a section, from the script."""
    script = project.root / "benchmarks" / f"{name}.py"
    if not script.exists():
        raise BenchmarkError(f"results.json has {name}, but there is no benchmarks/{name}.py")
    words = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    heading, _, text = words.partition("\n")
    if not text.strip():
        raise BenchmarkError(f"benchmarks/{name}.py has no docstring that says what it compares")
    return heading.rstrip("."), text.strip()


def _targets(benchmarks: Mapping[str, Any], met: bool) -> list[tuple[Row, Row]]:
    return [
        (row, target)
        for benchmark in benchmarks.values()
        for row in benchmark["rows"]
        for target in row.get("targets", [])
        if target["met"] is met
    ]


def _limit(target: Row, bound: str) -> str:
    if target["figure"] == "seconds":
        return f"time: {bound} {duration(target[bound])}"
    return f"{target['figure']}: {bound} {target[bound]:,g}"


def _target_lines(found: list[tuple[Row, Row]]) -> Iterator[str]:
    yield _line(["work", "size", "peer", "target", "measured"])
    yield _line(["---"] * 4 + ["--:"])
    for row, target in found:
        (bound,) = BOUNDS.keys() & target.keys()
        written = duration if target["figure"] == "seconds" else number
        measured = written(_measured(row, target["figure"]))
        yield _line([row["work"], row["size"], row["peer"] or "–", _limit(target, bound), measured])


INTRODUCTION = """\
# Benchmarks against peers

How fast is the package, and how exact, beside the libraries that many readers know? {answer}The
picture is a summary. Below it are the targets, how time was taken, and for each kind of work what
was compared, with the numbers in folded tables.
"""

ANSWER = "Of {total} comparisons it is faster in {faster}; half of the ratios are above {median}. "

METHOD = """
## How it was measured

This page was written by a program: its tables come from `benchmarks/results.json`, and each
paragraph on a comparison from the script that makes it.

Both sides of a pair get the same input and do the same work, in the same process, with one thread
for linear algebra. They take turns, round after round. The ratio of a round is the peer's time over
ours: above one, the package is faster; below one, the peer is. A table shows the median of the
times and of the ratios, with the quartiles of the ratios in brackets. Quick calls get up to
twenty-five rounds and slow ones three, or a single one where the text says so. The clock counts
processor time, so that other programs on the machine disturb it little. Every library runs as
installed, with its own settings: a peer that can be made faster or more exact by options is not
shown at its best.

An error stands beside the time wherever there is an exact answer, and otherwise the difference
between both answers. A fast wrong answer would be no result.

`make bench` measures again, in environments of its own. Times of two machines do not compare;
ratios nearly do. These are from {processor}, with {algebra} for linear algebra.
"""

FIGURE = """
```{{figure}} {name}
:class: drawn
:alt: {alt}

How many times as fast the package is as each peer, at the last size in the tables below; the lines
show the quartiles. Right of one the package is faster, left of it the peer. Pairs that lie left:
{slower} of {total}. Some peers are no libraries but single steps of the same work, which
bound what is possible.
```
"""
PICTURE = "benchmarks.svg"

ALL = "All targets that were met"
TARGETS = """
## What was aimed at

Targets were set before anything was measured. Of {total}, {met} were met and {missed} missed.
"""


LOAD = "The load is that of the whole machine just before a benchmark began; idle is zero.\n"


def pairs(benchmarks: Mapping[str, Any]) -> dict[tuple[str, str], Row]:
    """The last row, that of the largest size, of every work and peer."""
    rows = (row for benchmark in benchmarks.values() for row in benchmark["rows"])
    return {(row["work"], row["peer"]): row for row in rows if row["peer"] is not None}


def _slower(shown: Mapping[tuple[str, str], Row]) -> int:
    return sum(row["times as fast"]["median"] < 1 for row in shown.values())


def _answer(benchmarks: Mapping[str, Any]) -> str:
    """One sentence that says what the picture shows; nothing where there are no peers."""
    shown = pairs(benchmarks)
    if not shown:
        return ""
    middle = median(row["times as fast"]["median"] for row in shown.values())
    faster = len(shown) - _slower(shown)
    return ANSWER.format(total=len(shown), faster=faster, median=number(middle))


def _folded(title: str, lines: Iterable[str]) -> list[str]:
    """A table that opens at a click, which it also does on paper."""
    return [f"<details>\n<summary>{title}</summary>\n", *lines, "\n</details>\n"]


def _figure(benchmarks: Mapping[str, Any]) -> str:
    shown = pairs(benchmarks)
    slower = _slower(shown)
    works, peers = (dict.fromkeys(column) for column in zip(*shown, strict=True))
    alt = (
        f"Dots on a logarithmic scale for {len(works)} kinds of work and {len(peers)} peers. "
        f"{len(shown) - slower} of {len(shown)} dots lie right of the line at one."
    )
    return FIGURE.format(name=PICTURE, alt=alt, total=len(shown), slower=slower)


def _machine(results: Mapping[str, Any]) -> list[str]:
    lines = [_line(["what", "value"]), _line(["---"] * 2)]
    facts = results["machine"] | {"threads": results["threads"]} | results["versions"]
    lines += [_line([name, str(value)]) for name, value in facts.items()]
    loads = [benchmark.get("load before") for benchmark in results["benchmarks"].values()]
    known = [load for load in loads if load is not None]
    if known:
        lines.append(_line(["load before a benchmark", f"{min(known)} to {max(known)}"]))
    return ["\n## Machine and versions\n", LOAD, *_folded("Machine, versions and load", lines)]


def page(project: Project) -> str:
    """The page as MyST Markdown; the same for the same inputs."""
    results = read(project.root / "benchmarks" / "results.json")
    benchmarks = results["benchmarks"]
    met, missed = _targets(benchmarks, met=True), _targets(benchmarks, met=False)
    processor = results["machine"].get("processor", "an unknown processor")
    algebra = results["versions"].get("linear algebra", "an unknown library")
    parts = [INTRODUCTION.format(answer=_answer(benchmarks))]
    if pairs(benchmarks):
        parts.append(_figure(benchmarks))
    if met or missed:
        parts.append(TARGETS.format(total=len(met + missed), met=len(met), missed=len(missed)))
    for heading, found in (("Missed", missed), ("Met", met)):
        if found:
            lines = list(_target_lines(found))
            parts += [f"### {heading}\n", *(lines if heading == "Missed" else _folded(ALL, lines))]
            parts.append("")
    parts.append(METHOD.format(processor=processor, algebra=algebra))
    for name, benchmark in benchmarks.items():
        heading, text = _words(project, name)
        fold = _folded("Times, ratios and errors", _table(benchmark["rows"]))
        parts += [f"\n## {heading}\n", f"{text}\n", *fold]
    return "\n".join([*parts, *_machine(results)]) + "\n"
