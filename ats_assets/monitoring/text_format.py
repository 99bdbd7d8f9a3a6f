"""Samples in Prometheus' text format.

The library writes a metric in time by the series, and most metrics of a deployment are from one scrape to the next what they were: the text of each is kept beside its samples,
and written again where these are others.
"""

from collections.abc import Iterator, Mapping

from ats_assets.errors import SettingsError
from ats_assets.monitoring.samples import LEFT_OUT, HistogramValue, MetricSpec, Samples, Value

Found = Mapping[tuple[str, ...], Value]


class TextFormat:
    """Writes scrapes, one after the other.

    Safe for several threads: what they keep of a metric is one pair, and each pair is true.

    Examples
    --------
    >>> samples = Samples([MetricSpec(name="a_bytes", text="Of a.", labels=("disk",)), MetricSpec(name=LEFT_OUT, text=""),
    ...     MetricSpec(name="ats_exporter_series", text="Series.")])
    >>> samples.put("a_bytes", 5.0, "data")
    >>> print(TextFormat().text(samples).decode().splitlines()[2])
    a_bytes{disk="data"} 5.0
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Found, bytes]] = {}

    def text(self, samples: Samples) -> bytes:
        """The text of a scrape; it counts in the samples what is left out, and the series.

        Raises
        ------
        SettingsError
            If the library of the extra `metrics` is not installed.
        """
        for metric, count in samples.left_out().items():
            samples.put(LEFT_OUT, count, metric)
        samples.put("ats_exporter_series", 0)
        samples.put("ats_exporter_series", samples.series())
        return b"".join(self._metric(samples.specs[name], found) for name, found in samples.told().items())

    def _metric(self, spec: MetricSpec, found: Found) -> bytes:
        kept = self._kept.get(spec.name)
        if kept is None or kept[0] != found:
            kept = self._kept[spec.name] = (found, metric_text(spec, found))
        return kept[1]


def metric_text(spec: MetricSpec, found: Found) -> bytes:
    """One metric's lines, by the library.

    Raises
    ------
    SettingsError
        As `TextFormat.text`.
    """
    try:
        from prometheus_client import generate_latest  # noqa: PLC0415 - of an extra
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily  # noqa: PLC0415
        from prometheus_client.registry import Collector  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError("metrics need prometheus-client: pip install 'ats-assets[metrics]'") from error
    kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}
    family = kinds[spec.kind](spec.name.removesuffix("_total") if spec.kind == "counter" else spec.name, spec.text, labels=spec.labels)
    for labels, value in found.items():
        if isinstance(value, HistogramValue):
            family.add_metric(labels, _buckets(value), value.total)
        else:
            family.add_metric(labels, value)

    class Told(Collector):
        """What the library asks for metrics."""

        def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily]:
            yield family

    return generate_latest(Told())


def _buckets(value: HistogramValue) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, as Prometheus has them."""
    bounds = [*(str(bound) for bound in value.bounds), "+Inf"]
    return [(bound, float(sum(value.counts[: place + 1]))) for place, bound in enumerate(bounds)]
