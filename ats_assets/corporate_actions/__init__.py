"""Delivered corporate actions become validated ones; what they do to prices, volumes and names."""

from ats_assets.corporate_actions.adjustment import ADJUSTMENTS_SCHEMA, adjustments
from ats_assets.corporate_actions.identity import (
    INSTRUMENT,
    NAME_CHANGE_REASONS,
    NAME_CHANGES_SCHEMA,
    REPEAT_DAYS,
    Identities,
    identities_of,
    judged_name_changes,
    name_changes,
)
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA, KNOWN_SCHEMAS, REJECTED_ACTIONS_SCHEMA
from ats_assets.corporate_actions.screening import ACTION_REASONS, CLOSE_SESSIONS, screen_actions

__all__ = [
    "ACTION_REASONS",
    "ADJUSTMENTS_SCHEMA",
    "CLOSE_SESSIONS",
    "CORPORATE_ACTIONS_SCHEMA",
    "INSTRUMENT",
    "KNOWN_SCHEMAS",
    "NAME_CHANGES_SCHEMA",
    "NAME_CHANGE_REASONS",
    "REJECTED_ACTIONS_SCHEMA",
    "REPEAT_DAYS",
    "Identities",
    "adjustments",
    "identities_of",
    "judged_name_changes",
    "name_changes",
    "screen_actions",
]
