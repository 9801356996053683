"""Resolve both locks again: ``python -m tools.build.lock [--upgrade]``.

They follow from ``pyproject.toml``. Each is one file for every platform and every supported
Python, with a hash for each package and without the address of any package index. The lock of
``make lab`` has the versions of ``requirements.lock`` where both have a package.
"""

import subprocess
import sys

from tools.build.project import HERE

UV = ("-m", "uv", "pip", "compile", "pyproject.toml", "--quiet")
PLATFORMS = ("--universal", "--python-version", "3.11", "--generate-hashes")
HEADER = ("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock")
BOOK = ("--group", "book", "--group", "test", "--group", "data")
LAB = ("--group", "lab", "--constraint", "requirements.lock")
LOCKS = {"requirements.lock": BOOK, "requirements-lab.lock": LAB}

if __name__ == "__main__":
    for name, groups in LOCKS.items():
        options = (*groups, *PLATFORMS, *HEADER, "--output-file", name, *sys.argv[1:])
        if status := subprocess.run([sys.executable, *UV, *options], cwd=HERE).returncode:
            sys.exit(status)
