"""The rows of a block in the registers: where each field's values go, and which rows a symbol has there."""

# ruff: noqa: C901, PLR0917 - kernels take arrays by position and choose by plain branches

import numpy as np

from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.vectors import stretch


@inlined
def _copy(source, target):
    """Numba's assignment of slices is slower: it asks for each value whether the two overlap."""
    for i in range(target.size):
        target[i] = source[i]


@inlined
def _first_from(positions, low, high, session):
    """The first of the rows `low` to `high - 1` in that session or after it; they ascend."""
    while low < high:
        middle = (low + high) // 2
        if positions[middle] < session:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def load_block(
    fields, places, positions, rows, dest, base, length, lookback, lanes, registers, present, targets, cursors, starts, ends, whole
):
    """Put the panel's rows of a block into the registers, and find each lane's first and last one.

    Returns
    -------
    wanted, gaps
        Whether a row is wanted, and whether a row is absent between two of its lane.
    """
    for f in range(places.size):
        stretch(registers, places[f], 0, length * lanes)[:] = np.nan
    present[: length * lanes] = False
    targets[: (length - lookback) * lanes] = -1
    starts[:], ends[:] = length, -1
    wanted, gaps = False, False
    whole[1], whole[2] = 0, 0
    for lane in range(rows.size - 1):
        first = _first_from(positions, cursors[lane], rows[lane + 1], base)
        last = _first_from(positions, first, rows[lane + 1], base + length)
        cursors[lane] = first
        if first == last:
            continue
        begin, end = positions[first] - base, positions[last - 1] - base + 1
        starts[lane], ends[lane] = begin, end - 1
        if lanes > 1 and end - begin == last - first:
            whole[0, lane], whole[1, lane], whole[2, lane] = first - begin, begin, end
            continue
        if lanes == 1 and end - begin == last - first:  # a row of each session: they lie side by side
            present[begin:end] = True
            for f in range(places.size):
                _copy(fields[f, first:last], stretch(registers, places[f], begin, end))
            begin = max(begin, lookback)
            if begin < end:
                _copy(dest[last - (end - begin) : last], targets[begin - lookback : end - lookback])
                wanted = dest[last - (end - begin) : last].max() >= 0
            continue
        gaps = gaps or end - begin > last - first
        for row in range(first, last):
            at = np.uint64((positions[row] - base) * lanes + lane)  # unsigned: a signed index would be tested for counting from the end
            present[at] = True
            for f in range(places.size):
                registers[np.uint64(places[f]), at] = fields[f, row]
            if at >= lookback * lanes and dest[row] >= 0:
                targets[at - np.uint64(lookback * lanes)] = dest[row]
                wanted = True
    if lanes > 1:
        wanted = _load_whole(fields, places, dest, lookback, lanes, registers, present, targets, whole) or wanted
    return wanted, gaps


@inlined
def _load_whole(fields, places, dest, lookback, lanes, registers, present, targets, whole):
    """The lanes with a row of each session, session by session: what is written lies side by side. Whether a row is wanted.

    whole : int64 array of shape (3, lanes)
        The row that session 0 of the block would be, the first session, and the one after the last.
    """
    first, last = whole[1].min(), whole[2].max()
    for f in range(places.size):
        for t in range(first, last):
            values = stretch(registers, places[f], t * lanes, (t + 1) * lanes)
            for lane in range(lanes):
                if whole[1, lane] <= t < whole[2, lane]:
                    values[lane] = fields[f, np.uint64(whole[0, lane] + t)]
    wanted = False
    for t in range(first, last):
        for lane in range(lanes):
            if whole[1, lane] <= t < whole[2, lane]:
                at = np.uint64(t * lanes + lane)
                present[at] = True
                if t >= lookback:
                    targets[at - np.uint64(lookback * lanes)] = dest[np.uint64(whole[0, lane] + t)]
                    wanted = wanted or dest[np.uint64(whole[0, lane] + t)] >= 0
    return wanted


@inlined
def mark(lanes, length, starts, ends, gaps, present, started, since_present):
    """Rows since the first and since the last present row of each lane."""
    for t in range(length):
        for lane in range(lanes):
            at = np.uint64(t * lanes + lane)
            started[at] = t - starts[lane] + 1
            since_present[at] = max(0, t - ends[lane]) if t >= starts[lane] else np.inf
    for lane in range(lanes if gaps else 0):
        for t in range(starts[lane] + 1, ends[lane]):
            at = np.uint64(t * lanes + lane)
            since_present[at] = 0.0 if present[at] else since_present[at - np.uint64(lanes)] + 1.0
