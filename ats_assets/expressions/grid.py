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
    keys
        symbol and session of the result, in the panel's order.
    """

    fields: NDArray[np.float32]
    positions: NDArray[np.int32]
    symbol_rows: NDArray[np.int64]
    dest: NDArray[np.int64]
    since: int
    keys: pl.DataFrame


def make_grid(panel: pl.DataFrame, fields: Sequence[str], sessions: Sequence[date] | None, since: date | None) -> Grid:
    """Place a panel's rows.

    Raises
    ------
    ExpressionError
        If the panel lacks a column.
    ContractError
        If a row has no symbol, no session of the calendar, or the key of another row.
    """
    _check(panel, fields)
    calendar = _calendar(panel, sessions)
    position = _positions(panel["session"].cast(pl.Int32).to_numpy(), calendar)
    names = panel["symbol"].unique().sort()
    code = panel["symbol"].cast(pl.Enum(names)).to_physical().to_numpy()
    first = 0 if since is None else int(np.searchsorted(calendar, since.toordinal() - EPOCH))
    wanted = position >= first
    order = _order(code, position, len(names), len(calendar))
    dest = np.where(wanted, np.cumsum(wanted) - 1, -1)[order]
    code, position = code[order], position[order]
    twice = np.flatnonzero((code[1:] == code[:-1]) & (position[1:] == position[:-1]))
    if twice.size:
        symbol, session = panel.select(*KEYS).row(int(order[twice[0]]))
        raise ContractError(f"{twice.size} rows have the symbol and session of another, first {symbol} on {session}; keep one of each")
    return Grid(
        fields=_values(panel, fields, order),
        positions=position,
        symbol_rows=np.searchsorted(code, np.arange(len(names) + 1)).astype(np.int64),
        dest=dest,
        since=first,
        keys=panel.select("symbol", "session").filter(wanted) if first else panel.select("symbol", "session"),
    )


def _check(panel: pl.DataFrame, fields: Sequence[str]) -> None:
    for key, dtype in KEYS.items():
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


def _calendar(panel: pl.DataFrame, sessions: Sequence[date] | None) -> NDArray[np.int32]:
    days = panel["session"].unique() if sessions is None else pl.Series(sessions, dtype=pl.Date).unique()
    return days.sort().cast(pl.Int32).to_numpy()


def _positions(days: NDArray[np.int32], calendar: NDArray[np.int32]) -> NDArray[np.int32]:
    """The place of each day in the calendar."""
    position = np.searchsorted(calendar, days).astype(np.int32)
    strange = np.append(calendar, calendar[-1:])[position] != days if calendar.size else np.ones(days.size, bool)
    if strange.any():
        odd = np.unique(days[strange])
        first = date.fromordinal(EPOCH + int(odd[0]))
        raise ContractError(
            f"{odd.size} sessions of the panel are not in the calendar that was given, first {first}; give all its sessions"
        )
    return position


def _order(code: NDArray[np.integer], position: NDArray[np.int32], symbols: int, sessions: int) -> NDArray[np.int64]:
    """The rows by symbol, then session; a panel in that order already is left in it."""
    key = code.astype(np.int64) * sessions + position
    if (key[1:] > key[:-1]).all():
        return np.arange(len(key))
    order = _sorted(position, sessions)
    return order[_sorted(code[order], symbols)]


def _sorted(keys: NDArray[np.integer], n_keys: int) -> NDArray[np.int64]:
    """Stable order by small whole numbers; numpy sorts those of 16 bits by radix."""
    return np.argsort(keys.astype(np.uint16) if n_keys <= 2**16 else keys, kind="stable")


def _values(panel: pl.DataFrame, fields: Sequence[str], order: NDArray[np.int64]) -> NDArray[np.float32]:
    values = np.full((len(fields), len(order)), np.nan, np.float32)
    with np.errstate(over="ignore"):
        for i, name in enumerate(fields):
            if name in panel.columns:
                values[i] = panel[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()[order]
    return values
