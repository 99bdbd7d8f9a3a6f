import contextlib
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, text

from ats_assets.errors import TradeStateError
from ats_assets.settings import load_settings
from ats_assets.trade_state import SCHEMA_VERSION, TradeState, make_or_move_schema, open_trade_state, record, tables
from ats_assets.trade_state.database import TradeStateBusyError
from ats_assets.trade_state.schema import schema_versions
from ats_assets_tests.rounds import rounds
from ats_assets_tests.trade_state.databases import PostgresServer, create_database

NOW = datetime(2024, 3, 1, 21, 0, 0, 123456, tzinfo=UTC)
SECRET = "s3cret/w0rd"


def snapshot(state: TradeState, **values: object) -> int:
    row = {
        "kind": "baseline",
        "broker": "paper",
        "account_id": "a",
        "at": NOW,
        "cash": Decimal(1),
        "equity": Decimal(1),
        "buying_power": Decimal(1),
    }
    with state.begin() as connection:
        return connection.execute(tables.account_snapshots.insert().values(trading_blocked=False, **(row | values))).inserted_primary_key[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=rounds(15, 40))
@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**15), max_value=10**15))
def test_a_decimal_comes_back_as_it_was_given(database_url: str, value: Decimal) -> None:
    with TradeState(database_url) as state:
        key = snapshot(state, cash=value)
        with state.begin() as connection:
            found = connection.execute(select(tables.account_snapshots.c.cash).where(tables.account_snapshots.c.id == key)).scalar_one()
    assert found == value
    assert found.as_tuple().digits[-1:] == value.as_tuple().digits[-1:]  # to the last digit, zeros too


def test_a_time_comes_back_as_utc_and_a_naive_one_is_refused(database_url: str) -> None:
    with TradeState(database_url) as state:
        snapshot(state, at=NOW.astimezone(timezone(timedelta(hours=-5))))
        with state.begin() as connection:
            found = connection.execute(select(tables.account_snapshots.c.at)).scalar_one()
        assert found == NOW
        assert found.tzinfo is UTC
        with pytest.raises(Exception, match="no time zone"):
            snapshot(state, at=NOW.replace(tzinfo=None))
        with pytest.raises(Exception, match="not a finite Decimal"):
            snapshot(state, cash=0.1)


def test_a_transaction_that_raises_leaves_nothing(database_url: str) -> None:
    with TradeState(database_url) as state:
        with contextlib.suppress(RuntimeError), state.begin() as connection:
            record(connection, NOW, "test", "planned")
            raise RuntimeError
        with state.begin() as connection:
            assert connection.execute(select(func.count()).select_from(tables.audit)).scalar_one() == 0


def test_the_audit_trail_writes_what_json_lacks_as_text(database_url: str) -> None:
    with TradeState(database_url) as state:
        with state.begin() as connection:
            record(
                connection,
                NOW,
                "test",
                "planned",
                client_order_id="id",
                details={"quantity": Decimal("1.50"), "session": date(2024, 3, 1), "n": 3, "none": None},
            )
        with state.begin() as connection:
            row = connection.execute(tables.audit.select()).one()
    assert row.details == {"quantity": "1.50", "session": "2024-03-01", "n": 3, "none": None}


def test_writers_at_once_wait_for_one_another(database_url: str) -> None:
    """A counter raised by read and write in one transaction: on SQLite the lock is taken before the read, on PostgreSQL with it."""
    with TradeState(database_url) as state:
        with state.begin() as connection:
            connection.execute(tables.leases.insert().values(name="n", holder=None, token=0, expires_at=NOW))

        def work() -> None:
            with TradeState(database_url) as own:
                for _ in range(20):
                    with own.begin() as connection:
                        token = connection.execute(select(tables.leases.c.token).with_for_update()).scalar_one()
                        connection.execute(tables.leases.update().values(token=token + 1))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with state.begin() as connection:
            assert connection.execute(select(tables.leases.c.token)).scalar_one() == 80


def test_opened_by_several_at_once_the_schema_is_made_once(database_url: str) -> None:
    faults: list[BaseException] = []

    def work() -> None:
        try:
            TradeState(database_url).close()
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with TradeState(database_url) as state, state.begin() as connection:
        assert connection.execute(schema_versions.select()).all() == [(SCHEMA_VERSION,)]


def test_a_newer_schema_is_refused_and_an_older_one_moved(database_url: str) -> None:
    with TradeState(database_url) as state:
        with state.begin() as connection:
            connection.execute(schema_versions.update().values(version=SCHEMA_VERSION + 1))
        with pytest.raises(TradeStateError, match=f"schema {SCHEMA_VERSION + 1}, this program knows {SCHEMA_VERSION}"):
            TradeState(database_url)
        later = SCHEMA_VERSION + 3
        migrations = {
            SCHEMA_VERSION + 1: lambda connection: connection.execute(text("ALTER TABLE halts ADD COLUMN first INTEGER")),
            SCHEMA_VERSION + 2: lambda connection: connection.execute(text("ALTER TABLE halts ADD COLUMN second INTEGER")),
        }
        with pytest.raises(TradeStateError, match="no way from"), state.begin() as connection:
            make_or_move_schema(connection, version=later + 1, migrations=migrations)
        with state.begin() as connection:
            assert "first" not in {column["name"] for column in inspect(connection).get_columns("halts")}  # all or nothing
            make_or_move_schema(connection, version=later, migrations=migrations)
        with state.begin() as connection:
            assert connection.execute(schema_versions.select()).scalar_one() == later
            assert {"first", "second"} <= {column["name"] for column in inspect(connection).get_columns("halts")}


def test_sqlite_writes_through_to_the_disk(tmp_path: Path) -> None:
    with TradeState(f"sqlite:///{tmp_path / 'new' / 'state.sqlite'}") as state, state.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_new_file_that_another_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself does not wait there, whatever its busy_timeout: turning to WAL with the write lock taken fails at once."""
    path = tmp_path / "state.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE unrelated (x)")
    other.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    later.start()
    with TradeState(f"sqlite:///{path}") as state, state.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    later.join()
    other.close()


def test_the_default_lies_in_the_data_folder(home: Path) -> None:
    loaded = load_settings()
    with open_trade_state(loaded, {}) as state:
        assert "trade_state.sqlite" in repr(state)
    assert (loaded.storage.data / "trade_state.sqlite").is_file()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://user:s3cret%2Fw0rd@host/db", "only sqlite and postgresql"),
        ("sqlite://", "without a file"),
        ("sqlite:///:memory:", "without a file"),
        ("postgresql://user:s3cret%2Fw0rd@127.0.0.1:1/db", "db on 127.0.0.1"),
        ("postgresql://user@127.0.0.1:1/db?password=s3cret%2Fw0rd", "db on 127.0.0.1"),
        ("postgresql://user:s3cret%2Fw0rd@127.0.0.1:notaport/db", "not a database URL"),
    ],
)
def test_no_error_shows_the_password(home: Path, url: str, message: str) -> None:
    with pytest.raises(TradeStateError, match=message) as caught:
        open_trade_state(load_settings(), {"DB_CONNECTION_STR": url})
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert url == "sqlite://" or url not in f"{error!r} {error}"
        error = None if error.__suppress_context__ and error.__cause__ is None else error.__cause__ or error.__context__


def test_neither_the_state_nor_its_engine_shows_the_password(postgresql: str) -> None:
    with TradeState(f"{postgresql}/postgres") as state:
        assert "p4ss-of-the-test" not in f"{state!r} {state.engine!r} {state.engine.url} {state.description}"
    with pytest.raises(TradeStateError, match=r"Correct the user and the password in DB_CONNECTION_STR, and start") as caught:
        TradeState(f"{postgresql}x/postgres".replace("p4ss-of-the-test", "wr0ng").replace("x/", "/"))
    assert "wr0ng" not in str(caught.value)


def test_a_server_that_restarts_costs_the_transaction_that_was_open_and_no_other(postgresql_running: PostgresServer) -> None:
    """What was committed is there once, what was not is not there at all, and the next transaction needs nobody to open anything again."""

    def lines(of: TradeState) -> list[str]:
        with of.begin() as connection:
            return list(connection.execute(select(tables.audit.c.what).order_by(tables.audit.c.id)).scalars())

    with TradeState(create_database(postgresql_running.url, "restarted_trades")) as state:
        with state.begin() as connection:
            record(connection, NOW, "test", "committed")

        def cut_off() -> None:
            with state.begin() as connection:
                record(connection, NOW, "test", "open")
                postgresql_running.restart()

        with pytest.raises(
            TradeStateBusyError, match=r"the trade state restarted_trades on 127\.0\.0\.1 \(PostgreSQL\) fails: AdminShutdown"
        ):
            cut_off()
        assert lines(state) == ["committed"]
        with state.begin() as connection:
            record(connection, NOW, "test", "after")
        assert lines(state) == ["committed", "after"]
