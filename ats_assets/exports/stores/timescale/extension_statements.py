"""What is asked of the extension TimescaleDB, or, for aggregates, of plain PostgreSQL in its place."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ats_assets.exports.stores.timescale.table_statements import CHUNK, PRICES, DatabaseTable, quoted, text_literal

if TYPE_CHECKING:
    from ats_assets.exports.stores.timescale import TimescaleSettings

HAS_EXTENSION = "SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'create_hypertable')"
_STEP = {"week": "7 days", "month": "1 month"}


def hypertable_statement(table: DatabaseTable) -> str:
    """The table as a hypertable, one chunk a month; in the form that all versions of the extension take."""
    return (
        f"SELECT create_hypertable({text_literal(table.full_name)}::regclass, 'session', "
        f"chunk_time_interval => INTERVAL '{CHUNK}', if_not_exists => TRUE)"
    )


def policy_statements(table: DatabaseTable, own: "TimescaleSettings") -> Iterator[str]:
    """Compression and retention as the settings want them, in the place of what was asked before."""
    name = f"{text_literal(table.full_name)}::regclass"
    yield f"SELECT remove_compression_policy({name}, if_exists => TRUE)"
    yield f"SELECT remove_retention_policy({name}, if_exists => TRUE)"
    if own.compress_after_days is not None:
        by = ", timescaledb.compress_segmentby = 'symbol'" if "symbol" in table.of.schema else ""
        order = "session DESC, vintage_known_at, row_number"
        yield f"ALTER TABLE {table.full_name} SET (timescaledb.compress{by}, timescaledb.compress_orderby = '{order}')"
        yield f"SELECT add_compression_policy({name}, INTERVAL '{own.compress_after_days} days', if_not_exists => TRUE)"
    if own.drop_after_days is not None:
        yield f"SELECT add_retention_policy({name}, INTERVAL '{own.drop_after_days} days', if_not_exists => TRUE)"


def aggregate_statements(table: DatabaseTable, own: "TimescaleSettings", *, extension: bool) -> Iterator[str]:
    """Bars of a week or a month; none of a table of vintages, in which a session can be there twice."""
    if table.name != table.of.asset or not {"symbol", *PRICES} <= set(table.of.schema):
        return
    for step in own.aggregates:
        name = f"{quoted(table.schema)}.{quoted(f'{table.name}_by_{step}')}"
        if extension:
            yield (
                f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} WITH (timescaledb.continuous) AS\n"
                f"{continuous_query(table, step)}\nWITH NO DATA"
            )
            yield (  # no start: a session of years ago that is exported again is brought up to date, too
                f"SELECT add_continuous_aggregate_policy({text_literal(name)}::regclass, start_offset => NULL, end_offset => INTERVAL '1 day', "
                "schedule_interval => INTERVAL '1 hour', if_not_exists => TRUE)"
            )
        else:
            yield f"CREATE OR REPLACE VIEW {name} AS\n{plain_query(table, step)}"


def continuous_query(table: DatabaseTable, step: str) -> str:
    """The bars of a continuous aggregate."""
    bucket = f"time_bucket(INTERVAL '{_STEP[step]}', \"session\")"
    return (
        f'SELECT "symbol", {bucket} AS "starts", first("open", "session") AS "open", max("high") AS "high", min("low") AS "low",\n'
        f'    last("close", "session") AS "close", sum("volume") AS "volume", count(*) AS "sessions"\n'
        f'FROM {table.full_name} GROUP BY "symbol", {bucket}'
    )


def plain_query(table: DatabaseTable, step: str) -> str:
    """The same bars of plain PostgreSQL."""
    bucket = f"date_trunc('{step}', \"session\"::timestamp)::date"
    return (
        f'SELECT "symbol", {bucket} AS "starts", (array_agg("open" ORDER BY "session"))[1] AS "open", max("high") AS "high",\n'
        f'    min("low") AS "low", (array_agg("close" ORDER BY "session" DESC))[1] AS "close", sum("volume") AS "volume", count(*) AS "sessions"\n'
        f'FROM {table.full_name} GROUP BY "symbol", {bucket}'
    )
