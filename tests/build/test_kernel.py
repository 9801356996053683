"""What every process of a chapter is under: no network, and a record of the data it opens."""

import os
import subprocess
import sys

import pytest

from tools import data_reads, kernel
from tools.project import Project

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
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "kernel_site").symlink_to(Project().root / "tools" / "kernel_site")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("a")
    (tmp_path / "data" / "b.csv").write_text("b")
    (tmp_path / "other.csv").write_text("c")
    return Project(tmp_path)


def python(project, code, **options):
    environment = {**os.environ, **kernel.environment(project, **options)}
    return subprocess.run([sys.executable, "-c", code], env=environment, cwd=project.root,
                          capture_output=True, text=True)


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
    assert python(project, code, reads_log=log).returncode == 0
    data_reads.record(project, "01-x", log)
    assert list(data_reads.recorded(project, "01-x")) == ["data/a.csv"]
    assert data_reads.unchanged(project, "01-x")
    (project.data_dir / "b.csv").write_text("changed")
    assert data_reads.unchanged(project, "01-x")
    (project.data_dir / "a.csv").write_text("changed")
    assert not data_reads.unchanged(project, "01-x")


def test_a_chapter_that_never_ran_is_stale(project):
    assert not data_reads.unchanged(project, "01-x")


def test_pandas_and_packed_files_are_seen(project):
    import gzip

    with gzip.open(project.data_dir / "c.csv.gz", "wt") as stream:
        stream.write("x\n1\n")
    log = project.root / "log"
    done = python(project, "import pandas; pandas.read_csv('data/c.csv.gz')", reads_log=log)
    assert done.returncode == 0, done.stderr
    assert str(project.data_dir / "c.csv.gz") in log.read_text()
