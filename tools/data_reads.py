"""Which data files a chapter reads: recorded when it runs, checked before the next run.

Nobody declares these dependencies. The kernel logs every file under ``data/``
that the chapter opens; the executor stores the list with the files' hashes, and
the chapter is stale as soon as one of them has changed.
"""

import hashlib
import json
from pathlib import Path

from tools.kernel import write_atomically
from tools.project import Project


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def record(project: Project, chapter: str, log: Path) -> None:
    """Turn the kernel's log of opened files into the chapter's record."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    files = sorted({Path(line) for line in lines if Path(line).is_file()})
    root = project.root.resolve()
    hashes = {path.relative_to(root).as_posix(): sha256(path) for path in files}
    write_atomically(project.reads(chapter), json.dumps(hashes, indent=1) + "\n")
    log.unlink(missing_ok=True)


def recorded(project: Project, chapter: str) -> dict[str, str]:
    path = project.reads(chapter)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def unchanged(project: Project, chapter: str) -> bool:
    """Whether every data file that the chapter read is as it was then."""
    if not project.reads(chapter).exists():
        return False
    hashes = recorded(project, chapter)
    return all(sha256(project.root / name) == digest for name, digest in hashes.items())
