"""The reference of the package follows its folders: every public module has a page."""

import mixfolio
from tools.build.project import HERE, Project
from tools.site import api_pages, stage

THIS = Project(HERE)


def test_every_public_module_has_a_page_and_a_line_in_the_index():
    pages = api_pages.pages(THIS)
    assert list(pages) == ["api", *(f"api-{name}" for name in mixfolio.__all__)]
    for name in mixfolio.__all__:
        assert f"| [`{name}`](api-{name}.md) | " in pages["api"]
        assert f".. automodule:: mixfolio.{name}\n" in pages[f"api-{name}"]


def test_a_room_without_a_face_shows_every_subject():
    text = api_pages.pages(THIS)["api-studies"]
    subjects = (THIS.source_dir / "mixfolio" / "studies").glob("[a-z]*.py")
    assert all(f".. automodule:: mixfolio.studies.{path.stem}\n" in text for path in subjects)


def test_the_contents_name_every_page_of_the_reference_in_order():
    entries = stage.pages(THIS)
    start = entries.index("api")
    assert entries[start : start + len(mixfolio.__all__) + 1] == list(api_pages.pages(THIS))


def test_a_book_without_the_package_has_no_reference(tmp_path):
    assert list(api_pages.pages(Project(tmp_path))) == ["api"]
