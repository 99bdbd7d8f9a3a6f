"""A topic: rows by key, and the deltas by which they became what they are.

A cursor names a delta by its number and by a hash over it and all before it. So it is taken only where the history behind it is the same, whoever keeps it: after a restart, by
another process, with a database that came from a backup.
"""

import hashlib
import json
import math
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

Rows = Mapping[str, str]
"""Key -> the row as JSON."""
_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{16})?")
MOST_DELTAS, MOST_BYTES = 2_000, 2_000_000
"""That are kept of a topic; a cursor before them is too old."""


def row_text(row: Mapping[str, Any]) -> str:
    """A row as JSON: the same row is the same text, whether it was read from a database or from this text.

    Examples
    --------
    >>> row_text({"key": "a", "price": Decimal("1.50"), "at": datetime(2024, 3, 4, 14, 30, tzinfo=UTC), "score": float("nan")})
    '{"key":"a","price":"1.50","at":"2024-03-04T14:30:00Z","score":null}'
    """
    return json.dumps(plain_value(row), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def plain_value(value: Any) -> Any:
    """A value as the API has it: exact decimals are text, times UTC with a Z, what is no number is null."""
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, kw_only=True, slots=True)
class RowChange:
    """What differs: rows that are new or others, and keys that are gone."""

    set: Rows
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.gone)

    @property
    def body(self) -> str:
        """As the delta's `data`."""
        return f'{{"set":[{",".join(self.set.values())}],"gone":{json.dumps(self.gone, ensure_ascii=False, separators=(",", ":"))}}}'


def row_difference(before: Rows, after: Rows) -> RowChange:
    """What makes `after` of `before`.

    Examples
    --------
    >>> row_difference({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    RowChange(set={'b': '3', 'c': '4'}, gone=('a',))
    """
    changed = {key: text for key, text in after.items() if before.get(key) != text}
    return RowChange(set=changed, gone=tuple(key for key in before if key not in after))


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """A change, its number in its topic, the hash up to it, and the message that tells it."""

    topic: str
    sequence: int
    digest: str
    body: str
    change: RowChange
    message: str


def delta_after(topic: str, sequence: int, digest: str, change: RowChange) -> Delta:
    """The delta that follows the one of a number and hash."""
    body = change.body
    return told_delta(topic, sequence + 1, hashlib.sha256(f"{digest}{topic}\0{body}".encode()).hexdigest()[:16], body, change)


def told_delta(topic: str, sequence: int, digest: str, body: str, change: RowChange) -> Delta:
    """A delta of a number and hash, with its message."""
    start = f'{{"type":"delta","topic":{json.dumps(topic)},"sequence":{sequence},"cursor":"{sequence}-{digest}"'
    return Delta(topic=topic, sequence=sequence, digest=digest, body=body, change=change, message=f'{start},"data":{body}}}')


@dataclass(kw_only=True)
class TopicLog:
    """Where a topic stands, and its newest deltas.

    Parameters
    ----------
    sequence, digest
        Of the newest delta; 0 and "" where there was none.
    rows
        After it.
    origin
        In the place of a hash before the first delta.
    """

    topic: str
    sequence: int = 0
    digest: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    _recent: deque[Delta] = field(default_factory=deque)
    _bytes: int = 0
    _snapshot: tuple[int, str] = (-1, "")

    @property
    def cursor(self) -> str:
        """Of the newest delta."""
        return f"{self.sequence}-{self.digest}"

    def next(self, change: RowChange) -> Delta:
        """The delta that a change would be."""
        return delta_after(self.topic, self.sequence, self.digest, change)

    def take(self, delta: Delta) -> None:
        """Go on by a delta."""
        if delta.sequence != self.sequence + 1:
            raise AssertionError(f"{self.topic}: {delta.sequence} after {self.sequence}")
        apply_change(self.rows, delta.change)
        self.sequence, self.digest = delta.sequence, delta.digest
        self.remember(delta)

    def remember(self, delta: Delta) -> None:
        """Keep a delta for those who resume before it."""
        self._recent.append(delta)
        self._bytes += len(delta.message)
        while len(self._recent) > MOST_DELTAS or (self._bytes > MOST_BYTES and len(self._recent) > 1):
            self._bytes -= len(self._recent.popleft().message)

    def snapshot(self) -> str:
        """The message with all rows, serialised once for as long as nothing changes."""
        if self._snapshot[0] != self.sequence:
            data = ",".join(self.rows.values())
            start = f'{{"type":"snapshot","topic":{json.dumps(self.topic)},"sequence":{self.sequence},"cursor":"{self.cursor}"'
            self._snapshot = (self.sequence, f'{start},"data":[{data}]}}')
        return self._snapshot[1]

    def since(self, cursor: str) -> Sequence[Delta] | None:
        """The deltas after a cursor, oldest first; None where it is not, or no longer, of this history."""
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            return None
        number, digest = int(match[1]), match[2] or ""
        if number == self.sequence:
            return [] if digest == self.digest else None
        first = self._recent[0].sequence if self._recent else self.sequence + 1
        place = number - first  # of the cursor's own delta among those that are kept
        if number > self.sequence or place < -1:
            return None
        known = self._recent[place].digest == digest if place >= 0 else number == 0 and digest == self.origin
        return list(islice(self._recent, place + 1, None)) if known else None


def apply_change(rows: dict[str, str], change: RowChange) -> None:
    """Make rows what they are after a change."""
    for key in change.gone:
        rows.pop(key, None)
    rows.update(change.set)


def change_of(body: str) -> RowChange:
    """The change of a delta's `data`.

    Examples
    --------
    >>> change_of('{"set":[{"key":"a","n":1}],"gone":["b"]}')
    RowChange(set={'a': '{"key":"a","n":1}'}, gone=('b',))
    """
    found = json.loads(body)
    return RowChange(set=by_key(found["set"]), gone=tuple(found["gone"]))


def by_key(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Rows as JSON, by their `key`."""
    return {row["key"]: row_text(row) for row in rows}
