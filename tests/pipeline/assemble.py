"""Whole projects in a temporary directory: the little book, or a copy of this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = Path(__file__).resolve().parent / "fixture"
MACHINERY = ("tools", "dodo.py", "_config.yml", "pyproject.toml", "requirements.lock",
             "book/_static", "tests/reference/conftest.py")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def little_book(target: Path) -> Path:
    """The fixture's two chapters with this project's build machinery."""
    _copy(FIXTURE, target)
    for name in MACHINERY:
        _copy(ROOT / name, target / name)
    return target


def copy_of_this_book(target: Path) -> Path:
    """Every file that git knows or would add, as it is in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            _copy(ROOT / name, target / name)
    return target


def run(project: Path, *command: str) -> subprocess.CompletedProcess:
    """Run ``python -m <command>`` in the project, with the project's own package."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-m", *command], cwd=project, env=environment,
                          capture_output=True, text=True, encoding="utf-8")


if __name__ == "__main__":
    little_book(Path(sys.argv[1]))
