"""The tables of alerts, in the database of the trade state. Times are seconds since 1970, UTC."""

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

metadata = MetaData()
keys = Table(
    "alert_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("severity", Integer, nullable=False),
    Column("sent_at", Float, nullable=False, comment="seconds since 1970, UTC, as all times here"),
    Column("repeats", Integer, nullable=False, comment="not sent since then"),
)
deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("route", String(255), nullable=False, index=True),
    Column("key", String(255), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False, comment="pending, sent, given_up"),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("next_at", Float, nullable=False, comment="of a pending one: not before; a claim moves it"),
)
routes = Table(
    "alert_routes",
    metadata,
    Column("route", String(255), primary_key=True),
    Column("held", Integer, nullable=False, comment="alerts over the limit since held_since"),
    Column("held_since", Float, nullable=False),
    Column("held_title", Text, nullable=False, comment="of the newest one"),
    Column("failing_until", Float, nullable=False, comment="nothing but critical alerts is tried before"),
)
