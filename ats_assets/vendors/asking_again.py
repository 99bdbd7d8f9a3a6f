"""One question to a vendor until it is answered: each attempt within the budget and in the audit log, with a key that is not refused, and with a wait before the next."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from requests.structures import CaseInsensitiveDict

from ats_assets.vendors.answer import Answer, FailedAttempt, Form, WhatIsWrong, judged, keys_refused, refuses_the_key
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.call_log import ANSWERED, CallOutcome, VendorCall
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.credentials import Scrubber, VendorKey, VendorKeys
from ats_assets.vendors.errors import (
    VendorError,
    VendorKeysError,
    VendorRateLimitError,
    VendorRefusedError,
    VendorUnreachableError,
)
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets.vendors.vendor_state import Terms, VendorState
from ats_assets.vendors.wire import Wire

ShowKey = Callable[[VendorKey, str, str], Mapping[str, str]]
"""The headers that show a key, for a method and a URL."""
NO_KEY = "-"


@dataclass(frozen=True)
class Question:
    """What is asked, and how its answer is understood."""

    url: str
    shown: str
    form: Form
    weight: int
    is_whole: WhatIsWrong | None
    file: Path | None = None


class Asking:
    """See the module's text; its parts are those of `VendorHttp`. Safe for several threads."""

    def __init__(
        self,
        vendor: str,
        wire: Wire,
        credentials: VendorKeys | None,
        *,
        state: VendorState,
        limits: VendorLimits,
        backoff: Backoff,
        show_key: ShowKey,
        headers: Mapping[str, str],
        max_attempts: int,
        breaker: Breaker,
    ) -> None:
        self._vendor = vendor
        self._wire = wire
        self._credentials = credentials
        self._state = state
        self._backoff = backoff
        self._show_key = show_key
        self._headers = dict(headers)
        self._max_attempts = max_attempts
        self._terms = Terms(limits=limits, breaker=breaker, pause_seconds_max=backoff.max_seconds)

    def scrubber(self) -> Scrubber:
        """Takes all keys out."""
        return self._credentials.scrubber() if self._credentials else Scrubber([])

    def answer(self, question: Question) -> Answer:
        """The answer, after as many attempts as it takes.

        Raises
        ------
        VendorError
            If there is none that counts.
        SettingsError
            If there is no key.
        """
        attempt = 1
        while isinstance(outcome := self._attempt(question, attempt), FailedAttempt):
            attempt += 1
            self._backoff.before(attempt, outcome.headers)
        return outcome

    def _attempt(self, question: Question, attempt: int) -> Answer | FailedAttempt:
        keys: Sequence[VendorKey | None] = self._keys()
        for key in keys:
            outcome = self._sent(question, self.call(question, key, attempt), key, is_last=key is keys[-1])
            if outcome is not None:
                return outcome
        raise AssertionError("the last key that is refused is an error")

    def _keys(self) -> Sequence[VendorKey | None]:
        """Those to ask with, in this order: the ones that were not refused just now, or all."""
        if self._credentials is None:
            return [None]
        keys = self._credentials.now()
        if len(keys) == 1:
            return keys
        refused = self._state.refused_keys(self._vendor)
        return [key for key in keys if key.fingerprint not in refused] or keys

    def call(self, question: Question, key: VendorKey | None, attempt: int) -> VendorCall:
        """A request, as the audit log has it."""
        fingerprint = key.fingerprint if key else NO_KEY
        return VendorCall(vendor=self._vendor, host=self._wire.host, key=fingerprint, method="GET", path=question.shown, attempt=attempt)

    def _sent(self, question: Question, call: VendorCall, key: VendorKey | None, *, is_last: bool) -> Answer | FailedAttempt | None:
        """One request; None where its key is refused, and there is another.

        Raises
        ------
        VendorError
            If no other attempt is worth while.
        """
        number = self._state.begin(call, replace(self._terms, units=question.weight))
        started = time.perf_counter()
        answer, outcome = self._judged(question, key)
        raised: VendorError | None = None
        if isinstance(outcome, VendorKeysError) and key is not None:
            self._state.refuse_key(self._vendor, key.fingerprint)
            raised = outcome if is_last else None
        elif isinstance(outcome, VendorRefusedError):
            raised = outcome
        elif isinstance(outcome, FailedAttempt):
            raised = self._given_up(call, outcome)
        failure = outcome.error if isinstance(outcome, FailedAttempt) else outcome if isinstance(outcome, VendorError) else None
        noted = CallOutcome(
            outcome=ANSWERED if failure is None else failure.outcome,
            status=answer.status if answer else None,
            seconds=time.perf_counter() - started,
            n_bytes=len(answer.content) if answer else 0,
            request_id=answer.headers.get("X-Request-Id", "") if answer else "",
        )
        self._state.end(number, call, noted, raised, breaker=self._terms.breaker)
        if raised is not None:
            raise raised
        return None if isinstance(outcome, VendorError) else outcome

    def _judged(self, question: Question, key: VendorKey | None) -> tuple[Answer | None, Answer | FailedAttempt | VendorError]:
        """What came, and what it counts as."""
        where, at = f"{self._vendor}: GET {question.shown}", datetime.now(UTC)
        headers = {**self._headers, **(self._show_key(key, "GET", question.url) if key else {})}
        scrubber = self.scrubber()
        try:
            status, told, content = self._wire.get(question.url, headers, question.file, scrubber)
        except VendorError as error:
            return None, FailedAttempt(type(error)(f"{where}: {error}"))
        clean = CaseInsensitiveDict({scrubber.text(name): scrubber.text(value) for name, value in told.items()})
        content = scrubber.content(content)
        answer = Answer(question.shown, status, clean, content, content, False, at)
        if self._credentials is not None and refuses_the_key(answer):
            return answer, keys_refused(answer, where, self._vendor, " and ".join(self._credentials.names), scrubber)
        outcome = judged(answer, where, question.form, question.is_whole, scrubber)
        if question.file is not None and isinstance(outcome, FailedAttempt) and 200 <= status < 300:
            question.file.unlink(missing_ok=True)
        return answer, outcome

    def _given_up(self, call: VendorCall, failed: FailedAttempt) -> VendorError | None:
        """The error after the last attempt; None: there is another. A pause that the vendor asks for is for all who ask with the key."""
        asked = self._backoff.asked_seconds(failed.headers) if isinstance(failed.error, VendorRateLimitError) else None
        if asked:
            self._state.hold_off(call, asked)
        is_longer = asked is not None and asked > self._backoff.max_seconds
        if type(failed.error) is VendorError:
            return failed.error
        if call.attempt < self._max_attempts and not is_longer:
            return None
        often = f", {call.attempt} times" if call.attempt > 1 else ""
        pause = f"; it asks for a pause of {asked:.0f} seconds" if is_longer else ""
        advice = {
            VendorUnreachableError: f"check the network, or wait until {self._vendor} is back",
            VendorRateLimitError: f"wait a minute, ask for less at once, or set vendors.{self._vendor}.requests_per_minute to what the plan allows",
        }.get(type(failed.error), f"wait until {self._vendor} is back")
        return type(failed.error)(f"{failed.error}{often}{pause}: {advice}")
