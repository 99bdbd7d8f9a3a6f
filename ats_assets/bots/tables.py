"""The tables of the bots' own database. Nothing in them is needed to trade; what is asked for is in the service.

Their names begin with `bots_`, so that a database which holds other tables can hold these, too.
"""

from sqlalchemy import JSON, Column, DateTime, Index, Integer, MetaData, String, Table, Text

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
