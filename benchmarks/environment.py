"""Make the environments of the benchmarks, from the groups `bench...` of pyproject.toml.

build/bench-venv has the package and, where requirements.lock has a package, its version. A peer
that cannot live beside those has an environment of its own, build/bench-venv-<peer>. Run by the
book's own environment, which brings the installer.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("scipy-1-15",)


def python_of(peer: str = "") -> Path:
    """The interpreter of the environment of a peer, or of the benchmarks themselves."""
    place = ROOT / "build" / "-".join(["bench-venv", *filter(None, [peer])])
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(peer: str = "") -> None:
    from tools import environment  # of the book; only it makes environments

    python = environment.create_beside(python_of(peer).parent.parent)
    uv = (sys.executable, "-m", "uv", "--quiet", "pip")
    group = "-".join(["bench", *filter(None, [peer])])
    locked = [] if peer else ["--constraint", "requirements.lock"]
    environment.run(
        *(*uv, "install", "--python", python, "--group", group, *locked, "--editable", ".")
    )


if __name__ == "__main__":
    for name in ("", *PEERS):
        make(name)
