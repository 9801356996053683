"""Prices of large US stocks, with the sectors of their companies."""

from __future__ import annotations

import hashlib
import io

import openpyxl

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, last_of_each, parse, significant, week

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
)
