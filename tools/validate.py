"""Validate chapters against their references: ``python -m tools.validate [chapter ...]``.

Three checks: the reference belongs to the chapter's present code; the executed
notebook, which the site shows, prints what the reference says; and nbval, which
runs the code a second time in a fresh kernel, gets the same again.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools import references
from tools.project import Project, UserError


class ValidationError(UserError):
    """nbval found a difference."""


def _failures(output: str) -> str:
    """nbval's account of the failing cells, without pytest's frame."""
    start = output.find("= FAILURES =")
    text = output[start:] if start >= 0 else output
    return text.strip()


def run_nbval(project: Project, chapter: str) -> None:
    """Run the reference's code in a new kernel and compare every text output."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        str(project.reference(chapter)),
        "-q",
        "-p",
        "no:cacheprovider",
        "--numprocesses=0",
        "--color=no",
        "--rootdir",
        str(project.root),
    ]
    done = subprocess.run(
        command, cwd=project.root, env=dict(os.environ), text=True, capture_output=True
    )
    if done.returncode:
        raise ValidationError(_failures(done.stdout + done.stderr))


def validate_chapter(project: Project, chapter: str) -> None:
    references.require_current(project, chapter)
    references.require_equal(project, chapter)
    run_nbval(project, chapter)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapter", nargs="*", help="number or name; all when left out")
    parser.add_argument("--root", type=Path, default=Project().root)
    options = parser.parse_args(arguments)
    project = Project(options.root)
    try:
        for name in options.chapter or project.chapters():
            validate_chapter(project, project.chapter(name))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
