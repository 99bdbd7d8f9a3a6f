"""Runs a plan over the panel, block by block: some symbols side by side, over some sessions and those that these look back on.

The memory in use is one block's registers for each thread, whatever the size of the panel, and the results go straight to their place.
"""

# ruff: noqa: C901, PLR0917 - kernels take arrays by position and choose by plain branches, which numba compiles well

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numba
import numpy as np

from ats_assets.expressions import block_rows, compiled, machine, moments, opcodes, sorted_windows, vectors, weighted_averages
from ats_assets.expressions.block_rows import load_block, mark
from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.machine import execute
from ats_assets.expressions.vectors import PARTS


@inlined
def _mend(window, code, constants, registers, part, ordered, present, lanes, starts, ends):
    """Recompute the windows whose oldest rows are absent, as if the data began at their first present row.

    A symbol that was not there at the start of a window counts from its first row in it, whether it was listed before or not: else the value would
    depend on rows before the window.
    """
    rows, first, target, x, y = window[2], window[3], window[4], window[5], window[6]
    for lane in range(lanes):
        for t in range(max(first, starts[lane] + rows), ends[lane] + 1):
            oldest = t - rows + 1
            if present[oldest * lanes + lane]:
                continue
            start = oldest
            while start <= t and not present[start * lanes + lane]:
                start += 1
            value = np.nan
            if start <= t:
                for i in range(rows):
                    at = (oldest + i) * lanes + lane
                    inside = oldest + i >= start
                    part[0, i] = oldest + i - start + 1
                    part[window[7], i] = registers[x, at] if inside else np.nan
                    if y >= 0:
                        part[window[8], i] = registers[y, at] if inside else np.nan
                execute(code, constants, window[0], window[1], part, ordered, rows, 1)
                value = part[window[9], rows - 1]
            registers[target, t * lanes + lane] = value


@inlined
def _find_run(lane, lanes, sessions, targets, runs):
    """The sessions, from `runs[lane, 0]` to before `runs[lane, 1]`, in which a lane's results have places one after the other from `runs[lane, 2]` on.

    A lane whose results lie otherwise has no such sessions, and -1 as the place; one without any result has 0. Of a single session it is the lanes, in place of sessions.
    """
    first, last = 0, sessions
    while first < last and targets[first * lanes + lane] < 0:
        first += 1
    while last > first and targets[(last - 1) * lanes + lane] < 0:
        last -= 1
    place = targets[first * lanes + lane] if first < last else 0
    others = 0
    for t in range(first, last):
        others += targets[np.uint64(t * lanes + lane)] != place + t - first
    runs[lane, 0], runs[lane, 1], runs[lane, 2] = first, last if others == 0 else first, place if others == 0 else -1


@inlined
def _store(values, targets, runs, lanes, single, result):
    """Write a result; `single` is scratch. Unsigned indices: signed ones would be tested for counting from the end."""
    if lanes == 1 and runs[0, 2] >= 0:
        first, last = runs[0, 0], runs[0, 1]
        place = result[runs[0, 2] : runs[0, 2] + last - first]
        row = values[first:last]
        for i in range(place.size):
            place[i] = np.float32(row[i]) if row[i] == row[i] else np.float32(np.nan)
        return
    for i in range(values.size):
        single[i] = np.float32(values[i]) if values[i] == values[i] else np.float32(np.nan)  # every missing value is the same NaN
    for lane in range(lanes):
        if runs[lane, 2] >= 0:
            at, place = np.uint64(runs[lane, 0] * lanes + lane), np.uint64(runs[lane, 2])
            for t in range(runs[lane, 1] - runs[lane, 0]):
                result[place + np.uint64(t)] = single[at + np.uint64(t * lanes)]
    if runs[:lanes, 2].min() < 0:
        for i in range(values.size):
            if targets[i] >= 0:
                result[np.uint64(targets[i])] = single[i]


def _compile_run() -> Callable[..., None]:
    """Make `run`. Numba's cache knows of changes in this file alone; the text of the kernels is made part of its key by the closure."""
    kernels = hashlib.sha256(
        b"".join(
            Path(str(part.__file__)).read_bytes()
            for part in (block_rows, compiled, machine, moments, opcodes, sorted_windows, vectors, weighted_averages)
        )
    ).hexdigest()

    @numba.njit(error_model="numpy", nogil=True, cache=True)
    def run(
        code,
        constants,
        segments,
        windows,
        sizes,
        numbers,
        number_values,
        places,
        fields,
        positions,
        rows,
        dest,
        since,
        out,
        lanes,
        block,
        first,
        last,
        registers,
    ):
        """Compute the groups of symbols `first` to `last - 1`.

        Parameters
        ----------
        code, constants, segments, windows
            See `Plan`.
        sizes
            Lookback, registers, registers of a window, longest quantile window, longest window that is mended.
        numbers, number_values : arrays of shape (n_numbers,)
            Registers of constants, and the constants.
        places : int32 array of shape (n_fields,)
            Registers of the fields.
        fields : float32 array of shape (n_fields, n_rows)
            By symbol, then session.
        positions : int32 array of shape (n_rows,)
            The rows' sessions.
        rows : int64 array of shape (n_symbols + 1,)
            Where each symbol's rows begin.
        dest : int64 array of shape (n_rows,)
            The row of the result, or -1.
        since
            First session that is wanted.
        out : float32 array of shape (n_expressions, n_results)
        lanes, block
            Symbols and sessions of a block.
        registers : float64 array of shape (n_registers, (lookback + block) * lanes)
            Scratch.
        """
        lookback = sizes[0]
        longest = lookback + block
        part = np.zeros((max(sizes[2], 3), max(sizes[4], 1)))
        ordered = np.empty((3, (sizes[3] + 1 + (longest if lanes > 1 else -(-longest // PARTS))) * PARTS))
        present, targets = np.empty(longest * lanes, np.bool_), np.empty(block * lanes, np.int64)
        runs, single = np.empty((lanes, 3), np.int64), np.empty(block * lanes, np.float32)
        starts, ends, whole = np.empty(lanes, np.int64), np.empty(lanes, np.int64), np.empty((3, lanes), np.int64)
        for i in range(numbers.size):
            registers[numbers[i]] = number_values[i]
        cursors = rows[first * lanes : last * lanes].copy()
        begin, end = positions[rows[first * lanes]], 0
        for row in range(first * lanes, min(last * lanes, rows.size - 1)):
            begin, end = min(begin, positions[rows[row]]), max(end, positions[rows[row + 1] - 1])
        for now in range(max(begin, since), end + 1, block):  # the groups of a block in turn: their results lie side by side
            length = lookback + min(block, end + 1 - now)
            for group in range(first, last):
                members = rows[group * lanes : (group + 1) * lanes + 1]
                here = cursors[(group - first) * lanes : (group + 1 - first) * lanes]
                block_of = (now - lookback, length, lookback, lanes)
                wanted, gaps = load_block(
                    fields, places, positions, members, dest, *block_of, registers, present, targets, here, starts, ends, whole
                )
                if not wanted:
                    continue
                sessions = length - lookback
                apart = lanes if sessions > 1 else 1  # the results of one session lie side by side, or those of a lane
                mark(1 if lanes == 1 else lanes, length, starts, ends, gaps, present, registers[0], registers[1])
                for lane in range(apart):
                    _find_run(lane, apart, sessions * lanes // apart, targets, runs)
                for s in range(segments.shape[0]):
                    execute(code, constants, segments[s, 0], segments[s, 1], registers, ordered, length, lanes)
                    if gaps and segments[s, 2] >= 0:
                        _mend(windows[segments[s, 2]], code, constants, registers, part, ordered, present, lanes, starts, ends)
                    if segments[s, 3] >= 0:
                        values = registers[segments[s, 4], lookback * lanes : length * lanes]
                        _store(values, targets, runs, apart, single, out[segments[s, 3]])
        if len(kernels) == 0:  # keeps the closure
            raise ValueError

    return run


run: Final = _compile_run()
"""Compiled on first use (half a minute), then read from `__pycache__`."""
