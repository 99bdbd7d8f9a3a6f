"""What people are offered, and what they have: the one place where commands, payment services and broadcasts meet."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.subscriptions.payment_facts import PaymentFact, facts_of, keep_fact
from ats_assets.bots.subscriptions.payment_service import Checkout, PaymentOrder, PaymentService
from ats_assets.bots.subscriptions.standing import SubscriptionStanding, standing
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.bots.tables import payment_orders
from ats_assets.errors import BotError

OWN = "ats"
"""Who tells of trials and gifts."""
STOPPED = "broadcasts"
"""The preference of a person who wants nothing any more: `off`."""


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """Somebody who gets what a plan has."""

    person: str
    standing: SubscriptionStanding


class Shop:
    """Plans and who has them.

    Parameters
    ----------
    plans
        By name; none where nothing can be subscribed to.
    grace
        For which a plan goes on after a payment that did not come.
    providers
        By name.
    """

    def __init__(
        self, store: BotStore, plans: Mapping[str, SubscriptionPlan], grace: timedelta, providers: Mapping[str, PaymentService]
    ) -> None:
        self.store, self.plans, self.grace, self.providers = store, dict(plans), grace, dict(providers)

    @property
    def is_open(self) -> bool:
        """Whether there is anything to subscribe to."""
        return bool(self.plans)

    def plan(self, name: str) -> SubscriptionPlan:
        """The plan of a name.

        Raises
        ------
        BotError
            If there is none.
        """
        if name not in self.plans:
            raise BotError(f"There is no plan {name[:40]!r}: /plans lists them.")
        return self.plans[name]

    def standing(self, person: str, now: datetime) -> SubscriptionStanding:
        """What a person has now."""
        with self.store.begin() as connection:
            return standing(facts_of(connection, person), self.plans, now, self.grace)

    def subscribers(self, now: datetime) -> Sequence[Subscriber]:
        """Everybody who gets something now, and wants it."""
        by_person: dict[str, list[PaymentFact]] = {}
        with self.store.begin() as connection:
            for fact in facts_of(connection):
                by_person.setdefault(fact.person, []).append(fact)
        stopped = {person for person, value in self.store.preferring(STOPPED).items() if value == "off"}
        found = [Subscriber(person=person, standing=standing(facts, self.plans, now, self.grace)) for person, facts in by_person.items()]
        return [one for one in found if one.standing.sees and one.person not in stopped and not self.store.is_revoked(one.person)]

    def begin_trial(self, person: str, plan: SubscriptionPlan, now: datetime) -> bool:
        """Start a trial; False if the person has had one, of whatever plan, or has paid before."""
        fact = PaymentFact(
            provider=OWN,
            id=f"trial:{person}",
            kind="trial",
            person=person,
            plan=plan.name,
            at=now,
            covers_from=now,
            covers_until=now + timedelta(days=plan.trial_days),
        )
        with self.store.begin() as connection:
            if facts_of(connection, person):
                return False
            return keep_fact(self.store, connection, fact, now)

    def give(self, person: str, plan: SubscriptionPlan, days: int, *, by: str, now: datetime) -> None:
        """Let a person have a plan without paying."""
        fact = PaymentFact(
            provider=OWN,
            id=f"gift:{secrets.token_hex(8)}",
            kind="gift",
            person=person,
            plan=plan.name,
            at=now,
            covers_from=now,
            covers_until=now + timedelta(days=days),
            customer=by,
        )
        with self.store.begin() as connection:
            keep_fact(self.store, connection, fact, now)

    def tell(self, fact: PaymentFact, now: datetime) -> bool:
        """Take what a payment service tells; False if it told it before."""
        with self.store.begin() as connection:
            return keep_fact(self.store, connection, fact, now)

    async def checkout(self, person: str, plan: SubscriptionPlan, provider: str | None, now: datetime) -> Checkout:
        """Open a checkout with a payment service.

        Raises
        ------
        BotError
            If the plan can't be paid for here, or the service fails.
        """
        front = person.partition(":")[0]
        selling = {name: one for name, one in self.providers.items() if one.sells(plan, front)}
        if not selling:
            raise BotError(f"{plan.title} can't be paid for here: whoever runs this bot can let you have it.")
        if provider is not None and provider not in selling:
            raise BotError(f"{plan.title} is not sold by {provider}: choose {' or '.join(selling)}.")
        chosen = selling[provider or next(iter(selling))]
        amount, currency = chosen.price(plan)
        order = PaymentOrder(id=f"order-{secrets.token_hex(12)}", person=person, plan=plan, amount=amount, currency=currency)
        await asyncio.to_thread(self._keep_order, order, chosen.name, now)
        return await chosen.checkout(order)

    def _keep_order(self, order: PaymentOrder, provider: str, now: datetime) -> None:
        values = {"id": order.id, "person": order.person, "plan": order.plan.name, "provider": provider, "asked_at": now}
        with self.store.begin() as connection:
            connection.execute(payment_orders.insert().values(**values, amount=order.amount, currency=order.currency))

    def order(self, id_: str) -> PaymentOrder | None:
        """What was wanted under an id; None if nothing was, or its plan is no more."""
        with self.store.begin() as connection:
            row = connection.execute(select(payment_orders).where(payment_orders.c.id == id_)).mappings().first()
        if row is None or row["plan"] not in self.plans:
            return None
        return PaymentOrder(id=id_, person=row["person"], plan=self.plans[row["plan"]], amount=row["amount"], currency=row["currency"])

    async def stop(self, person: str, now: datetime) -> SubscriptionStanding:
        """End the person's subscription with what is paid, at each service that renews it.

        Raises
        ------
        BotError
            If a service fails: then nothing is said to have ended.
        """
        with self.store.begin() as connection:
            facts = facts_of(connection, person)
        ended = {fact.subscription for fact in facts if fact.kind == "ended"}
        for provider, subscription in sorted(
            {(fact.provider, fact.subscription) for fact in facts if fact.subscription and fact.subscription not in ended}
        ):
            if provider in self.providers:
                await self.providers[provider].stop(subscription)
        return self.standing(person, now)
