"""Prices of large US stocks in years that the other panels of stocks do not reach."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tools.data import parquet
from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.stocks import SECTOR_BOOK, STOCKS, TWIN, stock_labels
from tools.data.tables import Table, parse, significant

LATER = Origin("cvxcla", "experiments/data/sp500_pct_returns.parquet")
LONGER = Origin("cvxsimulator", "tests/test_applications/test_reference/resources/prices.csv")

# Where stocks-daily ends.
BASE_DAY = "2021-10-14"
# Ticker of today -> ticker of 2021. The two packages give these the same returns in 2021.
RENAMED = {
    **{"BALL": "BLL", "BNY": "BK", "COR": "ABC", "CPAY": "FLT", "DOC": "PEAK", "EG": "RE"},
    **{"ELV": "ANTM", "GEN": "NLOK", "META": "FB", "MRSH": "MMC", "PSKY": "VIAC"},
    **{"RVTY": "PKI", "WBD": "DISCA", "WTW": "WLTW"},
}
EXCLUDED_LATER = {
    "GOOG": TWIN,
    "FOX": "second share class of FOXA",
    "NWS": "second share class of NWSA",
    "APTV": "fell by 10.6% on 2026-04-01, which may be a spin-off that is not adjusted",
}
# Name in the package -> ticker with the same returns from 2006 to 2023 (see the defects).
TICKERS = {
    **{"T0": "AXP", "T1": "VZ", "T3": "BA", "T4": "CAT", "T5": "JPM", "T6": "CVX", "T7": "KO"},
    **{"T8": "DIS", "T9": "COP", "T10": "XOM", "T11": "AMT", "T12": "GE", "T13": "AMZN"},
    **{"T14": "HD", "T15": "IBM", "T16": "JNJ", "T17": "MCD", "T18": "MRK", "T19": "MMM"},
    **{"T20": "BAC", "T21": "PFE", "T23": "PG", "T25": "T", "T26": "RTX", "T28": "WMT"},
    **{"T29": "CSCO", "T30": "INTC", "T31": "MSFT", "T33": "NVDA", "T34": "C", "T35": "AIG"},
    **{"T36": "SO", "T37": "MO", "T38": "GS", "T39": "ABT", "T40": "BKNG", "T43": "TMO"},
    **{"T46": "UNP", "T47": "UNH", "T48": "BLK", "T50": "BK", "T53": "BRK-B", "T55": "BMY"},
    **{"T56": "ADBE", "T58": "AMGN", "T59": "AAPL", "T61": "CMCSA", "T64": "CL", "T66": "COST"},
    **{"T67": "DHR", "T68": "TGT", "T69": "DE", "T71": "DUK", "T73": "EMR", "T76": "FDX"},
    **{"T77": "GILD", "T79": "F", "T80": "NEE", "T81": "GD", "T83": "QCOM", "T84": "SBUX"},
    **{"T85": "USB", "T87": "MS", "T89": "LLY", "T90": "LOW", "T92": "SPG", "T93": "UPS"},
    **{"T94": "MDT", "T95": "CVS", "T96": "LMT", "T98": "COF", "T99": "NKE", "T100": "WFC"},
}


def labels(archives: Archives) -> dict[str, dict[str, str]]:
    """Ticker -> company and sector, under the tickers that both packages use."""
    known = stock_labels(archives)
    later = {new: known[old] for new, old in RENAMED.items()}
    return {**known, **later, "BRK-B": known["BRK/B"]}


def later_returns(archives: Archives) -> Table:
    """Daily returns of the members of the index in 2021 that still were members in 2026."""
    source = parquet.read(archives.read(LATER.package, LATER.path))
    members = set(parse(archives.text(STOCKS.package, STOCKS.path)).header)
    wanted = (members | RENAMED.keys()) & labels(archives).keys() - EXCLUDED_LATER.keys()
    names = sorted(wanted & source.keys())
    columns = [[repr(value) for value in source[name]] for name in names]
    dates = [datetime.fromtimestamp(ms / 1000, UTC).date().isoformat() for ms in source["Date"]]
    return Table(["date", *names], [list(row) for row in zip(dates, *columns, strict=True)])


def accumulated(returns: Table, base_day: str) -> Table:
    """Wealth from 100 on the base day, where the returns before and on that day are dropped."""
    wealth = [Decimal(100)] * (len(returns.header) - 1)
    rows = [[base_day, *map(str, wealth)]]
    for day, *cells in returns.rows:
        if day > base_day:
            wealth = [w * (1 + Decimal(cell)) for w, cell in zip(wealth, cells, strict=True)]
            rows.append([day, *map(str, wealth)])
    return Table(returns.header, rows)


def stocks_since_2021(archives: Archives) -> Table:
    """Wealth from 100 invested where stocks-daily ends, dividends reinvested."""
    return accumulated(later_returns(archives), BASE_DAY).map_cells(significant(6))


def stocks_since_2000(archives: Archives) -> Table:
    """Adjusted closes of the stocks with a sector, without the days of closed exchanges."""
    table = parse(archives.text(LONGER.package, LONGER.path))
    before = [table.header, *table.rows]
    open_days = [row for last, row in zip(before, table.rows, strict=False) if row[1:] != last[1:]]
    named = Table(table.header, open_days).select(TICKERS).rename(TICKERS)
    return named.select(sorted(TICKERS.values())).map_cells(significant(6))


def sectors(archives: Archives) -> dict[str, str]:
    """Ticker -> sector."""
    return {name: entry["group"] for name, entry in labels(archives).items()}


def titles(archives: Archives) -> dict[str, dict[str, str]]:
    """Ticker -> company, as the title of the column."""
    return {name: {"title": entry["title"]} for name, entry in labels(archives).items()}


SECTORS = (
    "Sectors are those of 2021, from another package than the prices, and are not GICS sectors."
)

DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="stocks-since-2021",
        title="US large stocks with sectors, daily wealth 2021-2026",
        description="Wealth from 100 invested on 2021-10-14, where stocks-daily ends, with "
        "dividends reinvested: no return is in another panel of stocks. Members of the S&P 500 "
        "in October 2021 that still were members in May 2026 and have a sector.",
        kind="prices",
        unit="wealth from 100 on 2021-10-14, dividends reinvested, 6 significant digits",
        frequency="daily",
        origins=(LATER, STOCKS, SECTOR_BOOK),
        build=stocks_since_2021,
        groups=sectors,
        group_label="sector",
        details=titles,
        compress=True,
        defects=(
            Defect(
                "Survivors only: of the 503 tickers of 2021 the source still has 429. The others "
                "were taken over, fell out of the index or failed (SIVB and FRC did). Means and "
                "Sharpe ratios are too high, for every portfolio.",
                "Left; cannot be repaired. Compare methods with one another, not with an index.",
            ),
            Defect(
                "The source holds the index of May 2026, so also companies that entered it since "
                "2021 because they had risen.",
                "Left out: only members of October 2021 are kept. That list, from "
                "portfolio_backtester, lacks BRK-B and BF-B.",
            ),
            Defect(
                "Fourteen companies changed their tickers after 2021.",
                "Kept under the ticker of 2026. In the 54 days that both packages have, to "
                "2021-10-14, their returns agree, but for one day of COR. WBD and PSKY are "
                "Discovery and ViacomCBS, which merged with others.",
            ),
            Defect("LIN, STX, TEL and WELL have no sector.", "Left out."),
            *(Defect(f"{name}: {why}.", "Left out.") for name, why in EXCLUDED_LATER.items()),
            Defect(
                "The package's authors took adjusted closes from Yahoo Finance and filled short "
                "gaps with the last price.",
                "Left.",
            ),
            Defect(SECTORS, "Left: known before the first return, so no look-ahead."),
        ),
    ),
    DataSet(
        name="stocks-since-2000",
        title="73 US very large stocks with sectors, daily adjusted closes 2000-2023",
        description="Very large companies with a full history. The years to August 2006 and from "
        "2021-10-15 on are in neither stocks-weekly nor stocks-daily. The years between overlap: "
        "stocks-weekly has 71 of the 73 companies.",
        kind="prices",
        unit="US dollars, adjusted for splits and dividends, at most 6 significant digits",
        frequency="daily",
        origins=(LONGER, SECTOR_BOOK),
        build=stocks_since_2000,
        groups=sectors,
        group_label="sector",
        details=titles,
        renamed=TICKERS,
        compress=True,
        defects=(
            Defect(
                "Only companies that were very large at the end and have traded since 2000: "
                "survivors, and chosen for having grown. Means and Sharpe ratios are too high, "
                "for every portfolio.",
                "Left; cannot be repaired. Compare methods with one another, not with an index.",
            ),
            Defect(
                "The source hides the tickers (T0, T1, ...).",
                "Named after the stock with the same daily returns in the source of stocks-daily, "
                "2006-2021 (correlations above 0.998, the next below 0.87), BRK-B in that of "
                "stocks-since-2021. The source's name is kept in each field's source_name.",
            ),
            Defect("T57, which is LIN, has no sector.", "Left out."),
            Defect(
                "The source repeats the prices of the day before on 221 days on which the "
                "exchange was closed.",
                "Left out.",
            ),
            Defect(
                "Prices have at most 4 decimals, which is coarse where a stock was cheap: AAPL, "
                "AMZN and NVDA cost 0.20, 0.30 and 0.56 at their lowest, after adjustment.",
                "Left: the error is at most 0.03% of the price.",
            ),
            Defect(
                "On some days closes differ from those of stocks-daily by up to 6% (RTX on "
                "2020-04-03, SPG on 2008-09-18).",
                "Left: which of the two is right is not known.",
            ),
            Defect(
                "The licence file in the package is the MIT License, its README names Apache-2.0.",
                "Both allow redistribution; the licence file is recorded.",
            ),
            Defect(SECTORS, "Left: using them in 2000 is a mild look-ahead."),
        ),
    ),
)
