"""What is kept of trading. Other modules may add tables to `metadata`; opening the database makes those that it lacks.

The account is one account of one broker. Its expected cash and positions are those of the current baseline (a snapshot of kind `baseline`) and all
fills and entries that carry its id. `running_accounts` has where that stood at each settled session; what is in it carries the session's snapshot in
`settled_in`, so that a comparison reads only what came since.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, and_

from ats_assets.trade_state.columns import ExactDecimal, FreeText, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself for INTEGER alone

intents = Table(
    "intents",
    metadata,
    Column("client_order_id", String(48), primary_key=True),
    Column("session", Date, nullable=False, comment="at whose close it was decided"),
    Column("strategy", String(16), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("leg", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("decision_price", ExactDecimal, nullable=False),
    Column("limit_price", ExactDecimal),
    Column("take_profit", ExactDecimal),
    Column("stop_loss", ExactDecimal),
    Column("instrument", String(96), comment="what the symbol stood for at that close, as known then; null: decided before it was kept"),
    Column("legs", String(512), comment="of an order for option contracts: symbol, signed ratio, open or close, multiplier of each"),
    Column("book", String(64), comment="the strategy of options that has decided it"),
    Column("rule", String(64), comment="by which it was decided"),
    Column("place", Integer, comment="among the decisions of its book"),
    Column("work", String(2048), comment="how it is worked in parts; null: it is sent as it is"),
    Column("arrival_price", ExactDecimal, comment="of a worked order: the price at which that began"),
    Column("parent", String(48), comment="of a part: the worked order that it is of"),
    Column("number", Integer, comment="of a part: which one, from 1"),
    Column("expires_at", UtcTime, comment="of a part: when it is cancelled"),
    Column("cancel_asked_at", UtcTime, comment="of a part: when the broker was asked to"),
    Column("state", String(16), nullable=False),
    Column("reason", FreeText, comment="of the state"),
    Column("attempts", Integer, nullable=False, comment="write-aheads so far; at most as many requests have been sent"),
    Column("token", BigInteger, comment="fencing token of the executor of the last attempt"),
    Column("planned_at", UtcTime, nullable=False),
    Column("sending_at", UtcTime, comment="of the last attempt's write-ahead"),
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "session", "strategy"),
    Index(None, "state"),
    Index(None, "kind", "strategy", "symbol", "session"),
    Index(None, "kind", "strategy", "instrument", "session"),
    Index(None, "parent", "number", unique=True),
)

orders = Table(
    "orders",
    metadata,
    Column("broker_order_id", String(64), primary_key=True),
    Column("client_order_id", String(128), nullable=False, comment="the broker's own for the legs of a bracket"),
    Column("intent_id", String(48), ForeignKey("intents.client_order_id"), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("status", String(20), nullable=False),
    Column("filled_quantity", ExactDecimal, nullable=False),
    Column("filled_average_price", ExactDecimal),
    Column("submitted_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("reason", FreeText),
    Column("settled_in", ForeignKey("account_snapshots.id"), comment="since when it is through, and its fills add up; null: not yet"),
    Index(None, "intent_id"),
    Index(None, "status"),
    Index(None, "settled_in", "submitted_at"),
)

account_snapshots = Table(
    "account_snapshots",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False, comment="baseline: trading starts from it; session: the end of a session's fills"),
    Column("session", Date, comment="the session that the fills belong to"),
    Column("broker", String(16), nullable=False),
    Column("account_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("cash", ExactDecimal, nullable=False),
    Column("equity", ExactDecimal, nullable=False),
    Column("buying_power", ExactDecimal, nullable=False),
    Column("trading_blocked", Boolean, nullable=False),
    Index(None, "kind", "session"),
)

running_accounts = Table(
    "running_accounts",
    metadata,
    Column("snapshot_id", ForeignKey("account_snapshots.id"), primary_key=True, comment="of the session; its cash is the broker's"),
    Column("baseline_id", ForeignKey("account_snapshots.id"), nullable=False),
    Column("cash", ExactDecimal, nullable=False, comment="that follows from the baseline, to the last digit"),
    Column("inexact", Integer, nullable=False, comment="executions since the baseline that are worth no whole number of cents"),
    Index(None, "baseline_id", "snapshot_id"),
)

running_positions = Table(
    "running_positions",
    metadata,
    Column("snapshot_id", ForeignKey("running_accounts.snapshot_id"), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("quantity", ExactDecimal, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("snapshot_id", ForeignKey("account_snapshots.id"), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("quantity", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal, comment="null: the broker does not say"),
    Column("price", ExactDecimal, comment="null: the broker has none"),
    Column("multiplier", ExactDecimal, comment="shares that a contract is for; null: 1"),
)

fills = Table(
    "fills",
    metadata,
    Column("fill_id", String(128), primary_key=True, comment="the broker's id of the execution"),
    Column("broker_order_id", String(64), nullable=False),
    Column("client_order_id", String(128), nullable=False),
    Column("intent_id", String(48), ForeignKey("intents.client_order_id"), comment="null: of an order that is not ours"),
    Column("baseline_id", ForeignKey("account_snapshots.id"), comment="null: the baseline has it in its cash and positions already"),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("acknowledged_at", UtcTime, comment="when a person has said that a fill which is not ours is all right"),
    Column("settled_in", ForeignKey("account_snapshots.id"), comment="the session whose running account has it; null: it came since"),
    Column("multiplier", ExactDecimal, comment="shares that a contract is for; null: 1"),
    Index(None, "at", "fill_id"),
    Index(None, "intent_id"),
    Index(None, "broker_order_id"),
    Index(None, "baseline_id", "at"),
    Index(None, "baseline_id", "settled_in"),
)

unacknowledged = and_(fills.c.intent_id.is_(None), fills.c.acknowledged_at.is_(None), fills.c.baseline_id.is_not(None))
"""Fills that are not ours and that nobody has acknowledged yet."""
Index("ix_fills_unacknowledged", fills.c.at, sqlite_where=unacknowledged, postgresql_where=unacknowledged)

entries = Table(
    "entries",
    metadata,
    Column("entry_id", String(128), primary_key=True, comment="the broker's id"),
    Column("baseline_id", ForeignKey("account_snapshots.id"), comment="as of a fill"),
    Column("kind", String(16), nullable=False, comment="dividend, split, fee, …"),
    Column("symbol", String(32)),
    Column("quantity", ExactDecimal, nullable=False, comment="change of the position"),
    Column("cash", ExactDecimal, nullable=False, comment="change of the cash"),
    Column("at", UtcTime, nullable=False),
    Column("description", FreeText, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("settled_in", ForeignKey("account_snapshots.id"), comment="the session whose running account has it; null: it came since"),
    Index(None, "at", "entry_id"),
    Index(None, "baseline_id", "settled_in"),
)

halts = Table(
    "halts",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("cleared_at", UtcTime, comment="null: no order is sent"),
    Column("cleared_by", String(64)),
    Column("note", FreeText),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("who", String(128), nullable=False),
    Column("what", String(48), nullable=False),
    Column("client_order_id", String(128)),
    Column("details", JSON, nullable=False),
    Index(None, "client_order_id", "at"),
    comment="append only",
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(128), comment="null: released"),
    Column("token", BigInteger, nullable=False, comment="grows with each new holder; whoever has an older one may write nothing"),
    Column("expires_at", UtcTime, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("strategy", String(16), primary_key=True),
    Column("at", UtcTime, nullable=False, comment="when a watch has looked last at what a plan has left to do"),
    Column("who", String(128), nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(40), primary_key=True, comment="names the order that comes of it, too: manual-<id>"),
    Column("kind", String(24), nullable=False),
    Column("body", JSON, nullable=False),
    Column("asked_by", String(64), nullable=False, comment="the name of the key"),
    Column("on_behalf_of", String(128), comment="whom a bot has asked for"),
    Column("role", String(16), nullable=False, comment="of the key"),
    Column("asked_at", UtcTime, nullable=False),
    Column(
        "expires_at", UtcTime, comment="until when it is confirmed, then until when it is taken up; null: it waits for as long as it takes"
    ),
    Column("idempotency_key", String(128), comment="asked again under it, it is this one"),
    Column("nonce_digest", String(64), comment="SHA-256 of what confirms it; null: nothing does any more"),
    Column("state", String(16), nullable=False),
    Column("confirmed_at", UtcTime),
    Column("taken_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("token", BigInteger, comment="fencing token of the executor that took it up"),
    Column("client_order_id", String(48), comment="of the order that it makes or cancels"),
    Column("result", JSON, comment="what came of it"),
    Column("reason", FreeText, comment="why it was refused, or waits"),
    Index(None, "state", "asked_at"),
    Index(None, "asked_at", "id"),
    Index(None, "asked_by", "idempotency_key", unique=True),
)
