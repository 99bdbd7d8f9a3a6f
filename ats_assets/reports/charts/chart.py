"""What a chart is, whatever it shows, and the parts that all have: grid, ticks, title and description for screen readers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

WIDE = 1000
"""Units across the plot, whatever its width on the screen."""
FOOT = 26
"""Pixels beneath the plot, for the ticks."""
EDGE = 6.0
"""Per cent of the width within which a tick's name stays inside the plot."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: its title with units, a line that explains it, and the drawing.

    Attributes
    ----------
    legend
        Name and tone of what is drawn.
    readout
        What the page's script shows at the pointer; nothing where it is empty. `series` are (name, unit, values), their names are `days`, or dates from `first` on, with
        calendar days between them (`gaps`).
    switch
        Whether the scale can be switched between linear and logarithmic.
    """

    id: str
    title: str
    note: str
    svg: Markup
    legend: Sequence[tuple[str, str]] = ()
    readout: Mapping[str, Any] = field(default_factory=dict)
    switch: bool = False


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One vertical axis: the values at its foot and head, and its ticks with their names."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def drawing(id: str, title: str, description: str, height: int, parts: Iterable[str]) -> Markup:  # noqa: A002
    """The whole SVG. `parts` are drawn already, and hold no text that is not escaped."""
    opened = Markup('<svg class="chart" role="img" aria-labelledby="{0}-title {0}-desc" width="100%" height="{1}">').format(id, height)
    named = Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(id, title, description)
    return opened + named + Markup("").join(map(Markup, parts)) + Markup("</svg>")


def plot(top: float, height: float, drawn: str) -> str:
    """What is drawn in units of `WIDE` across and pixels down, stretched to the width there is."""
    box = f'y="{top:g}" width="100%" height="{height:g}" viewBox="0 0 {WIDE} {height:g}"'
    return f'<svg {box} preserveAspectRatio="none">{drawn}</svg>'


def grid(ticks: Iterable[tuple[float, str]], zero: float | None = None) -> str:
    """Lines across and names at the left, at heights in pixels; the line at zero is stronger."""
    drawn = []
    for y, text in ticks:
        tone = "zero" if zero is not None and abs(y - zero) < 0.01 else "grid"
        drawn.append(f'<line class="{tone}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(str(Markup('<text class="tick y" x="-8" y="{}">{}</text>').format(f"{y + 4:.1f}", text)))
    return "".join(drawn)


def foot(ticks: Sequence[tuple[float, str]], y: float, *, thin: int = 5) -> str:
    """Names beneath the plot, at shares of its width in per cent; on a narrow screen every other one, where there are more than `thin`: those that name more years."""
    drawn = []
    years = [sum(text[-4:].isdigit() for _, text in ticks[first::2]) for first in (0, 1)]
    left_out = 0 if years[1] > years[0] else 1
    for n, (x, text) in enumerate(ticks):
        anchor = " first" if x < EDGE else " last" if x > 100.0 - EDGE else ""
        minor = " minor" if len(ticks) > thin and n % 2 == left_out else ""
        drawn.append(str(Markup('<text class="tick x{}{}" x="{}%" y="{}">{}</text>').format(anchor, minor, f"{x:.2f}", f"{y:g}", text)))
    return "".join(drawn)
