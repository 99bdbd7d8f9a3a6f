"""How each vendor is doing, and the circuit breaker: a vendor that fails again and again is left alone for a while, and then tried with one request.

Failures are those after which it is not known whether the vendor is there: no connection, an answer that broke off or never came, 5xx. A refusal and a rate limit are
answers. All processes share what was found: one of them tries the vendor again for all.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from ats_assets.vendors.call_log import VendorCall
from ats_assets.vendors.errors import VendorAnswerLostError, VendorError, VendorPausedError, VendorUnreachableError
from ats_assets.vendors.moment import MICROSECONDS, Moment

PROBE_SECONDS = 120.0
"""After so long another request may try, if the one that tried is not heard of."""
_TEXT = 300


@dataclass(frozen=True)
class Breaker:
    """When a vendor is left alone: after so many failures in a row, for so long. Without failures: never."""

    failures: int = 0
    seconds: float = 60.0


NEVER = Breaker()


def admit(connection: sqlite3.Connection, call: VendorCall, now: float) -> None:
    """Let a request through, unless the vendor is left alone now.

    Raises
    ------
    VendorPausedError
        If it is; it says until when and why.
    """
    row = connection.execute(
        "SELECT opened_at, open_seconds, probe_until, in_a_row, failure FROM health WHERE vendor = ? AND host = ? AND opened_at IS NOT NULL",
        (call.vendor, call.host),
    ).fetchone()
    if row is None:
        return
    opened_at, seconds, probe_until, in_a_row, failure = row
    left = opened_at + seconds - now if opened_at <= now else 0.0  # of before the machine was started: it is tried
    said = f"{call.vendor} ({call.host}) failed {in_a_row} times in a row, the last time so: {failure}"
    if left > 0:
        raise VendorPausedError(f"{said}. Nothing is asked of it for another {left:.0f} seconds (vendors.{call.vendor}.breaker_seconds)")
    if probe_until is not None and now < probe_until <= now + PROBE_SECONDS:
        raise VendorPausedError(f"{said}. Another request is trying it now: ask again in some seconds")
    connection.execute("UPDATE health SET probe_until = ? WHERE vendor = ? AND host = ?", (now + PROBE_SECONDS, call.vendor, call.host))


def note_success(connection: sqlite3.Connection, call: VendorCall, at: Moment) -> bool:
    """Note that a vendor answered. Whether it had been left alone."""
    where = (call.vendor, call.host)
    was_open = connection.execute("SELECT 1 FROM health WHERE vendor = ? AND host = ? AND opened_at IS NOT NULL", where).fetchone()
    connection.execute(
        "INSERT INTO health (vendor, host, succeeded, succeeded_at) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET succeeded = succeeded + 1, "
        "succeeded_at = ?3, in_a_row = 0, opened_at = NULL, probe_until = NULL",
        (*where, at.micros),
    )
    return was_open is not None


def note_failure(connection: sqlite3.Connection, call: VendorCall, at: Moment, error: VendorError, breaker: Breaker) -> bool:
    """Note that a request failed in the end. Whether the vendor is left alone from now on."""
    is_down = isinstance(error, VendorUnreachableError | VendorAnswerLostError)
    connection.execute(
        "INSERT INTO health (vendor, host, failed, failed_at, failure, in_a_row) VALUES (?1, ?2, 1, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
        "failed = failed + 1, failed_at = ?3, failure = ?4, in_a_row = CASE WHEN ?5 THEN in_a_row + 1 ELSE 0 END, probe_until = NULL, "
        "opened_at = CASE WHEN ?5 THEN opened_at END",
        (call.vendor, call.host, at.micros, str(error)[:_TEXT], int(is_down)),
    )
    if not is_down or not breaker.failures:
        return False
    changed = connection.execute(
        "UPDATE health SET opened_at = ?, open_seconds = ? WHERE vendor = ? AND host = ? AND in_a_row >= ?",
        (at.steady, breaker.seconds, call.vendor, call.host, breaker.failures),
    )
    return changed.rowcount > 0


@dataclass(frozen=True, kw_only=True)
class VendorHealth:
    """How a vendor is doing.

    Attributes
    ----------
    succeeded, failed
        Requests since the file was begun, each counted once however often it was attempted.
    failure
        The last one's message.
    breaker
        `closed`: it is asked; `open`: it is left alone; `trying`: one request is or may be under way.
    """

    vendor: str
    host: str
    succeeded: int
    failed: int
    failures_in_a_row: int
    succeeded_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    breaker: str


def all_health(connection: sqlite3.Connection, now: float) -> list[VendorHealth]:
    """Of every vendor that was asked, by name."""
    rows = connection.execute(
        "SELECT vendor, host, succeeded, failed, in_a_row, succeeded_at, failed_at, failure, opened_at, open_seconds FROM health ORDER BY vendor, host"
    )
    return [
        VendorHealth(
            vendor=vendor,
            host=host,
            succeeded=succeeded,
            failed=failed,
            failures_in_a_row=in_a_row,
            succeeded_at=_shown(succeeded_at),
            failed_at=_shown(failed_at),
            failure=failure,
            breaker="closed" if opened_at is None else "open" if opened_at <= now < opened_at + seconds else "trying",
        )
        for vendor, host, succeeded, failed, in_a_row, succeeded_at, failed_at, failure, opened_at, seconds in rows
    ]


def _shown(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / MICROSECONDS, UTC)
