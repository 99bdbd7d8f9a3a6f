"""Data inside a session: ticks, and bars that are sampled of them. There are such assets only where the settings name them."""

from ats_assets.intraday.choosing import tick_assets
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA, QUOTES_SCHEMA, TRADES_SCHEMA

__all__ = ["INFORMATION_BARS_SCHEMA", "QUOTES_SCHEMA", "TRADES_SCHEMA", "tick_assets"]
