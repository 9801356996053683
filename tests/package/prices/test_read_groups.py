"""One line an asset: groups and present weights; and files that are no tables at all."""

import io

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.prices import read_groups, read_prices, read_weights, write_weights

GROUPS = "asset,sector\nSPY,equity\nTLT,bonds\nGLD,gold\n"
WEIGHTS = "asset,weight,group\nSPY,0.5,equity\nTLT,0.3,bonds\nGLD,0.2,gold\n"
ASSETS = ["TLT", "GLD", "SPY"]


def test_groups_come_in_the_order_of_the_assets():
    found = read_groups(io.StringIO(GROUPS), ASSETS)
    assert found.to_dict() == {"TLT": "bonds", "GLD": "gold", "SPY": "equity"}
    assert list(found.index) == ASSETS
    assert found.name == "sector"


def test_without_assets_the_order_is_that_of_the_file():
    assert list(read_groups(io.StringIO(GROUPS)).index) == ["SPY", "TLT", "GLD"]


def test_weights_are_matched_by_name_and_other_columns_left_alone():
    found = read_weights(io.StringIO(WEIGHTS), ASSETS)
    assert found.to_dict() == {"TLT": 0.3, "GLD": 0.2, "SPY": 0.5}


def test_what_weights_are_written_as_they_are_read():
    weights = pd.Series([0.1, 0.2, 0.7], ["A", "B", "C"], name="weight")
    text = weights.rename_axis("asset").to_csv()
    np.testing.assert_array_equal(read_weights(io.StringIO(text)), weights)


NAMES = ["=1+1", "+A", "-B", "@C", "'=D", "'E", "F=", "G"]


def test_what_a_spreadsheet_would_run_is_written_as_text_and_read_back():
    table = pd.DataFrame({"weight": -0.125, "@kind": "=2+2"}, pd.Index(NAMES, name="asset"))
    table["weight"] = [-0.125, 0.125, *[0.25] * 3, *[0.125] * 2, 0.0]
    file = io.StringIO()
    write_weights(table, file)
    lines = file.getvalue().splitlines()
    assert lines[:3] == ["asset,weight,'@kind", "'=1+1,-0.125,'=2+2", "'+A,0.125,'=2+2"]
    assert [line.split(",")[0] for line in lines[3:]] == ["'-B", "'@C", "''=D", "'E", "F=", "G"]
    found = read_weights(io.StringIO(file.getvalue()), NAMES)
    assert found.to_dict() == table["weight"].to_dict()
    assert list(table.index) == NAMES and list(table) == ["weight", "@kind"]


def test_weights_of_an_older_report_are_read_as_they_are():
    assert list(read_weights(io.StringIO("asset,weight\n=A,0.5\n-B,0.5\n")).index) == ["=A", "-B"]


REFUSED_GROUPS = {
    "lacking": (GROUPS.replace("GLD,gold\n", ""), ["no line for 1 asset", "GLD", "Add a line"]),
    "misspelled": (GROUPS.replace("GLD", "GDL"), ["no line for 1 asset", "GLD", "It names GDL"]),
    "other case": (GROUPS.replace("GLD", "gld"), ["no line for 1 asset", "letter by letter"]),
    "twice": (GROUPS + "SPY,bonds\n", ["line 5", "'SPY'", "already in line 2", "remove one"]),
    "no group": (GROUPS.replace("bonds", ""), ["line 3", "'sector'", "1 asset has no group"]),
    "no header": (GROUPS.split("\n", 1)[1], ["line 1, column 1", "'SPY'", "asset,group"]),
    "three columns": (WEIGHTS, ["3 columns", "Keep two"]),
    "empty": ("", ["empty"]),
}


@pytest.mark.parametrize("name", REFUSED_GROUPS)
def test_groups_are_refused_with_place_and_remedy(name):
    text, fragments = REFUSED_GROUPS[name]
    with pytest.raises(DataError) as caught:
        read_groups(io.StringIO(text), ASSETS)
    for fragment in fragments:
        assert fragment in str(caught.value)


REFUSED_WEIGHTS = {
    "per cent": (WEIGHTS.replace("0.", "0"), ["sum to 10", "0.25 for 25%"]),
    "text": (WEIGHTS.replace("0.3", "30%"), ["line 3", "'30%'", "1 weight is no number"]),
    "missing": (WEIGHTS.replace("0.3", ""), ["line 3", "1 weight is no number"]),
    "not finite": (WEIGHTS.replace("0.3", "nan"), ["line 3", "1 weight is no number"]),
    "no column": (WEIGHTS.replace("weight", "share"), ["no column is called 'weight'"]),
    "unknown": (WEIGHTS.replace("GLD", "GDL"), ["1 asset that has no prices", "GDL"]),
}


@pytest.mark.parametrize("name", REFUSED_WEIGHTS)
def test_weights_are_refused_with_place_and_remedy(name):
    text, fragments = REFUSED_WEIGHTS[name]
    with pytest.raises(DataError) as caught:
        read_weights(io.StringIO(text), ASSETS)
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_groups_of_more_assets_than_there_are_prices_are_left_alone():
    groups = read_groups(io.StringIO(GROUPS + "QQQ,equity\n"), ASSETS)
    assert list(groups.index) == ASSETS and groups.attrs["others"] == ["QQQ"]


def test_an_asset_without_a_weight_is_not_held():
    text = "asset,weight\nSPY,0.6\nTLT,0.4\n"
    weights = read_weights(io.StringIO(text), ["TLT", "GLD", "SPY"])
    assert weights.to_dict() == {"TLT": 0.4, "GLD": 0.0, "SPY": 0.6}
    assert weights.attrs["not held"] == ["GLD"]


# ------------------------------------------------------------------- no tables at all

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOISE = np.random.default_rng(5).bytes(10_000_000)

NO_TABLE = {
    "bytes": (NOISE, "is no text"),
    "gzip": (b"\x1f\x8b" + NOISE[:1000], "damaged"),
    "cut gzip": (b"\x1f\x8b\x08\x00", "damaged"),
    "Parquet": (b"PAR1" + NOISE[:1000], "Parquet"),
    "workbook": (b"PK\x03\x04" + NOISE[:1000], "workbook or archive is damaged"),
    "old workbook": (b"\xd0\xcf\x11\xe0" + NOISE[:1000], "old Excel workbook"),
    "UTF-16": (GROUPS.encode("utf-16"), "dates cannot be read"),
    "letters": ((LETTERS * 400_000).encode(), "cannot be split into cells"),
    "an open quotation mark": (b'date,SPY\n"' + b"1,2\n" * 100_000, "quotation mark"),
    "commas": (b"," * 10_000_000 + b"\n1", "the only column"),
    "names": ((",".join(map(str, range(300_000))) + "\n" + "1," * 299_999 + "1").encode(), "date"),
    "one long word": (b"date;" + b"x" * 100_000, "no row below"),
}


@pytest.mark.parametrize("name", NO_TABLE)
def test_garbage_gets_one_short_message(name):
    content, fragment = NO_TABLE[name]
    with pytest.raises(DataError, match=fragment) as caught:
        read_prices(io.BytesIO(content))
    assert len(str(caught.value)) < 500


def test_files_that_cannot_be_opened_are_named(tmp_path):
    with pytest.raises(DataError, match=r"mine\.csv: there is no such file"):
        read_prices(tmp_path / "mine.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_prices(tmp_path)


MESSY = {
    "a total": ("date,A\n2024-01-02,1\n2024-01-03,2\nTotal,3\n", "a total or a note"),
    "dates of the US": (
        "date,A\n1/2/2024,1\n1/3/2024,2\n",
        r"'1/2/2024' has 2 readings.*--date-format '%d/%m/%Y'.*'%m/%d/%Y'",
    ),
    "returns": ("date,A\n2024-01-02,0.01\n2024-01-03,-0.02\n", r"the last times 1 \+ return"),
}


@pytest.mark.parametrize("name", MESSY)
def test_messy_tables_get_a_remedy(name):
    text, fragment = MESSY[name]
    with pytest.raises(DataError, match=fragment):
        read_prices(io.StringIO(text))
