"""Resolve ``requirements.lock`` from ``pyproject.toml``: ``python -m tools.lock [--upgrade]``.

One file for every platform and every supported Python, with a hash for each
package and without the address of any package index.
"""

import subprocess
import sys

from tools.project import HERE

GROUPS = ("book", "test", "data")


def main(arguments: list[str]) -> int:
    groups = [option for group in GROUPS for option in ("--group", group)]
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "pyproject.toml",
        *groups,
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--custom-compile-command",
        "make lock",
        "--output-file",
        "requirements.lock",
        "--quiet",
        *arguments,
    ]
    return subprocess.run(command, cwd=HERE).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
