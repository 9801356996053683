"""An executed notebook as one HTML file that needs nothing else.

Styles and figures are inside the file. A policy in its head forbids requests, and all styles and
scripts but the page's own, which it names by their hashes. The script moves a portfolio along the
frontier; without it the page says the same in a table. The page is readable on a phone, on paper,
in light and in dark. It shows results and text; the code stays in the notebook. HTML in text is
shown as text; HTML that a cell made, a table, is trusted as the cell is.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from typing import Any

from mixfolio.errors import MixfolioError

__all__ = ["render"]

HIDDEN = {"remove-cell", "parameters", "injected-parameters"}

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #56616e; --paper: #ffffff;
  --line: #d8dee5; --shade: #f3f6f9; --link: #0b5cad; --alert: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #a4afbb; --paper: #141414;
  --line: #383838; --shade: #202020; --link: #7fb8f0; --alert: #f5a873; }
  figure img { filter: invert(0.92) hue-rotate(180deg); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.5rem 0 0.2rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 0.6rem; padding-top: 1.2rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.08rem; margin: 1.8rem 0 0.4rem; }
p, li { overflow-wrap: break-word; }
ul { padding-left: 1.2rem; }
li { margin: 0.45rem 0; }
.subtitle { color: var(--soft); margin: 0 0 1.2rem; }
.first { font-size: 1.1rem; background: var(--shade); border-left: 4px solid var(--link);
  padding: 0.8rem 1rem; border-radius: 0 6px 6px 0; }
.first p { margin: 0; }
.first ul { margin: 0.7rem 0 0; font-size: 1rem; }
strong { font-weight: 650; }
li em strong { color: var(--alert); font-style: normal; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.92rem; min-width: 60%; }
th, td { padding: 0.35rem 0.9rem 0.35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
.n { text-align: right; }
td.n { white-space: nowrap; }
.wide table { font-size: 0.78rem; }
.wide th, .wide td { padding-right: 0.5rem; }
.live { background: var(--shade); border-radius: 6px; padding: 0.8rem 1rem; margin: 1.4rem 0; }
.live[hidden] { display: none; }
.live input, .live svg { display: block; width: 100%; max-width: 30rem; }
.live svg { height: auto; stroke: var(--link); fill: none; stroke-width: 2; }
.live circle { fill: var(--ink); stroke: none; }
.live output { font-variant-numeric: tabular-nums; }
.live meter { width: 7rem; }
figure { margin: 1.4rem 0; }
figure img { width: 100%; max-width: 34rem; height: auto; display: block; }
figcaption { color: var(--soft); font-size: 0.9rem; margin-top: 0.4rem; }
pre { overflow-x: auto; background: var(--shade); color: var(--ink); padding: 0.7rem 0.9rem;
  border-radius: 6px; font-size: 0.82rem; line-height: 1.45; }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.85rem; }
@media (max-width: 34rem) { table { font-size: 0.8rem; }
  th, td { padding: 0.3rem 0.6rem 0.3rem 0; } }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; --shade: #fff;
    --link: #000; --alert: #7a2a0c; }
  @page { margin: 1.6cm; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } figure, tr, .first { break-inside: avoid; }
  thead { display: table-header-group; } .table { overflow: visible; }
  figure img { filter: none; max-width: 13cm; } .live { display: none; } }
"""

SCRIPT = """
for (const box of document.querySelectorAll(".live")) {
  const points = JSON.parse(box.dataset.points), input = box.querySelector("input");
  const rows = box.querySelectorAll("tbody tr"), dot = box.querySelector("circle");
  const share = (x, digits) => (100 * x).toFixed(digits) + "%";
  const show = () => {
    const point = points[Number(input.value)];
    box.querySelector("output").textContent = "Volatility " + share(point.volatility, 1) +
      ", expected return " + share(point.mean, 1) + ", both a year.";
    dot.setAttribute("cx", point.x);
    dot.setAttribute("cy", point.y);
    rows.forEach((row, i) => {
      row.hidden = Math.abs(point.weights[i]) < 0.0005;
      row.querySelector(".n").textContent = share(point.weights[i], 1);
      row.querySelector("meter").value = Math.abs(point.weights[i]);
    });
  };
  input.addEventListener("input", show);
  show();
  box.hidden = false;
}
"""
FRONTIER = "application/vnd.mixfolio.frontier+json"
WIDE = 10  # columns, from which a table gets smaller letters
NUMBER = re.compile(r"|–|[+-]?[\d,]+(\.\d+)?%?|[+-][\d.]+% to [+-][\d.]+%|\d{4}-\d\d-\d\d|not yet")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src '{style_hash}';
 script-src '{script_hash}'; base-uri 'none';
 form-action 'none'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
<footer>{footer}</footer>
</main>
{script}</body>
</html>
"""


def render(notebook: Any, *, subtitle: str, footer: str) -> str:
    """Turn an executed notebook into a page.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, with Markdown and code cells. The first heading becomes the title. Cells tagged
        ``remove-cell`` or ``parameters`` are left out. Caption and alt text of a figure come from
        the cell's ``mystnb`` metadata.
    subtitle, footer : str
        Plain text under the title and at the end.

    Returns
    -------
    str
        HTML.
    """
    markdown = _markdown()
    parts: list[str] = []
    title = "Report"
    for cell in notebook.cells:
        if HIDDEN & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type != "markdown":
            parts.extend(_outputs(cell, markdown))
            continue
        parts.append(markdown.render(cell.source))
        heading = re.match(r"# (.+)", cell.source)
        if heading:
            title = heading.group(1)
            parts.append(f'<p class="subtitle">{html.escape(subtitle)}</p>')
    body = "\n".join(part for part in parts if part)
    body = body.replace('<div class="text">', '<div class="text first">', 1)
    return PAGE.format(
        title=html.escape(f"{title}: {subtitle}"),
        style=STYLE,
        style_hash=_hash(STYLE),
        script_hash=_hash(SCRIPT),
        script=f"<script>{SCRIPT}</script>\n" if 'class="live"' in body else "",
        body=body,
        footer=html.escape(footer),
    )


def _hash(text: str) -> str:
    """What a policy calls a style or a script that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _markdown() -> Any:
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise MixfolioError(
            "a page needs markdown-it-py. Run: pip install 'mixfolio[report]'"
        ) from error
    return MarkdownIt("commonmark", {"html": False})


def _outputs(cell: Any, markdown: Any) -> Iterator[str]:
    for output in cell.outputs:
        if output.output_type == "stream":
            if output.name == "stdout":
                yield f"<pre>{html.escape(output.text)}</pre>"
        elif output.output_type in ("display_data", "execute_result"):
            yield _data(output.data, cell, markdown)


def _data(data: Any, cell: Any, markdown: Any) -> str:
    """The richest form of one output."""
    if FRONTIER in data:
        return _live(data[FRONTIER])
    if "image/svg+xml" in data:
        return _figure("image/svg+xml", data["image/svg+xml"].encode(), cell)
    if "image/png" in data:
        return _figure("image/png", base64.b64decode(data["image/png"]), cell)
    if "text/html" in data:
        table = _plain_table(data["text/html"])
        wide = " wide" if table.split("</tr>")[0].count("<t") > WIDE else ""
        return f'<div class="table{wide}" tabindex="0">{table}</div>'
    if "text/markdown" in data:
        text = data["text/markdown"]
        return f'<div class="text">{markdown.render(text)}</div>' if text.strip() else ""
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def _figure(kind: str, content: bytes, cell: Any) -> str:
    words = cell.metadata.get("mystnb", {})
    caption = words.get("figure", {}).get("caption", "")
    alt = words.get("image", {}).get("alt", caption)
    source = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
    return (
        f'<figure><img src="{source}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _plain_table(text: str) -> str:
    """A table of pandas without its own style."""
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<table) border="1" class="dataframe"', r"\1", text)
    text = re.sub(r' style="text-align: right;"', "", text)
    text = text.replace("<th></th>", "<td></td>")  # the corner is no heading
    return _numbers_right(re.sub(r"</?div>", "", text).strip())


def _numbers_right(table: str) -> str:
    """A table whose columns of numbers have the class "n", heading and all."""
    rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    cells = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    columns = zip(*cells[1:], strict=False)
    right = [all(map(NUMBER.fullmatch, column)) for column in columns]

    def mark(row: re.Match[str]) -> str:
        numeric = iter([False, *right[1:]])
        return re.sub(
            r"<(t[dh])>", lambda m: f'<{m[1]} class="n">' if next(numeric, False) else m[0], row[0]
        )

    return re.sub(r"<tr>.*?</tr>", mark, table, flags=re.DOTALL)


def _live(frontier: dict[str, Any]) -> str:
    """A portfolio that moves along the frontier; hidden where scripts do not run."""
    rows = "".join(
        f'<tr><th>{html.escape(name)}</th><td class="n"></td>'
        f'<td><meter min="0" max="1" value="0"></meter></td></tr>'
        for name in frontier["assets"]
    )
    line = " ".join(f"{point['x']},{point['y']}" for point in frontier["points"])
    points = html.escape(json.dumps(frontier["points"], separators=(",", ":")))
    return (
        f'<div class="live" hidden data-points="{points}">'
        '<label for="risk">Move along the frontier, from the least risk to the most.</label>'
        f'<input id="risk" type="range" min="0" max="{len(frontier["points"]) - 1}" step="1" '
        f'value="{frontier["start"]}"><output for="risk"></output>'
        f'<svg viewBox="0 0 300 110" aria-hidden="true"><polyline points="{line}"/>'
        '<circle r="5"/></svg>'
        f"<table><tbody>{rows}</tbody></table></div>"
    )
