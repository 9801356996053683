"""The live preview: serves, follows a change, and keeps the last good pages."""

import threading
import urllib.request
from functools import partial
from http.server import ThreadingHTTPServer

import projects
import pytest

from tools.project import Project
from tools.serve import Handler, Preview


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
    assert "/__version" in get(url + "/chapters/01-coin.html")

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
