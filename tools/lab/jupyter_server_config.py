"""JupyterLab saves a chapter as it was: only what was edited changes.

Jupytext would write its versions into the head of a chapter, and break the lines of captions;
JupyterLab has another order of the words about the kernel.
"""

from typing import Any

from jupytext import myst
from nbformat import NotebookNode

c = get_config()  # noqa: F821
c.JupytextConfiguration.notebook_metadata_filter = (
    "-jupytext.text_representation.format_version,-jupytext.text_representation.jupytext_version"
)


class Dumper(myst.CompactDumper):
    """Options of a cell: a paragraph is one line, and a text of paragraphs is a block."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "width": float("inf")})

    def text(self, value: str) -> Any:
        block = "|" if "\n" in value else None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=block)

    def mapping(self, value: dict[str, Any]) -> Any:
        kernel = "display_name" in value
        return myst.represent_dict(self, dict(sorted(value.items())) if kernel else value)


Dumper.add_representer(str, Dumper.text)
for kind in (dict, NotebookNode):
    Dumper.add_representer(kind, Dumper.mapping)
myst.CompactDumper = Dumper
