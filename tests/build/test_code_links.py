"""Names of the package become links where they mean it, and only there."""

import html

import pytest
from bs4 import BeautifulSoup

from tools.site import code_links

NAMES = {
    "mixfolio.covariance.oas": "api-covariance.html",
    "mixfolio.covariance.sample": "api-covariance.html",
    "mixfolio.optimization.minimum_variance": "api-optimization.html",
    "mixfolio.metrics.volatility": "api-metrics.html",
    "mixfolio.one.same_name": "api-one.html",
    "mixfolio.other.same_name": "api-other.html",
}


def page(*cells, text=""):
    code = "".join(
        f'<div class="cell_input"><div class="highlight-ipython3"><div class="highlight"><pre>'
        f"{cell}</pre></div></div></div>"
        for cell in cells
    )
    return BeautifulSoup(f"<article>{code}<p>{text}</p></article>", "html.parser")


def tokens(source):
    """A cell in tokens, roughly as the highlighter writes them."""
    parts = source.replace(".", " . ").replace("(", " ( ").replace("\n", " \n ").split(" ")
    return "".join(f"<span>{html.escape(part)}</span>" for part in parts if part)


def links(soup):
    return [(link.get_text(), link["href"].partition("#")[2]) for link in soup.select("a.api")]


def test_calls_are_links_by_what_is_imported():
    soup = page(
        tokens("from~mixfolio~import~covariance").replace("~", " "),
        "<span>covariance</span><span>.</span><span>oas</span><span>(</span>ß<span>)</span>\n"
        "<span>covariance</span><span>.</span><span>nothing</span>",
    )
    before = [pre.get_text() for pre in soup.select("pre")]
    code_links.link_code(soup, "chapters/01-x.html", NAMES)
    assert links(soup) == [("covariance.oas", "mixfolio.covariance.oas")]
    assert soup.select_one("a.api")["href"].startswith("../api-covariance.html#")
    assert [pre.get_text() for pre in soup.select("pre")] == before


def test_what_is_not_imported_or_was_assigned_is_no_link():
    soup = page(
        "<span>covariance</span>.<span>oas</span>(x)",
        "from mixfolio.metrics import volatility\n<span>volatility</span> = 1\n"
        "<span>volatility</span>",
        "this is no code: mixfolio.covariance.oas(",
    )
    code_links.link_code(soup, "chapters/01-x.html", NAMES)
    assert links(soup) == []


def test_the_keyboard_stops_once_at_a_name():
    call = "<span>mixfolio</span>.<span>covariance</span>.<span>oas</span>(x)\n"
    soup = page("import mixfolio\n" + call + call)
    code_links.link_code(soup, "chapters/01-x.html", NAMES)
    assert [link.get("tabindex") for link in soup.select("a.api")] == [None, "-1"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("covariance.oas", "mixfolio.covariance.oas"),
        ("mixfolio.covariance.oas()", "mixfolio.covariance.oas"),
        ("covariance.oas(returns, x=1)", "mixfolio.covariance.oas"),
        ("minimum_variance", "mixfolio.optimization.minimum_variance"),
        ("volatility", ""),  # a word as well
        ("same_name", ""),  # of two
        ("covariance.other", ""),
        ("1 + covariance.oas", ""),
    ],
)
def test_names_in_sentences(written, meant):
    soup = page(text=f"See <code>{written}</code> and <a href='x'><code>{written}</code></a>.")
    code_links.link_code(soup, "quickstart.html", NAMES)
    assert [target for _, target in links(soup)] == [meant] * bool(meant)


def test_in_the_reference_a_bare_name_may_be_a_parameter():
    soup = page(text="<code>minimum_variance</code> <code>covariance.oas</code>")
    code_links.link_code(soup, "api-metrics.html", NAMES)
    assert [target for _, target in links(soup)] == ["mixfolio.covariance.oas"]
