"""The few icons of the site, drawn inline: the theme's icon script weighs 1.5 MB."""

from bs4 import BeautifulSoup, Tag

# Strokes on a 24 x 24 grid.
SHAPES = {
    "angle-left": '<path d="M15 5l-7 7 7 7"/>',
    "angle-right": '<path d="M9 5l7 7-7 7"/>',
    "arrow-up": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "bars": '<path d="M4 6h16M4 12h16M4 18h16"/>',
    "chevron-down": '<path d="M6 9l6 6 6-6"/>',
    "circle-half-stroke": '<circle cx="12" cy="12" r="9"/>'
    '<path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>',
    "download": '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
    "file": '<path d="M6 3h8l4 4v14H6zM14 3v4h4"/>',
    "file-pdf": '<path d="M7 9V3h10v6M7 17H4v-8h16v8h-3M7 14h10v7H7z"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1"/>',
    "magnifying-glass": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>',
    "moon": '<path d="M20 14a8 8 0 1 1-10-10 7 7 0 0 0 10 10z"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2v3M12 19v3M2 12h3M19 12h3'
    'M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2"/>',
}
STYLES = {"fa", "fas", "far", "fab", "fa-solid", "fa-regular", "fa-brands", "fa-lg"}


def svg(name: str) -> Tag:
    """The icon as an element that assistive technology passes over."""
    markup = (
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f"{SHAPES[name]}</svg>"
    )
    return BeautifulSoup(markup, "html.parser").svg


def replace_icons(soup: BeautifulSoup) -> None:
    """Put drawings in the place of the theme's icon-font elements."""
    for element in soup.find_all(["i", "span"], class_=lambda name: name in STYLES):
        classes = element["class"]
        name = next(item[3:] for item in classes if item.startswith("fa-") and item not in STYLES)
        icon = svg(name)
        icon["class"] = ["icon", *(item for item in classes if not item.startswith("fa"))]
        if "data-mode" in element.attrs:
            icon["data-mode"] = element["data-mode"]
        element.replace_with(icon)
