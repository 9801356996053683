"""The files of ``data/``: their bytes, how they are written and compared."""

from __future__ import annotations

import csv
import gzip
import io
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from tools.build.project import Project
from tools.data.spec import DataSet
from tools.data.tables import Table

DATA = Project().data_dir


def as_csv(table: Table) -> bytes:
    """Comma-separated UTF-8 with line feeds."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([table.header, *table.rows])
    return out.getvalue().encode("utf-8")


def as_gzip(content: bytes) -> bytes:
    """Gzip with a constant header: no time, no file name, no operating system."""
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    return header + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def store(spec: DataSet, content: bytes) -> bytes:
    """Bytes to store: compressed where asked, as they are in ``data/`` if that is the same table.

    Other builds of zlib compress otherwise; the table is what has to be reproduced.
    """
    path = DATA / spec.filename
    if not spec.compress:
        return content
    if path.exists() and gzip.decompress(path.read_bytes()) == content:
        return path.read_bytes()
    return as_gzip(content)


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files beside their places, then move each into place."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data-") as staging:
        for name, content in files.items():
            (Path(staging) / name).write_bytes(content)
        for name in files:
            (Path(staging) / name).replace(folder / name)


def differences(files: Mapping[str, bytes], folder: Path) -> list[str]:
    """What in `folder` is not what a rebuild gives, a line a file."""
    stored = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    lines = [f"{name}: no rebuild makes it" for name in sorted(stored.keys() - files.keys())]
    for name, content in files.items():
        if name not in stored:
            lines.append(f"{name}: missing")
        elif stored[name] != content:
            lines.append(f"{name}: a rebuild gives other bytes")
    return lines
