"""Drawings for the dark scheme and for the phone, made from the ones that the chapters draw.

A drawing on a light ground is no drawing on a dark one: turned by a filter, two methods whose
colours differ in lightness only would swap their looks. Here hues stay, colours grow lighter but
keep their order, and the greys are turned around.

On a phone a drawing is not made smaller, it is another one: chapters draw every figure twice (see
``tools/build/kernel_site/phone_figures.py``), and a page shows the one that its width asks for.
"""

import colorsys
import hashlib
import re

from nbformat import NotebookNode

from tools.build import notebook

PAPER, INK = "#15181a", "#dfdcd4"  # ground and text of the dark pages, as in book.css
LEAST_TEXT = 9  # pixels
NARROW = "screen and (max-width: 640px)"  # where phones' drawings are shown, as in book.css
NARROW_TEXT = 608  # pixels that the text has on a screen of this width
SVG = "image/svg+xml"
HIDDEN = {"remove-cell", "remove-output"}
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
FONT = re.compile(r"scale\((0\.\d+) -0\.\d+\)")  # Matplotlib's outlines of letters, in points / 100
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
PANELS = re.compile(r'<svg\b[^>]*? data-panels="(\d+) (\d+) (\d+) (\d+)"')
GLYPHS = re.compile(r"scale\((0\.\d+) -0\.\d+\)|<use [^>]*scale\((0\.\d+)\)")
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


def letters(svg: str) -> list[float]:
    """Sizes of all letters in pixels, those of exponents and subscripts as they are drawn."""
    found, size = [], 0.0
    for whole, part in GLYPHS.findall(svg):
        size = 100 * float(whole) * PIXELS if whole else size
        found.append(size * float(part or 1))
    return found


def name_of_phone(svg: str) -> str:
    """The file of the phone's drawing, by the drawing that it stands in for."""
    return hashlib.sha256("\n".join(svg.splitlines()).encode()).hexdigest() + ".phone.svg"


def take_phones(nb: NotebookNode) -> dict[str, str]:
    """Take the phones' drawings out of an executed chapter; those that its page shows, by file."""
    found = {}
    for cell in notebook.code_cells(nb):
        for data in (output.data for output in cell.outputs if "data" in output):
            phone = data.pop(notebook.PHONE, None)
            if phone and SVG in data and not HIDDEN & set(notebook.tags(cell)):
                found[name_of_phone(data[SVG])] = phone
    return found


def moved_panels(phone: str) -> str:
    """What a caption that speaks of places has to say of a drawing whose panels have moved."""
    found = PANELS.search(phone)
    rows, columns, new_rows, new_columns = map(int, found.groups()) if found else (1, 1, 1, 1)
    if (rows, columns) == (new_rows, new_columns):
        return ""
    if rows > 1 and (rows, columns) == (new_columns, new_rows):
        return "turned"
    if new_columns > 1:
        return "rows"
    return "listed" if rows > 1 else "stacked"
