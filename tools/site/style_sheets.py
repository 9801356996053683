"""Leave out of the theme's style sheets what no page of the book can use.

A selector is left out when it asks for a class that neither a page nor a script of the site
names. Three quarters of the largest sheet are such. Sheets of the book itself stay as they are.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tools.site.polish_html import html_pages

OWN = {"book.css"}
PARTS = re.compile(
    r"""/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[{};,()\[\]]|[^{};,()\[\]"'\\/]+|/""",
    re.DOTALL,
)
CONDITIONS = ("@media", "@supports", "@layer")
NOT_ASKED = re.compile(
    r"\[[^\]]*\]|:not\((?:[^()]|\([^()]*\))*\)|:(?:is|where|has)\((?:[^()]|\([^()]*\))*\)"
)
CLASS = re.compile(r"\.(-?[A-Za-z_](?:[\w-]|\\.)*)")
ATTRIBUTE = re.compile(r'\bclass="([^"]*)"')
INLINE = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
WORD = re.compile(r"[A-Za-z_-][\w-]*")


def known_classes(site: Path) -> set[str]:
    """Classes of the pages, and every word of the scripts, which may become one."""
    found: set[str] = set()
    for page in html_pages(site):
        text = page.read_text(encoding="utf-8")
        for names in ATTRIBUTE.findall(text):
            found.update(names.split())
        for script in INLINE.findall(text):
            found.update(WORD.findall(script))
    for path in site.glob("_static/**/*.js"):
        if path.name != "search-index.js":
            found.update(WORD.findall(path.read_text(encoding="utf-8")))
    return found


def _rules(text: str) -> Iterator[tuple[str, str | None]]:
    """What stands before each block of a sheet, and what is in the block; None for a statement."""
    before, inside, depth = "", "", 0
    for part in PARTS.findall(text):
        if part.startswith("/*"):
            if part.startswith("/*!") and not depth:  # who wrote it, under which licence
                yield part, None
        elif part == "{":
            depth += 1
            inside += part if depth > 1 else ""
        elif part == "}":
            depth -= 1
            if depth:
                inside += part
            else:
                yield before.strip(), inside
                before = inside = ""
        elif depth:
            inside += part
        elif part == ";":
            yield f"{before.strip()};", None
            before = ""
        else:
            before += part


def _selectors(text: str) -> Iterator[str]:
    """The selectors of a rule, divided where a comma stands outside of brackets."""
    one, depth = "", 0
    for part in PARTS.findall(text):
        depth += (part in "([") - (part in ")]") if len(part) == 1 else 0
        if part == "," and not depth:
            yield one
            one = ""
        else:
            one += part
    yield one


def _usable(selector: str, known: set[str]) -> bool:
    needed = CLASS.findall(NOT_ASKED.sub("", selector))
    return all(re.sub(r"\\(.)", r"\1", name) in known for name in needed)


def pruned(text: str, known: set[str]) -> str:
    """A style sheet without the rules for classes that nobody has."""
    kept = []
    for before, inside in _rules(text):
        if inside is None:
            kept.append(before)
        elif before.startswith(CONDITIONS):
            if left := pruned(inside, known):
                kept.append(f"{before}{{{left}}}")
        elif before.startswith("@"):
            kept.append(f"{before}{{{inside}}}")
        elif usable := [one for one in _selectors(before) if _usable(one, known)]:
            kept.append(f"{','.join(usable)}{{{inside}}}")
    return "\n".join(kept)


def prune(site: Path) -> None:
    """Make the style sheets of the theme as small as the site allows."""
    known = known_classes(site)
    for sheet in sorted(site.glob("_static/**/*.css")):
        if sheet.name not in OWN:
            text = sheet.read_text(encoding="utf-8")
            sheet.write_text(pruned(text, known) + "\n", encoding="utf-8")
