"""Keep the first state of the figures that move: ``python -m tools.site.live_figures``.

``book/_static/live.js`` draws them in the reader's browser. What it draws first is kept in
``book/_live``, and is what a page shows before the script runs, or without it. The tests tell when
the script would draw something else.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from tools.build.project import Project, UserError, run_command

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def markup(name: str, first: dict[str, Any]) -> str:
    """The part of a page that the script takes over."""
    return (
        f'<div class="live" data-live="{name}">\n'
        f'<svg viewBox="0 0 440 {first["height"]}">{first["svg"]}</svg>\n'
        f'<p class="live-says">{first["says"]}</p>\n</div>\n'
    )


def drawn(tab: Any, script: Path) -> dict[str, str]:
    """The markup of every figure, by name, from a page of a browser."""
    tab.goto("about:blank")
    tab.add_script_tag(path=str(script))
    found = tab.evaluate(
        "Object.keys(liveFigures.figures).map(name => [name, liveFigures.snapshot(name)])"
    )
    return {name: markup(name, first) for name, first in found}


def keep(project: Project) -> None:
    """Write what a browser draws into ``book/_live``."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UserError("the figures are drawn by a Chromium browser, and none is installed")
    from playwright.sync_api import sync_playwright  # only here: the pages are made without it

    folder = project.book_dir / "_live"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, text in drawn(chromium.new_page(), project.book_dir / "_static/live.js").items():
            (folder / f"{name}.html").write_text(text, encoding="utf-8")
        chromium.close()


if __name__ == "__main__":
    sys.exit(run_command(keep))
