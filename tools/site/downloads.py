"""Chapters as notebooks to take away: what only the book understands becomes plain text.

A downloaded chapter shows its numbers, captions and references in any notebook program, and runs
where nothing but the package and a kernel is installed.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from pybtex.database import BibliographyData, Entry, parse_file

from tools.build import notebook
from tools.build.project import Project, UserError
from tools.site.launch import Repository

ROLE = re.compile(r"\{(?P<role>[a-z]+(?::[a-z]+)?)\}`(?P<text>[^`]+)`")
BOX = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{[a-z-]+\} *(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
LIVE = re.compile(
    r"^```\{live-figure\} \w+\n(?P<options>(?::[^\n]*\n)*)\n*(?P<caption>.*?)^```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
NAME = re.compile(r"^:name: *(\S+)", re.MULTILINE)
OPTION = re.compile(r"\A(?::[\w-]+:[^\n]*\n)+\n*")
EQUATION = re.compile(r"\n?\$\$ *\((?P<label>[\w-]+)\) *$", re.MULTILINE)
UNSEEN = re.compile(r"^(?:%[^\n]*|\([\w-]+\)=)\n?", re.MULTILINE)
TARGET = re.compile(r"(?P<text>.+?) *<(?P<target>[^>]+)>")
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
TEXT = "text/plain"
GLUE_IMPORT = "from myst_nb import glue"
GLUE = '''def glue(name, value, display=True):
    """The book puts such values into its text; here they stand there already."""'''
NOTE = """

*A chapter of the book* {book}*. To run it, install the package* `mixfolio` *{how}*; \
the data come with it.{others}*"""
FOLDER = "from the folder of the book with* `pip install`"


@dataclass(frozen=True)
class Words:
    """What the references of one chapter say."""

    values: dict[str, object]
    figures: dict[str, str]
    equations: dict[str, str]
    titles: Callable[[str], str]
    sources: BibliographyData

    def role(self, match: re.Match[str]) -> str:
        """One reference as plain text; an unknown kind is an error, and so is an unknown name."""
        role, text = match["role"], match["text"]
        named = TARGET.fullmatch(text)
        try:
            if role == "glue:text":
                name, _, form = text.partition(":")
                return format(self.values[name], form)
            if role == "numref":
                return self.figures[text]
            if role == "eq":
                return self.equations[text]
            if role == "doc":
                return named["text"] if named else self.titles(text)
            if role.startswith("cite"):
                return self.cite(role, text)
        except KeyError as error:
            raise UserError(f"{match[0]} leads nowhere in the notebook to download") from error
        raise UserError(f"{match[0]}: tools/site/downloads.py does not know {{{role}}}")

    def live(self, match: re.Match[str]) -> str:
        """A figure that moves on the page: a notebook has its caption."""
        name = NAME.search(match["options"])
        number = f"**{self.figures[name[1]]}.** " if name else ""
        text = f"{number}{match['caption'].strip()} *On the book's page it moves.*"
        return "\n".join(f"> {line}" for line in text.splitlines())

    def cite(self, role: str, keys: str) -> str:
        entries = [self.sources.entries[key.strip()] for key in keys.split(",")]
        if role == "cite:t":
            return " and ".join(f"{_authors(one)} ({one.fields['year']})" for one in entries)
        return "(" + "; ".join(f"{_authors(one)}, {one.fields['year']}" for one in entries) + ")"


def _authors(entry: Entry) -> str:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join([*one.prelast_names, *one.last_names]) for one in people]
    names = [name.strip("{}") for name in names]
    if len(names) > 3:
        return f"{names[0]} et al."
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plain(text: str, words: Words) -> str:
    """Markdown that any notebook program shows: no roles, no directives, numbered equations."""
    text = UNSEEN.sub("", text)
    text = EQUATION.sub(lambda m: f"\n\\tag{{{words.equations[m['label']][1:-1]}}}\n$$", text)
    return ROLE.sub(words.role, BOX.sub(_quoted, LIVE.sub(words.live, text)))


def _quoted(match: re.Match[str]) -> str:
    """A box as a quotation under its title."""
    body = OPTION.sub("", match["body"]).strip("\n").splitlines()
    lines = [f"**{match['title']}**", "", *body] if match["title"] else body
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _glued(nb: NotebookNode) -> dict[str, object]:
    """Every value that the chapter gives its text, by name."""
    found = {}
    for output in (output for cell in notebook.code_cells(nb) for output in cell.outputs):
        told = output.get("metadata", {}).get("scrapbook")
        if told and (text := output.data.get(told.get("mime_prefix", "") + TEXT)) is not None:
            found[told["name"]] = _value(text)
    return found


def _value(text: str) -> object:
    """What was given to the text: a string or a number, else the words that stand for it."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _is_glue(output: NotebookNode) -> bool:
    return any(mime.startswith(notebook.GLUE) for mime in output.get("data", {}))


def _figure(cell: NotebookNode) -> dict[str, str] | None:
    found = cell.metadata.get("mystnb", {}).get("figure")
    return dict(found) if found and "caption" in found else None


def _live(cell: NotebookNode) -> list[str]:
    """Names of the numbered figures that move in a piece of text."""
    named = (NAME.search(match["options"]) for match in LIVE.finditer(cell.source))
    return [name[1] for name in named if name]


def _figures(nb: NotebookNode) -> Iterator[str]:
    """Names of all numbered figures, in their order."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            yield from _live(cell)
        elif figure := _figure(cell):
            yield figure.get("name", "")


def _words(project: Project, chapter: str, nb: NotebookNode) -> Words:
    number = int(chapter[:2])
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    labels = [match["label"] for match in EQUATION.finditer(text)]
    return Words(
        _glued(nb),
        {name: f"Fig. {number}.{place}" for place, name in enumerate(_figures(nb), 1)},
        {label: f"({number}.{place})" for place, label in enumerate(labels, 1)},
        lambda target: _title(project, target),
        parse_file(project.book_dir / "references.bib"),
    )


def _title(project: Project, target: str) -> str:
    """What a page of the book is called, and the number of a chapter."""
    name = target.strip("/").removeprefix("../").removeprefix("chapters/")
    path = project.source(name)
    if path.exists():
        title = TITLE.search(path.read_text(encoding="utf-8"))
        return f"chapter {int(name[:2])} ({title[1]})" if title else name
    path = project.book_dir / f"{name}.md"
    title = TITLE.search(path.read_text(encoding="utf-8")) if path.exists() else None
    return title[1] if title else name


def _others(project: Project, nb: NotebookNode) -> list[str]:
    """What the chapter imports and the package does not bring."""
    declared = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    brought = {re.split(r"\W", one)[0].lower() for one in declared["project"]["dependencies"]}
    brought |= {declared["project"]["name"], *sys.stdlib_module_names}
    tree = ast.parse("\n".join(cell.source for cell in notebook.code_cells(nb)))
    return sorted(set(_imported(tree)) - brought - {"myst_nb"})


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def _note(project: Project, nb: NotebookNode) -> str:
    config = yaml.safe_load(project.config.read_text(encoding="utf-8"))
    address = Repository.of(config).package()
    how = f"with* `%pip install {address}`" if address else FOLDER
    others = ", ".join(_others(project, nb))
    others = f" This chapter also imports {others}." * bool(others)
    return NOTE.format(book=config["title"], how=how, others=others)


def readable(project: Project, chapter: str, executed: NotebookNode) -> NotebookNode:
    """An executed chapter for readers who have neither the book nor its tools."""
    words, cells, number = _words(project, chapter, executed), [], 0
    note = _note(project, executed)
    for cell in executed.cells:
        cells.append(cell := nbformat.from_dict(cell))
        if cell.cell_type == "markdown":
            number += len(_live(cell))
            cell.source = plain(cell.source, words)
            if note and (title := TITLE.search(cell.source)):
                end = title.end()
                cell.source = cell.source[:end] + note + cell.source[end:]
                note = ""
            continue
        cell.source = cell.source.replace(GLUE_IMPORT, GLUE)
        cell.outputs = [one for one in cell.outputs if not _is_glue(one)]
        for output in cell.outputs:
            output.get("data", {}).pop(notebook.PHONE, None)
        if "remove-cell" in notebook.tags(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if figure := _figure(cell):
            number += 1
            caption = f"**Fig. {int(chapter[:2])}.{number}.** {plain(figure['caption'], words)}"
            below = nbformat.v4.new_markdown_cell(caption.strip())
            below["id"] = f"{cell['id']}-caption"
            cells.append(below)
    return nbformat.from_dict({**executed, "cells": cells})


def write(project: Project, site: Path) -> None:
    """Put the readable notebooks where the pages offer them."""
    for chapter in project.chapters():
        path = site / "_sources" / "chapters" / f"{chapter}.ipynb"
        if path.exists():
            nb = readable(project, chapter, notebook.read_notebook(path))
            path.write_text(notebook.dumps(nb), encoding="utf-8", newline="\n")
