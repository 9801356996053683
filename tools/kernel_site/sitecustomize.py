"""Loaded by every Python process of a chapter: watches data files, blocks the network.

Python imports a module of this name when it starts, so worker processes of a
chapter are covered as well as its kernel. Two environment variables steer it:

``BOOK_DATA_DIR`` and ``BOOK_READS_LOG``
    each file opened under the first is appended to the second, one path a line;
``BOOK_OFFLINE``
    when ``1``, any attempt to reach another host raises ``OfflineError``.
"""

import os
import sys

_LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""}
_OPENING = {"open", "sqlite3.connect"}
_REACHING = {"socket.connect", "socket.sendto", "socket.sendmsg"}


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


class _DataWatch:
    """Appends each data file to the log the first time this process opens it."""

    def __init__(self, data_dir, log):
        self.prefix = os.path.realpath(data_dir) + os.sep
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.seen = set()

    def __call__(self, event, args):
        if event not in _OPENING or not isinstance(args[0], (str, bytes, os.PathLike)):
            return
        path = os.path.realpath(os.fsdecode(args[0]))
        if path.startswith(self.prefix) and path not in self.seen:
            self.seen.add(path)
            os.write(self.log, (path + "\n").encode())


def _install():
    if os.environ.get("BOOK_OFFLINE") == "1":
        sys.addaudithook(_watch_network)
    if os.environ.get("BOOK_READS_LOG"):
        sys.addaudithook(_DataWatch(os.environ["BOOK_DATA_DIR"], os.environ["BOOK_READS_LOG"]))


_install()
