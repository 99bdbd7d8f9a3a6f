"""Bars by category, and histograms."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ats_assets.backtests.metrics import Histogram
from ats_assets.reports.charts.chart import FOOT, WIDE, Chart, drawing, foot, grid, plot
from ats_assets.reports.charts.scales import Unit, linear_ticks, tick_text
from ats_assets.reports.formatting import DASH, decimal

TOP = 8.0
SPACE = 0.22
"""Share of a category that stays empty."""


@dataclass(frozen=True, kw_only=True)
class BarGroup:
    """One bar for each category; None for none. `tone` is a class of the style sheet; negative bars take `below`, where it is given."""

    name: str
    values: Sequence[float | None]
    tone: str
    below: str = ""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A vertical line at a value of a histogram's axis."""

    name: str
    value: float | None
    tone: str


def bar_chart(
    id: str,  # noqa: A002
    title: str,
    note: str,
    categories: Sequence[str],
    groups: Sequence[BarGroup],
    *,
    unit: Unit = "",
    height: int = 220,
    most_names: int = 12,
) -> Chart:
    """Groups of bars, one group a category; of many categories some are named, the last one among them."""
    known = [value for bars in groups for value in bars.values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    margin = 0.06 * (high - low) or 1.0
    low, high = (low - margin if low < 0 else 0.0), (high + margin if high > 0 or low == 0 else 0.0)

    def at(value: float) -> float:
        return height * (1.0 - (value - low) / (high - low))

    share = WIDE / max(1, len(categories))
    wide = share * (1.0 - SPACE) / max(1, len(groups))
    drawn = []
    for n, bars in enumerate(groups):
        for i, value in enumerate(bars.values):
            if value is not None:
                x = share * (i + SPACE / 2) + wide * n
                tone = bars.below if value < 0 and bars.below else bars.tone
                box = f'x="{x:.1f}" y="{min(at(0.0), at(value)):.1f}" width="{wide:.1f}" height="{abs(at(value) - at(0.0)):.1f}"'
                drawn.append(f'<rect class="bar {tone}" {box}/>')
    every = max(1, -(-len(categories) // most_names))
    names = [(100.0 * (i + 0.5) / len(categories), name) for i, name in enumerate(categories) if (len(categories) - 1 - i) % every == 0]
    told = "; ".join(
        f"{bars.name}: {', '.join(f'{c} {_written(v, unit)}' for c, v in zip(categories, bars.values, strict=True))}" for bars in groups
    )
    parts = [grid(_ticks(low, high, unit, at), TOP + at(0.0)), plot(TOP, height, "".join(drawn)), foot(names, TOP + height + FOOT - 8)]
    readout = {"days": [*categories], "bars": True, "series": [[bars.name, unit, [*map(_short, bars.values)]] for bars in groups]}
    svg = drawing(id, title, told, int(TOP + height + FOOT), parts)
    return Chart(id=id, title=title, note=note, svg=svg, legend=[(bars.name, f"{bars.tone} bar") for bars in groups], readout=readout)


def histogram_chart(id: str, title: str, note: str, histogram: Histogram, markers: Sequence[Marker], *, height: int = 240) -> Chart:  # noqa: A002
    """Counts of returns, whose edges are fractions and are shown in per cent, with vertical lines."""
    edges, counts = [edge * 100.0 for edge in histogram.edges], histogram.counts
    if not counts:
        svg = drawing(id, title, "No returns that vary.", int(TOP + height + FOOT), [])
        return Chart(id=id, title=title, note=note, svg=svg)
    low, high, most = edges[0], edges[-1], max(counts) * 1.05

    def across(value: float) -> float:
        return (value - low) / (high - low)

    drawn = []
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        y, x, wide = height * (1.0 - count / most), WIDE * across(left), WIDE * (across(right) - across(left))
        tone = "loss" if right <= 1e-12 else "own"
        drawn.append(
            f'<rect class="bar {tone}" x="{x + wide * 0.06:.1f}" y="{y:.1f}" width="{wide * 0.88:.1f}" height="{height - y:.1f}"/>'
        )
    inside = [m for m in markers if m.value is not None and low <= m.value * 100.0 <= high]
    lines = [
        f'<line class="marker {m.tone}" x1="{100 * across((m.value or 0.0) * 100):.2f}%" x2="{100 * across((m.value or 0.0) * 100):.2f}%" y1="{TOP:g}" y2="{TOP + height:g}"/>'
        for m in inside
    ]
    ticks = linear_ticks(low, high, 9)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    names = [(100.0 * across(value), tick_text(value, step, "%")) for value in ticks]
    parts = [grid(_ticks(0.0, most, "", lambda v: height * (1.0 - v / most)), TOP + height), plot(TOP, height, "".join(drawn)), *lines]
    parts.append(foot(names, TOP + height + FOOT - 8))
    told = (
        f"{sum(counts):,} sessions from {low:.2f} to {high:.2f} per cent; most often from {edges[counts.index(max(counts))]:.2f} per cent."
    )
    middle = [f"{a:.2f}% to {b:.2f}%".replace("-", "−") for a, b in itertools.pairwise(edges)]
    return Chart(
        id=id,
        title=title,
        note=note,
        svg=drawing(id, title, told, int(TOP + height + FOOT), parts),
        legend=[(m.name, f"{m.tone} marker") for m in inside],
        readout={"days": middle, "bars": True, "series": [["sessions", "", [*counts]]]},
    )


def _ticks(low: float, high: float, unit: Unit, at: Callable[[float], float]) -> list[tuple[float, str]]:
    ticks = linear_ticks(low, high, 6)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    return [(TOP + at(value), tick_text(value, step, unit)) for value in ticks]


def _written(value: float | None, unit: Unit) -> str:
    return DASH if value is None else f"{decimal(value)}{'%' if unit == '%' else ''}"


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
