"""What a client holds is what the trade state holds: over cuts at any message, restarts of the service, and whatever happens meanwhile; nothing twice, nothing left out."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.serving.stream.delta_store import FILE, Renewed
from ats_assets.serving.stream.fanout import Fanout
from ats_assets.serving.stream.feed import KEPT_TOPICS, StreamFeed
from ats_assets.serving.stream.followed_journal import Wanted
from ats_assets.serving.stream.listener import Listener
from ats_assets.settings import load_settings
from ats_assets.trade_state import CONNECTION_VARIABLE, TradeState
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.stream.trading_day import AT, TradingDay

TOPICS = ("orders", "fills", "halts", "positions")


@dataclass
class HeldTopic:
    """What a client has of a topic."""

    rows: dict[str, Any] = field(default_factory=dict)
    sequence: int = -1
    cursor: str | None = None


@dataclass
class Client:
    """Applies messages as any client does, and complains of what must not be."""

    topics: dict[str, HeldTopic] = field(default_factory=lambda: {topic: HeldTopic() for topic in TOPICS})
    resets: int = 0
    seen_fills: list[str] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> None:
        held = self.topics[message["topic"]]
        kind = message["type"]
        if kind == "snapshot":
            held.rows = {row["key"]: row for row in message["data"]}
        elif kind == "reset":
            self.resets += 1
            return
        elif kind == "resumed":
            assert (message["sequence"], message["cursor"]) == (held.sequence, held.cursor)
        else:
            assert message["sequence"] == held.sequence + 1
            if message["topic"] == "fills":
                self.seen_fills += [row["key"] for row in message["data"]["set"]]
            for key in message["data"]["gone"]:
                del held.rows[key]
            held.rows |= {row["key"]: row for row in message["data"]["set"]}
        held.sequence, held.cursor = message["sequence"], message["cursor"]

    def holds(self) -> dict[str, dict[str, Any]]:
        told: dict[str, Callable[[Any], Any]] = {
            "orders": lambda row: row["state"],
            "fills": lambda row: row["price"],
            "halts": lambda row: row["cleared_at"] is None,
            "positions": lambda row: row["quantity"],
        }
        return {topic: {key: told[topic](row) for key, row in held.rows.items()} for topic, held in self.topics.items()}


class Service:
    """A service whose feed looks when it is told to, not by the clock."""

    def __init__(self, deployment: Deployment) -> None:
        self._fanout = Fanout(deployment.settings.serving.stream, lambda _: _ByHand())
        self._feed = StreamFeed(deployment, self._fanout._take)
        self.listeners: dict[int, Listener] = {}
        self._fanout._take([Renewed(log=self._feed._store.load(topic)) for topic in KEPT_TOPICS])

    def look(self) -> None:
        self._feed._beside_at = 0.0
        self._feed.turn()

    async def connect(self, number: int, client: Client) -> None:
        listener = self.listeners[number] = Listener(10_000, 10**8)
        self._fanout.join(listener)
        for topic, held in client.topics.items():
            await self._fanout.subscribe(listener, topic, held.cursor)

    def read(self, number: int, client: Client, most: int | None = None) -> None:
        """The client takes so many of the messages that wait."""
        waiting = self.listeners[number]._waiting
        for _ in range(len(waiting) if most is None else min(most, len(waiting))):
            client.take(json.loads(waiting.popleft()[0]))

    def cut(self, number: int) -> None:
        self._fanout.leave(self.listeners.pop(number))

    async def stop(self) -> None:
        await self._fanout.close()
        self._feed.close()


class _ByHand:
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def want(self, wanted: Wanted, *, alone: bool) -> None: ...


_NUMBERS = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from(["AAPL", "MSFT"])),
        st.tuples(st.just("fill"), _NUMBERS),
        st.tuples(st.just("move"), st.sampled_from(["sending", "accepted", "filled", "canceled"])),
        st.tuples(st.sampled_from(["halt", "resume", "look", "look", "restart", "lose"]), st.none()),
        st.tuples(st.sampled_from(["connect", "cut"]), _NUMBERS),
        st.tuples(st.just("read"), st.tuples(_NUMBERS, st.integers(0, 6))),
    ),
    max_size=40,
)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_what_a_client_holds_is_the_state_after_any_cuts_and_restarts(
    database_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lose`: the stream's own database is gone at a restart, which costs a snapshot and nothing else."""
    monkeypatch.setenv(CONNECTION_VARIABLE, database_url)
    deployment = Deployment(load_settings())
    examples = rounds(8, 400) if database_url.startswith("sqlite") else rounds(4, 150)

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def played(steps: list[tuple[str, Any]]) -> None:
        with TradeState(database_url) as state:
            day = TradingDay(state)
            day.empty()
            day.baseline()
            asyncio.run(_played(deployment, day, steps))

    played()


async def _played(deployment: Deployment, day: TradingDay, steps: list[tuple[str, Any]]) -> None:
    play = Play(deployment, day)
    try:
        for what, value in steps:
            await getattr(play, what)(value)
        await play.end()
    finally:
        await play.service.stop()


class Play:
    """The steps, by their names."""

    def __init__(self, deployment: Deployment, day: TradingDay) -> None:
        self.deployment, self.day = deployment, day
        self.service = Service(deployment)
        self.clients = [Client() for _ in range(3)]
        self.orders: list[str] = []
        self.losses = 0

    async def order(self, symbol: str) -> None:
        self.orders.append(self.day.order(symbol))

    async def fill(self, number: int) -> None:
        if self.orders:
            self.day.fill(self.orders[number % len(self.orders)], at=AT + timedelta(minutes=1))

    async def move(self, state: str) -> None:
        if self.orders:
            self.day.move(self.orders[-1], state)

    async def halt(self, _: None) -> None:
        self.day.halt()

    async def resume(self, _: None) -> None:
        self.day.resume()

    async def look(self, _: None) -> None:
        self.service.look()

    async def connect(self, number: int) -> None:
        if number not in self.service.listeners:
            await self.service.connect(number, self.clients[number])

    async def cut(self, number: int) -> None:
        if number in self.service.listeners:
            self.service.cut(number)

    async def read(self, read: tuple[int, int]) -> None:
        number, most = read
        if number in self.service.listeners:
            self.service.read(number, self.clients[number], most)

    async def restart(self, _: None) -> None:
        await self.service.stop()
        self.service = Service(self.deployment)

    async def lose(self, _: None) -> None:
        await self.service.stop()
        self.losses += 1
        for path in self.deployment.settings.storage.data.glob(f"{FILE}*"):
            path.unlink()
        self.service = Service(self.deployment)

    async def end(self) -> None:
        """Everybody is connected, and reads all that is there."""
        for number in range(len(self.clients)):
            await self.connect(number)
        self.service.look()
        truth = self.day.truth()
        for number, client in enumerate(self.clients):
            self.service.read(number, client)
            assert client.holds() == truth
            assert self.losses or len(client.seen_fills) == len(set(client.seen_fills))
            assert self.losses or not client.resets
