"""What a page may load and run: its Content-Security-Policy.

The policy stands in the page itself, so that it holds on any server and for pages opened from a
disk. Scripts are files of the site, or stand in the page and are named by their hash. Styles may
stand in the page: the theme's script writes some, and drawings bring their sizes.
"""

import base64
import hashlib
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

NAME = "Content-Security-Policy"
HERE = "'self' file:"  # in pages from a disk some browsers take 'self' for nothing
PRINT = (
    "for (const button of document.querySelectorAll('[data-print]')) button.onclick = () => print()"
)


def _text(script: Tag) -> str:
    return str(script.string or "")


def _hash(script: Tag) -> str:
    digest = hashlib.sha256(_text(script).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _inline(soup: BeautifulSoup) -> list[Tag]:
    return [tag for tag in soup.find_all("script") if "src" not in tag.attrs and _text(tag)]


def _policy(soup: BeautifulSoup) -> str:
    hashes = sorted({_hash(script) for script in _inline(soup)})
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join([HERE, *hashes])}",
            f"style-src {HERE} 'unsafe-inline'",
            f"img-src {HERE} data:",
            f"font-src {HERE}",
            "connect-src 'self'",  # search fetches pages for its summaries
            f"form-action {HERE}",
            "base-uri 'none'",
        )
    )


def _handlers(soup: BeautifulSoup) -> Iterator[tuple[Tag, str]]:
    """Elements with an attribute that is a script."""
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            if name.startswith("on") or str(value).strip().lower().startswith("javascript:"):
                yield tag, name


def _move_handlers(soup: BeautifulSoup) -> None:
    """The buttons that print the page get their action from a script; the theme has no others."""
    buttons = soup.select('[onclick="window.print()"]')
    for button in buttons:
        del button["onclick"]
        button["data-print"] = ""
    if buttons:
        script = soup.new_tag("script")
        script.string = PRINT
        soup.body.append(script)


def protect(soup: BeautifulSoup) -> None:
    """Write the policy into the head of a page that is otherwise finished."""
    _move_handlers(soup)
    meta = soup.new_tag("meta", attrs={"http-equiv": NAME, "content": _policy(soup)})
    soup.find("meta", charset=True).insert_after(meta)


def problems(soup: BeautifulSoup) -> Iterator[str]:
    """What the policy of a page forbids although the page has it, or allows without need."""
    for tag, name in _handlers(soup):
        yield f"has a script in the attribute {name} of <{tag.name}>"
    found = soup.select(f'head > meta[http-equiv="{NAME}"]')
    if len(found) != 1:
        yield f"has {len(found)} policies ({NAME}), not one"
        return
    if found[0].find_previous(["script", "link", "style"]):
        yield f"has its {NAME} only after something that it should hold for"
    content = str(found[0].get("content", ""))
    for script in _inline(soup):
        if _hash(script) not in content:
            yield f"has a script whose hash is not in its policy: {_text(script)[:40]!r}"
    if content != _policy(soup):
        yield "has another policy than the one that its scripts need"
