"""Sources of scheduled events, a module or folder each, found by name."""
