"""The command: files as readers bring them get a report, or one message and exit code 2."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mixfolio
from mixfolio.report import cli as command
from mixfolio.report import writer as report
from tests.package.report import own_data
from tests.package.report.own_data import write

TABLE = own_data.monthly(60).round(2)
CSV = TABLE.to_csv()
LINES = CSV.splitlines()
GROUPS = own_data.groups().to_csv()


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch):
    """Parts without a kernel: what is tested here comes before one."""

    def execute(tools, parameters, folder):
        for name in report.NAMES[:2]:
            (folder / name).write_text("made", encoding="utf-8")

    monkeypatch.setattr(report, "_execute", execute)
    monkeypatch.setattr(report.html, "render", lambda *_, **__: "made")


def run(folder, content, *options, name="prices.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    return command.main(["report", str(folder / name), "--output", str(folder / "out"), *options])


def refused(folder, capsys, content, *options):
    """The message, after all that goes for every refusal was checked."""
    assert run(folder, content, *options) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("mixfolio: ") and err.count("\n") == 1
    assert "Traceback" not in err and len(err) < 900
    assert not (folder / "out").exists() and not list(folder.glob(".mixfolio-*"))
    return err


def test_good_files_are_answered_with_places(tmp_path, capsys):
    assert run(tmp_path, CSV) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    stages = err.splitlines()
    assert len(stages) == 3 and all(line.startswith("mixfolio: ") for line in stages)
    assert stages[0].endswith(f"read prices.csv: {len(TABLE) - 1} monthly returns of 6 assets")
    assert str(tmp_path / "out" / "report.html") in out


def test_every_option_reaches_the_notebook(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(report, "_execute", lambda tools, given, folder: seen.update(given) or [
        (folder / name).write_text("made", encoding="utf-8") for name in report.NAMES[:2]
    ])  # fmt: skip
    (tmp_path / "limits.csv").write_text("asset,lower,upper\nUS TIPS,0,0.2\n", encoding="utf-8")
    (tmp_path / "views.csv").write_text(
        "better,worse,value,confidence\nMSCI US,,0.03,\n", encoding="utf-8"
    )
    options = (
        "--exclude|Hedge Funds|--benchmark|MSCI World USD|--riskless|0.01|--allow-short|"
        "--objective|maximum-sharpe|--estimator|OAS|--capital|5000|--max-position|0.6|"
        f"--limits|{tmp_path / 'limits.csv'}|--views|{tmp_path / 'views.csv'}"
    )
    assert run(tmp_path, CSV, *options.split("|")) == 0
    assert seen["reading"] == {
        "layout": "auto",
        "missing": "keep",
        "exclude": ["Hedge Funds"],
        "benchmark": "MSCI World USD",
        "riskless": "0.01",
    }
    assert seen["plan"] == {
        "estimator": "OAS",
        "objective": "maximum-sharpe",
        "allow_short": True,
        "capital": 5000.0,
        "max_position": 0.6,
        "limits_file": str((tmp_path / "limits.csv").resolve()),
        "views_file": str((tmp_path / "views.csv").resolve()),
    }


def narrow_console(monkeypatch, name):
    """A console of western Europe, as Windows has it; returns what is written to it."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding="cp1252"))
    return written


def test_a_console_that_cannot_show_a_name_does_not_spoil_a_finished_report(tmp_path, monkeypatch):
    folder = tmp_path / "報告 é"
    folder.mkdir()
    written = narrow_console(monkeypatch, "stdout")
    assert run(folder, CSV) == 0
    sys.stdout.flush()
    assert b"\\u5831\\u544a \xe9" in written.getvalue()


def test_a_console_that_cannot_show_a_name_still_gets_the_message(tmp_path, monkeypatch):
    written = narrow_console(monkeypatch, "stderr")
    assert run(tmp_path, CSV.replace("1.", "x.", 1), name="價格.csv") == 2
    sys.stderr.flush()
    assert written.getvalue().startswith(b"mixfolio: ")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_excel_saves_as_csv_utf8_is_taken(tmp_path, newline):
    assert run(tmp_path, b"\xef\xbb\xbf" + CSV.replace("\n", newline).encode()) == 0


def with_line(number, text):
    return "\n".join([*LINES[:number], text, *LINES[number:]])


def us_dates():
    body = [f"{line[5:7]}/{line[8:10]}/{line[:4]}{line[10:]}" for line in LINES[1:]]
    return "\n".join([LINES[0], *body])


def thousands():
    return (TABLE * 100).map(lambda x: f"{x:,.2f}").to_csv()


def commas(decimals):
    return TABLE.map(lambda x: f"{x:.{decimals}f}".replace(".", ",")).to_csv()


DELISTED = TABLE.copy()
DELISTED.iloc[40:, 2] = np.nan
RANDOM = np.random.default_rng(1)

TAKEN = {
    "semicolons": CSV.replace(",", ";"),
    "tabs": CSV.replace(",", "\t"),
    "dates of the US": us_dates(),
    "thousands separators": thousands(),
    "blank columns": "\n".join(line + ",," for line in LINES),
    "blank rows": with_line(20, "," * 6),
    "newest first": "\n".join([LINES[0], *LINES[:0:-1]]),
    "error cells": with_line(len(LINES), "2030-01-31" + ",#N/A" * 6),
    "a delisting": DELISTED.to_csv(),
    "UTF-16": CSV.encode("utf-16"),
    "Latin-1": CSV.replace("Bonds", "Bönds").encode("latin-1"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_has_one_reading_is_taken(tmp_path, name):
    assert run(tmp_path, TAKEN[name]) == 0


def test_an_option_says_which_of_two_readings(tmp_path):
    assert run(tmp_path, commas(3), "--decimal", ",") == 0


def test_prices_by_a_pipe_stay_beside_the_report(tmp_path, capsys, monkeypatch):
    def piped(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        return command.main(["report", "-", "--output", str(tmp_path / "out")])

    assert piped("nothing") == 2 and not (tmp_path / "out").exists()
    assert piped(CSV) == 0
    (kept,) = (tmp_path / "out").glob("prices-*")
    assert kept.read_text(encoding="utf-8") == CSV
    assert piped("nothing") == 2 and kept.exists()


MESSY = {
    "semicolons and decimal commas": (CSV.replace(",", ";").replace(".", ","), "--decimal ','"),
    "decimal commas in quotes": (commas(2), "decimal comma"),
    "commas of either kind": (commas(3), "--decimal '.' reads 1,234 as 1234"),
    "a total": (with_line(len(LINES), "Total" + ",1" * 6), "a total or a note"),
    "a title": ("My prices 2024\n" + CSV, "delete what is above them"),
    "units": (with_line(1, "USD" + ",USD" * 6), "date cannot be read"),
    "returns": (TABLE.pct_change().iloc[1:].to_csv(), "these look like returns"),
    "per cent": ((100 * TABLE.pct_change().iloc[1:]).to_csv(), "these look like returns"),
    "a series of returns": (TABLE.pct_change().iloc[1:, :1].to_csv(), "these look like returns"),
    "repeated dates": (with_line(10, LINES[9]), "date is repeated"),
    "an asset twice": (
        "\n".join(line + "," + line.split(",")[1] for line in LINES),
        "columns are called 'Global Bonds'",
    ),
    "a zero": (CSV.replace(LINES[5], LINES[5].split(",")[0] + ",0" * 6), "zero or negative"),
    "two assets": (TABLE.iloc[:, :2].to_csv(), "3 are needed"),
    "a short history": (TABLE.iloc[:30].to_csv(), "40 are needed"),
    "an empty file": ("", "empty"),
    "only a header": (LINES[0], "no row"),
    "binary": (RANDOM.bytes(10_000_000), "is no text"),
    "text": ("Lorem ipsum dolor sit amet.\n" * 400_000, "the only column"),
    "one word": ("x" * 10_000_000, "cannot be split"),
    "a workbook": (b"PK\x03\x04" + RANDOM.bytes(1000), "workbook or archive is damaged"),
    "a damaged archive": (b"\x1f\x8b\x08" + RANDOM.bytes(1000), "damaged"),
    "Parquet that is none": (b"PAR1" + RANDOM.bytes(1000), "Parquet"),
}


@pytest.mark.parametrize("name", MESSY)
def test_messy_prices(tmp_path, capsys, name):
    content, message = MESSY[name]
    assert re.search(message, refused(tmp_path, capsys, content))


BAD_GROUPS = {
    "lacking": (GROUPS.replace("MSCI US,equity\n", ""), "no line for 1 asset of the prices"),
    "twice": (GROUPS + "MSCI US,bonds\n", "1 asset is repeated"),
    "empty": ("", "empty"),
    "binary": ("\0" * 100, "is no text"),
}


@pytest.mark.parametrize("name", BAD_GROUPS)
def test_bad_groups(tmp_path, capsys, name):
    content, message = BAD_GROUPS[name]
    (tmp_path / "groups.csv").write_text(content, encoding="utf-8")
    assert message in refused(tmp_path, capsys, CSV, "--groups", str(tmp_path / "groups.csv"))


CHOICES = {
    "window": (["--window", "600"], "window is 600"),
    "lookback": (["--lookback", "600"], "lookback is 600"),
    "cap": (["--max-position", "0.1"], "upper bounds add up"),
    "cap in per cent": (["--max-position", "30"], "0.3 is 30%"),
    "group cap": (["--max-group", "0.5"], "needs --groups"),
    "costs": (["--costs", "10"], "costs is 10"),
    "level": (["--level", "90"], "level is 90"),
    "missing groups": (["--groups", "nowhere.csv"], "nowhere.csv: there is no such file"),
    "views of nothing": (["--views", "v.csv"], "v.csv: there is no such file"),
    "limits of nothing": (["--limits", "l.csv"], "l.csv: there is no such file"),
    "parity and shorts": (
        ["--objective", "risk-parity", "--allow-short"],
        "--objective risk-parity knows limits of single assets only, so it contradicts",
    ),
    "unknown asset": (["--exclude", "Gold"], "--exclude Gold: prices.csv has no such asset"),
    "missing weights": (["--previous", "nowhere.csv"], "no such file"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_bad_choices(tmp_path, capsys, name):
    options, message = CHOICES[name]
    assert message in refused(tmp_path, capsys, CSV, *options)


def test_missing_prices_and_no_name(tmp_path, capsys):
    for given, message in ((str(tmp_path / "no.csv"), "no such file"), ("", "no file of prices")):
        assert command.main(["report", given, "--output", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file(tmp_path, capsys):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    assert run(tmp_path, CSV) == 2
    assert "out is a file" in capsys.readouterr().err
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("arguments", [[], ["report"], ["report", "x", "--window", "many"]])
def test_wrong_usage_is_exit_code_2_as_well(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2 and "usage: mixfolio" in capsys.readouterr().err


def test_help_and_version(capsys):
    for arguments, word in ((["--version"], mixfolio.__version__), (["report", "-h"], "--groups")):
        with pytest.raises(SystemExit) as caught:
            command.main(arguments)
        assert caught.value.code == 0 and word in capsys.readouterr().out


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path, TABLE)
    assert command.main(["report", "~/prices.csv", "--output", "~/out"]) == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_an_interruption_says_so(tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "_execute", interrupt)
    assert run(tmp_path, CSV) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_leaves_nothing(tmp_path):
    write(tmp_path, own_data.daily(1500, 23))
    process = subprocess.Popen(
        [sys.executable, "-m", "mixfolio", "report", "prices.csv", "--output", "out"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".mixfolio-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]


def test_make_portfolio_runs_the_command():
    done = subprocess.run(
        ["make", "-n", "portfolio", "PRICES=my prices.csv", "GROUPS=g.csv", "OUTPUT=o",
         "OPTIONS=--costs 0.002"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.replace("\\\n", " ").split("\n")
    line = " ".join(next(line for line in words if "mixfolio report" in line).split())
    wanted = 'mixfolio report "my prices.csv" --groups "g.csv" --output "o" --costs 0.002'
    assert line.endswith(wanted)
