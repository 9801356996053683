"""The built site, a browser and a server for it."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.build.project import Project
from tools.site.polish_html import html_pages

SITE = Project().site_dir
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pages() -> list[str]:
    """Every page of the site; empty when it is not built, which a test reports."""
    return [page.relative_to(SITE).as_posix() for page in html_pages(SITE)]


def need(thing, what):
    """The thing, or a skip; where everything has to be there, a failure."""
    if not thing:
        if os.environ.get("CI"):
            pytest.fail(f"{what} is missing, and this run may not do without it")
        pytest.skip(f"{what} is not installed")
    return thing


@pytest.fixture(scope="session")
def site() -> Path:
    return SITE


@pytest.fixture(scope="session")
def browser():
    path = need(next(filter(None, map(shutil.which, BROWSERS)), None), "a Chromium browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        """Nothing."""


@pytest.fixture(scope="session")
def server():
    """Address of a local server of the site."""
    handler = partial(QuietHandler, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


@pytest.fixture(params=["file", "server"])
def address(request, site):
    """Where the site is opened from: the disk, or a server."""
    return site.as_uri() if request.param == "file" else request.getfixturevalue("server")
