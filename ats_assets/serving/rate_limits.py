"""How many requests a caller may make: a bucket each, which fills evenly and holds ten seconds' worth."""

import time
from collections.abc import Callable

HELD_SECONDS = 10.0
_MOST = 10_000
"""Callers that are remembered; the oldest go first, and begin again with a full bucket."""


class RateLimits:
    """Buckets by caller.

    Parameters
    ----------
    per_minute
        Requests; 0: no limit.
    clock
        In seconds.

    Examples
    --------
    >>> limits = RateLimits(60, clock=lambda: 0.0)
    >>> [limits.wait("laptop") for _ in range(11)]
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._holds = max(1.0, self._rate * HELD_SECONDS)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, caller: str) -> float:
        """Take one from the caller's bucket: 0, or the seconds until there is one again."""
        if not self._rate:
            return 0.0
        now = self._clock()
        left, at = self._buckets.pop(caller, (self._holds, now))
        left = min(self._holds, left + (now - at) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[caller] = (left if wait else left - 1, now)
        if len(self._buckets) > _MOST:
            del self._buckets[next(iter(self._buckets))]
        return wait
