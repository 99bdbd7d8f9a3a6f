"""Options at the broker: what strategies of options decide of what is really held, the orders that follow, and what became of them."""
