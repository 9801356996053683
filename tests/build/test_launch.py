"""Chapters offer to run elsewhere once the book has an address, and not before."""

import json
import os
import re
import subprocess
import tomllib
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from nbformat import v4
from packaging.specifiers import SpecifierSet

from tools.build.project import Project
from tools.site import downloads, launch, metadata, policy, polish_html
from tools.site.launch import Repository

ROOT = Project().root
HUB = {"url": "https://github.com/somebody/a-book.git"}
PAGE = """<html><head><meta charset="utf-8"></head><body><article><h1>The law</h1>
<p>A first sentence.</p></article></body></html>"""


def offered(repository, name="chapters/04-the-law.html"):
    soup = BeautifulSoup(PAGE, "html.parser")
    launch.offer(soup, name, Repository.of({"repository": repository}))
    return soup


def links(*given):
    return {a.string: a["href"] for a in offered(*given).select("article .launch a")}


@pytest.mark.parametrize("repository", [None, {}, {"url": ""}, {"branch": "main"}])
def test_nothing_is_offered_without_an_address(repository):
    assert offered(repository) == BeautifulSoup(PAGE, "html.parser")


@pytest.mark.parametrize("more", ["", "repository: {url: https://github.com/somebody/a-book}"])
def test_a_polished_page_follows_the_configuration(tmp_path, more):
    (tmp_path / "_config.yml").write_text(f"title: A book\nauthor: We\n{more}\n")
    page = tmp_path / "chapters" / "04-the-law.html"
    page.parent.mkdir()
    page.write_text(PAGE)
    facts = polish_html.Facts.of(tmp_path, "preface", Project(tmp_path))
    polish_html.polish_pages([page], tmp_path, facts)
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    assert len(soup.select(".launch a")) == bool(more)
    assert not list(policy.problems(soup))


@pytest.mark.parametrize("name", ["index.html", "glossary.html", "api/chapters.html"])
def test_only_chapters_are_offered(name):
    assert not links(HUB, name)


def test_binder_opens_the_source_of_the_chapter():
    found = links({**HUB, "branch": "next/one"})
    assert list(found) == ["Run on Binder"]
    address = urlsplit(found["Run on Binder"])
    assert address.path == "/v2/gh/somebody/a-book/next%2Fone"
    assert parse_qs(address.query) == {"urlpath": ["lab/tree/chapters/04-the-law.md"]}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://gitlab.com/a/b/c/", "gl/a%2Fb%2Fc"),
        ("https://git.example.org/book", "git/https%3A%2F%2Fgit.example.org%2Fbook"),
    ],
)
def test_binder_knows_other_hosts(url, place):
    found = links({"url": url, "notebooks": "pages"})
    assert list(found) == ["Run on Binder"]  # Colab opens none of them
    assert urlsplit(found["Run on Binder"]).path == f"/v2/{place}/main"


def test_colab_is_offered_where_notebooks_are_published():
    found = links({**HUB, "notebooks": "gh-pages"})
    path = "/github/somebody/a-book/blob/gh-pages/_sources/chapters/04-the-law.ipynb"
    assert unquote(urlsplit(found["Run on Colab"]).path) == path


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ("", "*from the folder of the book with* `pip install`*;"),
        (
            "repository: {url: https://github.com/somebody/a-book.git, branch: next}",
            "*with* `%pip install git+https://github.com/somebody/a-book@next`*;",
        ),
    ],
)
def test_a_notebook_says_from_where_to_install_the_package(tmp_path, more, how):
    (tmp_path / "_config.yml").write_text(f"title: A book\n{more}\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    assert f"`mixfolio` {how}" in downloads._note(Project(tmp_path), v4.new_notebook())


def test_policy_and_description_stay_as_they_were():
    plain, linked = offered(None), offered(HUB)
    assert metadata.description(plain) == metadata.description(linked) == "A first sentence."
    for soup in (plain, linked):
        policy.protect(soup)
        assert not list(policy.problems(soup))
    assert plain.head == linked.head


@pytest.mark.skipif(os.name == "nt", reason="Binder runs Linux")
def test_binder_installs_the_lock_of_the_lab_and_the_package(tmp_path):
    """What Binder runs, with its commands written down and not done."""
    listed = (ROOT / "binder/requirements.txt").read_text().split()
    assert listed[:1] == ["-r"] and (ROOT / "binder" / listed[1]).resolve() == (
        ROOT / "requirements-lab.lock"
    )
    version = re.fullmatch(r"python-(\d+\.\d+)", (ROOT / "binder/runtime.txt").read_text().strip())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert version[1] in SpecifierSet(project["requires-python"])
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    said = f'if [ "$1" = -c ]; then echo {tmp_path}; else echo "$@" >> {tmp_path}/done; fi'
    python.write_text(f"#!/bin/sh\n{said}\n")
    python.chmod(0o755)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", ROOT / "binder/postBuild"], cwd=ROOT, env={**os.environ, "PATH": path}, check=True
    )
    assert (tmp_path / "done").read_text().split()[:3] == ["-m", "pip", "install"]
    assert (tmp_path / "done").read_text().rstrip().endswith("--editable .")
    etc = tmp_path / "etc" / "jupyter"
    for name in ("labconfig/default_setting_overrides.json", "jupyter_server_config.py"):
        assert (etc / name).read_bytes() == (ROOT / "tools/lab" / name).read_bytes()
    assert json.loads((etc / "labconfig/default_setting_overrides.json").read_text())
