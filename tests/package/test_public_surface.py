"""What users meet: every public name is needed, typed, and shown by an example that runs."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import mixfolio

HOUSE = Path(mixfolio.__file__).parent
ROOT = HOUSE.parents[1]
TEXTS = {
    path: path.read_text(encoding="utf-8")
    for pattern in (
        "chapters/*.md",
        "book/*.md",
        "README.md",
        "benchmarks/*.py",
        "src/mixfolio/**/*.py",
        "src/mixfolio/**/*.md",
    )
    for path in ROOT.glob(pattern)
}
# Adapters are held to the functions that they stand for by a test of their own, errors are what
# users catch, and the face of the report is the command's own door.
BY_DESIGN = {"mixfolio.errors", "mixfolio.sklearn", "mixfolio.report"}


def faces():
    """Every public module: the rooms, and the subjects of a room without names of its own."""
    for name in mixfolio.__all__:
        module = importlib.import_module(f"mixfolio.{name}")
        if getattr(module, "__all__", []):
            yield module
        else:
            subjects = sorted(path.stem for path in (HOUSE / name).glob("[a-z]*.py"))
            yield from (importlib.import_module(f"mixfolio.{name}.{one}") for one in subjects)


NAMES = {
    (module.__name__, name): getattr(module, name) for module in faces() for name in module.__all__
}
FUNCTIONS = {key: item for key, item in NAMES.items() if inspect.isfunction(item)}


def label(key):
    return ".".join(key).removeprefix("mixfolio.")


def outside(module):
    """All texts that may use a name, but for the room that defines it."""
    room = module.split(".")[1]
    home = {HOUSE / f"{room}.py", *(HOUSE / room).rglob("*")}
    return "\n".join(text for path, text in TEXTS.items() if path not in home)


def results(module):
    """Names that stand in the annotations of a module's functions: what they take and give."""
    hints = (
        str(annotation)
        for (home, _), function in FUNCTIONS.items()
        if home == module
        for annotation in function.__annotations__.values()
    )
    return set(re.findall(r"\w+", " ".join(hints)))


@pytest.mark.parametrize("key", NAMES, ids=label)
def test_a_public_name_is_used_outside_its_room(key):
    module, name = key
    item = NAMES[key]
    if module in BY_DESIGN or (not inspect.isfunction(item) and name in results(module)):
        return
    assert re.search(rf"(?<!def )\b{name}\b", outside(module)), f"{name} is used by tests alone"


@pytest.mark.parametrize("key", FUNCTIONS, ids=label)
def test_a_public_function_says_what_it_returns(key):
    returned = inspect.signature(FUNCTIONS[key]).return_annotation
    assert returned is not inspect.Signature.empty
    assert not re.fullmatch(r"(typing\.)?Any", str(returned)), "returns Any: use overloads"


@pytest.mark.parametrize("key", FUNCTIONS, ids=label)
def test_a_public_function_has_an_example(key):
    if key[0] not in BY_DESIGN - {"mixfolio.report"}:
        assert ">>> " in (inspect.getdoc(FUNCTIONS[key]) or ""), "the docstring has no example"


EXAMPLES = [
    test
    for path in sorted(HOUSE.rglob("*.py"))
    if path.name != "__main__.py"
    for test in doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(
            "mixfolio." + ".".join(path.relative_to(HOUSE).with_suffix("").parts)
            if path.name != "__init__.py"
            else ".".join(["mixfolio", *path.relative_to(HOUSE).parts[:-1]])
        )
    )
    if test.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_gives_what_it_says(example):
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not report, "".join(report)
