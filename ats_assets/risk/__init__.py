"""Risk rules: what may be held, whatever the strategies propose, with a reason for each change."""

from ats_assets.risk.choosing import NamedRule, risk_rules
from ats_assets.risk.rule import BOOKS, RULED_SCHEMA, Rule, past_books, ruled

__all__ = ["BOOKS", "RULED_SCHEMA", "NamedRule", "Rule", "past_books", "risk_rules", "ruled"]
