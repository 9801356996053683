"""From validated chapters to pages that are rendered, cleaned and checked."""
