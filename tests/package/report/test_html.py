"""A notebook as one page: nothing from elsewhere, nothing executable, everything that was said."""

import base64
import re

import nbformat
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
    assert "dataframe" not in html and "text-align: right" not in html
    assert "<th></th>" not in html
    assert '<div class="table" tabindex="0"><table>' in html and "&lt;A&gt;" in html


def test_figures_are_inside_with_caption_and_alternative(html):
    content = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', html)[1]
    assert base64.b64decode(content).decode() == SVG
    assert 'alt="A &quot;plot&quot;"' in html
    assert "<figcaption>What &lt;to&gt; see</figcaption>" in html


def test_nothing_is_asked_from_elsewhere(html):
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_the_page_is_for_phones_and_both_schemes(html):
    assert 'name="viewport"' in html and "prefers-color-scheme: dark" in html
    assert html.startswith("<!DOCTYPE html>") and '<html lang="en">' in html
