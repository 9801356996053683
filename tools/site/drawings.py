"""Drawings for the dark scheme and for the phone, made from the ones that the chapters draw.

A drawing on a light ground is no drawing on a dark one: turned by a filter, two methods whose
colours differ in lightness only would swap their looks. Here hues stay, colours grow lighter but
keep their order, and the greys are turned around.
"""

import colorsys
import re

PAPER, INK = "#15181a", "#dfdcd4"  # ground and text of the dark pages, as in book.css
LEAST_TEXT = 9  # pixels
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
FONT = re.compile(r"scale\((0\.\d+) -0\.\d+\)")  # Matplotlib's outlines of letters, in points / 100
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
SIZE = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)pt"[^>]*?\sheight="([\d.]+)pt"')
PIXELS = 4 / 3  # a point


def _dark(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    if light == 1:
        return PAPER
    light = 0.92 - 0.78 * light if saturation < 0.1 else 0.45 + 0.5 * light
    mixed = colorsys.hls_to_rgb(hue, light, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in mixed)


def darken(svg: str) -> str:
    """The drawing in the colours of the dark scheme."""
    coloured = COLOUR.sub(lambda match: _dark(match[0]), METADATA.sub("", svg))
    return coloured.replace(
        "<svg ", f'<svg fill="{INK}" ', 1
    )  # letters have no colour of their own


def size(svg: str) -> tuple[int, int, int] | None:
    """Width and height in pixels, and the width below which its text cannot be read."""
    found = SIZE.search(svg)
    if found is None:
        return None
    width, height = (float(points) * PIXELS for points in found.groups())
    letters = [100 * float(scale) * PIXELS for scale in FONT.findall(svg)]
    least = width * min(1.0, LEAST_TEXT / min(letters)) if letters else 0
    return round(width), round(height), round(least)
