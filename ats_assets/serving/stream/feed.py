"""The feed: a thread that looks for changes and tells them, one for all clients of a process.

1. Each database is asked whether anything was committed (`change_probe`); only then are its topics read, in one snapshot.
2. What differs from what was told is written down (`delta_store`), then given to `publish`.
3. What can't be read (a locked database, a server that is gone) is told in the topic `feed`, tried again with growing pauses, and then told as the difference that it has become:
   clients lose nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable

from ats_assets.deployment import Deployment
from ats_assets.serving.stream.change_probe import PostgresqlProbe, probe_of
from ats_assets.serving.stream.delta_store import FILE, DeltaStore, News, Renewed
from ats_assets.serving.stream.followed_journal import FollowedJournal, Wanted
from ats_assets.serving.stream.followed_signals import FollowedSignals
from ats_assets.serving.stream.followed_source import LAST_RETRY, UNREADABLE, FollowedSource
from ats_assets.serving.stream.followed_trading import TRADING, FollowedTrading
from ats_assets.serving.stream.topic_log import Rows, by_key
from ats_assets.trade_state import TradeReader

logger = logging.getLogger(__name__)
KEPT_TOPICS = ("feed", "signals", *TRADING)
"""The topics whose history is written down."""
BUSY_PAUSE, PAUSE, POSTGRESQL_PAUSE, ALONE_PAUSE = 0.015, 0.04, 0.05, 1.0
"""Seconds between two looks: while something happens, while nothing does, the least on PostgreSQL, and while nobody is connected."""
BUSY_SECONDS = 5.0
"""For so long after a change looks come as while something happens."""
BESIDE_SECONDS = 0.5
"""Between two looks at what no commit tells: partitions, the kill file, processes."""

Publish = Callable[[list[News]], None]


class StreamFeed:
    """Follows a deployment.

    Parameters
    ----------
    publish
        Is given news, in order, on the feed's thread; it returns at once.
    """

    def __init__(self, deployment: Deployment, publish: Publish) -> None:
        settings = deployment.settings
        self._publish = publish
        self._reader = reader = TradeReader(settings, busy_seconds=settings.serving.busy_seconds)
        self._probe = probe_of(reader.url)
        self._trading = FollowedTrading(deployment, reader)
        self._signals = FollowedSignals(deployment)
        self._journal = FollowedJournal(deployment, reader, self._probe)
        self._store = DeltaStore((settings.serving.stream.history_folder or settings.storage.data) / FILE)
        self._of_trading, self._of_signals, self._of_session = (FollowedSource(key=key) for key in ("trade_state", "signals", "session"))
        self._about: tuple[object, ...] = ()
        self._committed: Hashable = ()
        self._beside: Hashable = ()
        self._beside_at = self._changed_at = 0.0
        self._wanted: Wanted = frozenset()
        self._alone = True
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream-feed", daemon=True)

    def start(self) -> None:
        """Begin: what was told before is published first, then what differs from it."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def want(self, wanted: Wanted, *, alone: bool) -> None:
        """What is heard: the topics of symbols that somebody wants, and whether nobody is connected at all. From any thread."""
        woken = wanted != self._wanted or (self._alone and not alone)
        self._wanted, self._alone = wanted, alone
        if woken:
            self._woken.set()

    def turn(self) -> None:
        """Look once at everything, and publish what is new."""
        beside = time.monotonic() >= self._beside_at
        if beside:
            self._beside_at = time.monotonic() + BESIDE_SECONDS
            self._beside = self._trading.beside()
            self._journal.look()
        self._of_trading.read(self._stamp, self._tell_trading)
        wanted = self._wanted
        of_session = self._of_session.read(lambda: self._journal.stamp(wanted, self._committed), lambda: self._journal.read(wanted))
        if of_session is not None or (beside and self._of_session.state != UNREADABLE):
            self._of_session.told(*self._journal.followed.state)
        self._told(of_session or [])
        if beside and (signals := self._of_signals.read(self._signals.stamp, self._signals.rows)) is not None:
            self._told(self._store.tell({"signals": signals}))
        self._told(self._store.tell(self._about_itself()))

    def _tell_trading(self) -> None:
        for found in self._trading.rows():
            self._told(self._store.tell(found))

    def _told(self, news: list[News]) -> None:
        if news:
            self._changed_at = time.monotonic()
            self._publish(news)

    def _stamp(self) -> Hashable:
        self._committed = self._probe.stamp()
        return self._committed, self._beside

    def _about_itself(self) -> dict[str, Rows]:
        """The topic `feed`, where it has changed."""
        sources = (self._of_trading, self._of_signals, self._of_session)
        told = tuple((one.state, one.reason) for one in sources)
        if told == self._about:
            return {}
        self._about = told
        return {"feed": by_key(one.row for one in sources)}

    def _run(self) -> None:
        self._told([Renewed(log=self._store.load(topic)) for topic in KEPT_TOPICS])
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                self.turn()
            except Exception:  # whatever one look meets, clients are told and the next look may succeed
                logger.exception("the stream's feed fails, and goes on")
                self._stopped.wait(LAST_RETRY)
            self._woken.wait(self._pause())
        self.close()

    def close(self) -> None:
        """Close what it has opened; `stop` does so."""
        for one in (self._probe, self._journal, self._store, self._reader):
            one.close()

    def _pause(self) -> float:
        if self._alone:
            return ALONE_PAUSE
        pause = BUSY_PAUSE if time.monotonic() - self._changed_at < BUSY_SECONDS else PAUSE
        return max(pause, POSTGRESQL_PAUSE) if isinstance(self._probe, PostgresqlProbe) else pause
