"""Validate chapters against their references: ``python -m tools.build.validate [chapter ...]``.

Three checks: the reference belongs to the chapter's present code; the executed
notebook, which the site shows, prints what the reference says; and nbval, which
runs the code a second time in a fresh kernel, gets the same again.
"""

import sys

from tools import environment
from tools.build import kernel, references
from tools.build.project import CHAPTERS, Project, UserError, run_command, run_python

NBVAL = ("-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "-n0", "--color=no")


class ValidationError(UserError):
    """nbval found a difference."""


def run_nbval(project: Project, chapter: str) -> None:
    """Run the reference's code in a new kernel and compare every text output."""
    reference = project.reference(chapter)
    for _ in range(kernel.STARTS):
        status, output = run_python(project, *NBVAL, "--rootdir", project.root, reference)
        if not status or not kernel.cannot_start(output):
            break
    else:
        raise kernel.KernelStartError(output)
    if status:
        start = output.find("= FAILURES =")  # before it is pytest's frame
        raise ValidationError(output[max(start, 0) :])


def validate_chapter(project: Project, chapter: str) -> None:
    references.require_current(project, chapter)
    references.require_equal(project, chapter)
    run_nbval(project, chapter)


def validate(project: Project, chapter: list[str]) -> None:
    environment.require_writable_build(project.root)
    for name in project.named(chapter):
        validate_chapter(project, name)


if __name__ == "__main__":
    sys.exit(run_command(validate, CHAPTERS))
