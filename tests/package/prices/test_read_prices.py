"""The validating reader: every defect is refused with its place, its number and a remedy."""

import gzip
import io
import os

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.prices import _files, read_prices, read_returns

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
WIDE = """date,SPY,TLT
2024-01-02,100.0,90.0
2024-01-03,101.0,89.5
2024-01-04,100.5,91.0
2024-01-05,102.0,90.5
"""
LONG = """date,symbol,price
2024-01-02,SPY,100.0
2024-01-02,TLT,90.0
2024-01-03,SPY,101.0
2024-01-03,TLT,89.5
2024-01-04,SPY,100.5
2024-01-04,TLT,91.0
2024-01-05,SPY,102.0
2024-01-05,TLT,90.5
"""
RETURNS = """date,SPY,TLT
2024-01-02,0.01,-0.005
2024-01-03,-0.02,0.004
2024-01-04,0.015,0.0
"""


def expected() -> pd.DataFrame:
    """The table that WIDE and LONG both hold."""
    index = pd.DatetimeIndex(DAYS, name="date")
    values = {"SPY": [100.0, 101.0, 100.5, 102.0], "TLT": [90.0, 89.5, 91.0, 90.5]}
    return pd.DataFrame(values, index=index)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Assert equality to the last bit, whatever the resolution of the dates."""
    pd.testing.assert_frame_equal(found, wanted, check_index_type=False, check_freq=False, rtol=0)


@pytest.mark.parametrize("text", [WIDE, LONG, WIDE.replace("\n", "\r\n"), WIDE.rstrip()])
def test_wide_and_long_give_the_same_table(text):
    same(read_prices(io.StringIO(text)), expected())


def test_long_layout_grouped_by_symbol_and_with_columns_in_another_order():
    rows = [line.split(",") for line in LONG.splitlines()]
    body = sorted(rows[1:], key=lambda row: row[1])
    text = "\n".join(",".join([row[1], row[2], row[0]]) for row in [rows[0], *body])
    same(read_prices(io.StringIO(text)), expected())


def test_paths_bytes_and_gzip_are_read(tmp_path):
    plain, packed = tmp_path / "prices.csv", tmp_path / "prices.csv.gz"
    plain.write_text(WIDE, encoding="utf-8")
    packed.write_bytes(gzip.compress(WIDE.encode()))
    for source in (plain, str(packed), io.BytesIO(WIDE.encode())):
        same(read_prices(source), expected())


def test_result_is_float_and_dated():
    frame = read_prices(io.StringIO(WIDE.replace("100.0", "100")))
    assert (frame.dtypes == "float64").all()
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert frame.index.name == "date"


def test_numbers_keep_every_digit():
    text = WIDE.replace("101.0", "101.00000000000001")
    assert read_prices(io.StringIO(text)).loc["2024-01-03", "SPY"] == 101.00000000000001


def test_returns_are_read_as_they_stand():
    frame = read_returns(io.StringIO(RETURNS))
    np.testing.assert_array_equal(frame["SPY"], [0.01, -0.02, 0.015])


def test_times_of_a_zone_become_local_days():
    text = WIDE
    for day in DAYS:
        text = text.replace(day, day + "T16:00:00-05:00")
    same(read_prices(io.StringIO(text)), expected())


def test_numeric_symbols_are_read_when_long_is_asked_for():
    text = LONG.replace("SPY", "7203").replace("TLT", "6758")
    assert list(read_prices(io.StringIO(text), layout="long").columns) == ["7203", "6758"]


def test_an_asset_whose_ticker_is_a_column_word_stays_wide():
    frame = read_prices(io.StringIO(WIDE.replace("TLT", "ID")))
    assert list(frame.columns) == ["SPY", "ID"]


def replaced(old: str, new: str) -> str:
    """WIDE with one text replaced by another."""
    assert old in WIDE
    return WIDE.replace(old, new)


def long_replaced(old: str, new: str) -> str:
    """LONG with one text replaced by another."""
    assert old in LONG
    return LONG.replace(old, new)


# name: (text, options, what the message must contain: place, number, remedy)
REFUSED = {
    "unparsable date": (
        replaced("2024-01-03", "03/01/2024"),
        {},
        ["line 3", "column 'date'", "1 date cannot be read", "'03/01/2024'", "Write dates as"],
    ),
    "impossible date": (
        replaced("2024-01-03", "2024-02-30"),
        {},
        ["line 3", "column 'date'", "'2024-02-30'", "Write dates as"],
    ),
    "empty date": (
        replaced("2024-01-03,", ","),
        {},
        ["line 3", "column 'date'", "1 date cannot be read", "Write dates as"],
    ),
    "duplicate date": (
        replaced("2024-01-03", "2024-01-02"),
        {},
        ["line 3", "column 'date'", "1 date is repeated", "already in line 2", "remove one"],
    ),
    "unsorted dates": (
        replaced("2024-01-03", "2023-12-31"),
        {},
        ["line 3", "column 'date'", "1 date is earlier", "sort the table by date"],
    ),
    "mixed time zones": (
        replaced("2024-01-03", "2024-01-03T00:00:00+01:00"),
        {},
        ["line 3", "column 'date'", "another time zone than line 2", "Convert all to one zone"],
    ),
    "text in a cell": (
        replaced("89.5", "abc"),
        {},
        ["line 3", "column 'TLT'", "1 cell is not a number", "'abc'", "Correct it"],
    ),
    "several texts": (
        replaced("89.5", "abc").replace("91.0", "def"),
        {},
        ["line 3", "column 'TLT'", "2 cells are not numbers", "Correct it"],
    ),
    "underscore in a number": (
        replaced("100.5", "1_000"),
        {},
        ["line 4", "column 'SPY'", "1 cell is not a number", "Correct it"],
    ),
    "unquoted thousands separator": (
        replaced("100.5", "1,100.5"),
        {},
        ["line 4", "column 3", "1 line has not 3 cells", "Remove thousands separators"],
    ),
    "decimal comma in quotes": (
        replaced("100.5", '"100,5"'),
        {},
        ["line 4", "column 'SPY'", "1 cell has a decimal comma", "--decimal ','"],
    ),
    "percent sign": (
        replaced("100.5", "1.5%"),
        {},
        ["line 4", "column 'SPY'", "1 cell is not a number", "not changes in percent"],
    ),
    "zero price": (
        replaced("100.5", "0"),
        {},
        ["line 4", "column 'SPY'", "1 price is zero or negative", "leave the cell empty"],
    ),
    "negative price": (
        WIDE
        + "2024-01-08,-1,90\n"
        + "".join(f"2024-02-{d:02d},99,9{d % 7}\n" for d in range(1, 20)),
        {},
        ["line 6", "column 'SPY'", "1 price is zero or negative", "leave the cell empty"],
    ),
    "infinite value": (
        replaced("100.5", "inf"),
        {},
        ["line 4", "column 'SPY'", "1 value is infinite", "division by zero"],
    ),
    "overflow": (
        replaced("100.5", "1e999"),
        {},
        ["line 4", "column 'SPY'", "1 value is infinite", "division by zero"],
    ),
    "duplicate columns": (
        replaced("SPY,TLT", "SPY,SPY"),
        {},
        ["line 1", "column 3", "2 columns are called 'SPY'", "Rename or remove"],
    ),
    "constant series": (
        WIDE.replace("89.5", "90.0").replace("91.0", "90.0").replace("90.5", "90.0"),
        {},
        ["line 2 to 5", "column 'TLT'", "1 series is constant", "Remove it"],
    ),
    "returns given as prices": (
        RETURNS,
        {},
        [
            "line 2",
            "column 'TLT'",
            "2 values are negative",
            "look like returns",
            "the last times 1 + return",
        ],
    ),
    "percent returns given as prices": (
        RETURNS.replace("-0.02", "-2.0").replace("-0.005", "-0.5"),
        {},
        ["line 2", "column 'TLT'", "look like returns", "the last times 1 + return"],
    ),
    "gap": (
        replaced("100.5", ""),
        {},
        [
            "line 4",
            "column 'SPY'",
            "1 cell is missing",
            "1 have gaps inside",
            "missing='drop-assets'",
        ],
    ),
    "late start": (
        replaced("90.0", "").replace("89.5", "NA"),
        {},
        ["line 2", "column 'TLT'", "2 cells are missing", "1 start late", "'common-period'"],
    ),
    "gap inside a common period": (
        replaced("90.0", "").replace("100.5", ""),
        {"missing": "common-period"},
        ["line 4", "column 'SPY'", "1 cell is missing", "1 have gaps inside", "'keep'"],
    ),
    "no asset left": (
        replaced("90.0", "").replace("100.5", ""),
        {"missing": "drop-assets"},
        ["columns SPY, TLT", "leaves none of 2 assets", "Use another policy"],
    ),
    "too few periods": (
        WIDE,
        {"min_periods": 60},
        ["line 5", "all columns", "4 periods remain of 4", "60 are needed", "lower min_periods"],
    ),
    "too few periods in common": (
        WIDE.replace("90.0", "").replace("89.5", ""),
        {"min_periods": 3, "missing": "common-period"},
        ["line 5", "2 periods remain of 4", "3 are needed", "Bring a longer history"],
    ),
    "empty file": ("", {}, ["line 1", "column 1", "empty", "Export it again"]),
    "blank file": ("\n \n", {}, ["line 1", "column 1", "empty", "Export it again"]),
    "header only": ("date,SPY\n", {}, ["line 2", "column 1", "no row", "Export it again"]),
    "no value": ("date,SPY\n2024-01-02,\n", {}, ["line 1", "column 2", "filled", "Export it"]),
    "single column": ("date\n2024-01-02\n", {}, ["line 1", "column 1", "'date'", "--separator"]),
    "semicolons and decimal commas": (
        WIDE.replace(",", ";").replace(".", ","),
        {},
        ["line 2", "column 'SPY'", "8 cells have decimal commas", "'100,0'", "--decimal ','"],
    ),
    "missing header": (
        WIDE.split("\n", 1)[1],
        {},
        ["line 1", "column 1", "'2024-01-02'", "header is missing", "Add a first line"],
    ),
    "unnamed asset": (replaced("SPY", ""), {}, ["line 1", "column 2", "no name", "Name it"]),
    "name made up by pandas": (
        replaced("SPY", "Unnamed: 1"),
        {},
        ["line 1", "column 2", "no name", "Name it"],
    ),
    "short line": (
        replaced("100.5,91.0", "100.5"),
        {},
        ["line 4", "column 2", "1 line has not 3 cells", "stray commas"],
    ),
    "repeated pair": (
        long_replaced("2024-01-03,SPY", "2024-01-02,SPY"),
        {},
        ["line 4", "column 'date'", "1 pair of date and symbol", "in line 2", "remove one"],
    ),
    "unsorted symbol": (
        long_replaced("2024-01-03,SPY", "2023-01-03,SPY"),
        {},
        ["line 4", "column 'date'", "1 date is earlier", "sort the table by date"],
    ),
    "text in a long table": (
        long_replaced("89.5", "abc"),
        {},
        ["line 5", "column 'price'", "1 cell is not a number", "Correct it"],
    ),
    "pair that is not there": (
        long_replaced("2024-01-03,TLT,89.5\n", ""),
        {},
        [
            "no line",
            "column 'TLT'",
            "date 2024-01-03",
            "1 cell is missing",
            "missing='drop-assets'",
        ],
    ),
    "wide table said to be long": (
        "date,SPY,TLT,GLD\n2024-01-02,100,5,7\n",
        {"layout": "long"},
        ["line 1", "column 4", "needs date, symbol and price", "--layout wide"],
    ),
    "long table said to be wide": (
        LONG,
        {"layout": "wide"},
        ["line 3", "column 'date'", "4 dates are repeated", "already in line 2"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_place_number_and_remedy(name):
    text, options, fragments = REFUSED[name]
    with pytest.raises(DataError) as caught:
        read_prices(io.StringIO(text), **options)
    for fragment in fragments:
        assert fragment in str(caught.value)


REFUSED_RETURNS = {
    "prices": (WIDE, ["line 2", "column 'SPY'", "8 values are all positive", "not returns"]),
    "percent": (
        RETURNS.replace("0.0", "1.0"),
        ["line 2", "column 'SPY'", "6 values look like percent", "divide by 100"],
    ),
    "loss above everything": (
        RETURNS.replace("-0.02", "-1.02"),
        ["line 3", "column 'SPY'", "1 loss exceeds 100%", "or correct it"],
    ),
    "infinite": (
        RETURNS.replace("-0.02", "-inf"),
        ["line 3", "column 'SPY'", "1 value is infinite", "division by zero"],
    ),
}


@pytest.mark.parametrize("name", REFUSED_RETURNS)
def test_returns_refused_with_place_number_and_remedy(name):
    text, fragments = REFUSED_RETURNS[name]
    with pytest.raises(DataError) as caught:
        read_returns(io.StringIO(text))
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_the_line_is_the_one_an_editor_shows_despite_blank_lines():
    text = "\n" + WIDE.replace("2024-01-04", "\n\n2024-01-04").replace("91.0", "x")
    with pytest.raises(DataError, match=r"line 7, column 'TLT': 'x'"):
        read_prices(io.StringIO(text))


def test_bytes_that_are_no_letters_are_refused():
    content = WIDE.replace("TLT", "T\u0001").encode("latin-1")
    with pytest.raises(DataError, match=r"is no text: .* CSV in UTF-8"):
        read_prices(io.BytesIO(content))


def test_the_name_of_the_file_is_in_the_message(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(replaced("89.5", "abc"), encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.csv"):
        read_prices(path)


@pytest.mark.parametrize("option", [{"layout": "tall"}, {"missing": "guess"}, {"min_periods": 0}])
def test_unknown_options_are_refused(option):
    with pytest.raises(DataError, match=next(iter(option))):
        read_prices(io.StringIO(WIDE), **option)


# ------------------------------------------------------------------- policies on missing cells

RAGGED = "date,A,B,C\n2024-01-02,1,,3\n2024-01-03,2,5,4\n2024-01-04,3,6,\n2024-01-05,4,7,5\n"


def test_keep_leaves_missing_cells_alone():
    frame = read_prices(io.StringIO(RAGGED), missing="keep")
    assert frame.isna().sum().to_dict() == {"A": 0, "B": 1, "C": 1}
    assert "dropped" not in frame.attrs


def test_drop_assets_names_what_it_dropped():
    frame = read_prices(io.StringIO(RAGGED), missing="drop-assets")
    assert list(frame.columns) == ["A"]
    assert frame.attrs["dropped"] == {"assets": ["B", "C"], "dates": []}


def test_common_period_cuts_late_starts_and_early_ends():
    text = "date,A,B\n2024-01-02,1,\n2024-01-03,2,5\n2024-01-04,3,6\n2024-01-05,,7\n"
    frame = read_prices(io.StringIO(text), missing="common-period")
    assert [day.day for day in frame.index] == [3, 4]
    assert [day.day for day in frame.attrs["dropped"]["dates"]] == [2, 5]


def test_fill_bridges_a_short_gap_by_the_last_price():
    text = "date,A,B\n2024-01-02,1,4\n2024-01-03,,5\n2024-01-04,3,6\n"
    frame = read_prices(io.StringIO(text), missing="fill")
    assert frame["A"].tolist() == [1.0, 1.0, 3.0]


def test_the_mark_that_excel_writes_is_passed_over():
    text = "date,A,B\n2024-01-02,1,4\n2024-01-03,2,5\n"
    marked = read_prices(io.BytesIO(text.encode("utf-8-sig")))
    pd.testing.assert_frame_equal(marked, read_prices(io.StringIO(text)))


@pytest.mark.parametrize("text", ["NA", "N/A", "NaN", "nan", "null", "NULL", ""])
def test_words_for_missing(text):
    frame = read_prices(io.StringIO(replaced("89.5", text)), missing="keep")
    assert np.isnan(frame.loc["2024-01-03", "TLT"])


# ------------------------------------------------------------------- exports of other programs

TWO_LEVELS = (
    "Price,Close,Close,High,High\nTicker,MSF,AAP,MSF,AAP\nDate,,,,\n"
    "2023-02-17,254.5,151.2,256.5,153\n2023-02-21,249.1,147.1,251.1,149\n"
)


def test_of_two_lines_of_names_the_closing_prices_are_taken():
    frame = read_prices(io.StringIO(TWO_LEVELS))
    assert list(frame) == ["MSF", "AAP"] and frame.index.name == "date"
    assert frame.iloc[1].tolist() == [249.1, 147.1]
    adjusted = read_prices(io.StringIO(TWO_LEVELS.replace("High", "Adj Close")))
    assert adjusted.iloc[0].tolist() == [256.5, 153.0]


def test_a_line_with_nothing_but_the_name_of_the_dates_is_passed_over():
    text = "Ticker,MSF,AAP\nDate,,\n2023-02-17,254.5,151.2\n2023-02-21,249.1,147.1\n"
    assert read_prices(io.StringIO(text)).to_numpy().tolist() == [[254.5, 151.2], [249.1, 147.1]]


def test_two_lines_of_names_without_a_closing_price_are_named():
    text = TWO_LEVELS.replace("Close", "Open")
    with pytest.raises(
        DataError, match=r"the fields are Open, High; none closes\. Export the closing"
    ):
        read_prices(io.StringIO(text))


@pytest.mark.parametrize(
    ("columns", "kept"),
    [
        ("Open,High,Low,Close,Adj Close,Volume", "Adj Close"),
        ("Close,High,Low,Open", "Close"),
        ("Close,Volume", "Close"),
        ("open,high,low,close,adj_close,Trades", "adj_close"),
        ("1. open,2. high,3. low,4. close,5. volume", "4. close"),
    ],
)
def test_of_the_fields_of_one_asset_the_closing_price_is_taken(columns, kept):
    n, words = columns.count(",") + 1, columns.split(",")
    rows = "".join(
        f"2023-02-{day},{','.join(str(100 * i + day) for i in range(n))}\n" for day in (17, 20, 21)
    )
    frame = read_prices(io.StringIO(f"Date,{columns}\n{rows}"))
    assert frame.iloc[:, 0].tolist() == [100 * words.index(kept) + day for day in (17, 20, 21)]
    assert frame.shape[1] == 1 and f"{kept!r} was taken" in frame.attrs["notes"][0]


def test_assets_that_are_called_like_a_field_are_assets():
    frame = read_prices(io.StringIO("Date,OPEN,LOW\n2023-02-17,1,2\n2023-02-20,2,3\n"))
    assert list(frame) == ["OPEN", "LOW"]


@pytest.mark.parametrize(
    "names",
    [
        "Ticker,MSF,MSF,AAP,AAP\nPrice,Open,Close,Open,Close\nDate,,,,\n",
        ",Open,Close,Open,Close\n,MSF,MSF,AAP,AAP\nDate,,,,\n",
        ",Open,Close,Open,Close\n,MSF,MSF,AAP,AAP\n",
        "Attributes,Open,Close,Open,Close\nSymbols,MSF,MSF,AAP,AAP\nDate,,,,\n",
    ],
    ids=["by ticker", "no names of levels", "no name of dates", "datareader"],
)
def test_the_lines_of_names_in_other_orders_and_words(names):
    frame = read_prices(io.StringIO(names + "2023-02-17,1,254,2,151\n2023-02-20,1,255,2,152\n"))
    assert frame.to_dict("list") == {"MSF": [254, 255], "AAP": [151, 152]}


def test_of_one_asset_with_two_lines_of_names_the_closing_price_is_taken():
    text = "Price,Close,High,Volume\nTicker,TSLA,TSLA,TSLA\nDate,,,\n2023-02-17,208,210,5\n"
    frame = read_prices(io.StringIO(text + "2023-02-20,199,202,6\n"))
    assert frame.to_dict("list") == {"TSLA": [208.0, 199.0]}


def test_places_are_those_of_the_file_below_three_lines_of_names():
    with pytest.raises(DataError, match=r"line 5, column 'AAP': '-147.1'"):
        read_prices(io.StringIO(TWO_LEVELS.replace("147.1", "-147.1")))


def test_two_levels_of_names_in_parquet(monkeypatch):
    names = pd.MultiIndex.from_product([["Close", "Volume"], ["MSF", "AAP"]])
    days = pd.DatetimeIndex(["2023-02-17", "2023-02-20"], name="Date")
    table = pd.DataFrame([[254.0, 151.0, 8.0, 9.0], [255.0, 152.0, 7.0, 8.0]], days, names)
    monkeypatch.setattr(pd, "read_parquet", lambda buffer: table)
    frame = read_prices(io.BytesIO(b"PAR1"))
    assert frame.to_dict("list") == {"MSF": [254.0, 255.0], "AAP": [151.0, 152.0]}


def test_digits_as_names_of_columns_keep_their_zeros():
    frame = read_prices(io.StringIO("Date,005930,000660\n2024-01-02,10,20\n2024-01-03,11,21\n"))
    assert frame.to_dict("list") == {"005930": [10.0, 11.0], "000660": [20.0, 21.0]}


@pytest.mark.parametrize("layout", ["auto", "long"])
def test_symbols_may_be_digits(layout):
    lines = [
        f"2024-01-0{day},{name},{100 + day * k}"
        for day in (2, 3, 4)
        for k, name in enumerate(("005930", "000660", "035420"), 1)
    ]
    text = "Date,Ticker,Close\n" + "\n".join(lines) + "\n"
    frame = read_prices(io.StringIO(text), layout=layout)
    assert list(frame) == ["005930", "000660", "035420"]
    assert frame.iloc[2].tolist() == [104.0, 108.0, 112.0]


def test_a_row_without_any_price_is_called_so():
    text = "date,A,B\n2024-01-02,1,4\n2024-01-03,2,5\n2024-01-04,,\n"
    with pytest.raises(DataError, match="1 row without any price, first that of 2024-01-04"):
        read_prices(io.StringIO(text))


# ------------------------------------------------------------------- what is no file, or too much

TINY = "date,A,B\n2024-01-02,1,4\n2024-01-03,2,5\n"


class Endless(io.RawIOBase):
    """A stream that never ends, in small pieces."""

    def read(self, size=-1):
        assert size > 0, "everything was asked for"
        return b"1,2\n"[:size]


def bomb(tmp_path):
    return io.BytesIO(gzip.compress(TINY.encode() + b"2024-01-04,3,6\n" * 1000))


def large(tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"1" * 2000)
    return path


@pytest.mark.parametrize(
    "source", [bomb, large, lambda _: Endless(), lambda _: io.StringIO("1" * 2000)]
)
def test_what_is_too_large_for_a_table_stops(tmp_path, monkeypatch, source):
    monkeypatch.setattr(_files, "LARGEST", 1000)
    with pytest.raises(DataError, match=r"holds more than .* MB of text. Is it a table"):
        read_prices(source(tmp_path))


@pytest.mark.parametrize("source", [io.StringIO(TINY), io.BytesIO(gzip.compress(TINY.encode()))])
def test_a_table_as_large_as_the_limit_is_read(monkeypatch, source):
    monkeypatch.setattr(_files, "LARGEST", max(len(TINY), len(gzip.compress(TINY.encode()))))
    assert read_prices(source).shape == (2, 2)


class Pieces(io.BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 3))


def test_a_stream_that_comes_in_pieces_is_read_to_its_end():
    assert read_prices(Pieces(TINY.encode())).shape == (2, 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_devices_are_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "prices.csv")
    for path in (tmp_path / "prices.csv", "/dev/zero"):
        with pytest.raises(DataError, match=f"{path} is a pipe or a device, not a file. Save"):
            read_prices(path)


# ------------------------------------------------------------------- Parquet


def parquet(monkeypatch, frame: pd.DataFrame) -> io.BytesIO:
    """A stand-in for a Parquet file, which needs no engine: pandas is made to return `frame`."""
    monkeypatch.setattr(pd, "read_parquet", lambda source: frame)
    return io.BytesIO(b"PAR1 stand-in")


@pytest.mark.parametrize("name", ["date", None])
def test_parquet_with_dates_in_the_index(monkeypatch, name):
    same(read_prices(parquet(monkeypatch, expected().rename_axis(name))), expected())


def test_parquet_in_the_long_layout(monkeypatch):
    frame = pd.read_csv(io.StringIO(LONG), parse_dates=["date"])
    same(read_prices(parquet(monkeypatch, frame)), expected())


def test_parquet_defects_are_named_by_row(monkeypatch):
    frame = expected()
    frame.loc["2024-01-04", "TLT"] = 0.0
    with pytest.raises(
        DataError, match=r"1 price is zero or negative, first at row 3, column 'TLT'"
    ):
        read_prices(parquet(monkeypatch, frame))


def test_parquet_without_an_engine(monkeypatch):
    def refuse(source):
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", refuse)
    with pytest.raises(DataError, match=r"pip install pyarrow.*CSV"):
        read_prices(io.BytesIO(b"PAR1"))


# ------------------------------------------------------------------- properties


def test_what_pandas_writes_comes_back_unchanged():
    rng = np.random.default_rng(7)
    index = pd.bdate_range("2020-01-01", periods=60, name="date")
    values = 100 * np.exp(rng.normal(0, 0.1, (60, 5)).cumsum(axis=0))
    prices = pd.DataFrame(values, index=index, columns=list("ABCDE"))
    same(read_prices(io.StringIO(prices.to_csv())), prices)
    stacked = prices.rename_axis(columns="symbol").stack().rename("price").reset_index()
    same(read_prices(io.StringIO(stacked.to_csv(index=False))), prices)
