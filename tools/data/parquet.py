"""Just enough of Apache Parquet to read one table of numbers without a library of 100 MB.

Columns of 8-byte integers or floats, flat, without missing values, compressed by Snappy, in pages
of version 1, plain or by dictionary; whatever else fails. The layout is that of the format's
specification: a footer in Thrift's compact protocol says where the pages of every column are.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

TYPES = {2: "<q", 5: "<d"}
INTEGERS, BINARY, LISTS, STRUCTS = (4, 5, 6), 8, (9, 10), 12
SNAPPY, DATA, DICTIONARY = 1, 0, 2


def read(content: bytes) -> dict[str, list[Any]]:
    """Column -> its values."""
    assert content[:4] == content[-4:] == b"PAR1", "not a Parquet file"
    size = int.from_bytes(content[-8:-4], "little")
    footer = thrift(io.BytesIO(content[-8 - size : -8]))
    columns: dict[str, list[Any]] = {}
    for group in footer[4]:
        for chunk in group[1]:
            about = chunk[3]
            values = columns.setdefault(about[3][0].decode("utf-8"), [])
            values += chunk_values(content, about)
    return columns


def chunk_values(content: bytes, about: dict[int, Any]) -> list[Any]:
    """The values of one column in one group of rows."""
    assert about[4] == SNAPPY, "another compression"
    stream = io.BytesIO(content)
    stream.seek(min(about[9], about.get(11, about[9])))
    dictionary: list[Any] = []
    values: list[Any] = []
    while len(values) < about[5]:
        header = thrift(stream)
        page = snappy(stream.read(header[3]))
        if header[1] == DICTIONARY:
            dictionary = plain(page, about[1])
            continue
        assert header[1] == DATA, "another kind of page"
        values += page_values(page, header[5], about[1], dictionary)
    return values


def page_values(page: bytes, about: dict[int, Any], kind: int, dictionary: list[Any]) -> list[Any]:
    """The values of one page: after the levels, numbers or places in the dictionary."""
    count, encoding = about[1], about[2]
    start = 4 + int.from_bytes(page[:4], "little")
    assert all(runs(page[4:start], 1, count)), "missing values"
    if encoding == 0:
        return plain(page[start:], kind)
    assert encoding in (2, 8), "another encoding"
    return [dictionary[i] for i in runs(page[start + 1 :], page[start], count)]


def plain(page: bytes, kind: int) -> list[Any]:
    """Numbers one after the other."""
    return [value for (value,) in struct.iter_unpack(TYPES[kind], page)]


def runs(data: bytes, width: int, count: int) -> list[int]:
    """Small integers in runs: one value repeated, or eight at a time packed into bits."""
    stream, size, values = io.BytesIO(data), (width + 7) // 8, list[int]()
    while len(values) < count:
        header = varint(stream)
        if header % 2:
            packed = int.from_bytes(stream.read(header // 2 * width), "little")
            mask = (1 << width) - 1
            values += [packed >> i * width & mask for i in range(header // 2 * 8)]
        else:
            values += [int.from_bytes(stream.read(size), "little")] * (header // 2)
    return values[:count]


def snappy(data: bytes) -> bytes:
    """Decompress: literals, and copies of what came before."""
    stream, out = io.BytesIO(data), bytearray()
    size = varint(stream)
    while tag := stream.read(1):
        kind, length = tag[0] & 3, (tag[0] >> 2) + 1
        if kind == 0:
            if length > 60:
                length = int.from_bytes(stream.read(length - 60), "little") + 1
            out += stream.read(length)
            continue
        if kind == 1:
            length = (tag[0] >> 2 & 7) + 4
            back = (tag[0] >> 5) << 8 | stream.read(1)[0]
        else:
            back = int.from_bytes(stream.read(2 if kind == 2 else 4), "little")
        for _ in range(length):
            out.append(out[-back])
    assert len(out) == size, "damaged"
    return bytes(out)


def varint(stream: io.BytesIO) -> int:
    """An unsigned integer, seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7


def thrift(stream: io.BytesIO) -> dict[int, Any]:
    """A structure of Thrift's compact protocol: number of the field -> its value."""
    return dict(fields(stream))


def fields(stream: io.BytesIO) -> Iterator[tuple[int, Any]]:
    """The fields of a structure, one by one."""
    number = 0
    while head := stream.read(1)[0]:
        number = number + (head >> 4) if head >> 4 else zigzag(stream)
        yield number, value_of(head & 15, stream)


def value_of(kind: int, stream: io.BytesIO) -> Any:
    """One value of a field or of a list."""
    if kind in (1, 2):
        return kind == 1
    if kind in INTEGERS:
        return zigzag(stream)
    if kind == BINARY:
        return stream.read(varint(stream))
    if kind in LISTS:
        head = stream.read(1)[0]
        size = head >> 4 if head >> 4 < 15 else varint(stream)
        return [value_of(head & 15, stream) for _ in range(size)]
    assert kind == STRUCTS, "another type"
    return thrift(stream)


def zigzag(stream: io.BytesIO) -> int:
    """A signed integer."""
    value = varint(stream)
    return value >> 1 ^ -(value & 1)
