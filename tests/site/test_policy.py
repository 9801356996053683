"""Nothing runs on a page that its policy does not name, and what the page needs does run.

Whether a page breaks its own policy is seen in ``test_pages.py``: the browser says so in the
console, and no page may have an error there.
"""

import io

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from test_pages import Visit

from mixfolio.report import html

INTRUDERS = {
    "script": "document.body.append("
    "Object.assign(document.createElement('script'), {textContent: 'window.intruder = 1'}))",
    "handler": "document.body.insertAdjacentHTML("
    '\'beforeend\', \'<img src="data:," alt="" onerror="window.intruder = 1">\')',
    "elsewhere": "new Promise(done => document.body.append(Object.assign("
    "document.createElement('script'), {src: 'https://example.org/x.js', onerror: done})))",
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
    '<style>rect { fill: red }</style><rect width="20" height="20" style="opacity: 1"/></svg>'
)


def refused(visit):
    """Whether the browser says that the policy has stopped something, and nothing else."""
    return bool(visit.errors) and all("Content Security Policy" in text for text in visit.errors)


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_an_intruder_is_stopped(browser, address, intruder):
    with Visit(browser, address, "index.html") as visit:
        assert visit.errors == []
        visit.ask(INTRUDERS[intruder])
        visit.tab.wait_for_timeout(200)
        assert visit.ask("window.intruder") is None
        assert refused(visit), visit.errors


def test_the_page_can_be_printed(browser, address):
    with Visit(browser, address, "index.html") as visit:
        visit.ask("window.print = () => { window.printed = true }")
        visit.ask("document.querySelector('[data-print]').click()")
        assert visit.ask("window.printed")
        assert visit.errors == []


@pytest.fixture
def report(tmp_path):
    """Address of a folder with a report of a title, a table and a figure."""
    outputs = [
        new_output("display_data", data={"text/html": "<table><tr><td>1</td></tr></table>"}),
        new_output("display_data", data={"image/svg+xml": SVG}),
    ]
    cells = [new_markdown_cell("# Report"), new_code_cell("1", outputs=outputs)]
    page = html.render(new_notebook(cells=cells), subtitle="prices.csv", footer="The end")
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    return tmp_path.as_uri()


def test_a_report_keeps_its_own_policy(browser, report):
    with Visit(browser, report, "report.html", color_scheme="light") as visit:
        assert visit.errors == []
        assert visit.ask("getComputedStyle(document.body).margin") == "0px"
        picture = visit.tab.locator("img").screenshot()
        assert Image.open(io.BytesIO(picture)).convert("RGB").getpixel((9, 9)) == (255, 0, 0)
        visit.ask(INTRUDERS["script"])
        assert visit.ask("window.intruder") is None
        assert refused(visit), visit.errors
