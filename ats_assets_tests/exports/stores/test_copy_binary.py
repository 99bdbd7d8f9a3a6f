"""COPY's binary form against what PostgreSQL itself makes of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ExportError
from ats_assets.exports.stores.timescale import copy_binary
from ats_assets.exports.stores.timescale.copy_binary import copy_blocks
from ats_assets.exports.stores.timescale.postgresql_types import column_type
from ats_assets.storage.data_version import data_version
from ats_assets_tests.trade_state.databases import create_database

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is told beside it
VALUES = {
    "flag": (pl.Boolean(), st.booleans()),
    "tiny": (pl.Int8(), st.integers(-128, 127)),
    "count": (pl.UInt32(), st.integers(0, 2**32 - 1)),
    "int": (pl.Int32(), st.integers(-(2**31), 2**31 - 1)),
    "long": (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
    "KMID": (pl.Float32(), st.floats(width=32)),
    "score": (pl.Float64(), st.floats()),
    "text": (pl.String(), TEXTS),
    "day": (pl.Date(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "at": (pl.Datetime("us", "UTC"), TIMES),
    "ticked_at": (pl.Datetime("ns", "UTC"), TIMES),
    "levels": (pl.List(pl.Float64()), st.lists(st.none() | st.floats(), max_size=4)),
    "names": (pl.List(pl.String()), st.lists(st.none() | TEXTS, max_size=4)),
}
SCHEMA = pl.Schema({name: dtype for name, (dtype, _) in VALUES.items()})
PLAIN = {"tiny": pl.Int16(), "count": pl.Int64(), "ticked_at": pl.Int64()}


@pytest.fixture(scope="module")
def table(postgresql: str) -> Iterator[psycopg.Connection]:
    columns = ", ".join(f'"{name}" {kind.sql}' for name, dtype in SCHEMA.items() if (kind := column_type(dtype)))
    with psycopg.connect(create_database(postgresql, "copied"), autocommit=True) as connection:
        connection.execute(f"SET TimeZone = 'UTC'; CREATE TABLE copied (number serial, {columns}, constant text)".encode())
        yield connection


def copied(table: psycopg.Connection, frame: pl.DataFrame) -> pl.DataFrame:
    """What a frame is after its way through PostgreSQL; the server itself checks the form of each field."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    with table.transaction(force_rollback=True):
        with table.cursor() as cursor, cursor.copy(f"COPY copied ({names}, constant) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            for block in copy_blocks(frame, ["größer".encode()]):
                copy.write(block)
        with table.cursor(binary=True) as cursor:
            rows = cursor.execute(f"SELECT {names}, constant FROM copied ORDER BY number".encode()).fetchall()
    assert {row[-1] for row in rows} <= {"größer"}
    made = pl.DataFrame([row[:-1] for row in rows], schema={**frame.schema, **PLAIN}, orient="row")
    return made.cast(dict(frame.schema))


@given(st.lists(st.tuples(*(st.none() | values for _, values in VALUES.values())), max_size=8))
def test_what_goes_in_comes_out(table: psycopg.Connection, rows: list[tuple[object, ...]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    assert data_version(copied(table, frame)) == data_version(frame)


def test_blocks_of_any_size_make_the_same_rows(table: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame({"text": [None, "a", "東京", ""] * 25, "score": [1.0, None, 2.5, float("nan")] * 25}, schema_overrides=SCHEMA)
    frame = pl.DataFrame(
        {name: frame.get_column(name) if name in frame.columns else pl.Series([None] * 100, dtype=SCHEMA[name]) for name in SCHEMA}
    )
    for size in (1, 200, 5000):
        monkeypatch.setattr(copy_binary, "BLOCK_BYTES", size)
        assert data_version(copied(table, frame)) == data_version(frame)


def test_a_text_that_postgresql_can_not_store_is_refused_with_its_column() -> None:
    with pytest.raises(ExportError, match="the column reason has a text with the character NUL"):
        list(copy_blocks(pl.DataFrame({"reason": ["a\0b"]})))


def test_a_type_that_no_column_keeps_has_none() -> None:
    assert column_type(pl.UInt64()) is None
    assert column_type(pl.Datetime("ms")) is None
    with pytest.raises(ExportError, match="the column big is of type UInt64"):
        list(copy_blocks(pl.DataFrame({"big": [1]}, schema={"big": pl.UInt64})))
