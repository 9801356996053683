"""Render the site: ``python -m tools.site.render [--preview]``.

The pages are built in ``build/site.partial``, cleaned and checked there, and
take the place of ``build/site`` only when everything is right.
"""

import os
import shutil
import sys
from pathlib import Path

from tools import environment
from tools.build.project import (
    Argument,
    Project,
    UserError,
    run_command,
    run_python,
    write_atomically,
)
from tools.site import check_site, downloads, polish_html, stage, style_sheets

JUPYTER_BOOK = ("-c", "from jupyter_book.cli.main import main; main()", "build")
KEPT = ("_static", "_sources")
STRICT = ("-W", "-n", "--keep-going")  # a warning, also of a missing reference, is an error


class RenderError(UserError):
    """Jupyter Book reports an error or a warning."""


def jupyter_book(project: Project, source: Path, work: Path, *options: str) -> Path:
    """Render ``source`` with Jupyter Book; returns the directory of the pages."""
    status, output = run_python(
        project,
        *(*JUPYTER_BOOK, source, "--config", project.config, "--path-output", work, "-q", *options),
        PYTHONPATH=os.pathsep.join([str(project.source_dir), os.environ.get("PYTHONPATH", "")]),
        PYTHONHASHSEED="0",
        SOURCE_DATE_EPOCH="0",
    )
    if status:
        raise RenderError(output)
    return work / "_build" / "html"


def swap(new: Path, current: Path) -> None:
    """Let ``new`` take the place of ``current`` by renaming."""
    old = current.with_name(f"{current.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if current.exists():
        current.replace(old)
    new.replace(current)
    shutil.rmtree(old, ignore_errors=True)


def render(project: Project, target: Path, keep: bool = False) -> None:
    """Stage, render, clean and check the book, then put it at ``target``.

    What Sphinx remembers is kept where :func:`refresh` shall go on from it.
    """
    source, work = (project.build_dir / f"{target.name}.{kind}" for kind in ("book", "work"))
    partial = target.with_name(f"{target.name}.partial")
    for directory in (work, partial):
        shutil.rmtree(directory, ignore_errors=True)
    pages = stage.stage(project, source)
    made = jupyter_book(project, source, work, *STRICT)
    shutil.copytree(made, partial)
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    polish_html.polish(partial, pages[0], project)
    if not keep:  # an edit may need any rule
        style_sheets.prune(partial)
    downloads.write(project, partial)
    problems = check_site.check(partial, pages, project)
    if problems:
        raise RenderError("\n".join(problems))
    swap(partial, target)


def refresh(project: Project, target: Path, changed: list[Path]) -> bool:
    """Bring edits of prose to the pages at ``target``; False if anything else has changed.

    Nothing is executed: the outputs of an edited chapter are those that it had.
    """
    source, work = (project.build_dir / f"{target.name}.{kind}" for kind in ("book", "work"))
    staged = {path: stage.restaged(project, path) for path in changed}
    if not (work / "_build").is_dir() or not all(staged.values()):
        return False
    for name, text in filter(None, staged.values()):
        if not (source / name).exists():
            return False
        write_atomically(source / name, text)
    before = {path: path.stat().st_mtime_ns for path in _files(work / "_build" / "html")}
    made = jupyter_book(project, source, work, *STRICT)
    root, pages = f"{stage.pages(project)[0]}.html", []
    for path in _files(made):
        name = path.relative_to(made).as_posix()
        if path.stat().st_mtime_ns == before.get(path) or name == "index.html":
            continue
        page = target / ("index.html" if name == root else name)
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, page)
        pages += [page] * (page.suffix == ".html")
    polish_html.polish_again(target, pages, root.removesuffix(".html"), project)
    return True


def _files(folder: Path) -> list[Path]:
    """Pages, pictures and the index of the search; downloads wait for the next whole build."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if path.relative_to(folder).parts[0] not in KEPT]


def render_one(project: Project, chapter: str, executed: Path) -> Path:
    """Render a single chapter beside its executed notebook; returns the page.

    References to other chapters lead nowhere here, so warnings are let pass.
    """
    target = executed.with_suffix("")
    source, work = (target.with_name(f"{target.name}.{kind}") for kind in ("book", "work"))
    for directory in (work, target):
        shutil.rmtree(directory, ignore_errors=True)
    root, page = stage.stage_one(project, chapter, executed, source)
    jupyter_book(project, source, work).replace(target)
    for directory in (work, source):
        shutil.rmtree(directory, ignore_errors=True)
    polish_html.polish(target, root, project)
    downloads.write(project, target)
    return target / f"{page}.html"


def render_site(project: Project, preview: bool) -> None:
    environment.require_writable_build(project.root)
    render(project, project.build_dir / "preview" if preview else project.site_dir, preview)


PREVIEW: Argument = ("--preview", {"action": "store_true", "help": "render into build/preview"})

if __name__ == "__main__":
    sys.exit(run_command(render_site, PREVIEW))
