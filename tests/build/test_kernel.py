"""What every process of a chapter is under: no network, and a record of what it reads."""

import compileall
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.build import kernel, reads
from tools.build.project import Project

ATTEMPTS = {
    "connect": "import socket; socket.socket().connect(('192.0.2.1', 80))",
    "name": "import socket; socket.getaddrinfo('example.org', 80)",
    "old name": "import socket; socket.gethostbyname('example.org')",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM)"
    ".sendto(b'x', ('192.0.2.1', 53))",
    "url": "import urllib.request; urllib.request.urlopen('http://192.0.2.1')",
    "child": "import subprocess, sys; subprocess.run([sys.executable, '-c', "
    "\"import socket; socket.getaddrinfo('example.org', 80)\"], check=True)",
}
LOOPBACK = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
socket.getaddrinfo("localhost", 80)
"""


@pytest.fixture
def project(tmp_path):
    site = Path("tools", "build", "kernel_site")
    (tmp_path / site.parent).mkdir(parents=True)
    (tmp_path / site).symlink_to(Project().root / site)
    (tmp_path / "data").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "data" / "a.csv").write_text("a")
    (tmp_path / "data" / "b.csv").write_text("b")
    (tmp_path / "other.csv").write_text("c")
    return Project(tmp_path)


def python(project, code, **options):
    environment = {**os.environ, **kernel.environment(project, **options)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=project.root,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_other_hosts_are_out_of_reach(project, attempt):
    done = python(project, ATTEMPTS[attempt])
    assert done.returncode != 0
    assert "chapters run without a network" in done.stderr


def test_this_machine_is_in_reach(project):
    done = python(project, LOOPBACK)
    assert done.returncode == 0, done.stderr


def test_every_chapter_runs_offline():
    assert kernel.environment(Project())["BOOK_OFFLINE"] == "1"


def test_data_files_are_recorded(project):
    log = project.root / "log"
    code = "open('data/a.csv'); open('data/a.csv'); open('other.csv'); import os; os.listdir('.')"
    before = reads.readable(project)
    assert python(project, code, reads_log=log).returncode == 0
    reads.record(project, "01-x", log, before)
    assert list(reads.recorded(project, "01-x")) == ["data/a.csv"]
    assert reads.unchanged(project, "01-x")
    (project.data_dir / "b.csv").write_text("changed")
    assert reads.unchanged(project, "01-x")
    (project.data_dir / "a.csv").write_text("changed")
    assert not reads.unchanged(project, "01-x")


MODULES = {"tool/__init__.py": "", "tool/used.py": "x = 1", "tool/unused.py": "x = 1"}
IN_A_WORKER = """
import multiprocessing
def load(name):
    __import__(name)
if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=load, args=["tool.used"])
    worker.start(); worker.join(); exit(worker.exitcode)
"""


@pytest.fixture
def modules(project):
    for name, text in MODULES.items():
        path = project.source_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("run", ["from its source", "from its compiled file", "in a worker"])
def test_modules_are_recorded(project, modules, run):
    log, code = project.root / "log", "import tool.used"
    if run == "from its compiled file":
        assert compileall.compile_dir(project.source_dir, quiet=1)
    if run == "in a worker":
        (project.root / "main.py").write_text(IN_A_WORKER)
        code = "import runpy; runpy.run_path('main.py', run_name='__main__')"
    before = reads.readable(project)
    assert python(project, code, reads_log=log).returncode == 0
    reads.record(project, "01-x", log, before)
    assert list(reads.recorded(project, "01-x")) == ["src/tool/__init__.py", "src/tool/used.py"]


def test_a_file_that_is_edited_after_it_was_read_has_changed(project, modules):
    log = project.root / "log"
    before = reads.readable(project)
    edit = "open('data/a.csv').read(); open('data/a.csv', 'w').write('edited')"
    assert python(project, edit, reads_log=log).returncode == 0
    reads.record(project, "01-x", log, before)
    assert not reads.unchanged(project, "01-x")


def test_a_file_that_was_looked_for_in_vain_and_appears_has_changed(project):
    log = project.root / "log"
    before = reads.readable(project)
    assert python(project, "open('data/z.csv')", reads_log=log).returncode == 1
    reads.record(project, "01-x", log, before)
    assert reads.unchanged(project, "01-x")
    (project.data_dir / "z.csv").write_text("z")
    assert not reads.unchanged(project, "01-x")


def test_a_chapter_that_never_ran_is_stale(project):
    assert not reads.unchanged(project, "01-x")


def test_pandas_and_packed_files_are_seen(project):
    import gzip

    with gzip.open(project.data_dir / "c.csv.gz", "wt") as stream:
        stream.write("x\n1\n")
    log = project.root / "log"
    done = python(project, "import pandas; pandas.read_csv('data/c.csv.gz')", reads_log=log)
    assert done.returncode == 0, done.stderr
    assert str(project.data_dir / "c.csv.gz") in log.read_text()
