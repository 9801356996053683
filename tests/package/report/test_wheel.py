"""The wheel in a clean environment: the command makes a report far from the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from mixfolio.prices import read_weights
from mixfolio.report import pipeline as own_prices
from tests.package.report import own_data
from tests.package.report.own_data import write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
UV = (sys.executable, "-m", "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """An environment with the wheel, its extra and nothing else; its Python."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    subprocess.run([*UV, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = next(path for path in folder.glob("*/python*") if path.stem == "python")
    install = [*UV, "pip", "install", "-q", "--python", str(python)]
    wanted = [
        "--constraint",
        str(ROOT / "requirements.lock"),
        f"mixfolio[report] @ {wheel.as_uri()}",
    ]
    done = subprocess.run([*install, *wanted], cwd=folder.parent, capture_output=True, text=True)
    if done.returncode:
        reason = f"the extra cannot be installed here (offline?): {done.stderr[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def outside(*arguments, cwd):
    """Run a program of the environment with nothing of this process."""
    inherited = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP")
    variables = {name: os.environ[name] for name in inherited if name in os.environ}
    return subprocess.run(
        [str(arguments[0]), *map(str, arguments[1:])],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_the_notebook_the_data_and_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert b"mixfolio = mixfolio.__main__:main" in archive.read(entry)
    for name in ("report/template.md", "_data/datapackage.json", "py.typed"):
        assert f"mixfolio/{name}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_command_reports_on_parquet_outside_the_repository(clean, tmp_path):
    table, groups = own_data.monthly(), own_data.groups()
    write(tmp_path, own_data.long(table), "long.csv")
    write(tmp_path, groups, "groups.csv")
    convert = (
        "import pandas as pd; "
        "pd.read_csv('long.csv', parse_dates=['date']).to_parquet('prices.parquet'); "
        "pd.read_csv('groups.csv').to_parquet('groups.parquet')"
    )
    done = outside(clean, "-c", convert, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = clean.with_name("mixfolio" + clean.suffix)
    arguments = ("report", "prices.parquet", "--groups", "groups.parquet", "--output", "out")
    done = outside(command, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # Matplotlib says so when its first look for fonts takes more than a few seconds.
    said = [line for line in done.stderr.splitlines() if "building the font cache" not in line]
    assert all(line.startswith("mixfolio: ") for line in said), done.stderr
    inputs = own_prices.read_inputs(tmp_path / "long.csv", tmp_path / "groups.csv")
    expected = own_prices.build_portfolio(inputs, own_prices.make_plan(inputs)).weights
    found = read_weights(tmp_path / "out" / "weights.csv", expected.index)
    pd.testing.assert_series_equal(found, expected, check_names=False, atol=1e-5)
    assert "prices.parquet" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert str(ROOT) not in (tmp_path / "out" / "report.ipynb").read_text(encoding="utf-8")


def test_the_command_refuses_there_too(clean, tmp_path):
    command = clean.with_name("mixfolio" + clean.suffix)
    done = outside(command, "report", "no.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "mixfolio: no.csv: there is no such file. Check the name and the folder.\n"
    )
    assert list(tmp_path.iterdir()) == []
