"""Who has paid for what: plans, what was paid as facts that nothing changes, and what follows from them."""
