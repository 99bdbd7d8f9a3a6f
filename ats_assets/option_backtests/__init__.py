"""Strategies of options over history: their books, session after session, and what came of them."""
