"""Factors of the US equity market, by month and by day."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, month_end, parse, percent

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


FRENCH_LIBRARY = "Kenneth R. French data library, release 2026-08, as distributed by the package."
DAILY_RF = Defect(
    "The daily risk-free rate is rounded to 0.01%, a step of 2.5 points a year.",
    "Left: for anything but daily excess returns take RF from factors-monthly.",
)

DATA_SETS: tuple[DataSet, ...] = (
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
)
