"""Autonomous trading system as a Dagster asset graph."""
