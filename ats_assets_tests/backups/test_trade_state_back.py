"""A trade state comes back halted, migrated, without a lease, into either kind of database; what was there is kept."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from ats_assets.backups import restore_trade_state
from ats_assets.errors import BackupError, TradeStateError
from ats_assets.execution.halts import open_halt
from ats_assets.trade_state import SCHEMA_VERSION, TradeState, record, tables
from ats_assets.trade_state.schema import schema_versions
from ats_assets_tests.trade_state.test_migrations import as_of_version_1

NOW = datetime(2026, 11, 30, 2, 15, tzinfo=UTC)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A trade state as the first program has left it, with a holder of the lease."""
    path = tmp_path / "older" / "trade_state-schema-1-2024-03-05T000000Z.sqlite"
    path.parent.mkdir()
    as_of_version_1(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO leases VALUES ('executor', 'somebody', 7, '2099-01-01 00:00:00.000000')")
    return path


def test_an_older_one_goes_into_an_empty_database_halted(database_url: str, older: Path) -> None:
    content = older.read_bytes()
    assert restore_trade_state(older, database_url, reason="restored", now=NOW) is None
    assert older.read_bytes() == content
    with TradeState(database_url) as state:
        halted = open_halt(state)
        assert halted is not None
        assert (halted.reason, halted.at) == ("restored", NOW)
        with state.begin() as connection:
            assert connection.execute(schema_versions.select()).scalar_one() == SCHEMA_VERSION
            assert connection.execute(select(tables.leases.c.holder, tables.leases.c.token)).all() == [(None, 7)]
            assert connection.execute(select(tables.fills.c.fill_id)).scalars().all() == ["f"]
            assert connection.execute(select(tables.audit.c.what)).scalars().all() == ["halted", "restored"]


def test_what_is_there_is_replaced_only_on_request_and_kept(database_url: str, older: Path) -> None:
    with TradeState(database_url) as state, state.begin() as connection:
        record(connection, NOW, "test", "the newer one")
    with pytest.raises(BackupError, match="--replace"):
        restore_trade_state(older, database_url, reason="restored", now=NOW)
    with TradeState(database_url) as state:
        assert open_halt(state) is None
    moved = restore_trade_state(older, database_url, reason="restored", replace=True, now=NOW)
    assert moved is not None
    with TradeState(database_url) as state, state.begin() as connection:
        assert "the newer one" not in connection.execute(select(tables.audit.c.what)).scalars().all()
        if database_url.startswith("postgresql"):
            schema = moved.split()[2]
            assert connection.execute(text(f'SELECT what FROM "{schema}".audit')).scalars().all() == ["the newer one"]
            assert set(inspect(connection).get_table_names(schema=schema)) >= {"intents", "audit", "schema_version"}
    if database_url.startswith("sqlite"):
        with TradeState(f"sqlite:///{moved}") as kept, kept.begin() as connection:
            assert connection.execute(select(tables.audit.c.what)).scalars().all() == ["the newer one"]
    again = restore_trade_state(older, database_url, reason="once more", replace=True, now=NOW + timedelta(seconds=1))
    assert again != moved


def test_what_is_no_trade_state_or_of_a_newer_program_is_refused(database_url: str, older: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no trade state"):
        restore_trade_state(tmp_path / "nothing", database_url, reason="restored")
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.execute("UPDATE schema_version SET version = 999")
    with pytest.raises(TradeStateError, match="use the program that wrote it"):
        restore_trade_state(older, database_url, reason="restored")
    if database_url.startswith("sqlite"):
        assert not Path(database_url.removeprefix("sqlite:///")).exists()
