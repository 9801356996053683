"""What this book asks of Sphinx and Sphinx does not do by itself.

- Chapter ``NN-name`` has the number NN, also while others are missing. Sphinx counts the chapters
  of the contents. Here sections, figures and equations take the number of the file, which is the
  one that ``make run CHAPTER=NN`` takes.
- Docstrings may write absolute values as \\|x\\| without escaping them.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

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


def escape_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep reStructuredText from reading ``|x|`` as the name of a substitution."""
    for number, line in enumerate(lines):
        if "``" not in line:
            lines[number] = ABSOLUTE.sub(r"\\|\1\\|", line)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", number_by_file)
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
