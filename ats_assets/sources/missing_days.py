"""Days without data between the first and the last of a series, as people read them: a gap is named, and nothing is put in its place."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from ats_assets.errors import how_many

_SHOWN: Final = 10
"""Stretches of days that are named, of each series."""


def missing_days(days: Mapping[str, Iterable[date]]) -> list[str]:
    """For each series the days between its first and its last that are missing, as text; nothing where none is.

    Examples
    --------
    >>> there = [date(2024, 1, day) for day in (1, 2, 5, 7)]
    >>> missing_days({"BTCUSDT": there, "ETHUSDT": there[:2]})
    ['BTCUSDT: 2024-01-03 to 2024-01-04, 2024-01-06 (3 days)']
    """
    found: list[str] = []
    for name, some in sorted(days.items()):
        there = sorted(set(some))
        gaps = [(before + timedelta(days=1), after - timedelta(days=1)) for before, after in pairwise(there) if (after - before).days > 1]
        if gaps:
            told = [str(first) if first == last else f"{first} to {last}" for first, last in gaps[:_SHOWN]]
            more = f" and {len(gaps) - _SHOWN} more" if len(gaps) > _SHOWN else ""
            found.append(f"{name}: {', '.join(told)}{more} ({how_many(sum((last - first).days + 1 for first, last in gaps), 'day')})")
    return found
