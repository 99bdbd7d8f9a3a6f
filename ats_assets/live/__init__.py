"""Inside a session: a stream is heard, decisions are made by the graph's functions and written ahead, orders go through execution/, and the close compares (docs/live.md)."""
