"""Delivered rows in memory, sorted once and cut by session: what a source answers `bars` and `actions` from."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.sources.schema import RAW_BARS_SCHEMA


class SessionIndex:
    """The rows of a source, sorted by session and symbol, then in the order of delivery.

    Parameters
    ----------
    rows
        Columns of `schema` in the order of delivery; `session` is never null.
    schema
        `RAW_BARS_SCHEMA` or `RAW_ACTIONS_SCHEMA`.
    """

    def __init__(self, rows: pl.DataFrame, schema: pl.Schema = RAW_BARS_SCHEMA) -> None:
        self.frame = rows.match_to_schema(schema).sort("session", "symbol", maintain_order=True).rechunk()
        runs = self.frame.select(pl.col("session").rle()).unnest("session")
        self.sessions: list[date] = runs["value"].to_list()
        self._bounds = np.concatenate([[0], np.cumsum(runs["len"].to_numpy(), dtype=np.int64)])
        self._position = {session: i for i, session in enumerate(self.sessions)}

    @property
    def symbols(self) -> list[str]:
        """Every symbol, sorted; rows without one are left out."""
        return self.frame["symbol"].drop_nulls().unique().sort().to_list()

    def rows(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of `sessions`, each once and in order, however they are asked for."""
        positions = sorted({self._position[session] for session in sessions if session in self._position})
        slices = [self.frame.slice(first, length) for first, length in self._slices(positions)]
        found = pl.concat(slices) if slices else self.frame.clear()
        return found if symbols is None else found.filter(pl.col("symbol").is_in(list(symbols)))

    def _slices(self, positions: list[int]) -> Iterator[tuple[int, int]]:
        """(offset, length) of each stretch of neighbouring sessions."""
        breaks = [k for k in range(1, len(positions)) if positions[k] != positions[k - 1] + 1]
        for first, end in zip([0, *breaks], [*breaks, len(positions)], strict=True):
            if end > first:
                start, stop = self._bounds[positions[first]], self._bounds[positions[end - 1] + 1]
                yield int(start), int(stop - start)
