"""The build graph: which step needs what, and when it has to run again.

``doit list`` shows the steps. Contents decide, not dates: a file that was only
touched runs nothing. What a chapter reads, data files and modules of the package,
is not declared anywhere: it was recorded when the chapter last ran (see
``tools/build/reads.py``).
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from doit.exceptions import TaskFailed

from tools import environment
from tools.build import exclusive, processes, reads, sources
from tools.build.progress import ProgressReporter
from tools.build.project import Project, UserError, run_python
from tools.site import benchmarks_page

PROJECT = Project(Path(__file__).resolve().parent)
CHAPTERS = PROJECT.chapters()
LOCK = PROJECT.root / "requirements.lock"
TOOLS = PROJECT.root / "tools"

with environment.writing(PROJECT.root):
    PROJECT.build_dir.mkdir(exist_ok=True)

ALONE = ExitStack()  # lives as long as the process, and keeps other builds out


class BuildReporter(ProgressReporter):
    """Made when a build begins, not when steps are only listed: no other build may run."""

    def __init__(self, outstream, options):
        super().__init__(outstream, options)
        processes.stop_cleanly()
        try:
            ALONE.enter_context(exclusive.build(PROJECT))
        except UserError as error:
            raise SystemExit(str(error)) from None


DOIT_CONFIG = {
    "default_tasks": ["site"],
    "backend": "saved-at-once",
    "dep_file": "build/doit.json",
    "reporter": BuildReporter,
    "num_process": 2,
    "par_type": "thread",
    "continue": True,
    "verbosity": 0,
}


def run_tool(name: str, *arguments: str):
    """Run ``python -m tools.<name>``; what it prints becomes the message of a failure."""
    status, output = run_python(PROJECT, "-m", f"tools.{name}", *arguments)
    return TaskFailed(output or f"{name} failed silently") if status else True


def tool(name: str, *arguments: str) -> list:
    return [(run_tool, [name, *arguments])]


def tools_of(room: str, *names: str) -> list[Path]:
    return [TOOLS / room / f"{name}.py" for name in names]


def unchanged(task, values: dict, files: Iterable[Path]) -> bool:
    """Whether the files are what they were when the step last began.

    They are hashed now, before the step runs, and the hashes are kept when it has succeeded. A
    file that is edited while the step runs is then a change, and the step runs again next time.
    """
    present = PROJECT.hashes(files)
    task.value_savers.append(lambda: {"inputs": present})
    return present == values.get("inputs")


def made_from(*files: Path) -> list:
    return [(unchanged, [files])]


def target(path: Path) -> list[str]:
    return [path.relative_to(PROJECT.root).as_posix()]


def task_prepare():
    """Build Matplotlib's font list once, so that no chapter prints a remark about it."""
    return {
        "actions": tool("build.kernel"),
        "uptodate": made_from(LOCK),
        "targets": target(PROJECT.build_dir / "matplotlib" / "ready"),
    }


def task_execute():
    """Execute a chapter if its source, what it read, or the environment has changed."""
    tools = [
        *tools_of("build", "execute", "notebook", "kernel"),
        *sorted((TOOLS / "build" / "kernel_site").glob("*.py")),
    ]
    for chapter in CHAPTERS:
        yield {
            "name": chapter,
            "actions": tool("build.execute", chapter),
            "uptodate": [
                *made_from(PROJECT.source(chapter), LOCK, *tools),
                (reads.unchanged, [PROJECT, chapter]),
            ],
            "targets": target(PROJECT.executed(chapter)),
            "task_dep": ["prepare"],
        }


def task_validate():
    """Compare an executed chapter with its reference, and run the reference again."""
    tools = tools_of("build", "validate", "references", "notebook")
    for chapter in CHAPTERS:
        yield {
            "name": chapter,
            "actions": tool("build.validate", chapter),
            "uptodate": made_from(
                PROJECT.source(chapter),
                PROJECT.executed(chapter),
                PROJECT.reference(chapter),
                PROJECT.reference_dir / "conftest.py",
                *tools,
            ),
            "task_dep": [f"execute:{chapter}"],
        }


def refuse_orphans():
    """Fail if a reference has no chapter: nobody would notice that it is not compared."""
    found = PROJECT.orphans()
    return TaskFailed("\n".join(found)) if found else True


def task_references():
    """Look for references without a chapter."""
    return {"actions": [refuse_orphans], "uptodate": [lambda: not PROJECT.orphans()]}


def site_inputs() -> list[Path]:
    return [
        PROJECT.config,
        PROJECT.confirmed,
        PROJECT.root / "tests" / "mutants.json",
        LOCK,
        *sorted(path for path in PROJECT.book_dir.rglob("*") if path.is_file()),
        *map(PROJECT.executed, CHAPTERS),
        *map(PROJECT.seconds, CHAPTERS),
        *map(PROJECT.source, CHAPTERS),
        *PROJECT.package_files(),
        *benchmarks_page.inputs(PROJECT),
        *sorted((TOOLS / "site").glob("*.py")),
        *tools_of("build", "notebook", "portable", "project", "sources"),
    ]


def same_commit(task, values: dict) -> bool:
    """Whether the sources have the commit that the colophon of the last site names."""
    present = sources.commit(PROJECT)
    task.value_savers.append(lambda: {"commit": present})
    return present == values.get("commit")


def task_site():
    """Render the validated chapters; the last good site stays until the new one is checked."""
    return {
        "actions": tool("site.render"),
        "uptodate": [*made_from(*site_inputs()), same_commit],
        "task_dep": ["references", "validate"],
        "targets": target(PROJECT.site_dir / "index.html"),
    }


def task_preview():
    """Render without validation into build/preview, for writing (see ``make serve``)."""
    return {
        "actions": tool("site.render", "--preview"),
        "uptodate": [*made_from(*site_inputs()), same_commit],
        "task_dep": ["execute"],
        "targets": target(PROJECT.build_dir / "preview" / "index.html"),
    }
