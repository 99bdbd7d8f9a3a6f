"""Where bars end: kernels over the ticks of sessions that follow each other, one group for each symbol and session.

What they share:

- A bar begins anew in each group: nothing is carried from one session, or one symbol, into the next.
- Ticks of one instant belong to one bar, since nobody could act between them: a bar closes at the last tick of an instant, so that of one symbol no two bars
  are known at the same time.
- A bar needs a price: none closes before the first tick of its session whose price counts (`PRICED`).
- What is left at the end of a group is a bar that its session's end has closed.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Codes = NDArray[np.int8]

PRICED: Final = 1
"""The bit of a tick's code that says that its price can be a first or last one."""
TRADED: Final = 2
"""The bit that says that its size counts."""
EXTREME: Final = 4
"""The bit that says that its price can be a high or a low."""

BY_TICKS, BY_VOLUME, BY_DOLLARS = 0, 1, 2
"""What bars are measured in."""

AT_FIRST: Final = 1024
"""Bars for which there is room at first; it is doubled when it is full."""


class BarEnds(NamedTuple):
    """Where bars lie among the ticks, each array of shape (n_bars,).

    Parameters
    ----------
    begins, ends
        Of the first tick, and after the last one.
    groups
        Which group they are of, ascending.
    thresholds
        Those that they were to reach.
    reached
        Whether they did; else the session's end closed them.
    """

    begins: Places
    ends: Places
    groups: Places
    thresholds: Floats
    reached: NDArray[np.bool_]


@kernel
def accumulated_ends(measure: int, price: Floats, size: Floats, codes: Codes, at: Places, starts: Places, thresholds: Floats) -> BarEnds:
    """Bars that close when their ticks, volume or dollar volume reach a threshold; what is above it is not carried on.

    Parameters
    ----------
    price, size, codes, at
        Of ticks in order of time, of shape (n_ticks,); `at` in nanoseconds.
    starts
        Of shape (n_groups + 1,): group g is ticks starts[g] to starts[g + 1].
    thresholds
        Of shape (n_groups,); no bars of a group where it is not positive, or NaN.
    """
    begins, ends, groups = np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64)
    reached = np.empty(AT_FIRST, np.bool_)
    n = 0
    for group in range(len(starts) - 1):
        threshold, begin, end = thresholds[group], starts[group], starts[group + 1]
        least = first_price(codes, begin, end) + 1
        while begin < end and least <= end and threshold > 0.0:
            before = n
            n, begin = _bars_with_room(measure, price, size, codes, at, begin, end, least, threshold, begins, ends, reached, n)
            groups[before:n] = group
            if n == len(ends):
                begins, ends, groups, reached = doubled(begins), doubled(ends), doubled(groups), doubled(reached)
    return BarEnds(begins[:n], ends[:n], groups[:n], thresholds[groups[:n]], reached[:n])


@kernel
def _bars_with_room(
    measure: int,
    price: Floats,
    size: Floats,
    codes: Codes,
    at: Places,
    begin: int,
    end: int,
    least: int,
    threshold: float,
    begins: Places,
    ends: Places,
    reached: NDArray[np.bool_],
    n: int,
) -> tuple[int, int]:
    """Bars of a group from `begin` on, until it ends or there is no room for more; how many bars there are then, and where the next begins.

    A loop that may put another array in the place of a full one counts who holds which at each bar; this one does not.
    """
    while begin < end and n < len(ends):
        stop, whole = _accumulated(measure, price, size, codes, begin, end, threshold)
        stop = end_of_instant(at, max(stop, least), end)
        begins[n], ends[n], reached[n] = begin, stop, whole
        n += 1
        begin = stop
    return n, begin


@kernel
def _accumulated(measure: int, price: Floats, size: Floats, codes: Codes, begin: int, end: int, threshold: float) -> tuple[int, bool]:
    """After the tick of a bar that reaches the threshold, at the latest the end; and whether it is reached. A loop of its own, which runs in registers.

    Its places are unsigned, as those of `bar_sums`: of a signed one compiled code asks at each tick whether it counts from the end.
    """
    filled, place, last, one = 0.0, np.uint64(begin), np.uint64(end), np.uint64(1)
    if measure == BY_TICKS:
        ticks = int(min(math.ceil(threshold), float(end - begin)))
        return begin + ticks, float(ticks) >= threshold
    if measure == BY_VOLUME:
        while place < last and filled < threshold:
            filled += size[place] if codes[place] & TRADED else 0.0
            place += one
    else:
        while place < last and filled < threshold:
            filled += price[place] * size[place] if codes[place] & TRADED else 0.0
            place += one
    return int(np.int64(place)), bool(filled >= threshold)


@kernel
def interval_ends(codes: Codes, at: Places, starts: Places, width: int, offset: int) -> BarEnds:
    """Bars of an interval each, with the ticks of [k * width + offset, (k + 1) * width + offset), in nanoseconds since 1970.

    An interval without a tick is no bar, and neither is one before the first price of its session.
    """
    begins, ends, groups = np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64)
    n = 0
    for group in range(len(starts) - 1):
        begin, end = starts[group], starts[group + 1]
        least = first_price(codes, begin, end) + 1
        while begin < end:
            stop, upper = begin + 1, at[begin] - (at[begin] - offset) % width + width
            while stop < end and at[stop] < upper:
                stop += 1
            if stop >= least:
                if n == len(ends):
                    begins, ends, groups = doubled(begins), doubled(ends), doubled(groups)
                begins[n], ends[n], groups[n] = begin, stop, group
                n += 1
            begin = stop
    return BarEnds(begins[:n], ends[:n], groups[:n], np.full(n, width / 1e9), np.ones(n, np.bool_))


@kernel
def first_price(codes: Codes, begin: int, end: int) -> int:
    """The first tick whose price counts, or the end."""
    while begin < end and codes[begin] & PRICED == 0:
        begin += 1
    return begin


@kernel
def end_of_instant(at: Places, stop: int, end: int) -> int:
    """After the last tick that is of the same time as the one before `stop`."""
    while stop < end and at[stop] == at[stop - 1]:
        stop += 1
    return stop


@kernel
def doubled(values: NDArray[Any]) -> NDArray[Any]:
    """The values, with room for as many again."""
    room = np.empty(2 * len(values), values.dtype)
    room[: len(values)] = values
    return room
