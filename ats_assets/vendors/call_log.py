"""The audit log: which key asked what of which vendor, when, what came of it, and how long it took. It holds neither a key nor what was answered.

A request is written down before it is sent, and completed afterwards: one of a process that was killed meanwhile stays in the log as `sent`.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ats_assets.vendors.moment import MICROSECONDS

CLEAN_EVERY = 500
"""Requests between two looks at what is too old."""
SENT, FROM_CACHE, ANSWERED = "sent", "from cache", "answered"
_PATH, _ID = 300, 64


@dataclass(frozen=True, kw_only=True)
class VendorCall:
    """One request.

    Attributes
    ----------
    key
        Fingerprint of the key; "-": asked without one.
    path
        With parameters, without keys.
    """

    vendor: str
    host: str
    key: str
    method: str
    path: str
    attempt: int = 1

    @property
    def bucket(self) -> str:
        """What its budget is counted under."""
        return f"{self.vendor} {self.host} {self.key}"


@dataclass(frozen=True, kw_only=True)
class CallOutcome:
    """What came of it.

    Attributes
    ----------
    outcome
        `answered`, `rate limit`, `refused`, `keys refused`, `lost` (sent, without an answer that counts), `unreachable`.
    request_id
        The vendor's own number of the request, for its support.
    """

    outcome: str
    status: int | None = None
    seconds: float = 0.0
    n_bytes: int = 0
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class LoggedCall:
    """A line of the log."""

    at: datetime
    vendor: str
    host: str
    key: str
    method: str
    path: str
    attempt: int
    process: int
    outcome: str
    status: int | None
    seconds: float | None
    n_bytes: int | None
    request_id: str | None


def write_call(connection: sqlite3.Connection, call: VendorCall, at: int, process: int, outcome: str = SENT) -> int:
    """Note a request; its number."""
    row = connection.execute(
        "INSERT INTO calls (at, vendor, host, key, method, path, attempt, process, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (at, call.vendor, call.host, call.key, call.method, call.path[:_PATH], call.attempt, process, outcome),
    )
    return row.lastrowid or 0


def complete_call(connection: sqlite3.Connection, number: int, outcome: CallOutcome) -> None:
    """Note what came of it."""
    connection.execute(
        "UPDATE calls SET outcome = ?, status = ?, seconds = ?, bytes = ?, request_id = ? WHERE id = ?",
        (outcome.outcome, outcome.status, round(outcome.seconds, 6), outcome.n_bytes, outcome.request_id[:_ID] or None, number),
    )


def forget_calls(connection: sqlite3.Connection, number: int, before: int, rows_max: int) -> None:
    """Now and then, by the number of the newest: delete what is older than a time, or more than is kept."""
    if number % CLEAN_EVERY == 0:
        connection.execute("DELETE FROM calls WHERE at < ? OR id <= ?", (before, number - rows_max))


def call_counts(connection: sqlite3.Connection, since: int) -> dict[tuple[str, str], tuple[int, float | None]]:
    """Vendor and server -> requests that were sent, and their mean seconds."""
    rows = connection.execute(
        "SELECT vendor, host, count(*), avg(seconds) FROM calls WHERE at >= ? AND outcome != ? GROUP BY vendor, host", (since, FROM_CACHE)
    )
    return {(vendor, host): (n, seconds) for vendor, host, n, seconds in rows}


def logged_calls(connection: sqlite3.Connection, since: int, until: int, vendor: str | None, limit: int | None) -> Iterator[LoggedCall]:
    """The newest requests of a stretch of time, in order."""
    rows = connection.execute(
        "SELECT * FROM (SELECT id, at, vendor, host, key, method, path, attempt, process, outcome, status, seconds, bytes, request_id FROM calls "
        "WHERE at >= ? AND at < ? AND (?3 IS NULL OR vendor = ?3) ORDER BY id DESC LIMIT ?4) ORDER BY id",
        (since, until, vendor, -1 if limit is None else limit),
    )
    names = ("vendor", "host", "key", "method", "path", "attempt", "process", "outcome", "status", "seconds", "n_bytes", "request_id")
    for _, at, *rest in rows:
        yield LoggedCall(at=datetime.fromtimestamp(at / MICROSECONDS, UTC), **dict(zip(names, rest, strict=True)))
