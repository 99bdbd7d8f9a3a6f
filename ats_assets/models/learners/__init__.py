"""The models that can be fitted, one module each."""
