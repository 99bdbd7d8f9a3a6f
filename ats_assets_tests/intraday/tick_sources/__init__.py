"""Tests of the sources of ticks."""
