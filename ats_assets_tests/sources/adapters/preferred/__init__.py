"""Tests of the source that prefers one vendor over another."""
