"""The journal of sessions, in the trade state: what was heard, and what was decided of it. Both are written in one transaction, before anything is done about it."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKeyConstraint, Index, Integer, String, Table, Text

from ats_assets.trade_state.columns import FreeText, UtcTime
from ats_assets.trade_state.tables import metadata

TAKEN = ("taken", "late", "revised")
"""The verdicts of events that count; all others were refused, or change nothing."""

events = Table(
    "live_events",
    metadata,
    Column("session", Date, primary_key=True),
    Column("strategy", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="in the order in which they were heard, from 1"),
    Column("known_at", UtcTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("symbol", String(32)),
    Column("sequence", Integer, comment="the stream's own number"),
    Column("verdict", String(16), nullable=False),
    Column("reason", FreeText),
    Column("fields", Text, nullable=False, comment="of journal_text"),
    comment="append only",
)

decisions = Table(
    "live_decisions",
    metadata,
    Column("session", Date, primary_key=True),
    Column("strategy", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("event", Integer, nullable=False, comment="the newest event that was known"),
    Column("decided_at", UtcTime, nullable=False),
    Column("what", String(16), nullable=False),
    Column("subject", String(64), nullable=False, comment="the parent order, or portfolio"),
    Column("symbol", String(32)),
    Column("reason", FreeText, nullable=False),
    Column("fields", Text, nullable=False, comment="of journal_text"),
    Column("done", Boolean, nullable=False, comment="whether what it asks for has been done; true where it asks for nothing"),
    ForeignKeyConstraint(["session", "strategy", "event"], ["live_events.session", "live_events.strategy", "live_events.number"]),
    Index(None, "session", "strategy", "done"),
)

loops = Table(
    "live_loops",
    metadata,
    Column("strategy", String(16), primary_key=True),
    Column("holder", String(128), comment="null: none runs"),
    Column("token", BigInteger, nullable=False, comment="grows with each new loop; whoever has an older one may write nothing"),
    Column("beat_at", UtcTime, nullable=False, comment="when it has last written"),
)
