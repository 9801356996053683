"""Start a chapter: ``python -m tools.build.new_chapter two-words``.

Writes ``chapters/NN-two-words.md`` from a template that runs and keeps the rules for chapters, and
adds it to the table of contents. What it says is an example, there to be replaced.
"""

import re
import sys
from pathlib import Path

from tools.build.project import Project, UserError, run_command, write_atomically

TEMPLATE = Path(__file__).with_name("new_chapter.md")
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
ENTRY = re.compile(r"^( *- file: )chapters/\d\d-[^\n]+\n", re.MULTILINE)


def listed(toc: str, chapter: str) -> str:
    """The table of contents with the chapter behind the last one."""
    entries = list(ENTRY.finditer(toc))
    if not entries:
        raise UserError("book/_toc.yml lists no chapter, so there is no place for the new one")
    last = entries[-1]
    return f"{toc[: last.end()]}{last[1]}chapters/{chapter}\n{toc[last.end() :]}"


def new_chapter(project: Project, name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"the name of a chapter is {name!r}; it must be small letters, digits and hyphens: "
            "make new-chapter NAME=two-words"
        )
    taken = [chapter for chapter in project.chapters() if chapter[3:] == name]
    if taken:
        raise UserError(f"there is a chapter {taken[0]} already; give this one another name")
    number = max((int(chapter[:2]) for chapter in project.chapters()), default=0) + 1
    chapter = f"{number:02d}-{name}"
    contents = project.book_dir / "_toc.yml"
    toc = listed(contents.read_text(encoding="utf-8"), chapter)
    text = TEMPLATE.read_text(encoding="utf-8")
    title = name.replace("-", " ").capitalize()
    blanks = {"TITLE": title, "NUMBER": f"{number:02d}", "NAME": name, "SEED": str(number)}
    for blank, filled in blanks.items():
        text = text.replace(blank, filled)
    write_atomically(project.source(chapter), text)
    write_atomically(contents, toc)
    print(f"Wrote chapters/{chapter}.md. Next: make run CHAPTER={number:02d}")


if __name__ == "__main__":
    sys.exit(run_command(new_chapter, ("name", {"help": "words joined by hyphens"})))
