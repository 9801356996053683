"""Sphinx extension: chapter ``NN-name`` has the number NN, also while others are missing.

Sphinx counts the chapters of the contents. Here sections, figures and equations
take the number of the file, which is the one that ``make run CHAPTER=NN`` takes.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

try:  # the collector of Jupyter Book's table of contents, which counts last
    from sphinx_external_toc.collectors import TocTreeCollectorWithStyles as Collector
except ImportError:
    from sphinx.environment.collectors.toctree import TocTreeCollector as Collector

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


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", number_by_file)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
