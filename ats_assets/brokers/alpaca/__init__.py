"""Alpaca as a broker."""
