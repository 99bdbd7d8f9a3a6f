"""Risk rules: what may be held, whatever the strategies propose, with a reason for each change."""

from ats_assets.risk.choosing import NamedRule, risk_rules
from ats_assets.risk.rule import RULED_SCHEMA, Rule, ruled

__all__ = ["RULED_SCHEMA", "NamedRule", "Rule", "risk_rules", "ruled"]
