import base64
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.orchestration.sparkline import sparkline_markdown, sparkline_svg

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(float("nan"))), max_size=700)


@given(VALUES, st.booleans(), st.text(alphabet="ab<>&[]\"'", max_size=8))
def test_any_values_make_an_svg_within_its_bounds(values: list[float | None], zero_line: bool, title: str) -> None:
    svg = sparkline_svg(values, zero_line=zero_line, title=title)
    root = ET.fromstring(svg)
    assert len(svg) < 5000
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        points = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.attrib["d"])
        assert all(0 <= float(x) <= 220 and 0 <= float(y) <= 40 for x, y in points)


def test_a_rise_by_hand_and_a_gap() -> None:
    svg = sparkline_svg([0.0, None, 1.0, 2.0], width=64, height=24)
    assert 'd="M2 22M42 12L62 2"' in svg


def test_markdown_holds_the_svg() -> None:
    text = sparkline_markdown([1.0, 2.0], title="equity [EUR]")
    image = re.fullmatch(r"!\[equity \(EUR\)]\(data:image/svg\+xml;base64,(.*)\)", text)
    assert image
    assert base64.b64decode(image.group(1)).decode() == sparkline_svg([1.0, 2.0], title="equity [EUR]")
