"""nbval on the reference notebooks: same kernels as the build, text outputs only."""

import os

from tools.build import kernel, notebook
from tools.build.project import Project


def pytest_configure(config):
    if config.option.nbval:
        os.environ.update(kernel.environment(Project(config.rootpath)))


def pytest_itemcollected(item):
    """Pictures and HTML are not in the references, so nbval must not miss them."""
    skipped = getattr(item.parent, "skip_compare", None)
    if skipped is not None and "image/svg+xml" not in skipped:
        item.parent.skip_compare = (*skipped, *notebook.SKIPPED)
