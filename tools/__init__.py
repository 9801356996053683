"""Build steps of the book: one module a step, run as ``python -m tools.<step>``."""
