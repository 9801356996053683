"""Test the package with other versions: ``python -m tools.bounds lowest-direct|highest``.

Resolves the dependencies of ``pyproject.toml`` afresh, as old or as new as they
may be, into an environment of their own, and runs there the tests of the package
and those that build the little book.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

from tools.project import HERE

LEFT_OUT = ("tests/site", "tests/reference", "tests/test_environment.py", "tests/test_chapters.py")


def make(place: Path, resolution: str) -> Path:
    """A new environment with the package and what tests it; returns its Python."""
    venv.create(place, clear=place.exists(), with_pip=True)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
    subprocess.run([python, "-m", "uv", "pip", "install", "--quiet", "--python", python,
                    "--resolution", resolution, "--group", "book", "--group", "test",
                    "--editable", "."], check=True, cwd=HERE)
    return python


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("resolution", choices=["lowest-direct", "highest"])
    options = parser.parse_args(arguments)
    python = make(HERE / "build" / f"venv-{options.resolution}", options.resolution)
    ignored = [f"--ignore={name}" for name in LEFT_OUT]
    command = [python, "-m", "pytest", "-k", "not this_book", *ignored]
    return subprocess.run(command, cwd=HERE).returncode


if __name__ == "__main__":
    sys.exit(main())
