"""Sources of flow, a module each, found by name."""
