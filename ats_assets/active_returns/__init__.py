"""Why the account's return is not its benchmark's: allocation to groups, selection within them, trading, costs."""

from ats_assets.active_returns.brinson import GroupEffects, session_effects
from ats_assets.active_returns.linking import linked

__all__ = ["GroupEffects", "linked", "session_effects"]
