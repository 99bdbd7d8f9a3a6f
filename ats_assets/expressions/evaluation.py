"""Evaluation: a plan over the blocks of a panel, by several threads, into one float32 array a column.

1. The expressions are compiled to a plan, which says what to read and how far to look back.
2. The panel's rows are sorted by symbol and session and given their places on the grid of sessions.
3. Symbols are put into blocks; each block is evaluated step by step, values are dropped after their last use.
4. Rows of the panel are copied from the block to their places in the result.

Kernels and NumPy release the interpreter's lock, so blocks are evaluated side by side. A value depends on the rows in its windows alone: neither the
blocks nor the threads nor the rows before can change a bit of it.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from ats_assets.expressions.arrays import Values
from ats_assets.expressions.compiler import compile_expressions
from ats_assets.expressions.panel import Panel, Piece, place
from ats_assets.expressions.scatter import scatter
from ats_assets.expressions.steps import Plan, Reference


def compute(
    panel: pl.DataFrame, expressions: Mapping[str, str], *, sessions: Sequence[date] | None = None, threads: int | None = None
) -> pl.DataFrame:
    """Evaluate factor expressions over a panel.

    Parameters
    ----------
    panel
        symbol, session and numeric columns, the fields of the expressions: usually open, high, low, close, volume and, where there is one, vwap.
        Rows in any order. Null and NaN are missing. A panel without vwap has it missing everywhere.
    expressions
        Column name to expression.
    sessions
        The calendar of the panel (default: its own distinct sessions). Between the first and the last row of a symbol, a session without a row is
        one with missing values.
    threads
        How many blocks to evaluate at once (default: one a processor). The result does not depend on it.

    Returns
    -------
    pl.DataFrame
        symbol, session, then one Float32 column an expression, in order, NaN = missing; a row for each row of the panel, sorted by session and symbol.

    Raises
    ------
    ExpressionError
        If an expression is wrong, or names a field that the panel lacks.
    LookAheadError
        If an expression refers to a later session.
    ContractError
        If a symbol or session is missing, doubled, or not in the calendar.
    """
    plan = compile_expressions(expressions)
    placed = place(panel, plan.fields, sessions)
    result = np.empty((len(plan.outputs), placed.slots.size), dtype=np.float32)
    workers = threads or _processors()
    batches = list(placed.batches(plan.lookback))
    if workers == 1 or len(batches) < 2:
        for batch in batches:
            _evaluate(plan, placed, batch, result)
    else:
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(_evaluate, plan, placed, batch, result) for batch in batches]:
                done.result()
    columns = {name: _column(name, values) for name, values in zip(plan.outputs, result, strict=True)}
    return placed.keys.with_columns(**columns) if columns else placed.keys


def lookback(expressions: Mapping[str, str]) -> int:
    """Sessions before the current one that the expressions need; known without any data."""
    return compile_expressions(expressions).lookback


def _processors() -> int:
    """Processors that this process may use; not every system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _column(name: str, values: np.ndarray) -> pl.Series:
    """A column over the memory of the array, without a copy."""
    return pl.Series(name, pa.Array.from_buffers(pa.float32(), values.size, [None, pa.py_buffer(values)]))


def _evaluate(plan: Plan, panel: Panel, pieces: Sequence[Piece], result: np.ndarray) -> None:
    """Evaluate the plan over some pieces and write their rows of the result."""
    block, places, targets = panel.block(pieces, plan.lookback)
    columns: dict[int, list[int]] = {}
    for column, step in enumerate(plan.outputs.values()):
        columns.setdefault(step, []).append(column)
    values: dict[int, Values] = {}
    with np.errstate(all="ignore"):
        for number, step in enumerate(plan.steps):
            operands = (values[operand.step] if isinstance(operand, Reference) else operand for operand in step.operands)
            values[number] = step.function(block, *operands, *step.parameters)
            for column in columns.get(number, ()):
                scatter(values[number], places, result[column], targets)
            for spent in plan.last_uses[number]:
                del values[spent]
