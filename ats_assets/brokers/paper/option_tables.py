"""The paper broker's books of options, in the same database as the trade state: one book a strategy of options, and the orders for contracts."""

from sqlalchemy import JSON, Column, Date, Index, Integer, String, Table

from ats_assets.trade_state import ExactDecimal, FreeText, UtcTime
from ats_assets.trade_state.tables import metadata

books = Table(
    "paper_option_books",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("strategy", String(64), primary_key=True),
    Column("settled", Date, nullable=False, comment="the session at whose close it stands"),
    Column("cash", ExactDecimal, nullable=False),
    Column("held", JSON, nullable=False, comment="contracts and shares, numbers as text"),
    Column("flows", Integer, nullable=False, comment="rows in paper_option_flows so far"),
)

flows = Table(
    "paper_option_flows",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("strategy", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("session", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("underlying", String(32)),
    Column("contract", String(32)),
    Column("quantity", Integer, nullable=False, comment="change of the contracts held"),
    Column("shares", ExactDecimal, nullable=False, comment="change of the shares held"),
    Column("price", ExactDecimal),
    Column("cash", ExactDecimal, nullable=False),
    Column("balance", ExactDecimal, nullable=False),
    Column("detail", FreeText, nullable=False),
    Index(None, "session"),
)

orders = Table(
    "paper_option_orders",
    metadata,
    Column("broker_order_id", String(64), primary_key=True),
    Column("account", String(16), nullable=False),
    Column("client_order_id", String(48), nullable=False, unique=True),
    Column("session", Date, nullable=False, comment="at whose close it was sent"),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False, comment="units"),
    Column("legs", String(512), nullable=False),
    Column("book", String(64), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("place", Integer, nullable=False),
    Column("leg", String(8), nullable=False),
    Column("limit_price", ExactDecimal),
    Column("status", String(20), nullable=False),
    Column("filled_quantity", ExactDecimal, nullable=False),
    Column("filled_average_price", ExactDecimal, comment="net of all legs, for one unit"),
    Column("prices", JSON, comment="of each leg, as text, once it is filled"),
    Column("submitted_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("reason", FreeText),
    Index(None, "account", "status"),
)

fills = Table(
    "paper_option_fills",
    metadata,
    Column("fill_id", String(80), primary_key=True),
    Column("account", String(16), nullable=False),
    Column("sequence", Integer, nullable=False, comment="within the session and the book"),
    Column("session", Date, nullable=False),
    Column("broker_order_id", String(64), nullable=False, comment="of the leg, where there are several"),
    Column("client_order_id", String(48), nullable=False, comment="of the order"),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("multiplier", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "account", "at"),
)
