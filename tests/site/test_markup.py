"""The pages are valid HTML, their links lead somewhere, and they show what was validated."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import need, pages

from tools.build.project import Project
from tools.site import check_site, stage

PROJECT = Project()
CHECKER = Path("build/tools/node_modules/vnu-jar/build/dist/vnu.jar")


@pytest.fixture(scope="module")
def validator():
    jar = Path(os.environ.get("VNU_JAR", PROJECT.root / CHECKER))
    java = need(shutil.which("java"), "java")
    return [
        java,
        "-jar",
        str(need(jar.is_file() and jar, "the HTML checker (vnu.jar)")),
        "--errors-only",
    ]


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
        executed = (site / f"_sources/chapters/{chapter}.ipynb").read_bytes()
        assert executed == PROJECT.executed(chapter).read_bytes()


def test_chapters_carry_the_number_of_their_file(site):
    for chapter in PROJECT.chapters():
        page = check_site.parse((site / f"chapters/{chapter}.html").resolve())
        number = int(chapter.split("-", 1)[0])
        assert page.select_one("h1 .section-number").get_text().strip() == f"{number}."
        figures = [tag.get_text().strip() for tag in page.select(".caption-number")]
        assert figures == [f"Fig. {number}.{index}" for index in range(1, len(figures) + 1)]


def test_no_assets_that_no_page_needs(site):
    names = {path.name for path in site.rglob("*") if path.is_file()}
    assert not [name for name in names if name.endswith(".map") or "fontawesome" in name]
