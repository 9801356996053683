"""A checkout that cannot be written to is refused by name, by every step that would write.

Root passes over permission bits, so a step that root starts gives that power up first: it drops
the capability CAP_DAC_OVERRIDE, for itself and for all that it starts. Nothing is imitated.
"""

import ctypes
import errno
import os
import subprocess
import sys

import projects
import pytest

from tools import environment
from tools.build import notebook
from tools.build.project import UserError

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
needs_capabilities = pytest.mark.skipif(
    sys.platform != "linux", reason="root gives up its power by a capability of Linux"
)
WRITING = (
    ["doit"],
    ["doit", "run", "execute:01-coin"],
    ["tools.build.execute", "01"],
    ["tools.build.validate", "01"],
    ["tools.build.accept", "01"],
    ["tools.build.run_chapter", "01", "seed=8"],
    ["tools.build.serve", "--port", "0"],
    ["tools.site.render"],
)


def give_up_power():
    if os.getuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError("the capability cannot be dropped")


def run_as_reader(project, *command):
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"},
        preexec_fn=give_up_power,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture
def close():
    """Take the right to write from a folder and all below it, until the end of the test."""
    closed = []

    def take(folder):
        closed.append(folder)
        subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)

    yield take
    for folder in closed:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def refused(book, place, *commands):
    for command in commands:
        done = run_as_reader(book, *command)
        assert done.returncode == 1, done.stdout
        assert f"{place} cannot be written to (Permission denied)" in done.stdout, command
        assert "Copy the checkout" in done.stdout
        assert "Traceback" not in done.stdout
        assert "created a temporary cache" not in done.stdout, "Matplotlib's remark"


@needs_capabilities
def test_every_step_that_writes_names_what_is_closed(book, close):
    close(book)
    before = projects.fingerprint(book)
    refused(book, book / "build", *WRITING)
    for command in (["doit", "list"], ["tools.build.run_chapter", "01", "--list"]):
        done = run_as_reader(book, *command)
        assert done.returncode == 0, done.stdout
    assert projects.fingerprint(book) == before


@needs_capabilities
@pytest.mark.parametrize("folder", ["executed", "matplotlib", "doit.json"])
def test_a_part_of_the_build_that_another_user_has_made(book, close, folder):
    projects.replace(book / "chapters/01-coin.md", "# A coin", "# One coin")
    close(book / "build" / folder)
    refused(book, book / "build" / folder, ["doit"], ["tools.build.validate", "01"])


@needs_capabilities
def test_a_checkout_without_a_build_folder(tmp_path, close):
    book = projects.little_book(tmp_path / "book")
    close(book)
    refused(book, book / "build", ["doit"])
    refused(book, book, *WRITING[2:])


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EROFS, "Copy the checkout"), (errno.EPERM, "Copy"), (errno.ENOSPC, "Free some space")],
)
def test_what_turns_out_to_be_closed_or_full(tmp_path, number, remedy):
    for name in (tmp_path / "tests/reference", None):
        place = name or tmp_path / "build"
        with pytest.raises(SystemExit) as raised, environment.writing(tmp_path):
            raise OSError(number, os.strerror(number), name)
        assert f"{place} cannot be written to ({os.strerror(number)})" in str(raised.value)
        assert remedy in str(raised.value)


def test_other_errors_keep_their_own_words(tmp_path):
    with pytest.raises(FileNotFoundError), environment.writing(tmp_path):
        (tmp_path / "absent").read_text()


def test_a_notebook_that_is_not_there_or_is_none(tmp_path):
    path = tmp_path / "01-coin.ipynb"
    with pytest.raises(UserError, match=r"01-coin\.ipynb is not there yet; run make book"):
        notebook.read_notebook(path)
    for content in (b"", b"<<<<<<< HEAD\n{}", b"{}", b"[1]", b"\xff\xfe", b'{"cells": 3}'):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"01-coin\.ipynb is no notebook .* restore it"):
            notebook.read_notebook(path)
