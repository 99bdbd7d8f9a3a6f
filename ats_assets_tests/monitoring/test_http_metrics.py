"""Requests are counted once each, by routes that are declared and never by paths, however many threads answer."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.monitoring.http_metrics import BUCKETS, MOST_ROUTES, OTHER, UNMATCHED, HttpMetrics


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b/{symbol}", None]), st.sampled_from([200, 404, 500]), st.floats(0, 10))))
def test_every_request_is_in_one_count_and_one_bucket(asked: list[tuple[str | None, int, float]]) -> None:
    metrics = HttpMetrics()
    for route, status, seconds in asked:
        metrics.observe(route, "GET", status, seconds)
    assert sum(metrics.requests().values()) == len(asked)
    times = metrics.times()
    for route in ("/a", "/b/{symbol}", None):
        took = [seconds for name, _, seconds in asked if name == route]
        of = times.get(route or UNMATCHED)
        assert (sum(of.counts) if of else 0) == len(took)
        for bound in range(len(BUCKETS)):
            assert (sum(of.counts[: bound + 1]) if of else 0) == sum(seconds <= BUCKETS[bound] for seconds in took)


def test_paths_and_methods_that_nobody_declared_make_no_series() -> None:
    metrics = HttpMetrics()
    for number in range(1_000):
        metrics.observe(None, f"M{number}", 404, 0.001)
        metrics.observe(f"/route/{number}", "GET", 200, 0.001)
    routes = metrics.times()
    assert len(routes) == MOST_ROUTES + 1
    assert {method for _, method, _ in metrics.requests()} == {"GET", OTHER}
    assert sum(routes[OTHER].counts) == 1_000 - (MOST_ROUTES - 1)


def test_threads_lose_no_count() -> None:
    metrics = HttpMetrics()

    def work() -> None:
        for _ in range(500):
            with metrics.open("http"):
                metrics.observe("/a", "GET", 200, 0.01)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert metrics.requests() == {("/a", "GET", 200): 4_000}
    assert metrics.connections() == {"http": 0}
