"""Decisions by events inside a session: ticks that were heard, the graph's rows of them, and the positions that are wanted."""
