"""The labels that can be computed, one module each."""
