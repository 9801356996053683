"""Resolve ``requirements.lock`` again: ``python -m tools.build.lock [--upgrade]``.

It follows from ``pyproject.toml``. One file for every platform and every supported
Python, with a hash for each package and without the address of any package index.
"""

import subprocess
import sys

from tools.build.project import HERE

UV = ("-m", "uv", "pip", "compile", "pyproject.toml", "--output-file", "requirements.lock")
GROUPS = ("--group", "book", "--group", "test", "--group", "data")
PLATFORMS = ("--universal", "--python-version", "3.11", "--generate-hashes")
HEADER = ("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock")

if __name__ == "__main__":
    command = [sys.executable, *UV, *GROUPS, *PLATFORMS, *HEADER, "--quiet", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=HERE).returncode)
