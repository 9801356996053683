"""The processes of a build: whoever is told to stop, or has lost its parent, ends those below."""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

PARENT = "BOOK_PARENT"  # process id of the one that started this process
POLL = 0.2  # seconds between two looks at the parent
PATIENCE = 3.0  # seconds that Ctrl-C, which reaches all processes at once, has to end a child
GRACE = 10.0  # seconds that a child has to end when it is told to

_running: set[subprocess.Popen[str]] = set()
_below: list[psutil.Process] = []  # what the children had started when they were told to stop
_stopping = threading.Event()


def run(
    command: Sequence[str],
    folder: Path,
    variables: Mapping[str, str] | None = None,
    *,
    capture: bool = False,
) -> tuple[int, str]:
    """Run a command that ends with this process; returns its status and what was captured."""
    pipe = subprocess.PIPE if capture else None
    child = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {}), PARENT: str(os.getpid())},
        stdout=pipe,
        stderr=subprocess.STDOUT if capture else None,
        encoding="utf-8",
        errors="backslashreplace",
    )
    _running.add(child)
    if _stopping.is_set():
        child.terminate()
    try:
        output, _ = child.communicate()
    except BaseException:
        _end(child)
        raise
    finally:
        _running.discard(child)
    return child.returncode, output or ""


def _end(child: subprocess.Popen[str]) -> None:
    """Wait for a child that may be ending by itself, then tell it to, then force it."""
    steps = ((child.terminate, PATIENCE), (child.kill, GRACE))
    for force, seconds in steps[_stopping.is_set() :]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return
        force()


@atexit.register
def _end_all() -> None:
    if _running:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in list(_running):
        _end(child)
    for process in _below:  # a kernel that its own parent, pytest for example, has left behind
        with contextlib.suppress(psutil.Error):
            process.kill()


def _stop(number: int, frame: FrameType | None) -> None:
    """Tell the children to stop, then leave as after Ctrl-C, but without a traceback."""
    signal.signal(number, signal.SIG_IGN)
    _stopping.set()
    for child in list(_running):
        with contextlib.suppress(psutil.Error):
            _below.extend(psutil.Process(child.pid).children(recursive=True))
        child.terminate()
    sys.exit(128 + number)


def _follow(parent: int) -> None:
    """Stop this process once its parent is gone, however that ended."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(2 * GRACE)
    os._exit(1)


def stop_cleanly() -> None:
    """From now on, end with all processes below when told to (SIGTERM) or when orphaned.

    Windows has neither the signal nor new parents for orphans: there it does nothing.
    """
    parent = os.environ.pop(PARENT, "")
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGTERM, _stop)
    if parent:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()
