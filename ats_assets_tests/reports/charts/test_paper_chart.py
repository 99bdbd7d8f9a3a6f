import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ats_assets.reports.charts import BarGroup, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.charts.paper_chart import LEFT, RIGHT, TONES, paper_chart

SVG = "{http://www.w3.org/2000/svg}"
DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(11)]


def lines(values: np.ndarray, **how: object) -> ET.Element:
    panel = LinePanel(lines=[Line(name="a & b", values=values, tone="own")], height=100, log=True, label="<label>")
    return ET.fromstring(paper_chart(line_chart("x", "X", "", DAYS, [panel]), 500.0, **how))  # type: ignore[arg-type]


def test_a_line_goes_through_the_places_of_its_values() -> None:
    values = np.linspace(10.0, 20.0, 11)
    drawing = lines(values)
    (path,) = [p for p in drawing.iter(f"{SVG}path") if p.attrib["fill"] == "none"]
    places = np.array([[float(x), float(y)] for x, y in re.findall(r"[ML](\S+) ([\d.]+)", path.attrib["d"])])
    np.testing.assert_allclose(places[:, 0], np.linspace(LEFT, 500.0 - RIGHT, 11), atol=0.06)
    np.testing.assert_allclose(np.diff(places[:, 1]), np.diff(places[:, 1])[0], atol=0.11)
    assert places[0, 1] > places[-1, 1], "the higher value is higher on the page"
    assert path.attrib["stroke"] == TONES["own"]


def test_nothing_of_the_page_is_left_in_it() -> None:
    drawing = ET.tostring(lines(np.linspace(10.0, 20.0, 11)), encoding="unicode")
    for word in ("class=", "var(", '%"', "style", "preserveAspectRatio"):
        assert word not in drawing, word
    assert "&lt;label&gt;" in drawing


def test_of_the_two_scales_the_linear_one_is_drawn() -> None:
    drawing = lines(np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]))
    assert len([p for p in drawing.iter(f"{SVG}path") if p.attrib["fill"] == "none"]) == 1


def test_a_narrow_drawing_has_every_other_name_of_many() -> None:
    bars = bar_chart("b", "B", "", [*map(str, range(10))], [BarGroup(name="n", values=[1.0] * 10, tone="gain", below="loss")])
    names = {
        narrow: [t.text for t in ET.fromstring(paper_chart(bars, 400.0, narrow=narrow)).iter(f"{SVG}text")] for narrow in (False, True)
    }
    assert [*map(str, range(10))] == names[False][-10:]
    assert names[True][-5:] == ["0", "2", "4", "6", "8"]


@pytest.mark.parametrize("value", [3.0, -3.0])
def test_a_bar_has_the_colour_of_its_side(value: float) -> None:
    bars = bar_chart("b", "B", "", ["a"], [BarGroup(name="n", values=[value], tone="gain", below="loss")])
    (rect,) = ET.fromstring(paper_chart(bars, 400.0)).iter(f"{SVG}rect")
    assert rect.attrib["fill"] == TONES["gain" if value > 0 else "loss"]
    assert LEFT < float(rect.attrib["x"]) < 400.0 - RIGHT
