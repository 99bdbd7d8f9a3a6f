"""What all requests to vendors share, in all processes of a deployment: budgets, refused keys, health and circuit breaker, kept answers, the audit log.

A request takes two short transactions: `begin` before it is sent, which waits for the budget and writes it into the audit log, and `end` after it.
What can't be kept is not: nothing here ever stops a request but a budget that is used up and a breaker that is open.
"""

import logging
import os
import sqlite3
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ats_assets.vendors import budgets
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.answer_cache import cache_counts, count_look, keep_answer, question_digest, take_answer
from ats_assets.vendors.call_log import (
    ANSWERED,
    FROM_CACHE,
    SENT,
    CallOutcome,
    LoggedCall,
    VendorCall,
    call_counts,
    complete_call,
    forget_calls,
    logged_calls,
    write_call,
)
from ats_assets.vendors.circuit import NEVER, Breaker, VendorHealth, admit, all_health, note_failure, note_success
from ats_assets.vendors.errors import VendorError, VendorRateLimitError
from ats_assets.vendors.moment import MICROSECONDS, Clocks, Moment, in_micros, time_of_day
from ats_assets.vendors.state_file import StateFile
from ats_assets.vendors.vendor_limits import NO_LIMITS, VendorLimits

REFUSED_SECONDS = 300
"""For how long a key that was refused is asked with only if there is no other."""
SAY_WAITS_FROM = 5.0
MEGABYTE = 1_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How much is kept, for how long."""

    audit_days: int = 90
    audit_rows_max: int = 1_000_000
    cache_megabytes: int = 256


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On which a request may be sent.

    Attributes
    ----------
    breaker
        Whether the vendor may be left alone now; asked at the first attempt.
    waits
        False: it is counted, and sent at once, whatever the budget. So is an order.
    pause_seconds_max
        How long a pause may be that the vendor has asked for, and that is waited for.
    """

    limits: VendorLimits = NO_LIMITS
    units: int = 1
    breaker: Breaker = NEVER
    waits: bool = True
    pause_seconds_max: float = 120.0


class VendorState:
    """See the module's text. Safe for several threads and processes, and after a fork.

    Parameters
    ----------
    path
        None: of this process alone.
    clock, now, sleep
        Other ones in tests.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        keeping: Keeping | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._file = StateFile(path, clock=clock)
        self._keeping = keeping or Keeping()
        self._clocks = Clocks(clock, now or time_of_day, sleep)
        self._noted: dict[str, tuple[int, VendorLimits]] = {}

    @property
    def path(self) -> Path | None:
        """The file; None: memory."""
        return self._file.path

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()

    def begin(self, call: VendorCall, terms: Terms) -> int:
        """Wait for the budget, take it, and write the request into the audit log; its number there.

        Raises
        ------
        VendorPausedError
            If the breaker is open.
        VendorRateLimitError
            If the vendor asked for a longer pause than is waited for, or the request alone is more than a limit allows.
        """
        if too_small := next((limit for limit in terms.limits.limits if terms.units > limit.units), None):
            raise VendorRateLimitError(
                f"{call.vendor}: {call.method} {call.path} weighs {terms.units}, and the budget is {too_small.units} in {too_small.seconds:g} seconds: raise "
                f"vendors.{call.vendor}.requests_per_minute, or ask for less at once"
            )
        ticket: int | None = None
        waited = 0.0
        try:
            while True:
                seconds, ticket, number = self._file.run(lambda connection, place=ticket: self._begun(connection, call, terms, place))
                if not seconds:
                    return number
                if waited < SAY_WAITS_FROM <= waited + seconds:
                    log.info("%s: waiting %.0f seconds for its budget (vendors.%s.requests_per_minute)", call.vendor, seconds, call.vendor)
                self._clocks.sleep(seconds)
                waited += seconds
        except BaseException:  # also where it is interrupted: nobody waits behind a place that is left
            if (last := ticket) is not None:
                self._file.run(lambda connection: budgets.leave(connection, last))
            raise

    def _begun(self, connection: sqlite3.Connection, call: VendorCall, terms: Terms, ticket: int | None) -> tuple[float, int | None, int]:
        """Seconds to wait, the place in the queue, and the number of the request where it need not wait."""
        at, ask = self._clocks.moment(), budgets.Ask(call.bucket, terms.limits, terms.units)
        if self._noted.get(call.bucket) != (self._file.opened, terms.limits):
            budgets.note_bucket(connection, call, terms.limits)
            self._noted[call.bucket] = self._file.opened, terms.limits
        if not terms.waits:
            budgets.take_units(connection, ask, at.steady)
            return 0.0, None, self._written(connection, call, at)
        if call.attempt == 1:
            if terms.breaker.failures and ticket is None:
                admit(connection, call, at.steady)
            if held := self._held_off(connection, call, at, terms.pause_seconds_max):
                return held, ticket, 0
        seconds, place = budgets.granted(connection, ask, at.steady, ticket)
        return seconds, place, 0 if seconds else self._written(connection, call, at)

    @staticmethod
    def _held_off(connection: sqlite3.Connection, call: VendorCall, at: Moment, seconds_max: float) -> float:
        held = budgets.held_off_seconds(connection, call.bucket, at.micros)
        if held > seconds_max:
            raise VendorRateLimitError(
                f"{call.vendor}: {call.method} {call.path} is not sent: the vendor asked for a pause, which lasts another {held:.0f} seconds. Ask again then, "
                f"and for less at once, or set vendors.{call.vendor}.requests_per_minute to what the plan allows"
            )
        return held

    def _written(self, connection: sqlite3.Connection, call: VendorCall, at: Moment, outcome: str = SENT) -> int:
        number = write_call(connection, call, at.micros, os.getpid(), outcome)
        forget_calls(connection, number, at.micros - self._keeping.audit_days * 86_400 * MICROSECONDS, self._keeping.audit_rows_max)
        return number

    def end(
        self, number: int, call: VendorCall, outcome: CallOutcome, error: VendorError | None = None, *, breaker: Breaker = NEVER
    ) -> None:
        """Note what came of a request.

        Parameters
        ----------
        error
            What is raised now; None: it was answered, or is attempted again (`outcome` says which).
        """

        def work(connection: sqlite3.Connection) -> bool:
            at = self._clocks.moment()
            complete_call(connection, number, outcome)
            if error is not None:
                return note_failure(connection, call, at, error, breaker)
            if outcome.outcome != ANSWERED:
                return False
            if call.attempt > 1:
                budgets.go_on(connection, call.bucket)
            return note_success(connection, call, at)

        if not self._file.run(work):
            return
        if error is None:
            log.info("%s (%s) answers again", call.vendor, call.host)
        else:
            log.warning(
                "%s (%s) fails again and again: nothing is asked of it for %.0f seconds. %s", call.vendor, call.host, breaker.seconds, error
            )

    def hold_off(self, call: VendorCall, seconds: float) -> None:
        """Let all others ask nothing with this key for so long: the vendor said so."""
        until = self._clocks.moment().micros + round(seconds * MICROSECONDS)
        self._file.run(lambda connection: budgets.hold_off(connection, call, until))

    def refuse_key(self, vendor: str, key: str) -> None:
        """Note that the vendor refuses a key, by its fingerprint."""
        at = self._clocks.moment().micros
        self._file.run(
            lambda connection: connection.execute("INSERT OR REPLACE INTO refused_keys VALUES (?, ?, ?)", (key, vendor, at)) and None
        )

    def refused_keys(self, vendor: str) -> frozenset[str]:
        """The fingerprints of the keys that were refused in the last minutes."""
        at = self._clocks.moment().micros
        oldest = at - REFUSED_SECONDS * MICROSECONDS
        rows = self._file.run(
            lambda connection: connection.execute(
                "SELECT key FROM refused_keys WHERE vendor = ? AND at > ? AND at <= ?", (vendor, oldest, at)
            ).fetchall()
        )
        return frozenset(key for (key,) in rows)

    def kept(self, call: VendorCall, url: str, form: str, ttl_seconds: float) -> Answer | None:
        """The answer to a question that was kept, if it is not older; its `body` is its bytes."""
        question = question_digest(call.vendor, url, form)

        def look(connection: sqlite3.Connection) -> Answer | None:
            at = self._clocks.moment()
            answer = take_answer(connection, question, call.path, ttl_seconds, at)
            count_look(connection, call.vendor, is_hit=answer is not None)
            if answer is not None:
                self._written(connection, call, at, FROM_CACHE)
            return answer

        return self._file.run(look)

    def keep(self, vendor: str, url: str, form: str, answer: Answer) -> None:
        """Keep an answer."""
        question, most = question_digest(vendor, url, form), self._keeping.cache_megabytes * MEGABYTE
        self._file.run(lambda connection: keep_answer(connection, question, answer, self._clocks.moment(), most))

    def health(self) -> list[VendorHealth]:
        """How each vendor that was asked is doing."""
        return self._file.run(lambda connection: all_health(connection, self._clocks.steady()))

    def budget_use(self) -> list[budgets.BudgetUse]:
        """What of each limit is used now, by vendor and key."""
        return self._file.run(lambda connection: budgets.all_use(connection, self._clocks.steady()))

    def cache_hit_rates(self) -> dict[str, float]:
        """Vendor -> share of the questions that might have been answered from the cache that were."""
        return {vendor: hits / (hits + misses) for vendor, (hits, misses) in self.cache_looks().items()}

    def cache_looks(self) -> dict[str, tuple[int, int]]:
        """Vendor -> questions that were answered from the cache, and those that might have been, since the file was begun."""
        return self._file.run(cache_counts)

    def call_counts(self, since: datetime) -> dict[tuple[str, str], tuple[int, float | None]]:
        """Vendor and server -> requests that were sent, and their mean seconds."""
        return self._file.run(lambda connection: call_counts(connection, in_micros(since)))

    def calls(
        self, since: datetime, until: datetime | None = None, *, vendor: str | None = None, limit: int | None = None
    ) -> list[LoggedCall]:
        """The newest requests from `since` to `until`, in the order in which they were made."""
        first = in_micros(since)
        last = in_micros(until) if until else 1 << 62
        return self._file.run(lambda connection: list(logged_calls(connection, first, last, vendor, limit)))


_open: "weakref.WeakValueDictionary[tuple[Path, Keeping], VendorState]" = weakref.WeakValueDictionary()


def shared_state(path: Path, keeping: Keeping) -> VendorState:
    """The state in a file; one object of it in a process, as long as somebody holds it."""
    state = _open.get((path, keeping))
    if state is None:
        _open[path, keeping] = state = VendorState(path, keeping=keeping)
    return state
