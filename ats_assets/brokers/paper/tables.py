"""The paper broker's own books, in the same database as the trade state: what a real broker keeps on its side."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, String, Table

from ats_assets.trade_state import ExactDecimal, FreeText, UtcTime
from ats_assets.trade_state.tables import metadata

accounts = Table(
    "paper_accounts",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("opened", Date, nullable=False, comment="the session at whose close it was opened with its initial cash"),
    Column("settled", Date, nullable=False, comment="the session at whose close it stands"),
    Column("cash_cents", BigInteger, nullable=False),
)

holdings = Table(
    "paper_holdings",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("shares", ExactDecimal, nullable=False),
    Column("basis_cents", BigInteger, nullable=False),
    Column("last_close", ExactDecimal, nullable=False),
    Column("missing_sessions", Integer, nullable=False, comment="in a row without a bar"),
)

orders = Table(
    "paper_orders",
    metadata,
    Column("broker_order_id", String(64), primary_key=True),
    Column("account", String(16), nullable=False),
    Column("client_order_id", String(64), nullable=False, unique=True),
    Column("session", Date, nullable=False, comment="at whose close it was sent"),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("leg", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("kind", String(16), nullable=False, comment="of the order; take_profit and stop_loss of a bracket's exits"),
    Column("limit_price", ExactDecimal, comment="of a limit order or take-profit; the trigger of a stop-loss"),
    Column("take_profit", ExactDecimal),
    Column("stop_loss", ExactDecimal),
    Column("parent_id", String(64), comment="of a bracket's exits, and of parts of a worked order: the order that they belong to"),
    Column("decision_price", ExactDecimal, comment="of a worked order"),
    Column("work", String(2048), comment="of a worked order: how"),
    Column("status", String(20), nullable=False),
    Column("filled_quantity", ExactDecimal, nullable=False),
    Column("filled_average_price", ExactDecimal),
    Column("submitted_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("reason", FreeText),
    Index(None, "account", "status"),
    Index(None, "parent_id"),
)

fills = Table(
    "paper_fills",
    metadata,
    Column("fill_id", String(80), primary_key=True),
    Column("account", String(16), nullable=False),
    Column("sequence", Integer, nullable=False, comment="within the session"),
    Column("session", Date, nullable=False),
    Column("broker_order_id", String(64), nullable=False),
    Column("client_order_id", String(64), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "account", "at"),
)

entries = Table(
    "paper_entries",
    metadata,
    Column("entry_id", String(80), primary_key=True),
    Column("account", String(16), nullable=False),
    Column("session", Date, nullable=False),
    Column("kind", String(20), nullable=False, comment="split, dividend, corporate_action (a delisting, …), fee (of borrowing), interest"),
    Column("symbol", String(32), nullable=False, comment="empty where it is of the account as a whole"),
    Column("quantity", ExactDecimal, nullable=False, comment="change of the shares"),
    Column("cash_cents", BigInteger, nullable=False, comment="change of the cash"),
    Column("at", UtcTime, nullable=False),
    Column("description", FreeText, nullable=False),
    Index(None, "account", "at"),
)
