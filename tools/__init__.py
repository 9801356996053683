"""The steps of the build, each a module that is run with ``python -m tools.<name>``."""

import sys

# A console that cannot show a letter of a path or a message shows its number instead.
for stream in (sys.stdout, sys.stderr):
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
