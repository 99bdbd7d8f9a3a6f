"""The tables in a real PostgreSQL: the kit, and what happens to them. Of the extension only what plain PostgreSQL can prove: see the last tests."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import psycopg
import pytest

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedTable, ExportStore, StorePlace
from ats_assets.exports.stores.timescale import TimescaleSettings
from ats_assets.exports.stores.timescale import extension_statements as extension
from ats_assets.exports.stores.timescale.table_preparing import TablePreparing
from ats_assets.exports.stores.timescale.table_statements import DatabaseTable
from ats_assets.plugins import STORES
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets_tests.kits.stores import (
    DAYS,
    OTHER,
    SCHEMA,
    TABLE,
    StoreKit,
    content,
    of_session,
    partition_of,
    rows_of,
    seed_of,
    version_of,
)
from ats_assets_tests.rounds import rounds

SESSION = DAYS[-1]
BARS = ExportedTable(asset="bars", schema=BARS_SCHEMA, told={"close": "of the session"}, keeps_vintages=True)


def store(prefix: str = "", **own: object) -> ExportStore:
    return STORES.made("timescale", own, None, "exports.timescale", StorePlace(export="timescale", prefix=prefix))


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def bars_of(session: date, close: float = 10.0) -> pl.DataFrame:
    numbers = {name: close for name, dtype in BARS_SCHEMA.items() if dtype.is_float()}
    rows = [{"symbol": symbol, "session": session, **numbers} for symbol in ("A", "B")]
    return pl.DataFrame(rows, schema=BARS_SCHEMA)


@pytest.mark.usefixtures("database")
class TestTimescaleStore(StoreKit):
    name = "timescale"
    unreachable: ClassVar = {"TIMESCALE_DSN": "postgresql://ats:s3cret-of-the-kit@127.0.0.1:1/none"}


def test_the_columns_say_which_version_a_row_is_of_and_what_the_contract_says_of_it(sql: psycopg.Connection[Any]) -> None:
    known = datetime(2024, 3, 4, 21, 30, tzinfo=UTC)
    with store().connected() as connection:
        connection.prepare([TABLE])
        connection.write([partition_of(rows_of(SESSION), code="c0de1", known=known)])
    version = partition_of(rows_of(SESSION)).current.data_version
    query = "SELECT DISTINCT vintage_known_at, data_version, code_version FROM ats.features"
    assert sql.execute(query.encode()).fetchall() == [(known, version, "c0de1")]
    comment = b"SELECT col_description('ats.features'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'ats.features'::regclass AND attname = %s"
    assert [sql.execute(comment, [name]).fetchone() for name in ("score", "at", "data_version")] == [
        ("what it's worth",),
        ("nanoseconds since 1970-01-01 UTC",),
        ("SHA-256 of the rows of this version of the partition",),
    ]


def test_months_are_partitions(sql: psycopg.Connection[Any]) -> None:
    days = [date(2023, 12, 29), date(2024, 1, 2), date(2024, 2, 29)]
    with store().connected() as connection:
        connection.prepare([TABLE, OTHER])
        for day in days:
            connection.write(of_session(day))
    found = sql.execute(b"SELECT tableoid::regclass::text, count(*) FROM ats.features GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [("features_2023_12", 40), ("features_2024_01", 40), ("features_2024_02", 40)]


def test_the_same_versions_are_not_written_twice_and_again_writes_them(sql: psycopg.Connection[Any]) -> None:
    def written() -> datetime:
        row = sql.execute(b"SELECT max(exported_at) FROM ats.exported_partitions").fetchone()
        assert row is not None
        return row[0]

    with store().connected() as connection:
        connection.prepare([TABLE, OTHER])
        assert connection.write(of_session(SESSION)) == 80
        first = written()
        assert connection.write(of_session(SESSION)) is None
        assert written() == first
        sql.execute(b"DELETE FROM ats.features WHERE symbol = 'S003'")  # by hand
        assert connection.write(of_session(SESSION)) is None
        assert connection.write(of_session(SESSION), again=True) == 80
        assert seed_of(connection, SESSION) == "0"
        assert written() > first


def test_of_a_delivery_the_table_has_what_its_session_reads_and_the_vintages_beside_it(sql: psycopg.Connection[Any]) -> None:
    early, late = datetime(2024, 3, 4, 21, tzinfo=UTC), datetime(2024, 3, 9, 12, tzinfo=UTC)
    first, second = (version_of(bars_of(SESSION, close), known=known) for close, known in ((10.0, early), (5.0, late)))
    alone = partition_of(first.rows, "bars", known=early)
    with store().connected() as connection:
        connection.prepare([BARS])
        connection.write([replace(alone, vintages=(first,))])
        assert connection.write([replace(alone, vintages=(first, second))]) == 6  # a restatement that the session does not know
        found = connection.read(BARS, SESSION, BARS_SCHEMA.names())
    assert found is not None
    assert [one.data_version for one in (found.current, *found.vintages)] == [first.data_version, first.data_version, second.data_version]
    assert sql.execute(b"SELECT DISTINCT close FROM ats.bars").fetchall() == [(10.0,)]
    as_of = b"""
        SELECT DISTINCT ON (symbol) symbol, close FROM ats.bars_vintages WHERE session = '2024-03-04' AND vintage_known_at <= %s
        ORDER BY symbol, vintage_known_at DESC
    """
    assert sql.execute(as_of, [late - timedelta(days=1)]).fetchall() == [("A", 10.0), ("B", 10.0)]
    assert sql.execute(as_of, [late]).fetchall() == [("A", 5.0), ("B", 5.0)]


def test_an_exporter_that_is_killed_midway_leaves_whole_sessions(database: str) -> None:
    """kill -9 of a process that writes one session over and over, at random moments."""
    program = "from ats_assets_tests.exports.stores.endless_writer import main; main('timescale')"
    for turn in range(rounds(2, 15)):
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(0.05 + 0.11 * turn)
        process.kill()
        process.wait()
        process.stdout.close()
        with store().connected() as connection:
            connection.prepare([TABLE, OTHER])
            seed_of(connection, SESSION)
            connection.write(of_session(SESSION, 1000 + turn))
            assert seed_of(connection, SESSION) == str(1000 + turn)
    with psycopg.connect(database) as sql:
        assert sql.execute(b"SELECT count(*), sum(rows) FROM ats.exported_partitions").fetchone() == (2, 80)


def test_a_server_that_goes_down_in_the_copy_leaves_the_session_as_it_was(sql: psycopg.Connection[Any]) -> None:
    """The backend is killed with -9: PostgreSQL ends all connections, recovers, and comes back."""
    own = TimescaleSettings()
    with store().connected() as connection:
        connection.prepare([TABLE, OTHER])
        connection.write(of_session(SESSION, 1))
        copy = connection._copy  # pyright: ignore[reportAttributeAccessIssue]
        inner = connection._connection  # pyright: ignore[reportAttributeAccessIssue]

        def killed_in_the_second(table: DatabaseTable, version: Any) -> None:
            if table.name == "predictions":
                os.kill(inner.info.backend_pid, signal.SIGKILL)
                time.sleep(0.2)
            copy(table, version)

        connection._copy = killed_in_the_second  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(StoreUnreachableError, match=r"can't be reached, or went away .*: start it, or correct TIMESCALE_DSN"):
            connection.write(of_session(SESSION, 2))
    for _ in range(100):
        try:
            with store().connected() as connection:
                connection.prepare([TABLE, OTHER])
                assert seed_of(connection, SESSION) == "1"
                connection.write(of_session(SESSION, 2))
                assert seed_of(connection, SESSION) == "2"
                break
        except StoreUnreachableError:
            time.sleep(0.1)
    else:
        pytest.fail("PostgreSQL did not come back")
    assert own.timeout_seconds == 300


def test_an_exporter_that_another_one_keeps_waiting_gives_up_with_the_reason(sql: psycopg.Connection[Any]) -> None:
    with store(timeout_seconds=1).connected() as connection:
        connection.prepare([TABLE, OTHER])
        connection.write(of_session(SESSION, 1))
        with sql.transaction():
            sql.execute(b"LOCK TABLE ats.features IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnreachableError, match="took longer than timeout_seconds"):
                connection.write(of_session(SESSION, 2))
        assert seed_of(connection, SESSION) == "1"


def test_two_processes_make_the_tables_at_once(database: str) -> None:
    errors = list[BaseException]()

    def prepare() -> None:
        try:
            with store().connected() as connection:
                connection.prepare([TABLE, OTHER, BARS])
                connection.write(of_session(SESSION))
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def test_a_column_of_another_type_and_a_strangers_table_are_refused(sql: psycopg.Connection[Any]) -> None:
    with store().connected() as connection:
        connection.prepare([OTHER])
        other = replace(OTHER, schema=pl.Schema({**OTHER.schema, "score": pl.String}))
        with pytest.raises(
            ExportError, match=r'the column score of "ats"."predictions" is double precision, and by the contract text: rename'
        ):
            connection.prepare([other])
        sql.execute(b"CREATE TABLE ats.features (symbol text)")
        with pytest.raises(ExportError, match="is no table of this program: choose another schema_name"):
            connection.prepare([TABLE])


def test_what_is_too_old_is_dropped_by_the_month_and_not_exported(sql: psycopg.Connection[Any]) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=n) for n in (400, 40, 1)]
    with store().connected() as connection:
        connection.prepare([TABLE, OTHER])
        for day in days:
            connection.write(of_session(day))
    short = store(drop_after_days=90)
    assert short.kept(days) == days[1:]
    with short.connected() as connection:
        connection.prepare([TABLE, OTHER])
        assert [content(connection, day) is not None and content(connection, day).rows.height for day in days] == [0, 40, 40]  # pyright: ignore[reportOptionalMemberAccess]


def test_graphs_with_prefixes_have_schemas_of_their_own(sql: psycopg.Connection[Any]) -> None:
    for prefix in ("", "crypto"):
        with store(prefix).connected() as connection:
            connection.prepare([OTHER])
    found = sql.execute(b"SELECT schemaname FROM pg_tables WHERE tablename = 'predictions' ORDER BY 1").fetchall()
    assert found == [("ats",), ("ats_crypto",)]


def test_what_no_type_keeps_as_it_is_is_refused_by_name() -> None:
    for extra, said in (
        ({"big": pl.UInt64}, "the column big of type UInt64"),
        ({"data_version": pl.String}, "a column data_version"),
        ({"x" * 64: pl.Float64}, "a column xxx"),
    ):
        with pytest.raises(SettingsError, match=said):
            store().require_exportable(ExportedTable(asset="x", schema=pl.Schema({**SCHEMA, **extra})))
    store().require_exportable(TABLE)


def test_a_wrong_address_or_password_says_what_to_correct(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMESCALE_DSN", database.replace("p4ss-of-the-test", "wrong-s3cret"))
    with pytest.raises(ExportError, match=r"refuses the connection .*: correct TIMESCALE_DSN") as caught, store().connected():
        pass
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("TIMESCALE_DSN", "not an address")
    with pytest.raises(ExportError, match="TIMESCALE_DSN is no address of PostgreSQL"), store().connected():
        pass


def test_without_an_address_libpqs_own_variables_say_where(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = psycopg.conninfo.conninfo_to_dict(database)
    monkeypatch.delenv("TIMESCALE_DSN")
    for name in ("host", "port", "user", "password"):
        monkeypatch.setenv(f"PG{name.upper()}", str(told[name]))
    monkeypatch.setenv("PGDATABASE", str(told["dbname"]))
    with store().connected() as connection:
        connection.prepare([OTHER])


STUBS = b"""
CREATE TABLE asked (what text);
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, chunk_time_interval interval, if_not_exists boolean) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO asked VALUES ('hypertable ' || $1 || ' ' || $2 || ' ' || $3) $$;
CREATE FUNCTION remove_compression_policy(hypertable regclass, if_exists boolean) RETURNS void LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION remove_retention_policy(relation regclass, if_exists boolean) RETURNS void LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION add_compression_policy(hypertable regclass, compress_after interval, if_not_exists boolean) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO asked VALUES ('compress ' || $1 || ' ' || $2) $$;
CREATE FUNCTION add_retention_policy(relation regclass, drop_after interval, if_not_exists boolean) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO asked VALUES ('drop ' || $1 || ' ' || $2) $$;
CREATE FUNCTION add_continuous_aggregate_policy(aggregate regclass, start_offset interval, end_offset interval, schedule_interval interval,
    if_not_exists boolean) RETURNS void LANGUAGE sql AS $$ INSERT INTO asked VALUES ('refresh ' || $1) $$;
CREATE FUNCTION time_bucket(width interval, day date) RETURNS date LANGUAGE sql IMMUTABLE
    AS $$ SELECT date_trunc(CASE WHEN width = '1 month' THEN 'month' ELSE 'week' END, day::timestamp)::date $$;
CREATE AGGREGATE first(double precision, date) (SFUNC = ordered_first, STYPE = double precision[], FINALFUNC = ordered_value);
"""
"""Functions of the extension, with the parameters that its documentation gives them; they note what they were asked for."""
ORDERED = b"""
CREATE FUNCTION ordered_first(state double precision[], value double precision, day date) RETURNS double precision[] LANGUAGE sql AS $$
    SELECT CASE WHEN state IS NULL OR day - '2000-01-01'::date < state[1] THEN ARRAY[day - '2000-01-01'::date, value] ELSE state END $$;
CREATE FUNCTION ordered_last(state double precision[], value double precision, day date) RETURNS double precision[] LANGUAGE sql AS $$
    SELECT CASE WHEN state IS NULL OR day - '2000-01-01'::date > state[1] THEN ARRAY[day - '2000-01-01'::date, value] ELSE state END $$;
CREATE FUNCTION ordered_value(state double precision[]) RETURNS double precision LANGUAGE sql AS $$ SELECT state[2] $$;
CREATE AGGREGATE last(double precision, date) (SFUNC = ordered_last, STYPE = double precision[], FINALFUNC = ordered_value);
"""


@pytest.fixture
def stubbed(sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection[Any]:
    """A database that has the extension's functions, as stubs. Its user is called as the schema, so that names of tables are told without it.

    Two statements are no functions, and plain PostgreSQL has no stub for their grammar: `ALTER TABLE … SET (timescaledb.…)`, and the `WITH (timescaledb.continuous)` of a
    view. The first is compared as a text, of the second the query runs as an ordinary materialized view.
    """
    sql.execute(ORDERED)
    sql.execute(STUBS)
    run = TablePreparing._run

    def without_its_grammar(self: TablePreparing, statements: Any) -> None:
        for statement in statements:
            if "timescaledb.compress" in statement:
                sql.execute(b"INSERT INTO public.asked VALUES (%s)", [statement])
            else:
                run(self, [statement.replace(" WITH (timescaledb.continuous)", "")])

    monkeypatch.setattr(TablePreparing, "_run", without_its_grammar)
    return sql


def test_with_the_extension_tables_are_hypertables_with_its_policies(stubbed: psycopg.Connection[Any]) -> None:
    wanted = store(compress_after_days=30, drop_after_days=36_500, aggregates=["month"])
    with wanted.connected() as connection:
        assert connection.remarks() == []
        for _ in range(2):  # what is asked for already is not asked again
            connection.prepare([BARS])
        connection.write([partition_of(bars_of(SESSION), "bars")])
    assert [what for (what,) in stubbed.execute(b"SELECT what FROM asked").fetchall()] == [
        "hypertable bars session 1 mon",
        'ALTER TABLE "ats"."bars" SET (timescaledb.compress, timescaledb.compress_segmentby = \'symbol\', '
        "timescaledb.compress_orderby = 'session DESC, vintage_known_at, row_number')",
        "compress bars 30 days",
        "drop bars 36500 days",
        "refresh bars_by_month",
        "hypertable bars_vintages session 1 mon",
        'ALTER TABLE "ats"."bars_vintages" SET (timescaledb.compress, timescaledb.compress_segmentby = \'symbol\', '
        "timescaledb.compress_orderby = 'session DESC, vintage_known_at, row_number')",
        "compress bars_vintages 30 days",
        "drop bars_vintages 36500 days",
    ]
    assert stubbed.execute(b"SELECT count(*) FROM pg_inherits WHERE inhparent = 'ats.bars'::regclass").fetchone() == (0,)
    with store(compress_after_days=60).connected() as connection:  # other settings are asked for in the place of these
        connection.prepare([BARS])
    assert ("compress bars 60 days",) in stubbed.execute(b"SELECT what FROM asked").fetchall()


@pytest.mark.parametrize("step", ["week", "month"])
def test_continuous_aggregates_and_plain_views_are_the_same_bars(stubbed: psycopg.Connection[Any], step: str) -> None:
    table = DatabaseTable(schema="ats", name="bars", of=BARS)
    days = [date(2024, 2, 1) + timedelta(days=n) for n in range(40)]
    with store().connected() as connection:
        connection.prepare([BARS])
        for n, day in enumerate(days):
            connection.write([partition_of(bars_of(day, 10.0 + (n * 7) % 11), "bars")])
    ours, plain = (
        stubbed.execute(f"{query(table, step)} ORDER BY 1, 2".encode()).fetchall()
        for query in (extension.continuous_query, extension.plain_query)
    )
    assert ours == plain
    frame = pl.concat([bars_of(day, 10.0 + (n * 7) % 11) for n, day in enumerate(days)])
    every = {"week": "1w", "month": "1mo"}[step]
    expected = frame.group_by("symbol", pl.col("session").dt.truncate(every), maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum(), n=pl.len()
    )
    assert [tuple(row) for row in plain] == expected.sort("symbol", "session").rows()


def test_without_the_extension_a_wish_for_compression_is_told_of(database: str) -> None:
    with store(compress_after_days=30).connected() as connection:
        assert "nothing is compressed" in connection.remarks()[0]
        connection.prepare([OTHER])
