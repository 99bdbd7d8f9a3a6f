"""Alpaca as a source."""

from ats_assets.sources.alpaca.source import AlpacaSource

__all__ = ["AlpacaSource"]
