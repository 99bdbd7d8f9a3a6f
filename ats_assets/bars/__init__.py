"""Raw bars become validated bars, the rejected ones beside them with their reasons, and the universe of each session."""

from ats_assets.bars.completeness import Completeness, Freshness, completeness, freshness
from ats_assets.bars.profile import Profile, profile
from ats_assets.bars.schema import (
    BARS_SCHEMA,
    REJECTED_BARS_SCHEMA,
    UNIVERSE_SCHEMA,
    Bars,
    RejectedBars,
    Universe,
    bars_violations,
    schema_violations,
)
from ats_assets.bars.screening import REASONS, screen
from ats_assets.bars.suspicion_rules import RULES
from ats_assets.bars.suspicions import SUSPICIONS_SCHEMA, suspicion_counts, suspicions
from ats_assets.bars.universe import universe

__all__ = [
    "BARS_SCHEMA",
    "REASONS",
    "REJECTED_BARS_SCHEMA",
    "RULES",
    "SUSPICIONS_SCHEMA",
    "UNIVERSE_SCHEMA",
    "Bars",
    "Completeness",
    "Freshness",
    "Profile",
    "RejectedBars",
    "Universe",
    "bars_violations",
    "completeness",
    "freshness",
    "profile",
    "schema_violations",
    "screen",
    "suspicion_counts",
    "suspicions",
    "universe",
]
