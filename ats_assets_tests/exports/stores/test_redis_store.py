"""The online store in a real Redis: the kit, and what happens to it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
import redis

from ats_assets.errors import ExportError, OnlineError, SettingsError, StoreUnreachableError
from ats_assets.exports.online import OnlineReader
from ats_assets.exports.online_layout import namespace, partition_key
from ats_assets.exports.store import ExportedTable, ExportStore, StorePlace
from ats_assets.plugins import STORES
from ats_assets_tests.exports.redis_servers import RedisServer, redis_server
from ats_assets_tests.kits.stores import DAYS, OTHER, SCHEMA, TABLE, StoreKit, content, of_session, partition_of, rows_of, seed_of
from ats_assets_tests.rounds import rounds

SESSION = DAYS[-1]


def store(**own: object) -> ExportStore:
    return STORES.made("redis", own, None, "exports.redis", StorePlace(export="redis"))


@pytest.mark.usefixtures("online")
class TestRedisStore(StoreKit):
    name = "redis"
    unreachable: ClassVar = {"REDIS_URL": "redis://:s3cret-of-the-kit@127.0.0.1:1/0"}


def test_only_the_newest_sessions_are_kept_and_an_older_one_does_not_take_the_newests_place(online: RedisServer) -> None:
    reader = OnlineReader(online.client())
    with store(keep_sessions=2).connected() as connection:
        for session in DAYS:
            connection.write(of_session(session))
        assert content(connection, DAYS[0]) is None
        connection.write(of_session(DAYS[1], 9))  # it was rebuilt
        assert reader.newest("features") == DAYS[2]
        assert seed_of(connection, DAYS[1]) == "9"
    with online.client() as client:
        assert len(client.keys()) == 2 * (2 + 1)
        assert all(0 < client.pttl(key) <= 168 * 3_600_000 for key in client.scan_iter())


def test_two_exports_do_not_mix(online: RedisServer) -> None:
    for export, seed in (("redis", 1), ("other", 2)):
        with STORES.made("redis", {}, None, "", StorePlace(export=export, prefix="")).connected() as connection:
            connection.write(of_session(SESSION, seed))
    client = online.client()
    found = [OnlineReader(client, export=export).read("features", SESSION).model_version for export in ("redis", "other")]
    assert found == ["model:1", "model:2"]
    with pytest.raises(OnlineError, match="never exported"):
        OnlineReader(client, prefix="crypto").read("features", SESSION)


def test_a_reader_never_sees_two_publications_mixed_while_a_hundred_are_written(online: RedisServer) -> None:
    """Features and predictions of one publication, and all rows of an asset, whichever way they are read."""
    done, seen, errors = threading.Event(), set[str](), list[BaseException]()
    symbols = [f"S{i:03d}" for i in range(0, 40, 3)]

    def hammer(read: Callable[[OnlineReader], set[str]]) -> None:
        reader = OnlineReader(online.client())
        try:
            while not done.is_set():
                (one,) = read(reader)
                seen.add(one)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    def together(reader: OnlineReader) -> set[str]:
        found = reader.read_together(["features", "predictions"], SESSION, symbols)
        number = found["predictions"].model_version.removeprefix("model:")
        for asset, table in (("features", TABLE), ("predictions", OTHER)):
            expected = rows_of(SESSION, int(number), schema=table.schema).filter(pl.col("symbol").is_in(symbols))
            assert found[asset].frame().equals(expected)
        return {one.model_version for one in found.values()}

    def whole(reader: OnlineReader) -> set[str]:
        found = reader.read("features", SESSION)
        assert found.frame().equals(rows_of(SESSION, int(found.model_version.removeprefix("model:"))))
        return {found.model_version}

    with store().connected() as connection:
        connection.write(of_session(SESSION, 0))
        threads = [threading.Thread(target=hammer, args=(read,)) for read in (together, together, whole)]
        for thread in threads:
            thread.start()
        for seed in range(1, rounds(100, 1000)):
            connection.write(of_session(SESSION, seed))
        done.set()
        for thread in threads:
            thread.join()
    assert not errors, errors[0]
    assert len(seen) > 3


def test_a_write_whose_server_is_killed_is_all_there_or_not_at_all_after_the_restart() -> None:
    """With Redis's own log on the disk; kill -9 at random moments of a hundred writes."""
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", server.url)
        for turn in range(rounds(2, 20)):
            stopped, begun = list[BaseException](), threading.Event()

            def write() -> None:
                try:
                    with store().connected() as connection:
                        for seed in range(100_000):
                            connection.write(of_session(SESSION, seed))
                            begun.set()  # noqa: B023
                except (StoreUnreachableError, ExportError) as error:
                    stopped.append(error)  # noqa: B023 - the thread ends in this turn

            thread = threading.Thread(target=write)
            thread.start()
            assert begun.wait(60)
            time.sleep(0.03 + 0.07 * turn)
            server.kill()
            thread.join()
            assert isinstance(stopped[0], StoreUnreachableError)
            server.start()
            with store().connected() as connection:
                seed_of(connection, SESSION)  # of one publication, whole
                connection.write(of_session(SESSION, 5000))
                assert seed_of(connection, SESSION) == "5000"


def test_an_exporter_that_is_killed_midway_leaves_a_whole_publication_and_nothing_for_ever(online: RedisServer) -> None:
    """kill -9 of a process that writes one session over and over, at random moments; what it left unpublished expires by itself."""
    program = "from ats_assets_tests.exports.stores.endless_writer import main; main('redis')"
    for turn in range(rounds(2, 15)):
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(0.02 + 0.05 * turn)
        process.kill()
        process.wait()
        process.stdout.close()
        with store().connected() as connection:
            seed_of(connection, SESSION)
            connection.write(of_session(SESSION, 1000 + turn))
            assert seed_of(connection, SESSION) == str(1000 + turn)
    with online.client() as client:
        assert all(0 < client.pttl(key) <= 600_000 for key in client.scan_iter("*unpublished*"))


def test_a_server_that_comes_back_empty_gives_errors_and_nothing_old(online: RedisServer) -> None:
    with store().connected() as connection:
        connection.write(of_session(SESSION))
    online.kill()
    reader = OnlineReader(online.client())
    with pytest.raises(OnlineError, match="can't be read"):
        reader.read("features", SESSION, ["S000"])
    online.start()
    with pytest.raises(OnlineError, match="never exported, or the store was emptied"):
        reader.read("features", SESSION, ["S000"])


def test_a_full_server_refuses_a_session_and_keeps_what_it_had(online: RedisServer) -> None:
    with store().connected() as connection, online.client() as client:
        connection.write(of_session(DAYS[1], 1))
        try:
            client.config_set("maxmemory", client.info("memory")["used_memory"] + 20_000)
            with pytest.raises(ExportError, match="no memory left, and what it held is as it was: raise maxmemory"):
                connection.write(of_session(DAYS[1], 2, count=4000))
            assert any("maxmemory" in remark for remark in connection.remarks())
        finally:
            client.config_set("maxmemory", 0)
        assert seed_of(connection, DAYS[1]) == "1"
        assert not [key for key in client.scan_iter() if b"unpublished" in key]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_drops_keys_by_itself_is_told_of(online: RedisServer, policy: str) -> None:
    with store().connected() as connection, online.client() as client:
        assert connection.remarks() == []
        client.config_set("maxmemory-policy", policy)
        assert connection.remarks() == []  # without a limit nothing is dropped
        try:
            client.config_set("maxmemory", "100mb")
            (remark,) = connection.remarks()
            assert policy in remark
            assert "noeviction" in remark
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")


def test_keys_that_were_dropped_are_missing_and_never_an_older_version() -> None:
    """A server that evicts: a partition is one key, so that it is there whole, or not."""
    with redis_server("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", server.url)
        with store(keep_sessions=30).connected() as connection:
            days = [SESSION + timedelta(days=i) for i in range(30)]
            for day in days:
                connection.write([partition_of(rows_of(day, 1, 900))])
            found = [content(connection, day) for day in days]
            lost = sum(one is None for one in found)
            assert 0 < lost < len(days)
            assert {one.data_version for one in found if one} <= {partition_of(rows_of(day, 1, 900)).current.data_version for day in days}
            assert "so far" in connection.remarks()[0]


def test_what_was_written_and_is_gone_before_it_is_published_publishes_nothing(online: RedisServer) -> None:
    with store().connected() as connection, online.client() as client:
        connection.write(of_session(SESSION, 1))
        publish = connection._publish  # pyright: ignore[reportAttributeAccessIssue]

        def after_a_loss(keys: dict[str, object], expires_ms: int) -> None:
            client.delete(list(keys)[-1])
            publish(keys, expires_ms)

        connection._publish = after_a_loss  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(ExportError, match="gone before it was published"):
            connection.write(of_session(SESSION, 2))
        assert seed_of(connection, SESSION) == "1"


def test_what_rows_of_fixed_width_can_not_hold_is_refused_by_name() -> None:

    for schema, said in (
        (pl.Schema({"session": pl.Date, "value": pl.Float64}), "has no column symbol"),
        (pl.Schema({**SCHEMA, "levels": pl.List(pl.Float64)}), "the column levels of type List"),
    ):
        with pytest.raises(SettingsError, match=said):
            store().require_exportable(ExportedTable(asset="x", schema=schema))
    store().require_exportable(TABLE)


@pytest.mark.usefixtures("online")
def test_two_rows_of_a_symbol_are_refused() -> None:
    twice = rows_of(SESSION).with_columns(symbol=pl.lit("AAPL"))
    with (
        store().connected() as connection,
        pytest.raises(ExportError, match="has 40 rows of AAPL, and the online store holds one a symbol"),
    ):
        connection.write([partition_of(twice)])


def test_a_wrong_address_or_password_says_what_to_correct(online: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "localhost 6379")
    with pytest.raises(ExportError, match="REDIS_URL is no address of Redis"), store().connected():
        pass
    monkeypatch.setenv("REDIS_URL", f"unix://:wrong-s3cret@{online.socket}")
    with online.client() as client:
        client.config_set("requirepass", "right-s3cret")
        try:
            with pytest.raises(ExportError, match="Redis refuses the password: correct REDIS_URL") as caught, store().connected():
                pass
        finally:
            client.auth("right-s3cret")
            client.config_set("requirepass", "")
    assert "s3cret" not in str(caught.value)


def test_a_cluster_keeps_all_keys_of_an_export_on_one_node(online: RedisServer) -> None:
    with store().connected() as connection:
        connection.write(of_session(SESSION))
    with online.client() as client:
        slots = {redis.crc.key_slot(key) for key in client.scan_iter()}
    assert len(slots) == 1
    assert partition_key(namespace(), "features", date(2024, 3, 4)) == "{ats:redis}:features:2024-03-04"
