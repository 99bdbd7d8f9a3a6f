"""Delivered bars become validated ones, the rejected ones beside them with their reasons; and the universe of each session."""

from ats_assets.bars.completeness import Completeness, Freshness, completeness, freshness
from ats_assets.bars.schema import REJECTED_BARS_SCHEMA, UNIVERSE_SCHEMA
from ats_assets.bars.screening import REASONS, screen
from ats_assets.bars.suspicion_rules import RULES
from ats_assets.bars.suspicions import SUSPICIONS_SCHEMA, suspicion_counts, suspicions
from ats_assets.bars.universe import universe
from ats_assets.sources.schema import BARS_SCHEMA

__all__ = [
    "BARS_SCHEMA",
    "REASONS",
    "REJECTED_BARS_SCHEMA",
    "RULES",
    "SUSPICIONS_SCHEMA",
    "UNIVERSE_SCHEMA",
    "Completeness",
    "Freshness",
    "completeness",
    "freshness",
    "screen",
    "suspicion_counts",
    "suspicions",
    "universe",
]
