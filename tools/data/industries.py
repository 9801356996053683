"""Portfolios of industries and of styles."""

from __future__ import annotations

import bz2

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, fixed, month_end, parse

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


DATA_SETS: tuple[DataSet, ...] = (
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
)
