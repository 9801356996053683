"""Open the chapters as notebooks: ``python -m tools.build.lab [--port 8888] [--no-browser]``.

JupyterLab lives in an environment of its own, ``build/lab-venv``, made from
``requirements-lab.lock`` by the first call. Jupytext opens the text of a chapter as a notebook
and saves it as text, without outputs. Kernels run as those of the book do.
"""

import json
import subprocess
import sys
from pathlib import Path

from tools import environment
from tools.build import kernel, notebook, processes
from tools.build.project import Argument, Project, UserError, run_command, write_atomically


def make() -> Path:
    """The interpreter of JupyterLab's environment, which is made if it is not there."""
    lock = environment.ROOT / "requirements-lab.lock"
    return environment.lock_beside(environment.ROOT / "build" / "lab-venv", lock)


def variables(project: Project, python: Path) -> dict[str, str]:
    """Where JupyterLab finds its settings and its kernel; the reader's own change nothing."""
    folder = project.build_dir / "lab"
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": notebook.KERNELSPEC["display_name"],
        "language": notebook.KERNELSPEC["language"],
        "env": kernel.environment(project),
    }
    name = notebook.KERNELSPEC["name"]
    write_atomically(folder / "kernels" / name / "kernel.json", json.dumps(spec, indent=1))
    return {
        "JUPYTER_PATH": str(folder),
        "JUPYTER_CONFIG_PATH": str(project.root / "tools" / "lab"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def command(project: Project, python: Path, port: int) -> list[str]:
    """The server of JupyterLab; it takes the next free port if this one is in use."""
    options = {
        "ServerApp.root_dir": project.root,
        "ServerApp.allow_root": True,  # as in a container; the address has a token in any case
        "ServerApp.answer_yes": True,  # Ctrl-C asks nothing
        "ServerApp.port": port,
        "ServerApp.port_retries": 50,
        "LabApp.default_url": f"/lab/tree/chapters/{project.chapters()[0]}.md",
        "FileCheckpoints.checkpoint_dir": project.build_dir / "lab" / "checkpoints",
    }
    return [
        *(str(python), "-m", "jupyterlab"),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def lab(project: Project, port: int, no_browser: bool) -> int:
    """Serve until Ctrl-C."""
    options = ["--no-browser"] * no_browser
    try:
        python = make()
        kernel.prepare(project)
        status, _ = processes.run(
            [*command(project, python, port), *options], project.root, variables(project, python)
        )
    except subprocess.CalledProcessError as error:
        step = " ".join(error.cmd)
        raise UserError(
            f"this step failed: {step}\nThe environment of JupyterLab needs a package index when "
            "it is made; start make lab again where one can be reached."
        ) from None
    except KeyboardInterrupt:
        return 0
    return status


ARGUMENTS: tuple[Argument, ...] = (
    ("--port", {"type": int, "default": 8888, "help": "where to serve; else the next free port"}),
    ("--no-browser", {"action": "store_true", "help": "print the address, open nothing"}),
)

if __name__ == "__main__":
    sys.exit(run_command(lab, *ARGUMENTS))
