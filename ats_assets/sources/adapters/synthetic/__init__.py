"""A synthetic market with an edge of known strength."""
