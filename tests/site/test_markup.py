"""The pages are valid HTML, their links lead somewhere, and they show what was validated."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import need, pages

from tools.build import notebook
from tools.build.project import Project, sha256
from tools.site import check_site, downloads, stage

PROJECT = Project()
CHECKER = Path("build/tools/node_modules/vnu-jar/build/dist/vnu.jar")
# Of the version that .ci/run installs; a new version needs a new hash.
CHECKER_SHA256 = "22f15dd39a33bed929d2a5c0cddf5946849a647eca9272bf4d5d00bc7e7a4d47"


def trusted(jar):
    """The file, if it is the one that is known: it is a program, and will be run."""
    found = sha256(jar)
    if found != CHECKER_SHA256:
        pytest.fail(f"{jar} is not the known HTML checker, and was not run: its SHA-256 is {found}")
    return jar


@pytest.fixture(scope="module")
def validator():
    jar = Path(os.environ.get("VNU_JAR", PROJECT.root / CHECKER))
    java = need(shutil.which("java"), "java")
    jar = need(jar.is_file() and jar, "the HTML checker (vnu.jar)")
    return [java, "-jar", str(trusted(jar)), "--errors-only"]


def test_another_checker_is_not_run(tmp_path):
    (tmp_path / "vnu.jar").write_bytes(b"something else")
    with pytest.raises(pytest.fail.Exception, match="not the known HTML checker"):
        trusted(tmp_path / "vnu.jar")


def test_html_is_valid(validator, site):
    files = [str(site / page) for page in pages()]
    done = subprocess.run([*validator, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]


def test_the_validator_can_find_something(validator, tmp_path):
    (tmp_path / "bad.html").write_text("<!doctype html><title>x</title><p><div></p>")
    done = subprocess.run([*validator, str(tmp_path / "bad.html")], capture_output=True, text=True)
    assert done.returncode != 0


def test_links_pictures_and_outputs(site):
    entries = stage.pages(PROJECT)
    assert check_site.check(site, entries, PROJECT) == []


def test_every_chapter_offers_its_notebook_and_its_source(site):
    for chapter in PROJECT.chapters():
        page = check_site.parse((site / f"chapters/{chapter}.html").resolve())
        offered = {link["href"] for link in page.select("a[download]")}
        base = f"../_sources/chapters/{chapter}"
        assert offered == {f"{base}.ipynb", f"{base}.md"}
        taken = notebook.read_notebook(site / f"_sources/chapters/{chapter}.ipynb")
        executed = notebook.read_notebook(PROJECT.executed(chapter))
        assert taken == downloads.readable(PROJECT, chapter, executed)
        assert "{glue:" not in str(taken)


def test_chapters_carry_the_number_of_their_file(site):
    for chapter in PROJECT.chapters():
        page = check_site.parse((site / f"chapters/{chapter}.html").resolve())
        number = int(chapter.split("-", 1)[0])
        assert page.select_one("h1 .section-number").get_text().strip() == f"{number}."
        figures = [tag.get_text().strip() for tag in page.select(".caption-number")]
        assert figures == [f"Fig. {number}.{index}" for index in range(1, len(figures) + 1)]


def test_every_entry_of_the_bibliography_is_a_link(site):
    entries = check_site.parse((site / "bibliography.html").resolve()).select("div.citation")
    assert len(entries) > 50
    unlinked = [entry for entry in entries if not entry.select_one('a[href^="https://"]')]
    assert [entry["id"] for entry in unlinked] == []


def test_no_assets_that_no_page_needs(site):
    names = {path.name for path in site.rglob("*") if path.is_file()}
    assert not [name for name in names if name.endswith(".map") or "fontawesome" in name]
