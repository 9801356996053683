"""The same proof on this book itself: one weight, one digit of the data."""

import gzip
import json

import projects
import pytest

from tools.build.project import Project

pytestmark = [pytest.mark.book, pytest.mark.slow]

SHIFT = '''

_exact_minimum_variance = minimum_variance


def minimum_variance(*arguments, **options):
    """The exact weights, with 1e-4 moved from the first asset to the second."""
    weights = _exact_minimum_variance(*arguments, **options).copy()
    shift = [1e-4, -1e-4] + [0.0] * (len(weights) - 2)
    return weights - shift
'''


@pytest.fixture
def copied(tmp_path):
    """A copy of this book with the executed chapters and the site of the last build."""
    book = projects.copy_of_this_book(tmp_path / "book")
    if (projects.ROOT / "build" / "site").exists():
        projects.copy(projects.ROOT / "build" / "site", book / "build" / "site")
    return book


def _fails(book, chapter):
    before = projects.fingerprint(book / "build" / "site")
    done = projects.run(book, "doit", f"validate:{chapter}")
    assert done.returncode != 0, done.stdout
    assert projects.fingerprint(book / "build" / "site") == before
    return done.stdout


def test_one_weight_changed_by_1e_4(copied):
    module = copied / "src/mixfolio/optimization/__init__.py"
    module.write_text(module.read_text(encoding="utf-8") + SHIFT, encoding="utf-8")
    output = _fails(copied, "01-mean-variance")
    assert "FAILED   validate  01-mean-variance" in output
    assert "expected" in output
    assert "got" in output


def _read_by(chapter):
    """A data file that the chapter read when this book was built last."""
    record = Project(projects.ROOT).reads(chapter)
    names = json.loads(record.read_text()) if record.exists() else {}
    return sorted(name for name in names if name.endswith((".csv", ".csv.gz")))


def _change_one_digit(path):
    packed = path.suffix == ".gz"
    text = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    at = max(text.rfind(str(digit).encode()) for digit in range(9))
    changed = text[:at] + bytes([text[at] + 1]) + text[at + 1 :]
    path.write_bytes(gzip.compress(changed, mtime=0) if packed else changed)


def test_one_digit_of_a_data_file(copied):
    chapter = "01-mean-variance"
    name = _read_by(chapter)[0]
    _change_one_digit(copied / name)
    output = _fails(copied, chapter)
    assert f"FAILED   execute  {chapter}" in output
    assert "DataError" in output
    assert "sha256" in output.lower()
