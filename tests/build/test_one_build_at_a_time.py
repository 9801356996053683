"""Two builds of one book at once would overwrite each other's files, so the second is refused."""

import os

import projects
import pytest

from tools.build import exclusive
from tools.build.project import Project, UserError
from tools.build.serve import Preview

TABLE = "chapters/02-table.md"
HOLD = """\
import pathlib, time
pathlib.Path("../started").touch()
while not pathlib.Path("../go").exists():
    time.sleep(0.05)
"""
BUILDS = (
    ["doit"],
    ["doit", "run", "execute:01-coin"],
    ["tools.build.accept", "01"],
    ["tools.build.execute", "01"],
)


def test_a_second_build_is_refused_and_the_first_is_not_disturbed(book):
    projects.replace(book / TABLE, "table.round(digits)", HOLD + "table.round(digits)")
    building = projects.start(book, "doit", "execute")
    projects.wait_until((book / "started").exists)
    before = projects.fingerprint(book / "build")
    for command in BUILDS:
        done = projects.run(book, *command)
        assert done.returncode == 1, done.stdout
        assert f"Another build of this book runs (process {building.pid})" in done.stdout
        assert "Wait until it has finished" in done.stdout
        assert "Traceback" not in done.stdout
    assert projects.fingerprint(book / "build") == before
    listed = projects.run(book, "doit", "list", "--all", "--status")
    assert listed.returncode == 0, listed.stdout
    (book / "go").touch()
    output, _ = building.communicate(timeout=120)
    assert building.returncode == 0, output
    assert projects.run(book, "doit", "execute").stdout.strip() == "Up to date."


def test_a_build_that_was_killed_blocks_nobody(book):
    projects.replace(book / TABLE, "table.round(digits)", HOLD + "table.round(digits)")
    building = projects.start(book, "doit", "execute")
    projects.wait_until((book / "started").exists)
    (book / "go").touch()
    building.kill()
    building.communicate()
    done = projects.run(book, "doit", "execute")
    assert done.returncode == 0, done.stdout


def test_the_lock_is_free_again_and_nested_builds_pass(tmp_path):
    project = Project(tmp_path)
    for _ in range(2):
        with exclusive.build(project):
            with exclusive.build(project):
                assert os.environ[exclusive.HELD] == str(project.build_dir.resolve())
            with pytest.raises(UserError, match=rf"\(process {os.getpid()}\)"):
                exclusive.take(project)
        assert exclusive.HELD not in os.environ


def test_another_book_may_be_built_meanwhile(tmp_path):
    (tmp_path / "other").mkdir()
    with exclusive.take(Project(tmp_path)), exclusive.take(Project(tmp_path / "other")):
        pass


def test_the_preview_waits_for_the_other_build(tmp_path, monkeypatch, capsys):
    project = Project(tmp_path)
    other = exclusive.take(project)
    monkeypatch.setattr(exclusive.time, "sleep", lambda seconds: other.close())
    monkeypatch.setattr("tools.build.processes.run", lambda command, folder: (0, ""))
    preview = Preview(project)
    preview.build()
    assert preview.version == 1
    assert capsys.readouterr().out == "Another build of this book runs; waiting for its end ...\n"
