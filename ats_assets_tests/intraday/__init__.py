"""Tests of the stage intraday."""
