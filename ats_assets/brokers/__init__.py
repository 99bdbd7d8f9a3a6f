"""Brokers: a paper account of our own, Alpaca."""
