"""What follows from what was paid: which plan a person has now, until when, and why. A pure function of the facts, in whatever order they came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from ats_assets.bots.subscriptions.payment_facts import PaymentFact
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan

StandingState = Literal["none", "trial", "active", "grace", "expired"]


@dataclass(frozen=True, kw_only=True)
class SubscriptionStanding:
    """How things are with a person.

    Attributes
    ----------
    plan
        The one that counts now, or the last one; None if there never was any.
    until
        When it ends or has ended, grace not counted.
    renews
        Whether a service asks for the next payment by itself.
    """

    state: StandingState
    plan: SubscriptionPlan | None = None
    until: datetime | None = None
    renews: bool = False

    @property
    def sees(self) -> bool:
        """Whether the person gets what the plan has."""
        return self.state in {"trial", "active", "grace"}


@dataclass(frozen=True, kw_only=True)
class _Cover:
    plan: SubscriptionPlan
    since: datetime
    until: datetime
    fact: PaymentFact
    ended: bool = False


def standing(facts: Iterable[PaymentFact], plans: Mapping[str, SubscriptionPlan], now: datetime, grace: timedelta) -> SubscriptionStanding:
    """What a person has.

    1. Each payment covers a time: the one that the service says, or a period from its moment on, or from the end of what is covered by then.
    2. A refund takes away the newest payment before it of the same customer and amount; the end of a subscription ends what its payments cover.
    3. Of what covers now the dearest plan counts. Where nothing does, the last one lasts for the days of grace, if its service goes on asking for money.

    Parameters
    ----------
    facts
        Of one person; facts of plans that are no more are left out.
    grace
        After the end of what was paid.
    """
    ordered = sorted({(fact.provider, fact.id): fact for fact in facts}.values(), key=lambda fact: (fact.at, fact.provider, fact.id))
    covers = _ended(_covers(ordered, plans), ordered)
    current = [cover for cover in covers if cover.since <= now < cover.until]
    if current:
        best = max(current, key=lambda cover: (cover.plan.amount, cover.until))
        return SubscriptionStanding(
            state="trial" if best.fact.kind == "trial" else "active",
            plan=best.plan,
            until=_without_a_gap(best, covers),
            renews=_renews(best),
        )
    past = [cover for cover in covers if cover.until <= now]
    if not past:
        return SubscriptionStanding(state="none")
    last = max(past, key=lambda cover: cover.until)
    if _renews(last) and now < last.until + grace:
        return SubscriptionStanding(state="grace", plan=last.plan, until=last.until, renews=True)
    return SubscriptionStanding(state="expired", plan=last.plan, until=last.until)


def _without_a_gap(current: _Cover, covers: Sequence[_Cover]) -> datetime:
    """Until when the plan is covered, by what follows as well."""
    until = current.until
    for cover in sorted(covers, key=lambda cover: cover.since):
        if cover.plan.name == current.plan.name and cover.since <= until:
            until = max(until, cover.until)
    return until


def _renews(cover: _Cover) -> bool:
    return bool(cover.fact.subscription) and not cover.ended


def _covers(ordered: Sequence[PaymentFact], plans: Mapping[str, SubscriptionPlan]) -> list[_Cover]:
    gone = _refunded(ordered)
    found: list[_Cover] = []
    for fact in ordered:
        plan = plans.get(fact.plan)
        if plan is None or fact.kind not in {"paid", "trial", "gift"} or (fact.provider, fact.id) in gone:
            continue
        since = fact.covers_from or max(
            [fact.at, *(cover.until for cover in found if cover.plan.name == plan.name and cover.until > fact.at)]
        )
        found.append(_Cover(plan=plan, since=since, until=fact.covers_until or plan.after(since), fact=fact))
    return found


def _refunded(ordered: Sequence[PaymentFact]) -> set[tuple[str, str]]:
    gone: set[tuple[str, str]] = set()
    for refund in ordered:
        if refund.kind == "refunded":
            paid = [
                fact
                for fact in ordered
                if fact.kind == "paid"
                and fact.at <= refund.at
                and (fact.provider, fact.customer, fact.amount) == (refund.provider, refund.customer, refund.amount)
                and (fact.provider, fact.id) not in gone
            ]
            gone |= {(fact.provider, fact.id) for fact in paid[-1:]}
    return gone


def _ended(covers: Sequence[_Cover], ordered: Sequence[PaymentFact]) -> list[_Cover]:
    ends: dict[str, datetime] = {}
    for fact in ordered:
        if fact.kind == "ended" and fact.subscription:
            ends[fact.subscription] = min(fact.at, ends.get(fact.subscription, fact.at))
    return [
        replace(cover, until=max(cover.since, min(cover.until, ends[cover.fact.subscription])), ended=True)
        if cover.fact.subscription in ends
        else cover
        for cover in covers
    ]
