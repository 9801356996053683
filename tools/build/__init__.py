"""From the source of a chapter to outputs that are executed, recorded and validated."""
