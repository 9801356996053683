"""The book's experiments, one module a subject."""
