"""A trade state as one file: out of either kind of database, of any version, and into either kind."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, create_engine, select

from ats_assets.brokers.paper import tables as paper_tables
from ats_assets.errors import TradeStateError
from ats_assets.execution.halts import halt
from ats_assets.settings import load_settings
from ats_assets.trade_state import TradeState, open_trade_state, record, tables
from ats_assets.trade_state.database import COPIES, engine_of_url, parse_database
from ats_assets.trade_state.portable_copy import fill_from_copy, save_copy, schema_of
from ats_assets_tests.trade_state.databases import create_database
from ats_assets_tests.trade_state.test_migrations import as_of_version_1, shape

NOW = datetime(2024, 3, 1, 21, 0, 0, 123456, tzinfo=UTC)
INTENT = {"client_order_id": "i", "session": date(2024, 3, 1), "strategy": "main", "symbol": "A", "side": "buy", "leg": "open"} | {
    "quantity": Decimal("1.500000000"),
    "kind": "limit",
    "decision_price": Decimal("-0.00"),
    "state": "sending",
    "attempts": 1,
    "token": 2**40,
    "planned_at": NOW,
    "updated_at": NOW,
}


def write_some(state: TradeState) -> None:
    with state.begin() as connection:
        connection.execute(tables.intents.insert().values(INTENT))
        for n in range(3):
            record(connection, NOW, "test", "planned", client_order_id="i", details={"n": n, "none": None, "price": Decimal("1.50")})
        halt(connection, NOW, "test", "a halt")


def rows_of(connection: Connection) -> dict[str, list[Any]]:
    """All rows of all tables, by this program's types."""
    return {name: sorted(map(repr, connection.execute(table.select()))) for name, table in tables.metadata.tables.items()}


@pytest.fixture
def copy(database_url: str, tmp_path: Path) -> Path:
    """A copy of a state with some rows, out of either kind of database; the same rows are in it."""
    path = tmp_path / "copy" / "state.sqlite"
    path.parent.mkdir()
    with TradeState(database_url) as state:
        write_some(state)
        with state.begin() as connection:
            save_copy(connection, path)
            wanted = rows_of(connection)
    with TradeState(f"sqlite:///{path}") as copied, copied.begin() as connection:
        assert rows_of(connection) == wanted
        assert connection.execute(select(tables.audit.c.details).order_by(tables.audit.c.id)).scalars().first() == {
            "n": 0,
            "none": None,
            "price": "1.50",
        }
    return path


def test_a_copy_goes_into_postgresql_and_numbering_goes_on(copy: Path, postgresql: str, request: pytest.FixtureRequest) -> None:
    url = create_database(postgresql, f"copied_{abs(hash(request.node.name))}")
    with TradeState(url) as state:
        with state.begin() as connection:
            assert fill_from_copy(copy, connection) == 6
        with TradeState(f"sqlite:///{copy}") as old, old.begin() as reading, state.begin() as connection:
            assert rows_of(connection) == rows_of(reading)
        with state.begin() as connection:
            record(connection, NOW, "test", "after")
            assert connection.execute(select(tables.audit.c.id).order_by(tables.audit.c.id.desc())).scalars().first() == 5
        with state.begin() as connection, pytest.raises(TradeStateError, match="hold rows already"):
            fill_from_copy(copy, connection)


def test_what_a_program_of_another_part_keeps_comes_along(copy: Path, postgresql: str) -> None:
    """A table that this process knows nothing of was not there in the new database, and its rows would have been lost."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("CREATE TABLE unheard_of (id INTEGER PRIMARY KEY, said VARCHAR(16) NOT NULL)")
        connection.execute("INSERT INTO unheard_of VALUES (7, 'hello')")
    url = create_database(postgresql, f"unheard_{abs(hash(str(copy)))}")
    with TradeState(url) as state, state.begin() as connection:
        fill_from_copy(copy, connection)
        found = MetaData()
        found.reflect(connection)
        assert connection.execute(found.tables["unheard_of"].select()).all() == [(7, "hello")]


def test_a_copy_is_kept_before_a_migration_and_is_what_the_older_program_wrote(
    database_url: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration could not be taken back."""
    assert paper_tables.orders.name in tables.metadata.tables
    as_of_version_1(database_url)
    engine = engine_of_url(parse_database(database_url))
    with engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
        wanted = {name: sorted(map(str, connection.execute(table.select()).scalars())) for name, table in found.tables.items()}
    engine.dispose()
    monkeypatch.setenv("DB_CONNECTION_STR", database_url)
    settings = load_settings()
    with open_trade_state(settings) as state, state.begin() as connection:
        migrated = shape(connection)
        rows = rows_of(connection)
    (kept,) = (settings.storage.data / COPIES).iterdir()
    assert kept.name.startswith("trade_state-schema-1-")
    copied = create_engine(f"sqlite:///{kept}")
    assert schema_of(copied) == 1
    with copied.connect() as connection:
        assert {name: sorted(map(str, connection.execute(table.select()).scalars())) for name, table in found.tables.items()} == wanted
    copied.dispose()
    with TradeState(f"sqlite:///{kept}") as again, again.begin() as connection:  # the copy of it migrates as it did
        assert rows_of(connection) == rows
        assert shape(connection).keys() == migrated.keys()
    with open_trade_state(settings):
        assert len(list((settings.storage.data / COPIES).iterdir())) == 1  # nothing to migrate any more


def test_without_a_copy_nothing_is_migrated(database_url: str, tmp_path: Path) -> None:
    as_of_version_1(database_url)
    (tmp_path / "file").touch()
    with pytest.raises(TradeStateError, match="nothing was changed"):
        TradeState(database_url, copies=tmp_path / "file" / COPIES)
    engine = engine_of_url(parse_database(database_url))
    assert schema_of(engine) == 1
    engine.dispose()
