"""Decisions inside a session: when they are made, what became of them, models that learn it, and the trades that their predictions make."""
