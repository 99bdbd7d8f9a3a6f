"""The test kit of stores: what every one must do that takes what is exported.

    class TestMine(StoreKit):
        name, own, folder = "mine", {"path": "copies"}, Path("plugins")

The environment names the server that the test has started, as the store's settings say.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from ats_assets.errors import AtsError, StoreUnreachableError
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, ExportStore, StoreConnection, StorePlace
from ats_assets.plugins import STORES, Plugin
from ats_assets.storage.data_version import data_version
from ats_assets_tests.kits.settings import judge_settings

DAYS = [date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "KMID": pl.Float32,
        "score": pl.Float64,
        "rank": pl.UInt32,
        "sign": pl.Int8,
        "count": pl.Int64,
        "is_member": pl.Boolean,
        "reason": pl.String,
        "model_session": pl.Date,
        "known_at": pl.Datetime("us", "UTC"),
        "at": pl.Datetime("ns", "UTC"),
    }
)
"""Columns of each type that features and predictions have."""
TABLE = ExportedTable(asset="features", schema=SCHEMA, told={"score": "what it's worth"})
OTHER = ExportedTable(asset="predictions", schema=pl.Schema({"symbol": pl.String, "session": pl.Date, "score": pl.Float64}))


def rows_of(session: date, seed: int = 0, count: int = 40, schema: pl.Schema = SCHEMA) -> pl.DataFrame:
    """Rows with nulls, NaN, infinities, zeros of both signs, letters of several alphabets."""
    random = np.random.default_rng([seed, session.toordinal()])
    numbers = random.standard_normal(count)
    numbers[:5] = [np.nan, np.inf, -np.inf, 0.0, -0.0][: min(5, count)]
    moments = [datetime(2024, 3, 1, 21, tzinfo=UTC) + timedelta(microseconds=int(i)) for i in random.integers(0, 10**12, count)]
    values: dict[str, Any] = {
        "symbol": [f"S{i:03d}" for i in range(count)],
        "session": [session] * count,
        "KMID": numbers,
        "score": numbers[::-1],
        "rank": random.integers(0, 2**32, count),
        "sign": random.integers(-1, 2, count),
        "count": random.integers(-(2**62), 2**62, count),
        "is_member": random.random(count) < 0.5,
        "reason": [["", "held", "größer", "東京 'x'"][i] for i in random.integers(0, 4, count)],
        "model_session": [session - timedelta(days=int(i)) for i in random.integers(0, 20_000, count)],
        "known_at": moments,
        "at": random.integers(0, 2**62, count),
    }
    made = pl.DataFrame({name: pl.Series(name, values[name], strict=False) for name in schema}).cast(dict(schema))
    holes = pl.Series(random.random(count) < 0.2)
    return made.with_columns(
        pl.when(holes).then(None).otherwise(pl.col(name)).alias(name) for name in schema if name not in {"symbol", "session"}
    )


def version_of(rows: pl.DataFrame, *, code: str = "c0de", model: str = "", known: datetime | None = None) -> ExportedVersion:
    known = known or datetime(2024, 3, 1, 21, tzinfo=UTC)
    return ExportedVersion(known_at=known, data_version=data_version(rows), code_version=code, model_version=model, rows=rows)


def partition_of(rows: pl.DataFrame, asset: str = "features", session: date | None = None, **version: Any) -> ExportedPartition:
    day = session or rows["session"][0]
    return ExportedPartition(asset=asset, session=day, current=version_of(rows, **version))


def of_session(session: date, seed: int = 0, count: int = 40) -> list[ExportedPartition]:
    """What is exported of a session: both assets from one seed, and named by it."""
    made = [
        partition_of(rows_of(session, seed, count, table.schema), table.asset, session, model=f"model:{seed}") for table in (TABLE, OTHER)
    ]
    return [replace(one, vintages=()) for one in made]


def content(connection: StoreConnection, session: date, table: ExportedTable = TABLE) -> ExportedVersion | None:
    found = connection.read(table, session, table.schema.names())
    return None if found is None else found.current


def seed_of(connection: StoreConnection, session: date) -> str:
    """Which seed all that is stored of a session is of; it must be one, with the rows of it."""
    versions = [content(connection, session, table) for table in (TABLE, OTHER)]
    assert all(one is not None for one in versions)
    (seed,) = {one.model_version for one in versions if one is not None}
    assert [data_version(one.rows) for one in versions if one] == [one.data_version for one in versions if one]
    return seed.removeprefix("model:")


class StoreKit:
    """The kit; a subclass names the store."""

    name: ClassVar[str]
    own: ClassVar[Mapping[str, Any]] = {}
    """Its settings."""
    folder: ClassVar[Path | None] = None
    """Of one's own stores, `plugins.folder`."""
    unreachable: ClassVar[Mapping[str, str]] = {}
    """Variables of the environment that name a server that there is not, with the secret `s3cret-of-the-kit` where there can be one."""

    @property
    def plugin(self) -> Plugin[Any, ExportStore]:
        return STORES.find(self.name, self.folder)

    def store(self, export: str = "kit") -> ExportStore:
        return STORES.made(self.name, dict(self.own), self.folder, "exports.kit", StorePlace(export=export))

    @contextmanager
    def opened(self, export: str = "kit") -> Iterator[StoreConnection]:
        with self.store(export).connected() as connection:
            connection.prepare([TABLE, OTHER])
            yield connection

    def test_its_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        plugin = self.plugin
        judge_settings(
            Plugin(settings=plugin.settings, make=lambda own: plugin.make(own, StorePlace(export="kit")), quick=dict(plugin.quick))
        )

    def test_what_comes_back_is_what_was_written_byte_for_byte(self) -> None:
        with self.opened() as connection:
            for session in DAYS:
                connection.write(of_session(session))
            for session in DAYS:
                for table, written in zip((TABLE, OTHER), of_session(session), strict=True):
                    found = content(connection, session, table)
                    assert found is not None
                    assert data_version(found.rows) == written.current.data_version
                    assert replace(found, rows=written.current.rows) == replace(written.current, rows=written.current.rows)

    def test_a_session_written_again_is_the_same_and_one_of_a_new_version_has_its_rows_alone(self) -> None:
        session = DAYS[-1]
        with self.opened() as connection:
            connection.write(of_session(session, 1))
            connection.write(of_session(session, 1))
            assert seed_of(connection, session) == "1"
            connection.write(of_session(session, 2, count=7))
            assert seed_of(connection, session) == "2"
            found = content(connection, session)
            assert found is not None
            assert found.rows.height == 7

    def test_a_session_without_rows_is_there_and_empty(self) -> None:
        with self.opened() as connection:
            connection.write(of_session(DAYS[-1], 5, count=0))
            found = content(connection, DAYS[-1])
            assert found is not None
            assert found.rows.is_empty()
            assert data_version(found.rows) == data_version(SCHEMA.to_frame())

    def test_of_a_session_that_was_never_written_there_is_nothing(self) -> None:
        with self.opened() as connection:
            assert content(connection, date(1999, 1, 4)) is None

    def test_what_can_not_be_written_leaves_the_session_as_it_was(self) -> None:
        session = DAYS[-1]
        with self.opened() as connection:
            connection.write(of_session(session, 1))
            good, other = of_session(session, 2)
            broken = partition_of(self.broken(other.current.rows), other.asset, session, model="model:2")
            with pytest.raises(AtsError, match=r"\w+"):
                connection.write([good, broken])
            assert seed_of(connection, session) == "1"
            connection.write(of_session(session, 3))
            assert seed_of(connection, session) == "3"

    @staticmethod
    def broken(rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that no store takes: a symbol twice, which is a text that none can hold either."""
        return pl.concat([rows, rows.with_columns(symbol=pl.lit("A\0B"))])

    def test_a_contract_that_has_gained_a_column_keeps_what_is_there(self) -> None:
        fewer = ExportedTable(asset="grown", schema=pl.Schema({name: SCHEMA[name] for name in ("symbol", "session", "score")}))
        more = replace(fewer, schema=pl.Schema({**fewer.schema, "KMID": pl.Float32}))
        before, after = (rows_of(day, schema=table.schema) for day, table in zip(DAYS[1:], (fewer, more), strict=True))
        with self.store().connected() as connection:
            connection.prepare([fewer])
            connection.write([partition_of(before, "grown")])
        with self.store().connected() as connection:
            connection.prepare([more])
            connection.write([partition_of(after, "grown")])
            for rows in (before, after):
                found = connection.read(more, rows["session"][0], rows.columns)
                assert found is not None
                assert data_version(found.current.rows) == data_version(rows)

    def test_of_two_exporters_at_once_one_is_there_whole(self) -> None:
        session, errors = DAYS[-1], list[BaseException]()

        def export(seeds: range) -> None:
            try:
                with self.opened() as own:
                    for seed in seeds:
                        own.write(of_session(session, seed))
            except BaseException as error:  # noqa: BLE001 - told below
                errors.append(error)

        threads = [threading.Thread(target=export, args=(range(first, first + 20, 2),)) for first in (100, 101)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors
        with self.opened() as connection:
            assert seed_of(connection, session) in {"118", "119"}

    def test_a_server_that_is_not_there_is_told_without_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.unreachable.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StoreUnreachableError) as caught, self.store().connected():
            pass
        assert "s3cret-of-the-kit" not in f"{caught.value} {caught.value.__cause__}"
