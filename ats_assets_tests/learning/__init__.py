"""Tests of continuous learning."""
