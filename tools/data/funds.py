"""Prices of exchange-traded funds."""

from __future__ import annotations

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, parse, significant

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


DATA_SETS: tuple[DataSet, ...] = (
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
)
