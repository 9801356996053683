"""A report from end to end: what it leaves, and that an error leaves nothing."""

import re
import sys
from functools import partial
from html import escape
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError, InfeasibleError
from mixfolio.prices import read_weights
from mixfolio.report import pipeline as own_prices
from mixfolio.report import writer as report
from tests.package.report import own_data
from tests.package.report.own_data import write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Prices with hostile names, in the long layout, and their groups."""
    folder = tmp_path_factory.mktemp("mine")
    names = dict(
        zip(own_data.ASSETS, ["<i>Bonds</i>", "T$x$", "A_b_c", "D*", "E|F", "=1+1"], strict=True)
    )
    table = own_data.monthly().rename(columns=names)
    write(folder, own_data.long(table), "my prices.csv")
    write(folder, own_data.groups().rename(names), "groups.csv")
    return folder


CHOICES = {
    "max_position": 0.4,
    "costs": 0.002,
    "estimator": "OAS",
    "objective": "maximum-diversification",
    "capital": 1e6,
}


@pytest.fixture(scope="module")
def made(files):
    """A report, in a folder two levels below what there is, whose names look like parameters."""
    return report.write_report(
        files / "my prices.csv",
        files / "new {2024}" / "{seed}",
        group_file=files / "groups.csv",
        max_group=None,
        benchmark="E|F",
        riskless="0.02",
        **CHOICES,
    )


def test_three_files_are_left_and_nothing_else(files, made):
    assert sorted(path.name for path in made.page.parent.iterdir()) == sorted(report.NAMES)
    assert sorted(path.name for path in files.iterdir()) == [
        "groups.csv",
        "my prices.csv",
        "new {2024}",
    ]


def test_the_weights_are_those_of_the_functions(files, made):
    inputs = own_prices.read_inputs(files / "my prices.csv", files / "groups.csv", benchmark="E|F")
    plan = own_prices.make_plan(inputs, **CHOICES)
    expected = own_prices.build_portfolio(inputs, plan).weights
    found = read_weights(made.weights, inputs.returns.columns)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "\n'=1+1," in made.weights.read_text(encoding="utf-8")


def test_the_page_says_everything(made):
    html = made.page.read_text(encoding="utf-8")
    for heading in ("Your portfolio", "The data", "Where the risk comes from", "What it would"):
        assert heading in html
    for words in ("Beta to E|F", "Sharpe ratio", "on the covariance of OAS", "1,000,000"):
        assert words in html
    assert html.count("<figure>") == 7 and html.count('<div class="table') == 13
    assert html.count('<div class="live" hidden') == 1
    assert "my prices.csv, with prices to 2026-" in html
    assert "nan" not in re.sub(r"base64,[^\"]+|finance|Finance", "", html)


def test_the_page_asks_for_nothing_and_shows_names_as_they_are(made):
    html = made.page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "<i>Bonds" not in html and "&lt;i&gt;Bonds&lt;/i&gt;" in html
    weights = read_weights(made.weights)
    held = weights.index[weights > 0.001]
    assert len(held) > 2 and all(escape(name) in html for name in held)
    assert "<em>b" not in html


def test_the_notebook_can_be_run_again(made):
    notebook = nbformat.read(made.notebook, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type in ("stream", "error")]
    injected = next(c for c in code if "injected-parameters" in c.metadata["tags"])
    assert "'max_position': 0.4" in injected.source.replace('"', "'")
    assert "weights_file" not in injected.source


def test_the_environment_is_as_before(made, monkeypatch, tmp_path):
    import os

    assert "JUPYTER_PATH" not in os.environ or os.environ["JUPYTER_PATH"] != ""
    monkeypatch.setenv("MPLBACKEND", "agg")
    with report._environment(tmp_path / "kernel"):
        assert os.environ["MPLBACKEND"].startswith("module://")
    assert os.environ["MPLBACKEND"] == "agg"


# ------------------------------------------------------------------- errors


def earlier(folder):
    """A folder with an earlier report and a file of the reader's own."""
    folder.mkdir()
    for name in (*report.NAMES, "mine.txt"):
        (folder / name).write_text(f"earlier {name}", encoding="utf-8")
    return folder


def untouched(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([*report.NAMES, "mine.txt"])
    assert all(
        path.read_text(encoding="utf-8") == f"earlier {path.name}" for path in folder.iterdir()
    )
    assert not list(folder.parent.glob(".mixfolio-*"))


def failing(monkeypatch, code):
    """Let the notebook be one cell."""

    def template(jupytext):
        tags = {"tags": ["parameters"]}
        cells = [
            nbformat.v4.new_code_cell("prices = ''", metadata=tags),
            nbformat.v4.new_code_cell(code),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})

    monkeypatch.setattr(report, "_template", template)


def test_an_error_inside_is_unwrapped_and_an_earlier_report_stays(files, tmp_path, monkeypatch):
    failing(monkeypatch, "from mixfolio.errors import *\nraise InfeasibleError('too tight')")
    folder = earlier(tmp_path / "out")
    with pytest.raises(InfeasibleError, match=r"^too tight$"):
        report.write_report(files / "my prices.csv", folder)
    untouched(folder)


def test_any_other_error_is_called_a_defect(files, tmp_path, monkeypatch):
    failing(monkeypatch, "1 / 0")
    with pytest.raises(report.ReportError, match=r"ZeroDivisionError: division by zero.*a defect"):
        report.write_report(files / "my prices.csv", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_that_dies_is_reported(files, tmp_path, monkeypatch):
    failing(monkeypatch, "import os; os._exit(9)")
    with pytest.raises(report.ReportError, match=r"the notebook stopped.*memory"):
        report.write_report(files / "my prices.csv", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_estimated_outside_the_notebook(files, tmp_path, monkeypatch):
    quick(monkeypatch)
    for name in ("build_portfolio", "learned_groups", "compare"):
        refuse = partial(pytest.fail, f"{name} was called outside the notebook")
        monkeypatch.setattr(own_prices, name, lambda *_, refuse=refuse, **__: refuse())
    made = report.write_report(files / "my prices.csv", tmp_path / "out", max_position=0.4)
    assert made.page.exists()


def test_bad_input_is_refused_before_a_kernel_starts(files, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_execute", lambda *_: pytest.fail("a kernel was started"))
    for options, message in (
        ({"window": 9999}, "window is 9999"),
        ({"max_position": 0.01}, "upper bounds add up"),
        ({"level": 2}, "level is 2"),
        ({"max_group": 0.5}, "max-group needs --groups"),
        ({"turnover_penalty": 0.1}, "turnover-penalty needs --previous"),
        ({"group_file": files / "my prices.csv"}, "my prices.csv"),
    ):
        with pytest.raises(ValueError, match=message):
            report.write_report(files / "my prices.csv", tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["papermill", "jupytext", "ipykernel", "markdown_it"])
def test_without_the_extra_it_says_what_to_install(files, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(report.ReportError, match=rf"{package}.*pip install 'mixfolio\[report\]'"):
        report.write_report(files / "my prices.csv", tmp_path / "out")


def quick(monkeypatch):
    """Let the parts be made without a kernel."""

    def execute(tools, parameters, folder):
        for name in report.NAMES[:2]:
            (folder / name).write_text(f"new {name}", encoding="utf-8")

    monkeypatch.setattr(report, "_execute", execute)
    monkeypatch.setattr(report.html, "render", lambda *_, **__: "new report.html")


def test_an_earlier_report_is_replaced_and_other_files_stay(files, tmp_path, monkeypatch):
    quick(monkeypatch)
    folder = earlier(tmp_path / "out")
    report.write_report(files / "my prices.csv", folder)
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert found == {name: f"new {name}" for name in report.NAMES} | {
        "mine.txt": "earlier mine.txt"
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("bad", report.NAMES)
def test_a_file_that_cannot_be_replaced_leaves_all_as_before(files, tmp_path, monkeypatch, bad):
    quick(monkeypatch)
    folder = earlier(tmp_path / "out")
    plain = Path.replace

    def refuse(self, target):
        if self.name == bad and Path(target).parent == folder:
            raise PermissionError(13, "Permission denied")
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(report.ReportError, match=r"cannot be moved.*Permission denied"):
        report.write_report(files / "my prices.csv", folder)
    untouched(folder)


def test_an_interruption_of_the_last_step_takes_it_back(files, tmp_path, monkeypatch):
    quick(monkeypatch)
    plain = Path.replace

    def interrupt(self, target):
        if self.name == "report.html":
            raise KeyboardInterrupt
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        report.write_report(files / "my prices.csv", tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_written(files, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(report.ReportError, match=r"file is a file\. Give a folder"):
            report.write_report(files / "my prices.csv", output)
    if Path("/proc/self").exists():
        with pytest.raises(report.ReportError, match="nothing can be written into"):
            report.write_report(files / "my prices.csv", "/proc/self/report")


def test_data_errors_come_as_they_are(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        report.write_report(tmp_path / "no.csv", tmp_path / "out")


def test_the_weights_file_can_be_given_back(files, made):
    held = pd.read_csv(made.weights)
    assert list(held)[:2] == ["asset", "weight"]
    inputs = own_prices.read_inputs(files / "my prices.csv", None, made.weights, benchmark="E|F")
    assert inputs.previous.sum() == pytest.approx(1, abs=1e-4)
