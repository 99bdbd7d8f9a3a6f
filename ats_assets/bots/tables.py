"""The tables of the bots' own database. Nothing in them is needed to trade; what is asked for is in the service.

Their names begin with `bots_`, so that a database which holds other tables can hold these, too.
"""

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

confirmations = Table(
    "bots_confirmations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("nonce_hash", String(64), nullable=False, unique=True),
    Column("seal", String(64), nullable=False),  # of the nonce with all that it is bound to
    Column("person", String(40), nullable=False),
    Column("place", String(80), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("steps_left", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("idempotency_key", String(64), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("request", String(80)),
    Column("outcome", Text),
    Index("bots_confirmations_by_state", "state"),
)

revoked = Table(
    "bots_revoked",
    metadata,
    Column("person", String(40), primary_key=True),
    Column("by", String(80), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

audit = Table(
    "bots_audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person", String(80), nullable=False),
    Column("place", String(80), nullable=False),
    Column("what", String(40), nullable=False),
    Column("text", Text, nullable=False),
)

updates = Table(
    "bots_updates",
    metadata,
    Column("front", String(16), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("process", String(32), nullable=False),
    Column("content", Text),  # until it is done
)

preferences = Table(
    "bots_preferences",
    metadata,
    Column("person", String(40), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)

marks = Table(
    "bots_marks",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", Text, nullable=False),
)

notices = Table(
    "bots_notices",
    metadata,
    Column("person", String(40), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""Which person was told of which alert."""

payment_facts = Table(
    "bots_payment_facts",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("person", String(40), nullable=False),
    Column("plan", String(60), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("covers_from", DateTime(timezone=True)),
    Column("covers_until", DateTime(timezone=True)),
    Column("subscription", String(120), nullable=False),
    Column("customer", String(120), nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Index("bots_payment_facts_by_person", "person"),
    Index("bots_payment_facts_by_subscription", "subscription"),
    Index("bots_payment_facts_by_customer", "customer"),
)
"""What payment services told, once each; no row is ever changed."""

payment_orders = Table(
    "bots_payment_orders",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("plan", String(60), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
)
"""What people wanted to pay for, so that a payment is for what was asked."""

broadcasts = Table(
    "bots_broadcasts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("strategy", String(60)),
    Column("content", JSON, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)
"""What went out, by the key of what it tells, so that no news is made twice."""

deliveries = Table(
    "bots_deliveries",
    metadata,
    Column("broadcast", Integer, primary_key=True),
    Column("person", String(40), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("process", String(32)),
    Column("ended_at", DateTime(timezone=True)),
    Column("why", String(300)),
    Index("bots_deliveries_by_state", "state", "due_at"),
)
"""Each message to each person: queued, sending, then sent, unsure, gone or failed."""
