"""The service on a real socket, in a thread of the test's process, and clients of the `websockets` library."""

import itertools
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app
from ats_assets.serving.server import server_config
from ats_assets.settings import load_settings
from ats_assets.trade_state import CONNECTION_VARIABLE, TradeState
from ats_assets_tests.serving.stream.trading_day import TradingDay
from ats_assets_tests.trade_state.databases import create_database


class Serving:
    """A service that runs."""

    def __init__(self, deployment: Deployment, port: int) -> None:
        self.deployment, self.port = deployment, port

    @contextmanager
    def connect(self, **how: Any) -> Iterator["StreamClient"]:
        """A connection, with nothing said yet."""
        with connect(f"ws://127.0.0.1:{self.port}/api/v1/stream", compression=None, max_size=None, **how) as connection:
            yield StreamClient(connection)

    @contextmanager
    def client(self, *topics: str, **said: Any) -> Iterator["StreamClient"]:
        """A connection that has subscribed."""
        with self.connect() as client:
            with suppress(ConnectionClosed):  # it may be closed already: `closed` says why
                client.subscribe(*topics, **said)
            yield client


@contextmanager
def serving(deployment: Deployment, port: int = 0) -> Iterator[Serving]:
    """The service of a deployment, until the block ends; on a port that is free, or the one that is given."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        server = uvicorn.Server(server_config(make_app(deployment), deployment.settings.serving))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield Serving(deployment, listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


class StreamClient:
    """A connection, and what it has heard that nobody has asked for yet."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._heard: list[dict[str, Any]] = []
        self.rows: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def subscribe(self, *topics: str, **said: Any) -> None:
        """Ask for topics."""
        self.connection.send(json.dumps({"type": "subscribe", "topics": list(topics), **said}))

    def heard(self, kind: str, topic: str | None = None, seconds: float = 10.0) -> dict[str, Any]:
        """The next message of a type, and of a topic."""
        until = time.monotonic() + seconds
        for place in itertools.count():
            if place == len(self._heard):
                self._heard.append(json.loads(self.connection.recv(timeout=max(0.0, until - time.monotonic()))))
            message = self._heard[place]
            if message["type"] == kind and topic in (None, message.get("topic")):
                return self._heard.pop(place)
        raise AssertionError

    def until(self, topic: str, holds: Callable[[dict[str, Any]], bool], seconds: float = 10.0) -> dict[str, Any]:
        """Listen until the rows of a topic, by key, are as they should be; gives them."""
        ends = time.monotonic() + seconds
        while True:
            rows = self.rows[topic]
            if holds(rows):
                return rows
            place = next((place for place, one in enumerate(self._heard) if one.get("topic") == topic), None)
            left = max(0.0, ends - time.monotonic())
            message = self._heard.pop(place) if place is not None else json.loads(self.connection.recv(timeout=left))
            held = self.rows[message.get("topic", "")]
            if message["type"] == "snapshot":
                held.clear()
                held.update({row["key"]: row for row in message["data"]})
            elif message["type"] == "delta":
                held.update({row["key"]: row for row in message["data"]["set"]})

    def closed(self, seconds: float = 10.0) -> tuple[int, str]:
        """The code and reason with which the service closes, whatever it says before."""
        until = time.monotonic() + seconds

        def listen() -> None:
            while True:
                self.connection.recv(timeout=max(0.0, until - time.monotonic()))

        with pytest.raises(ConnectionClosed) as error:
            listen()
        assert error.value.rcvd is not None
        return error.value.rcvd.code, error.value.rcvd.reason


STREAM = {"heartbeat_seconds": 0.2, "stalled_seconds": 0.6, "first_message_seconds": 0.6, "max_topics": 12, "max_clients": 8}
"""Heartbeats come soon, and limits are near."""


@pytest.fixture
def streamed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Deployment, TradingDay]]:
    """A deployment, and its trade state, in which nothing is traded yet."""
    with _traded_at(f"sqlite:///{home / 'data' / 'trade_state.sqlite'}", monkeypatch) as made:
        yield made


@pytest.fixture
def streamed_on_postgresql(home: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Deployment, TradingDay]]:
    """The same, on PostgreSQL."""
    with _traded_at(create_database(postgresql, f"stream{next(_numbers)}"), monkeypatch) as made:
        yield made


_numbers = itertools.count()


@contextmanager
def _traded_at(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Deployment, TradingDay]]:
    monkeypatch.setenv(CONNECTION_VARIABLE, url)
    with TradeState(url) as state:
        yield Deployment(load_settings(serving={"stream": STREAM, "busy_seconds": 0.3})), TradingDay(state)
