"""Panels on the grid of sessions: rows of each symbol in place, and blocks of them with the rows that come before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import ContractError, ExpressionError
from ats_assets.expressions.block import Block

KEYS = ("symbol", "session")
OPTIONAL_FIELDS = frozenset({"vwap"})
"""Fields that a panel may lack; they are missing everywhere then."""

BLOCK_ROWS = 8192
"""Rows of a block: its arrays stay in the second-level cache, and calls cost little beside the work."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows `first` to `stop` of one symbol, with the rows from `warm` on that come before them within the look-back."""

    warm: int
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Rows sorted by symbol and session.

    Attributes
    ----------
    keys
        symbol and session in the order of the result: by session and symbol.
    columns
        Field name to float32 array of shape (n_rows,), NaN = missing.
    slots
        int64 array of shape (n_rows,): the number of the row's session in the calendar.
    targets
        int64 array of shape (n_rows,): the row's place in the result.
    starts
        Where each symbol's rows begin, and the end of the last one's.
    """

    keys: pl.DataFrame
    columns: dict[str, np.ndarray]
    slots: np.ndarray
    targets: np.ndarray
    starts: np.ndarray

    def pieces(self, lookback: int) -> Iterator[Piece]:
        """Symbols cut into stretches; values look at windows alone, so where the cuts are makes no difference."""
        longest = max(BLOCK_ROWS, 4 * lookback)
        for start, stop in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            for first in range(start, stop, longest):
                warm = first if first == start else start + int(np.searchsorted(self.slots[start:first], self.slots[first] - lookback))
                yield Piece(warm, first, min(first + longest, stop))

    def batches(self, lookback: int) -> Iterator[list[Piece]]:
        """Pieces in lots of about a block's rows."""
        batch: list[Piece] = []
        rows = 0
        for piece in self.pieces(lookback):
            batch.append(piece)
            rows += lookback + int(self.slots[piece.stop - 1] - self.slots[piece.first]) + 1
            if rows >= BLOCK_ROWS:
                yield batch
                batch, rows = [], 0
        if batch:
            yield batch

    def block(self, pieces: Sequence[Piece], lookback: int) -> tuple[Block, np.ndarray, np.ndarray]:
        """The pieces on the grid, `lookback` rows before each; and where the rows of the result are in the block and in the result.

        The rows are in the order of the result: neighbours there share cache lines, and written one symbol after the other each line would be fetched
        once for every symbol.
        """
        size = 0
        rows, places, wanted = [], [], []
        for piece in pieces:
            origin = int(self.slots[piece.first])
            held = np.arange(piece.warm, piece.stop)
            rows.append(held)
            places.append(self.slots[piece.warm : piece.stop] + (size + lookback - origin))
            wanted.append(held >= piece.first)
            size += lookback + int(self.slots[piece.stop - 1]) - origin + 1
        source, place, kept = np.concatenate(rows), np.concatenate(places), np.concatenate(wanted)
        columns = {}
        for name, values in self.columns.items():
            columns[name] = np.full(size, np.nan, dtype=np.float32)
            columns[name][place] = values[source]
        present = np.zeros(size, dtype=bool)
        present[place] = True
        targets = self.targets[source[kept]]
        order = np.argsort(targets)
        return Block(columns=columns, present=present), place[kept][order], targets[order]


def place(panel: pl.DataFrame, fields: Sequence[str], sessions: Sequence[date] | None) -> Panel:
    """Sort a panel and find each row's place on the grid of sessions (default: the panel's own).

    Raises
    ------
    ExpressionError
        If a field is not a numeric column of the panel.
    ContractError
        If the panel lacks a key, or a key is missing, comes twice, or is not a session of the calendar.
    """
    _check(panel, fields)
    names = [name for name in fields if name in panel.columns]
    ordered = panel.select(*KEYS, *(pl.col(name).cast(pl.Float32).fill_null(np.nan) for name in names)).sort(KEYS)
    order = ordered.select(KEYS).with_row_index("row").sort("session", "symbol")
    targets = np.empty(ordered.height, dtype=np.int64)
    targets[order["row"].to_numpy()] = np.arange(ordered.height)
    symbols = ordered["symbol"].rle_id().to_numpy().astype(np.int64)
    slots = _slots(ordered["session"], sessions)
    _refuse_repeated(ordered, (np.diff(symbols) == 0) & (np.diff(slots) == 0))
    columns = {name: ordered[name].to_numpy() for name in names}
    columns |= {name: np.full(ordered.height, np.nan, dtype=np.float32) for name in fields if name not in columns}
    return Panel(
        keys=order.select(KEYS),
        columns=columns,
        slots=slots,
        targets=targets,
        starts=np.append(np.flatnonzero(np.diff(symbols, prepend=-1)), ordered.height) if ordered.height else np.zeros(1, dtype=np.int64),
    )


def _check(panel: pl.DataFrame, fields: Sequence[str]) -> None:
    for key in KEYS:
        if key not in panel.columns:
            raise ContractError(f"the panel has no column `{key}`; it has {', '.join(panel.columns)}")
        if panel[key].null_count():
            raise ContractError(f"{panel[key].null_count()} rows of the panel have no {key}; remove or repair them")
    known = [name for name, dtype in panel.schema.items() if name not in KEYS and (dtype.is_numeric() or dtype == pl.Null)]
    for name in fields:
        if name in panel.columns and name not in known:
            raise ExpressionError(f"`${name}` is of the type {panel.schema.get(name)}, not numeric")
        if name not in panel.columns and name not in OPTIONAL_FIELDS:
            raise ExpressionError(f"there is no field `${name}` in the panel; it has {', '.join(f'${known_name}' for known_name in known)}")


def _refuse_repeated(ordered: pl.DataFrame, repeated: np.ndarray) -> None:
    """`repeated` says of each row but the first whether it has the keys of the one before."""
    if repeated.any():
        symbol, session = ordered.row(int(np.argmax(repeated)))[:2]
        raise ContractError(
            f"{np.count_nonzero(repeated)} rows have the symbol and session of another, first {symbol} on {session}; keep one of each"
        )


def _slots(column: pl.Series, sessions: Sequence[date] | None) -> np.ndarray:
    calendar = (column if sessions is None else pl.Series(sessions, dtype=column.dtype)).unique().sort()
    days, known = column.to_physical().to_numpy(), calendar.to_physical().to_numpy()
    slots = np.searchsorted(known, days)
    strange = np.append(known, known[-1:])[slots] != days if known.size else np.ones(days.size, dtype=bool)
    if strange.any():
        odd = column.filter(pl.Series(strange)).unique().sort()
        raise ContractError(
            f"{odd.len()} sessions of the panel are not in the calendar that was given, first {odd[0]}; give all its sessions"
        )
    return slots
