"""Sphinx extension: docstrings may write absolute values as \\|x\\| without escaping them."""

import re

ABSOLUTE = re.compile(r"(?<!\\)\|(?=\S)([^|`]*?\S)\|")


def escape_bars(app, what, name, obj, options, lines: list[str]) -> None:
    """Keep reStructuredText from reading ``|x|`` as the name of a substitution."""
    for number, line in enumerate(lines):
        if "``" not in line:
            lines[number] = ABSOLUTE.sub(r"\\|\1\\|", line)


def setup(app) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
