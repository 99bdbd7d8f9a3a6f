"""Sources of scheduled events, a folder each, found by name."""
