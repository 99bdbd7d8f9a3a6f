"""A fortnight with everything on: what is watched, and the faults that are made in it."""
