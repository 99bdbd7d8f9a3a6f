"""A chart for paper: the same drawing at a fixed width, with its colours and letters in itself.

On the page a chart is as wide as there is room: positions across are shares, and a style sheet has the colours. What draws SVG on paper knows neither style sheets of a page
nor lines that keep their width when a picture is stretched, so here each share becomes a place, and each class what it stands for.
"""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from ats_assets.reports.charts.chart import WIDE, Chart

TONES = {
    "own": "#1f5fa8",
    "other": "#777777",
    "third": "#b07a10",
    "fourth": "#7a4fa3",
    "gain": "#227346",
    "loss": "#b3372f",
    "warn": "#a9690a",
    "ink": "#1b2430",
}
"""The colours of the style sheet for paper."""
LEFT, RIGHT = 52.0, 10.0
"""Room for the names of the ticks, and for what stands out at the right."""
FONT = "Libertinus Serif"
_GREY, _GRID, _ZERO = "#444444", "#e3e6ea", "#888888"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLACE = re.compile(rf"([ML])({_NUMBER.pattern}) ({_NUMBER.pattern})")
_STROKE = 'fill="none" stroke-linejoin="round"'


def paper_chart(chart: Chart, width: float, *, narrow: bool = False) -> str:
    """The drawing as an SVG file of its own, linear where the page has a switch.

    Parameters
    ----------
    width
        Of the whole drawing, in the pixels that heights are given in.
    narrow
        Leave out every other name beneath the plot, where there are many.

    Examples
    --------
    >>> from markupsafe import Markup
    >>> svg = Markup('<svg height="20"><line class="grid" x1="0" x2="100%" y1="5.0" y2="5.0"/></svg>')
    >>> paper_chart(Chart(id="a", title="A", note="", svg=svg), 162.0).split("<line ")[1]
    'x1="52.0" y1="5" x2="152.0" y2="5" stroke="#e3e6ea" stroke-width="1"/></svg>'
    """
    root = ET.fromstring(str(chart.svg))  # noqa: S314 - our own drawing
    height = float(root.attrib["height"])
    drawn = "".join(_drawn(root, _Frame(width - LEFT - RIGHT, narrow=narrow)))
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">{drawn}</svg>'


class _Frame:
    """Where shares of the plot's width lie, and of the units of a stretched part the pixels."""

    def __init__(self, plot: float, *, narrow: bool) -> None:
        self.plot = plot
        self.narrow = narrow

    def across(self, text: str) -> float:
        """A place across, given as a share (`12.5%`) or in pixels from the left of the plot."""
        return LEFT + (float(text[:-1]) / 100.0 * self.plot if text.endswith("%") else float(text))

    def stretched(self, units: float) -> float:
        """A place across, given in units of `WIDE`."""
        return LEFT + units / WIDE * self.plot


def _drawn(parent: Element, frame: _Frame) -> Iterator[str]:
    for element in parent:
        classes = element.attrib.get("class", "").split()
        match element.tag:
            case "g" if "log" not in classes:
                yield from _drawn(element, frame)
            case "line":
                yield _line(element.attrib, classes, frame)
            case "text" if not (frame.narrow and "minor" in classes):
                yield _text(element, classes, frame)
            case "svg":
                yield from _stretched(element, frame)
            case _:  # title and description are for those who hear a page, the logarithmic variant for its switch
                pass


def _line(at: Mapping[str, str], classes: list[str], frame: _Frame) -> str:
    ends = f'x1="{frame.across(at["x1"]):.1f}" y1="{float(at["y1"]):g}" x2="{frame.across(at["x2"]):.1f}" y2="{float(at["y2"]):g}"'
    if "marker" in classes:
        return f'<line {ends} stroke="{_tone(classes)}" stroke-width="1.5" stroke-dasharray="5 4"/>'
    return f'<line {ends} stroke="{_ZERO if "zero" in classes else _GRID}" stroke-width="1"/>'


def _text(element: Element, classes: list[str], frame: _Frame) -> str:
    anchor = "start" if {"first", "label"} & {*classes} else "end" if {"y", "last"} & {*classes} else "middle"
    place = f'x="{frame.across(element.attrib["x"]):.1f}" y="{float(element.attrib["y"]):g}" text-anchor="{anchor}"'
    text = ET.Element("text")
    text.text = element.text
    written = ET.tostring(text, encoding="unicode").removeprefix("<text").removeprefix(">")
    return f'<text {place} font-size="12.5" font-family="{FONT}" fill="{_GREY}">{written}' if element.text else ""


def _stretched(part: Element, frame: _Frame) -> Iterator[str]:
    top, children = float(part.attrib["y"]), list(part)
    for n, element in enumerate(children):
        classes = element.attrib.get("class", "").split()
        if element.tag == "rect":
            x, y, wide, high = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
            left, right = frame.stretched(x), frame.stretched(x + wide)
            box = f'x="{left:.2f}" y="{top + y:.1f}" width="{right - left:.2f}" height="{high:.1f}"'
            yield f'<rect {box} fill="{_tone(classes)}" fill-opacity="0.85"/>'
        elif element.tag == "path" and (places := _moved(element.attrib["d"], top, frame)):
            if "fill" in classes:
                under_band = n + 1 < len(children) and "band" in children[n + 1].attrib.get("class", "").split()
                yield f'<path d="{places}" fill="{_tone(classes)}" fill-opacity="{0.75 if under_band else 0.14}"/>'
            else:
                dashes = ' stroke-dasharray="5 4"' if "dashed" in classes else ""
                width = 0.6 if "band" in classes else 1.6
                yield f'<path d="{places}" {_STROKE} stroke="{_tone(classes)}" stroke-width="{width}"{dashes}/>'


def _moved(path: str, top: float, frame: _Frame) -> str:
    """A path of moves and lines, of which each place across is stretched."""
    return _PLACE.sub(lambda found: f"{found[1]}{frame.stretched(float(found[2])):.2f} {top + float(found[3]):.1f}", path)


def _tone(classes: list[str]) -> str:
    return next((TONES[name] for name in classes if name in TONES), TONES["ink"])
