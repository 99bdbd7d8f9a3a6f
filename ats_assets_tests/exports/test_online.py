"""The reader of the online store: what it gives, and when it gives an error instead."""

import subprocess
import sys
import time
import traceback
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import OnlineError
from ats_assets.exports.online import OnlineReader
from ats_assets.exports.online_frame import frame_of, online_partition
from ats_assets.exports.online_layout import HEAD, Head, partition_key, unpacked_rows
from ats_assets.exports.store import StorePlace
from ats_assets.plugins import STORES
from ats_assets.storage.data_version import data_version
from ats_assets_tests.exports.redis_servers import RedisServer
from ats_assets_tests.kits.stores import DAYS, SCHEMA, of_session, partition_of, rows_of

SESSION = DAYS[-1]


def publish(seed: int = 0, session: date = SESSION, **own: object) -> None:
    with STORES.made("redis", own, None, "", StorePlace(export="redis")).connected() as connection:
        connection.write(of_session(session, seed))


@pytest.fixture
def reader(online: RedisServer) -> OnlineReader:
    publish()
    return OnlineReader(online.client())


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_rows_are_what_they_were_in_any_order(seed: int, count: int) -> None:
    rows = rows_of(SESSION, seed, count)
    made = online_partition(partition_of(rows, session=SESSION), 1.0)
    head = Head.decoded(made.head.encoded())
    assert head == made.head
    back = frame_of(head, rows["symbol"].to_list(), unpacked_rows(head, list(made.rows.values())))
    assert back.schema == SCHEMA
    assert data_version(back) == data_version(rows)


def test_rows_come_in_the_order_in_which_they_were_asked_for(reader: OnlineReader) -> None:
    rows = rows_of(SESSION)
    found = reader.read("features", SESSION, ["S007", "S000", "S023"])
    expected = pl.concat([rows.filter(symbol=symbol) for symbol in ("S007", "S000", "S023")])
    assert found.symbols == ("S007", "S000", "S023")
    assert found.frame().equals(expected)
    assert (found.session, found.data_version, found.model_version) == (SESSION, data_version(rows), "model:0")
    matrix = found.matrix(["score", "KMID", "rank"])
    assert np.array_equal(matrix, expected.select(pl.col("score", "KMID", "rank").cast(float)).to_numpy(), equal_nan=True)
    assert found.matrix().shape == (3, len(SCHEMA) - 3)


def plain(row: dict[str, object]) -> str:
    """So that NaN is equal to itself, and zeros of two signs are not."""
    return repr({name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()})


def test_a_row_has_the_values_of_the_frame(reader: OnlineReader) -> None:
    rows = rows_of(SESSION)
    found = reader.read("features", SESSION)
    for row in rows.with_columns(pl.col("at").to_physical()).drop("session").iter_rows(named=True):
        symbol = row.pop("symbol")
        assert plain(found.row(symbol)) == plain(row)
    with pytest.raises(OnlineError, match="XYZ is not among the rows"):
        found.row("XYZ")
    with pytest.raises(OnlineError, match=r"no column nothing in the online store: choose from KMID, score"):
        found.matrix(["nothing"])


def test_another_session_is_an_error_that_names_the_newest(reader: OnlineReader) -> None:
    assert reader.newest("features") == SESSION
    for other in (SESSION - timedelta(days=1), SESSION + timedelta(days=1)):
        with pytest.raises(
            OnlineError, match=f"features {other} is not in the online store: the newest session that was published is {SESSION}"
        ):
            reader.read("features", other, ["S000"])


def test_another_version_is_an_error(reader: OnlineReader) -> None:
    version = data_version(rows_of(SESSION))
    assert reader.read("features", SESSION, ["S000"], data_version=version).data_version == version
    publish(seed=1)
    with pytest.raises(OnlineError, match=f"is in the online store as {data_version(rows_of(SESSION, 1))[:12]}, not as {version[:12]}"):
        reader.read("features", SESSION, ["S000"], data_version=version)


def test_a_symbol_without_a_row_is_an_error_unless_parts_are_wanted(reader: OnlineReader) -> None:
    with pytest.raises(OnlineError, match="has no row of XYZ: leave them out, or read with partial=True"):
        reader.read("features", SESSION, ["S000", "XYZ"])
    found = reader.read("features", SESSION, ["S000", "XYZ"], partial=True)
    assert (found.symbols, found.absent) == (("S000",), ("XYZ",))


def test_what_has_expired_is_never_returned(online: RedisServer) -> None:
    """Neither by the server's clock nor by the reader's, if the server's stands still."""
    publish(expire_hours=1.0)
    now = [0.0]
    head = OnlineReader(online.client()).read("features", SESSION, ["S000"]).head
    reader = OnlineReader(online.client(), clock=lambda: now[0])
    now[0] = head.expires_at - 1.0
    assert reader.read("features", SESSION, ["S000"]).symbols == ("S000",)
    now[0] = head.expires_at
    for symbols in (["S000"], None):
        with pytest.raises(OnlineError, match="has expired in the online store"):
            reader.read("features", SESSION, symbols)
    with online.client() as client:
        assert abs(client.pexpiretime(partition_key("{ats:redis}", "features", SESSION)) / 1000 - head.expires_at) < 0.01
    publish(expire_hours=1e-5)
    time.sleep(0.05)
    with pytest.raises(OnlineError, match=r"never exported|has expired"):
        OnlineReader(online.client()).read("features", SESSION, ["S000"])


def test_one_round_trip_reads_any_number_of_symbols(reader: OnlineReader, online: RedisServer) -> None:
    with online.client() as client:
        reader.read("features", SESSION)
        before = client.info("stats")["total_commands_processed"]
        reader.read("features", SESSION, [f"S{i:03d}" for i in range(40)])
        assert client.info("stats")["total_commands_processed"] == before + 2  # the reader's, and this question


def test_a_head_of_another_format_says_so(reader: OnlineReader, online: RedisServer) -> None:
    with online.client() as client:
        client.hset(partition_key("{ats:redis}", "features", SESSION), HEAD, b'{"format": 99}')
    with pytest.raises(OnlineError, match="another version of this program wrote it"):
        reader.read("features", SESSION)


def test_the_reader_needs_neither_dagster_nor_polars_nor_the_warehouse() -> None:
    program = (
        "import sys, ats_assets.exports.online; "
        "print([name for name in ('dagster', 'polars', 'pandera', 'pandas', 'pydantic', 'redis', 'ats_assets.storage') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_address_that_is_none_is_an_error_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slash in the password ended the address there, and the error once repeated what was before it, as a port."""
    monkeypatch.setenv("REDIS_URL", "redis://:opensesame/42@127.0.0.1:6379/0")
    with pytest.raises(OnlineError, match="REDIS_URL is no address of Redis: use redis://") as told:
        OnlineReader.of_environment()
    assert "opensesame" not in "".join(traceback.format_exception(told.value))
