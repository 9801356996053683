"""MathJax and its fonts, copied from an installed package so that pages need no network."""

import importlib.util
import shutil
from pathlib import Path

PACKAGE = "sphinx-mathjax-offline"
PARTS = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts/woff-v2")


def source() -> Path:
    """Directory of MathJax in the installed package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {PACKAGE} is not installed")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy(target: Path) -> None:
    """Put the parts that the site needs into ``target``."""
    for name in PARTS:
        part = source() / name
        if part.is_dir():
            shutil.copytree(part, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part, target / name)
