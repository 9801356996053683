"""The live preview: serves, follows a change, and keeps the last good pages."""

import socket
import threading
import urllib.request
from functools import partial
from http.server import ThreadingHTTPServer

import projects
import pytest

from tools.build.project import Project, run_command
from tools.build.serve import PORT, Handler, Preview, serve


@pytest.fixture
def served(book, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(book / "src"))
    preview = Preview(Project(book))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, preview=preview))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield preview, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def get(url):
    with urllib.request.urlopen(url) as reply:
        return reply.read().decode()


def test_preview_follows_changes_and_survives_mistakes(book, served):
    preview, url = served
    preview.build()
    assert get(f"{url}/__version") == "1"
    assert "A little book" in get(url + "/")
    assert '<script src="/__reload.js">' in get(url + "/chapters/01-coin.html")
    assert "/__version" in get(url + "/__reload.js")

    before = preview.snapshot()
    projects.replace(book / "book/preface.md", "A little book", "A changed book")
    assert preview.snapshot() != before
    preview.build()
    assert get(f"{url}/__version") == "2"
    assert "A changed book" in get(url + "/")

    projects.replace(book / "book/preface.md", "A changed book", "{doc}`nowhere`")
    preview.build()
    assert get(f"{url}/__version") == "2"
    assert "A changed book" in get(url + "/")


def test_an_edit_of_prose_is_shown_without_executing(book, served, monkeypatch):
    preview, url = served
    preview.build()
    builds = []
    monkeypatch.setattr(preview, "build", lambda: builds.append(1))
    ran = (book / "build/executed/01-coin.ipynb").stat().st_mtime_ns
    preview.seen = preview.snapshot()

    title = next(
        line for line in (book / "chapters/01-coin.md").read_text().splitlines() if line[:2] == "# "
    )
    projects.replace(book / "chapters/01-coin.md", title, "# A new title")
    projects.replace(book / "book/preface.md", "A little book", "A changed book")
    preview.follow()
    assert get(f"{url}/__version") == "2"
    page = get(f"{url}/chapters/01-coin.html")
    assert "A new title" in page and "cell_output" in page and "webpack-macros" not in page
    assert "A changed book" in get(url + "/")
    assert (book / "build/executed/01-coin.ipynb").stat().st_mtime_ns == ran

    projects.replace(book / "book/preface.md", "A changed book", "{doc}`nowhere`")
    preview.follow()  # fails, and the last good pages stay
    assert get(f"{url}/__version") == "2" and "A changed book" in get(url + "/")
    projects.replace(book / "book/preface.md", "{doc}`nowhere`", "A mended book")
    preview.follow()
    assert "A mended book" in get(url + "/")
    assert not builds

    projects.replace(book / "chapters/01-coin.md", "seed: int = 7", "seed: int = 8")
    preview.follow()
    assert builds == [1]


def test_an_edit_during_the_first_build_is_followed(tmp_path, monkeypatch, capsys):
    page = tmp_path / "chapters" / "01-coin.md"
    page.parent.mkdir()
    page.write_text("old")
    builds = []

    def build(preview):
        builds.append(page.read_text())
        if len(builds) == 1:
            page.write_text("newer")  # the author saves while the first build runs

    monkeypatch.setattr(Preview, "build", build)
    preview = Preview(Project(tmp_path))
    preview.build()
    preview.follow()
    preview.follow()
    assert builds == ["old", "newer"]
    assert capsys.readouterr().out == "Changed: chapters/01-coin.md. Rebuilding ...\n"


def test_a_port_in_use_is_said_before_anything_is_built(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Preview, "build", lambda preview: pytest.fail("it was built"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = ["--port", str(port), "--root", str(tmp_path)]
        assert run_command(serve, PORT, given=given) == 1
    assert capsys.readouterr().err == f"port {port} is in use; try PORT={port + 1}\n"
