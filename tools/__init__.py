"""The steps of the build: ``build`` runs chapters, ``site`` makes pages, ``data`` makes ``data/``.

A step is a module that is run with ``python -m tools.<room>.<name>``. Two are scripts:
``environment.py``, which runs before there is an environment, and ``rebuild_data.py``.
"""

import sys

# A console that cannot show a letter of a path or a message shows its number instead.
for stream in (sys.stdout, sys.stderr):
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
