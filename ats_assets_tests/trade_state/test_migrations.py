"""A database as an older program has left it becomes what a new one is, with all that is in it."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text

from ats_assets.brokers.paper import tables as paper_tables
from ats_assets.execution.running_account import read_running_account
from ats_assets.trade_state import SCHEMA_VERSION, TradeState, tables
from ats_assets.trade_state.schema import schema_versions
from ats_assets_tests.trade_state.databases import create_database

ROWS = """
INSERT INTO account_snapshots VALUES (1, 'baseline', NULL, 'paper', 'a', '2024-03-01 21:00', '100.00', '103.00', '100.00', FALSE);
INSERT INTO positions VALUES (1, 'OLD', '1.50', '2.50', '2');
INSERT INTO intents VALUES ('i', '2024-03-01', 'main', 'A', 'buy', 'open', '2', 'limit', '5', NULL, NULL, NULL, 'filled', NULL, 1, 1, '2024-03-01 21:00', NULL, '2024-03-01 21:00');
INSERT INTO orders VALUES ('b', 'i', 'i', 'A', 'buy', '2', 'filled', '2', '5.005', '2024-03-02 01:00', '2024-03-04 15:00', NULL);
INSERT INTO fills VALUES ('f', 'b', 'i', 'i', 1, 'A', 'buy', '2', '5.0005', '0', '2024-03-04 15:00', '2024-03-04 15:00', NULL);
INSERT INTO entries VALUES ('e', 1, 'fee', NULL, '0', '-0.05', '2024-03-04 15:00', 'fee', '2024-03-04 15:00');
"""


def as_of_version_1(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    script = (Path(__file__).parent / f"schema_1_{engine.dialect.name}.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        for statement in f"{script}{ROWS}".split(";"):
            if statement.strip():
                connection.execute(text(statement))
    engine.dispose()


def shape(connection: Connection) -> Mapping[str, Any]:
    """Columns, keys and indexes of each table."""
    found, looking = {}, inspect(connection)
    for name in sorted(looking.get_table_names()):
        found[name] = (
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in looking.get_columns(name)),
            looking.get_pk_constraint(name)["constrained_columns"],
            sorted((key["constrained_columns"], key["referred_table"]) for key in looking.get_foreign_keys(name)),
            sorted((str(index["name"]), index["column_names"], bool(index["unique"])) for index in looking.get_indexes(name)),
        )
    return found


def test_a_database_of_version_1_becomes_a_new_one(database_url: str, tmp_path: Path) -> None:
    assert paper_tables.orders.name in tables.metadata.tables
    other = f"sqlite:///{tmp_path / 'new.sqlite'}"
    if database_url.startswith("postgresql"):
        server, name = database_url.rsplit("/", 1)
        other = create_database(server, f"{name}_new")
    as_of_version_1(database_url)
    with TradeState(other) as new, new.begin() as connection:
        wanted = shape(connection)
    with TradeState(database_url) as state, state.begin() as connection:
        assert connection.execute(schema_versions.select()).scalar_one() == SCHEMA_VERSION
        assert shape(connection) == wanted
        assert connection.execute(tables.positions.select()).one() == (1, "OLD", Decimal("1.50"), Decimal("2.50"), Decimal(2), None)
        running = read_running_account(connection, 1)
        assert (running.cash, running.inexact) == (Decimal("89.949"), 1)
        assert running.positions == {"A": 2, "OLD": Decimal("1.5")}
