"""Continuous learning: whether what a model has learnt still holds, and what is done where it does not."""
