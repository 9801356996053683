"""What this book asks of Sphinx and Sphinx does not do by itself.

- Chapter ``NN-name`` has the number NN, also while others are missing. Sphinx counts the chapters
  of the contents. Here sections, figures and equations take the number of the file, which is the
  one that ``make run CHAPTER=NN`` takes.
- Docstrings may write absolute values as \\|x\\| without escaping them.
- The role ``minutes`` says how long a chapter takes to read.
- The directive ``live-figure`` puts a figure that moves into a page; its content is the caption.
"""

import html
import json
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

try:  # the collector of Jupyter Book's table of contents, which counts last
    from sphinx_external_toc.collectors import TocTreeCollectorWithStyles as Collector
except ImportError:
    from sphinx.environment.collectors.toctree import TocTreeCollector as Collector

ABSOLUTE = re.compile(r"(?<!\\)\|(?=\S)([^|`]*?\S)\|")
NUMBERED = re.compile(r"(?:.*/)?(\d\d)-[^/]+")


def file_number(docname: str) -> int | None:
    match = NUMBERED.fullmatch(docname)
    return int(match[1]) if match else None


def _renumber(env: BuildEnvironment, docname: str, number: int) -> None:
    """Put the number of the file first in every section number of a document."""
    numbers = env.toc_secnumbers[docname]
    env.toc_secnumbers[docname] = {
        anchor: (number, *old[1:]) if old else old for anchor, old in numbers.items()
    }
    for node in [*env.tocs[docname].findall(nodes.reference), env.titles[docname]]:
        if node.get("secnumber"):
            node["secnumber"] = [number, *node["secnumber"][1:]]


def number_by_file(app: Sphinx) -> None:
    """Let the collector of section numbers renumber what it has counted."""
    count = Collector.assign_section_numbers

    def assign(self: Collector, env: BuildEnvironment) -> list[str]:
        changed = count(self, env)
        for docname in list(env.toc_secnumbers):
            if (number := file_number(docname)) is not None:
                _renumber(env, docname, number)
        return changed

    Collector.assign_section_numbers = assign


def minutes(
    role: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Any,
    options: Any = None,
    content: Any = (),
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """The time that the chapter with this number takes to read, counted when the page is made."""
    source = Path(inliner.document.settings.env.srcdir)
    found = sorted((source / "chapters").glob(f"{text}-*.ipynb"))
    if not found:
        return [], [inliner.reporter.error(f"there is no chapter {text}", line=lineno)]
    return [nodes.Text(str(reading_minutes(found[0])))], []


def reading_minutes(path: Path) -> int:
    """Words of a notebook's text, and half a minute for each of its figures and tables."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    words, looks = 0, 0
    for cell in cells:
        if cell["cell_type"] == "markdown":
            words += len("".join(cell["source"]).split())
        elif "remove-cell" not in cell["metadata"].get("tags", []):
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            looks += any(kind.startswith("image/") or kind == "text/html" for kind in kinds)
    return max(1, round(words / 220 + looks / 2))


def escape_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep reStructuredText from reading ``|x|`` as the name of a substitution."""
    for number, line in enumerate(lines):
        if "``" not in line:
            lines[number] = ABSOLUTE.sub(r"\\|\1\\|", line)


class LiveFigure(SphinxDirective):
    """``{live-figure} law``: what is kept of a figure of ``live.js``, which then moves it.

    With a name the figure is numbered like the others. The option alt is required.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged, "alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        kept = Path(self.env.srcdir) / "_live" / f"{self.arguments[0]}.html"
        if not kept.is_file() or not self.options.get("alt"):
            raise self.error(f"a live figure needs an option alt, and {kept.name} in book/_live")
        self.env.note_dependency(str(kept))
        figure = nodes.figure(classes=["live-figure"])
        drawing = f'<svg role="img" aria-label="{html.escape(self.options["alt"])}"'
        markup = kept.read_text(encoding="utf-8").replace("<svg", drawing, 1)
        figure += nodes.raw("", markup, format="html")
        said = self.parse_content_to_nodes()
        if "name" in self.options:
            self.add_name(figure)
            figure += nodes.caption("", "", *(child for part in said for child in part.children))
        else:
            figure += nodes.legend("", *said)
        return [figure]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", number_by_file)
    app.add_directive("live-figure", LiveFigure)
    app.add_role("minutes", minutes)
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
