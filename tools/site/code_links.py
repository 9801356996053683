"""Names of the package lead to its reference: in sentences, and in the code of cells.

Nothing is typed. A name in a sentence is looked up among the documented ones, and the code of a
page is parsed: an expression is a link where its imports say that it is a documented name. In code
the keyboard stops at the first use of a name only.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag

PACKAGE = "mixfolio"
DOCUMENTED = re.compile(r'<dt class="sig[^"]*" id="(mixfolio\.[\w.]+)"')
CODE = "article :is(.highlight-ipython3, .highlight-python) pre"
NO_LINK = {"a", "pre", "summary", "h1", "h2", "h3", "h4"}
WRITTEN = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?", re.DOTALL)

Names = dict[str, str]  # by the full name of a function or class: the page that documents it


def read_names(site: Path) -> Names:
    """Every name that the reference documents."""
    return {
        name: page.name
        for page in sorted(site.glob("api-*.html"))
        for name in DOCUMENTED.findall(page.read_text(encoding="utf-8"))
    }


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that an import makes, with what they stand for."""
    if isinstance(node, ast.Import):
        for one in node.names:
            top = one.name.partition(".")[0]
            yield one.asname or top, one.name if one.asname else top
    elif isinstance(node, ast.ImportFrom) and not node.level:
        for one in node.names:
            yield one.asname or one.name, f"{node.module}.{one.name}"


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of an expression that is one; nothing for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


@dataclass
class Code:
    """What the code of a page has imported and assigned so far."""

    names: Names
    imported: dict[str, str] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)

    def full(self, written: str) -> str:
        """The documented name that an expression stands for, if it does."""
        first, dot, rest = written.partition(".")
        name = f"{self.imported[first]}{dot}{rest}" if first in self.imported else ""
        return name if name in self.names else ""

    def read(self, source: str) -> Iterator[tuple[int, int, str]]:
        """Start and end of every documented name in a cell, in signs; learns what it imports."""
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        lines = [line.encode() for line in source.splitlines()]
        for statement in tree.body:
            nodes = list(ast.walk(statement))
            for node in nodes:
                self.imported |= dict(_imports(node))
            own = {node.arg for node in nodes if isinstance(node, ast.arg)}
            for node in nodes:
                if not isinstance(node, ast.Name | ast.Attribute) or node.lineno != node.end_lineno:
                    continue
                written = _dotted(node)
                name = self.full(written) if isinstance(node.ctx, ast.Load) else ""
                if name and written.partition(".")[0] not in own:
                    line, end = lines[node.lineno - 1], node.end_col_offset or 0
                    before, upto = (len(line[:at].decode()) for at in (node.col_offset, end))
                    at = starts[node.lineno - 1]
                    yield at + before, at + upto, name
            stored = {
                node.id
                for node in nodes
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            self.assigned |= stored
            self.imported = {k: v for k, v in self.imported.items() if k not in stored}


def _wrap(pre: Tag, start: int, end: int, link: Tag) -> bool:
    """Put the tokens between two places of a cell into a link; False if they are not whole."""
    inside, at = [], 0
    for child in list(pre.children):
        size = len(child.get_text() if isinstance(child, Tag) else str(child))
        if start <= at and at + size <= end and size:
            inside.append(child)
        at += size
    if sum(len(child.get_text()) for child in inside) != end - start:
        return False
    inside[0].insert_before(link)
    link.extend([child.extract() for child in inside])
    return True


def _link_code(soup: BeautifulSoup, code: Code, up: str) -> None:
    seen: set[str] = set()
    for pre in soup.select(CODE):
        for start, end, name in code.read(pre.get_text()):
            place = {"class": "api", "href": f"{up}{code.names[name]}#{name}"}
            if name in seen:
                place["tabindex"] = "-1"
            if _wrap(pre, start, end, soup.new_tag("a", attrs=place)):
                seen.add(name)


def _meant(written: str, code: Code, unique: dict[str, list[str]]) -> str:
    """The documented name that a piece of code in a sentence means, or nothing."""
    for name in (written, f"{PACKAGE}.{written}"):
        if name in code.names:
            return name
    if (name := code.full(written)) or "." in written or "_" not in written:
        return name
    named = unique.get(written, [])
    return named[0] if len(named) == 1 and written not in code.assigned else ""


def link_code(soup: BeautifulSoup, name: str, names: Names) -> None:
    """Link the names of the package on a page to the reference."""
    up, code = "../" * name.count("/"), Code(names)
    _link_code(soup, code, up)
    unique: dict[str, list[str]] = defaultdict(list)
    if not name.startswith("api"):  # there a name may be that of a parameter
        for one in names:
            if one.count(".") == 2 or one.rsplit(".", 2)[1].islower():  # no methods
                unique[one.rpartition(".")[2]].append(one)
    for element in soup.select("article code"):
        written = WRITTEN.fullmatch(element.get_text().strip())
        if written is None or any(parent.name in NO_LINK for parent in element.parents):
            continue
        if meant := _meant(written[1], code, unique):
            target = f"{up}{names[meant]}#{meant}"
            element.wrap(soup.new_tag("a", attrs={"class": "api", "href": target}))
