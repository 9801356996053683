"""Gather what Jupyter Book renders: the book's pages and the executed chapters."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tools.build import notebook
from tools.build.project import Project, UserError
from tools.site import api_pages, benchmarks_page, benchmarks_picture, colophon_page, drawings

GENERATED = {"benchmarks": benchmarks_page.page, "colophon": colophon_page.page}


def contents(project: Project, reference: Iterable[str]) -> dict[str, Any]:
    """The table of contents, with the pages of the package's reference below its index."""
    toc = yaml.safe_load((project.book_dir / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc.get("parts", []):
        for entry in part["chapters"]:
            if entry["file"] == "api":
                entry["sections"] = [{"file": name} for name in reference if name != "api"]
    return dict(toc)


def toc_entries(toc: Any) -> list[str]:
    """Every page that a table of contents names, in order."""
    if isinstance(toc, list):
        return [entry for node in toc for entry in toc_entries(node)]
    if not isinstance(toc, dict):
        return []
    own = [toc[key] for key in ("root", "file") if key in toc]
    return own + [entry for node in toc.values() for entry in toc_entries(node)]


def pages(project: Project) -> list[str]:
    """Every page of the book, in order."""
    return toc_entries(contents(project, api_pages.pages(project)))


def require_all_pages(project: Project, entries: list[str], made: Iterable[str]) -> None:
    """Fail when a page of the contents has no source, or a chapter is not in the contents."""
    chapters = {f"chapters/{name}" for name in project.chapters()}
    missing = [
        entry
        for entry in entries
        if entry not in chapters.union(made) and not (project.book_dir / f"{entry}.md").exists()
    ]
    if missing:
        raise UserError(f"book/_toc.yml names pages that do not exist: {', '.join(missing)}")
    forgotten = sorted(chapters - set(entries))
    if forgotten:
        raise UserError(f"book/_toc.yml does not name: {', '.join(forgotten)}")


def _copy_pages(project: Project, target: Path) -> None:
    """A fresh source tree with the book's own pages and an empty chapters folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project.book_dir, target)
    (target / "chapters").mkdir()
    (target / "_extra" / "_sources" / "chapters").mkdir(parents=True)
    (target / "_extra" / "_images").mkdir()


def _copy_chapter(project: Project, chapter: str, executed: Path, target: Path) -> None:
    """The chapter for Jupyter Book, and beside it what only a narrow page shows."""
    nb = notebook.read_notebook(executed)
    for name, drawing in drawings.take_phones(nb).items():
        (target / "_extra" / "_images" / name).write_text(drawing, encoding="utf-8", newline="\n")
    page = target / "chapters" / f"{chapter}.ipynb"
    page.write_text(notebook.dumps(nb), encoding="utf-8", newline="\n")
    source = target / "_extra" / "_sources" / "chapters" / f"{chapter}.md"
    shutil.copyfile(project.source(chapter), source)


def stage(project: Project, target: Path) -> list[str]:
    """Make the source tree for Jupyter Book; returns the pages of its contents."""
    reference = api_pages.pages(project)
    toc = contents(project, reference)
    entries = toc_entries(toc)
    require_all_pages(project, entries, [*reference, *GENERATED])
    _copy_pages(project, target)
    (target / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    for chapter in project.chapters():
        _copy_chapter(project, chapter, project.executed(chapter), target)
    made = reference | {name: page(project) for name, page in GENERATED.items() if name in entries}
    for name in made.keys() & set(entries):
        (target / f"{name}.md").write_text(made[name], encoding="utf-8")
    drawing = benchmarks_picture.picture(project) if "benchmarks" in entries else None
    if drawing is not None:
        (target / benchmarks_page.PICTURE).write_text(drawing, encoding="utf-8")
    return entries


def restaged(project: Project, path: Path) -> tuple[str, str] | None:
    """Name and text of a page in the source tree after an edit of prose; None for other edits."""
    if path.suffix != ".md" or not path.is_file():
        return None
    if path.parent == project.book_dir:
        return path.name, path.read_text(encoding="utf-8")
    executed = project.executed(path.stem)
    if path.parent != project.chapters_dir or not executed.exists():
        return None
    new, old = notebook.read_chapter(path), notebook.read_notebook(executed)
    codes = [[(c.source, notebook.tags(c)) for c in notebook.code_cells(nb)] for nb in (new, old)]
    if codes[0] != codes[1]:
        return None
    for cell, known in zip(notebook.code_cells(new), notebook.code_cells(old), strict=True):
        cell.outputs, cell.execution_count = known.outputs, known.execution_count
    drawings.take_phones(new)  # they are beside the pages already
    return f"chapters/{path.stem}.ipynb", notebook.dumps(new)


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
