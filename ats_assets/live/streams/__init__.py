"""Streams of market data: each module is one."""
