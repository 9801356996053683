"""Rules that every chapter keeps, so that readers find the same parts in all of them.

Each rule takes a chapter and returns what is wrong with it, one sentence a defect.
"""

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from types import ModuleType

import yaml
from nbformat import NotebookNode

from mixfolio import plotting
from mixfolio.estimators import ESTIMATORS
from tools.build import notebook, run_chapter

MEDIAN_LINES, P90_LINES, LINE_WIDTH = 8, 20, 90
MIN_EXERCISES, MIN_OBJECTIVES = 3, 2
ALT_WORDS, CAPTION_WORDS = 4, 5
KEY_WORDS, KEY_NUMBERS, NUMBERS, CELLS = 50, 2, 4, 3  # in a key result; a paragraph; a row of cells
WORDS_OF_PROSE = 2800  # a chapter is read at one sitting
FORBIDDEN_TAGS = {
    "raises-exception",
    "nbval-ignore-output",
    "nbval-skip",
    "skip-execution",
    "nbval-raises-exception",
}
NBVAL_COMMENT = re.compile(r"#\s*(?:NBVAL_|PYTEST_VALIDATE_)")
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|work|opt|mnt|var)/|\b[A-Z]:\\")
# What is not prose: lines of directives, computed numbers, references, formulas, code, links.
FENCE = re.compile(r"^(?:[`~]{3,}|:\w)[^\n]*$", re.MULTILINE)
MASKED = re.compile(r"\{[a-z:]+\}`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|`[^`]+`|\]\([^)]*\)", re.DOTALL)
ONE, FEW = r"(?:a|one)", r"(?:two|three|four|five|six|seven|eight|nine|ten|\d+|many|several)"
SHARE = rf"(?:half|(?:{ONE}|{FEW}) (?:third|quarter|fifth|sixth|eighth|tenth)s?|twice)"
ABOUT = r"(?:about|above|almost|around|below|near|nearly|roughly|more than|less than)"
DIGITS = r"(?<![\w.,/$])(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?![\w/])"
NAMED = re.compile(
    r"GARCH\(1,1\)|\d+ (?:x|×|by) \d+|S&P \d+|95% (?:confidence )?interval"
    r"|\b(?:chapters?|exercise) \d+",
    re.IGNORECASE,
)
WORDS = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|hundred)"
)
SERIES = r"ratio|interval|point|cell|row|column|line|curve|bar|dot|band|difference|test"
COUNTED = rf"{SERIES}|case|contest|panel|record|world"
METHOD = r"estimator|strateg(?:y|ie)|method|competitor|rule"
VERBS = "agree|beat|cost|earn|fall|is|are|keep|lie|lose|rise|save|win"
VERBS += "|contain|cover|cross|differ|exclude|survive|touch"
RESULT = re.compile(
    rf"{ABOUT} (?:minus |-)?{DIGITS}"
    rf"|{FEW} orders of magnitude|\ban order of magnitude|factor of {FEW}"
    rf"|{FEW} times (?:as|the|that)\b"
    rf"|\b(?:more|less|fewer) than {SHARE}|\bby (?:{ABOUT} )?{SHARE}\b"
    rf"|\b(?:every|no|none of the|all|most of the)(?: the)?(?: [\w-]+)? (?:{SERIES}|{METHOD})s?"
    rf"(?: [\w-]+)? (?:{VERBS})(?:e?s)?\b"
    rf"|\b(?:hundreds|thousands|dozens) of times|{FEW} times (?!over)[\w-]+er\b|one and a half"
    r"|\b(?:twice|double|half) (?:that of|as (?:much|large|high|low|often|good|volatile))\b"
    rf"|\b(?:{WORDS}|\d+) of (?:the )?(?:{WORDS}|\d+)(?= (?:{COUNTED})s?\b)"
    rf"|\b(?:nearly|roughly) {SHARE}\b|\b{WORDS}(?:-\w+)? per ?cent\b"
    r"|\b(?:wins?|loses?|best|worst|lowest|highest|ahead|behind) in (?:every|all|each)\b"
    rf"|\bnothing else (?:comes|does)\b|\bonly one (?:{SERIES}|{METHOD})\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"(?:[^.?!]|[.?!](?! ))+\?(?= |$)")
SENTENCE = re.compile(r"(?:[^.?!]|[.?!](?! ))+")
PICTURED = re.compile(
    rf"\b(?<!slope one ){SHARE}\b(?! (?:standard|of (?:the )?sample))|\b(?:always|never)\b"
    r"|\b(?:lowest|highest|largest|smallest)\b(?=[.,;:]| (?:and|at|by|for|from|in|of|on)\b)"
    r"|\b(?:doubles|halves|trebles|everywhere|nowhere)\b|\bpeaks? at\b|\bonly the (?:first|last)\b",
    re.IGNORECASE,
)
GLUED = re.compile(r"\{glue:text\}`[^`]*`")
KEY_RESULT = re.compile(r"^:class: key-result\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BOLD = re.compile(r"\*\*([^*]+)\*\*")
ITEM = re.compile(r"^(?:[-*]|\d+\.) ", re.MULTILINE)
LABELED = re.compile(
    r"^\$\$ \(([\w-]+)\)$|^\(([\w-]+)\)=$|^(?:    |:)name: ([\w-]+)$", re.MULTILINE
)
CITATION = re.compile(r"\{cite[a-z:]*\}`([^`]+)`")
LIVE = re.compile(
    r"^```\{live-figure\} (\w+)\n((?::[^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL
)
DOI = re.compile(r"10\.\d{4,9}/\S+")
URL = re.compile(r"https://[\w.-]+\.\w+(/\S*)?")
WORD = re.compile(r"[A-Za-z][\w'’-]*")
NO_ERROR = re.compile(r"± [+-]?0?\.?0+(?![\d.])")
LABEL = re.compile(r'<g id="text_\d+">\s*<!-- (.*?) -->\s*<g([^>]*)>')
PAINT = re.compile(r"(?:stroke|fill): (#[0-9a-f]{6})")
NEUTRAL = {plotting.BLACK.lower(), plotting.GREY.lower()}
OBJECTIVES = re.compile(r"After this chapter you can\s*\n\n((?:[-*] .*\n(?:  .*\n)*)+)")


@dataclass(frozen=True)
class Chapter:
    """The source of a chapter and, when it has been run, its executed notebook."""

    source: Path
    executed: Path | None = None

    @cached_property
    def text(self) -> str:
        return self.source.read_text(encoding="utf-8")

    @cached_property
    def notebook(self) -> NotebookNode:
        return notebook.read_chapter(self.source)

    @property
    def code(self) -> list[NotebookNode]:
        return notebook.code_cells(self.notebook)

    def boxes(self, kind: str) -> int:
        """How many boxes of a kind the chapter has."""
        return len(re.findall(rf"^:class: (?:.* )?{kind}\b", self.text, re.MULTILINE))


Rule = Callable[[Chapter], Iterator[str]]


def no_semicolons(chapter: Chapter) -> Iterator[str]:
    """A final semicolon hides the output in one tool and shows it in another."""
    for cell in chapter.code:
        if cell.source.rstrip().endswith(";"):
            yield f"{cell['id']} ends with a semicolon; write _ = ... instead"


def short_cells(chapter: Chapter) -> Iterator[str]:
    """Code comes in pieces that can be read at a glance."""
    lengths = [
        sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in chapter.code
    ]
    if len(lengths) < 2:
        return
    if median(lengths) > MEDIAN_LINES:
        yield f"the median code cell has {median(lengths)} lines, more than {MEDIAN_LINES}"
    if (p90 := quantiles(lengths, n=10, method="inclusive")[-1]) > P90_LINES:
        yield f"one code cell in ten has more than {p90:.0f} lines, the limit is {P90_LINES}"


def narrow_code(chapter: Chapter) -> Iterator[str]:
    """Long lines disappear behind the edge of the page."""
    visible = [c for c in chapter.code if "remove-cell" not in c.metadata.get("tags", [])]
    for cell in visible:
        for line in cell.source.splitlines():
            if len(line) > LINE_WIDTH:
                yield f"{cell['id']} has a line of {len(line)} characters: {line[:40]} ..."


def public_names(chapter: Chapter) -> Iterator[str]:
    """A chapter uses what the package offers to everybody: names in an ``__all__``."""
    try:
        tree = ast.parse("\n".join(cell.source for cell in chapter.code))
    except SyntaxError:  # another rule says so
        return
    modules: dict[str, ModuleType] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mixfolio":
            for alias in node.names:
                if node.module in ("mixfolio", "mixfolio.studies"):
                    name = f"{node.module}.{alias.name}"
                    modules[alias.asname or alias.name] = importlib.import_module(name)
                elif alias.name not in importlib.import_module(node.module).__all__:
                    yield f"{node.module} does not offer {alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None and node.attr not in module.__all__:
                yield f"{module.__name__} does not offer {node.attr}"


def valid_code(chapter: Chapter) -> Iterator[str]:
    """Cells are plain Python: no magics and no shell commands."""
    for cell in chapter.code:
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{cell['id']} is not plain Python: {error.msg}"


def _assigned(cell: NotebookNode) -> list[str]:
    """Names that the statements of a parameters cell give a value."""
    names = []
    for node in ast.parse(cell.source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def documented_parameters(chapter: Chapter) -> Iterator[str]:
    """A reader who reruns the chapter learns type and meaning of each parameter."""
    cells = [cell for cell in chapter.code if "parameters" in notebook.tags(cell)]
    if len(cells) != 1:
        yield f"there are {len(cells)} cells with the tag parameters, there must be one"
        return
    declared = run_chapter.parameters(chapter.notebook)
    for name in _assigned(cells[0]):
        parameter = declared.get(name)
        if parameter is None or parameter.type == "None" or not parameter.help:
            yield f"parameter {name} must read: {name}: type = value  # what it means"


def nothing_unchecked(chapter: Chapter) -> Iterator[str]:
    """No cell escapes execution or validation."""
    for cell in chapter.code:
        for tag in FORBIDDEN_TAGS & set(notebook.tags(cell)):
            yield f"{cell['id']} has the tag {tag}"
        if NBVAL_COMMENT.search(cell.source):
            yield f"{cell['id']} switches its validation off"


def no_machine_paths(chapter: Chapter) -> Iterator[str]:
    """No path of the author's machine, in the source or in an output."""
    texts = [chapter.text]
    if chapter.executed is not None:
        texts += [
            notebook.readable(notebook.text_outputs(cell))
            for cell in notebook.code_cells(notebook.read_notebook(chapter.executed))
        ]
    for text in texts:
        for match in ABSOLUTE_PATH.finditer(text):
            yield f"holds an absolute path: {text[match.start() : match.start() + 40]!r}"


def _words(text: object) -> int:
    return len(str(text or "").split())


def _figure_cells(chapter: Chapter) -> Iterator[NotebookNode]:
    """Cells that show a picture, or say that they do."""
    drawn = set()
    if chapter.executed is not None:
        for cell in notebook.code_cells(notebook.read_notebook(chapter.executed)):
            if any(
                mime.startswith("image/")
                for output in cell.outputs
                for mime in output.get("data", {})
            ):
                drawn.add(cell["id"])
    for cell in chapter.code:
        hidden = {"remove-cell", "remove-output"} & set(notebook.tags(cell))
        if not hidden and (cell["id"] in drawn or cell.metadata.get("mystnb", {}).get("figure")):
            yield cell


def described_figures(chapter: Chapter) -> Iterator[str]:
    """Each figure has a name to refer to, a caption, and a text that can stand in for it."""
    for cell in _figure_cells(chapter):
        settings = cell.metadata.get("mystnb", {})
        figure, image = settings.get("figure", {}), settings.get("image", {})
        if not str(figure.get("name", "")).startswith("fig-"):
            yield f"{cell['id']} shows a figure whose name does not start with fig-"
        if _words(figure.get("caption")) < CAPTION_WORDS:
            yield f"{cell['id']} shows a figure without a proper caption"
        if _words(image.get("alt")) < ALT_WORDS:
            yield f"{cell['id']} shows a figure without a proper alternative text"


def described_live_figures(chapter: Chapter) -> Iterator[str]:
    """A figure that moves has name, caption and text as well, and says what to try."""
    for name, given, caption in LIVE.findall(chapter.text):
        options = dict(line[1:].split(": ", 1) for line in given.splitlines())
        if not options.get("name", "").startswith("fig-"):
            yield f"the live figure {name} has no name that starts with fig-"
        if _words(options.get("alt")) < ALT_WORDS:
            yield f"the live figure {name} has no proper alternative text"
        if _words(caption) < CAPTION_WORDS or not re.search(r"\b[Tt]ry\b", caption):
            yield f"the live figure {name} does not say in its caption what to try"


def objectives(chapter: Chapter) -> Iterator[str]:
    """The chapter says at its top what the reader will be able to do."""
    found = OBJECTIVES.search(chapter.text)
    if found is None:
        yield 'there is no list after a line "After this chapter you can"'
    elif (count := len(re.findall(r"^[-*] ", found[1], re.MULTILINE))) < MIN_OBJECTIVES:
        yield f"there is a list of {count} learning objectives, it needs {MIN_OBJECTIVES}"


def key_result(chapter: Chapter) -> Iterator[str]:
    """One box at the top holds the result to remember."""
    if chapter.boxes("key-result") != 1:
        yield f"there are {chapter.boxes('key-result')} boxes of class key-result, not one"


def short_key_result(chapter: Chapter) -> Iterator[str]:
    """The key result can be repeated at dinner."""
    found = KEY_RESULT.search(chapter.text)
    words = len(GLUED.sub("number", found[1]).split()) if found else 0
    if found and words > KEY_WORDS:
        yield f"the key result has {words} words, the limit is {KEY_WORDS}"
    if found and (count := len(GLUED.findall(found[1]))) > KEY_NUMBERS:
        yield f"the key result has {count} computed numbers, the limit is {KEY_NUMBERS}"


def few_numbers(chapter: Chapter) -> Iterator[str]:
    """Numbers are salt: few in a paragraph or an item of a list, the rest in a figure."""
    for where, text, _ in _texts(chapter):
        for part in ITEM.split(text):
            if (count := len(GLUED.findall(part))) > NUMBERS:
                start = " ".join(part.split())[:40]
                yield f"{where} has {count} computed numbers, not {NUMBERS}, after {start!r}"
        for bold in filter(GLUED.search, BOLD.findall(text)):
            yield f"{where} has a computed number in bold, which means importance: {bold!r}"


def prose(chapter: Chapter) -> str:
    """The words of a chapter: no code, no displayed formulas; an inline formula is one word."""
    cells = (c.source for c in chapter.notebook.cells if c.cell_type == "markdown")
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " x ", "\n".join(cells), flags=re.DOTALL)
    text = re.sub(r"^~{3}.*?^~{3}$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\{[a-z:]+\}`[^`]*`", " x ", FENCE.sub("", text))


def one_sitting(chapter: Chapter) -> Iterator[str]:
    """Whoever begins a chapter can end it."""
    if (count := len(WORD.findall(prose(chapter)))) > WORDS_OF_PROSE:
        yield f"{count} words of prose, the limit is {WORDS_OF_PROSE}: divide it or shorten it"


def folded_plots(chapter: Chapter) -> Iterator[str]:
    """A figure follows its sentence; the code that draws it, and imports, open on request."""
    for cell in chapter.code:
        drawn = "figure" in cell.metadata.get("mystnb", {})
        imports = cell.source.startswith(("import ", "from "))
        folded = {"hide-input", "hide-cell", "remove-cell"} & set(notebook.tags(cell))
        if (drawn or imports) and not folded:
            yield f"{cell['id']} draws a figure or imports, and is not tagged hide-input"


def sentences_between_cells(chapter: Chapter) -> Iterator[str]:
    """Nobody reads more than a few cells in a row without a word of what they are for."""
    row = 0
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            row = 0
        elif not {"hide-cell", "remove-cell"} & set(notebook.tags(cell)):
            row += 1
            if row == CELLS + 1:
                yield f"{cell['id']} is the end of more than {CELLS} cells without a sentence"


def try_it(chapter: Chapter) -> Iterator[str]:
    """A box invites the reader to change the parameters."""
    if not chapter.boxes("try-it"):
        yield "there is no box of class try-it"


def exercises(chapter: Chapter) -> Iterator[str]:
    """Exercises come with solutions that run."""
    count = chapter.boxes("exercise")
    solutions = sum("hide-cell" in notebook.tags(cell) for cell in chapter.code)
    if count < MIN_EXERCISES:
        yield f"there are {count} exercises, the least is {MIN_EXERCISES}"
    if solutions < count:
        yield f"there are {count} exercises but {solutions} solutions (cells tagged hide-cell)"


def further_reading(chapter: Chapter) -> Iterator[str]:
    """The chapter ends with where to read on, with citations."""
    section = chapter.text.partition("## Further reading")[2]
    if not CITATION.search(section):
        yield "there is no section Further reading with citations"


def front_matter(chapter: Chapter) -> Iterator[str]:
    """The header that makes the file a notebook, the same in every chapter."""
    header = yaml.safe_load(chapter.text.split("---")[1])
    if header.get("kernelspec", {}).get("name") != "python3":
        yield "the front matter does not name the kernel python3"
    if header.get("jupytext", {}).get("text_representation", {}).get("format_name") != "myst":
        yield "the front matter does not name the format myst"


def _is_claims(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "claims"


def _claims(cell: NotebookNode) -> list[str]:
    """The keys of ``claims = {...}`` in a cell: what the text says, and the cell tests."""
    for node in filter(_is_claims, ast.parse(cell.source).body):
        if isinstance(value := getattr(node, "value", None), ast.Dict):
            return [ast.literal_eval(key) for key in value.keys if key is not None]
    return []


def _inputs(cells: list[NotebookNode]) -> set[float]:
    """Numbers that stand in code, as they are and in percent: choices, and not results."""
    found = set()
    tree = ast.parse("\n".join(cell.source for cell in cells))
    tree.body = [node for node in tree.body if not _is_claims(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, bool | complex | bytes):
            numbers = re.findall(r"\d+\.?\d*|\.\d+", str(node.value))
            found |= {round(float(number) * scale, 9) for number in numbers for scale in (1, 100)}
    return found


def _texts(chapter: Chapter) -> Iterator[tuple[str, str, bool]]:
    """Where a text stands, its raw lines, and whether it describes a picture."""
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            blocks = re.split(r"\n\s*\n", cell.source)
            yield from ((cell["id"], block, False) for block in blocks if not block.startswith("#"))
        else:
            settings = cell.metadata.get("mystnb", {})
            note = "\n".join(re.findall(r"^# typed: .+", cell.source, re.MULTILINE))
            for part, name in (("figure", "caption"), ("image", "alt")):
                yield (
                    f"{cell['id']} ({name})",
                    f"{settings.get(part, {}).get(name, '')}\n{note}",
                    True,
                )


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def _typed(text: str, inputs: set[float], pictured: bool) -> Iterator[re.Match[str]]:
    """Numbers, sizes and sweeping claims that nothing computes.

    A question claims nothing, and numbers in a sentence with a citation are the cited author's.
    """
    cited = [m.span() for m in SENTENCE.finditer(text) if "{cite" in m[0]]
    text = QUESTION.sub(_blank, text)
    for pattern in (MASKED, NAMED):
        text = pattern.sub(_blank, text)
    for pattern in (RESULT, PICTURED) if pictured else (RESULT,):
        yield from pattern.finditer(text)
        text = pattern.sub(_blank, text)
    for match in re.finditer(DIGITS, text):
        value = float(match[0].replace(",", ""))
        year = value == int(value) and 1800 <= value <= 2100
        quoted = any(a <= match.start() < b for a, b in cited)
        if not year and not quoted and round(value, 9) not in inputs:
            yield match


def computed_results(chapter: Chapter) -> Iterator[str]:
    """What a text says of a result is computed, or tested beside it.

    A number in prose, caption or alternative text must be glued, or stand in the code as an input.
    Else it is a claim, and so are "three times as", "less than half", "no interval lies". A claim
    is a key of ``claims = {"less than half": ratio < 0.5}`` in a cell that asserts
    ``all(claims.values())``. A paragraph or cell with a line ``% typed: reason`` (``# typed:`` in
    code) is left alone.
    """
    claims = {cell["id"]: found for cell in chapter.code if (found := _claims(cell))}
    phrases = [phrase for found in claims.values() for phrase in found]
    inputs = _inputs(chapter.code)
    said = []
    for place, block, pictured in _texts(chapter):
        if re.search(r"^[%#] typed: \w+", block, re.MULTILINE):
            continue
        text = " ".join(FENCE.sub("", block).split())
        said.append(text)
        spans = [(m.start(), m.end()) for p in phrases for m in re.finditer(re.escape(p), text)]
        for match in _typed(text, inputs, pictured):
            if not any(a <= match.start() and match.end() <= b for a, b in spans):
                around = text[max(match.start() - 30, 0) : match.end() + 30]
                yield f"{place} says {match[0]!r} by hand: ... {around} ..."
    for cell in chapter.code:
        for phrase in claims.get(cell["id"], {}):
            if not any(phrase in text for text in said):
                yield f"{cell['id']} tests the claim {phrase!r}, which the text does not make"
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "glue":
                value = node.args[1]
                if isinstance(value, ast.Constant) and re.search(r"\d", str(value.value)):
                    yield f"{cell['id']} glues {value.value!r}, which is typed"
        if cell["id"] in claims and "assert all(claims.values())" not in cell.source:
            yield f"{cell['id']} makes claims and does not assert all(claims.values())"


def errors_with_digits(chapter: Chapter) -> Iterator[str]:
    """A number in the text whose standard error is printed as zero has too few digits."""
    if chapter.executed is None:
        return
    for cell in notebook.code_cells(notebook.read_notebook(chapter.executed)):
        for output in cell.outputs:
            for mime, text in output.get("data", {}).items():
                if mime.startswith(notebook.GLUE) and NO_ERROR.search(str(text)):
                    yield f"{cell['id']} glues {text}: print more digits"


def _pictures(chapter: Chapter) -> Iterator[tuple[str, str]]:
    """Drawings that a chapter made when it was run, with the cells they come from."""
    if chapter.executed is not None:
        for cell in notebook.code_cells(notebook.read_notebook(chapter.executed)):
            for output in cell.outputs:
                yield cell["id"], str(output.get("data", {}).get("image/svg+xml", ""))


def _named_colours(drawing: str) -> Iterator[tuple[str, set[str]]]:
    """Names written in a drawing, with the colours they are written in or stand for in a legend."""
    for match in LABEL.finditer(drawing):
        yield match[1], set(PAINT.findall(match[2]))
    for legend in drawing.split('<g id="legend_')[1:]:
        begin = 0
        for match in LABEL.finditer(legend):
            yield match[1], set(PAINT.findall(legend[begin : match.start()]))
            begin = match.end()


def one_colour(chapter: Chapter) -> Iterator[str]:
    """A method that is drawn in a colour has the same colour in the whole book."""
    known = dict(plotting.METHODS) | {name: each.colour for name, each in ESTIMATORS.items()}
    known |= {name.removeprefix("LW "): colour for name, colour in known.items()}
    palette = {colour.lower() for colour in plotting.CYCLE} - NEUTRAL
    for cell, drawing in _pictures(chapter):
        for name, colours in _named_colours(drawing):
            if name in known and (other := (colours & palette) - {known[name].lower()}):
                yield f"{cell} draws {name} in {min(other)}; plotting.colour has {known[name]}"


RULES: tuple[Rule, ...] = (
    front_matter,
    no_semicolons,
    short_cells,
    narrow_code,
    public_names,
    valid_code,
    documented_parameters,
    nothing_unchecked,
    no_machine_paths,
    described_figures,
    described_live_figures,
    objectives,
    key_result,
    short_key_result,
    few_numbers,
    one_sitting,
    folded_plots,
    sentences_between_cells,
    try_it,
    exercises,
    further_reading,
    computed_results,
    errors_with_digits,
    one_colour,
)


def leads_somewhere(fields: Mapping[str, str]) -> bool:
    """Whether an entry of the bibliography has a bare DOI or an address."""
    doi, url = fields.get("doi", ""), fields.get("url", "")
    if doi and not DOI.fullmatch(doi):
        return False
    return bool(doi or URL.fullmatch(url))


def citations(text: str) -> set[str]:
    """Keys that a text cites."""
    return {key.strip() for group in CITATION.findall(text) for key in group.split(",")}
