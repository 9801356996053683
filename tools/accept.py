"""Record new reference outputs: ``python -m tools.accept [chapter ...]`` (all without a name).

Executes what is stale first, then prints what changed in the references. Read
that difference before you commit it: it is what the book now claims.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tools import references
from tools.project import Project, UserError


def execute(project: Project, chapters: list[str]) -> bool:
    """Bring the executed chapters up to date; False if one of them fails."""
    tasks = [f"execute:{chapter}" for chapter in chapters]
    return subprocess.run([sys.executable, "-m", "doit", *tasks], cwd=project.root).returncode == 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapter", nargs="*", help="number or name; all when left out")
    parser.add_argument("--root", type=Path, default=Project().root)
    options = parser.parse_args(arguments)
    project = Project(options.root)
    try:
        chapters = [project.chapter(name) for name in options.chapter or project.chapters()]
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    if not execute(project, chapters):
        return 1
    for chapter in chapters:
        print(references.accept(project, chapter) or f"{chapter}: unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
