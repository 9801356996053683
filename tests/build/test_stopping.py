"""A build that is stopped or killed leaves no kernel behind and loses nothing that is done."""

import json
import os
import signal

import projects
import psutil
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
ENDED = 20  # seconds: a kernel that computes is asked first, and killed after five
COIN, TABLE = "chapters/01-coin.md", "chapters/02-table.md"
# It computes without letting go of the interpreter, so that the kernel notices nothing itself.
BUSY = """\
import os, pathlib
_ = pathlib.Path("../kernel.tmp").write_text(str(os.getpid()))
_ = pathlib.Path("../kernel.tmp").rename("../kernel.pid")
sum(range(10**13))
"""


def runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def read_until(building, text):
    """Read what a build prints, to the line that holds the text."""
    read = next((line for line in building.stdout if text in line), None)
    assert read, f"{text!r} was not printed"


@pytest.fixture
def busy(book):
    """Begin a command that executes both chapters; the second never ends by itself."""
    projects.replace(book / COIN, "# A coin", "# One coin")
    projects.replace(book / TABLE, "table.round(digits)", BUSY + "table.round(digits)")
    started = []

    def start(*command):
        building = projects.start(book, *command)
        started.append(building)
        read_until(building, f"{'01-coin':26}execute")
        projects.wait_until((book / "kernel.pid").exists)
        kernel = int((book / "kernel.pid").read_text())
        assert runs(kernel)
        return building, kernel

    yield start
    for building in started:
        building.kill()
        building.communicate()
    if (book / "kernel.pid").exists() and runs(pid := int((book / "kernel.pid").read_text())):
        os.kill(pid, signal.SIGKILL)


def goes_on(book):
    """The next build does what is left, and only that."""
    projects.replace(book / TABLE, BUSY, "_ = 1\n")
    assert "execute:01-coin" not in projects.stale(book)
    assert "execute:02-table" in projects.stale(book)
    done = projects.run(book, "doit", "execute")
    assert done.returncode == 0, done.stdout
    assert "01-coin" not in done.stdout
    assert "02-table                  execute" in done.stdout


@pytest.mark.parametrize("command", [["doit", "execute"], ["tools.build.accept"]])
def test_a_build_that_is_told_to_stop(book, busy, command):
    building, kernel = busy(*command)
    building.terminate()
    output, _ = building.communicate(timeout=ENDED)
    assert building.returncode == 128 + signal.SIGTERM
    assert not runs(kernel)
    assert "Interrupted. What is finished is kept; the next run goes on from there." in output
    assert "Traceback" not in output
    assert "FAILED" not in output
    goes_on(book)


def test_a_build_that_is_killed_leaves_no_kernel_and_keeps_what_is_done(book, busy):
    building, kernel = busy("doit", "execute")
    building.kill()
    projects.wait_until(lambda: not runs(kernel), ENDED)
    json.loads((book / "build/doit.json").read_text(encoding="utf-8"))
    goes_on(book)


def test_a_validation_that_is_told_to_stop(book):
    """nbval's kernel ends as well."""
    imports, *lines = BUSY.splitlines(keepends=True)
    again = [imports, "if pathlib.Path.cwd().name == 'reference':\n", *(f"    {x}" for x in lines)]
    projects.replace(book / TABLE, "table.round(digits)", "".join([*again, "table.round(digits)"]))
    accepted = projects.run(book, "tools.build.accept", "02")
    assert accepted.returncode == 0, accepted.stdout
    building = projects.start(book, "doit", "validate:02-table")
    try:
        projects.wait_until((book / "tests/kernel.pid").exists, 60)
        kernel = int((book / "tests/kernel.pid").read_text())
        building.terminate()
        assert "Interrupted." in building.communicate(timeout=ENDED)[0]
        projects.wait_until(lambda: not runs(kernel), ENDED)
    finally:
        building.kill()
        if (book / "tests/kernel.pid").exists() and runs(kernel):
            os.kill(kernel, signal.SIGKILL)
