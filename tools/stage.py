"""Gather what Jupyter Book renders: the book's pages and the executed chapters."""

import shutil
from functools import partial
from pathlib import Path

import yaml

from tools import api_pages, benchmarks_page, colophon, mathjax
from tools.project import Project, UserError

GENERATED = {"api": api_pages.index, "benchmarks": benchmarks_page.page,
             "colophon": colophon.page}
GENERATED |= {page: partial(api_pages.topic, page=page) for page in api_pages.TOPICS}


def toc_entries(toc: Path) -> list[str]:
    """Every page that the table of contents names, in order."""
    found: list[str] = []

    def visit(node: object) -> None:
        if isinstance(node, dict):
            found.extend(node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(yaml.safe_load(toc.read_text(encoding="utf-8")))
    return found


def require_all_pages(project: Project, entries: list[str]) -> None:
    """Fail when a page of the contents has no source, or a chapter is not in the contents."""
    chapters = {f"chapters/{name}" for name in project.chapters()}
    missing = [entry for entry in entries if entry not in chapters | GENERATED.keys()
               and not (project.book_dir / f"{entry}.md").exists()]
    if missing:
        raise UserError(f"book/_toc.yml names pages that do not exist: {', '.join(missing)}")
    forgotten = sorted(chapters - set(entries))
    if forgotten:
        raise UserError(f"book/_toc.yml does not name: {', '.join(forgotten)}")


def _copy_pages(project: Project, target: Path) -> None:
    """A fresh source tree with the book's own pages, MathJax and an empty chapters folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project.book_dir, target)
    (target / "chapters").mkdir()
    (target / "_extra" / "_sources" / "chapters").mkdir(parents=True)
    mathjax.copy(target / "_extra" / "_static" / "mathjax")


def _copy_chapter(project: Project, chapter: str, executed: Path, target: Path) -> None:
    shutil.copyfile(executed, target / "chapters" / f"{chapter}.ipynb")
    source = target / "_extra" / "_sources" / "chapters" / f"{chapter}.md"
    shutil.copyfile(project.source(chapter), source)


def stage(project: Project, target: Path) -> list[str]:
    """Make the source tree for Jupyter Book; returns the pages of its contents."""
    entries = toc_entries(project.book_dir / "_toc.yml")
    require_all_pages(project, entries)
    _copy_pages(project, target)
    for chapter in project.chapters():
        _copy_chapter(project, chapter, project.executed(chapter), target)
    for name, page in GENERATED.items():
        if name in entries:
            (target / f"{name}.md").write_text(page(project), encoding="utf-8")
    return entries


def stage_one(project: Project, chapter: str, executed: Path, target: Path) -> tuple[str, str]:
    """Make the source tree of a book with a single chapter; returns first page and chapter.

    The first page of a book carries no numbers, so the bibliography is put there.
    """
    _copy_pages(project, target)
    _copy_chapter(project, chapter, executed, target)
    page, root = f"chapters/{chapter}", "bibliography"
    part = {"caption": "Rerun", "numbered": True, "chapters": [{"file": page}]}
    contents = {"format": "jb-book", "root": root, "parts": [part]}
    (target / "_toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
    return root, page
