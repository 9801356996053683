"""Record new reference outputs: ``python -m tools.build.accept [chapter ...]``.

Executes what is stale first, then prints what changed in the references. Read
that difference before you commit it: it is what the book now claims. A chapter that
changed runs once more with another linear-algebra kernel; if that prints something
else, nothing is recorded, since other readers would not get what the book says.
"""

import sys

from tools.build import exclusive, portable, processes, references
from tools.build.project import CHAPTERS, Project, UserError, run_command


def execute(project: Project, chapters: list[str]) -> bool:
    """Bring the executed chapters up to date; False if one of them fails."""
    tasks = [f"execute:{chapter}" for chapter in chapters]
    return processes.run([sys.executable, "-m", "doit", *tasks], project.root)[0] == 0


def accept_chapter(project: Project, chapter: str) -> str:
    """Record one executed chapter; returns what changed, empty if nothing did.

    Raises
    ------
    UserError
        If the outputs are different in every run, or with another kernel.
    """
    new = references.proposed(project, chapter)
    if new is None:
        return ""
    trial = portable.try_chapter(project, portable.FOREIGN, chapter, new)
    if trial.status not in (0, portable.CANNOT):
        raise UserError(
            f"{trial.text}\n"
            f"error    it prints something else under {portable.FOREIGN}\n"
            "remedy   print fewer digits, or decide ties by a rule"
        )
    difference = references.write(project, chapter, new)
    portable.record(project, [trial])
    return difference


def accept_all(project: Project, chapters: list[str]) -> bool:
    """Record the chapters and print what changed; False if one cannot be recorded."""
    changed, refused = False, False
    for chapter in chapters:
        try:
            difference = accept_chapter(project, chapter)
        except UserError as error:
            refused = True
            print(f"{chapter}: not recorded\n{error}", file=sys.stderr, flush=True)
            continue
        changed = changed or bool(difference)
        print(
            f"{chapter}: " + (f"changed\n{difference}" if difference else "unchanged"), flush=True
        )
    if changed:
        print("recorded; now run make book")
    return not refused


def accept(project: Project, chapter: list[str]) -> int:
    chapters = project.named(chapter)
    with exclusive.build(project):
        return 0 if execute(project, chapters) and accept_all(project, chapters) else 1


if __name__ == "__main__":
    sys.exit(run_command(accept, CHAPTERS))
