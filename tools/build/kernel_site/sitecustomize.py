"""Loaded by every Python process of a chapter: watches what it reads, blocks the network.

Python imports a module of this name when it starts, so worker processes of a
chapter are covered as well as its kernel. Environment variables steer it:

``BOOK_DATA_DIR``, ``BOOK_SOURCE_DIR`` and ``BOOK_READS_LOG``
    each file under one of the first two that is opened, or whose code is run, is
    appended to the third, one path a line;
``BOOK_OFFLINE``
    when ``1``, any attempt to reach another host raises ``OfflineError``.
"""

import os
import sys

_LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""}
_OPENING = {"open", "sqlite3.connect"}
_REACHING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_COMPILED = os.sep + "__pycache__" + os.sep


class OfflineError(OSError):
    """A chapter tried to reach the network."""


def _is_local(host):
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    return host is None or host in _LOCAL or host.startswith("127.")


def _refuse(host):
    raise OfflineError(f"chapters run without a network, but this one tried to reach {host!r}")


def _watch_network(event, args):
    if event in _REACHING:
        address = args[1] if len(args) > 1 else None
        if isinstance(address, tuple) and not _is_local(address[0]):
            _refuse(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_local(args[0]):
        _refuse(args[0])


class _ReadsWatch:
    """Appends each file of the watched folders to the log the first time this process reads it."""

    def __init__(self, folders, log):
        self.prefixes = tuple(os.path.realpath(folder) + os.sep for folder in folders)
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.seen = set()

    def __call__(self, event, args):
        if event == "exec":  # the body of a module, whether its source or its compiled file is read
            name = getattr(args[0], "co_filename", None)
        else:
            name = args[0] if event in _OPENING else None
        if not isinstance(name, (str, bytes, os.PathLike)):
            return
        path = os.path.realpath(os.fsdecode(name))
        if path not in self.seen and path.startswith(self.prefixes) and _COMPILED not in path:
            self.seen.add(path)
            os.write(self.log, (path + "\n").encode())


def _install():
    if os.environ.get("BOOK_OFFLINE") == "1":
        sys.addaudithook(_watch_network)
    if os.environ.get("BOOK_READS_LOG"):
        folders = (os.environ["BOOK_DATA_DIR"], os.environ["BOOK_SOURCE_DIR"])
        sys.addaudithook(_ReadsWatch(folders, os.environ["BOOK_READS_LOG"]))


_install()
