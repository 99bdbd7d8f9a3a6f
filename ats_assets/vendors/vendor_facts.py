"""What is known of each vendor that was asked, in one row: for the command line, the doctor and metrics."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ats_assets.vendors.budgets import BudgetUse
from ats_assets.vendors.circuit import VendorHealth
from ats_assets.vendors.vendor_state import VendorState

RECENT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class VendorFacts:
    """One vendor, at one of its servers.

    Attributes
    ----------
    recent_requests
        Sent in the last day, attempts counted one by one; those from the cache are none.
    recent_seconds
        Their mean until an answer; None: none had one.
    budgets
        What of each limit of each key is used now.
    cache_hit_rate
        Of the questions to this vendor that the cache might have answered; None: there was none.
    """

    health: VendorHealth
    recent_requests: int
    recent_seconds: float | None
    budgets: tuple[BudgetUse, ...]
    cache_hit_rate: float | None


def vendor_facts(state: VendorState, now: datetime) -> list[VendorFacts]:
    """Of every vendor and server that was asked, by name."""
    recent, rates, uses = state.call_counts(now - RECENT), state.cache_hit_rates(), state.budget_use()
    return [
        VendorFacts(
            health=health,
            recent_requests=recent.get((health.vendor, health.host), (0, None))[0],
            recent_seconds=recent.get((health.vendor, health.host), (0, None))[1],
            budgets=tuple(use for use in uses if (use.vendor, use.host) == (health.vendor, health.host)),
            cache_hit_rate=rates.get(health.vendor),
        )
        for health in state.health()
    ]
