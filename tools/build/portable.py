"""Run chapters as other machines would: ``python -m tools.build.portable [setting ...]``.

Each setting changes what a reader's machine may have and ours has not: the kernel that
OpenBLAS chooses by processor, the number of threads, NumPy's vector instructions, the place,
or the versions of the dependencies. Every chapter has to print what its reference says, to the
last digit, under each. Settings are joined by a plus sign: ``nehalem+elsewhere``.

What was confirmed is kept in ``tests/reference/confirmed.json``, by chapter and with the hash of
the outputs that its reference holds; the colophon shows it. ``--list`` shows the settings.
"""

import argparse
import hashlib
import json
import os
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.build import kernel, notebook, references
from tools.build.execute import run
from tools.build.project import (
    Project,
    UserError,
    run_command,
    run_python,
    sha256,
    write_atomically,
)

# What OpenBLAS is asked for, and the names under which it may report that it obeyed.
KERNELS = {
    "haswell": ("Haswell",),
    "skylakex": ("SkylakeX",),
    "zen": ("Zen", "Haswell"),  # most builds use Haswell's code for it
    "sandybridge": ("Sandybridge",),
    "nehalem": ("Nehalem",),
}
CHOSEN_BY_PROCESSOR = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
FOREIGN = "nehalem+2-threads+elsewhere"  # as unlike a present processor as it gets
CANNOT = 3  # exit status: this machine cannot have the setting


@dataclass(frozen=True)
class Setting:
    """What is changed for a run, and how the chapter's kernel proves that it was."""

    meaning: str
    variables: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    threads: int = 0
    resolution: str = ""
    plain_numpy: bool = False


def _kernel(names: tuple[str, ...]) -> Setting:
    return Setting(
        f"OpenBLAS with its kernel {names[0]}",
        {"OPENBLAS_CORETYPE": names[0]},
        ("OPENBLAS_L2_SIZE",),
        architectures=names,
    )


def _threads(count: int) -> Setting:
    return Setting(f"{count} thread{'s' if count > 1 else ''} of linear algebra", threads=count)


SETTINGS = {
    **{name: _kernel(names) for name, names in KERNELS.items()},
    "own": Setting(
        "the kernel that OpenBLAS chooses for this processor", removed=CHOSEN_BY_PROCESSOR
    ),
    "1-thread": _threads(1),
    "2-threads": _threads(2),
    "4-threads": _threads(4),
    "plain-numpy": Setting("NumPy without vector instructions", plain_numpy=True),
    "elsewhere": Setting(
        "another hash seed, time zone and locale",
        {"PYTHONHASHSEED": "20011", "TZ": "Pacific/Chatham", "LC_ALL": "C"},
    ),
    "lowest": Setting("the oldest dependencies that are allowed", resolution="lowest-direct"),
    "highest": Setting("the newest dependencies", resolution="highest"),
}

# The first cell of every run: it makes the kernel what it should be, or fails.
PROBE = """\
import os, sys
import numpy, scipy.linalg, threadpoolctl
if {threads}:
    _ = threadpoolctl.threadpool_limits({threads}, user_api="blas")
_found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
assert _found, "no linear algebra library was found"
if {architectures}:
    assert {{pool["architecture"] for pool in _found}} <= set({architectures}), _found
if {threads}:
    assert {{pool["num_threads"] for pool in _found}} == {{{threads}}}, _found
_features = numpy._core._multiarray_umath.__cpu_features__ if {plain_numpy} else {{}}
_left = [name for name in {disabled} if _features.get(name)]
assert not _left, f"NumPy still uses {{_left}}"
"""

FEATURES = """\
from numpy._core import _multiarray_umath as m
print(" ".join(name for name in m.__cpu_dispatch__ if m.__cpu_features__[name]))
"""
ARCHITECTURE = """\
import numpy, threadpoolctl
a = numpy.random.default_rng(1).normal(size=(200, 200))
(a @ a.T).sum()
print(threadpoolctl.threadpool_info()[0]["architecture"])
"""


def combined(name: str) -> Setting:
    """The setting of that name, or the one that joins several.

    Raises
    ------
    UserError
        If there is no such setting.
    """
    parts = name.split("+")
    unknown = [part for part in parts if part not in SETTINGS]
    if unknown:
        raise UserError(f"There is no setting {unknown[0]!r}. The settings are:\n{listing()}")
    found = [SETTINGS[part] for part in parts]
    return Setting(
        meaning="; ".join(item.meaning for item in found),
        variables={key: value for item in found for key, value in item.variables.items()},
        removed=tuple(key for item in found for key in item.removed),
        architectures=next((item.architectures for item in found if item.architectures), ()),
        threads=max(item.threads for item in found),
        resolution=next((item.resolution for item in found if item.resolution), ""),
        plain_numpy=any(item.plain_numpy for item in found),
    )


def listing() -> str:
    return "\n".join(f"  {name:12}{setting.meaning}" for name, setting in SETTINGS.items())


def python_of(project: Project, resolution: str) -> Path:
    """A Python with dependencies as old or as new as they may be; this one when left out."""
    if not resolution:
        return Path(sys.executable)
    place = project.build_dir / f"venv-{resolution}"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp, wanted = place / "made-from", sha256(project.root / "pyproject.toml")
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(place, clear=place.exists(), with_pip=False)
        options = ("--group", "book", "--group", "test", "--editable", ".")
        status, output = run_python(
            project,
            *("-m", "uv", "pip", "install", "--quiet", "--python", python),
            *("--resolution", resolution, *options),
        )
        if status:
            raise UserError(output)
        stamp.write_text(wanted)
    return python


def _environment(setting: Setting, project: Project) -> dict[str, str]:
    """Variables of a kernel under the setting."""
    variables = {**os.environ, **kernel.environment(project), **setting.variables}
    for name in setting.removed:
        variables.pop(name, None)
    if setting.threads:
        variables.update(dict.fromkeys(kernel.ONE_THREAD, str(setting.threads)))
        variables["OPENBLAS_THREAD_TIMEOUT"] = "4"  # idle threads sleep at once, two chapters run
    return variables


def _answer(project: Project, code: str) -> str:
    """The last line that the code prints in a process of its own; empty if it fails."""
    status, output = run_python(project, "-c", code)
    return "" if status else output.rpartition("\n")[2]


def run_here(project: Project, name: str, chapter: str) -> int:
    """Execute one chapter under a setting, with the Python of this process; 0 if it can."""
    setting = combined(name)
    variables = _environment(setting, project)
    os.environ.clear()
    os.environ.update(variables)
    wanted = setting.architectures
    if wanted and _answer(project, ARCHITECTURE) not in wanted:
        return CANNOT
    features = _answer(project, FEATURES).split() if setting.plain_numpy else []
    if features:
        os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(features)
    source = project.source(chapter)
    nb = notebook.read_chapter(source)
    probe = PROBE.format(
        threads=setting.threads,
        architectures=setting.architectures,
        plain_numpy=setting.plain_numpy,
        disabled=features,
    )
    nb.cells.insert(0, nbformat.v4.new_code_cell(probe, id="probe"))
    run(nb, source, _executed(project, name, chapter))
    return 0


def _executed(project: Project, name: str, chapter: str) -> Path:
    return project.build_dir / "portable" / name / f"{chapter}.ipynb"


@dataclass(frozen=True)
class Result:
    """What came of one chapter under one setting."""

    setting: str
    chapter: str
    status: int
    text: str


def try_chapter(project: Project, name: str, chapter: str, expected: NotebookNode) -> Result:
    """Run the chapter in a process of its own, under a setting, and compare its text.

    Parameters
    ----------
    expected : NotebookNode
        What it should print, in the form of a reference.
    """
    status, output = run_python(
        project,
        *("-m", "tools.build.portable", name, "--chapter", chapter, "--here"),
        *("--root", project.root),
        python=python_of(project, combined(name).resolution),
    )
    if status:
        return Result(name, chapter, status, output)
    executed = notebook.read_notebook(_executed(project, name, chapter))
    del executed.cells[0]
    found = references.differences(expected, executed)
    return Result(name, chapter, int(bool(found)), "\n".join(map(str, found)))


def record(project: Project, results: list[Result]) -> None:
    """Keep what was confirmed; what was confirmed of an older reference is dropped."""
    known = {chapter: set(names) for chapter, names in confirmed(project).items()}
    for result in results:
        names = known.setdefault(result.chapter, set())
        if result.status == 0:
            names.add(result.setting)
        elif result.status != CANNOT:
            names.discard(result.setting)
    content = {
        chapter: {"outputs": _outputs(project, chapter), "settings": sorted(names)}
        for chapter, names in sorted(known.items())
        if names
    }
    write_atomically(project.confirmed, json.dumps(content, indent=1) + "\n")


def _outputs(project: Project, chapter: str) -> str:
    """Hash of all that a chapter's reference says is printed; empty without a reference."""
    if not project.reference(chapter).exists():
        return ""
    cells = references.read_reference(project, chapter).cells
    text = json.dumps([cell.get("outputs", []) for cell in cells], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def confirmed(project: Project) -> dict[str, list[str]]:
    """Settings under which the outputs of each chapter's present reference were confirmed."""
    if not project.confirmed.exists():
        return {}
    content = json.loads(project.confirmed.read_text(encoding="utf-8"))
    return {
        chapter: entry["settings"]
        for chapter, entry in content.items()
        if entry["outputs"] == _outputs(project, chapter)
    }


def matrix(results: list[Result]) -> str:
    """Chapters against settings: ``ok``, ``DIFFERS``, or ``-`` where this machine cannot."""
    word = {0: "ok", CANNOT: "-"}
    settings = list(dict.fromkeys(result.setting for result in results))
    cells = {
        (result.chapter, result.setting): word.get(result.status, "DIFFERS") for result in results
    }
    width = max(len(chapter) for chapter, _ in cells) + 2
    lines = [" " * width + "  ".join(f"{name:>7}" for name in settings)]
    for chapter in dict.fromkeys(result.chapter for result in results):
        row = "  ".join(f"{cells[chapter, name]:>{max(7, len(name))}}" for name in settings)
        lines.append(f"{chapter:{width}}{row}")
    return "\n".join(lines)


def run_matrix(project: Project, names: list[str], chapters: list[str]) -> list[Result]:
    """Every chapter under every setting, two at a time; prints each result as it comes."""
    for name in names:
        python_of(project, combined(name).resolution)  # made before two chapters ask for it
    kernel.prepare(project)
    expected = {}
    for chapter in chapters:
        references.require_current(project, chapter)
        expected[chapter] = references.read_reference(project, chapter)
    pairs = [(name, chapter) for name in names for chapter in chapters]
    results = []
    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(try_chapter, project, name, chapter, expected[chapter])
            for name, chapter in pairs
        ]
        for number, future in enumerate(running, start=1):
            result = future.result()
            results.append(result)
            state = {0: "ok", CANNOT: "not possible on this machine"}.get(result.status, "DIFFERS")
            print(
                f"[{number:3}/{len(pairs)}] {result.chapter:26}{result.setting:28}{state}",
                flush=True,
            )
            if state == "DIFFERS":
                print(result.text, flush=True)
    return results


def portable(
    project: Project, setting: list[str], chapter: list[str] | None, only_list: bool, here: bool
) -> int:
    if only_list:
        print(listing())
        return 0
    chapters = project.named(chapter)
    if here:
        return run_here(project, setting[0], chapters[0])
    results = run_matrix(project, setting or list(SETTINGS), chapters)
    record(project, results)
    print(matrix(results))
    return int(any(result.status not in (0, CANNOT) for result in results))


ARGUMENTS = (
    ("setting", {"nargs": "*", "help": "all when left out"}),
    ("--chapter", {"action": "append", "help": "number or name; all when left out"}),
    ("--list", {"dest": "only_list", "action": "store_true", "help": "show the settings and stop"}),
    ("--here", {"action": "store_true", "help": argparse.SUPPRESS}),
)

if __name__ == "__main__":
    sys.exit(run_command(portable, *ARGUMENTS))
