"""What people read about subscriptions."""

from ats_assets.bots.reply import Reply, said
from ats_assets.bots.subscriptions.standing import SubscriptionStanding

WARNING = "Signals are a model's figures, no advice to buy or sell. Past results say nothing about those to come; you can lose money."
STATES = {
    "trial": "A trial, which ends by itself.",
    "active": "Paid.",
    "grace": "The last payment did not come: it ends soon unless it does.",
    "expired": "It has ended: /subscribe takes it again.",
}


def standing_reply(has: SubscriptionStanding) -> Reply:
    """What a person has, in words."""
    if has.plan is None or has.until is None:
        return said("No subscription", "/plans shows what there is.")
    lines = [STATES[has.state], f"{'Until' if has.sees else 'Ended'} {has.until:%Y-%m-%d %H:%M} UTC."]
    if has.renews and has.state == "active":
        lines.append("It renews by itself; /unsubscribe ends it with what is paid.")
    return said(has.plan.title, *lines)
