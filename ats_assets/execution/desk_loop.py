"""A desk as a process of its own: looks for what people have asked for until it is told to stop."""

import logging
import time
from collections.abc import Callable

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.errors import AtsError, TradeStateError
from ats_assets.execution.broker import BrokerError, KeysRefusedError
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.execution.request_desk import RequestDesk
from ats_assets.execution.watching import WakeSignal
from ats_assets.requests import RequestError
from ats_assets.vendors.backoff import Backoff

log = logging.getLogger(__name__)

PASSING = (BrokerError, ExecutorBusyError, LeaseLostError, RequestError, TradeStateError)
"""What the next look may mend: a broker that is away, another executor at work, a database that is locked."""
FAILURES_UNTIL_TOLD = 3


def keep_looking(
    look: Callable[[], int],
    wake_signal: WakeSignal,
    *,
    alert: AlertSink,
    every_seconds: float,
    on_look: Callable[[], None] = lambda: None,
    clock: Clock | None = None,
    backoff: Backoff | None = None,
) -> int:
    """Look until the signal is stopped; gives how many requests came to an end. A look that has begun is completed.

    Parameters
    ----------
    look
        `RequestDesk.look`.
    on_look
        Called before each of them.

    Raises
    ------
    KeysRefusedError, AccountMismatchError
        What no repetition mends.
    """
    clock, backoff = clock or SystemClock(), backoff or Backoff(max_seconds=10.0)
    ended = failures = 0
    while not wake_signal.stopped:
        on_look()
        try:
            ended += look()
        except PASSING as error:
            if isinstance(error, KeysRefusedError):
                raise
            failures += 1
            seconds = backoff.seconds(failures + 1)
            log.warning("requests can't be taken up, again in %.1f s: %s", seconds, error)
            if failures == FAILURES_UNTIL_TOLD:
                _tell(alert, clock, error)
            wake_signal.sleep(seconds)
        else:
            failures = 0
            wake_signal.wait(every_seconds)
    return ended


def take_up_requests(desk: RequestDesk, tell: Callable[[str], object]) -> int:
    """Look once, on the way to something else, which does not depend on it: what can't be taken up now stays for the next look, and is told."""
    try:
        return desk.look()
    except PASSING as error:
        if isinstance(error, KeysRefusedError):
            raise
        tell(f"what people ask for can't be taken up now: {error}")
        return 0


class PolledDesk:
    """A desk in a loop that goes round faster than requests are looked for."""

    def __init__(self, desk: RequestDesk, every_seconds: float) -> None:
        self._desk, self._every = desk, every_seconds
        self._looked: float | None = None

    def look(self) -> bool:
        """Whether any request came to an end; without a look where the last one is not long ago."""
        now = time.monotonic()
        if self._looked is not None and now - self._looked < self._every:
            return False
        self._looked = now
        return take_up_requests(self._desk, log.warning) > 0


def _tell(alert: AlertSink, clock: Clock, error: AtsError) -> None:
    title = "What people ask for can't be taken up"
    alert(Alert(key="desk:failing", severity=Severity.WARNING, title=title, text=str(error), at=clock.now()))
