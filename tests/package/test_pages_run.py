"""The code on the pages for readers in a hurry runs as it stands, block after block."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
# What would take long is made small; a text that is not there is an error.
SMALLER = {
    "book/quickstart.md": {},
    "README.md": {"100_000": "4", "n_jobs=-1, ": "", "LocalCluster()": "LocalCluster(n_workers=1)"},
}
PAGES = [
    "book/quickstart.md",
    pytest.param("README.md", marks=pytest.mark.slow),
]


def blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for long, short in SMALLER[page].items():
        assert long in text
        text = text.replace(long, short)
    return BLOCK.findall(text)


@pytest.mark.parametrize("page", PAGES)
def test_the_code_on_a_page_runs(page, tmp_path, monkeypatch, capsys):
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    try:
        for number, block in enumerate(blocks(page), 1):
            exec(compile(block, f"{page}, block {number}", "exec"), names)
    finally:
        mpl.pyplot.close("all")
        if "client" in names:
            names["client"].close()
            names["cluster"].close() if "cluster" in names else None
    assert "failed" not in capsys.readouterr().err


def test_ten_lines_are_ten_lines():
    lines = [line for line in blocks("book/quickstart.md")[0].splitlines() if line.strip()]
    assert len(lines) <= 10


def test_no_other_page_has_code_that_nobody_runs():
    pages = {
        path.relative_to(ROOT).as_posix()
        for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "book").glob("*.md")]
        if BLOCK.search(path.read_text(encoding="utf-8"))
    }
    assert pages == {*SMALLER, "book/your-own-prices.md"}  # that one fetches from the network
