"""The reference of the package covers every module, once."""

import pytest

from tools import api_pages
from tools.project import HERE, Project, UserError


def test_every_module_is_on_one_page():
    placed = [name for _, names in api_pages.TOPICS.values() for name in names]
    assert sorted(placed) == sorted(set(placed))
    assert set(api_pages.modules(Project(HERE))) <= set(placed)
    api_pages.require_a_topic_for_each(Project(HERE))


def test_the_index_has_every_module_and_every_page_its_own():
    project = Project(HERE)
    index = api_pages.index(project)
    for name in api_pages.modules(project):
        assert f"| `{name}` | " in index
    for page, (title, names) in api_pages.TOPICS.items():
        assert f"[{title}]({page}.md)" in index
        text = api_pages.topic(project, page)
        assert text.count("automodule") == len(set(names) & set(api_pages.modules(project)))


def test_a_module_without_a_place_is_an_error(monkeypatch):
    left = {page: (title, [n for n in names if n != "covariance"])
            for page, (title, names) in api_pages.TOPICS.items()}
    monkeypatch.setattr(api_pages, "TOPICS", left)
    with pytest.raises(UserError, match="give covariance a place"):
        api_pages.index(Project(HERE))
