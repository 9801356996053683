"""A notebook as one page: nothing from elsewhere, nothing executable, everything that was said."""

import base64
import hashlib
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mixfolio.report import html as page

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><text>x</text></svg>'
TABLE = (
    "<div>\n<style scoped>\n .dataframe tbody { color: red }\n</style>\n"
    '<table border="1" class="dataframe">\n<tr style="text-align: right;"><th></th>'
    "<th>&lt;A&gt;</th></tr>"
    "</table>\n</div>"
)


def shown(data, **options):
    return new_code_cell("1 + 1", outputs=[new_output("display_data", data=data)], **options)


@pytest.fixture
def html():
    figure = {"mystnb": {"figure": {"caption": "What <to> see"}, "image": {"alt": 'A "plot"'}}}
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Title & more\n\nText with <script>alert(1)</script>."),
            new_code_cell("secret = 1", metadata={"tags": ["injected-parameters"]}),
            shown({"text/markdown": "First **result**", "text/plain": "object"}),
            shown({"text/html": TABLE, "text/plain": "table"}),
            shown({"image/svg+xml": SVG, "text/plain": "Figure"}, metadata=figure),
            shown({"text/plain": "3 < 4"}),
            shown({"text/markdown": " "}),
            new_code_cell(
                "print(1)",
                outputs=[
                    new_output("stream", name="stdout", text="1 < 2\n"),
                    new_output("stream", name="stderr", text="a warning\n"),
                ],
            ),
        ]
    )
    nbformat.validate(notebook)
    return page.render(notebook, subtitle="my <file>.csv", footer="Made & done")


def test_text_and_names_are_escaped(html):
    assert "<title>Title &amp; more: my &lt;file&gt;.csv</title>" in html
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "<pre>3 &lt; 4</pre>" in html and "<pre>1 &lt; 2\n</pre>" in html
    assert "Made &amp; done" in html


def test_parameters_and_warnings_are_left_out(html):
    assert "secret" not in html and "a warning" not in html


def test_the_first_result_stands_out(html):
    assert html.count('class="text first"') == 1
    assert '<div class="text first"><p>First <strong>result</strong></p>' in html


def test_tables_have_no_style_of_their_own(html):
    assert "dataframe" not in html and "style=" not in html.split("<body>")[1]
    assert "<th></th>" not in html
    assert '<div class="table" tabindex="0"><table>' in html and "&lt;A&gt;" in html


def test_columns_of_numbers_are_at_the_right_with_their_heading():
    frame = pd.DataFrame(
        {
            "share": ["1.5%", "-0.3%", "–"],
            "money": ["1,234", "+5", "0"],
            "from": ["2020-01-31", "2021-01-31", "not yet"],
            "interval": ["-1.0% to +2.0%", "+0.1% to +0.2%", "–"],
            "meaning": ["12", "of 17", "1"],
        },
        ["2019", "2020", "2021"],
    )
    table = page._plain_table(frame.to_html())
    for name in ("share", "money", "from", "interval"):
        assert f'<th class="n">{name}</th>' in table
    assert "<th>meaning</th>" in table and "<td>of 17</td>" in table
    assert table.count('<td class="n">') == 12 and "<th>2019</th>" in table


FRONTIER = {
    "assets": ["<A>", 'B"'],
    "points": [
        {"volatility": 0.05, "mean": 0.01, "x": 5.0, "y": 105.0, "weights": [1.0, 0.0]},
        {"volatility": 0.1, "mean": 0.03, "x": 295.0, "y": 5.0, "weights": [0.4, 0.6]},
    ],
    "start": 1,
}


@pytest.fixture
def live():
    cell = shown({page.FRONTIER: FRONTIER, "text/plain": "a control"})
    return page.render(new_notebook(cells=[cell]), subtitle="x", footer="y")


def test_only_the_script_of_the_page_is_allowed(live, html):
    (script,) = re.findall(r"<script>(.*?)</script>", live, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in live and "unsafe" not in live
    assert not re.findall(r"fetch|eval|XMLHttp|innerHTML|https?:", script)
    assert " on" + "input=" not in live and "style=" not in live
    assert "<th>&lt;A&gt;</th>" in live and "<A>" not in live
    assert "<script" not in html


@pytest.mark.slow
def test_the_frontier_moves_with_the_control_and_is_hidden_without_scripts(live, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no browser")
    path = tmp_path / "report.html"
    path.write_text(live, encoding="utf-8")
    with ThreadPoolExecutor(1) as pool:  # another test of this process may hold a browser
        pool.submit(play_with_the_frontier, chromium, path.as_uri()).result()


def play_with_the_frontier(chromium, address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab, messages = browser.new_page(), []
        tab.on("console", lambda message: messages.append(message.text))
        tab.goto(address)
        assert "Volatility 10.0%, expected return 3.0%" in tab.inner_text("output")
        assert tab.locator("tbody tr:visible").count() == 2
        tab.locator("input").fill("0")
        assert "Volatility 5.0%, expected return 1.0%" in tab.inner_text("output")
        assert tab.locator("tbody tr:visible").all_inner_texts() == ["<A>\t100.0%\t"]
        assert tab.locator("circle").get_attribute("cx") == "5" and messages == []
        still = browser.new_context(java_script_enabled=False).new_page()
        still.goto(address)
        assert not still.locator(".live").is_visible()
        browser.close()


def test_figures_are_inside_with_caption_and_alternative(html):
    content = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', html)[1]
    assert base64.b64decode(content).decode() == SVG
    assert 'alt="A &quot;plot&quot;"' in html
    assert "<figcaption>What &lt;to&gt; see</figcaption>" in html


def test_nothing_is_asked_from_elsewhere(html):
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_the_page_can_be_printed(html):
    printed = html.split("@media print")[1]
    assert "break-inside: avoid" in printed and "max-width: none" in printed


def test_the_page_is_for_phones_and_both_schemes(html):
    assert 'name="viewport"' in html and "prefers-color-scheme: dark" in html
    assert html.startswith("<!DOCTYPE html>") and '<html lang="en">' in html
