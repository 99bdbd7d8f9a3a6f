"""The side of each instrument in past books, for what depends on how a position came about.

A session without any book is one of no opinion: nothing is traded, and the sides are those of the session before. After more than `LONGEST_GAP` such sessions in a row nobody knows of the positions any
more, and they have no side; so the side of a session is known from a window of bounded length, whether it is the first of its window or not.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities

Floats = NDArray[np.float64]
LONGEST_GAP: Final = 21
"""Sessions in a row without a book, a month, over which a position is taken to go on."""


class PastSides:
    """The side of each instrument in the books of past sessions.

    Parameters
    ----------
    books
        symbol, session, weight; of the sessions that are looked at, and of the `LONGEST_GAP` before them.
    days
        Sessions of the exchange, ascending.
    back
        How many sessions before one are looked at.
    gap
        `LONGEST_GAP`, or how many sessions in a row without a book end a position otherwise.
    """

    def __init__(self, books: pl.DataFrame, days: Sequence[date], known: Identities, back: int, gap: int = LONGEST_GAP) -> None:
        place = {day: i for i, day in enumerate(days)}
        rows = known.named(books.filter(pl.col("session").is_in(list(days))))
        self._column = {one: i for i, one in enumerate(rows[INSTRUMENT].unique().sort())}
        self._sides = np.zeros((len(days), len(self._column)))
        at = [place[day] for day in rows["session"]]
        self._sides[at, [self._column[one] for one in rows[INSTRUMENT]]] = np.sign(rows["weight"].to_numpy())
        self._fill(set(at), gap)
        self._back = back

    def _fill(self, with_book: set[int], gap: int) -> None:
        newest: int | None = None
        for i in range(len(self._sides)):
            newest = i if i in with_book else newest
            if newest is not None and 0 < i - newest <= gap:
                self._sides[i] = self._sides[newest]

    def sides(self, last: int, instruments: Sequence[str]) -> Floats:
        """Of shape (n_instruments, back + 1), newest first: 1, -1 or 0, up to the day at the place `last`."""
        window = self._sides[max(0, last - self._back) : last + 1][:, [self._column[one] for one in instruments]]
        made = np.zeros((len(instruments), self._back + 1))
        made[:, : len(window)] = window[::-1].T
        return made
