"""Tests of the sources of options."""
