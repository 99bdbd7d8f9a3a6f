"""Work done by other processes, here or on other machines, for a run that stays one run: `compute_engine` is what they have in common, `engines/` holds one a file."""
