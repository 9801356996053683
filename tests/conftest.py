"""Settings of every test: no surprises from chance, from a display or from the network."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("book", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("book")

MARKED = ("build", "book", "site")  # folders whose tests carry the name of the folder as a mark


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name in MARKED:
            item.add_marker(item.path.parent.name)
