"""Style sheets lose the rules that no page can use, and nothing else."""

import re

import pytest

from tools.site import style_sheets

SHEET = """/*! Somebody, under a licence */
@charset "UTF-8";
:root { --gone: "} ,"; }
.used, .gone:hover, p.used > .gone { color: red }
.gone { color: blue }
.used:not(.gone), :is(.gone, .other) a { color: green }
.by-a-script { background: url("data:image/svg+xml,%3csvg a='b,c{d}'%3e") }
@media (max-width: 9px) { .gone { top: 0 } .used { left: 0 } }
@media print { .gone { top: 0 } }
@font-face { font-family: X; src: url(x.woff2) }
.w\\:1\\/2 { width: 50% }
[data-x="a,.b"] { top: 1px }
"""


class Everything(set):
    def __contains__(self, name):
        return True


def squeezed(text):
    return re.sub(r"\s+", "", text)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "x.js").write_text("node.classList.add('by-a-script')")
    (tmp_path / "_static" / "theme.css").write_text(SHEET)
    (tmp_path / "_static" / "book.css").write_text(SHEET)
    (tmp_path / "index.html").write_text('<p class="used w:1/2">gone</p><script>lit()</script>')
    return tmp_path


def test_a_sheet_of_which_all_is_used_stays():
    assert squeezed(style_sheets.pruned(SHEET, Everything())) == squeezed(SHEET)


def test_what_no_page_and_no_script_names_is_left_out(site):
    assert style_sheets.known_classes(site) >= {"used", "by-a-script", "w:1/2", "lit"}
    style_sheets.prune(site)
    text = (site / "_static" / "theme.css").read_text()
    for kept in (
        "/*! Somebody",
        '@charset "UTF-8";',
        '--gone: "} ,"',
        ".used{ color: red }",
        ".used:not(.gone)",
        ":is(.gone, .other) a",
        "c{d}",
        "{.used{ left: 0 }}",
        "@font-face",
        "width: 50%",
        '[data-x="a,.b"]',
    ):
        assert kept in text, kept
    for gone in (".gone:hover", "p.used", "color: blue", "@media print", "top: 0"):
        assert gone not in text, gone


def test_the_sheet_of_the_book_stays(site):
    style_sheets.prune(site)
    assert (site / "_static" / "book.css").read_text() == SHEET
