"""Rebuild every file in ``data/`` from the packages that distribute the originals."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tools.data_sets import (
    asset_classes,
    factors,
    funds,
    indices_and_yields,
    industries,
    one_over_n,
    stocks,
)
from tools.data_sets.archives import Archives
from tools.data_sets.descriptor import as_json, describe, package
from tools.data_sets.files import DATA, as_csv, differences, store, write
from tools.data_sets.readme import readme
from tools.data_sets.spec import DataSet
from tools.data_sets.tables import Table
from tools.project import Project

CACHE = Project().build_dir / "data-sources"

# In the order in which the descriptor lists them.
DATA_SETS: tuple[DataSet, ...] = (
    *one_over_n.DATA_SETS,
    *industries.DATA_SETS,
    *asset_classes.DATA_SETS,
    *factors.DATA_SETS,
    *stocks.DATA_SETS,
    *funds.DATA_SETS,
    *indices_and_yields.DATA_SETS,
)


def ensure_sound(name: str, table: Table) -> None:
    """Fail unless dates rise without repetition, rows are full and names are unique."""
    dates = [date.fromisoformat(row[0]) for row in table.rows]
    assert all(a < b for a, b in itertools.pairwise(dates)), f"{name}: dates"
    assert all(len(row) == len(table.header) for row in table.rows), f"{name}: ragged rows"
    assert len(set(table.header)) == len(table.header), f"{name}: column names repeat"
    assert all(any(row[1:]) for row in table.rows), f"{name}: an empty row"


def build(archives: Archives) -> dict[str, bytes]:
    """Every file of ``data/``: name -> bytes."""
    files: dict[str, bytes] = {}
    resources = []
    for spec in DATA_SETS:
        table = spec.build(archives)
        ensure_sound(spec.name, table)
        files[spec.filename] = store(spec, as_csv(table))
        resources.append(describe(spec, table, files[spec.filename], archives))
    files["datapackage.json"] = as_json(package(resources))
    files["README.md"] = (readme(resources).rstrip() + "\n").encode("utf-8")
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with data/, write nothing")
    parser.add_argument("--source-dir", type=Path, help="folder that holds the archives")
    options = parser.parse_args(arguments)
    folder = options.source_dir or CACHE
    files = build(Archives(folder, download=options.source_dir is None))
    if not options.check:
        write(files, DATA)
        print(f"data: wrote {len(files)} files, {sum(map(len, files.values())):,} bytes")
        return 0
    found = differences(files, DATA)
    print("\n".join(found) if found else f"data: {len(files)} files are what a rebuild gives")
    return 1 if found else 0
