"""Check the rendered pages before they replace the site."""

from pathlib import Path


def check(site: Path, pages: list[str]) -> list[str]:
    """Problems of the site, one a line: so far, pages of the contents that do not exist."""
    return [f"{page}: no page was made" for page in pages if not (site / f"{page}.html").exists()]
