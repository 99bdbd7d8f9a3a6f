import re
from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.charts.line_chart import shown_places
from ats_assets_tests.backtests.small_markets import MONDAY
from ats_assets_tests.backtests.small_markets import weekdays as days_of

VALUES = st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), min_size=1, max_size=300).map(np.array)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def paths(svg: str, tone: str) -> list[str]:
    return re.findall(rf'<path class="line \w+ {tone}" d="([^"]*)"', svg)


def test_points_lie_where_their_values_say() -> None:
    """0 to 100 over 100 pixels with a margin of 3%: a value v is at 100 * (1 - (v + 3) / 106), but zero is the foot where the axis starts there."""
    chart = line_chart(
        "c", "title", "", days_of(3), [LinePanel(lines=[Line(name="a", values=np.array([0.0, 50.0, 100.0]), tone="own")], height=100)]
    )
    [path] = paths(chart.svg, "own")
    assert [x for x, _ in points(path)] == [0.0, 500.0, 1000.0]
    np.testing.assert_allclose([y for _, y in points(path)], [100 * (1 - v / 103) for v in (0, 50, 100)], atol=0.06)


def test_a_missing_value_breaks_the_line_and_is_no_number_in_the_readout() -> None:
    line = Line(name="a", values=pl.Series([1.0, None, 3.0, float("nan"), 5.0]), tone="own", style="area")
    chart = line_chart("c", "title", "", days_of(5), [LinePanel(lines=[line], height=100)])
    [path] = paths(chart.svg, "own")
    assert path.count("M") == 3
    assert chart.readout["series"] == [["a", "", [1.0, None, 3.0, None, 5.0]]]
    assert "nan" not in chart.svg
    assert chart.svg.count("Z") == 3, "each stretch of the area is closed"


@given(VALUES, st.integers(4, 40))
def test_thinning_keeps_the_ends_and_the_extremes(values: np.ndarray, most: int) -> None:
    places = shown_places(values, most)
    assert places == sorted(set(places))
    assert {0, len(values) - 1} <= set(places)
    assert len(places) <= max(len(values) if len(values) <= most else most + 4, 1)
    if not np.isnan(values).all():
        assert np.nanmax(values[places]) == np.nanmax(values)
        assert np.nanmin(values[places]) == np.nanmin(values)


def test_both_scales_are_there_where_there_is_a_logarithm() -> None:
    def chart(*values: float) -> str:
        return line_chart(
            "c",
            "t",
            "",
            days_of(len(values)),
            [LinePanel(lines=[Line(name="a", values=np.array(values), tone="own")], height=100, log=True)],
        ).svg

    linear, log = paths(chart(100.0, 1000.0, 10_000.0), "own")
    assert points(log)[1][1] - points(log)[2][1] == np.float64(points(log)[0][1] - points(log)[1][1]).round(1)
    assert points(linear)[1][1] > points(log)[1][1]
    assert len(paths(chart(0.0, 1.0), "own")) == 1


def test_bands_stand_on_each_other() -> None:
    lines = [Line(name=n, values=np.array([1.0, 2.0]), tone=t, style="band") for n, t in (("a", "own"), ("b", "third"))]
    chart = line_chart("c", "t", "", days_of(2), [LinePanel(lines=lines, height=100)])
    (low,), (high,) = paths(chart.svg, "own"), paths(chart.svg, "third")
    assert points(high)[1][1] < points(low)[1][1]
    np.testing.assert_allclose(100 - points(high)[1][1], 2 * (100 - points(low)[1][1]), atol=0.2)


def test_a_strip_without_ticks_has_its_bands_and_no_numbers_at_the_left() -> None:
    def drawn(*, ticks: bool) -> str:
        band = Line(name="a", values=np.array([1.0, 1.0]), tone="own", style="band")
        return line_chart("c", "t", "", days_of(2), [LinePanel(lines=[band], height=36, ticks=ticks)]).svg

    assert drawn(ticks=True).count('class="tick y"') == drawn(ticks=True).count("<line") > 0
    assert ('class="tick y"' in drawn(ticks=False), "<line" in drawn(ticks=False)) == (False, False)
    assert paths(drawn(ticks=False), "own") == paths(drawn(ticks=True), "own")


def test_it_is_named_and_described_for_those_who_do_not_see_it_and_escaped() -> None:
    chart = line_chart(
        "c",
        "A <b> & c",
        "",
        days_of(2),
        [LinePanel(lines=[Line(name="<i>", values=np.array([1.0, 2.0]), tone="own")], height=50, unit="%")],
    )
    assert 'role="img" aria-labelledby="c-title c-desc"' in chart.svg
    assert '<title id="c-title">A &lt;b&gt; &amp; c</title>' in chart.svg
    assert f"{MONDAY} to {MONDAY + timedelta(days=1)}: &lt;i&gt; from 1.00 to 2.00 per cent." in chart.svg


def test_no_sessions_are_an_empty_chart() -> None:
    chart = line_chart("c", "t", "", [], [LinePanel(lines=[Line(name="a", values=np.zeros(0), tone="own")], height=50, log=True)])
    assert "No sessions." in chart.svg
