"""Alpaca as a source."""

from ats_assets.sources.adapters.alpaca.source import AlpacaSource

__all__ = ["AlpacaSource"]
