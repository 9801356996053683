"""The data sets of the 1/N study whose returns are public."""

from __future__ import annotations

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, continuous_to_simple, fixed, month_end, parse

NOT_A_DAY = Defect(
    "The day of the month in the source is not a real one.",
    "Dates are replaced by the last calendar day of the month.",
)
DGU = "DeMiguel, Garlappi and Uppal (2009), Review of Financial Studies 22(5), 1915-1953."

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
)
