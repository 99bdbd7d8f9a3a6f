"""How long to wait before a request is repeated: what the server says, else back-off with full jitter."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_SECONDS = 1.0
_MAX_DOUBLINGS = 64
"""Longer than any wait; a power without a bound would overflow where something fails for days."""


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How long to wait between attempts.

    Parameters
    ----------
    max_seconds
        No wait is longer, whatever the server asks for.
    sleep, draw, now
        How to wait, a draw from [0, 1), and the clock; other ones in tests.
    """

    max_seconds: float
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = field(default=random.random)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def before(self, attempt: int, headers: Mapping[str, str] | None) -> None:
        """Wait before `attempt` (2 is the first repetition), after an answer with these headers (None: there was none)."""
        asked = self.asked_seconds(headers)
        self.sleep(min(self.max_seconds, self.seconds(attempt) if asked is None else asked))

    def seconds(self, attempt: int) -> float:
        """Uniform between 0 and 1, 2, 4, 8 … seconds, so that many clients do not come back at once (M. Brooker, "Exponential Backoff And Jitter", 2015)."""
        return self.draw() * min(self.max_seconds, FIRST_WAIT_SECONDS * 2 ** min(attempt - 2, _MAX_DOUBLINGS))

    def asked_seconds(self, headers: Mapping[str, str] | None) -> float | None:
        """What the server asks for; None: it does not say. Retry-After as a number or a date, else X-Ratelimit-Reset (seconds since 1970). A date counts from the server's own clock."""
        if headers is None:
            return None
        text = headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        then = http_date(text)
        reset = headers.get("X-Ratelimit-Reset", "").strip()
        if then is None and reset.isascii() and reset.isdigit() and len(reset) < 12:
            then = datetime.fromtimestamp(int(reset), UTC)
        if then is None:
            return None
        return max(0.0, (then - (http_date(headers.get("Date", "")) or self.now())).total_seconds())


def http_date(text: str) -> datetime | None:
    """A date as HTTP headers have it, in UTC; None where it is none.

    Examples
    --------
    >>> http_date("Mon, 04 Mar 2024 14:30:00 GMT")
    datetime.datetime(2024, 3, 4, 14, 30, tzinfo=datetime.timezone.utc)
    >>> http_date("soon") is None
    True
    """
    try:
        at = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
