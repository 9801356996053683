"""The reference of the package from its docstrings: a page a topic, a section a module."""

import ast
import re

from tools.project import Project, UserError

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

# Page, title, modules in the order in which a reader meets them.
TOPICS = {
    "api-data": ("Data and errors", [
        "datasets", "prices", "grid", "checks", "returns", "inputs", "errors",
    ]),
    "api-estimation": ("Covariances and means", [
        "covariance", "shrinkage", "nonlinear", "thresholding", "robust", "expected_returns",
        "views", "losses", "sklearn",
    ]),
    "api-mixed-models": ("Mixed models", [
        "mixed_model", "relationship", "panel_model", "panel_likelihood", "kernel_model",
        "loading_model", "variational", "wishart", "attribution",
    ]),
    "api-portfolios": ("Portfolios", [
        "optimization", "constraints", "quadratic", "pivoting", "hierarchy", "sensitivity",
        "metrics",
    ]),
    "api-evaluation": ("Evaluation", [
        "backtest", "rebalancing", "strategies", "inference", "comparisons", "resampling",
    ]),
    "api-studies": ("Simulation and studies", [
        "simulation", "montecarlo", "estimation_error", "studies", "covariance_study",
        "volatility_study", "validation_study",
    ]),
    "api-practice": ("Practice", [
        "practice", "agents", "report", "own_prices", "page", "wording", "command", "plotting",
    ]),
}


def modules(project: Project) -> list[str]:
    """Public modules of the package that document what they export, sorted."""
    found = []
    for path in sorted((project.source_dir / "mixfolio").glob("[a-z]*.py")):
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            found.append(path.stem)
    return found


def summary(project: Project, name: str) -> str:
    """The first line of a module's docstring."""
    path = project.source_dir / "mixfolio" / f"{name}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.sub(r":mod:`mixfolio\.(\w+)`", r"`\1`", text.splitlines()[0])


def require_a_topic_for_each(project: Project) -> None:
    """Fail when a module is on no page."""
    placed = {name for _, names in TOPICS.values() for name in names}
    missing = sorted(set(modules(project)) - placed)
    if missing:
        raise UserError(f"give {', '.join(missing)} a place in TOPICS of tools/api_pages.py")


def index(project: Project) -> str:
    """The first page: every topic with its modules and what each is for."""
    require_a_topic_for_each(project)
    present = set(modules(project))
    parts = [INTRODUCTION]
    for page, (title, names) in TOPICS.items():
        rows = [f"| `{name}` | {summary(project, name)} |" for name in names if name in present]
        if rows:
            parts.append(f"\n## [{title}]({page}.md)\n\n| Module | Subject |\n|---|---|\n"
                         + "\n".join(rows) + "\n")
    return "".join(parts)


def topic(project: Project, page: str) -> str:
    """One page of the reference as MyST Markdown."""
    title, names = TOPICS[page]
    present = set(modules(project))
    return f"# {title}\n" + "".join(
        SECTION.format(name=name) for name in names if name in present
    )
