"""Total-return indices of four asset classes."""

from __future__ import annotations

from collections.abc import Callable

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, fixed, parse

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
)
