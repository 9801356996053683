"""Clean the rendered pages: accessibility, validity, weight."""

from pathlib import Path


def polish(site: Path, chapters: list[str]) -> None:
    """Placeholder of the steps to come: the pages stay as the theme made them."""
