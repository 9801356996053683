"""The environment in which every kernel of the book runs, however it is started."""

import os
import re
import sys
from pathlib import Path

from tools.build import notebook
from tools.build.processes import PARENT
from tools.build.project import Project, UserError, run_command, run_python, write_atomically
from tools.environment import require_writable_build

IPYTHON_CONFIG = """\
c.Application.log_level = 40
c.HistoryManager.enabled = False
c.InteractiveShellApp.extensions = ["second_drawing"]
"""

# One BLAS thread a chapter: chapters run in parallel, and sums keep their order.
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

# A kernel chooses its ports before it opens them: on a busy machine another program is faster.
STARTS = 4  # the first and three more
_CANNOT_START = re.compile(
    r"Kernel died before replying to kernel_info|Kernel didn't respond in|ZMQError"
)


class KernelStartError(UserError):
    """No kernel could be started for a chapter, though it was tried again."""

    def __init__(self, cause: object):
        super().__init__(
            f"error    no kernel could be started in {STARTS} attempts\n"
            f"cause    {cause}\n"
            "remedy   end programs that take many ports or much memory, then build again; "
            "what is finished is kept"
        )


def cannot_start(message: str) -> bool:
    """Whether the message says that a kernel did not start, which another attempt may mend."""
    return bool(_CANNOT_START.search(message))


def _ipython_dir(project: Project) -> Path:
    """A private IPython directory, so that the reader's own settings change nothing."""
    directory = project.build_dir / "ipython"
    config = directory / "profile_default" / "ipython_config.py"
    if not config.exists() or config.read_text(encoding="utf-8") != IPYTHON_CONFIG:
        write_atomically(config, IPYTHON_CONFIG)
    return directory


def environment(
    project: Project, *, reads_log: Path | None = None, phone: bool = False
) -> dict[str, str]:
    """Variables for a kernel: package from ``src``, one thread, no network, no user settings.

    Parameters
    ----------
    project : Project
        The book whose chapter is to run.
    reads_log : Path, optional
        File to which the data files and modules that the chapter reads are appended.
    phone : bool
        Whether figures bring a second drawing for narrow pages.

    Raises
    ------
    SystemExit
        If the build folder cannot be written to: libraries would say so in the outputs.
    """
    require_writable_build(project.root)
    python_path = [str(project.root / "tools" / "build" / "kernel_site"), str(project.source_dir)]
    if inherited := os.environ.get("PYTHONPATH"):
        python_path.append(inherited)
    variables = {
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": "",
        "IPYTHONDIR": str(_ipython_dir(project)),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_CONFIG_DIR": str(project.build_dir / "jupyter"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(project.build_dir / "matplotlib"),
        "BOOK_OFFLINE": "1",
        "BOOK_DATA_DIR": str(project.data_dir),
        "BOOK_SOURCE_DIR": str(project.source_dir),
        "BOOK_READS_LOG": str(reads_log or ""),
        "BOOK_PHONE": notebook.PHONE if phone else "",
        PARENT: "",
    }
    variables.update(dict.fromkeys(ONE_THREAD, "1"))
    return variables


def prepare(project: Project) -> None:
    """Build Matplotlib's font list once, so that no chapter prints a remark about it."""
    status, output = run_python(
        project, "-c", "import matplotlib.font_manager", **environment(project)
    )
    if status:
        raise UserError(output)
    write_atomically(project.build_dir / "matplotlib" / "ready", "")


if __name__ == "__main__":
    sys.exit(run_command(prepare))
