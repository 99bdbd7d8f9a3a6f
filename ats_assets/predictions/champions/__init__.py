"""The champion by challenges: the skill of candidates on the same symbols, and who holds the title."""
