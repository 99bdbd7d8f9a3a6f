"""Who may ask when: of each key of a vendor at most so many units within any stretch of so many seconds, by all processes together, in the order in which they came.

What was granted is kept by its time, and counted for each question: a bucket of tokens that fills up again would let twice its size through within one stretch.
A grant is never given back, so a process that is killed frees nothing. One that waits holds a place in a queue; if it is killed, the place is taken away soon after the
time at which it meant to look again. So nobody starves, and nothing is asked for again and again meanwhile.
"""

import json
import sqlite3
from dataclasses import dataclass

from ats_assets.vendors.call_log import VendorCall
from ats_assets.vendors.vendor_limits import Limit, VendorLimits

MARGIN_SHARE, MOST_MARGIN = 0.05, 0.5
"""A stretch counts as longer by this share of it, at most so many seconds: requests do not all take the same time on their way to the vendor."""
GRACE_SECONDS = 2.0
"""How late whoever waits may look again before it counts as gone."""
LONGEST_SLEEP = 60.0


@dataclass(frozen=True, kw_only=True)
class BudgetUse:
    """What of a limit is used now.

    Attributes
    ----------
    units
        Of the last `seconds` seconds, of `most`.
    """

    vendor: str
    host: str
    key: str
    units: int
    most: int
    seconds: float


@dataclass(frozen=True)
class Ask:
    """What is asked of a bucket."""

    bucket: str
    limits: VendorLimits
    units: int = 1


def granted(connection: sqlite3.Connection, ask: Ask, now: float, ticket: int | None) -> tuple[float, int | None]:
    """Grant the units, or say when to look again.

    Parameters
    ----------
    now
        Of the clock that all processes share.
    ticket
        The place in the queue that was given before.

    Returns
    -------
    Seconds to wait, 0.0 where they are granted, and the place in the queue.
    """
    bucket, limits = ask.bucket, ask.limits.limits
    connection.execute("UPDATE grants SET at = ? WHERE bucket = ? AND at > ?", (now, bucket, now))  # from before the machine was started
    connection.execute("DELETE FROM waiting WHERE bucket = ? AND (since > ? OR until < ?)", (bucket, now, now - GRACE_SECONDS))
    before = "SELECT coalesce(sum(units), 0) FROM waiting WHERE bucket = ? AND ticket < ?"
    (ahead,) = connection.execute(before, (bucket, 1 << 62 if ticket is None else ticket)).fetchone()
    seconds = max((_until_free(connection, bucket, limit, ahead + ask.units, now) for limit in limits), default=0.0)
    if seconds <= 0:
        if ticket is not None:
            leave(connection, ticket)
        take_units(connection, ask, now)
        return 0.0, None
    seconds = min(seconds, LONGEST_SLEEP)
    row = connection.execute(
        "INSERT OR REPLACE INTO waiting (ticket, bucket, units, since, until) VALUES (?, ?, ?, ?, ?)",
        (ticket, bucket, ask.units, now, now + seconds),
    )
    return seconds, row.lastrowid


def take_units(connection: sqlite3.Connection, ask: Ask, now: float) -> None:
    """Count units that are used in any case, such as those of an order, which does not wait."""
    if limits := ask.limits.limits:
        longest = max(_counted_seconds(limit.seconds) for limit in limits)
        connection.execute("DELETE FROM grants WHERE bucket = ? AND at <= ?", (ask.bucket, now - longest))
        connection.execute("INSERT INTO grants VALUES (?, ?, ?)", (ask.bucket, now, ask.units))


def leave(connection: sqlite3.Connection, ticket: int) -> None:
    """Give a place in the queue up."""
    connection.execute("DELETE FROM waiting WHERE ticket = ?", (ticket,))


def note_bucket(connection: sqlite3.Connection, call: VendorCall, limits: VendorLimits) -> None:
    """Note what a bucket's limits are, for who looks at it."""
    connection.execute(
        "INSERT INTO budgets (bucket, vendor, host, key, limits) VALUES (?, ?, ?, ?, ?) ON CONFLICT (bucket) DO UPDATE SET limits = excluded.limits",
        (call.bucket, call.vendor, call.host, call.key, json.dumps([[limit.units, limit.seconds] for limit in limits.limits])),
    )


def used(connection: sqlite3.Connection, bucket: str, seconds: float, now: float) -> int:
    """Units of a bucket within the last seconds."""
    return connection.execute("SELECT coalesce(sum(units), 0) FROM grants WHERE bucket = ? AND at > ?", (bucket, now - seconds)).fetchone()[
        0
    ]


def all_use(connection: sqlite3.Connection, now: float) -> list[BudgetUse]:
    """What of each limit is used now."""
    buckets = connection.execute("SELECT bucket, vendor, host, key, limits FROM budgets ORDER BY bucket").fetchall()
    return [
        BudgetUse(vendor=vendor, host=host, key=key, units=used(connection, bucket, seconds, now), most=most, seconds=seconds)
        for bucket, vendor, host, key, limits in buckets
        for most, seconds in json.loads(limits)
    ]


def hold_off(connection: sqlite3.Connection, call: VendorCall, until: int) -> None:
    """Ask nothing of a bucket before a time, in microseconds since 1970."""
    connection.execute(
        "INSERT INTO budgets VALUES (?, ?, ?, ?, '[]', ?) ON CONFLICT (bucket) DO UPDATE SET not_before = max(coalesce(not_before, 0), excluded.not_before)",
        (call.bucket, call.vendor, call.host, call.key, until),
    )


def go_on(connection: sqlite3.Connection, bucket: str) -> None:
    """The vendor answers again: what it asked for is over."""
    connection.execute("UPDATE budgets SET not_before = NULL WHERE bucket = ? AND not_before IS NOT NULL", (bucket,))


def held_off_seconds(connection: sqlite3.Connection, bucket: str, now: int) -> float:
    """For how long nothing may be asked of a bucket, since the vendor said so."""
    row = connection.execute("SELECT not_before FROM budgets WHERE bucket = ? AND not_before > ?", (bucket, now)).fetchone()
    return (row[0] - now) / 1e6 if row else 0.0


def _counted_seconds(seconds: float) -> float:
    return seconds + min(MARGIN_SHARE * seconds, MOST_MARGIN)


def _until_free(connection: sqlite3.Connection, bucket: str, limit: Limit, wanted: int, now: float) -> float:
    """Seconds until there is room for so many units, those who wait before counted in; or until all that there are have left the stretch."""
    stretch = _counted_seconds(limit.seconds)
    inside = connection.execute("SELECT at, units FROM grants WHERE bucket = ? AND at > ? ORDER BY at", (bucket, now - stretch)).fetchall()
    excess, until = sum(units for _, units in inside) + wanted - limit.units, now
    if excess <= 0:
        return 0.0
    for at, units in inside:
        excess, until = excess - units, at + stretch
        if excess <= 0:
            break
    return max(until - now, 0.001)
