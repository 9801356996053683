"""The book that every step works on: where its files are, and how a step is run."""

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import environment
from tools.build import processes

HERE = Path(__file__).resolve().parents[2]


class UserError(Exception):
    """Something the reader can put right; printed without a traceback."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


@dataclass(frozen=True)
class Project:
    """The paths of a book whose root directory is ``root``."""

    root: Path = HERE

    @property
    def chapters_dir(self) -> Path:
        return self.root / "chapters"

    @property
    def book_dir(self) -> Path:
        return self.root / "book"

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def source_dir(self) -> Path:
        return self.root / "src"

    @property
    def reference_dir(self) -> Path:
        return self.root / "tests" / "reference"

    @property
    def build_dir(self) -> Path:
        return self.root / "build"

    @property
    def site_dir(self) -> Path:
        return self.build_dir / "site"

    @property
    def config(self) -> Path:
        return self.root / "_config.yml"

    def chapters(self) -> list[str]:
        """Names of all chapters, in order: ``01-mean-variance`` and so on."""
        return sorted(path.stem for path in self.chapters_dir.glob("[0-9][0-9]-*.md"))

    def chapter(self, name: str) -> str:
        """Full name of the chapter that ``name`` (``1``, ``01``, a path or the name) means."""
        wanted = Path(name).stem
        for chapter in self.chapters():
            number = chapter.split("-", 1)[0]
            if wanted in (chapter, number, str(int(number))):
                return chapter
        known = "\n  ".join(self.chapters())
        raise UserError(f"There is no chapter {name!r}. The chapters are:\n  {known}")

    def named(self, names: list[str] | None) -> list[str]:
        """Full names of the chapters that are meant; all of them if none is named."""
        return [self.chapter(name) for name in names] if names else self.chapters()

    def source(self, chapter: str) -> Path:
        return self.chapters_dir / f"{chapter}.md"

    def executed(self, chapter: str) -> Path:
        return self.build_dir / "executed" / f"{chapter}.ipynb"

    def reads(self, chapter: str) -> Path:
        """Record of the data files and modules that the chapter read when it last ran."""
        return self.build_dir / "reads" / f"{chapter}.json"

    def seconds(self, chapter: str) -> Path:
        """How long the chapter took when it last ran, for the colophon."""
        return self.build_dir / "reads" / f"{chapter}.seconds"

    def reference(self, chapter: str) -> Path:
        return self.reference_dir / f"{chapter}.ipynb"

    @property
    def confirmed(self) -> Path:
        """Record of the settings under which each reference was confirmed."""
        return self.reference_dir / "confirmed.json"

    def orphans(self) -> list[str]:
        """What is wrong with references whose chapter is gone or has another name."""
        chapters = set(self.chapters())
        names = [
            path.relative_to(self.root).as_posix()
            for path in sorted(self.reference_dir.glob("*.ipynb"))
            if path.stem not in chapters
        ]
        return [f"{name} belongs to no chapter; delete it" for name in names]

    def package_files(self) -> list[Path]:
        return sorted(self.source_dir.rglob("*.py"))

    def hashes(self, files: Iterable[Path]) -> dict[str, str]:
        """Hash of each file by its name relative to the root, which may be moved or copied."""
        return {path.relative_to(self.root).as_posix(): sha256(path) for path in files}


Argument = tuple[str, dict[str, Any]]
CHAPTERS: Argument = ("chapter", {"nargs": "*", "help": "number or name; all when left out"})


def run_command(
    function: Callable[..., int | None], *arguments: Argument, given: list[str] | None = None
) -> int:
    """Run a function of a project as the command of its module; returns the exit status.

    Parameters
    ----------
    function : callable
        Gets the project and, by name, what was given for each argument. Returns the status;
        None is success.
    *arguments : tuple of str and dict
        Name and settings of each argument, as argparse takes them. The option ``--root``, the
        folder of another book, is always there.
    given : list of str, optional
        What to read instead of the command line.
    """
    parser = argparse.ArgumentParser(
        description=sys.modules[function.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, settings in arguments:
        parser.add_argument(name, **settings)
    parser.add_argument("--root", type=Path, default=HERE, help="folder of the book")
    options = vars(parser.parse_args(given))
    project = Project(options.pop("root").resolve())
    processes.stop_cleanly()
    try:
        with environment.writing(project.root):
            return function(project, **options) or 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def run_python(
    project: Project, *arguments: object, python: Path | str = sys.executable, **variables: str
) -> tuple[int, str]:
    """Run Python in the book's folder; returns its exit status and what it printed, as UTF-8."""
    status, output = processes.run(
        [str(python), *map(str, arguments)],
        project.root,
        {"PYTHONIOENCODING": "utf-8", **variables},
        capture=True,
    )
    return status, output.strip()
