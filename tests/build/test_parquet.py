"""The reader of Parquet, part by part, on examples small enough to decode by hand."""

import io

import pytest

from tools.data import parquet


@pytest.mark.parametrize(
    ("data", "width", "expected"),
    [
        # The specification's own example of bits: the numbers 0 to 7, three bits each.
        (b"\x03\x88\xc6\xfa", 3, [0, 1, 2, 3, 4, 5, 6, 7]),
        (b"\x0a\x02", 2, [2, 2, 2, 2, 2]),
        (b"\x04\x01\x03\x05", 1, [1, 1, 1, 0, 1, 0, 0, 0]),
    ],
)
def test_runs(data, width, expected):
    assert parquet.runs(data, width, len(expected)) == expected


def test_snappy_copies_what_it_has_just_written():
    assert parquet.snappy(b"\x06\x04ab\x01\x02") == b"ababab"
    assert parquet.snappy(b"\x08\x04ab\x16\x02\x00") == b"abababab"
    with pytest.raises(AssertionError, match="damaged"):
        parquet.snappy(b"\x07\x04ab\x01\x02")


def test_thrift_reads_numbers_text_lists_and_structures():
    stream = io.BytesIO(b"\x15\x03\x18\x02hi\x19\x25\x02\x04\x1c\x15\x0e\x00\x11\x00")
    assert parquet.thrift(stream) == {1: -2, 2: b"hi", 3: [1, 2], 4: {1: 7}, 5: True}


def test_another_file_is_refused():
    with pytest.raises(AssertionError, match="not a Parquet file"):
        parquet.read(b"date,A\n2020-01-02,1\n")
