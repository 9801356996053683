"""The build graph: which step needs what, and when it has to run again.

``doit list`` shows the steps. Contents decide, not dates: a file that was only
touched runs nothing. The data files of a chapter are not declared anywhere, they
were recorded when the chapter last ran (see ``tools/data_reads.py``).
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from doit.exceptions import TaskFailed

from tools import benchmarks_page, data_reads
from tools.progress import ProgressReporter
from tools.project import Project

PROJECT = Project(Path(__file__).resolve().parent)
CHAPTERS = PROJECT.chapters()
BOOK_TOOLS = (
    "stage.py",
    "api_pages.py",
    "benchmarks_page.py",
    "sphinx_docstrings.py",
    "sphinx_chapter_numbers.py",
    "colophon.py",
    "portable.py",
    "mathjax.py",
    "render.py",
    "polish_html.py",
    "icons.py",
    "check_site.py",
    "project.py",
)

PROJECT.build_dir.mkdir(exist_ok=True)

DOIT_CONFIG = {
    "default_tasks": ["site"],
    "backend": "json",
    "dep_file": "build/doit.json",
    "reporter": ProgressReporter,
    "num_process": 2,
    "par_type": "thread",
    "continue": True,
    "verbosity": 0,
}


def run_tool(name: str, *arguments: str):
    """Run ``python -m tools.<name>``; what it prints becomes the message of a failure."""
    done = subprocess.run(
        [sys.executable, "-m", f"tools.{name}", *arguments],
        cwd=PROJECT.root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    )
    if done.returncode:
        return TaskFailed((done.stdout + done.stderr).strip() or f"{name} failed silently")
    return True


def tool(name: str, *arguments: str) -> list:
    return [(run_tool, [name, *arguments])]


def paths(files: Iterable[Path]) -> list[str]:
    """Names relative to the root, so that a moved or copied project is not stale."""
    return [path.relative_to(PROJECT.root).as_posix() for path in files]


def book_files() -> list[Path]:
    return sorted(path for path in PROJECT.book_dir.rglob("*") if path.is_file())


def task_prepare():
    """Build Matplotlib's font list once, so that no chapter prints a remark about it."""
    return {
        "actions": tool("kernel"),
        "file_dep": ["requirements.lock"],
        "targets": paths([PROJECT.build_dir / "matplotlib" / "ready"]),
    }


def task_execute():
    """Execute a chapter whose source, package, data or environment has changed."""
    common = [
        *PROJECT.package_files(),
        PROJECT.root / "requirements.lock",
        *PROJECT.tool_files(
            "execute.py", "glue_keys.py", "notebook.py", "kernel.py", "kernel_site/sitecustomize.py"
        ),
    ]
    for chapter in CHAPTERS:
        yield {
            "name": chapter,
            "actions": tool("execute", chapter),
            "file_dep": paths([PROJECT.source(chapter), *common]),
            "uptodate": [(data_reads.unchanged, [PROJECT, chapter])],
            "targets": paths([PROJECT.executed(chapter)]),
            "task_dep": ["prepare"],
        }


def task_validate():
    """Compare an executed chapter with its reference, and run the reference again."""
    tools = PROJECT.tool_files("validate.py", "references.py", "cell_diff.py", "notebook.py")
    for chapter in CHAPTERS:
        references = [path for path in [PROJECT.reference(chapter)] if path.exists()]
        yield {
            "name": chapter,
            "actions": tool("validate", chapter),
            "file_dep": paths(
                [
                    PROJECT.source(chapter),
                    PROJECT.executed(chapter),
                    *references,
                    PROJECT.reference_dir / "conftest.py",
                    *tools,
                ]
            ),
        }


def refuse_orphans():
    """Fail if a reference has no chapter: nobody would notice that it is not compared."""
    found = PROJECT.orphans()
    return TaskFailed("\n".join(found)) if found else True


def task_references():
    """Look for references without a chapter."""
    return {"actions": [refuse_orphans], "uptodate": [lambda: not PROJECT.orphans()]}


def site_inputs() -> list[str]:
    executed = [PROJECT.executed(chapter) for chapter in CHAPTERS]
    sources = [PROJECT.source(chapter) for chapter in CHAPTERS]
    records = [path for path in [PROJECT.confirmed] if path.exists()]
    return paths(
        [
            PROJECT.config,
            *book_files(),
            *records,
            *executed,
            *sources,
            *PROJECT.package_files(),
            *benchmarks_page.inputs(PROJECT),
            PROJECT.root / "requirements.lock",
            *PROJECT.tool_files(*BOOK_TOOLS),
        ]
    )


def task_site():
    """Render the validated chapters; the last good site stays until the new one is checked."""
    return {
        "actions": tool("render"),
        "file_dep": site_inputs(),
        "task_dep": ["references", "validate"],
        "targets": paths([PROJECT.site_dir / "index.html"]),
    }


def task_preview():
    """Render without validation into build/preview, for writing (see ``make serve``)."""
    return {
        "actions": tool("render", "--preview"),
        "file_dep": site_inputs(),
        "task_dep": ["execute"],
        "targets": paths([PROJECT.build_dir / "preview" / "index.html"]),
    }
