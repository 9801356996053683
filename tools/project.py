"""Where everything of one book lives, given its root directory."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


class UserError(Exception):
    """Something the reader can put right; printed without a traceback."""


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

    def source(self, chapter: str) -> Path:
        return self.chapters_dir / f"{chapter}.md"

    def executed(self, chapter: str) -> Path:
        return self.build_dir / "executed" / f"{chapter}.ipynb"

    def reads(self, chapter: str) -> Path:
        """Record of the data files that the chapter opened when it last ran."""
        return self.build_dir / "reads" / f"{chapter}.json"

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

    def tool_files(self, *names: str) -> list[Path]:
        return [self.root / "tools" / name for name in names]
