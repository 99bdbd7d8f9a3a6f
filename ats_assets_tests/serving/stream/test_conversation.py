"""A client on a real socket: who is let in, what it hears, and when it is closed and why."""

import json
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ats_assets.deployment import Deployment
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.serving.stream.conftest import Serving, serving
from ats_assets_tests.serving.stream.trading_day import TradingDay

Streamed = tuple[Deployment, TradingDay]


def keys_of(deployment: Deployment) -> KeyStore:
    return KeyStore(deployment.settings.storage.data)


def is_refused(service: Serving, **how: Any) -> bool:
    """Whether it is not even let in."""
    try:
        with service.connect(**how):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


def test_a_fill_is_told_as_it_is_committed(streamed: Streamed) -> None:
    deployment, day = streamed
    day.baseline()
    order = day.order()
    with serving(deployment) as service, service.client("fills", "orders") as client:
        assert client.until("orders", lambda rows: order in rows)[order]["status"] is None
        fill = day.fill(order, price="10.50")
        told = client.until("fills", lambda rows: fill in rows)[fill]
        assert (told["price"], told["quantity"], told["at"]) == ("10.50", "1", "2024-03-04T14:30:00Z")
        client.until("orders", lambda rows: rows[order]["status"] == "partially_filled")
        assert client.heard("heartbeat")["at"].endswith("Z")


def test_a_client_resumes_over_a_restart_of_the_service(streamed: Streamed) -> None:
    """What happened while neither was there is one delta, and nothing comes twice."""
    deployment, day = streamed
    day.baseline()
    order = day.order()
    first = day.fill(order)
    with ExitStack() as connections:
        with serving(deployment) as service:
            client = connections.enter_context(service.client("fills"))
            known = client.heard("snapshot", "fills")
            held = {row["key"] for row in known["data"]}
            while first not in held:  # the service may still be reading what was there before it began
                known = client.heard("delta", "fills")
                held |= {row["key"] for row in known["data"]["set"]}
            port = service.port
        assert client.closed()[0] == 1012
    second = day.fill(order)
    with serving(deployment, port) as service, service.client("fills", after={"fills": known["cursor"]}) as client:
        resumed = client.heard("resumed", "fills")
        assert (resumed["sequence"], resumed["cursor"]) == (known["sequence"], known["cursor"])
        told = client.heard("delta", "fills")
        assert told["sequence"] == known["sequence"] + 1
        assert [row["key"] for row in told["data"]["set"]] == [second]


def test_a_cursor_of_another_history_gets_a_reset_and_a_snapshot(streamed: Streamed) -> None:
    deployment, _ = streamed
    with serving(deployment) as service:
        for cursor in ("3-0123456789abcdef", "1-", "", "999999-ffffffffffffffff", "-1-", "1-" + "0" * 60):
            with service.client("fills", after={"fills": cursor}) as client:
                assert client.heard("reset", "fills")["reason"]
                assert client.heard("snapshot", "fills")["data"] == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("no JSON", 4400),
        ("[1]", 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "topics": ["nothing"]}', 4400),
        ('{"type": "subscribe", "topics": ["quotes:"]}', 4400),
        ('{"type": "subscribe", "topics": ["orders"], "after": {"orders": 3}}', 4400),
        ('{"type": "subscribe", "topics": ["orders"], "more": 1}', 4400),
        ('{"type": "subscribe", "topics": ["orders"], "key": "ats_0123456789ab_nothing"}', 4401),
        (b"bytes", 4400),
        ("[" * 9_000, 4400),
        (json.dumps({"type": "subscribe", "topics": ["orders"] * 3_000}), 1009),
        (None, 4408),
    ],
)
def test_what_a_client_says_wrong_closes_it_and_nobody_else(streamed: Streamed, said: str | bytes | None, code: int) -> None:
    deployment, day = streamed
    with serving(deployment) as service, service.client("halts") as other:
        other.heard("snapshot", "halts")
        with service.connect() as client:
            if said is not None:
                client.connection.send(said)
            found, reason = client.closed()
            assert found == code
            assert "nothing" not in reason.replace("nothing was", "").replace("and nothing else", "")
        day.halt()
        assert other.heard("delta", "halts")["data"]["set"]


def test_an_unknown_topic_later_on_is_an_error_and_no_end(streamed: Streamed) -> None:
    deployment, day = streamed
    with serving(deployment) as service, service.client("halts") as client:
        client.heard("snapshot", "halts")
        client.connection.send('{"type": "subscribe", "topics": ["profits"]}')
        assert "orders" in client.heard("error")["message"]
        client.connection.send(json.dumps({"type": "subscribe", "topics": [f"bars:S{number}" for number in range(12)]}))
        assert client.heard("error")["code"] == "too_many"
        client.connection.send('{"type": "unsubscribe", "topics": ["halts"]}')
        client.connection.send('{"type": "subscribe", "topics": ["bars:AAPL"]}')
        assert client.heard("snapshot", "bars:AAPL")["data"] == []
        day.halt()
        with pytest.raises(TimeoutError):
            client.heard("delta", "halts", seconds=0.5)


def test_once_there_is_a_key_nobody_hears_anything_without_one(streamed: Streamed) -> None:
    """In the first message, in a header, or by a browser's session from the service's own pages; a wrong one is refused."""
    deployment, _ = streamed
    with serving(deployment) as service:
        with service.client("orders") as client:  # reading is open to this machine
            client.heard("snapshot", "orders")
            key = keys_of(deployment).add("desk", Role.READ)
            assert client.closed()[0] == 4401  # and ends with the first key
        with service.client("orders") as client:
            assert client.closed()[0] == 4401
        with service.client("orders", key=key) as client:
            client.heard("snapshot", "orders")
        with service.connect(additional_headers={"authorization": f"Bearer {key}"}) as client:
            client.connection.send('{"type": "subscribe", "topics": ["orders"]}')
            client.heard("snapshot", "orders")
        assert is_refused(service, additional_headers={"authorization": f"Bearer {key[:-1]}x"})


def test_a_page_of_another_site_hears_nothing(streamed: Streamed) -> None:
    """Cross-site WebSocket hijacking: the browser sends its cookie, and says whose page asks."""
    deployment, _ = streamed
    key = keys_of(deployment).add("desk", Role.READ)
    with serving(deployment) as service:
        own = f"http://127.0.0.1:{service.port}"
        login = httpx.post(f"{own}/login", json={"key": key}, headers={"origin": own})
        cookie = {"cookie": login.headers["set-cookie"].partition(";")[0]}
        with service.connect(origin=own, additional_headers=cookie) as client:
            client.connection.send('{"type": "subscribe", "topics": ["orders"]}')
            client.heard("snapshot", "orders")
        for origin in ("https://evil.example", "null", f"http://127.0.0.1:{service.port + 1}"):
            assert is_refused(service, origin=origin, additional_headers=cookie)
        assert is_refused(service, additional_headers={"host": "evil.example"})


def test_a_key_that_is_revoked_ends_what_it_has_opened(streamed: Streamed) -> None:
    deployment, _ = streamed
    keys = keys_of(deployment)
    kept, ended = keys.add("kept", Role.READ), keys.add("ended", Role.ADMIN)
    with serving(deployment) as service, service.client("orders", key=kept) as other, service.client("orders", key=ended) as client:
        client.heard("snapshot", "orders")
        keys.revoke("ended")
        assert client.closed()[0] == 4401
        other.heard("heartbeat")
        other.heard("heartbeat")


def test_too_many_clients_and_messages_are_refused(streamed: Streamed) -> None:
    deployment, _ = streamed
    with serving(deployment) as service, ExitStack() as connections:
        clients = [connections.enter_context(service.client("halts")) for _ in range(8)]
        for client in clients:
            client.heard("snapshot", "halts")
        with service.client("halts") as client:
            assert client.closed()[0] == 4429
        with suppress(ConnectionClosed):
            for _ in range(60):
                clients[0].connection.send('{"type": "unsubscribe", "topics": ["halts"]}')
        assert clients[0].closed()[0] == 4429
        for client in clients[1:]:
            client.heard("heartbeat")


def test_a_frozen_client_is_dropped_and_the_others_do_not_wait(streamed: Streamed) -> None:
    """It asks for a megabyte and reads nothing. What it finds when it reads again is why it was dropped."""
    deployment, day = streamed
    day.baseline()
    orders = [day.order(f"S{number}" + "X" * 20) for number in range(3)]
    with day.state.begin() as connection:
        connection.exec_driver_sql("UPDATE intents SET reason = hex(zeroblob(400000))")  # a row of 800 kB each
    with serving(deployment) as service, service.client("fills") as other, ExitStack() as connections:
        other.heard("snapshot", "fills")
        while not heard_orders(service):
            time.sleep(0.05)
        frozen = connections.enter_context(service.connect(max_queue=(1, 0)))
        frozen.connection.send('{"type": "subscribe", "topics": ["orders", "fills"]}')
        delays = []
        for number in range(20):
            began = time.monotonic()
            fill = day.fill(orders[number % 3])
            assert [row["key"] for row in other.heard("delta", "fills")["data"]["set"]] == [fill]
            delays.append(time.monotonic() - began)
            time.sleep(0.05)
        time.sleep(1.0)
        assert frozen.closed(seconds=20.0) == (4508, "slow reader: messages come faster than they are read; resume by the cursors")
        assert sorted(delays)[15] < 1.0
        other.heard("heartbeat")


def heard_orders(service: Serving) -> list[Any]:
    """What there is of orders now."""
    with service.client("orders") as client:
        return client.heard("snapshot", "orders")["data"]


def test_a_database_that_is_gone_is_told_and_nothing_is_lost(streamed: Streamed) -> None:
    """Who comes meanwhile gets what is known, and the reason why it is old; clients stay."""
    deployment, day = streamed
    day.baseline()
    order = day.order()
    with serving(deployment) as service, service.client("fills", "feed") as client:
        fill = day.fill(order)
        client.until("fills", lambda rows: list(rows) == [fill])
        path = Path(str(day.state.engine.url.database))
        hidden = path.with_name("hidden")
        day.state.close()
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{path}{ending}").rename(f"{hidden}{ending}")
        path.write_bytes(b"this is no database" * 1000)
        told = client.until("feed", lambda rows: rows.get("trade_state", {}).get("state") == "unreadable")
        assert "trade_state.sqlite" in told["trade_state"]["reason"]
        with service.client("fills", "feed") as late:
            late.until("feed", lambda rows: rows.get("trade_state", {}).get("state") == "unreadable")
            late.until("fills", lambda rows: list(rows) == [fill])
        for ending in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                Path(f"{hidden}{ending}").rename(f"{path}{ending}")
        second = day.fill(order)
        client.until("fills", lambda rows: list(rows) == [fill, second])
        client.until("feed", lambda rows: rows["trade_state"]["state"] == "ok")


def test_whoever_writes_holds_up_nobody(streamed: Streamed) -> None:
    """SQLite gives readers a snapshot while an executor is at work, for however long."""
    deployment, day = streamed
    day.baseline()
    order = day.order()
    fill = day.fill(order)
    with day.state.begin(), serving(deployment) as service, service.client("fills") as client:
        client.until("fills", lambda rows: list(rows) == [fill])
        client.heard("heartbeat")


def test_a_locked_database_is_told_and_waited_out(streamed_on_postgresql: Streamed) -> None:
    """As by a migration; and a server that ends all connections is only connected to again."""
    deployment, day = streamed_on_postgresql
    day.baseline()
    order = day.order()
    with serving(deployment) as service, service.client("fills", "feed") as client:
        fill = day.fill(order)
        client.until("fills", lambda rows: list(rows) == [fill])
        with day.state.begin() as migration:
            migration.exec_driver_sql("LOCK TABLE fills IN ACCESS EXCLUSIVE MODE")
            day.halt()  # something else is committed, so there is something to read
            told = client.until("feed", lambda rows: rows.get("trade_state", {}).get("state") == "unreadable")
            assert "lock" in told["trade_state"]["reason"]
            assert "p4ss" not in told["trade_state"]["reason"]
            client.heard("heartbeat")
        second = day.fill(order)
        client.until("fills", lambda rows: list(rows) == [fill, second])
        client.until("feed", lambda rows: rows["trade_state"]["state"] == "ok")
        with day.state.begin() as ending:
            ending.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        third = day.fill(order)
        client.until("fills", lambda rows: list(rows) == [fill, second, third])


def test_no_secret_is_in_what_is_told(streamed: Streamed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that somebody has written into a reason, nor the key that a client shows, nor what confirms a request."""
    deployment, day = streamed
    monkeypatch.setenv("APCA_API_SECRET_KEY", "s3cret-of-the-broker-0123456789")
    key = keys_of(deployment).add("desk", Role.READ)
    day.halt("the broker refuses s3cret-of-the-broker-0123456789")
    everything = ["orders", "fills", "positions", "account", "alerts", "requests", "halts", "signals", "feed"]
    texts = []
    with serving(deployment) as service, service.client(*everything, key=key) as client:
        try:
            while len(texts) < 14:
                texts.append(client.connection.recv(timeout=5.0))
        except (TimeoutError, ConnectionClosed):
            pytest.fail(f"only {len(texts)} messages")
    told = "".join(map(str, texts))
    assert "the broker refuses" in told
    for secret in ("s3cret-of-the-broker", key, key[:20], "nonce", 'digest"'):
        assert secret not in told
