"""Set the formulas of the pages once, when they are built, as MathML.

A reader's browser needs no script for them, and a screen reader can speak them. The font is that
of an installed package, cut down to the signs that the site has.
"""

import importlib.util
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag
from fontTools import subset
from math_core import LatexError, LatexToMathML

from tools.build.project import UserError

FONT = "_static/mathematics.woff2"
PACKAGE, FILE = "ziamath", "fonts/STIXTwoMath-Regular.ttf"
STYLES = ("displaystyle", "scriptlevel")
FORMULA = re.compile(r"\\\[(.*)\\\]|\\\((.*)\\\)", re.DOTALL)
SPLIT = re.compile(r"\\(?:begin|end)\{split\}")  # what Sphinx puts around lines; ours are aligned
LONG = 44  # signs of LaTeX; a longer displayed formula may have to scroll on a phone


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False)


def mathml(latex: str, display: bool) -> str:
    """One formula as MathML, or an error that shows it."""
    try:
        return _converter().convert_with_local_state(SPLIT.sub("", latex), displaystyle=display)
    except LatexError as error:
        raise UserError(f"the formula {latex.strip()!r} cannot be set: {error}") from None


def _put_styles_aside(formula: BeautifulSoup) -> None:
    """Sizes stand in elements of their own: only there do all readers of MathML allow them."""
    for element in formula.select("[displaystyle], [scriptlevel]"):
        allowed = {"mstyle": set(STYLES), "math": set(STYLES), "mtable": {"displaystyle"}}
        moved = [name for name in STYLES if name in element.attrs]
        moved = [name for name in moved if name not in allowed.get(element.name, set())]
        if moved:
            style = formula.new_tag(
                "mstyle", attrs={name: element.attrs.pop(name) for name in moved}
            )
            element.wrap(style)


def _set(element: Tag) -> None:
    text = next(t for t in element.find_all(string=FORMULA) if isinstance(t, NavigableString))
    found = FORMULA.search(text)
    assert found is not None
    display = found[1] is not None
    latex = found[1] if display else found[2]
    formula = BeautifulSoup(mathml(latex, display), "html.parser")
    _put_styles_aside(formula)
    text.replace_with(formula)
    if display and len(latex) > LONG:
        element["tabindex"] = "0"  # it scrolls by itself, also from the keyboard
        element["class"] = [*element.get_attribute_list("class"), "long"]


def typeset(soup: BeautifulSoup) -> None:
    """Put MathML in the place of every formula, and drop the script that would set them."""
    for element in soup.select(".math"):
        if element.find(string=FORMULA):
            _set(element)
    for script in soup.select("script"):
        if "mathjax" in (str(script.get("src", "")) + str(script.string or "")).lower():
            script.decompose()


def write_font(site: Path, texts: Iterable[str]) -> None:
    """The signs of all formulas, with what a formula makes of them: large, small, stretched."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"the package {PACKAGE} is not installed")
    options = subset.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    font = subset.load_font(Path(spec.submodule_search_locations[0]) / FILE, options)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(set("".join(texts)))))
    cutter.subset(font)
    subset.save_font(font, site / FONT, options)


ROOT = "√"  # an element and no text, drawn with this sign all the same
# A variable of one letter is shown by another sign than the one that is written: its italic.
ITALIC = {"h": "ℎ"} | {
    unicodedata.normalize("NFKC", chr(code)): chr(code)
    for code in (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
    if unicodedata.category(chr(code)) != "Cn"
}


def signs(soup: BeautifulSoup) -> str:
    """Every sign that the formulas of a page show."""
    found = {sign for formula in soup.select("math") for sign in formula.get_text()}
    if soup.select_one("msqrt, mroot"):
        found.add(ROOT)
    return "".join(found | {ITALIC[sign] for sign in found & ITALIC.keys()})
