"""Run chapters as other machines would: ``python -m tools.portable [setting ...]``.

Each setting changes what a reader's machine may have and ours has not: the kernel that
OpenBLAS chooses by processor, the number of threads, NumPy's vector instructions, the place,
or the versions of the dependencies. Every chapter has to print what its reference says, to the
last digit, under each. Settings are joined by a plus sign: ``nehalem+elsewhere``.

What was confirmed is kept in ``tests/reference/confirmed.json``, by chapter and with the hash of
its reference; the colophon shows it. ``--list`` shows the settings.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import kernel, notebook, references
from tools.data_reads import sha256
from tools.execute import run
from tools.project import Project, UserError

KERNEL_OF = {
    "haswell": "Haswell",
    "skylakex": "SkylakeX",
    "zen": "Zen",
    "sandybridge": "Sandybridge",
    "nehalem": "Nehalem",
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
    architecture: str = ""
    threads: int = 0
    resolution: str = ""
    plain_numpy: bool = False


def _kernel(name: str) -> Setting:
    return Setting(
        f"OpenBLAS with its kernel {name}",
        {"OPENBLAS_CORETYPE": name},
        ("OPENBLAS_L2_SIZE",),
        architecture=name,
    )


def _threads(count: int) -> Setting:
    return Setting(f"{count} threads of linear algebra", threads=count)


SETTINGS = {
    **{name: _kernel(core) for name, core in KERNEL_OF.items()},
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
if {architecture!r}:
    assert {{pool["architecture"] for pool in _found}} == {{{architecture!r}}}, _found
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
        architecture=next((item.architecture for item in found if item.architecture), ""),
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
        subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--quiet",
                "--python",
                python,
                "--resolution",
                resolution,
                "--group",
                "book",
                "--group",
                "test",
                "--editable",
                ".",
            ],
            check=True,
            cwd=project.root,
        )
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


def _answer(code: str, variables: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True
    )
    return done.stdout.strip()


def run_here(project: Project, name: str, chapter: str) -> int:
    """Execute one chapter under a setting, with the Python of this process; 0 if it can."""
    setting = combined(name)
    variables = _environment(setting, project)
    if setting.architecture and _answer(ARCHITECTURE, variables) != setting.architecture:
        return CANNOT
    features = _answer(FEATURES, variables).split() if setting.plain_numpy else []
    if features:
        variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(features)
    os.environ.clear()
    os.environ.update(variables)
    source = project.source(chapter)
    nb = notebook.read_chapter(source)
    probe = PROBE.format(
        threads=setting.threads,
        architecture=setting.architecture,
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
    python = python_of(project, combined(name).resolution)
    command = [
        python,
        "-m",
        "tools.portable",
        name,
        "--chapter",
        chapter,
        "--here",
        "--root",
        project.root,
    ]
    done = subprocess.run(
        command,
        cwd=project.root,
        text=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        stderr=subprocess.STDOUT,
        errors="backslashreplace",
    )
    if done.returncode:
        return Result(name, chapter, done.returncode, done.stdout.strip())
    executed = notebook.read_notebook(_executed(project, name, chapter))
    del executed.cells[0]
    found = references.differences(expected, executed)
    return Result(name, chapter, int(bool(found)), "\n".join(map(str, found)))


def record(project: Project, results: list[Result]) -> None:
    """Keep what was confirmed; what was confirmed of an older reference is dropped."""
    known = confirmed(project)
    for chapter in project.chapters():
        names = {
            result.setting for result in results if result.chapter == chapter and result.status == 0
        }
        failed = {
            result.setting
            for result in results
            if result.chapter == chapter and result.status not in (0, CANNOT)
        }
        known[chapter] = sorted({*known.get(chapter, []), *names} - failed)
    content = {
        chapter: {"reference": sha256(project.reference(chapter)), "settings": names}
        for chapter, names in sorted(known.items())
        if names
    }
    kernel.write_atomically(project.confirmed, json.dumps(content, indent=1) + "\n")


def confirmed(project: Project) -> dict[str, list[str]]:
    """Settings under which each chapter's present reference was confirmed."""
    if not project.confirmed.exists():
        return {}
    content = json.loads(project.confirmed.read_text(encoding="utf-8"))
    return {
        chapter: entry["settings"]
        for chapter, entry in content.items()
        if entry["reference"] == sha256(project.reference(chapter))
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
                f"[{number:3}/{len(pairs)}] {result.chapter:26}{result.setting:26}{state}",
                flush=True,
            )
            if state == "DIFFERS":
                print(result.text, flush=True)
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("setting", nargs="*", help="all when left out")
    parser.add_argument("--chapter", action="append", help="number or name; all when left out")
    parser.add_argument("--list", action="store_true", help="show the settings and stop")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, default=Project().root)
    options = parser.parse_args(arguments)
    project = Project(options.root)
    if options.list:
        print(listing())
        return 0
    try:
        chapters = [project.chapter(name) for name in options.chapter or project.chapters()]
        if options.here:
            return run_here(project, options.setting[0], chapters[0])
        results = run_matrix(project, options.setting or list(SETTINGS), chapters)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    record(project, results)
    print(matrix(results))
    return int(any(result.status not in (0, CANNOT) for result in results))


if __name__ == "__main__":
    sys.exit(main())
