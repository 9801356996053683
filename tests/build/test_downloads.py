"""A downloaded chapter shows its numbers and runs without the tools of the book."""

import re
import subprocess
import sys

import pytest
from nbformat import v4

from tools.build import notebook
from tools.build.project import Project, UserError
from tools.site import downloads

BOOK = Project()
LEFT = re.compile(r"\{(?:glue|ref|cite|numref|eq|doc|admonition|code)\b|^[`:]{3,}\{", re.MULTILINE)
RUN = """
import sys
from importlib import metadata
import nbformat

def needed(name, seen):
    if name.lower() not in seen:
        seen.add(name.lower())
        for text in metadata.requires(name) or []:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                try: needed(one.name, seen)
                except metadata.PackageNotFoundError: pass
    return seen

from packaging.requirements import Requirement
allowed = needed("mixfolio", needed("ipykernel", set()))
homes = metadata.packages_distributions()

class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top == "tools" or top in homes and not {h.lower() for h in homes[top]} & allowed:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)

cells = [c.source for c in nbformat.read(sys.argv[1], 4).cells if c.cell_type == "code"]
for name in [m for m in sys.modules if m.split(".")[0] in ("nbformat", "packaging")]:
    del sys.modules[name]
sys.meta_path.insert(0, Only())
try:
    import myst_nb
    raise SystemExit("myst_nb is still there")
except ModuleNotFoundError:
    pass
import matplotlib
matplotlib.use("Agg")
from IPython.display import display
space = {"__name__": "__main__", "display": display}
for number, cell in enumerate(cells):
    exec(compile(cell, f"cell {number}", "exec"), space)
print("ran", len(cells))
"""


def executed(chapter):
    if not BOOK.executed(chapter).exists():
        pytest.skip("the book has not been built")
    return notebook.read_notebook(BOOK.executed(chapter))


@pytest.mark.book
@pytest.mark.parametrize("chapter", BOOK.chapters())
def test_nothing_is_left_that_only_the_book_understands(chapter):
    recorded = executed(chapter)
    nb = downloads.readable(BOOK, chapter, recorded)
    assert "{glue:" in str(recorded)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            assert not LEFT.search(cell.source), cell.source
        else:
            assert "myst_nb" not in cell.source
            assert "papermill.record" not in str(cell.outputs)
    figures = [cell for cell in recorded.cells if "figure" in cell.metadata.get("mystnb", {})]
    captions = [c for c in nb.cells if c.cell_type == "markdown" and c["id"].endswith("-caption")]
    assert len(captions) == len(figures) > 0
    assert len(nb.cells) == len(recorded.cells) + len(captions)
    assert len({cell["id"] for cell in nb.cells}) == len(nb.cells)


def words(**values):
    sources = downloads.parse_file(BOOK.book_dir / "references.bib")
    return downloads.Words(
        values, {"fig-a": "Fig. 4.1"}, {"sum": "(4.1)"}, "page {}".format, sources
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It is {glue:text}`rate` high.", "It is 12% high."),
        ("{numref}`fig-a`, {eq}`sum`", "Fig. 4.1, (4.1)"),
        ("{doc}`other`, {doc}`this one <other>`", "page other, this one"),
        ("{cite:t}`woeltjen2019` shows", "Woeltjen (2019) shows"),
        ("$$\nx\n$$ (sum)", "$$\nx\n\\tag{4.1}\n$$"),
        ("% typed: why\nText", "Text"),
        (
            "```{admonition} Key\n:class: key-result\n\nOne.\n\n- {glue:text}`rate`\n```\nAfter",
            "> **Key**\n>\n> One.\n>\n> - 12%\nAfter",
        ),
        (
            "```{live-figure} law\n:name: fig-a\n:alt: Bars.\n\nTry {glue:text}`rate`.\n```\nAfter",
            "> **Fig. 4.1.** Try 12%. *On the book's page it moves.*\nAfter",
        ),
        (
            "```{live-figure} law\n:alt: Bars.\n\nTry.\n```",
            "> Try. *On the book's page it moves.*",
        ),
        ("````{admonition} Try\n```sh\nmake\n```\n````", "> **Try**\n>\n> ```sh\n> make\n> ```"),
    ],
)
def test_markup_of_the_book_becomes_plain(text, wanted):
    assert downloads.plain(text, words(rate="12%")) == wanted


def test_figures_that_move_are_counted_with_the_others():
    live = "```{live-figure} law\n:name: fig-live\n:alt: Bars.\n\nTry.\n```"
    cells = [v4.new_code_cell("1"), v4.new_markdown_cell(live), v4.new_code_cell("2")]
    for name, cell in zip(("fig-one", "fig-three"), cells[::2], strict=True):
        cell.metadata["mystnb"] = {"figure": {"name": name, "caption": f"See {{numref}}`{name}`."}}
    nb = downloads.readable(BOOK, BOOK.chapters()[0], v4.new_notebook(cells=cells))
    texts = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    assert texts == [
        "**Fig. 1.1.** See Fig. 1.1.",
        "> **Fig. 1.2.** Try. *On the book's page it moves.*",
        "**Fig. 1.3.** See Fig. 1.3.",
    ]


@pytest.mark.parametrize(
    "text", ["{glue:text}`gone`", "{numref}`gone`", "{cite}`gone`", "{abbr}`x`"]
)
def test_a_reference_that_leads_nowhere_is_an_error(text):
    with pytest.raises(UserError, match=r"leads nowhere|does not know"):
        downloads.plain(text, words())


def test_what_the_package_does_not_bring_is_named():
    nb = v4.new_notebook(cells=[v4.new_code_cell("import skfolio.x, json\nfrom numpy import e")])
    assert downloads._others(BOOK, nb) == ["skfolio"]


@pytest.mark.book
@pytest.mark.slow
@pytest.mark.parametrize("chapter", ["01-mean-variance", "03-simulation"])
def test_a_chapter_runs_with_the_package_alone(chapter, tmp_path):
    path = tmp_path / "chapter.ipynb"
    nb = downloads.readable(BOOK, chapter, executed(chapter))
    path.write_text(notebook.dumps(nb), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, path], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith("ran ")
