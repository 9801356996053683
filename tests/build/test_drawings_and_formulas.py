"""What the pages make of drawings and formulas, without a browser."""

import colorsys
import itertools

import pytest
from bs4 import BeautifulSoup

from mixfolio import plotting
from tools.build.project import UserError
from tools.site import drawings, mathematics

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="540pt" height="288pt"><metadata>x</metadata>'
    '<g transform="scale(0.11 -0.11)"/><path style="fill: COLOUR"/></svg>'
)


def dark(colour):
    made = drawings.darken(SVG.replace("COLOUR", colour.lower()))
    return made.split("fill: ")[1][:7]


def parts(colour):
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts(colour)]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", plotting.CYCLE)
def test_a_colour_keeps_its_hue_and_can_be_seen_in_the_dark(colour):
    old, new = (colorsys.rgb_to_hls(*parts(c)) for c in (colour, dark(colour)))
    assert contrast(dark(colour), drawings.PAPER) >= 3
    if old[2] > 0.1:
        assert new[0] == pytest.approx(old[0], abs=0.02)


@pytest.mark.parametrize("pair", [*itertools.combinations(plotting.CYCLE, 2)])
def test_no_two_colours_swap_their_looks(pair):
    """Of two colours with one hue, the lighter one stays the lighter one."""
    old, new = ([colorsys.rgb_to_hls(*parts(f(c))) for c in pair] for f in (str, dark))
    assert dark(pair[0]) != dark(pair[1])
    if abs(old[0][0] - old[1][0]) < 0.05 and min(old[0][2], old[1][2]) > 0.1:
        assert (old[0][1] < old[1][1]) == (new[0][1] < new[1][1])


def test_the_ground_is_that_of_the_page_and_letters_are_light():
    made = drawings.darken(SVG.replace("COLOUR", "#ffffff"))
    assert f"fill: {drawings.PAPER}" in made
    assert f'<svg fill="{drawings.INK}"' in made
    assert "metadata" not in made


def test_a_drawing_says_how_wide_its_letters_need_it():
    width, height, least = drawings.size(SVG)
    assert (width, height) == (720, 384)
    assert 11 * 4 / 3 * least / width == pytest.approx(drawings.LEAST_TEXT, abs=0.05)


def test_a_formula_is_set_when_the_page_is_built():
    soup = BeautifulSoup(
        r'<div class="math"><span class="eqno">(1)</span>\[\sqrt{1 - N/T}\]</div>'
        r'<script src="mathjax.js"></script><script>window.MathJax = {}</script>',
        "html.parser",
    )
    mathematics.typeset(soup)
    assert soup.select_one("div.math > math[display=block] msqrt")
    assert soup.select_one("span.eqno").get_text() == "(1)"
    assert not soup.select("script")


def test_sizes_of_parts_stand_in_elements_of_their_own():
    soup = BeautifulSoup(
        r'<span class="math">\(\tfrac12 + \underbrace{a}_{b}\)</span>', "html.parser"
    )
    mathematics.typeset(soup)
    assert soup.select("mstyle[displaystyle] > mfrac")
    assert not soup.select(":not(mstyle, math, mtable)[displaystyle], :not(mstyle)[scriptlevel]")


def test_a_formula_that_cannot_be_set_is_named():
    soup = BeautifulSoup(r'<span class="math">\(\nosuchthing{x}\)</span>', "html.parser")
    with pytest.raises(UserError, match=r"nosuchthing\{x\}"):
        mathematics.typeset(soup)


def test_the_font_has_the_italics_of_variables():
    formula = BeautifulSoup("<math><mi>w</mi><mi>h</mi><mi>σ</mi><mn>1</mn></math>", "html.parser")
    assert set(mathematics.signs(formula)) == set("whσ1𝑤ℎ𝜎")


def test_the_font_has_the_sign_of_a_root():
    """A root is an element without a text; without the sign a browser draws none."""
    root = BeautifulSoup("<math><msqrt><mi>x</mi></msqrt></math>", "html.parser")
    plain = BeautifulSoup("<math><mi>x</mi></math>", "html.parser")
    assert mathematics.ROOT in mathematics.signs(root)
    assert mathematics.ROOT not in mathematics.signs(plain)
