"""Tests of decisions inside a session."""
