"""What a chapter read, data and modules: recorded when it runs, checked before the next run.

Nobody declares these dependencies. The kernel logs every file under ``data/`` and ``src/`` that
the chapter opens or whose code it runs. The executor stores the list with the hashes that the
files had before the run, so that an edit during the run counts as a change. The chapter is stale
as soon as one of the files has changed or is gone.
"""

import json
from pathlib import Path

from tools.build.project import Project, write_atomically


def readable(project: Project) -> dict[str, str]:
    """The hash of every file that the kernel logs if a chapter reads it."""
    folders = (project.data_dir, project.source_dir)
    return project.hashes(
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )


def record(project: Project, chapter: str, log: Path, before: dict[str, str]) -> None:
    """Turn the kernel's log into the chapter's record, with the hashes from before the run."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    root = project.root.resolve()
    names = sorted({Path(line).relative_to(root).as_posix() for line in lines})
    hashes = {name: before.get(name, "missing") for name in names}
    write_atomically(project.reads(chapter), json.dumps(hashes, indent=1) + "\n")
    log.unlink(missing_ok=True)


def recorded(project: Project, chapter: str) -> dict[str, str]:
    path = project.reads(chapter)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def unchanged(project: Project, chapter: str) -> bool:
    """Whether every file that the chapter read is as it was then."""
    known = recorded(project, chapter)
    present = project.hashes(project.root / name for name in known)
    return project.reads(chapter).exists() and present == known
