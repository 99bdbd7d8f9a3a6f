"""What payment services have told, as facts: each is kept once, under the id that the service gave it, and none is ever changed.

A service tells of one payment several times, late, or in another order. Since a fact is kept under its id, telling it again adds nothing, and since who may see what is worked out from
all facts of a person (`standing`), the order in which they came makes no difference.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from ats_assets.bots.bot_store import BotStore, add_to_audit, in_utc
from ats_assets.bots.tables import payment_facts

FactKind = Literal["trial", "gift", "paid", "failed", "ended", "refunded"]
_TIMES = ("at", "covers_from", "covers_until")


@dataclass(frozen=True, kw_only=True)
class PaymentFact:
    """Something that happened.

    Attributes
    ----------
    person, plan
        Empty in a refund that Stripe told before the payment: it gives the customer alone.
    provider, id
        Who told it, and under which id: `stripe` and the id of an event, `telegram` and that of a charge, `ats` for trials and gifts.
    amount, currency
        In the currency's smallest unit; zero where nothing was paid.
    covers_from, covers_until
        Of a payment whose service says for which time it is; otherwise it is for a period after what is covered already.
    subscription, customer
        The service's own ids, by which ends and refunds are told apart.
    """

    provider: str
    id: str
    kind: FactKind
    person: str
    plan: str
    at: datetime
    amount: int = 0
    currency: str = ""
    covers_from: datetime | None = None
    covers_until: datetime | None = None
    subscription: str = ""
    customer: str = ""


def keep_fact(store: BotStore, connection: Connection, fact: PaymentFact, now: datetime) -> bool:
    """Keep a fact; False if it was kept before."""
    new = store.insert_new(connection, payment_facts, {**asdict(fact), "told_at": now})
    if new:
        paid = f" {fact.amount} {fact.currency}" if fact.amount else ""
        add_to_audit(connection, now, fact.person, "", what=f"payment {fact.kind}", text=f"{fact.plan}{paid} ({fact.provider} {fact.id})")
    return new


def facts_of(connection: Connection, person: str | None = None) -> Sequence[PaymentFact]:
    """All facts of a person, or of everybody, the oldest first; what was told of a customer alone is that person's who paid as that customer."""
    table = payment_facts.c
    query = select(payment_facts).order_by(table.at, table.provider, table.id)
    if person is not None:
        theirs = select(table.customer).where(table.person == person, table.customer != "")
        query = query.where((table.person == person) | ((table.person == "") & table.customer.in_(theirs)))
    rows = connection.execute(query).mappings()
    found = []
    for row in rows:
        values: dict[str, Any] = {name: value for name, value in row.items() if name != "told_at"}
        values |= {name: in_utc(values[name]) for name in _TIMES if values[name] is not None}
        found.append(PaymentFact(**values))
    return _given_to_persons(found)


def _given_to_persons(facts: Sequence[PaymentFact]) -> Sequence[PaymentFact]:
    known = {(fact.provider, fact.customer): fact for fact in facts if fact.person and fact.customer}
    found = []
    for fact in facts:
        whose = fact if fact.person else known.get((fact.provider, fact.customer))
        if whose is not None:
            found.append(replace(fact, person=whose.person, plan=whose.plan))
    return found


def person_of(connection: Connection, *, subscription: str = "", customer: str = "") -> tuple[str, str] | None:
    """The person and the plan that were told of under a service's own ids, where a later message gives these alone."""
    column, value = (payment_facts.c.subscription, subscription) if subscription else (payment_facts.c.customer, customer)
    if not value:
        return None
    newest = (
        select(payment_facts.c.person, payment_facts.c.plan)
        .where(column == value, payment_facts.c.person != "")
        .order_by(payment_facts.c.at.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return None if row is None else (row.person, row.plan)
