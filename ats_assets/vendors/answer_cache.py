"""Answers that are kept: by what was asked, for a time, up to so many bytes. An answer whose bytes are not what they were is not taken."""

import hashlib
import json
import sqlite3
import zlib
from datetime import UTC, datetime

from requests.structures import CaseInsensitiveDict

from ats_assets.vendors.answer import Answer
from ats_assets.vendors.moment import MICROSECONDS, Moment, in_micros

LARGEST_SHARE = 0.25
"""Of all that is kept: a larger answer would push out most others."""


def question_digest(vendor: str, url: str, form: str) -> bytes:
    """What an answer is found by. The key is not in it: two keys of a vendor are of one account."""
    return hashlib.blake2b(f"{vendor}\0{form}\0{url}".encode(), digest_size=16).digest()


def take_answer(connection: sqlite3.Connection, question: bytes, path: str, ttl_seconds: float, at: Moment) -> Answer | None:
    """The answer that is kept, where it is younger by every clock."""
    row = connection.execute(
        "SELECT status, headers, content, digest, asked_at, since FROM answers WHERE question = ?", (question,)
    ).fetchone()
    if row is None:
        return None
    status, headers, packed, digest, asked_at, since = row
    by_day, steady = (at.micros - asked_at) / MICROSECONDS, at.steady - since
    ages = [by_day, steady] if steady >= 0 else [by_day]  # a clock that was set shows another age than the one that never is
    if not 0 <= min(ages) <= max(ages) <= ttl_seconds:
        return None
    if _digest(headers, packed) != digest:
        connection.execute("DELETE FROM answers WHERE question = ?", (question,))
        return None
    connection.execute("UPDATE answers SET used = ? WHERE question = ?", (at.micros, question))
    content = zlib.decompress(packed)
    kept_headers = CaseInsensitiveDict(json.loads(headers))
    return Answer(path, status, kept_headers, content, content, True, datetime.fromtimestamp(asked_at / MICROSECONDS, UTC))


def keep_answer(connection: sqlite3.Connection, question: bytes, answer: Answer, at: Moment, most_bytes: int) -> None:
    """Keep an answer, and let those go that were not used for longest, where there is no room."""
    packed, headers = zlib.compress(answer.content, 1), json.dumps(dict(answer.headers))
    size = len(packed) + len(headers)
    connection.execute("DELETE FROM answers WHERE question = ?", (question,))
    if size > LARGEST_SHARE * most_bytes:
        return
    (total,) = connection.execute("SELECT coalesce(sum(size), 0) FROM answers").fetchone()
    excess = total + size - most_bytes
    if excess > 0:
        for other, n in connection.execute("SELECT question, size FROM answers ORDER BY used").fetchall():
            connection.execute("DELETE FROM answers WHERE question = ?", (other,))
            excess -= n
            if excess <= 0:
                break
    asked_at = in_micros(answer.asked_at)
    row = (question, answer.status, headers, packed, _digest(headers, packed), size, asked_at, at.steady, at.micros)
    connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def count_look(connection: sqlite3.Connection, vendor: str, *, is_hit: bool) -> None:
    """Count a question that might have been answered from the cache."""
    connection.execute(
        "INSERT INTO cache_counts VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET hits = hits + ?2, misses = misses + ?3",
        (vendor, int(is_hit), int(not is_hit)),
    )


def cache_counts(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Vendor -> hits, misses, since the file was begun."""
    return {vendor: (hits, misses) for vendor, hits, misses in connection.execute("SELECT vendor, hits, misses FROM cache_counts")}


def _digest(headers: str, packed: bytes) -> bytes:
    return hashlib.blake2b(headers.encode() + b"\0" + packed, digest_size=16).digest()
