"""The samplers, one module each."""
