"""Runs the stages of a plan: columns by program, laid out over the panel's rows or taken across the symbols of each session.

A column lies in the order of the grid's rows, by symbol, then session.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ats_assets.expressions.builder import PanelColumn, Staged
from ats_assets.expressions.grid import Grid
from ats_assets.expressions.plan import Plan
from ats_assets.expressions.staged_plan import Program, Stage, StagedPlan

LOG = logging.getLogger(__name__)

Values = NDArray[np.float32]
Run = Callable[[Plan, Grid, Values, int], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """A panel's rows, its series in order, its fields by name, to which stages add theirs, and which series is meant by a symbol that is named."""

    grid: Grid
    series: Sequence[str]
    fields: dict[str, Values]
    meant: Mapping[str, str]

    def with_fields(self, plan: Plan) -> Grid:
        """The rows with the fields that a plan reads."""
        chosen = [self.fields[name] for name in plan.fields]
        return replace(self.grid, fields=np.stack(chosen) if chosen else np.empty((0, len(self.grid.positions)), np.float32))

    def of(self, symbol: str) -> slice:
        """The rows of a symbol; none where the panel does not have it."""
        if self.meant[symbol] not in self.series:
            LOG.warning("the panel has no rows of %s, which an expression names: its values are missing", symbol)
            return slice(0, 0)
        series = self.series_of(symbol)
        return slice(int(self.grid.symbol_rows[series.start]), int(self.grid.symbol_rows[series.stop]))

    def series_of(self, symbol: str) -> slice:
        """The series of a symbol: one, or one for each of its epochs."""
        place = self.series.index(self.meant[symbol])
        if self.grid.series_symbol is None:
            return slice(place, place + 1)
        first, last = np.searchsorted(self.grid.series_symbol, [place, place + 1]).tolist()
        return slice(first, last)


def with_stages(staged: StagedPlan, panel: Rows, run: Run, threads: int) -> Grid:
    """Run the stages before the last program; `run(plan, grid, out, threads)` evaluates a plan.

    Returns
    -------
    Grid
        The same rows with the fields of the last program.
    """
    for stage in staged.stages:
        _Stage(stage, panel, run, threads).make()
    return panel.with_fields(staged.last)


class _Stage:
    """One stage at work."""

    def __init__(self, stage: Stage, panel: Rows, run: Run, threads: int) -> None:
        self.stage = stage
        self.panel = panel
        self.run = run
        self.threads = threads
        self.since = max(0, panel.grid.since - stage.back)

    def make(self) -> None:
        """Add the stage's fields."""
        columns: dict[tuple[str | None, int], Values] = {}
        for program in self.stage.programs:
            made = self.computed(program)
            columns |= {(program.symbol, node): column for node, column in zip(program.nodes, made, strict=True)}
        for name, staged in self.stage.fields.items():
            laid_out = [self.laid_out(columns[column.symbol, column.node], column) for column in staged.columns]
            self.panel.fields[name] = laid_out[0] if staged.op == "column" else self.across(staged, laid_out)

    def computed(self, program: Program) -> Values:
        """The results of a program for the rows of its symbol, or of all: shape (n_results, n_rows)."""
        grid = self.panel.with_fields(program.plan)
        if program.symbol is not None:
            rows = self.panel.of(program.symbol)
            starts = np.zeros(1, np.int64)
            if rows.stop > rows.start:
                series = self.panel.series_of(program.symbol)
                starts = grid.symbol_rows[series.start : series.stop + 1] - rows.start
            grid = replace(grid, fields=np.ascontiguousarray(grid.fields[:, rows]), positions=grid.positions[rows], symbol_rows=starts)
        out = np.full((len(program.nodes), len(grid.positions)), np.nan, np.float32)
        dest = np.where(grid.positions >= self.since, np.arange(len(grid.positions)), -1)
        if (dest >= 0).any():
            self.run(program.plan, replace(grid, dest=dest, since=self.since), out, self.threads)
        return out

    def laid_out(self, values: Values, column: PanelColumn) -> Values:
        """A program's result for each row of the panel: its own symbol's or another's, of its session or of a later one."""
        if column.symbol is None and not column.ahead:
            return values
        if column.symbol is not None and self.panel.grid.series_begin is not None:
            return self.laid_out_by_epochs(values, column.symbol, self.panel.grid.series_begin)
        positions = self.panel.grid.positions.astype(np.int64)
        days = int(positions.max()) + 1 + column.ahead
        if column.symbol is None:
            symbol = np.repeat(np.arange(len(self.panel.series)), np.diff(self.panel.grid.symbol_rows))
            keys = symbol * days + positions
            wanted = keys + column.ahead
        else:
            keys = positions[self.panel.of(column.symbol)]
            wanted = positions + column.ahead
        return _looked_up(values, keys, wanted)

    def laid_out_by_epochs(self, values: Values, symbol: str, begin: NDArray[np.int64]) -> Values:
        """Another symbol's result for each row, seen from the row's epoch: no epoch reaches beyond one of that symbol's."""
        grid = self.panel.grid
        rows = self.panel.of(symbol)
        if rows.stop == rows.start:
            return np.full(len(grid.positions), np.nan, np.float32)
        series = self.panel.series_of(symbol)
        days = int(grid.positions.max()) + 1
        lengths = np.diff(grid.symbol_rows)
        seen = np.searchsorted(begin[series], begin, side="right") - 1
        keys = np.repeat(np.arange(series.stop - series.start), lengths[series]) * days + grid.positions[rows]
        return _looked_up(values, keys, np.repeat(seen, lengths) * days + grid.positions)

    def across(self, staged: Staged, columns: Sequence[Values]) -> Values:
        """A statistic of each session's rows, each symbol's own; the second column, where there is one, is the group."""
        from ats_assets.expressions.cross_section import STATISTICS  # noqa: PLC0415 - numba takes a second to import

        positions, own, base = self.panel.grid.positions, self.panel.grid.own, self.panel.grid.base
        wanted = np.flatnonzero(positions >= self.since if own is None else own & (positions >= self.since))
        order = wanted[np.argsort(positions[wanted], kind="stable")]
        starts = np.append(np.flatnonzero(np.diff(positions[order], prepend=-1)), len(order))
        values = columns[0][order]
        groups = columns[1][order] if len(columns) > 1 else np.zeros_like(values)
        result = np.full_like(values, np.nan)
        kernel = STATISTICS[staged.op]
        cuts = np.linspace(0, len(starts) - 1, self.threads + 1).astype(int).tolist()
        if self.threads == 1:
            kernel(values, groups, starts, 0, len(starts) - 1, result)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                for done in [pool.submit(kernel, values, groups, starts, a, b, result) for a, b in pairwise(cuts)]:
                    done.result()
        laid_out = np.full(len(positions), np.nan, np.float32)
        laid_out[order] = result
        if own is None or base is None:
            return laid_out
        of_base = np.full(int(base.max()) + 1, np.nan, np.float32)
        of_base[base[own]] = laid_out[own]
        return of_base[base]


def _looked_up(values: Values, keys: NDArray[np.integer], wanted: NDArray[np.integer]) -> Values:
    """The values at the wanted keys, missing where there is none; the keys ascend."""
    result = np.full(len(wanted), np.nan, np.float32)
    place = np.searchsorted(keys, wanted)
    found = place < len(keys)
    found[found] = keys[place[found]] == wanted[found]
    result[found] = values[place[found]]
    return result
