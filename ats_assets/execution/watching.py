"""Following the broker's order events all day long, and reconciling after each of them.

A broker's stream of order events may lose, repeat and reorder them. So an event only says *when* to look; what there is to see, the broker is asked, by the same
reconciliation as before each execution. It records each fill once, alerts, and stops trading where both sides differ. What a plan has left to do at the open
(`Executor.follow_up`) is done in the same look.

1. Look at the start, after each event, and after each connection, for what happened without one.
2. Events in a burst are one reason to look. At least half of the time is left to others, since requests are limited and there is one lease.
3. Look again soon after each of these looks: the broker may tell of an event before its books show it.
4. Look at a long interval anyway.
"""

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.errors import AtsError, TradeStateError
from ats_assets.execution.broker import BrokerError, KeysRefusedError
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.executor import Executor
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.requests import RequestError
from ats_assets.vendors.backoff import Backoff

log = logging.getLogger(__name__)

FAILURES_BEFORE_ALERT = 3
_WAITED_OUT = (BrokerError, ExecutorBusyError, LeaseLostError, RequestError, TradeStateError)


class WakeSignal:
    """Wakes the loop that reconciles. `wake` may be called from any thread and from a signal handler (a `SimpleQueue` is re-entrant, an `Event` is not)."""

    def __init__(self) -> None:
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self.stopped = False

    def wake(self, what: object = None) -> None:
        """There is something to see; `what` is for the log."""
        if what is not None:
            log.debug("the broker tells of: %s", what)
        self._wakes.put(None)

    def stop(self) -> None:
        """End the loop."""
        self.stopped = True
        self._wakes.put(None)

    def wait(self, seconds: float) -> bool:
        """Whether `wake` was called, before now or within so many seconds; several calls count as one."""
        try:
            self._wakes.get(timeout=max(0.0, seconds))
        except Empty:
            return False
        with contextlib.suppress(Empty):
            while True:
                self._wakes.get_nowait()
        return True

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds, whatever wakes it except `stop`."""
        until = time.monotonic() + seconds
        while not self.stopped and (left := until - time.monotonic()) > 0:
            self.wait(left)


@contextmanager
def stopping(wake_signal: WakeSignal) -> Iterator[None]:
    """SIGTERM and SIGINT stop a loop that the signal wakes, once what has begun is at its end; a second one does what it did before."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        wake_signal.stop()

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, kw_only=True)
class WatchIntervals:
    """When to reconcile.

    Attributes
    ----------
    interval_seconds
        Between reconciliations without an event.
    gather_seconds
        After an event, for those that come with it. As much time as the last look took is left free, too.
    again_seconds
        Until the second look after an event.
    poll_seconds
        Between two questions for requests of people.
    backoff
        Its back-off follows a look that failed, whatever happens meanwhile.
    """

    interval_seconds: float = 300.0
    gather_seconds: float = 1.0
    again_seconds: float = 5.0
    poll_seconds: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(max_seconds=60.0))


def watch(
    executor: Executor,
    wake_signal: WakeSignal,
    *,
    alert: AlertSink,
    alive: Callable[[], None] = lambda: None,
    requests: Callable[[], int] | None = None,
    clock: Clock | None = None,
    intervals: WatchIntervals | None = None,
) -> int:
    """Reconcile until the signal is stopped; returns how often. A reconciliation that has begun is completed.

    Parameters
    ----------
    alert
        Told where looks fail again and again, and where watching ends by an error; the executor tells of fills and halts.
    alive
        Raises the error that ended the source of the events, so that it ends this loop as well.
    requests
        Takes up what people have asked for, and gives how many requests came to an end; called between the looks, too.

    Raises
    ------
    KeysRefusedError, AccountMismatchError, AlpacaKeysError
        What no repetition mends. That the broker can't be asked, that another executor holds the lease, or that the database is away, is waited out.
    """
    clock = clock or SystemClock()

    def tell(key: str, title: str, error: AtsError) -> None:
        alert(Alert(key=f"watch:{key}", severity=Severity.WARNING, title=title, text=str(error), at=clock.now()))

    try:
        return _watch(_Looking(executor, requests or (lambda: 0)), wake_signal, alive, tell, intervals or WatchIntervals())
    except AtsError as error:
        tell("end", "Orders are no longer watched", error)
        raise


@dataclass
class _Looking:
    """What a look does, and what is done between two of them."""

    executor: Executor
    requests: Callable[[], int]
    _said: str = ""
    """What was wrong when requests were looked for last: it is not said again each second."""

    def look(self) -> None:
        self.requests()
        self.executor.follow_up()

    def wait(self, wake_signal: WakeSignal, seconds: float, poll_seconds: float) -> bool:
        """Whether something has happened: an event, or a request that came to an end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > poll_seconds:
            if wake_signal.wait(poll_seconds):
                return True
            try:
                if not wake_signal.stopped and self.requests():
                    return True
                self._said = ""
            except _WAITED_OUT as error:
                if isinstance(error, KeysRefusedError):
                    raise
                if str(error) != self._said:
                    log.warning("what people ask for can't be taken up now, and is looked for again: %s", error)
                self._said = str(error)
        return wake_signal.wait(left)


def _watch(
    looking: _Looking,
    wake_signal: WakeSignal,
    alive: Callable[[], None],
    tell: Callable[[str, str, AtsError], None],
    intervals: WatchIntervals,
) -> int:
    looks = failures = 0
    wait = took = 0.0
    while not wake_signal.stopped:
        woken = looking.wait(wake_signal, wait, intervals.poll_seconds)
        alive()
        if woken:
            wake_signal.sleep(max(intervals.gather_seconds, took))
        if wake_signal.stopped:
            break
        started = time.monotonic()
        looks += 1
        try:
            looking.look()
        except KeysRefusedError:
            raise
        except _WAITED_OUT as error:
            failures += 1
            seconds = intervals.backoff.seconds(failures + 1)
            log.warning("the account can't be reconciled, again in %.1f s: %s", seconds, error)
            if failures == FAILURES_BEFORE_ALERT:
                tell("failing", "The account can't be reconciled", error)
            wake_signal.sleep(seconds)
            wait = 0.0
        else:
            failures = 0
            wait = intervals.again_seconds if woken else intervals.interval_seconds
        took = time.monotonic() - started
    return looks
