"""Tables that only grow, read from where the last look ended; rows that were not finished then are read again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]
UNFINISHED_MAX = 500
"""Rows that are looked at again; of more the oldest are given up: a process that was killed never finishes them."""


class Tail:
    """Counts finished rows by a key, each once.

    Parameters
    ----------
    since
        Reads `(number, is_finished, key, amount)` of the rows after a number, ascending.
    again
        Reads the same of the rows of these numbers.

    Examples
    --------
    >>> rows = [(1, True, "sent", 0.5), (2, False, "sent", 0.0)]
    >>> tail = Tail(lambda number: [row for row in rows if row[0] > number], lambda numbers: [row for row in rows if row[0] in numbers])
    >>> tail.look()
    >>> dict(tail.counts)
    {'sent': 1}
    >>> rows[1] = (2, True, "sent", 0.25)
    >>> tail.look()
    >>> dict(tail.counts), dict(tail.amounts)
    ({'sent': 2}, {'sent': 0.75})
    """

    def __init__(self, since: Callable[[int], Rows], again: Callable[[Sequence[int]], Rows] | None = None) -> None:
        self._since, self._again = since, again
        self._number = 0
        self._unfinished: list[int] = []
        self.counts: Counter[Hashable] = Counter()
        self.amounts: defaultdict[Hashable, float] = defaultdict(float)

    def look(self) -> None:
        """Read what is new."""
        waited = list(self._again(self._unfinished)) if self._unfinished and self._again else []
        new = list(self._since(self._number))
        self._unfinished = [row[0] for row in (*waited, *new) if not row[1]][-UNFINISHED_MAX:]
        if new:
            self._number = max(row[0] for row in new)
        for _, is_finished, key, amount in (*waited, *new):
            if is_finished:
                self.counts[key] += 1
                self.amounts[key] += amount or 0.0
