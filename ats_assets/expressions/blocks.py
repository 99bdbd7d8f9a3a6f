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

from ats_assets.expressions import machine, moments, opcodes, weighted_averages
from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.machine import STEP, STRETCHES, execute


@inlined
def _load(fields, places, positions, rows, dest, base, length, lookback, lanes, registers, present, targets, cursors):
    """Put the panel's rows of a block into the registers; False where no row of it is wanted."""
    registers[:2] = 0.0
    for f in range(places.size):
        registers[places[f], : length * lanes] = np.nan
    present[:] = False
    targets[:] = -1
    wanted = False
    for lane in range(rows.size - 1):
        row = cursors[lane]
        while row < rows[lane + 1] and positions[row] < base:
            row += 1
        cursors[lane] = row
        while row < rows[lane + 1] and positions[row] < base + length:
            at = (positions[row] - base) * lanes + lane
            for f in range(places.size):
                registers[places[f], at] = fields[f, row]
            present[at] = True
            if at >= lookback * lanes and dest[row] >= 0:
                targets[at - lookback * lanes] = dest[row]
                wanted = True
            row += 1
    return wanted


@inlined
def _mark(present, length, lanes, started, since_present, starts, ends):
    """Rows since the first and since the last present row of each lane; whether a row is absent between them."""
    gaps = False
    for lane in range(lanes):
        starts[lane], ends[lane] = length, -1
        for t in range(length):
            at = t * lanes + lane
            if present[at]:
                gaps = gaps or (ends[lane] >= 0 and t > ends[lane] + 1)
                starts[lane], ends[lane] = min(starts[lane], t), t
            since_present[at] = t - ends[lane] if ends[lane] >= 0 else np.inf
        for t in range(length):
            started[t * lanes + lane] = t - starts[lane] + 1
    return gaps


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
def _find_runs(targets, sessions, lanes, runs):
    """The sessions, from `runs[lane, 0]` to before `runs[lane, 1]`, in which a lane's results have places one after the other from `runs[lane, 2]` on.

    A lane whose results lie otherwise has no such sessions, and -1 as the place; one without any result has 0.
    """
    for lane in range(lanes):
        first, last, place = 0, 0, 0
        for t in range(sessions):
            target = targets[t * lanes + lane]
            if target < 0:
                continue
            if last == 0:
                first, place = t, target
            elif target != place + t - first:
                place = -1
                break
            last = t + 1
        runs[lane, 0], runs[lane, 1], runs[lane, 2] = first, last if place >= 0 else first, place


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
        b"".join(Path(str(part.__file__)).read_bytes() for part in (machine, moments, opcodes, weighted_averages))
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
        """
        lookback = sizes[0]
        longest = lookback + block
        registers = np.empty((sizes[1], longest * lanes))
        part = np.zeros((max(sizes[2], 3), max(sizes[4], 1)))
        ordered = np.empty(2 * max(lanes, STRETCHES) * (sizes[3] + STEP + 2))
        present, targets = np.empty(longest * lanes, np.bool_), np.empty(block * lanes, np.int64)
        runs, single = np.empty((lanes, 3), np.int64), np.empty(block * lanes, np.float32)
        starts, ends = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
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
                if not _load(
                    fields, places, positions, members, dest, now - lookback, length, lookback, lanes, registers, present, targets, here
                ):
                    continue
                _find_runs(targets, length - lookback, lanes, runs)
                gaps = _mark(present, length, lanes, registers[0], registers[1], starts, ends)
                for s in range(segments.shape[0]):
                    execute(code, constants, segments[s, 0], segments[s, 1], registers, ordered, length, lanes)
                    if gaps and segments[s, 2] >= 0:
                        _mend(windows[segments[s, 2]], code, constants, registers, part, ordered, present, lanes, starts, ends)
                    if segments[s, 3] >= 0:
                        values = registers[segments[s, 4], lookback * lanes : length * lanes]
                        _store(values, targets, runs, lanes, single, out[segments[s, 3]])
        if len(kernels) == 0:  # keeps the closure
            raise ValueError

    return run


run: Final = _compile_run()
"""Compiled on first use (half a minute), then read from `__pycache__`."""
