"""A new chapter keeps the rules from its first minute, and runs."""

import sys
from pathlib import Path

import projects
import pytest
import yaml
from bs4 import BeautifulSoup

from tools.build.new_chapter import listed, new_chapter
from tools.build.project import Project, UserError
from tools.site.stage import toc_entries

sys.path.insert(0, str(Path(__file__).parents[1] / "book"))

import chapter_rules as rules


@pytest.fixture
def bare(tmp_path):
    """A book of one chapter."""
    projects.copy(projects.FIXTURE / "book", tmp_path / "book")
    projects.copy(projects.FIXTURE / "chapters", tmp_path / "chapters")
    return Project(tmp_path)


def test_it_is_written_listed_and_keeps_the_rules(bare):
    new_chapter(bare, "fat-tails")
    assert bare.chapters()[-1] == "03-fat-tails"
    toc = yaml.safe_load((bare.book_dir / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [entry for entry in toc_entries(toc) if entry.startswith("chapters/")]
    assert chapters == [f"chapters/{name}" for name in bare.chapters()]
    chapter = rules.Chapter(bare.source("03-fat-tails"))
    assert not [problem for rule in rules.RULES for problem in rule(chapter)]
    assert "# Fat tails\n" in chapter.text and "CHAPTER=03" in chapter.text
    assert not {"TITLE", "NAME", "NUMBER", "SEED"} & set(chapter.text.split())


@pytest.mark.parametrize("name", ["", "Two-Words", "two words", "../x", "-x", "x-", "18-x"])
def test_names_that_are_none(bare, name):
    with pytest.raises(UserError, match="the name of a chapter is"):
        new_chapter(bare, name)
    assert len(bare.chapters()) == 2


def test_a_name_that_is_taken(bare):
    with pytest.raises(UserError, match="there is a chapter 01-coin already"):
        new_chapter(bare, "coin")


def test_contents_without_a_chapter():
    with pytest.raises(UserError, match="lists no chapter"):
        listed("root: preface\n", "01-x")


@pytest.mark.book
@pytest.mark.slow
def test_it_runs_in_a_copy_of_this_book(tmp_path):
    root = projects.copy_of_this_book(tmp_path / "book")
    done = projects.run(root, "tools.build.new_chapter", "fat-tails")
    assert done.returncode == 0, done.stdout
    number = Project(root).chapters()[-1][:2]
    done = projects.run(root, "tools.build.run_chapter", number, "n_periods=60")
    assert done.returncode == 0, done.stdout
    page = next((root / "build" / "run").glob("*/chapters/*-fat-tails.html"))
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").get_text()
    assert "The mean of these returns is" in text
