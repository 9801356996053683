"""Do the tests see? Small errors are planted in the numerical core, and tests have to fail.

A mutant is one module with one small change: a comparison, an operator, a constant, a sign, a
boolean, an axis, a minimum for a maximum, a statement or a guard left out. A seeded sample of all
that are possible is drawn. Each is written into a copy of the package. Of the tests of its room
those run on that which call the changed function, quickest first; all, where none is known to. A
mutant that no test notices survives; `tests/mutants.json` lists it. What survives because it
changes no result is given a sentence there that says why, by hand; it stays as long as the line.

Nothing is changed in docstrings, annotations, decorators, messages of errors and warnings, nor in
options that say how and not what (`HOW`). Every mutant runs in a fork of a process that has
imported the libraries already, so this needs Linux or macOS.
"""

import argparse
import ast
import copy
import datetime
import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = (
    *("optimization", "covariance", "expected_returns", "mixed_model", "metrics", "inference"),
    *("backtest", "_linalg", "relationship", "montecarlo", "simulation"),
)
TESTS = {"_linalg": ("optimization", "covariance")}  # a room without tests of its own name
LIBRARIES = ("numpy", "pandas", "scipy.stats", "scipy.optimize", "joblib", "quadprog", "hypothesis")
HOW = {"overwrite_a", "overwrite_b", "check_finite", "copy", "strict", "stacklevel", "clean"}

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_PAIRS = ("min max", "minimum maximum", "argmin argmax", "any all", "floor ceil")
SWAPS = {a: b for pair in _PAIRS for a, b in (pair.split(), pair.split()[::-1])}


def room_of(file: str) -> str:
    """The room of a file below `src/mixfolio`."""
    return file.split("/")[2].removesuffix(".py")


@dataclass(frozen=True)
class Mutant:
    """One change: `before` becomes `after` from byte `start` to byte `end` of a file."""

    file: str
    line: int
    text: str  # of the line
    start: int
    end: int
    before: str
    after: str
    function: int  # line where the function around it begins, 0 outside of functions

    @property
    def room(self) -> str:
        return room_of(self.file)

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]


# ------------------------------------------------------------------- what can be changed


def _changed(node: ast.AST, **fields: Any) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _number(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if not isinstance(value, float):
        return []
    tolerance = 0 < abs(value) < 1e-3
    return [value * 1000 if tolerance else 2 * value if value else 1.0]


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a node."""
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield _changed(node, ops=[*ops[:place], other(), *ops[place + 1 :]])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield _changed(node, op=OPERATORS[type(op)]())
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from (ast.Constant(new) for new in _number(value))
        case ast.Name(id=name) if name in SWAPS:
            yield ast.Name(SWAPS[name])
        case ast.Attribute(attr=name) if name in SWAPS:
            yield _changed(node, attr=SWAPS[name])
    match node:
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript()]) | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.If(orelse=[]):
            yield ast.Pass()


def _is_message(node: ast.AST) -> bool:
    """An error, a warning or a text with values in it."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name.endswith("Error") or name == "warn"
    return isinstance(node, ast.Raise | ast.JoinedStr)


def _is_overload(node: ast.AST) -> bool:
    return any(
        isinstance(decorator, ast.Name) and decorator.id == "overload"
        for decorator in getattr(node, "decorator_list", [])
    )


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Parts of a node that may be changed, each with what may stand in its place."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "op", "ops", "ctx"}:
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.keyword) and part.arg == "axis":
                at = part.value
                known = isinstance(at, ast.Constant) and at.value in (0, 1)
                yield at, [ast.Constant(1 - at.value) if known else ast.Constant(0)]
            elif isinstance(part, ast.keyword) and part.arg not in HOW:
                yield part.value, list(replacements(part.value))
            elif isinstance(part, ast.AST) and not isinstance(part, ast.keyword):
                yield part, list(replacements(part))


def mutants_of(source: bytes, file: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    lines = source.splitlines(keepends=True)
    starts = list(itertools.accumulate(map(len, lines), initial=0))
    found: list[Mutant] = []

    def visit(node: ast.AST, function: int) -> None:
        if isinstance(node, ast.FunctionDef):
            function = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        for part, others in _children(node):
            if _is_message(part) or _is_overload(part):
                continue
            for other in others:
                start = starts[part.lineno - 1] + part.col_offset
                end = starts[part.end_lineno - 1] + part.end_col_offset
                after = ast.unparse(ast.fix_missing_locations(other))
                if isinstance(part, ast.BinOp | ast.BoolOp | ast.Compare | ast.UnaryOp):
                    after = f"({after})"
                text = lines[part.lineno - 1].decode().strip()
                place = (file, part.lineno, text, start, end)
                found.append(Mutant(*place, source[start:end].decode(), after, function))
            visit(part, function)

    visit(ast.parse(source), 0)
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.after))


def modules(root: Path, room: str) -> list[Path]:
    """Files of a room: its folder's, or the one of its name."""
    place = root / "src" / "mixfolio" / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [file for file in files if file.name != "__init__.py"]


def draw(root: Path, rooms: Sequence[str], sample: int, seed: int) -> list[Mutant]:
    """A sample of all mutants of some rooms, each as likely as any other."""
    everything = [
        mutant
        for room in rooms
        for path in modules(root, room)
        for mutant in mutants_of(path.read_bytes(), path.relative_to(root).as_posix())
    ]
    chosen = random.Random(seed).sample(everything, min(sample, len(everything)))
    return sorted(chosen, key=lambda mutant: (mutant.file, mutant.start, mutant.after))


# ------------------------------------------------------------------- running tests on them


class Order:
    """For pytest: run only tests whose names are listed, in this order, or all if none is."""

    def __init__(self, names: Sequence[str]) -> None:
        self.place = {name: number for number, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.place:
            items[:] = [item for item in items if item.nodeid in self.place]
            items.sort(key=lambda item: self.place[item.nodeid])


class Calls:
    """For pytest: which functions of the package each test calls, and how long it takes.

    What is called while a test is set up counts for all tests of its file: it may be a fixture
    that they share.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.called = f"{home}{os.sep}", set[str]()
        self.tests, self.shared = dict[str, tuple[float, list[str]]](), dict[str, list[str]]()

    def _note(self, frame: Any, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(self.home):
            self.called.add(f"{file.removeprefix(self.home)}:{frame.f_code.co_firstlineno}")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        began, self.called = time.perf_counter(), set()
        sys.setprofile(self._note)
        yield
        sys.setprofile(None)
        self.tests[item.nodeid] = (time.perf_counter() - began, sorted(self.called))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        yield
        self.shared.setdefault(item.nodeid.split("::")[0], []).extend(self.called)

    def callers(self) -> dict[str, list[str]]:
        """For each function its tests, the quickest first."""
        found: dict[str, list[str]] = {}
        for name, (_, called) in sorted(self.tests.items(), key=lambda test: test[1][0]):
            for key in {*called, *self.shared.get(name.split("::")[0], ())}:
                found.setdefault(key, []).append(name)
        return found


def _pytest(root: Path, home: Path, paths: Sequence[str], plugin: object, log: Path) -> int:
    os.setsid()
    os.chdir(root)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(home / "src"), str(root)])
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(home / "src"))
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    options = ["-x", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *paths], plugins=[plugin]))


def _forked(work: Callable[[], int], limit: float) -> int | None:
    """What a forked process returns, or None if it takes too long."""
    process = multiprocessing.get_context("fork").Process(target=lambda: os._exit(work()))
    process.start()
    assert process.pid is not None
    process.join(limit)
    late = process.is_alive()
    try:  # also whatever it has started
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.join()
    return None if late else process.exitcode


@dataclass
class Room:
    """How long the tests of a room take, and which of them call which function."""

    seconds: float
    callers: dict[str, list[str]]


class Bench:
    """A copy of the package in which mutants are tried.

    Parameters
    ----------
    root : Path
        Of the repository: `src/mixfolio`, `tests/package`, `data`.
    home : Path
        An empty folder for the copy.
    rooms : dict
        What is known of the tests of rooms.
    """

    def __init__(self, root: Path, home: Path, rooms: dict[str, Room]) -> None:
        self.root, self.home, self.rooms = root, home, rooms
        shutil.copytree(root / "src", home / "src", ignore=shutil.ignore_patterns("__pycache__"))
        if (root / "data").is_dir():
            shutil.copytree(root / "data", home / "data")

    def paths(self, room: str) -> list[str]:
        """Where the tests of a room are."""
        folder = "tests/package"
        return [
            f"{folder}/{name}"
            if (self.root / folder / name).is_dir()
            else f"{folder}/test_{name}.py"
            for name in TESTS.get(room, (room,))
        ]

    def prepare(self, room: str) -> None:
        """Run the tests of a room unchanged; they have to pass."""
        found, calls = self.home / "calls.json", Calls(self.home)

        def work() -> int:
            code = _pytest(self.root, self.home, self.paths(room), calls, self.home / "log")
            found.write_text(json.dumps(calls.callers()), encoding="utf-8")
            return code

        began = time.perf_counter()
        if _forked(work, 1800) != 0:
            text = (self.home / "log").read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"the tests of {room} fail without any mutant:\n{text[-3000:]}")
        seconds = time.perf_counter() - began
        self.rooms[room] = Room(seconds, json.loads(found.read_text(encoding="utf-8")))

    def kills(self, mutant: Mutant) -> bool:
        """Whether a test fails on a mutant, or takes far too long."""
        path = self.home / mutant.file
        source = path.read_bytes()
        path.write_bytes(mutant.apply(source))
        try:
            return self._fails(mutant)
        finally:
            path.write_bytes(source)

    def _fails(self, mutant: Mutant) -> bool:
        """Tests that call the function, or all of the room where none is known to."""
        room = self.rooms[mutant.room]
        names = room.callers.get(f"{mutant.file}:{mutant.function}", [])
        files = list(dict.fromkeys(name.split("::")[0] for name in names))
        paths, log = files or self.paths(mutant.room), self.home / "log"
        work = partial(_pytest, self.root, self.home, paths, Order(names), log)
        passed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        return _forked(work, 20 + 5 * room.seconds) not in passed


def _share(root: Path, mutants: Sequence[Mutant], rooms: dict[str, Room]) -> list[bool]:
    """Of some mutants, which are killed; says so as it goes."""
    with tempfile.TemporaryDirectory() as folder:
        bench, results = Bench(root, Path(folder).resolve(), rooms), []
        for mutant in mutants:
            results.append(bench.kills(mutant))
            change = f"{mutant.file}:{mutant.line}: {mutant.before} -> {mutant.after}"
            print("killed  " if results[-1] else "SURVIVES", change, flush=True)
    return results


def _try_all(root: Path, mutants: Sequence[Mutant], jobs: int) -> list[bool]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(root, Path(folder).resolve(), {})
        for room in dict.fromkeys(mutant.room for mutant in mutants):
            bench.prepare(room)
    if jobs == 1:
        return _share(root, mutants, bench.rooms)
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(jobs)]
    shares = [mutants[number::jobs] for number in range(jobs)]
    for (_, out), share in zip(pipes, shares, strict=True):

        def work(out: Any = out, share: Sequence[Mutant] = share) -> None:
            out.send(_share(root, share, bench.rooms))

        context.Process(target=work).start()
        out.close()
    results: list[bool] = [False] * len(mutants)
    for number, (source, _) in enumerate(pipes):
        try:
            results[number::jobs] = source.recv()
        except EOFError:
            raise SystemExit("a process that tried mutants has ended early; see above") from None
    return results


# ------------------------------------------------------------------- the record


def _key(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(entry[part] for part in ("file", "text", "before", "after"))


def record(
    old: dict[str, Any], mutants: Sequence[Mutant], results: Sequence[bool], run: dict[str, int]
) -> dict[str, Any]:
    """The record, with the rooms of these mutants renewed. Sentences on known survivors stay."""
    reasons = {_key(entry): entry["equivalent"] for entry in old.get("survivors", [])}
    if any(old.get(name) != value for name, value in run.items()):
        old = {"rooms": {}, "survivors": []}
    rooms = {mutant.room for mutant in mutants}
    survivors = [entry for entry in old["survivors"] if room_of(entry["file"]) not in rooms]
    counts = dict(old["rooms"])
    for room in rooms:
        hits = [hit for mutant, hit in zip(mutants, results, strict=True) if mutant.room == room]
        counts[room] = {"sampled": len(hits), "killed": sum(hits)}
    for mutant, killed in zip(mutants, results, strict=True):
        if not killed:
            parts = ("file", "line", "text", "before", "after")
            entry = {part: getattr(mutant, part) for part in parts}
            survivors.append(entry | {"equivalent": reasons.get(_key(entry), "")})
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    counts = {room: counts[room] for room in sorted(counts)}
    return {"date": today, **run, "rooms": counts, "survivors": survivors}


def main(arguments: Sequence[str] | None = None, core: Sequence[str] = CORE) -> None:
    """Draw, try, report, record."""
    parser = argparse.ArgumentParser(description="plant errors, and see whether tests fail")
    parser.add_argument("--sample", type=int, default=250, help="how many mutants of all rooms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", action="append", help="try only those of this room; repeatable")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--output", type=Path, help="tests/mutants.json by default")
    options = parser.parse_args(arguments)
    for library in LIBRARIES:
        import_module(library)
    root = options.root.resolve()
    mutants = [
        mutant
        for mutant in draw(root, core, options.sample, options.seed)
        if mutant.room in (options.room or core)
    ]
    results = _try_all(root, mutants, options.jobs)
    path = options.output or root / "tests" / "mutants.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = record(old, mutants, results, {"seed": options.seed, "sample": options.sample})
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    print(f"{sum(results)} of {len(results)} killed")


if __name__ == "__main__":
    main()
