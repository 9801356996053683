"""One build of a book at a time: two would overwrite each other's files.

The lock is held by the operating system for as long as the process lives, however it ends, so
there is never a stale one to remove.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import IO

from tools import environment
from tools.build.project import Project, UserError

HELD = "BOOK_BUILD"  # the folder whose lock is held by this process or by one that started it
OFFSET = 1 << 20  # Windows locks bytes against reading too: one behind the process id
POLL = 0.5  # seconds

if sys.platform == "win32":
    import msvcrt

    def _lock(stream: IO[str]) -> None:
        os.lseek(stream.fileno(), OFFSET, os.SEEK_SET)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(stream: IO[str]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def take(project: Project) -> IO[str]:
    """Take the lock of a book's build; it is held until the file that is returned is closed.

    Raises
    ------
    UserError
        If another build holds it.
    SystemExit
        If the build folder cannot be written to.
    """
    environment.require_writable_build(project.root)
    path = project.build_dir / "lock"
    path.parent.mkdir(exist_ok=True)
    stream = path.open("a+", encoding="utf-8")
    try:
        _lock(stream)
    except OSError:
        stream.seek(0)
        holder = stream.read().strip()
        stream.close()
        raise UserError(
            f"Another build of this book runs{f' (process {holder})' if holder else ''}, and two "
            "would overwrite each other's files.\n"
            "Wait until it has finished, or stop it with Ctrl-C, and start this one again: "
            "what is finished is kept."
        ) from None
    stream.seek(0)
    stream.truncate()
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    return stream


def _inherited(project: Project) -> bool:
    return os.environ.get(HELD) == str(project.build_dir.resolve())


def _wait(project: Project) -> IO[str]:
    """Take the lock as soon as it is free."""
    told = False
    while True:
        try:
            return take(project)
        except UserError:
            if not told:
                print("Another build of this book runs; waiting for its end ...", flush=True)
            told = True
            time.sleep(POLL)


@contextlib.contextmanager
def build(project: Project, *, wait: bool = False) -> Iterator[None]:
    """Keep other builds of the book out; builds that this one starts are part of it.

    Parameters
    ----------
    wait : bool
        Whether to wait for the end of another build instead of refusing this one.

    Raises
    ------
    UserError
        If another build runs, unless it is waited for.
    """
    if _inherited(project):
        yield
        return
    with _wait(project) if wait else take(project):
        os.environ[HELD] = str(project.build_dir.resolve())
        try:
            yield
        finally:
            del os.environ[HELD]
