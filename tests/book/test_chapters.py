"""Every chapter keeps the rules, every citation has an entry, every entry is whole."""

import dataclasses
import re

import chapter_rules as rules
import nbformat
import pytest
from matplotlib.figure import Figure
from pybtex.database import parse_file

from mixfolio import plotting
from tools.build import notebook
from tools.build.project import Project

PROJECT = Project()
PAGES = sorted([*PROJECT.chapters_dir.glob("*.md"), *PROJECT.book_dir.glob("*.md")])
BIBLIOGRAPHY = parse_file(str(PROJECT.book_dir / "references.bib"))
PLACE = {
    "article": "journal",
    "book": "publisher",
    "incollection": "booktitle",
    "inproceedings": "booktitle",
    "techreport": "institution",
    "phdthesis": "school",
    "mastersthesis": "school",
}


def none_of(problems):
    """Fail with every problem, one a line."""
    if found := list(problems):
        pytest.fail("\n".join(found), pytrace=False)


def chapter(name):
    executed = PROJECT.executed(name)
    return rules.Chapter(PROJECT.source(name), executed if executed.exists() else None)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", PROJECT.chapters())
def test_rule(name, rule):
    none_of(rule(chapter(name)))


def test_the_book_derives_more_than_it_counts():
    """At least three displayed formulas a thousand words, at most two numbers a hundred."""
    chapters = [rules.Chapter(PROJECT.source(name)) for name in PROJECT.chapters()]
    words = sum(len(rules.WORD.findall(rules.prose(one))) for one in chapters)
    formulas = sum(len(re.findall(r"^\$\$\n", one.text, re.MULTILINE)) for one in chapters)
    numbers = sum(len(rules.GLUED.findall(one.text)) for one in chapters)
    assert 1000 * formulas / words >= 3
    assert 100 * numbers / words <= 2


def test_every_label_stands_once_in_the_book():
    """Labels of formulas, figures and places are those of the whole book."""
    labels = [
        (next(filter(None, found)), page.name)
        for page in PAGES
        for found in rules.LABELED.findall(page.read_text(encoding="utf-8"))
    ]
    first = dict(reversed(labels))
    none_of(
        f"{page} has {key}, which {first[key]} has"
        for key, page in labels
        if page != first[key] or labels.count((key, page)) > 1
    )


def test_file_names_are_numbered_words():
    named = {f"{name}.md" for name in PROJECT.chapters()}
    none_of(
        f"chapters/{path.name} is not of the form 01-two-words.md"
        for path in sorted(PROJECT.chapters_dir.iterdir())
        if path.name not in named
    )


def test_every_reference_has_a_chapter():
    none_of(PROJECT.orphans())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_citation_has_an_entry(page):
    cited = rules.citations(page.read_text(encoding="utf-8"))
    none_of(
        f"{page.name} cites {key}, which is not in references.bib"
        for key in sorted(cited - set(BIBLIOGRAPHY.entries))
    )


@pytest.mark.parametrize("key", list(BIBLIOGRAPHY.entries))
def test_entry_is_whole(key):
    entry = BIBLIOGRAPHY.entries[key]
    assert entry.persons, "no author and no editor"
    assert entry.fields["title"]
    assert entry.fields["year"].isdigit()
    assert entry.type not in PLACE or entry.fields[PLACE[entry.type]]
    assert rules.leads_somewhere(entry.fields), "no DOI and no URL, so a reader cannot go there"


def test_every_entry_is_cited():
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    cited = set().union(*map(rules.citations, texts))
    none_of(
        f"references.bib has {key}, which no chapter and no page cites"
        for key in sorted(set(BIBLIOGRAPHY.entries) - cited)
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"doi": "https://doi.org/10.1093/rfs/hhm075"},
        {"doi": "10.1093"},
        {"url": "www.example.org"},
        {"url": "https://"},
    ],
)
def test_an_entry_that_leads_nowhere_is_seen(fields):
    assert not rules.leads_somewhere(fields)


GOOD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

After this chapter you can

- do one thing;
- do another.

```{admonition} Key result
:class: key-result
It holds.
```

```{code-cell} ipython3
:tags: [parameters]

n: int = 3  # a count
```

```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  figure:
    name: fig-one
    caption: A curve that rises and falls.
  image:
    alt: A curve that rises and falls.
---
import math
```

```{live-figure} law
:name: fig-live
:alt: A bar beside a lower bar.

Two bars. Try to make them equal.
```

```{admonition} Try it
:class: try-it
Run it.
```

EXERCISES
## Further reading

{cite:t}`markowitz1952` is short.
"""
EXERCISE = """```{admonition} Exercise
:class: exercise
How many?
```

```{code-cell} ipython3
:tags: [hide-cell]

print(3)
```

"""
GOOD = GOOD.replace("EXERCISES\n", 3 * EXERCISE)

FIGURE_TAGS = "tags: [hide-input]\n"
CELL = "```{code-cell} ipython3\nn + 1\n```\n\n"
BREAKS = {
    "front_matter": ("format_name: myst", "format_name: light"),
    "no_semicolons": ("import math", "import math;"),
    "short_cells": ("print(3)", "\n".join(["print(3)"] * 30)),
    "narrow_code": ("import math", "math = '" + "x" * 100 + "'"),
    "public_names": ("import math", "from mixfolio import plotting\nplotting.MAUVE"),
    "valid_code": ("import math", "%matplotlib inline"),
    "documented_parameters": ("  # a count", ""),
    "nothing_unchecked": ("import math", "# NBVAL_IGNORE_OUTPUT\nimport math"),
    "no_machine_paths": ("import math", "open('/home/me/x.csv')"),
    "described_figures": ("    alt: A curve that rises and falls.", "    width: 300px"),
    "described_live_figures": ("Try to make", "Nobody can make"),
    "objectives": ("- do another.\n", ""),
    "key_result": (":class: key-result", ":class: note"),
    "short_key_result": ("It holds.", "It holds. " * 30),
    "few_numbers": ("Run it.", "{glue:text}`a` " * 5),
    "one_sitting": ("It holds.", "It holds. " * 1500),
    "folded_plots": (FIGURE_TAGS, ""),
    "sentences_between_cells": ("```{admonition} Try it", 4 * CELL + "```{admonition} Try it"),
    "try_it": (":class: try-it", ":class: note"),
    "exercises": (":tags: [hide-cell]", ":tags: [hide-input]"),
    "further_reading": ("{cite:t}`markowitz1952`", "Markowitz"),
    "computed_results": ("It holds.", "It holds in 7 of 9 cases."),
}


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "01-chapter.md"
        path.write_text(text, encoding="utf-8")
        return rules.Chapter(path)

    return write


def test_a_good_chapter_keeps_every_rule(written):
    assert [line for rule in rules.RULES for line in rule(written(GOOD))] == []


def test_every_rule_is_put_to_the_test():
    assert {*BREAKS, "errors_with_digits", "one_colour"} == {rule.__name__ for rule in rules.RULES}


@pytest.mark.parametrize("name", BREAKS)
def test_a_rule_sees_a_chapter_that_breaks_it(written, name):
    old, new = BREAKS[name]
    assert old in GOOD
    broken = written(GOOD.replace(old, new))
    assert list(getattr(rules, name)(broken)), name


def test_an_undescribed_figure_is_seen_in_what_was_executed(written, tmp_path):
    good = written(GOOD)
    nb = notebook.read_chapter(good.source)
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": "<svg/>"}}
    for cell in notebook.code_cells(nb):
        cell["outputs"] = [nbformat.from_dict(image)] if "print" in cell.source else []
    executed = tmp_path / "executed.ipynb"
    executed.write_text(notebook.dumps(nb), encoding="utf-8")
    assert list(rules.described_figures(dataclasses.replace(good, executed=executed)))


def showing(chapter, folder, data):
    """The chapter as if its first cell had been run and had shown this."""
    nb = notebook.read_chapter(chapter.source)
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    notebook.code_cells(nb)[0]["outputs"] = [nbformat.from_dict(output)]
    executed = folder / "executed.ipynb"
    executed.write_text(notebook.dumps(nb), encoding="utf-8")
    return dataclasses.replace(chapter, executed=executed)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("'0.32 ± 0.00'", True),
        ("'.32 ± .00'", True),
        ("'76% ± 0%'", True),
        ("'+1.0 ± 0.0 points'", True),
        ("'0.32 ± 0.004'", False),
        ("'5 ± 0.5, 10 ± 10'", False),
    ],
)
def test_an_error_of_zero_is_seen_in_what_was_executed(written, tmp_path, text, seen):
    ran = showing(written(GOOD), tmp_path, {notebook.GLUE + "text/plain": text})
    assert bool(list(rules.errors_with_digits(ran))) == seen


@pytest.mark.parametrize(
    ("drawn", "seen"),
    [
        ({"color": "C0", "label": "sample"}, True),
        (plotting.look("sample") | {"label": "sample"}, False),
        ({"color": plotting.GREY, "label": "sample"}, False),
        ({"color": "C0", "label": "the tutorial"}, False),
    ],
)
@pytest.mark.parametrize("how", ["legend", "label"])
def test_a_method_in_the_colour_of_another_is_seen(written, tmp_path, drawn, seen, how):
    plotting.use_book_style()
    fig = Figure()
    ax = fig.subplots()
    (line,) = ax.plot([0, 1], **drawn)
    if how == "legend":
        ax.legend()
    else:
        ax.text(0, 0, drawn["label"], color=line.get_color())
    fig.savefig(tmp_path / "drawn.svg")
    drawing = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    ran = showing(written(GOOD), tmp_path, {"image/svg+xml": drawing})
    assert bool(list(rules.one_colour(ran))) == seen


CLAIM = """```{code-cell} ipython3
:tags: [remove-cell]

claims = {"lies below 1.5": n < 1.5}
assert all(claims.values()), claims
```

"""


@pytest.mark.parametrize(
    "sentence",
    [
        "The ratio is 7.25.",
        "It earns 12% a year.",
        "It spreads them over two orders of magnitude.",
        "It earns three times as much.",
        "The cost falls by more than half.",
        "Every information ratio falls.",
        "No interval lies to the right.",
        "{cite:t}`markowitz1952` finds that it falls by more than half.",
        "It lies about 3 above.",
        "It was 7. {cite:t}`markowitz1952` was short.",
        "Its volatility is twice that of the sample.",
        "It earns half as much.",
        "It loses in seven of nine worlds.",
        "All intervals cover zero.",
        "None of the differences excludes it.",
        "The smallest are hundreds of times too small.",
        "It is ten times larger.",
        "The gain is nearly a fifth.",
        "It takes thirty per cent of the money.",
        "The mixed model wins in every contest.",
        "Only one estimator survives.",
    ],
)
def test_a_typed_result_is_seen(written, sentence):
    problems = list(rules.computed_results(written(GOOD.replace("It holds.", sentence))))
    assert len(problems) == 1, problems


@pytest.mark.parametrize(
    "sentence",
    [
        "There are 3 of them, and n is 300%.",
        "In 1952 it was {glue:text}`seven` for $N = 7$ and `n=8`, see chapter 9.",
        "{cite:t}`markowitz1952` prints 7.25.",
        "Is the ratio 7.25, or three times as much?",
        "The S&P 500 is a 2 x 2 table of GARCH(1,1) with 95% intervals.",
        "It holds, all 7 of it.\n% typed: seven is the number of days in a week",
        "An estimator is a rule, and all is well.",
    ],
)
def test_what_is_no_result_is_left_alone(written, sentence):
    assert not list(rules.computed_results(written(GOOD.replace("It holds.", sentence))))


@pytest.mark.parametrize("part", ["    caption: ", "    alt: "])
@pytest.mark.parametrize(
    "sentence",
    [
        "It falls to a third.",
        "The median falls to 7.6.",
        "The blue line is always above.",
        "Nine of ten points lie left of zero.",
        "All bars touch zero.",
        "It doubles between the ends.",
        "It is lowest everywhere.",
        "It peaks at the end.",
        "Only the last is clear.",
        "It goes up to twenty-two per cent.",
    ],
)
def test_a_picture_is_described_without_typed_results(written, part, sentence):
    text = GOOD.replace(part, part + sentence + " ")
    assert len(list(rules.computed_results(written(text)))) == 1


def test_a_claim_stands_word_for_word_beside_what_tests_it(written):
    text = GOOD.replace("It holds.", "The ratio lies\nbelow 1.5 here.")
    claimed = text.replace("```{admonition} Try it", CLAIM + "```{admonition} Try it")
    assert list(rules.computed_results(written(text)))
    assert not list(rules.computed_results(written(claimed)))
    for changed in (
        claimed.replace("below 1.5 here", "below 1.7 here"),
        claimed.replace("assert all(claims.values()), claims\n", ""),
        claimed.replace("below 1.5 here", "below 1.5 here, and 1.6 there"),
        claimed.replace("claims = {", 'glue("ratio", "1.5")\nclaims = {'),
    ):
        assert list(rules.computed_results(written(changed)))
