"""The fan-out: each message, serialised once, into the queue of each client that wants it. It runs in the event loop, and waits for nobody."""

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

from ats_assets.serving.stream.closing import SLOW_READER, TOO_MANY
from ats_assets.serving.stream.delta_store import News, Renewed
from ats_assets.serving.stream.feed import KEPT_TOPICS
from ats_assets.serving.stream.followed_journal import Wanted
from ats_assets.serving.stream.listener import Listener, Told
from ats_assets.serving.stream.topic_log import TopicLog
from ats_assets.settings import StreamSettings

LONGEST_FANOUT = 1.0
"""Seconds for which the feed waits until its news are on their way."""
BEGIN_SECONDS = 5.0
"""For which a subscription waits for a topic that nobody heard before."""


class FollowsChanges(Protocol):
    """What feeds it."""

    def start(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def want(self, wanted: Wanted, *, alone: bool) -> None: ...  # noqa: D102


class NotNowError(Exception):
    """A topic can't be had now; the message says why."""


class Fanout:
    """All clients of a process.

    Parameters
    ----------
    make_feed
        Makes the feed that is told where to publish; at the first client.
    """

    def __init__(self, settings: StreamSettings, make_feed: Callable[[Callable[[list[News]], None]], FollowsChanges]) -> None:
        self._settings, self._make_feed = settings, make_feed
        self._feed: FollowsChanges | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beating: asyncio.Task[None] | None = None
        self._logs: dict[str, TopicLog] = {}
        self._begun: dict[str, asyncio.Future[None]] = {}
        self._of: defaultdict[str, set[Listener]] = defaultdict(set)
        self._listeners: set[Listener] = set()
        self._times: dict[str, int] = {}
        self._time = 0

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._listeners)

    def join(self, listener: Listener) -> bool:
        """Take a client; False where there are too many."""
        if len(self._listeners) >= self._settings.max_clients:
            listener.drop(TOO_MANY)
            return False
        if self._feed is None:
            self._loop = asyncio.get_running_loop()
            self._feed = self._make_feed(self.publish)
            self._feed.start()
            self._beating = self._loop.create_task(self._beat())
        self._listeners.add(listener)
        self._want()
        return True

    def leave(self, listener: Listener) -> None:
        """Let a client go."""
        self._listeners.discard(listener)
        self.unsubscribe(listener, list(listener.topics))

    async def close(self) -> None:
        """End the feed."""
        if self._beating is not None:
            self._beating.cancel()
        if self._feed is not None:
            await asyncio.to_thread(self._feed.stop)

    async def subscribe(self, listener: Listener, topic: str, after: str | None) -> None:
        """Send a client a topic from now on: what it missed since a cursor, else a snapshot first.

        Raises
        ------
        NotNowError
            If the topic can't be had now.
        """
        log = self._logs.get(topic) or await self._begin(topic)
        if listener not in self._listeners or topic in listener.topics:
            return
        missed = None if after is None else log.since(after)
        if missed is not None and len(missed) <= self._settings.max_queued_messages:
            assert after is not None, "it was found"
            listener.answer(json.dumps({"type": "resumed", "topic": topic, "sequence": log.sequence - len(missed), "cursor": after}))
            for delta in missed:
                listener.answer(delta.message)
        else:
            if after is not None:
                listener.answer(_reset(topic, "the cursor is too old, or of another history" if missed is None else "too much was missed"))
            listener.answer(log.snapshot())
        listener.topics.add(topic)
        self._of[topic].add(listener)

    def unsubscribe(self, listener: Listener, topics: Iterable[str]) -> None:
        """Send a client these topics no more."""
        for topic in listener.topics & set(topics):
            listener.topics.discard(topic)
            self._of[topic].discard(listener)
            if not self._of[topic]:
                del self._of[topic]
        self._let_go()

    def publish(self, news: list[News]) -> None:
        """Send news to whoever wants them. From another thread, which waits until they are on their way: what it did meanwhile would hold up the sending."""
        done = threading.Event()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody hears anything any more
                self._loop.call_soon_threadsafe(self._take, news, done)
                done.wait(LONGEST_FANOUT)

    def _take(self, news: list[News], done: threading.Event | None = None) -> None:
        for one in news:
            if isinstance(one, Renewed):
                self._renew(one.log)
            elif (log := self._logs.get(one.topic)) is not None:
                log.take(one)
                if listeners := self._of.get(one.topic):
                    told = Told(one.message)
                    for listener in listeners:
                        listener.tell(told)
        if done is not None and self._loop is not None:
            self._loop.call_soon(done.set)  # behind those who were just woken to send

    def _renew(self, log: TopicLog) -> None:
        topic = log.topic
        if topic not in KEPT_TOPICS and topic not in self._times:
            return  # nobody wants it any more
        self._logs[topic] = log
        if (begun := self._begun.pop(topic, None)) is not None and not begun.done():
            begun.set_result(None)
        for listener in self._of.get(topic, ()):
            listener.answer(_reset(topic, "another history begins"))
            listener.answer(log.snapshot())

    async def _begin(self, topic: str) -> TopicLog:
        """Have the feed tell of a topic."""
        begun = self._begun.get(topic)
        if begun is None:
            begun = self._begun[topic] = asyncio.get_running_loop().create_future()
            if topic not in KEPT_TOPICS:
                if len(self._times) >= self._settings.max_symbol_topics:
                    del self._begun[topic]
                    raise NotNowError(f"{self._settings.max_symbol_topics} topics of symbols are followed already: unsubscribe from one")
                self._time += 1
                self._times[topic] = self._time
                self._want()
        try:
            await asyncio.wait_for(asyncio.shield(begun), BEGIN_SECONDS)
        except TimeoutError:
            raise NotNowError(f"{topic} can't be read now: the topic feed says why") from None
        if (log := self._logs.get(topic)) is None:
            raise NotNowError(f"{topic} was let go meanwhile: ask again")
        return log

    def _let_go(self) -> None:
        """Topics of symbols that nobody hears, and nobody waits for, are not followed."""
        for topic in [topic for topic in self._times if topic not in self._of and topic not in self._begun]:
            del self._times[topic]
            self._logs.pop(topic, None)
        self._want()

    def _want(self) -> None:
        if self._feed is not None:
            self._feed.want(frozenset(self._times.items()), alone=not self._listeners)

    async def _beat(self) -> None:
        """Heartbeats; who reads nothing for long, or may hear nothing any more, goes."""
        clock, settings = asyncio.get_running_loop().time, self._settings
        while True:
            await asyncio.sleep(settings.heartbeat_seconds)
            self._let_go()
            beat = Told(json.dumps({"type": "heartbeat", "at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}))
            for listener in list(self._listeners):
                began = listener.stalls_since()
                if began is not None and clock() - began > settings.stalled_seconds:
                    listener.drop(SLOW_READER)
                elif (close := listener.allowed()) is not None:
                    listener.drop(close)
                else:
                    listener.tell(beat)


def _reset(topic: str, reason: str) -> str:
    return json.dumps({"type": "reset", "topic": topic, "reason": reason})
