"""Clients of vendors, which sources and brokers share."""
