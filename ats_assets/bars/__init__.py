"""Raw bars and corporate actions become validated ones, the rejected ones beside them with their reasons; and the universe of each session."""

from ats_assets.bars.action_schema import CORPORATE_ACTIONS_SCHEMA, REJECTED_ACTIONS_SCHEMA, CorporateActions, RejectedActions
from ats_assets.bars.action_screening import ACTION_REASONS, CLOSE_SESSIONS, screen_actions
from ats_assets.bars.adjustment import ADJUSTMENTS_SCHEMA, adjustments
from ats_assets.bars.completeness import Completeness, Freshness, completeness, freshness
from ats_assets.bars.identity import (
    INSTRUMENT,
    NAME_CHANGE_REASONS,
    NAME_CHANGES_SCHEMA,
    REPEAT_DAYS,
    Identities,
    identities_of,
    judged_name_changes,
    name_changes,
)
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

KNOWN_SCHEMAS = {"bars": BARS_SCHEMA, "corporate_actions": CORPORATE_ACTIONS_SCHEMA}
"""Of what is read as it was known at a session's close (`reading`)."""

__all__ = [
    "ACTION_REASONS",
    "ADJUSTMENTS_SCHEMA",
    "BARS_SCHEMA",
    "CLOSE_SESSIONS",
    "CORPORATE_ACTIONS_SCHEMA",
    "INSTRUMENT",
    "KNOWN_SCHEMAS",
    "NAME_CHANGES_SCHEMA",
    "NAME_CHANGE_REASONS",
    "REASONS",
    "REJECTED_ACTIONS_SCHEMA",
    "REJECTED_BARS_SCHEMA",
    "REPEAT_DAYS",
    "RULES",
    "SUSPICIONS_SCHEMA",
    "UNIVERSE_SCHEMA",
    "Bars",
    "Completeness",
    "CorporateActions",
    "Freshness",
    "Identities",
    "Profile",
    "RejectedActions",
    "RejectedBars",
    "Universe",
    "adjustments",
    "bars_violations",
    "completeness",
    "freshness",
    "identities_of",
    "judged_name_changes",
    "name_changes",
    "profile",
    "schema_violations",
    "screen",
    "screen_actions",
    "suspicion_counts",
    "suspicions",
    "universe",
]
