"""A text that is kept is the text that would be written; a metric whose samples are others is written again."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ats_assets.monitoring import text_format
from ats_assets.monitoring.samples import HistogramValue, MetricSpec, Samples
from ats_assets.monitoring.text_format import TextFormat, metric_text

SPECS = (
    MetricSpec(name="ats_a_bytes", text="A.", labels=("of",), most=3),
    MetricSpec(name="ats_b_total", text="B.", kind="counter", labels=("of",)),
    MetricSpec(name="ats_c_seconds", text="C.", kind="histogram", labels=("of",)),
    MetricSpec(name="ats_exporter_series_left_out", text="Left out.", labels=("metric",)),
    MetricSpec(name="ats_exporter_series", text="Series.", most=1),
)
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 2.0, math.inf, -math.inf, math.nan, 1e-300])
Scrape = Mapping[str, Mapping[str, float | HistogramValue]]
LABELS = st.sampled_from(["x", "y", 'with "marks"', "two\nlines", "back\\slash"])
HISTOGRAMS = st.builds(lambda counts, total: HistogramValue((0.1, 1.0), tuple(counts), total), st.tuples(*[st.integers(0, 3)] * 3), NUMBERS)
SCRAPES = st.fixed_dictionaries(
    {
        "ats_a_bytes": st.dictionaries(LABELS, NUMBERS),
        "ats_b_total": st.dictionaries(LABELS, NUMBERS),
        "ats_c_seconds": st.dictionaries(LABELS, HISTOGRAMS, max_size=2),
    }
)


def samples_of(scrape: Scrape) -> Samples:
    samples = Samples(SPECS)
    for name, found in scrape.items():
        for label, value in found.items():
            samples.put(name, value, label)
    return samples


@given(st.lists(SCRAPES, min_size=2, max_size=6))
def test_scrapes_in_a_row_read_as_each_by_itself(scrapes: list[Scrape]) -> None:
    keeps = TextFormat()
    for scrape in (*scrapes, scrapes[0], scrapes[0]):
        assert read(keeps.text(samples_of(scrape))) == read(TextFormat().text(samples_of(scrape)))


def read(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], str]:
    """Sample -> value, by the library's own reader; as a text, by which what is no number equals itself."""
    families = text_string_to_metric_families(text.decode())
    return {(one.name, tuple(one.labels.items())): repr(one.value + 0.0) for family in families for one in family.samples}


def test_only_what_has_changed_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def noted(spec: MetricSpec, found: text_format.Found) -> bytes:
        written.append(spec.name)
        return metric_text(spec, found)

    monkeypatch.setattr(text_format, "metric_text", noted)
    keeps, first = TextFormat(), {"ats_a_bytes": {"x": 1.0, "y": 2.0}, "ats_b_total": {"x": 1.0}}
    text = keeps.text(samples_of(first))
    assert written == ["ats_a_bytes", "ats_b_total", "ats_exporter_series"]
    assert keeps.text(samples_of(first)) == text
    assert b'ats_a_bytes{of="y"} 3.0' in keeps.text(samples_of(first | {"ats_a_bytes": {"x": 1.0, "y": 3.0}}))
    assert written[3:] == ["ats_a_bytes"]
    assert keeps.text(samples_of(first)) == text
