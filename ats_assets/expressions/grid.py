"""A panel as arrays: rows by symbol and session, each with its place in the calendar and in the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import ContractError, ExpressionError

EPOCH = date(1970, 1, 1).toordinal()
KEYS = {"symbol": pl.String, "session": pl.Date}
INSTRUMENT = "instrument"
"""A column that tells, where the panel has it, which rows are of one series: a ticker can be changed, and used again by another."""
OPTIONAL_FIELDS = frozenset({"vwap"})
"""Columns that a panel may lack; they are missing throughout then, as a field without data is in qlib."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The rows of a panel by symbol, then session.

    Parameters
    ----------
    fields : float32 array of shape (n_fields, n_rows)
    positions : int32 array of shape (n_rows,)
        Place of the row's session in the calendar.
    symbol_rows : int64 array of shape (n_symbols + 1,)
        Where each symbol's rows begin.
    dest : int64 array of shape (n_rows,)
        The row's place in the result, or -1 where it is not wanted.
    since
        Place of the first wanted session.
    order : int64 array of shape (n_rows,), optional
        The panel's row of each row; None where they are the same, so that the results of a symbol lie one after the other.
    keys
        symbol and session of the result, in the panel's order.
    base, own : arrays of shape (n_rows,), optional
        Of a grid whose series are epochs (`epochs`): the row of the grid that it was made of, and whether the row is its epoch's own. Then `symbol_rows` says
        where each series begins.
    series_symbol, series_begin : int64 arrays of shape (n_series,), optional
        Of such a grid: each series' symbol, and the place of its epoch's first session.
    """

    fields: NDArray[np.float32]
    positions: NDArray[np.int32]
    symbol_rows: NDArray[np.int64]
    dest: NDArray[np.int64]
    since: int
    order: NDArray[np.int64] | None
    keys: pl.DataFrame
    base: NDArray[np.int64] | None = None
    own: NDArray[np.bool_] | None = None
    series_symbol: NDArray[np.int64] | None = None
    series_begin: NDArray[np.int64] | None = None


def make_grid(
    panel: pl.DataFrame,
    fields: Sequence[str],
    sessions: Sequence[date] | None,
    since: date | None,
    memory: NDArray[np.float32] | None = None,
) -> Grid:
    """Place a panel's rows.

    memory : float32 array of shape (n_fields, n_rows), optional
        For the grid's fields; default: fresh memory.

    Raises
    ------
    ExpressionError
        If the panel lacks a column.
    ContractError
        If a row has no symbol, no session of the calendar, or the key of another row.
    """
    _check(panel, fields)
    key = series_key(panel)
    days = panel["session"].rechunk().cast(pl.Int32).to_numpy()
    position, calendar = _positions(days, None if sessions is None else pl.Series(sessions, dtype=pl.Date).cast(pl.Int32).to_numpy())
    symbols, order, twice = _arranged(panel[key], position, len(calendar))
    first = 0 if since is None else int(np.searchsorted(calendar, since.toordinal() - EPOCH))
    keys = [panel[name] for name in KEYS]
    if first:
        wanted = position >= first
        dest = np.full(len(position), -1)
        dest[wanted] = np.arange(np.count_nonzero(wanted))
        keys = [column.filter(pl.Series(wanted)) for column in keys]
    else:
        dest = np.arange(len(position))
    if order is not None:
        position, dest = position[order], dest[order]
    if twice.size:
        row = int(twice[0]) if order is None else int(order[twice[0]])
        symbol, session = panel.select(*KEYS).row(row)
        raise ContractError(f"{twice.size} rows have the {key} and session of another, first {symbol} on {session}; keep one of each")
    return Grid(
        fields=_values(panel, fields, order, np.empty((len(fields), panel.height), np.float32) if memory is None else memory),
        positions=position,
        symbol_rows=symbols,
        dest=dest,
        since=first,
        order=order,
        keys=pl.DataFrame(keys),
    )


def series_key(panel: pl.DataFrame) -> str:
    """The column whose equal values make a series."""
    return INSTRUMENT if INSTRUMENT in panel.columns else "symbol"


def _check(panel: pl.DataFrame, fields: Sequence[str]) -> None:
    for key, dtype in (KEYS | {series_key(panel): pl.String}).items():
        if key not in panel.columns:
            raise ContractError(f"the panel has no column `{key}`; it has {', '.join(panel.columns)}")
        if panel.schema[key] != dtype:
            raise ContractError(f"the panel's {key} is of the type {panel.schema[key]}; cast it to {dtype}")
        if panel[key].null_count():
            raise ContractError(f"{panel[key].null_count()} rows of the panel have no {key}; remove or repair them")
    known = [name for name, dtype in panel.schema.items() if name not in KEYS and (dtype.is_numeric() or dtype in (pl.Null, pl.Boolean))]
    for name in fields:
        if name in panel.columns and name not in known:
            raise ExpressionError(f"`${name}` is of the type {panel.schema.get(name)}, not numeric")
        if name not in panel.columns and name not in OPTIONAL_FIELDS:
            raise ExpressionError(f"there is no field `${name}` in the panel; it has {', '.join(f'${known_name}' for known_name in known)}")


def _positions(days: NDArray[np.int32], sessions: NDArray[np.int32] | None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The place of each day in the calendar, and the calendar in order: the sessions, or the days that occur."""
    if not days.size:
        return days, np.unique(days if sessions is None else sessions)
    calendar = days if sessions is None else sessions
    first, last = min(days.min(), calendar.min(initial=days[0])), max(days.max(), calendar.max(initial=days[0]))
    is_session = np.zeros(int(last) - int(first) + 1, np.bool_)
    is_session[calendar - first] = True
    places = np.where(is_session, np.cumsum(is_session, dtype=np.int32) - 1, -1).astype(np.int32, copy=False)
    position = places[days - first]
    if sessions is not None and (position < 0).any():
        odd = np.unique(days[position < 0])
        day = date.fromordinal(EPOCH + int(odd[0]))
        raise ContractError(f"{odd.size} sessions of the panel are not in the calendar that was given, first {day}; give all its sessions")
    return position, (np.flatnonzero(is_session) + first).astype(np.int32)


def _arranged(
    symbols: pl.Series, position: NDArray[np.int32], sessions: int
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64]]:
    """Where each symbol's rows begin, once they are by symbol, then session.

    Also the panel's row of each of these, or None where they are the same; and those that have the key of the one after them.
    """
    runs = symbols.rle().struct.unnest()
    lengths = runs["len"].to_numpy().astype(np.int64)
    if runs["value"].is_sorted():
        begins = np.concatenate([[0], np.cumsum(lengths)])
        ascends = position[1:] > position[:-1]
        ascends[begins[1:-1] - 1] = True
        if ascends.all():
            return begins, None, np.empty(0, np.int64)
        code = np.repeat(np.arange(len(lengths)), lengths)
    else:
        names = symbols.unique().sort()
        code = symbols.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
        begins = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(names)))])
    order = _order(code, position, len(begins) - 1, sessions)
    if order is not None:
        code, position = code[order], position[order]
    return begins, order, np.flatnonzero((code[1:] == code[:-1]) & (position[1:] == position[:-1]))


def _order(code: NDArray[np.int64], position: NDArray[np.int32], symbols: int, sessions: int) -> NDArray[np.int64] | None:
    """The rows by symbol, then session; None where they are in that order already."""
    key = code * sessions + position
    if (key[1:] >= key[:-1]).all():
        return None
    order = _sorted(position, sessions)
    return order[_sorted(code[order], symbols)]


def _sorted(keys: NDArray[np.integer], n_keys: int) -> NDArray[np.int64]:
    """Stable order by small whole numbers; numpy sorts those of 16 bits by radix."""
    return np.argsort(keys.astype(np.uint16) if n_keys <= 2**16 else keys, kind="stable")


def _values(
    panel: pl.DataFrame, fields: Sequence[str], order: NDArray[np.int64] | None, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    kinds = {name: pl.Float32 if panel.schema[name] == pl.Float32 else pl.Float64 for name in fields if name in panel.columns}
    known = panel.select(pl.col(name).cast(kind).fill_null(float("nan")) for name, kind in kinds.items())
    with np.errstate(over="ignore"):
        for i, name in enumerate(fields):
            if name not in kinds:
                values[i] = np.nan
            elif order is None:
                values[i] = known[name].to_numpy()
            else:
                values[i] = known[name].to_numpy()[order]
    return values
