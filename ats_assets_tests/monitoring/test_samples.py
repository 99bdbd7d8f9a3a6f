"""However much there is to tell, what is told is bounded; what is small loses nothing, and what is left out is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.monitoring.exposition import ALL_METRICS
from ats_assets.monitoring.samples import FOR_LEFT_OUT, SERIES_MAX, HistogramValue, MetricSpec, Samples, cut_to
from ats_assets.monitoring.text_format import TextFormat


@given(st.dictionaries(st.text("abcdef", min_size=1), st.tuples(st.integers(0, 400), st.integers(1, 9)), min_size=1), st.integers(0, 1_000))
def test_the_cut_fits_and_is_the_highest_that_does(asked: dict[str, tuple[int, int]], room: int) -> None:
    wanted, weights = ({name: values[place] for name, values in asked.items()} for place in (0, 1))
    told = cut_to(wanted, weights, room)
    series = {name: told[name] * weights[name] for name in told}
    assert sum(series.values()) <= room
    cut = [name for name in told if told[name] < wanted[name]]
    assert all(told[name] <= wanted[name] for name in told)
    if cut:
        height = min((told[name] + 1) * weights[name] for name in cut)
        one_higher = {name: min(wanted[name], height // weights[name]) for name in wanted}
        assert sum(count * weights[name] for name, count in one_higher.items()) > room, "there was room for more"
        assert all(series[name] <= height for name in told), "none is told more of than the others"


@given(st.lists(st.tuples(st.sampled_from([spec.name for spec in ALL_METRICS]), st.integers(0, 500)), max_size=120))
def test_never_more_than_the_most_series(asked: list[tuple[str, int]]) -> None:
    samples = Samples(ALL_METRICS)
    for name, count in asked:
        spec = samples.specs[name]
        for number in range(count):
            labels = [f"v{number}" for _ in spec.labels]
            value = HistogramValue((0.1, 1.0), (1, 2, 3), 4.0) if spec.kind == "histogram" else float(number)
            samples.put(name, value, *labels)
    assert samples.series() <= SERIES_MAX - FOR_LEFT_OUT
    told, left_out = samples.told(), samples.left_out()
    for name, spec in samples.specs.items():
        there = {tuple([f"v{number}" for _ in spec.labels]) for metric, count in asked if metric == name for number in range(count)}
        assert len(told.get(name, {})) + left_out.get(name, 0) == len(there)
    lines = [line for line in TextFormat().text(samples).decode().splitlines() if not line.startswith("#")]
    assert len(lines) <= SERIES_MAX
    assert len(lines) == next(float(line.split()[1]) for line in lines if line.startswith("ats_exporter_series "))


def test_all_metrics_are_named_as_prometheus_asks() -> None:
    """`promtool check metrics` says the same of what is told; this holds for what is not told in a test, too."""
    names = [spec.name for spec in ALL_METRICS]
    assert len(set(names)) == len(names)
    for spec in ALL_METRICS:
        assert spec.name.startswith(("ats_", "dagster_")), spec.name
        assert spec.name.endswith("_total") == (spec.kind == "counter"), spec.name
        assert spec.text.endswith("."), spec.name
        assert not {"le", "quantile", "job", "instance"} & set(spec.labels), spec.name
        assert not spec.name.endswith(("_ms", "_minutes", "_percent", "_bps", "_kb", "_milliseconds")), "base units alone"
        assert "symbol" not in spec.labels or spec.most <= 101, "no symbol without a bound"


def test_what_is_not_declared_or_has_other_labels_is_refused() -> None:
    samples = Samples([MetricSpec(name="ats_a", text="A.", labels=("b",))])
    with pytest.raises(KeyError):
        samples.put("ats_c", 1.0)
    with pytest.raises(ValueError, match="has the labels"):
        samples.put("ats_a", 1.0)
    samples.put("ats_a", None, "unknown")
    assert samples.told() == {}
