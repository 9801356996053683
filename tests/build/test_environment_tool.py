"""The set-up of .venv: skipped when nothing changed, done afresh when it was interrupted."""

import pytest

from tools import environment


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


def test_the_installer_comes_from_the_lock(place):
    assert environment.locked_uv() == "uv==1.0 \\\n    --hash=sha256:0\n"
