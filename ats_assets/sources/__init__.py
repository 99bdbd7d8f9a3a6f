"""Sources of daily bars and corporate actions: the `BarSource` protocol, and what all of them deliver. Each source is a module of `adapters`."""

from ats_assets.sources.schema import ACTION_KINDS, MEASURES, PRICES, RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.source import BarSource, Capabilities, SourcePlugin, clock_remark, recognised_by, state_of, upcoming_actions

__all__ = [
    "ACTION_KINDS",
    "MEASURES",
    "PRICES",
    "RAW_ACTIONS_SCHEMA",
    "RAW_BARS_SCHEMA",
    "BarSource",
    "Capabilities",
    "SourcePlugin",
    "clock_remark",
    "recognised_by",
    "state_of",
    "upcoming_actions",
]
