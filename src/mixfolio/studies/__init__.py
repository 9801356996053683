"""The book's experiments, one module per subject."""
