"""What all requests to vendors share."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ats_assets.vendors.answer import Answer
from ats_assets.vendors.vendor_limits import VendorLimits


class VendorState:
    """What is known of the vendors, in this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._taken: dict[str, deque[tuple[float, int]]] = {}
        self._kept: dict[str, tuple[float, Answer]] = {}

    def kept(self, question: str) -> Answer | None:
        """The answer to a question that is fresh still."""
        until, answer = self._kept.get(question, (0.0, None))
        return replace(answer, from_cache=True) if answer is not None and self._clock() < until else None

    def keep(self, question: str, answer: Answer, ttl_seconds: float) -> None:
        """Keep an answer for so long."""
        self._kept[question] = (self._clock() + ttl_seconds, answer)

    def take(self, bucket: str, limits: VendorLimits, units: int = 1) -> float:
        """Wait until `units` may be asked of a bucket, and take them; the seconds that it took."""
        waited = 0.0
        while seconds := self._until_free(bucket, limits, units):
            self._sleep(seconds)
            waited += seconds
        return waited

    def _until_free(self, bucket: str, limits: VendorLimits, units: int) -> float:
        with self._lock:
            now, taken = self._clock(), self._taken.setdefault(bucket, deque())
            longest = max((limit.seconds for limit in limits.limits), default=0.0)
            while taken and taken[0][0] <= now - longest:
                taken.popleft()
            for limit in limits.limits:
                inside = [(at, n) for at, n in taken if at > now - limit.seconds]
                left = limit.units - units - sum(n for _, n in inside)
                for at, n in inside:
                    if left >= 0:
                        break
                    left += n
                    if left >= 0:
                        return at + limit.seconds - now
            taken.append((now, units))
            return 0.0
