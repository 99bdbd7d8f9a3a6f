"""Where the ticks of an axis are, and how they are written."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Literal

from ats_assets.reports.formatting import MINUS, MONTHS

Unit = Literal["", "%", "money"]
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


def linear_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of a round step from `low` to `high`, at most `most` of them.

    Examples
    --------
    >>> linear_ticks(-0.13, 0.42)
    [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    span = high - low
    if not span > 0.0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    for step in (step * power * scale for scale in (1.0, 10.0) for step in _STEPS):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            digits = max(0, 2 - math.floor(math.log10(step)))
            return [round(place * step, digits) + 0.0 for place in range(first, last + 1)]
    return [low, high]


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """1, 2 and 5 times the powers of ten from `low` to `high`; where these are fewer than three, `linear_ticks`.

    Examples
    --------
    >>> log_ticks(80, 1500)
    [100.0, 200.0, 500.0, 1000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [round(factor * 10.0**power, 12) for power in powers for factor in factors if low <= factor * 10.0**power <= high]
        if len(found) <= most:
            break
    else:
        found = found[:: math.ceil(len(found) / most)]
    return found if len(found) > 2 else linear_ticks(low, high, most)


def date_ticks(days: Sequence[date], most: int = 9) -> list[tuple[int, str]]:
    """The places of the first sessions of months that are so many apart that `most` suffice, and their names: the year at a January and at the first.

    Examples
    --------
    >>> from datetime import timedelta
    >>> date_ticks([date(2021, 11, 20) + timedelta(days=i) for i in range(120)], most=3)
    [(11, 'Dec 2021'), (73, 'Feb')]
    """
    starts = [(i, day) for i, day in enumerate(days) if i and (day.year, day.month) != (days[i - 1].year, days[i - 1].month)]
    if not starts:
        return [(i, str(days[i])) for i in sorted({0, len(days) - 1})] if days else []
    chosen = starts
    for step in _MONTHS:
        chosen = [(i, day) for i, day in starts if ((day.month - 1) + 12 * day.year) % step == (0 if step != 2 else 1)]
        if len(chosen) <= most:
            break
    return [
        (i, str(day.year) if day.month == 1 else f"{MONTHS[day.month - 1]} {day.year}" if n == 0 else MONTHS[day.month - 1])
        for n, (i, day) in enumerate(chosen)
    ]


def tick_text(value: float, step: float, unit: Unit) -> str:
    """A tick as it is written: with the decimals that the step has; sums of money with k, M, B and T.

    Examples
    --------
    >>> tick_text(1_250_000.0, 250_000.0, "money"), tick_text(-2.5, 2.5, "%"), tick_text(0.0, 1.0, "")
    ('1.25M', '−2.5%', '0')
    """
    scale, letter = 1.0, ""
    if unit == "money":
        scale, letter = next(
            ((size, name) for size, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")) if abs(value) >= size), (1.0, "")
        )
    digits = 0 if step <= 0 else max(0, -math.floor(math.log10(step / scale) + 1e-9))
    digits = next(
        (n for n in range(digits, digits + 3) if abs(round(value / scale, n) - value / scale) < 1e-9 * max(1.0, abs(value / scale))), digits
    )
    return f"{round(value / scale, digits) + 0.0:,.{digits}f}{letter}{'%' if unit == '%' else ''}".replace("-", MINUS)
