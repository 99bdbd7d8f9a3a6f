"""What goes out: each message once to each subscriber, over restarts, failures and other processes; as late and as much as the plan says."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue, News, QueuedMessage
from ats_assets.bots.broadcasting.sender import BroadcastSender
from ats_assets.bots.broadcasting.service_news import ServiceNews, signal_news
from ats_assets.bots.reply import Reply
from ats_assets.bots.subscriptions.shop import Shop, Subscriber
from ats_assets.bots.subscriptions.standing import SubscriptionStanding
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.errors import BotError, MessageRefusedError, RecipientGoneError
from ats_assets_tests.rounds import rounds

NOW = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)
SOON = SubscriptionPlan(name="soon", title="Soon", price=Decimal(20), currency="EUR", period="month", rows=3)
LATE = SubscriptionPlan(
    name="late", title="Late", price=Decimal(5), currency="EUR", period="month", delay_minutes=60, rows=1, strategies=frozenset({"main"})
)
NEWS = News(
    key="signals:main:2024-03-15",
    title="Signals of main",
    strategy="main",
    columns=("rank", "symbol"),
    rows=(("1", "AAA"), ("2", "BBB"), ("3", "CCC")),
)


class Killed(BaseException):
    """The process is gone."""


class Chat:
    """A front that keeps what each person got, and goes wrong as it is told: a class of errors raised before, or after, a message is taken."""

    name = "telegram"

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.replies: dict[str, Reply] = {}
        self.plan: list[tuple[type[BaseException] | BaseException | None, bool]] = []

    async def tell_once(self, person: str, reply: Reply, nonce: str) -> None:
        fault, taken = self.plan.pop(0) if self.plan else (None, True)
        if taken:
            self.got.append((person, nonce))
            self.replies[person] = reply
        if fault is not None:
            raise fault


def subscriber(number: int, plan: SubscriptionPlan = SOON) -> Subscriber:
    return Subscriber(person=f"telegram:{number}", standing=SubscriptionStanding(state="active", plan=plan, until=NOW + timedelta(days=9)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BotStore]:
    with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
        yield store


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def sender_of(store: BotStore, chat: Chat, clock: Clock, process: str = "a", **more: Any) -> tuple[DeliveryQueue, BroadcastSender]:
    queue = DeliveryQueue(store, process, timedelta(days=1))
    return queue, BroadcastSender(queue, {"telegram": chat}, clock, **({"gap_seconds": 0} | more))  # type: ignore[dict-item]


def test_news_goes_out_once_as_late_and_as_much_as_plans_say(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock)
    assert queue.publish(NEWS, [subscriber(1), subscriber(2, LATE)], clock()) == 2
    assert queue.publish(NEWS, [subscriber(1), subscriber(3)], clock()) == 0, "the same key is no news"
    assert queue.publish(News(key="signals:pairs:1", title="Pairs", strategy="pairs"), [subscriber(2, LATE)], clock()) == 0, (
        "not of the plan"
    )
    assert asyncio.run(sender.work()) == 1
    assert [person for person, _ in chat.got] == ["telegram:1"]
    clock.now += timedelta(minutes=59)
    assert asyncio.run(sender.work()) == 0
    clock.now += timedelta(minutes=1)
    assert asyncio.run(sender.work()) == 1
    tables = [chat.replies[f"telegram:{number}"].table for number in (1, 2)]
    assert [(len(table.rows), table.more) for table in tables if table] == [(3, 0), (1, 2)]
    assert queue.counts() == {"sent": 2}


def test_what_was_surely_not_taken_is_sent_again_as_late_as_asked(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock, attempts=3)
    queue.publish(NEWS, [subscriber(1)], clock())
    chat.plan = [(MessageRefusedError("too many", 30), False), (MessageRefusedError("no route", 0), False)]
    assert asyncio.run(sender.work()) == 0
    clock.now += timedelta(seconds=29)
    assert (asyncio.run(sender.work()), len(chat.plan)) == (0, 1)
    clock.now += timedelta(seconds=1)
    asyncio.run(sender.work())
    clock.now += timedelta(minutes=20)
    assert asyncio.run(sender.work()) == 1
    assert len(chat.got) == 1


def test_it_ends_after_so_many_attempts_and_where_it_is_never_taken(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock, attempts=2)
    queue.publish(NEWS, [subscriber(1), subscriber(2)], clock())
    chat.plan = [(MessageRefusedError("never", None), False), *([(MessageRefusedError("busy", 0), False)] * 2)]
    for _ in range(4):
        asyncio.run(sender.work())
        clock.now += timedelta(minutes=20)
    assert queue.counts() == {"failed": 2}


def test_whoever_has_blocked_the_bot_is_written_to_no_more(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock)
    shop = Shop(store, {"soon": SOON}, timedelta(0), {})
    shop.give("telegram:1", SOON, 30, by="admin", now=NOW)
    assert [one.person for one in shop.subscribers(NOW)] == ["telegram:1"]
    queue.publish(NEWS, shop.subscribers(NOW), clock())
    chat.plan = [(RecipientGoneError("blocked"), False)]
    asyncio.run(sender.work())
    assert queue.counts() == {"gone": 1}
    assert not shop.subscribers(NOW)


def test_a_failure_that_may_mean_yes_is_not_sent_again(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock)
    queue.publish(NEWS, [subscriber(1)], clock())
    chat.plan = [(BotError("the answer was lost"), True)]
    asyncio.run(sender.work())
    assert queue.counts() == {"unsure": 1}


def test_nobody_gets_two_messages_within_the_gap(store: BotStore) -> None:
    chat, clock = Chat(), Clock()
    queue, sender = sender_of(store, chat, clock, gap_seconds=10)
    for number in range(3):
        queue.publish(News(key=f"{number}", title=f"{number}"), [subscriber(1)], clock())
    times = []
    for _ in range(40):
        if asyncio.run(sender.work()):
            times.append(clock.now)
        clock.now += timedelta(seconds=1)
    assert len(times) == 3
    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in pairwise(times))


def test_old_news_is_none(store: BotStore) -> None:
    clock = Clock()
    queue, _ = sender_of(store, Chat(), clock)
    queue.publish(NEWS, [subscriber(1)], clock())
    clock.now += timedelta(days=2)
    chat = Chat()
    queue, sender = sender_of(store, chat, clock, "b")
    asyncio.run(sender.work())
    assert (chat.got, queue.counts()) == ([], {"failed": 1})


FAULTS = st.sampled_from(
    [
        (None, True),
        (None, True),
        (MessageRefusedError("busy", 1), False),
        (BotError("lost"), True),
        (BotError("lost"), False),
        (Killed(), True),
        (Killed(), False),
    ]
)


@settings(deadline=None, max_examples=rounds(5, 200))
@given(st.lists(FAULTS, max_size=25), st.integers(1, 6), st.integers(1, 3))
def test_each_message_comes_at_most_once_over_kills_and_failures(
    tmp_path_factory: pytest.TempPathFactory, faults: list[Any], people: int, news: int
) -> None:
    """Killed before or after a message is taken, answers lost, services busy, a new process each time: nobody gets one twice, and each ends."""
    address = f"sqlite:///{tmp_path_factory.mktemp('bots') / 'bots.sqlite'}"
    chat, clock = Chat(), Clock()
    chat.plan = list(faults)
    for process in range(200):
        with BotStore(address) as store:
            queue, sender = sender_of(store, chat, clock, f"p{process}", attempts=50)
            for number in range(news):
                queue.publish(News(key=f"news {number}", title="x"), [subscriber(one) for one in range(1, people + 1)], clock())
            try:
                for _ in range(5):
                    asyncio.run(sender.work())
                    clock.now += timedelta(seconds=20)
            except Killed:
                continue
            if not queue.counts().keys() & {"queued", "sending"} and not chat.plan:
                break
    assert len(chat.got) == len(set(chat.got)), "twice"
    with BotStore(address) as store:
        counts = sender_of(store, chat, clock, "last")[0].counts()
    assert counts.keys() <= {"sent", "unsure"}
    assert sum(counts.values()) == people * news
    assert counts.get("sent", 0) <= len(chat.got)


def row(symbol: str, weight: float | None, strategy: str = "main") -> dict[str, Any]:
    return {"symbol": symbol, "strategy": strategy, "direction": "long", "probability": 0.52, "signal_weight": weight}


class Service:
    """The service's list of signals."""

    def __init__(self) -> None:
        self.session, self.rows = (
            "2024-03-14",
            [row("AAA", 0.1), row("BBB", 0.2), row("CCC", 0.0), row("DDD", None), row("XXX", 0.3, "pairs")],
        )

    async def read(self, path: str, **_: object) -> dict[str, Any]:
        return {"data": self.rows[:1], "session": self.session, "next": None}

    async def every(self, path: str, limit: int, **asked: object) -> list[dict[str, Any]]:
        assert asked["session"] == self.session
        return self.rows[:limit]


def test_signals_of_a_new_session_are_news_once_and_those_before_none(store: BotStore) -> None:
    clock, service = Clock(), Service()
    queue, _ = sender_of(store, Chat(), clock)
    shop = Shop(store, {"soon": SOON, "late": LATE}, timedelta(0), {})
    shop.give("telegram:1", SOON, 30, by="admin", now=NOW)
    shop.give("telegram:2", LATE, 30, by="admin", now=NOW)
    news = ServiceNews(service, shop, queue, clock)  # type: ignore[arg-type]
    assert asyncio.run(news.look()) == 0, "what was there before the bots"
    service.session = "2024-03-15"
    assert asyncio.run(news.look()) == 3, "both of main, one of pairs"
    assert asyncio.run(news.look()) == 0


def test_the_strongest_of_each_strategy_are_news_however_many_symbols_there_are(store: BotStore) -> None:
    """The first 200 rows were asked for: of 300 symbols the shorts, which the service lists last, and all of the next strategy were missing."""
    clock, service = Clock(), Service()
    queue, _ = sender_of(store, Chat(), clock)
    shop = Shop(store, {"soon": SOON}, timedelta(0), {})
    shop.give("telegram:1", SOON, 30, by="admin", now=NOW)
    news = ServiceNews(service, shop, queue, clock)  # type: ignore[arg-type]
    asyncio.run(news.look())
    service.session = "2024-03-15"
    service.rows = [row(f"S{place:03}", 0.1 - place / 1000) for place in range(300)] + [row("XXX", 0.3, "pairs")]
    assert asyncio.run(news.look()) == 2
    first = {one.news.strategy: one.news.rows[0][1] for _ in range(2) for one in ended(queue, clock())}
    assert first == {"main": "S299", "pairs": "XXX"}


def ended(queue: DeliveryQueue, now: datetime) -> list[QueuedMessage]:
    taken = queue.take(now, 10, ["telegram"])
    for one in taken:
        queue.end(one, "sent", now)
    return taken


def test_the_strongest_signals_come_first_and_what_is_not_traded_is_none() -> None:
    made = signal_news("2024-03-15", "main", Service().rows[:4])
    assert [one[1] for one in made.rows] == ["BBB", "AAA"]
    assert "not advice" in made.lines[-1]
    assert signal_news("2024-03-15", "main", []).lines[0] == "No signals."
