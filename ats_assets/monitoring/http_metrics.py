"""What the service counts of the requests that it answers, in this process; it depends on no library, so that a service without the extra `metrics` counts for nobody and answers all the same."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5)
"""Seconds, upper bounds; what took longer is in no bucket but the last, without a bound."""
MOST_ROUTES = 80
"""Routes that are told apart; requests of any more are those of `other`."""
UNMATCHED, OTHER = "unmatched", "other"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "WEBSOCKET"})


@dataclass
class RouteTimes:
    """How long the requests of a route took: how many in each bucket, and seconds in all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class HttpMetrics:
    """Counts requests by route, method and status, and how long they took. Safe for several threads.

    Examples
    --------
    >>> metrics = HttpMetrics()
    >>> metrics.observe("/api/v1/signals", "GET", 200, 0.01)
    >>> metrics.requests()
    {('/api/v1/signals', 'GET', 200): 1}
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._times: dict[str, RouteTimes] = {}
        self._open: defaultdict[str, int] = defaultdict(int)

    def observe(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Parameters
        ----------
        route
            As it is declared, with names and not values in it, such as `/api/v1/signals/{symbol}`; None: no route matches, whose path may be anything.
        """
        with self._lock:
            name = self._known(route or UNMATCHED)
            self._requests[name, method if method in METHODS else OTHER, status] += 1
            times = self._times[name]
            times.counts[bisect_left(BUCKETS, seconds)] += 1
            times.seconds += seconds

    @contextmanager
    def open(self, what: str) -> Iterator[None]:
        """While it lasts, one more of `what` is open: a request (`http`) or a connection of the stream (`websocket`)."""
        with self._lock:
            self._open[what] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[what] -= 1

    def requests(self) -> dict[tuple[str, str, int], int]:
        """Route, method and status -> requests so far."""
        with self._lock:
            return dict(self._requests)

    def times(self) -> dict[str, RouteTimes]:
        """Route -> how long its requests took."""
        with self._lock:
            return {route: RouteTimes(list(of.counts), of.seconds) for route, of in self._times.items()}

    def connections(self) -> dict[str, int]:
        """What is open now."""
        with self._lock:
            return dict(self._open)

    def _known(self, route: str) -> str:
        if route not in self._times:
            if len(self._times) >= MOST_ROUTES:
                route = OTHER
            self._times.setdefault(route, RouteTimes())
        return route
