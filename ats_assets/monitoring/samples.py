"""What a scrape tells: samples of declared metrics, bounded in number whatever a deployment holds.

A collector adds the samples of a metric in the order of their importance. Each metric tells its first `most`; and where all together are more than `SERIES_MAX`, those with
the most series are cut to one height, as water would: the ones that are small lose nothing. What is left out is counted, and told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

SERIES_MAX = 2_000
"""Of one scrape, all told: buckets, sums and counts of histograms are series, too."""
LEFT_OUT = "ats_exporter_series_left_out"
FOR_LEFT_OUT = 100
"""Of them kept for telling what is left out."""
Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """A metric, as it is declared and documented.

    Attributes
    ----------
    most
        Series that it tells at most, by itself.
    """

    name: str
    text: str
    kind: Kind = "gauge"
    labels: tuple[str, ...] = ()
    most: int = 100


@dataclass(frozen=True)
class HistogramValue:
    """How many were at most each bound, and the sum of all; the last count has no bound."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


Value = float | HistogramValue


class Samples:
    """The samples of a scrape.

    Examples
    --------
    >>> samples = Samples([MetricSpec(name="ats_disk_free_bytes", text="Free.", labels=("disk",), most=1)])
    >>> samples.put("ats_disk_free_bytes", 5.0, "data")
    >>> samples.put("ats_disk_free_bytes", 7.0, "models")
    >>> samples.told()["ats_disk_free_bytes"], samples.left_out()
    ({('data',): 5.0}, {'ats_disk_free_bytes': 1})
    """

    def __init__(self, specs: Iterable[MetricSpec]) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._found: dict[str, dict[tuple[str, ...], Value]] = {name: {} for name in self.specs}
        self._cut: dict[str, int] | None = None

    def put(self, name: str, value: Value | bool | None, *labels: str) -> None:
        """Add one; nothing where the value is None: what is not known is not told.

        Raises
        ------
        KeyError, ValueError
            If the metric is not declared, or has other labels.
        """
        spec = self.specs[name]
        if len(labels) != len(spec.labels):
            raise ValueError(f"{name} has the labels {spec.labels}, not {labels}")
        if value is not None:
            self._found[name][labels] = value if isinstance(value, HistogramValue) else float(value)
            self._cut = None

    def told(self) -> dict[str, dict[tuple[str, ...], Value]]:
        """What is told: metric -> labels -> value, of those that have any."""
        heights = self._heights()
        return {name: dict(_first(found, heights[name])) for name, found in self._found.items() if heights[name]}

    def left_out(self) -> dict[str, int]:
        """Metric -> samples that are not told, of those where some are not."""
        heights = self._heights()
        return {name: len(found) - heights[name] for name, found in self._found.items() if len(found) > heights[name]}

    def series(self) -> int:
        """Series that are told."""
        heights = self._heights()
        return sum(heights[name] * self._weight(name) for name in heights)

    def _weight(self, name: str) -> int:
        """Series of one sample."""
        found = next(iter(self._found[name].values()), None)
        return len(found.bounds) + 3 if isinstance(found, HistogramValue) else 1

    def _heights(self) -> dict[str, int]:
        """Metric -> samples of it that are told."""
        if self._cut is None:
            wanted = {name: min(len(found), self.specs[name].most) for name, found in self._found.items()}
            weights = {name: self._weight(name) for name in wanted}
            self._cut = cut_to(wanted, weights, SERIES_MAX - FOR_LEFT_OUT)
        return self._cut


def cut_to(wanted: dict[str, int], weights: dict[str, int], room: int) -> dict[str, int]:
    """How many samples of each are told, so that their series fit: as many as wanted, but no more series than one height, the greatest that fits.

    Examples
    --------
    >>> cut_to({"a": 3, "b": 50, "c": 80}, {"a": 1, "b": 1, "c": 1}, 63)
    {'a': 3, 'b': 30, 'c': 30}
    """
    low, high = 0, max((wanted[name] * weights[name] for name in wanted), default=0)

    def told(height: int) -> dict[str, int]:
        return {name: min(count, height // weights[name]) for name, count in wanted.items()}

    while low < high:
        middle = (low + high + 1) // 2
        if sum(count * weights[name] for name, count in told(middle).items()) <= room:
            low = middle
        else:
            high = middle - 1
    return told(low)


def _first(found: dict[tuple[str, ...], Value], count: int) -> Iterator[tuple[tuple[str, ...], Value]]:
    for number, item in enumerate(found.items()):
        if number == count:
            return
        yield item


def most_important(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """Names in order, those of `first` before all others."""
    places = {name: place for place, name in enumerate(first)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))
