"""Labels: what became of decisions, stored under the session at whose close it was known."""

from ats_assets.labels.methods.forward_returns import forward_returns, lookback_sessions
from ats_assets.labels.schema import FORWARD_RETURNS_SCHEMA, ForwardReturns

__all__ = [
    "FORWARD_RETURNS_SCHEMA",
    "ForwardReturns",
    "forward_returns",
    "lookback_sessions",
]
