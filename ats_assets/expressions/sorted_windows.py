"""Quantiles by windows that stay sorted while they move."""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import Final

import numpy as np

from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.opcodes import ROWS, SOURCES, TARGET
from ats_assets.expressions.vectors import PARTS, replace_in_sorted, stretch

WIDTH: Final = np.uint64(PARTS)


@inlined
def quantiles(code, constants, k, registers, low, end, lanes, ordered):
    """Linear interpolation between order statistics: all the quantiles of one window, which are instruction k and those that follow it.

    1. The series is cut into parts that go side by side: its lanes, eight at a time, or, where there is one lane, eight stretches of it (`_laid_out`).
    2. Each part has a sorted window, from which one value leaves and which one enters, row by row (`replace_in_sorted`). What is kept along time are values as
       they are, so each window is that of its rows alone.
    3. From the first whole window on the quantiles are written. Where no value is missing they lie at the same place of each window (`_between`).

    Parameters
    ----------
    ordered : float64 array of shape (3, >= (rows + 1 + rows of the result) * PARTS)
        Scratch: the sorted windows, the values of all parts row by row, and how many values a part has up to a row.
    """
    rows, shares = code[k, ROWS], constants[k : k + code[k, SOURCES + 1]]
    lag = (rows - 1) * lanes
    x = stretch(registers, code[k, SOURCES], low - lag, end)
    windows = stretch(ordered, 0, 0, (rows + 1) * PARTS)
    side_by_side = lanes if lanes > 1 else PARTS
    wanted = (end - low) // lanes if lanes > 1 else -(-(end - low) // PARTS)
    length = wanted + rows - 1
    values, known = stretch(ordered, 1, 0, (length + 1) * PARTS), stretch(ordered, 2, 0, (length + 1) * PARTS)
    along, aside = (lanes, 1) if lanes > 1 else (1, wanted)
    for first in range(0, side_by_side, PARTS):
        _lay_out(
            stretch(registers, code[k, SOURCES], low - lag + first * aside, end),
            along,
            aside,
            min(PARTS, side_by_side - first),
            values,
            known,
        )
        windows[:] = np.inf
        for now in range(1, rows):
            replace_in_sorted(windows, now, values, now, 0)
        for now in range(rows, length + 1):
            replace_in_sorted(windows, rows, values, now, now - rows if now > rows else 0)
            at = (now - 1) * along
            parts = min(side_by_side - first, PARTS) if lanes > 1 else min(PARTS, -(-(x.size - at) // aside))
            count = _shared_count(known, now, rows, parts)
            for j in range(shares.size):
                result = stretch(registers, code[k + j, TARGET], low - lag + at + first * aside, end)
                if count > 0.0:
                    _at_one_place(windows, count, shares[j], result, aside, parts)
                else:
                    _between(windows, known, now, rows, shares[j], result, aside, parts)


@inlined
def _lay_out(x, along, aside, parts, values, known):
    """Row by row the values of all parts, and how many were known up to it; before the first row is one of nothing.

    Missing and infinite values are inf, so that they stand at the end. + 0.0 makes -0.0 positive: equal values must be the same bits, since nothing tells which of them leaves.
    """
    values[:], known[:PARTS] = np.inf, 0.0
    for row in range(1, values.size // PARTS):
        for part in range(parts):
            here, at = (
                np.uint64(row * PARTS + part),
                np.uint64((row - 1) * along + part * aside),
            )  # unsigned: a signed index would be tested for counting from the end
            value = x[at] if at < x.size else np.inf
            is_known = abs(value) < np.inf
            values[here] = value + 0.0 if is_known else np.inf
            known[here] = known[here - WIDTH] + (1.0 if is_known else 0.0)


@inlined
def _between(windows, known, now, rows, share, result, aside, parts):
    """A quantile of each part's window, whose newest row is `now`."""
    newest, before = np.uint64(now * PARTS), np.uint64((now - rows) * PARTS)
    for part in range(parts):
        count = known[newest + np.uint64(part)] - known[before + np.uint64(part)]
        place = share * (count - 1.0)
        below = int(place) if count > 0.0 else 0
        here = np.uint64(below * PARTS + part)
        value = windows[here]
        if place > below:
            value += (windows[here + WIDTH] - value) * (place - below)
        result[np.uint64(part * aside)] = value if count > 0.0 else np.nan


@inlined
def _shared_count(known, now, rows, parts):
    """How many values each part's window has, or 0 where they have different numbers."""
    newest, before = np.uint64(now * PARTS), np.uint64((now - rows) * PARTS)
    count = known[newest] - known[before]
    other = 0
    for part in range(1, parts):
        other += known[newest + np.uint64(part)] - known[before + np.uint64(part)] != count
    return count if other == 0 else 0.0


@inlined
def _at_one_place(windows, count, share, result, aside, parts):
    """`_between` where all windows have the same number of values."""
    place = share * (count - 1.0)
    below = np.uint64(place)
    step = place - np.float64(below)
    here = below * WIDTH
    if step > 0.0:
        for part in range(parts):
            value = windows[here + np.uint64(part)]
            result[np.uint64(part * aside)] = value + (windows[here + WIDTH + np.uint64(part)] - value) * step
    else:
        for part in range(parts):
            result[np.uint64(part * aside)] = windows[here + np.uint64(part)]
