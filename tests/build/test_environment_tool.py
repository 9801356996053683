"""The set-up of .venv: skipped when nothing changed, done afresh when it was interrupted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment

ROOT = Path(environment.__file__).resolve().parents[1]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An environment in a temporary place; returns the list of what was done to it."""
    done = []
    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "LOCK": tmp_path / "requirements.lock",
        "STAMP": tmp_path / ".venv" / "book-environment",
        "PYTHON": tmp_path / ".venv" / "bin" / "python",
    }.items():
        monkeypatch.setattr(environment, name, path)
    environment.LOCK.write_text("uv==1.0 \\\n    --hash=sha256:0\n    # via x\nvine==1\n")
    (tmp_path / "pyproject.toml").write_text("[project]")

    def create(path, clear, **options):
        done.append("cleared" if clear else "created")
        environment.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        environment.PYTHON.touch()

    monkeypatch.setattr(environment.venv, "create", create)
    monkeypatch.setattr(environment, "synchronise", lambda: done.append("synchronised"))
    return done


def test_a_first_run_makes_it(place):
    environment.main()
    assert place == ["created", "synchronised"]


def test_a_second_run_does_nothing(place):
    environment.main()
    place.clear()
    environment.main()
    assert place == []


def test_a_changed_lock_is_installed_into_what_is_there(place):
    environment.main()
    place.clear()
    environment.LOCK.write_text("other==1\n")
    environment.main()
    assert place == ["synchronised"]


def test_an_interrupted_run_starts_afresh(place, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "synchronise", interrupt)
        with pytest.raises(KeyboardInterrupt):
            environment.main()
    place.clear()
    environment.main()
    assert place == ["cleared", "synchronised"]


def test_another_python_starts_afresh(place, monkeypatch):
    environment.main()
    place.clear()
    monkeypatch.setattr(environment.sys, "version", "3.99.0 (another)")
    environment.main()
    assert place == ["cleared", "synchronised"]


def test_a_link_is_not_followed(place, tmp_path):
    """Creating an environment clears it, and would empty the folder at the other end."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    environment.VENV.symlink_to(other)
    with pytest.raises(SystemExit, match=r"\.venv is a link to .*other.* Remove the link"):
        environment.main()
    assert place == [] and (other / "precious").exists()


@pytest.mark.parametrize("closed", ["", "build", "build/executed"])
def test_a_read_only_checkout_is_refused_by_name(place, tmp_path, monkeypatch, closed):
    (tmp_path / "build/executed").mkdir(parents=True)
    monkeypatch.setattr(environment, "writable", lambda path: path != tmp_path / closed)
    with pytest.raises(SystemExit, match=r"cannot be written to.* Copy the checkout"):
        environment.main()
    assert place == []


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can become another")
def test_another_user_in_a_read_only_checkout_gets_no_traceback(tmp_path):
    """Root may write anywhere, so the test runs as nobody."""
    for name in ("tools/environment.py", "requirements.lock", "pyproject.toml"):
        target = tmp_path / "book" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(0o755)
    code = "import os; from tools import environment; os.setuid(65534); environment.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "book", capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "cannot be written to" in done.stderr and "Traceback" not in done.stderr


def test_a_second_environment_is_made_once_for_each_content_of_its_lock(
    place, tmp_path, monkeypatch
):
    """The installer is the running Python; an interrupted set-up is done again."""
    beside, lock, installed = tmp_path / "second", tmp_path / "second.lock", []
    lock.write_text("one==1\n")

    def create(target):
        environment.python_of(target).parent.mkdir(parents=True, exist_ok=True)
        environment.python_of(target).touch()
        return environment.python_of(target)

    def install(installer, python, wanted):
        if not installed:
            installed.append("interrupted")
            raise KeyboardInterrupt
        installed.append((installer, python, wanted))

    monkeypatch.setattr(environment, "create_beside", create)
    monkeypatch.setattr(environment, "install", install)
    with pytest.raises(KeyboardInterrupt):
        environment.lock_beside(beside, lock)
    python = environment.lock_beside(beside, lock)
    assert python == environment.lock_beside(beside, lock) == beside / "bin" / "python"
    assert installed == ["interrupted", (sys.executable, python, lock)]
    lock.write_text("one==2\n")
    environment.lock_beside(beside, lock)
    assert len(installed) == 3


def test_the_installer_comes_from_the_lock(place):
    assert environment.locked_uv() == "uv==1.0 \\\n    --hash=sha256:0\n"
