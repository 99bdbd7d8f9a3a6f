"""Evaluating a set of expressions over a panel of symbols and sessions.

The algorithm of `compute`:

1. Compile: parse every expression, share common parts, and lay out one program for the whole set, with its look-back (`compile_expressions`, `plan`).
2. Lay out the panel as a grid (`make_grid`): the rows sorted by series and session, a float32 array per field, and each row's position in the calendar.
3. With corporate actions, add the copies of a series' rows that are scaled as of later sessions (`with_epochs`), so that each row's window is read as of its own
   session.
4. If expressions contain operators across symbols (`CSRank` …) or name another symbol (`Mask`), compute these parts first, stage by stage. Each becomes a column of
   the grid, which later stages read like a field (`with_stages`).
5. Run the program (`_run`): split the series into groups, hand the groups to threads, and let the kernels (`blocks`, `machine`) compute each group block by block of
   sessions. A block rereads the look-back before it, so no value depends on where blocks or groups begin, or on the number of threads.
6. Return the results as float32 columns in the panel's order, without a copy.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ats_assets.errors import ExpressionError
from ats_assets.expressions.builder import GROUP, Flat
from ats_assets.expressions.compiler import compile_expressions
from ats_assets.expressions.epochs import side_by_side, with_epochs
from ats_assets.expressions.grid import Grid, make_grid, series_key
from ats_assets.expressions.groups import with_groups
from ats_assets.expressions.plan import BLOCK_VALUES, LANES, LONG_LOOKBACK, Plan
from ats_assets.expressions.scratch import scratch
from ats_assets.expressions.staging import Rows, with_stages


def compute(
    panel: pl.DataFrame,
    expressions: Mapping[str, str],
    *,
    sessions: Sequence[date] | None = None,
    since: date | None = None,
    threads: int | None = None,
    look_ahead: bool = False,
    adjustments: pl.DataFrame | None = None,
    bearers: Mapping[str, str] | None = None,
    flat: Flat = "relative",
) -> pl.DataFrame:
    """Evaluate expressions for every row of a panel.

    A row's value depends on the rows of its series in the sessions of its window alone, and has the same bits whatever else the panel, the other
    expressions or the number of threads are. (With `Mask` it depends on the other symbol's rows in those sessions, too, with an operator across
    symbols on all rows.) A window begins at the series' first row in it; a later session without a row counts as one with missing values.

    A series is the rows of one `instrument`, where the panel has that column, and else those of one symbol.

    Parameters
    ----------
    panel
        symbol (String), session (Date), perhaps instrument (String), and the columns that the expressions name (as a rule open, high, low, close, volume, vwap), in
        any order of rows, one row a key. Null, NaN and, in windows, infinite values are missing. A panel without vwap is one where it is missing throughout.
    expressions
        Name to expression, in qlib's language.
    sessions
        The calendar, with every session that the panel spans; default: the sessions that occur in the panel.
    since
        The first session that is wanted; default: all. Earlier rows are looked back on only.
    threads
        Default: as many as Polars has, which are those of the processors that this process may use, unless it was told otherwise.
    look_ahead
        Allow negative lags: what is computed are labels, and not features. A row's value is missing where the symbol has no row in the last session
        that it needs.
    adjustments
        Corporate actions: symbol (instrument, where the panel has it), session, and the factors `price` and `volume` by which the rows before that session are
        multiplied where a window reaches across it; one row a key. A row's value is that of the panel scaled as of the row's own session, with the same bits (`epochs`). Not with `look_ahead`.
    bearers
        Symbols that the expressions name -> the instrument that is meant; default, of each: the instrument of the newest row of that symbol.
    flat
        Where `Corr`, `Rsquare`, `Skew` and `Kurt` are missing because nothing moves. "relative": up to a standard deviation of 2^-23 of the window's mean, whatever the unit;
        "qlib": up to 2e-5 (a variance of 1e-14), as qlib has it.

    Returns
    -------
    DataFrame
        symbol, session and one Float32 column an expression, in order; the panel's rows from `since` on, in the panel's order. Missing is NaN.

    Raises
    ------
    ExpressionError, LookAheadError
        See `compile_expressions`; also where the panel lacks a column.
    ContractError
        If keys of the panel are missing, repeated or outside the calendar.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> from ats_assets.expressions import compute
    >>> panel = pl.DataFrame(
    ...     {
    ...         "symbol": ["ABC"] * 3 + ["XYZ"] * 3,
    ...         "session": [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)] * 2,
    ...         "close": [10.0, 11.0, 12.1, 50.0, 48.0, 54.0],
    ...     }
    ... )
    >>> expressions = {"return": "$close / Ref($close, 1) - 1", "rank": "CSRank($close / Ref($close, 1))"}
    >>> compute(panel, expressions, since=date(2024, 1, 4)).drop("session").rows()
    [('ABC', 0.10000002384185791, 0.5), ('XYZ', 0.125, 1.0)]
    """
    clash = [name for name in expressions if name in ("symbol", "session")]
    if clash:
        raise ExpressionError(f"an expression can't be named {clash[0]}: that is a key of the result")
    if threads is not None and threads < 1:
        raise ExpressionError(f"threads is {threads}: give 1 or more, or None for all processors")
    if look_ahead and adjustments is not None:
        raise ExpressionError(
            "adjustments say what was known at a row's session, but with look_ahead a value needs later ones: scale the panel"
        )
    if not expressions:
        return make_grid(panel, (), sessions, since).keys
    plan = compile_expressions(expressions, look_ahead=look_ahead, flat=flat)
    fields = [*plan.fields, *(GROUP + name for name in plan.groups)]
    meant = {symbol: (bearers or {}).get(symbol) or _newest_bearer(panel, symbol) for symbol in plan.symbols}
    with scratch(len(fields), panel.height, np.float32) as memory:
        grid = make_grid(with_groups(panel, plan.groups), fields, sessions, since, memory)
        out = np.empty((len(expressions), len(grid.keys)), np.float32)
        if out.size and adjustments is not None:
            named = [meant[symbol] for symbol in plan.symbols]
            how = {"lookback": plan.lookback, "named": named, "staged": bool(plan.stages)}
            grid = with_epochs(grid, panel, fields, adjustments, sessions, **how)
        if out.size:
            threads = threads or pl.thread_pool_size()
            if plan.stages:
                names = panel[series_key(panel)].unique().sort().to_list()
                grid = with_stages(plan, Rows(grid, names, dict(zip(fields, grid.fields, strict=True)), meant), _run, threads)
            _run(plan.last, grid, out, threads)
    array = pa.Array.from_buffers(pa.float32(), out.size, [None, pa.py_buffer(out)])
    values = pl.Series(_WithoutCopy(array))  # pyright: ignore[reportArgumentType] - Polars' types do not tell of the C interface
    rows = out.shape[1]
    return grid.keys.hstack([values.slice(i * rows, rows).alias(name) for i, name in enumerate(expressions)])


class _WithoutCopy:
    """An Arrow array that Polars takes by the C interface: of pyarrow's own it first imports `pyarrow.compute`, a sixth of a second."""

    def __init__(self, array: pa.Array) -> None:
        self._array = array

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._array.__arrow_c_array__(requested_schema)


def _newest_bearer(panel: pl.DataFrame, symbol: str) -> str:
    """The series of a symbol's newest row; the symbol where there is none, or where each is its own series."""
    key = series_key(panel)
    rows = panel.filter(pl.col("symbol") == symbol).sort("session") if key != "symbol" else panel.clear()
    return rows[key][-1] if rows.height else symbol


def _run(plan: Plan, grid: Grid, out: NDArray[np.float32], threads: int) -> None:
    """Share the symbols out to threads, in groups that are computed side by side."""
    from ats_assets.expressions import blocks  # noqa: PLC0415 - numba takes a second to import, and most who import this compute nothing

    if grid.series_begin is not None:
        grid = side_by_side(grid)
    symbols = len(grid.symbol_rows) - 1
    last_sessions = grid.positions[grid.symbol_rows[1:] - 1]
    wanted = int(last_sessions.max()) + 1 - max(grid.since, int(grid.positions.min()))
    few = BLOCK_VALUES // (plan.lookback + wanted) // LANES * LANES  # for few sessions, more symbols side by side
    if wanted == 1:
        plan, few = plan.for_one_session, 2 * few
    one_by_one = grid.order is None or plan.lookback >= LONG_LOOKBACK
    lanes = few or (1 if one_by_one else LANES)
    block = max(1, min(wanted, max(BLOCK_VALUES // lanes, 2 * plan.lookback)))
    groups = -(-symbols // lanes)
    longest = int(plan.windows[:, 2].max(initial=0))
    sizes = np.array([plan.lookback, plan.registers, plan.window_registers, plan.longest_window, longest], np.int64)
    numbers = np.array([register for register, _ in plan.numbers], np.int64)
    values = np.array([value for _, value in plan.numbers], np.float64)
    places = np.array(plan.field_registers, np.int64)
    fixed = (plan.code, plan.constants, plan.segments, plan.windows, sizes, numbers, values, places)
    arrays = (grid.fields, grid.positions, grid.symbol_rows, grid.dest, grid.since, out, lanes, block)

    def run(first: int, last: int) -> None:
        with scratch(plan.registers, (plan.lookback + block) * lanes, np.float64) as registers:
            blocks.run(*fixed, *arrays, first, last, registers)

    cuts = (
        np.linspace(0, groups, min(groups, threads * max(1, min(8, groups // (8 * threads))) if threads > 1 else 1) + 1)
        .astype(int)
        .tolist()
    )
    if len(cuts) == 2:
        run(*cuts)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, a, b) for a, b in pairwise(cuts)]:
            done.result()
