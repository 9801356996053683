"""Exact sums of every data file, in which any changed digit shows.

For each column and for each year (a first column that is no date stands for itself), the sum of
its numbers, each times the place of its row in the file. So a changed digit changes two sums, which
say where, and so does a swap of two rows or two columns. Dates count as days since the year 1, and
text by its checksum.

Run `python -m tests.golden.make_data_sums` after a deliberate change of the data, and read the
difference.
"""

import csv
import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMS = Path(__file__).with_name("data_sums.json")


def files() -> Iterator[tuple[str, bytes]]:
    """Names and uncompressed contents of all data files."""
    for path in sorted((ROOT / "data").rglob("*.csv*")):
        content = path.read_bytes()
        name = path.relative_to(ROOT / "data").as_posix()
        yield name, gzip.decompress(content) if path.suffix == ".gz" else content


def _number(column: str, cell: str) -> Decimal:
    if column == "date":
        return Decimal(date.fromisoformat(cell).toordinal())
    try:
        return Decimal(cell)
    except InvalidOperation:
        return Decimal(zlib.crc32(cell.encode()))  # text, or nothing


def sums(content: bytes) -> dict[str, dict[str, str]]:
    """Sums by column and by year of the text of a file; a date that is none is an error."""
    header, *rows = csv.reader(content.decode("utf-8").splitlines())
    columns, years = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    with localcontext() as context:
        context.prec = 60  # exact
        for place, row in enumerate(rows, 1):
            year = row[0][:4] if header[0] == "date" else row[0]
            for position, (name, cell) in enumerate(zip(header, row, strict=True), 1):
                number = _number(name, cell)
                columns[name] += place * number
                years[year] += position * number
    return {
        "columns": {name: f"{total.normalize():f}" for name, total in columns.items()},
        "years": {name: f"{total.normalize():f}" for name, total in years.items()},
    }


if __name__ == "__main__":
    found = {name: sums(content) for name, content in files()}
    SUMS.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
