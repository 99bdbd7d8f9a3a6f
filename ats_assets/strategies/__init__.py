"""Strategies: many opinions in one contract, the signals."""
