"""Dates and times on the command line."""

from ats_assets.runs.writing import parse_day, required_day, required_time

__all__ = ["parse_day", "required_day", "required_time"]
