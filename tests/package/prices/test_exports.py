"""What is accepted: one row per kind of export, read as the command reads it.

Each row makes a file of the same four assets and 200 months, or 300 days, as a program would
write it. All of them must give the returns of the plain table; `NOTES` says what the report says.
"""

import io

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError
from mixfolio.prices import read_prices
from mixfolio.report import pipeline

NAMES = ["SPY", "TLT", "GLD", "005930"]


def random_prices(dates):
    rng = np.random.default_rng(3)
    steps = rng.normal(0.0004, 0.02, (len(dates), len(NAMES)))
    values = (1000 * np.exp(steps.cumsum(axis=0))).round(2)
    return pd.DataFrame(values, pd.DatetimeIndex(dates, name="Date"), NAMES)


DAYS = random_prices(pd.bdate_range("2023-01-02", periods=300))
MONTHS = random_prices(pd.date_range("2008-01-31", periods=200, freq="ME"))


def bars(order=("Price", "Ticker")):
    """All fields of all assets in two levels, as yfinance gives them."""
    fields = {"Close": 1.0, "High": 1.01, "Low": 0.99, "Open": 1.005, "Volume": 3e4}
    table = pd.concat({field: DAYS * by for field, by in fields.items()}, axis=1)
    table.columns.names = ["Price", "Ticker"]
    return table.swaplevel(axis=1).sort_index(axis=1) if order[0] == "Ticker" else table


def flat(pattern):
    table = bars()
    table.columns = [pattern.format(field=field, asset=asset) for field, asset in table.columns]
    return table


def long_bars(table=DAYS):
    """One line per date and asset, with more columns than the price."""
    table = table.rename_axis(columns="Ticker").stack().rename("Close").reset_index()
    return table.assign(Open=table["Close"] * 1.01, Volume=1000)


def stooq():
    table = long_bars().sort_values(["Ticker", "Date"])
    columns = {
        "<TICKER>": table["Ticker"],
        "<PER>": "D",
        "<DATE>": table["Date"].dt.strftime("%Y%m%d"),
        "<TIME>": "000000",
        "<OPEN>": table["Open"],
        "<CLOSE>": table["Close"],
        "<VOL>": table["Volume"],
    }
    return pd.DataFrame(columns).to_csv(index=False)


def dated(form, table=DAYS):
    return table.set_axis(table.index.strftime(form)).rename_axis("Date").to_csv()


def zoned():
    local = DAYS.set_axis(DAYS.index.tz_localize("America/New_York")).rename_axis("Date")
    assert {str(day)[-6:] for day in local.index} == {"-05:00", "-04:00"}
    return local.to_csv()


def european(table=DAYS):
    words = table.map(lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,")))
    return words.to_csv(sep=";")


def written(form):
    return DAYS.map(form.format).to_csv()


def excel(table, **options):
    file = io.BytesIO()
    table.to_excel(file, **options)
    return file.getvalue()


def two_sheets():
    file = io.BytesIO()
    with pd.ExcelWriter(file) as book:
        DAYS.to_excel(book, sheet_name="Prices")
        DAYS.to_excel(book, sheet_name="Again")
    return file.getvalue()


def parquet(table):
    file = io.BytesIO()
    table.to_parquet(file)
    return file.getvalue()


def serial():
    days = (DAYS.index - pd.Timestamp("1899-12-30")).days
    return DAYS.set_axis(days).rename_axis("Date").to_csv()


def with_tail(table=MONTHS):
    """Months, then the days of one that is not over."""
    days = pd.bdate_range(table.index[-1] + pd.Timedelta(days=1), periods=12)
    tail = pd.DataFrame([table.iloc[-1] * (1 + k / 100) for k in range(12)], days)
    return pd.concat([table, tail]).rename_axis("Date")


def with_last_row(values):
    last = DAYS.index[-1] + pd.offsets.BDay()
    return DAYS.to_csv() + f"{last.date()},{values}\n"


# kind: (content, options, the table that it holds, what the report says)
READ = {
    "plain": (DAYS.to_csv(), {}, DAYS, ""),
    "download, three lines of names": (bars().to_csv(), {}, DAYS, "'Close' was taken"),
    "download, tickers first": (bars(("Ticker", "Price")).to_csv(), {}, DAYS, "'Close' was taken"),
    "download, Parquet": (parquet(bars()), {}, DAYS, "'Close' was taken"),
    "Parquet, tickers first": (parquet(bars(("Ticker", "Price"))), {}, DAYS, "'Close' was"),
    "Parquet, tuples as names": (parquet(flat("('{field}', '{asset}')")), {}, DAYS, "'Close'"),
    "Parquet": (parquet(DAYS), {}, DAYS, ""),
    "field after ticker": (flat("{asset}.{field}").to_csv(), {}, DAYS, "'Close' was taken"),
    "field before ticker": (flat("{field} {asset}").to_csv(), {}, DAYS, "'Close' was taken"),
    "time zone with daylight saving": (zoned(), {}, DAYS, "Dates are local"),
    "Stooq": (stooq(), {}, DAYS, "'<CLOSE>' was taken"),
    "long, more columns": (long_bars().to_csv(index=False), {}, DAYS, "Left alone: Open, Volume"),
    "long, rows numbered": (long_bars().to_csv(), {}, DAYS, "'Close' was taken"),
    "long, Parquet": (parquet(long_bars()), {}, DAYS, "'Close' was taken"),
    "unnamed dates": (DAYS.rename_axis(None).to_csv(), {}, DAYS, ""),
    "rows numbered": (DAYS.reset_index().to_csv(), {}, DAYS, ""),
    "dd/mm/yyyy": (dated("%d/%m/%Y"), {}, DAYS, "Dates are written %d/%m/%Y"),
    "mm/dd/yyyy": (dated("%m/%d/%Y"), {}, DAYS, "Dates are written %m/%d/%Y"),
    "mm/dd/yyyy with the hour": (dated("%m/%d/%Y 16:00:00"), {}, DAYS, "Dates are written"),
    "dd.mm.yy": (dated("%d.%m.%y"), {}, DAYS, "Dates are written %d.%m.%y"),
    "dd-Mon-yyyy": (dated("%d-%b-%Y"), {}, DAYS, "Dates are written %d-%b-%Y"),
    "Mon dd, yyyy": (dated('"%b %d, %Y"').replace('"""', '"'), {}, DAYS, "Dates are written"),
    "yyyymmdd": (dated("%Y%m%d"), {}, DAYS, ""),
    "yyyy-mm": (dated("%Y-%m", MONTHS), {}, MONTHS, "Dates are written %Y-%m"),
    "serial numbers": (serial(), {}, DAYS, "numbers of days"),
    "--date-format": (dated("%d %m %Y"), {"date_format": "%d %m %Y"}, DAYS, ""),
    "semicolons": (DAYS.to_csv(sep=";"), {}, DAYS, ""),
    "tabs": (DAYS.to_csv(sep="\t"), {}, DAYS, ""),
    "--separator": (DAYS.to_csv(sep="~"), {"separator": "~"}, DAYS, ""),
    "--decimal": (european(), {"decimal": ","}, DAYS, ""),
    "sep= before the names": ("sep=;\n" + DAYS.to_csv(sep=";"), {}, DAYS, ""),
    "yy-mm-dd": (dated("%y-%m-%d"), {}, DAYS, "Dates are written %y-%m-%d"),
    "download, rows numbered": (bars().reset_index().to_csv(), {}, DAYS, "'Close' was taken"),
    "download, workbook": (excel(bars()), {}, DAYS, "'Close' was taken"),
    "thousands": (written("{:,.2f}"), {}, DAYS, "thousands"),
    "thousands by spaces": (
        DAYS.map("{:,.2f}".format).map(lambda x: x.replace(",", "\u00a0")).to_csv(),
        {},
        DAYS,
        "thousands",
    ),
    "currency signs": (written("$ {:,.2f}"), {}, DAYS, "The sign $"),
    "currency codes": (written("{:.2f} EUR"), {}, DAYS, "The sign EUR"),
    "newest first": (DAYS.iloc[::-1].to_csv(), {}, DAYS, "newest prices came first"),
    "empty last row": (with_last_row(",,,"), {}, DAYS, "Rows without any price at the end"),
    "some prices in the last row": (with_last_row("1000,,,"), {}, DAYS, "lack prices and were cut"),
    "days after months": (with_tail().to_csv(), {}, MONTHS, "Prices are monthly; 12 between"),
    "a stub of a month": (with_tail().iloc[:-11].to_csv(), {}, MONTHS, "Prices are monthly; 1 "),
    "workbook": (excel(DAYS), {}, DAYS, ""),
    "workbook, not at its corner": (excel(DAYS, startrow=2, startcol=1), {}, DAYS, ""),
    "workbook of two sheets": (two_sheets(), {}, DAYS, "Of 2 sheets, 'Prices' was read"),
    "utf-8-sig": (DAYS.to_csv().encode("utf-8-sig"), {}, DAYS, ""),
    "utf-16": (DAYS.to_csv(sep="\t").encode("utf-16"), {}, DAYS, ""),
    "latin-1": (DAYS.rename(columns={"GLD": "Öl"}).to_csv().encode("latin-1"), {}, DAYS, "Latin-1"),
}


def read(folder, content, **options):
    path = folder / "prices"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return pipeline.read_inputs(path, **options)


@pytest.mark.parametrize("kind", READ)
def test_read_by_the_report(tmp_path, kind):
    content, options, table, note = READ[kind]
    plain = read(tmp_path, table.to_csv())
    found = read(tmp_path, content, **options)
    assert set(found.returns) == set(plain.returns) or kind == "latin-1"
    columns = list(plain.returns) if kind != "latin-1" else list(found.returns)
    np.testing.assert_allclose(found.returns[columns], plain.returns, atol=1e-12)
    assert note in " ".join(found.notes)


def test_a_frame_goes_through_the_same_checks():
    for table in (DAYS, bars(), long_bars(), DAYS.reset_index(), long_bars().set_index("Date")):
        found = read_prices(table)
        pd.testing.assert_frame_equal(found[NAMES], DAYS, check_names=False, check_freq=False)
    with pytest.raises(DataError, match=r"the table: 1 price is zero .* row 2, column 'TLT'"):
        read_prices(DAYS.replace(DAYS.iloc[1, 1], 0.0))


def test_days_before_months_are_noticed(tmp_path):
    months = MONTHS[MONTHS.index < DAYS.index[0]].iloc[-150:]
    with pytest.raises(DataError, match=r"prices are daily as a rule, but from .* 31 days apart"):
        read(tmp_path, pd.concat([months, DAYS]).rename_axis("Date").to_csv())


def spoiled(change):
    table = DAYS.copy()
    change(table)
    return table.to_csv()


def pence(table):
    table.iloc[100:, 1] *= 100


def future(table):
    table.index = table.index + pd.DateOffset(years=400)


def equal(table):
    table["GLD.1"] = table["GLD"]


def one_number(table):
    table["GLD"] = 1.0


def negative(table):
    table.iloc[7, 1] = -1.0


GROSS = (DAYS / DAYS.shift()).iloc[1:]
FIRST_DAYS = random_prices(pd.date_range("2012-01-01", periods=144, freq="MS"))

# kind: (content, parts of the message)
REFUSED = {
    "days or months first": (
        dated("%d/%m/%Y", FIRST_DAYS),
        [
            "'01/01/2012' has 2 readings",
            "Likely is 01 January 2012",
            "31 day(s)",
            "'%d/%m/%Y'. Oth",
        ],
    ),
    "decimal commas": (european(DAYS / 10), ["column 'SPY'", "--decimal ','"]),
    "one sort of comma": (
        (DAYS * 10).map("{:,.0f}".format).to_csv(),
        ["may separate thousands", "--decimal '.'", "--decimal ','"],
    ),
    "two currencies": (
        written("$ {:.2f}").replace("$", "€", 1),
        ["$, €", "Convert all to one currency"],
    ),
    "future": (spoiled(future), ["300 date(s)", "the future", "line 2"]),
    "pence": (spoiled(pence), ["'TLT' changes by a factor of about 100", "line 102"]),
    "equal columns": (spoiled(equal), ["'GLD' and 'GLD.1' hold the same prices"]),
    "one number": (spoiled(one_number), ["constant", "'GLD'"]),
    "negative": (spoiled(negative), ["line 9, column 'TLT'", "zero or negative"]),
    "gross returns": (GROSS.to_csv(), ["look like gross returns", "'SPY'"]),
    "returns": ((GROSS - 1).to_csv(), ["these look like returns"]),
    "fields without a close": (bars()[["Open", "High"]].to_csv(), ["Open, High; none closes"]),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"1" * 99, ["Save it as .xlsx"]),
    "no dates": (DAYS.to_csv(index=False), ["No column of dates", "put it first"]),
    "volume beside assets": (DAYS.assign(Volume=1e6).to_csv(), ["volume is no asset"]),
    "hours": (
        DAYS.set_axis(pd.date_range("2024-01-01", periods=300, freq="h", name="Date")).to_csv(),
        ["prices: the dates are", "keep the last"],
    ),
    "a web page": ("<!DOCTYPE html><html>404</html>", ["a web page"]),
    "JSON": ('{"SPY": [1, 2]}', ["JSON"]),
    "disorder": (pd.concat([DAYS.iloc[9:], DAYS.iloc[:9]]).to_csv(), ["sort the table by date"]),
    "dates across": (DAYS.T.to_csv(), ["columns are called by dates", "Turn the table"]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(tmp_path, kind):
    content, parts = REFUSED[kind]
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert message.startswith("prices") and "pandas" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"date_format": "%d/%m/%Y"}, "does not fit --date-format '%d/%m/%Y'"),
        ({"date_format": "%Q"}, "--date-format is '%Q'"),
        ({"decimal": ";"}, "--decimal is ';'"),
        ({"decimal": ","}, r"numbers do not fit --decimal ','.* Try --decimal '\.'"),
        ({"separator": ";;"}, "--separator is ';;'"),
    ],
)
def test_options_that_do_not_fit(tmp_path, options, part):
    with pytest.raises(DataError, match=part):
        read(tmp_path, DAYS.to_csv(), **options)


def test_a_workbook_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ImportError("no openpyxl")

    content = excel(DAYS)
    monkeypatch.setattr(pd, "ExcelFile", refuse)
    with pytest.raises(DataError, match=r"pip install 'mixfolio\[excel\]'"):
        read(tmp_path, content)


def test_logarithms_are_noticed(tmp_path):
    texts = [finding.text for finding in read(tmp_path, np.log(DAYS).to_csv()).checks.findings()]
    assert any(text.startswith("All prices lie below 12") for text in texts)
    assert not read(tmp_path, DAYS.to_csv()).checks.logarithms


def test_a_cap_that_differs_from_the_usual_is_announced(tmp_path):
    inputs = read(tmp_path, DAYS.iloc[:, :3].to_csv())
    assert "50% and not the usual 30%" in pipeline.make_plan(inputs).note
    assert pipeline.make_plan(inputs, max_position=0.6).note == ""
