"""Make ``.venv`` hold exactly what ``requirements.lock`` says: ``python3 tools/environment.py``.

Runs with the system's Python and its standard library only, and holds what every step says of a
place that it cannot write to. The stamp
``.venv/book-environment`` is written last, so an interrupted set-up is found
and done again from the start; with an unchanged lock nothing is done at all.
"""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "book-environment"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
MINIMUM = (3, 11)


def wanted(lock: Path) -> dict[str, str]:
    """What an environment is made from; it is current while this stays the same."""
    content = lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return {"lock": hashlib.sha256(content).hexdigest(), "python": sys.version, "root": str(ROOT)}


def found(stamp: Path) -> dict[str, str]:
    """The stamp of a finished set-up; empty when there is none."""
    return json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT)


def locked_uv() -> str:
    """The lines of the lock that pin uv and its hashes."""
    match = re.search(r"^uv==(?:.*\\\n)+.*\n", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise SystemExit("requirements.lock does not pin uv; run make lock")
    return match.group()


def install_uv() -> None:
    with tempfile.TemporaryDirectory() as directory:
        pinned = Path(directory) / "uv.txt"
        pinned.write_text(locked_uv(), encoding="utf-8")
        pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "-r", pinned)


def create() -> None:
    """A new virtual environment unless a finished one of this Python is there to update."""
    stamp = found(STAMP)
    same = all(stamp.get(key) == wanted(LOCK)[key] for key in ("python", "root"))
    reusable = same and PYTHON.exists()
    STAMP.unlink(missing_ok=True)
    if reusable:
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise SystemExit("This Python has no ensurepip: install the package python3-venv first.")
    venv.create(VENV, clear=VENV.exists(), with_pip=True, symlinks=os.name != "nt")


def synchronise() -> None:
    install_uv()
    install(PYTHON, PYTHON, LOCK)


def install(installer: Path | str, python: Path, lock: Path) -> None:
    """Install a lock, then the package itself in place, without dependencies."""
    uv, here = (installer, "-m", "uv", "pip"), ("--quiet", "--python", python)
    run(*uv, "sync", *here, "--require-hashes", lock)
    run(*uv, "install", *here, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def python_of(place: Path) -> Path:
    """The interpreter of the environment at `place`."""
    return place / PYTHON.relative_to(VENV)


def create_beside(place: Path) -> Path:
    """A second environment, made by the running one, which brings uv; returns its interpreter."""
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--allow-existing", "--python", sys.executable, place)
    return python_of(place)


def lock_beside(place: Path, lock: Path) -> Path:
    """A second environment that holds what `lock` says; returns its interpreter."""
    stamp, python = place / STAMP.name, python_of(place)
    if python.exists() and found(stamp) == wanted(lock):
        return python
    print(f"environment: installing {lock.name} into {place.relative_to(ROOT)} ...", flush=True)
    stamp.unlink(missing_ok=True)
    install(sys.executable, create_beside(place), lock)
    stamp.write_text(json.dumps(wanted(lock)), encoding="utf-8")
    return python


def require_own_place() -> None:
    """Refuse what cannot be written to, and a link, since creating clears where it leads."""
    if VENV.is_symlink():
        raise SystemExit(
            f"{VENV} is a link to {VENV.resolve()}, and setting it up would empty that folder. "
            "Remove the link; a new environment takes less than a minute."
        )
    require_writable(ROOT, VENV)
    require_writable_build(ROOT)


def writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def require_writable(*paths: Path) -> None:
    """Refuse, by name, a file or folder that is there and cannot be written to."""
    for path in paths:
        if path.exists() and not writable(path):
            fixed = hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
            raise SystemExit(_refusal(path, errno.EROFS if fixed else errno.EACCES))


def require_writable_build(root: Path) -> None:
    """The same of the build folder of a book, or of the place where it is to be made."""
    build = root / "build"
    require_writable(*([build, *sorted(build.iterdir())] if build.is_dir() else [root]))


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Name what turns out to be closed, or full, while a step works on the book in ``root``."""
    try:
        yield
    except OSError as error:
        path = Path(error.filename or root / "build")
        if error.errno == errno.EACCES and path.is_file() and not os.access(path, os.R_OK):
            raise SystemExit(f"{path} cannot be read. Give yourself the permission.") from None
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC):
            raise
        raise SystemExit(_refusal(path, error.errno)) from None


def _refusal(path: Path, cause: int) -> str:
    why = f"{path} cannot be written to ({os.strerror(cause)})"
    if cause == errno.ENOSPC:
        return f"{why}. Free some space and start it again; what is finished is kept."
    return (
        f"{why}, and a build writes into .venv and build. Copy the checkout to a folder of your "
        "own and build it there, or take the files back: sudo chown -R $USER build. The package "
        "itself needs no build: pip install it, then mixfolio report FILE --output FOLDER."
    )


def main() -> None:
    require_own_place()
    if sys.version_info < MINIMUM:
        raise SystemExit(
            f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, "
            f"but this is {sys.version.split()[0]}; try make book PYTHON=python3.12"
        )
    if PYTHON.exists() and found(STAMP) == wanted(LOCK):
        return
    print("environment: installing the locked packages into .venv ...", flush=True)
    start = time.monotonic()
    create()
    synchronise()
    STAMP.write_text(json.dumps(wanted(LOCK)), encoding="utf-8")
    seconds = time.monotonic() - start
    print(f"environment: ready in {seconds:.1f} s", flush=True)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "environment.time").write_text(json.dumps(seconds))


if __name__ == "__main__":
    try:
        with writing(ROOT):
            main()
    except KeyboardInterrupt:
        raise SystemExit("environment: interrupted; the next run starts it afresh") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"environment: this step failed: {' '.join(error.cmd)}") from None
