"""Run one chapter with your own parameters.

``python -m tools.build.run_chapter 01 n_assets=50 seed=7`` executes the chapter and
leaves the notebook and a web page of it in ``build/run/``, under a name that holds
the parameters. Without parameters it runs the chapter as it is; without a chapter
it shows which chapters and parameters there are.
"""

import ast
import hashlib
import math
import os
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from papermill.translators import PythonTranslator

from tools.build import kernel, notebook
from tools.build.execute import run
from tools.build.project import Project, UserError, run_command
from tools.site import render

Value = Any
MAX_NAME = 120  # characters of a file name that holds parameters
RANGE = re.compile(r"\b(\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)$")
DATES = ((r"\d{4}-\d\d-\d\d", "%Y-%m-%d", "a date"), (r"\d{4}", "%Y", "a year"))
NOTE = """\
:::{{admonition}} A rerun
:class: warning
Rerun with {values}. The text was written for the default parameters; numbers in it that are \
computed follow yours, its judgements may not.
:::"""


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell."""

    name: str
    type: str
    default: str
    help: str

    def __str__(self) -> str:
        return f"{self.name}: {self.type} = {self.default}  # {self.help}"


def parameters(nb: NotebookNode) -> dict[str, Parameter]:
    """What the chapter's parameters cell declares, by papermill's own reading of it."""
    cells = [cell for cell in notebook.code_cells(nb) if "parameters" in notebook.tags(cell)]
    found = [item for cell in cells for item in PythonTranslator.inspect(cell)]
    return {
        item.name: Parameter(item.name, item.inferred_type_name, item.default, item.help)
        for item in found
    }


def overview(project: Project) -> str:
    """Every chapter with its parameters."""
    lines = ['Say which chapter to run: make run CHAPTER=01 PARAMS="name=value ..."', ""]
    for chapter in project.chapters():
        declared = parameters(notebook.read_chapter(project.source(chapter)))
        lines += [chapter, *(f"  {parameter}" for parameter in declared.values())]
    return "\n".join(lines)


def listing(declared: dict[str, Parameter]) -> str:
    lines = "\n".join(f"  {parameter}" for parameter in declared.values())
    return f"The parameters of this chapter, with type, default and meaning:\n{lines}"


def _literal(text: str) -> Value:
    """The value that the text spells in Python; a bare word is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _fits(value: Value, wanted: str) -> bool:
    kind = wanted.split("[", 1)[0].strip()
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    known = {"str": str, "bool": bool, "list": list, "tuple": tuple, "dict": dict}
    return isinstance(value, known[kind]) if kind in known else True


def parse(declared: dict[str, Parameter], given: list[str]) -> dict[str, Value]:
    """Turn ``name=value`` into values of the declared types.

    Raises
    ------
    UserError
        If a name is unknown, a value has another type or there is no ``=``.
    """
    values = {}
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"{item!r} is not of the form name=value.\n{listing(declared)}")
        if name not in declared:
            raise UserError(f"There is no parameter {name!r}.\n{listing(declared)}")
        wanted = declared[name].type
        value = text if wanted == "str" else _literal(text)
        if not _fits(value, wanted):
            raise UserError(
                f"{name} must be of type {wanted}, but {text!r} is not.\n{listing(declared)}"
            )
        value = float(value) if wanted == "float" else value
        if why := impossible(declared[name], value):
            raise UserError(f"{name} is {text}; {why}.\n{listing(declared)}")
        values[name] = value
    return values


def impossible(parameter: Parameter, value: Value) -> str:
    """Why a chapter cannot take a value of the right type; empty if it can.

    A comment that says ``2 to 400`` is the range. Counts are positive, -1 processes are all cores,
    a seed may be zero. What looks like a date or a year has to be one.
    """
    limits = RANGE.search(parameter.help)
    if parameter.type in ("int", "float") and not math.isfinite(value):
        return "it must be finite"
    if limits and not float(limits[1]) <= value <= float(limits[2]):
        return f"it must be from {limits[1]} to {limits[2]}"
    least = 0 if parameter.name == "seed" else 1
    all_cores = parameter.name == "n_jobs" and value == -1
    if parameter.type == "int" and value < least and not (limits or all_cores):
        return f"it must be at least {least}"
    default = str(_literal(parameter.default))
    for pattern, form, what in DATES:
        if parameter.type == "str" and re.fullmatch(pattern, default) and not _is_date(value, form):
            return f"it must be {what}, as {default}"
    return ""


def _is_date(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def annotated(nb: NotebookNode, values: dict[str, Value]) -> NotebookNode:
    """The chapter with a note under its title that says what it was rerun with."""
    if not values:
        return nb
    note = NOTE.format(values=", ".join(f"`{name}={value}`" for name, value in values.items()))
    for cell in nb.cells:
        title = re.search(r"^# .*$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and title:
            head, tail = cell.source[: title.end()], cell.source[title.end() :]
            cell.source = f"{head}\n\n{note}{tail}"
            break
    return nb


def run_name(chapter: str, values: dict[str, Value]) -> str:
    """``01-coin--n-50--seed-7``: runs with other parameters leave each other alone."""
    exact = "".join(f"--{name}-{value}" for name, value in values.items())
    safe = re.sub(r"[^\w.+-]+", "_", exact)[:MAX_NAME]
    if safe != exact:  # two values must not share a name
        safe += "--" + hashlib.sha256(exact.encode()).hexdigest()[:8]
    return chapter + safe


def run_chapter(project: Project, chapter: str, given: list[str]) -> tuple[Path, Path]:
    """Execute the chapter with the parameters; returns the notebook and the page."""
    source = project.source(chapter)
    nb = notebook.read_chapter(source)
    declared = parameters(nb)
    parsed = parse(declared, given)
    values = {name: parsed[name] for name in declared if name in parsed}
    target = project.build_dir / "run" / f"{run_name(chapter, values)}.ipynb"
    kernel.prepare(project)
    os.environ.update(kernel.environment(project, phone=True))
    run(annotated(nb, values), source, target, values, progress_bar=True)
    return target, render.render_one(project, chapter, target)


def run_one(project: Project, chapter: str, parameter: list[str], only_list: bool) -> int:
    if not chapter or "=" in chapter:
        print(overview(project), file=sys.stdout if only_list else sys.stderr)
        return 0 if only_list else 1
    name = project.chapter(chapter)
    if only_list:
        print(listing(parameters(notebook.read_chapter(project.source(name)))))
        return 0
    target, web = run_chapter(project, name, parameter)
    print(f"Notebook: {target}\nPage:     {web}")
    return 0


ARGUMENTS = (
    ("chapter", {"nargs": "?", "default": "", "help": "number or name"}),
    ("parameter", {"nargs": "*", "help": "name=value"}),
    (
        "--list",
        {"dest": "only_list", "action": "store_true", "help": "show the parameters and stop"},
    ),
)

if __name__ == "__main__":
    sys.exit(run_command(run_one, *ARGUMENTS))
