"""The reference of the package: one page, a section a module, from the docstrings."""

import ast

from tools.project import Project

INTRODUCTION = """\
# The package

`mixfolio` holds the methods of this book. Functions come first: an estimator maps returns to a
covariance or a mean, an allocator maps those to weights, a strategy maps returns to weights.
Labels that go in come out. Every error that the package raises on purpose is a `MixfolioError`,
and says what is wrong, where, how much, and what to do about it.
"""

SECTION = """
## {name}

```{{eval-rst}}
.. automodule:: mixfolio.{name}
   :members:
   :member-order: bysource
```
"""


def modules(project: Project) -> list[str]:
    """Public modules of the package that document what they export, sorted."""
    found = []
    for path in sorted((project.source_dir / "mixfolio").glob("[a-z]*.py")):
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            found.append(path.stem)
    return found


def page(project: Project) -> str:
    """The page as MyST Markdown."""
    return INTRODUCTION + "".join(SECTION.format(name=name) for name in modules(project))
