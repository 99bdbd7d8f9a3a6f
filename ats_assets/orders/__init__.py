"""Orders as assets: the plan for the next open, what was sent, what it cost, what is held."""
