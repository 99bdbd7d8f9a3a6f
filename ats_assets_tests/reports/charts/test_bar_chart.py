import itertools
import re

import pytest

from ats_assets.backtests.metrics import Histogram
from ats_assets.reports.charts import BarGroup, Marker, bar_chart, histogram_chart

RECT = re.compile(r'<rect class="bar (\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>')


def rects(svg: str) -> list[tuple[str, float, float, float, float]]:
    return [(tone, *map(float, rest)) for tone, *rest in RECT.findall(svg)]  # pyright: ignore[reportReturnType]


def test_bars_are_as_high_as_their_values_and_negative_ones_hang() -> None:
    chart = bar_chart("c", "t", "", ["a", "b", "c"], [BarGroup(name="x", values=[10.0, None, -5.0], tone="own", below="loss")], height=100)
    up, down = rects(chart.svg)
    assert (up[0], down[0]) == ("own", "loss")
    assert up[4] == pytest.approx(2 * down[4], abs=0.2)
    assert up[2] + up[4] == pytest.approx(down[2], abs=0.2), "both start at zero"
    assert chart.readout["series"][0][2] == [10.0, None, -5.0]
    assert "x: a 10.00, b –, c −5.00" in chart.svg


def test_groups_stand_side_by_side_without_overlap() -> None:
    chart = bar_chart("c", "t", "", ["a", "b"], [BarGroup(name=n, values=[1.0, 2.0], tone=n) for n in ("own", "third")])
    places = sorted((x, x + wide) for _, x, _, wide, _ in rects(chart.svg))
    assert all(end <= start + 0.2 for (_, end), (start, _) in itertools.pairwise(places))
    assert len(places) == 4


def test_of_many_categories_some_are_named() -> None:
    svg = bar_chart("c", "t", "", [f"n{i}" for i in range(100)], [BarGroup(name="x", values=[1.0] * 100, tone="own")], most_names=10).svg
    assert svg.count('class="tick x') == 10


def test_a_histogram_draws_each_count_and_the_markers_inside() -> None:
    histogram = Histogram(edges=(-0.02, -0.01, 0.0, 0.01), counts=(1, 2, 4))
    markers = [
        Marker(name="inside", value=-0.01, tone="loss"),
        Marker(name="outside", value=0.5, tone="own"),
        Marker(name="none", value=None, tone="own"),
    ]
    chart = histogram_chart("h", "t", "", histogram, markers, height=100)
    tones, heights = [r[0] for r in rects(chart.svg)], [r[4] for r in rects(chart.svg)]
    assert tones == ["loss", "loss", "own"]
    assert [h / heights[0] for h in heights] == pytest.approx([1, 2, 4], rel=0.02)
    assert [name for name, _ in chart.legend] == ["inside"]
    assert 'x1="33.33%"' in chart.svg


def test_no_returns_are_said_to_be_none() -> None:
    assert "No returns that vary." in histogram_chart("h", "t", "", Histogram(edges=(), counts=()), []).svg
