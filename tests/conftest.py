"""Settings of every test: no surprises from chance, from a display or from the network."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("book", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("book")
