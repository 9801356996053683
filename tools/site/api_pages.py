"""The reference of the package from its docstrings: a page a room, as the folders are."""

import ast
import re
from pathlib import Path

from tools.build.project import Project

INTRODUCTION = """\
# The package

`mixfolio` holds the methods of this book, and works without it. This is the reference: a page for
each module, with every function, its arguments, an example and its source. Whoever sees the package
for the first time begins with [ten lines](quickstart.md) instead, and then needs `covariance`,
`optimization` and `backtest`.

Functions come first: an estimator maps returns to a covariance or a mean, an optimizer maps those
to weights. Labels that go in come out. Every error that the package raises on purpose is a
`MixfolioError`, and says what is wrong, where, how much, and what to do about it.

| Module | Subject |
|---|---|
"""

SECTION = """
```{{eval-rst}}
.. automodule:: {name}
   :members:
   :member-order: bysource
```
"""


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _listed(path: Path) -> list[str]:
    """The names in a file's ``__all__``; none if it has no such list."""
    for node in _tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def rooms(project: Project) -> dict[str, Path]:
    """Every public module of the package, with the file that a reader opens first."""
    package = project.source_dir / "mixfolio"
    if not package.exists():
        return {}
    files = {
        name: (package / f"{name}.py", package / name / "__init__.py")
        for name in _listed(package / "__init__.py")
    }
    return {name: next(path for path in paths if path.exists()) for name, paths in files.items()}


def summary(face: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(_tree(face)) or ""
    return re.sub(r":mod:`mixfolio\.(\w+)`", r"`\1`", text.splitlines()[0])


def index(project: Project) -> str:
    """The first page: every room, and what it is for."""
    rows = [
        f"| [`{name}`](api-{name}.md) | {summary(face)} |\n"
        for name, face in rooms(project).items()
    ]
    return INTRODUCTION + "".join(rows)


def room(name: str, face: Path) -> str:
    """One page of the reference as MyST Markdown."""
    modules = [f"mixfolio.{name}"]
    if not _listed(face):  # a room without a face of its own: every subject is public
        modules += [
            f"mixfolio.{name}.{path.stem}" for path in sorted(face.parent.glob("[a-z]*.py"))
        ]
    parts = [f"# `{name}`\n", SECTION.format(name=modules[0])]
    for module in modules[1:]:
        parts += [f"\n## `{module.rpartition('.')[2]}`\n", SECTION.format(name=module)]
    notes = [
        f"\n```{{eval-rst}}\n.. automodule:: mixfolio.{name}.{path.stem}\n```\n"
        for path in sorted(face.parent.glob("_[a-z]*.py"))
        if face.name == "__init__.py"
    ]
    if notes:
        parts += ["\n## Formulas and sources\n", *notes]
    return "".join(parts)


def pages(project: Project) -> dict[str, str]:
    """Every page of the reference by name, the index first."""
    found = {f"api-{name}": room(name, face) for name, face in rooms(project).items()}
    return {"api": index(project), **found}
