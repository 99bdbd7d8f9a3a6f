"""The sources of ticks, one module each."""
