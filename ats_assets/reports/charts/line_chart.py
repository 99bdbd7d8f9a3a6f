"""Lines over sessions, in one panel or several above each other."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl
from markupsafe import Markup

from ats_assets.backtests.metrics import Floats
from ats_assets.reports.charts.chart import FOOT, WIDE, Axis, Chart, drawing, foot, grid, plot
from ats_assets.reports.charts.scales import Unit, date_ticks, linear_ticks, log_ticks, tick_text
from ats_assets.reports.formatting import DASH, decimal

MOST_POINTS = 1_200
"""Points of a line: more than a screen has across."""
GAP = 34
"""Pixels between two panels."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Values by session; `tone` is a class of the style sheet. What is not finite breaks the line."""

    name: str
    values: Floats | pl.Series
    tone: str
    style: Literal["line", "dashed", "area", "step", "band"] = "line"
    """An area is filled down to zero; bands stand on each other."""

    def numbers(self) -> Floats:
        """The values as float64, NaN where there is none."""
        values = (
            self.values.cast(pl.Float64).to_numpy() if isinstance(self.values, pl.Series) else np.asarray(self.values, dtype=np.float64)
        )
        return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True, kw_only=True)
class LinePanel:
    """Lines on one vertical axis.

    Parameters
    ----------
    unit
        Of the values: "%" where they are per cent already, "money" for currency.
    zero
        Whether zero is on the axis.
    log
        Whether there is a logarithmic variant, too, which the page's switch shows.
    ticks
        Whether the axis has ticks: not where heights are no amounts, as in a strip of bands that says which of several holds.
    """

    lines: Sequence[Line]
    height: int
    unit: Unit = ""
    zero: bool = False
    log: bool = False
    label: str = ""
    ticks: bool = True


def line_chart(id: str, title: str, note: str, days: Sequence[date], panels: Sequence[LinePanel]) -> Chart:  # noqa: A002
    """A chart of lines over sessions, which are equally far from each other.

    Parameters
    ----------
    days
        The sessions, as many as each line has values.
    """
    parts, top = [], 22.0 if panels and panels[0].label else 8.0
    for n, panel in enumerate(panels):
        variants = ("linear", "log") if panel.log and _has_logarithm(panel) else ("linear",)
        for variant in variants:
            drawn = _panel(panel, top, log=variant == "log")
            parts.append(f'<g class="{variant}">{drawn}</g>' if len(variants) > 1 else drawn)
        top += panel.height + (GAP if n < len(panels) - 1 else 0)
    across = max(1, len(days) - 1)
    parts.append(foot([(100.0 * i / across, text) for i, text in date_ticks(days)], top + FOOT - 8))
    lines: list[tuple[Line, Unit]] = [(line, panel.unit) for panel in panels for line in panel.lines]
    legend = dict.fromkeys((line.name, f"{line.tone} {line.style}") for line, _ in lines)
    return Chart(
        id=id,
        title=title,
        note=note,
        svg=drawing(id, title, _description(days, lines), int(top + FOOT), parts),
        legend=[*legend],
        readout={**_dates(days), "series": [[line.name, unit, _rounded(line.numbers())] for line, unit in lines]},
        switch=any(panel.log and _has_logarithm(panel) for panel in panels),
    )


def shown_places(values: Floats, most: int = MOST_POINTS) -> list[int]:
    """Which points of a line are drawn: all, or of each stretch the first, the lowest, the highest and the last, so that no peak is lost.

    Examples
    --------
    >>> shown_places(np.array([1.0, 5.0, 2.0, 0.0, 3.0, 3.0, 3.0, 3.0]), most=8)
    [0, 1, 2, 3, 4, 5, 6, 7]
    >>> shown_places(np.array([1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 0.0, 1.0]), most=4)
    [0, 2, 6, 7]
    """
    if len(values) <= most:
        return list(range(len(values)))
    found: set[int] = set()
    for places in np.array_split(np.arange(len(values)), max(1, most // 4)):
        found |= {int(places[0]), int(places[-1])}
        if (known := places[~np.isnan(values[places])]).size:
            found |= {int(known[values[known].argmin()]), int(known[values[known].argmax()])}
    return sorted(found)


def _panel(panel: LinePanel, top: float, *, log: bool) -> str:
    tops = [line.numbers() for line in panel.lines]
    if any(line.style == "band" for line in panel.lines):
        tops = _stacked(panel.lines, tops)
    axis = _axis(panel, tops, log=log)

    def height(value: float) -> float:
        low, high, at = (math.log(v) if log else v for v in (axis.low, axis.high, value))
        return panel.height * (1.0 - (at - low) / (high - low))

    zero = top + height(0.0) if axis.low <= 0.0 <= axis.high else None
    drawn = grid([(top + height(value), text) for value, text in axis.ticks if panel.ticks], zero)
    foot_of_band = np.zeros(len(tops[0])) if tops else np.zeros(0)
    paths = []
    for line, values in zip(panel.lines, tops, strict=True):
        places = shown_places(values)
        at = [(WIDE * i / max(1, len(values) - 1), None if np.isnan(values[i]) else height(float(values[i]))) for i in places]
        base = height(max(axis.low, min(0.0, axis.high)))
        if line.style == "band":
            under = [(x, height(float(foot_of_band[i]))) for (x, _), i in zip(at, places, strict=True)]
            paths.append(f'<path class="fill {line.tone}" d="{_area(at, under)}"/>')
            foot_of_band = values
        if line.style == "area":
            paths.append(f'<path class="fill {line.tone}" d="{_area(at, [(x, base) for x, _ in at])}"/>')
        paths.append(f'<path class="line {line.style} {line.tone}" d="{_path(at, step=line.style == "step")}"/>')
    label = Markup('<text class="label" x="0" y="{}">{}</text>').format(f"{top - 8:g}", panel.label) if panel.label else ""
    return f"{drawn}{plot(top, panel.height, ''.join(paths))}{label}"


def _stacked(lines: Sequence[Line], values: Sequence[Floats]) -> list[Floats]:
    total, found = np.zeros(len(values[0])), []
    for line, own in zip(lines, values, strict=True):
        total = total + np.nan_to_num(own) if line.style == "band" else total
        found.append(total if line.style == "band" else own)
    return found


def _axis(panel: LinePanel, values: Sequence[Floats], *, log: bool) -> Axis:
    known = np.concatenate([v[~np.isnan(v)] for v in values]) if values else np.zeros(0)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if panel.zero or any(line.style in {"area", "band"} for line in panel.lines):
        low, high = min(low, 0.0), max(high, 0.0)
    if log:
        margin = (high / low) ** 0.03 if high > low else 1.1
        low, high = low / margin, high * margin
    else:
        margin = 0.03 * (high - low) or abs(high) * 0.1 or 1.0
        low, high = (0.0 if low == 0.0 else low - margin), (0.0 if high == 0.0 and low < 0 else high + margin)
    ticks = (log_ticks if log else linear_ticks)(low, high, 7 if panel.height > 200 else 4)
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=high - low)
    return Axis(low=low, high=high, ticks=[(value, tick_text(value, step, panel.unit)) for value in ticks])


def _has_logarithm(panel: LinePanel) -> bool:
    return all(bool((known > 0).all()) and len(known) for line in panel.lines for known in [_known(line.numbers())])


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _path(at: Sequence[tuple[float, float | None]], *, step: bool = False) -> str:
    drawn, pen_up, before = [], True, 0.0
    for x, y in at:
        if y is None:
            pen_up = True
            continue
        if step and not pen_up:
            drawn.append(f"L{x:.1f} {before:.1f}")
        drawn.append(f"{'M' if pen_up else 'L'}{x:.1f} {y:.1f}")
        pen_up, before = False, y
    return "".join(drawn)


def _area(at: Sequence[tuple[float, float | None]], under: Sequence[tuple[float, float]]) -> str:
    """Each unbroken stretch of a line, closed along what is under it."""
    return "".join(f"{_path(upper)}{_path(lower[::-1]).replace('M', 'L', 1)}Z" for upper, lower in _stretches(at, under))


def _stretches(
    at: Sequence[tuple[float, float | None]], under: Sequence[tuple[float, float]]
) -> Iterator[tuple[list[tuple[float, float | None]], list[tuple[float, float | None]]]]:
    upper: list[tuple[float, float | None]] = []
    lower: list[tuple[float, float | None]] = []
    for (x, y), base in [*zip(at, under, strict=True), ((0.0, None), (0.0, 0.0))]:
        if y is not None:
            upper.append((x, y))
            lower.append(base)
        elif upper:
            yield upper, lower
            upper, lower = [], []


def _description(days: Sequence[date], lines: Sequence[tuple[Line, Unit]]) -> str:
    if not days:
        return "No sessions."
    told = []
    for line, unit in lines:
        known = _known(line.numbers())
        first, last = (decimal(known[0].item()), decimal(known[-1].item())) if len(known) else (DASH, DASH)
        told.append(f"{line.name} from {first} to {last}{' per cent' if unit == '%' else ''}")
    return f"{days[0]} to {days[-1]}: {'; '.join(told)}."


def _dates(days: Sequence[date]) -> dict[str, Any]:
    """The first day, and of each later one the calendar days since the one before: a sixth of the dates' own letters."""
    return {"first": str(days[0]) if days else None, "gaps": [(later - day).days for day, later in itertools.pairwise(days)]}


def _rounded(values: Floats) -> list[Any]:
    return [None if np.isnan(v) else float(f"{v:.6g}") for v in values.tolist()]
