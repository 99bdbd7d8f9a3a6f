"""Metrics as Prometheus reads them: collected when they are asked for, from what is stored.

    exposition = Exposition(deployment)
    exposition.text()

Each collector stands alone: one that fails tells nothing, is told of (`ats_exporter_collector_success`), and hides no other.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from types import ModuleType

from ats_assets.deployment import Deployment
from ats_assets.monitoring.collectors import (
    dagster_metrics,
    data_metrics,
    export_metrics,
    http_samples,
    model_metrics,
    system_metrics,
    trading_metrics,
    vendor_metrics,
)
from ats_assets.monitoring.http_metrics import HttpMetrics
from ats_assets.monitoring.samples import LEFT_OUT, MetricSpec, Samples
from ats_assets.monitoring.text_format import TextFormat
from ats_assets.monitoring.watch import Watch

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COLLECTORS: Mapping[str, ModuleType] = {
    "system": system_metrics,
    "data": data_metrics,
    "models": model_metrics,
    "trading": trading_metrics,
    "dagster": dagster_metrics,
    "vendors": vendor_metrics,
    "exports": export_metrics,
}
"""In the order in which they are collected; where there is no room for all series, it is shared."""
OWN = (
    MetricSpec(
        name="ats_exporter_collector_success", text="Whether the collector could read what it tells of.", labels=("collector",), most=12
    ),
    MetricSpec(name="ats_exporter_collector_duration_seconds", text="How long it took.", labels=("collector",), most=12),
    MetricSpec(name="ats_exporter_series", text="Series of this scrape.", most=1),
    MetricSpec(name=LEFT_OUT, text="Samples that are not told, since there is no room for them.", labels=("metric",), most=90),
)
ALL_METRICS: tuple[MetricSpec, ...] = (*OWN, *http_samples.METRICS, *(spec for one in COLLECTORS.values() for spec in one.METRICS))
log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


class Exposition:
    """The metrics of a deployment. Keep it: what it has read it does not read again until it changes; then close it. Safe for several threads.

    Parameters
    ----------
    http
        What the service has counted, where it is the service that tells.
    now, market_now
        Other clocks: of the machine, and (default: the same) of the market, by which sessions are due.
    """

    def __init__(
        self, deployment: Deployment, http: HttpMetrics | None = None, *, now: Clock | None = None, market_now: Clock | None = None
    ) -> None:
        self._watch, self._http = Watch(deployment), http
        self._now = now or (lambda: datetime.now(UTC))
        self._market_now = market_now or self._now
        self._lock = threading.Lock()
        self._format = TextFormat()

    def samples(self) -> Samples:
        """Collect now."""
        with self._lock:
            samples = Samples(ALL_METRICS)
            observed = self._watch.observe(self._now(), self._market_now())
            for name, collector in COLLECTORS.items():
                begun = time.perf_counter()
                success = True
                try:
                    collector.collect(self._watch, observed, samples)
                except Exception as error:  # noqa: BLE001 - whatever is wrong with one part, the others are told
                    success = False
                    log.warning("metrics of %s can't be read: %s", name, error)
                samples.put("ats_exporter_collector_success", success, name)
                samples.put("ats_exporter_collector_duration_seconds", time.perf_counter() - begun, name)
            self._watch.keep(observed)
            if self._http is not None:
                http_samples.add_requests(self._http, samples)
            return samples

    def text(self) -> bytes:
        """Collect now, in Prometheus' text format.

        Raises
        ------
        SettingsError
            If the library of the extra `metrics` is not installed.
        """
        return self._format.text(self.samples())

    def close(self) -> None:
        """Close its connections to databases; the next look opens others."""
        with self._lock:
            self._watch.close()


def metrics_text(deployment: Deployment) -> bytes:
    """The metrics of a deployment, once; who asks again and again keeps an `Exposition`."""
    with closing(Exposition(deployment)) as exposition:
        return exposition.text()
