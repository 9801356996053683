"""Make ``.venv`` hold exactly what ``requirements.lock`` says: ``python3 tools/environment.py``.

Runs with the system's Python and its standard library only. The stamp
``.venv/book-environment`` is written last, so an interrupted set-up is found
and done again from the start; with an unchanged lock nothing is done at all.
"""

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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "book-environment"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
MINIMUM = (3, 11)


def wanted() -> dict[str, str]:
    """What the environment is made from; it is current while this stays the same."""
    content = LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return {"lock": hashlib.sha256(content).hexdigest(), "python": sys.version, "root": str(ROOT)}


def found() -> dict[str, str]:
    """The stamp of a finished set-up; empty when there is none."""
    return json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}


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
    stamp = found()
    same = all(stamp.get(key) == wanted()[key] for key in ("python", "root"))
    reusable = same and PYTHON.exists()
    STAMP.unlink(missing_ok=True)
    if reusable:
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise SystemExit("This Python has no ensurepip: install the package python3-venv first.")
    venv.create(VENV, clear=VENV.exists(), with_pip=True, symlinks=os.name != "nt")


def synchronise() -> None:
    """Install the lock, then the package itself in place, without dependencies."""
    install_uv()
    uv, here = (PYTHON, "-m", "uv", "pip"), ("--quiet", "--python", PYTHON)
    run(*uv, "sync", *here, "--require-hashes", LOCK)
    run(*uv, "install", *here, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def require_own_place() -> None:
    """Refuse what cannot be written to, and a link, since creating clears where it leads."""
    if VENV.is_symlink():
        raise SystemExit(
            f"{VENV} is a link to {VENV.resolve()}, and setting it up would empty that folder. "
            "Remove the link; a new environment takes less than a minute."
        )
    closed = [path for path in (ROOT, VENV, ROOT / "build") if path.exists() and not writable(path)]
    if closed:
        raise SystemExit(
            f"{closed[0]} cannot be written to, and a build writes into .venv and build. Copy the "
            "checkout to a folder of your own and build it there. The package itself needs no "
            "build: pip install it, then mixfolio report FILE --output FOLDER."
        )


def writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def main() -> None:
    require_own_place()
    if sys.version_info < MINIMUM:
        raise SystemExit(
            f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, "
            f"but this is {sys.version.split()[0]}; try make book PYTHON=python3.12"
        )
    if PYTHON.exists() and found() == wanted():
        return
    print("environment: installing the locked packages into .venv ...", flush=True)
    start = time.monotonic()
    create()
    synchronise()
    STAMP.write_text(json.dumps(wanted()), encoding="utf-8")
    seconds = time.monotonic() - start
    print(f"environment: ready in {seconds:.1f} s", flush=True)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "environment.time").write_text(json.dumps(seconds))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("environment: interrupted; the next run starts it afresh") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"environment: this step failed: {' '.join(error.cmd)}") from None
