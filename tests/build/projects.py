"""Whole projects in a temporary directory: the little book, or a copy of this one."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = Path(__file__).resolve().parent / "fixture"
MACHINERY = (
    "tools",
    "dodo.py",
    "_config.yml",
    "pyproject.toml",
    "requirements.lock",
    "book/_static",
    "tests/reference/conftest.py",
)


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a directory without compiled Python."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    else:
        shutil.copy2(source, target)


def little_book(target: Path) -> Path:
    """The fixture's two chapters with this project's build machinery."""
    copy(FIXTURE, target)
    for name in MACHINERY:
        copy(ROOT / name, target / name)
    return target


def copy_of_this_book(target: Path) -> Path:
    """Every file that git knows or would add, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            copy(ROOT / name, target / name)
    return target


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m <command>`` in the project, with the project's own package."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def stale(project: Path) -> set[str]:
    """Steps of chapters and site that doit would run now."""
    done = run(project, "doit", "list", "--all", "--status")
    assert done.returncode == 0, done.stdout
    rows = [line.split()[:2] for line in done.stdout.splitlines()]
    return {name for status, name in rows if status == "R" and (":" in name or name == "site")}


def fingerprint(directory: Path) -> dict[str, str]:
    """Every file below the directory with a hash of its content."""
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def replace(path: Path, old: str, new: str) -> None:
    """Change a text file; the old text must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def start(project: Path, *command: str) -> subprocess.Popen[str]:
    """Begin ``python -m <command>`` in the project, with the project's own package."""
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Return as soon as the condition holds; fail if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
