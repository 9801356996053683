"""JupyterLab opens a chapter as a notebook, and saves it as the text that it was."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import projects
import pytest

from tools.build import kernel, lab, notebook
from tools.build.project import Project, UserError

PATIENCE = 60  # seconds until the server answers
UNREACHABLE = ("Failed to fetch", "error sending request", "network was disabled")


@pytest.fixture(scope="module")
def python():
    """The interpreter of JupyterLab's environment; it is made where it is not there."""
    try:
        return lab.make()
    except subprocess.CalledProcessError as error:
        again = subprocess.run(error.cmd, capture_output=True, text=True)
        if any(words in again.stderr for words in UNREACHABLE):
            pytest.skip(f"the package index cannot be reached: {again.stderr.strip()[-200:]}")
        raise


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A book with the chapters of this one, for a server that writes into them."""
    root = tmp_path_factory.mktemp("lab") / "book"
    for name in ("chapters", "tools/lab"):
        projects.copy(projects.ROOT / name, root / name)
    return Project(root)


class Server:
    def __init__(self, info):
        self.url, self.token = info["url"], info["token"]

    def ask(self, path, body=None, method="GET"):
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            return json.load(reply)


def _answering(process, folder, log):
    """The server once it answers; it writes down its address and its token."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        for path in folder.glob("jpserver-*.json"):
            server = Server(json.loads(path.read_text()))
            try:
                server.ask("api/status")
            except OSError:
                continue
            return server
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def server(place, python):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = place.build_dir / "lab.log"
    variables = {**os.environ, **lab.variables(place, python)}
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*lab.command(place, python, port), "--no-browser"],
            cwd=place.root,
            env=variables,
            stdout=stream,
            stderr=stream,
        )
        try:
            yield _answering(process, place.build_dir / "lab" / "runtime", log)
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("chapter", Project().chapters())
def test_a_chapter_opens_as_a_notebook_and_is_saved_as_it_was(server, place, chapter):
    path = f"api/contents/chapters/{chapter}.md"
    before = place.source(chapter).read_bytes()
    content = server.ask(f"{path}?type=notebook")["content"]
    cells = content["cells"]
    expected = notebook.read_chapter(place.source(chapter)).cells
    assert [cell["cell_type"] for cell in cells] == [cell["cell_type"] for cell in expected]
    assert len(cells) > 10
    as_run(server, content)
    server.ask(path, {"type": "notebook", "format": "json", "content": content}, "PUT")
    assert place.source(chapter).read_bytes() == before


def as_run(server, content):
    """What JupyterLab adds to a notebook whose cells have run."""
    spec = server.ask("api/kernelspecs")["kernelspecs"]["python3"]["spec"]
    content["metadata"]["kernelspec"] = {
        "name": "python3",
        "display_name": spec["display_name"],
        "language": spec["language"],
    }
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.0"}
    for cell in content["cells"]:
        cell["metadata"] |= {"trusted": True, "collapsed": False}
        if cell["cell_type"] == "code":
            output = {"output_type": "stream", "name": "stdout", "text": "1\n"}
            cell |= {"execution_count": 1, "outputs": [output]}


@pytest.mark.slow
def test_an_edit_is_saved_and_nothing_else(server, place):
    source = place.source(place.chapters()[0])
    before = source.read_text(encoding="utf-8")
    path = f"api/contents/chapters/{source.name}"
    content = server.ask(f"{path}?type=notebook")["content"]
    next(c for c in content["cells"] if c["cell_type"] == "code")["source"] += "\nedited = 1"
    server.ask(path, {"type": "notebook", "format": "json", "content": content}, "PUT")
    after = source.read_text(encoding="utf-8")
    source.write_text(before, encoding="utf-8")
    assert after.replace("\nedited = 1", "", 1) == before != after


@pytest.mark.slow
def test_markdown_opens_as_a_notebook_without_being_asked(server):
    manager = "@jupyterlab/docmanager-extension:plugin"
    found = server.ask(f"lab/api/settings/{manager}")
    assert found["schema"]["properties"]["defaultViewers"]["default"] == {
        "markdown": "Jupytext Notebook",
        "myst": "Jupytext Notebook",
    }


def test_a_failing_installer_is_named_without_a_traceback(place, monkeypatch):
    def fail():
        raise subprocess.CalledProcessError(2, ["uv", "pip", "sync"])

    monkeypatch.setattr(lab, "make", fail)
    with pytest.raises(UserError, match=r"(?s)uv pip sync.* package index .* make lab again"):
        lab.lab(place, 0, True)


@pytest.mark.slow
def test_its_kernel_is_that_of_the_book(place, python):
    """The package from this folder, the settings of the book, and all that chapters import."""
    lab.variables(place, python)
    spec = json.loads((place.build_dir / "lab/kernels/python3/kernel.json").read_text())
    assert spec["argv"][0] == str(python)
    assert spec["env"] == kernel.environment(place)
    text = "\n".join(place.source(name).read_text(encoding="utf-8") for name in place.chapters())
    names = sorted(set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)))
    assert {"mixfolio", "numpy"} < set(names)
    code = "; ".join(f"import {name}" for name in names) + "; print(mixfolio.__file__)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(projects.ROOT / "src")
