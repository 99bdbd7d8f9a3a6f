"""What is judged: a function of frames, and when each row of them was known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True, kw_only=True)
class Input:
    """A frame that a subject reads.

    Parameters
    ----------
    rows
        Any columns, one of them `known`.
    known
        The column (Date) that says at which session's close a row was known. For data that are revised it is not `session` but the session of
        the revision. Of data inside a session it says the instant.
    lag
        How many sessions after that a result may depend on the row: 0 for what is computed after the close; 1 for signals, which are made after a
        close and traded at the next open.
    keys
        Numeric columns that name a row rather than measure something; they are never changed.
    """

    rows: pl.DataFrame
    known: str = "session"
    lag: int = 0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Something that must not see the future.

    Parameters
    ----------
    name
        Of the asset or function.
    kind
        What its columns are.
    inputs
        The frames that it reads, by name.
    make
        Makes the result of the inputs' rows: a frame with the column `known`, the keys, and what is judged.
    keys
        The columns that name a row, beside `known`.
    known
        The column that says when a row of the result is known: the session at whose close, or in row form the instant.
    """

    name: str
    kind: Literal["feature", "label", "model", "signal", "backtest"]
    inputs: Mapping[str, Input]
    make: Callable[[Mapping[str, pl.DataFrame]], pl.DataFrame]
    keys: tuple[str, ...] = ("symbol",)
    known: str = "session"

    def result(self, rows: Mapping[str, pl.DataFrame] | None = None) -> pl.DataFrame:
        """What it makes of the rows, or of its own."""
        return self.make(rows if rows is not None else {name: given.rows for name, given in self.inputs.items()})
