"""What is asked of the extension TimescaleDB: read by PostgreSQL's own parser on any machine, and run where the extension is installed.

The other tests of the store run the same statements against stubs. A stub takes what it is given: a word that is misspelled outside of a call it would not find, and two statements it
can't take at all. So here each text goes through the parser of a real server, behind a statement that fails before it: the server parses all of a message before it runs
any of it, so what is told is the division by zero if every text can be parsed, and a syntax error if one can't.

With the extension (`ATS_TEST_TIMESCALE` names a database that has it, or the installed PostgreSQL offers it), they are run, and its own catalogue says what came of them.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, ClassVar, get_args

import polars as pl
import psycopg
import pytest
from psycopg import errors

from ats_assets.exports.stores.timescale import TimescaleSettings
from ats_assets.exports.stores.timescale import extension_statements as extension
from ats_assets.exports.stores.timescale.table_statements import DatabaseTable, create_statement, index_statements, ledger_statements
from ats_assets_tests.exports.stores.test_timescale_store import BARS, bars_of, store
from ats_assets_tests.kits.stores import OTHER, TABLE, StoreKit, of_session, partition_of

EXTENDED = "ATS_TEST_TIMESCALE"
STEPS = ("week", "month")


def tables() -> list[DatabaseTable]:
    """With symbols and prices, with symbols alone, of vintages, and with names that need their quotes."""
    return [
        DatabaseTable(schema="ats", name="bars", of=BARS),
        DatabaseTable(schema="ats", name="bars_vintages", of=BARS),
        *(DatabaseTable(schema='o\'ats "2"', name=one.asset, of=one) for one in (TABLE, OTHER)),
    ]


def statements() -> list[str]:
    """All that the store may ask of the extension, by any settings."""
    found = [extension.HAS_EXTENSION]
    for table in tables():
        found += [create_statement(table, hypertable=True), extension.hypertable_statement(table), *index_statements(table)]
        for compress, drop in product([None, 1, 30], [None, 1, 36_500]):
            found += extension.policy_statements(table, TimescaleSettings(compress_after_days=compress, drop_after_days=drop))
        for extended in (True, False):
            found += extension.aggregate_statements(table, TimescaleSettings(aggregates=STEPS), extension=extended)
    return list(dict.fromkeys(found))


def parsed(sql: psycopg.Connection[Any], text: str) -> bool:
    """Whether a server's parser takes a text, of which nothing is run."""
    try:
        sql.execute(f"SELECT 1 / 0; {text}".encode())
    except errors.DivisionByZero:
        return True
    except errors.SyntaxError:
        return False
    raise AssertionError(f"it was run: {text}")


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def test_every_statement_is_sql_by_postgresqls_own_parser(sql: psycopg.Connection[Any]) -> None:
    asked = statements()
    kinds = (
        "create_hypertable",
        "timescaledb.compress_segmentby",
        "add_compression_policy",
        "add_retention_policy",
        "timescaledb.continuous",
    )
    assert all(any(kind in one for one in asked) for kind in (*kinds, "add_continuous_aggregate_policy", "remove_retention_policy"))
    assert set(STEPS) == set(get_args(get_args(TimescaleSettings.model_fields["aggregates"].annotation)[0]))
    assert [one for one in asked if not parsed(sql, one)] == []


def test_a_word_that_is_missing_or_misspelled_is_found(sql: psycopg.Connection[Any]) -> None:
    for one in statements():
        broken = [
            one.replace("SELECT ", "SELCT ", 1),
            one.replace("(", "", 1),
            one.replace(" SET (", " SET ", 1),
            one.replace("AS\n", "\n"),
        ]
        assert not any(parsed(sql, text) for text in broken if text != one), one


def test_what_only_the_extension_knows_is_refused_for_that_alone(sql: psycopg.Connection[Any]) -> None:
    """Past the parser, plain PostgreSQL finds fault with the extension's functions and options, and with nothing else: columns and types are right."""
    table = tables()[0]
    with sql.transaction():
        for text in (*ledger_statements("ats"), create_statement(table, hypertable=True), *index_statements(table)):
            sql.execute(text.encode())
    own = TimescaleSettings(compress_after_days=30, drop_after_days=60, aggregates=STEPS)
    asked = [
        extension.hypertable_statement(table),
        *extension.policy_statements(table, own),
        *extension.aggregate_statements(table, own, extension=True),
    ]
    for text in asked:
        with pytest.raises((errors.UndefinedFunction, errors.InvalidParameterValue, errors.UndefinedTable)) as caught:
            sql.execute(text.encode())
        told = str(caught.value)
        assert 'namespace "timescaledb"' in told or "does not exist" in told
        if isinstance(caught.value, errors.UndefinedTable):
            assert "by_" in told, "the view, which could not be made"


@pytest.fixture
def extended(postgresql: str, database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database with the extension."""
    named = os.environ.get(EXTENDED)
    address = named or database
    with psycopg.connect(address, autocommit=True) as connection:
        offered = connection.execute(b"SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
        if not offered and not named:
            pytest.skip(f"the PostgreSQL here does not offer timescaledb: install it, or name a database that has it by {EXTENDED}")
        try:
            connection.execute(b"CREATE EXTENSION IF NOT EXISTS timescaledb")
        except psycopg.Error as error:
            if named:
                raise
            pytest.skip(f"timescaledb is not preloaded here ({str(error).splitlines()[0]}): name a database that has it by {EXTENDED}")
        connection.execute(b'DROP SCHEMA IF EXISTS "ats" CASCADE')
    monkeypatch.setenv("TIMESCALE_DSN", address)
    return address


def test_the_extension_does_what_is_asked_of_it(extended: str) -> None:
    days = [date(2024, 2, 1) + timedelta(days=n) for n in range(40)]
    wanted = store(compress_after_days=30, drop_after_days=36_500, aggregates=list(STEPS))
    with wanted.connected() as connection:
        assert connection.remarks() == []
        for _ in range(2):
            connection.prepare([BARS])
        for n, day in enumerate(days):
            connection.write([partition_of(bars_of(day, 10.0 + (n * 7) % 11), "bars")])
    with psycopg.connect(extended, autocommit=True) as sql:

        def told(query: str) -> list[tuple[Any, ...]]:
            return sql.execute(query.encode()).fetchall()

        assert told("SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = 'ats' ORDER BY 1") == [
            ("bars",),
            ("bars_vintages",),
        ]
        jobs = told("SELECT proc_name, count(*) FROM timescaledb_information.jobs WHERE hypertable_schema = 'ats' GROUP BY 1")
        kinds = {name.removeprefix("policy_"): count for name, count in jobs}
        assert (kinds["compression"], kinds["retention"]) == (2, 2)
        refreshed = "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate'"
        assert told(refreshed) == [(len(STEPS),)]
        for step in STEPS:
            sql.execute(f"CALL refresh_continuous_aggregate('ats.bars_by_{step}', NULL, NULL)".encode())
            ours = told(f'SELECT symbol, starts::date, open, high, low, close, volume, sessions FROM "ats"."bars_by_{step}" ORDER BY 1, 2')
            assert ours == told(f"{extension.plain_query(tables()[0], step)} ORDER BY 1, 2")
        for (chunk,) in told("SELECT show_chunks('ats.bars')"):
            sql.execute(f"SELECT compress_chunk('{chunk}')".encode())
    with wanted.connected() as connection:  # of compressed chunks, too, a session is replaced as a whole
        connection.prepare([BARS])
        connection.write([partition_of(bars_of(days[3], 50.0), "bars")])
        stored = connection.read(BARS, days[3], bars_of(days[3]).columns)
        assert stored is not None
        assert stored.current.rows.equals(bars_of(days[3], 50.0))


@pytest.mark.usefixtures("extended")
class TestTheStoreOnHypertables(StoreKit):
    """What the kit asks, where the tables are hypertables."""

    name = "timescale"
    unreachable: ClassVar = {"TIMESCALE_DSN": "postgresql://ats:s3cret-of-the-kit@127.0.0.1:1/none"}


def test_its_jobs_compress_and_drop_and_tables_of_compressed_chunks_are_moved_on(extended: str) -> None:
    """Settings that change, a column that a contract gains and a session that is exported again, while older chunks are compressed."""
    today = datetime.now(UTC).date()
    old, middle, new = (today - timedelta(days=n) for n in (400, 70, 1))
    with store(compress_after_days=30).connected() as connection:
        connection.prepare([BARS, TABLE, OTHER])
        for day in (old, middle, new):
            connection.write([partition_of(bars_of(day), "bars"), *of_session(day)])
    with psycopg.connect(extended, autocommit=True) as sql:

        def run_jobs(kind: str) -> None:
            of_kind = f"SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_{kind}' AND hypertable_schema = 'ats'"
            for (job,) in sql.execute(of_kind.encode()).fetchall():
                sql.execute(f"CALL run_job({job})".encode())

        def chunks() -> list[tuple[bool, int]]:
            """How many chunks of the table of bars are compressed, and how many are not."""
            query = (
                "SELECT is_compressed, count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'bars' GROUP BY 1 ORDER BY 1"
            )
            return sql.execute(query.encode()).fetchall()

        run_jobs("compression")
        assert chunks() == [(False, 1), (True, 2)]
        wider = replace(BARS, schema=pl.Schema({**BARS.schema, "turnover": pl.Float64}))
        for own in ({"compress_after_days": 60}, {"compress_after_days": 60, "drop_after_days": 200, "aggregates": list(STEPS)}):
            with store(**own).connected() as connection:
                connection.prepare([wider, TABLE, OTHER])
                rows = bars_of(middle, 20.0).with_columns(turnover=pl.lit(2.0))
                connection.write([partition_of(rows, "bars")])
                for day, table in ((middle, wider), (new, BARS)):
                    stored = connection.read(table, day, list(table.schema))
                    assert stored is not None
                    assert stored.current.rows.equals(rows if day == middle else bars_of(new))
        run_jobs("retention")
        assert sum(count for _, count in chunks()) == 2
        assert sql.execute(b"SELECT DISTINCT session FROM ats.bars ORDER BY 1").fetchall() == [(middle,), (new,)]
