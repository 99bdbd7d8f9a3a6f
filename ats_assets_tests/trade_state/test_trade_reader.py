"""Who only reads the trade state: a snapshot that holds up nobody, makes nothing and writes nothing, on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from ats_assets.errors import TradeStateError
from ats_assets.settings import load_settings
from ats_assets.trade_state import TradeReader, TradeState, TradeStateBusyError, tables
from ats_assets.trade_state.schema import schema_versions

NOW = datetime(2024, 3, 1, 21, 0, tzinfo=UTC)


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    with TradeReader(load_settings(), {"DB_CONNECTION_STR": url}, busy_seconds=0.2) as reader, reader.begin() as connection:
        yield connection


def add_halt(state: TradeState) -> None:
    with state.begin() as connection:
        connection.execute(tables.halts.insert().values(at=NOW, reason="a test"))


def halts(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tables.halts)).scalar_one()


def test_what_is_written_is_read_and_nothing_can_be_written(database_url: str) -> None:
    with TradeState(database_url) as state:
        add_halt(state)
        with reading(database_url) as connection:
            assert halts(connection) == 1
        with pytest.raises(TradeStateError, match="can't be read"), reading(database_url) as connection:
            connection.execute(tables.halts.insert().values(at=NOW, reason="by a reader"))
        with reading(database_url) as connection:
            assert halts(connection) == 1


def test_a_reader_sees_one_state_and_does_not_wait_for_who_writes(database_url: str) -> None:
    """While a writer is in its transaction, and after it has committed, the snapshot stays what it was."""
    with TradeState(database_url) as state:
        add_halt(state)
        with state.begin() as writing:
            writing.execute(tables.halts.insert().values(at=NOW, reason="not committed"))
            with reading(database_url) as connection:
                assert halts(connection) == 1
        with reading(database_url) as connection:
            assert halts(connection) == 2
            add_halt(state)
            assert halts(connection) == 2
        with reading(database_url) as connection:
            assert halts(connection) == 3


def test_a_writer_does_not_wait_for_a_reader(database_url: str) -> None:
    with TradeState(database_url) as state, reading(database_url) as connection:
        assert halts(connection) == 0
        writer = threading.Thread(target=add_halt, args=(state,))
        writer.start()
        writer.join(timeout=20)
        assert not writer.is_alive()


def test_another_schema_is_refused(database_url: str) -> None:
    for version, told in ((1, "ats orders status brings it forward"), (99, "newer one")):
        with TradeState(database_url) as state, state.begin() as connection:
            right = connection.execute(select(schema_versions.c.version)).scalar_one()
            connection.execute(schema_versions.update().values(version=version))
        with pytest.raises(TradeStateError, match=told), reading(database_url):
            pass
        with TradeReaderOff(database_url) as connection:
            connection.execute(schema_versions.update().values(version=right))


class TradeReaderOff:
    """A plain connection, whatever the schema says."""

    def __init__(self, url: str) -> None:
        from sqlalchemy import create_engine  # noqa: PLC0415

        self._engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))

    def __enter__(self) -> Connection:
        self._open = self._engine.begin()
        return self._open.__enter__()

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)
        self._engine.dispose()


def test_an_empty_database_of_another_program_is_said(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    with pytest.raises(TradeStateError, match="no tables yet"), reading(database_url):
        pass


def test_where_nothing_was_traded_there_is_an_empty_state_and_no_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "trade_state.sqlite"
    with reading(f"sqlite:///{file}") as connection:
        assert halts(connection) == 0
    assert not file.parent.exists()


def test_a_server_that_is_gone_can_be_asked_again_and_no_password_is_told() -> None:
    with pytest.raises(TradeStateBusyError) as error, reading("postgresql://ats:s3cret-w0rd@127.0.0.1:1/trading"):
        pass
    assert "s3cret" not in str(error.value)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    file = tmp_path / "trade_state.sqlite"
    file.write_bytes(b"not a database, whatever its name is" * 100)
    with pytest.raises(TradeStateError, match="not a database"), reading(f"sqlite:///{file}"):
        pass
