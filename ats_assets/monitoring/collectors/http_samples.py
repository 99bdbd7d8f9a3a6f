"""The service's own requests, where the service itself is scraped."""

from ats_assets.monitoring.http_metrics import BUCKETS, HttpMetrics
from ats_assets.monitoring.samples import HistogramValue, MetricSpec, Samples

METRICS = (
    MetricSpec(name="ats_http_requests_total", text="Requests answered.", kind="counter", labels=("route", "method", "status"), most=300),
    MetricSpec(name="ats_http_request_duration_seconds", text="Until they were answered.", kind="histogram", labels=("route",), most=81),
    MetricSpec(name="ats_http_open", text="Requests and connections that are open.", labels=("what",), most=4),
)


def add_requests(http: HttpMetrics, samples: Samples) -> None:
    """Add what was counted; the routes that are asked most first."""
    requests, times = http.requests(), http.times()
    for (route, method, status), count in sorted(requests.items(), key=lambda item: (item[0][2] < 500, -item[1], item[0])):
        samples.put("ats_http_requests_total", count, route, method, str(status))
    for route, of in sorted(times.items(), key=lambda item: (-sum(item[1].counts), item[0])):
        samples.put("ats_http_request_duration_seconds", HistogramValue(BUCKETS, tuple(of.counts), of.seconds), route)
    for what, count in http.connections().items():
        samples.put("ats_http_open", count, what)
