"""An extension of IPython: figures of a chapter bring a second drawing, for phones.

The kernel of every chapter loads it (see ``tools/build/kernel.py``). It does nothing unless
``BOOK_PHONE`` names the type under which the drawing is to travel in the executed notebook.
"""

import os


def load_ipython_extension(ipython):
    if kind := os.environ.get("BOOK_PHONE"):
        bundles = ipython.display_formatter.mimebundle_formatter
        bundles.for_type_by_name("matplotlib.figure", "Figure", lambda fig: {kind: _drawing(fig)})


def _drawing(fig):
    import phone_figures  # only here: it loads Matplotlib, which a chapter may not need

    return phone_figures.drawing(fig)
