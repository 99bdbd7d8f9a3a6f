"""Models of market impact: one module each, found by its name."""
