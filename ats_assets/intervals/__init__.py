"""Intervals that hold the return after a prediction with a set probability, whatever its distribution."""

from ats_assets.intervals.schema import INTERVALS_SCHEMA

__all__ = ["INTERVALS_SCHEMA"]
