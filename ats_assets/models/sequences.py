"""Sequences of feature rows, for models that look at more sessions than one: a table of rows, and for each row that is scored where the last ones of its symbol lie in it.

Nothing is copied for a window: the rows of 20 sessions are 20 numbers beside the table, not 20 rows more. A session of the calendar at which the symbol had no row is a
missing row, never the row of another session; so the age of a row within a sequence is the same for all symbols, and depends on no other row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import ContractError
from ats_assets.models.feature_matrix import feature_matrix

MISSING = -1
"""The place of a row that is not there."""


@dataclass(frozen=True, kw_only=True)
class SequenceWindow:
    """How far sequences reach back, and the sessions of the calendar in which their rows are looked up.

    Parameters
    ----------
    length
        Sessions of a sequence, the decision's own included.
    sessions
        Ascending, without a gap. What is before the first of them is missing.
    """

    length: int
    sessions: tuple[date, ...]


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """The sequences of some rows.

    `table` is float32 of shape (n_table, n_features), C order, NaN = missing; `places` is int32 of shape (n_rows, length): the rows of the sequence in the table, the
    oldest first, the decision's own last, -1 = none. Rows are chosen as of an array, without a copy of the table.

    Examples
    --------
    >>> table = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    >>> both = Sequences(table=table, places=np.array([[-1, 0, 1], [0, 1, 2]], dtype=np.int32))
    >>> len(both), both[[1]].rows()[..., 0].tolist(), both.newest(2).rows()[..., 0].tolist()
    (2, [[1.0, 2.0, 3.0]], [[1.0, 2.0], [2.0, 3.0]])
    """

    table: NDArray[np.float32]
    places: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, at: object) -> "Sequences":
        """Those of some of the rows: a slice, a mask, or positions."""
        return Sequences(table=self.table, places=self.places[at])  # pyright: ignore[reportArgumentType, reportCallIssue]

    @property
    def length(self) -> int:
        """Sessions of a sequence."""
        return self.places.shape[1]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, sessions of each, features."""
        return (*self.places.shape, self.table.shape[1])  # pyright: ignore[reportReturnType]

    def newest(self, length: int) -> "Sequences":
        """The same with shorter sequences."""
        return Sequences(table=self.table, places=self.places[:, self.length - length :])

    def of_columns(self, columns: NDArray[np.int64]) -> "Sequences":
        """The same with some of the features, by position."""
        return Sequences(table=np.ascontiguousarray(self.table[:, columns]), places=self.places)

    def rows(self) -> NDArray[np.float32]:
        """The sequences as they are: float32 of shape (n_rows, length, n_features), NaN where a row is missing. This copies each window."""
        found = self.table[self.places]
        found[self.places == MISSING] = np.nan
        return found


def single_rows(x: NDArray[np.float32]) -> Sequences:
    """Rows as sequences of length one."""
    return Sequences(table=x, places=np.arange(len(x), dtype=np.int32)[:, None])


def sequences_of(parts: Sequence[pl.DataFrame], features: pl.DataFrame, names: Sequence[str], window: SequenceWindow) -> list[Sequences]:
    """The sequences of the rows of each part; all share one table.

    Parameters
    ----------
    parts
        Of each the columns session and symbol, in its order.
    features
        symbol, session, then the features; rows in any order, other symbols and sessions are not looked at.
    names
        The features, in their order.

    Raises
    ------
    ContractError
        If a symbol has two rows of features at a session.
    """
    symbols = pl.concat([part.select("symbol") for part in parts])["symbol"].unique().sort()
    order = {day: i for i, day in enumerate(window.sessions)}
    number = pl.DataFrame({"symbol": symbols, "column": np.arange(len(symbols), dtype=np.int64)})

    def placed(rows: pl.DataFrame) -> pl.DataFrame:
        at = pl.col("session").replace_strict(order, default=None, return_dtype=pl.Int64)
        return rows.with_columns(line=at).join(number, on="symbol", how="inner", maintain_order="left")

    table = placed(features).filter(pl.col("line").is_not_null()).sort("line", "column")
    grid = np.full((len(order), len(symbols)), MISSING, dtype=np.int32)
    grid[table["line"].to_numpy(), table["column"].to_numpy()] = np.arange(table.height, dtype=np.int32)
    if np.count_nonzero(grid != MISSING) != table.height:
        twice = table.filter(table.select("line", "column").is_duplicated())
        raise ContractError(
            f"{twice['symbol'][0]} has two rows of features at {twice['session'][0]}: materialise the features of that session again"
        )
    values = feature_matrix(table, names)
    return [Sequences(table=values, places=_places(placed(part.select("session", "symbol")), grid, window.length)) for part in parts]


def _places(rows: pl.DataFrame, grid: NDArray[np.int32], length: int) -> NDArray[np.int32]:
    places = np.full((rows.height, length), MISSING, dtype=np.int32)
    lines, columns = rows["line"].to_numpy(), rows["column"].to_numpy()
    for age in range(length):
        there = lines >= age
        places[there, length - 1 - age] = grid[lines[there] - age, columns[there]]
    return places
