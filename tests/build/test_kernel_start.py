"""A kernel that does not start is tried again; a cell that fails is not."""

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from zmq import ZMQError

from tools.build import execute, kernel, validate
from tools.build.project import Project, UserError

TAKEN = ZMQError(98, "Address already in use")
DIED = RuntimeError("Kernel died before replying to kernel_info")
NBVAL = "RuntimeError: Kernel died before replying to kernel_info"


@pytest.fixture
def chapter(tmp_path):
    source = tmp_path / "01-coin.md"
    source.write_text("# A coin\n")
    cell = nbformat.v4.new_code_cell("1 + 1", id="a")
    return nbformat.v4.new_notebook(cells=[cell]), source, tmp_path / "out" / "01-coin.ipynb"


@pytest.fixture
def failing(monkeypatch):
    """Papermill that raises the errors, one a call, then succeeds."""

    def install(*errors):
        left, calls = list(errors), []

        def execute_notebook(nb, target, **options):
            calls.append([cell.source for cell in nb.cells])
            nb.cells.append(nbformat.v4.new_markdown_cell("left by this attempt"))
            if left:
                raise left.pop(0)
            return nb

        monkeypatch.setattr(execute, "execute_notebook", execute_notebook)
        return calls

    return install


@pytest.mark.parametrize("error", [TAKEN, DIED])
def test_three_more_attempts_from_the_start(chapter, failing, error):
    calls = failing(error, error, error)
    execute.run(*chapter)
    assert calls == [["1 + 1"]] * 4
    assert chapter[2].exists()


@pytest.mark.parametrize("error", [TAKEN, DIED])
def test_the_fourth_failure_has_a_name(chapter, failing, error):
    calls = failing(*[error] * 9)
    with pytest.raises(kernel.KernelStartError, match="in 4 attempts") as raised:
        execute.run(*chapter)
    assert isinstance(raised.value, UserError)
    assert f"cause    {type(error).__name__}: {error}" in str(raised.value)
    assert "remedy" in str(raised.value)
    assert len(calls) == 4
    assert not chapter[2].exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [(DeadKernelError("Kernel died"), execute.ChapterError), (RuntimeError("odd"), RuntimeError)],
)
def test_other_errors_are_not_tried_again(chapter, failing, error, expected):
    calls = failing(error)
    with pytest.raises(expected):
        execute.run(*chapter)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("failures", "output", "runs", "expected"),
    [
        (3, NBVAL, 4, None),
        (9, NBVAL, 4, kernel.KernelStartError),
        (9, "1 failed", 1, validate.ValidationError),
    ],
)
def test_the_kernel_of_a_validation(tmp_path, monkeypatch, failures, output, runs, expected):
    calls = []

    def run_python(project, *arguments):
        calls.append(arguments)
        return (1, output) if len(calls) <= failures else (0, "")

    monkeypatch.setattr(validate, "run_python", run_python)
    if expected:
        with pytest.raises(expected):
            validate.run_nbval(Project(tmp_path), "01-coin")
    else:
        validate.run_nbval(Project(tmp_path), "01-coin")
    assert len(calls) == runs
