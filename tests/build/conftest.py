"""A little book, built once for all tests; each test works on a copy of its own."""

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import projects

PATIENCE = 300  # seconds that a worker waits for the one that builds


def pytest_collection_modifyitems(items):
    """Whoever works on the little book waits until it is built."""
    for item in items:
        if "built_once" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


def _build(target: Path) -> None:
    projects.little_book(target)
    done = projects.run(target, "doit")
    (target / "log.txt").write_text(done.stdout, encoding="utf-8")
    (target / "status.txt").write_text(str(done.returncode))


def _wait(target: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not (target / "status.txt").exists() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.fixture(scope="session")
def built_once(tmp_path_factory, worker_id) -> Path:
    """The little book after a successful build; shared, so nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    target = (base if worker_id == "master" else base.parent) / "little-book"
    try:
        target.mkdir()
    except FileExistsError:
        _wait(target)
    else:
        _build(target)
    log = (target / "log.txt").read_text(encoding="utf-8")
    assert (target / "status.txt").read_text() == "0", log
    return target


@pytest.fixture
def book(built_once, tmp_path) -> Path:
    """A copy of the built little book that the test may change."""
    projects.copy(built_once, tmp_path / "book")
    return tmp_path / "book"


@pytest.fixture
def must_fail(book):
    """Run a build that has to fail; the old site has to survive it. Returns its output."""
    before = projects.fingerprint(book / "build" / "site")

    def run(*tasks: str) -> str:
        done = projects.run(book, "doit", *tasks)
        assert done.returncode != 0, done.stdout
        assert projects.fingerprint(book / "build" / "site") == before
        return done.stdout

    return run
