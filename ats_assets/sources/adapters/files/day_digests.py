"""Digests of a file's rows of each day: which days of a file are others than before."""

import hashlib
from datetime import date, datetime

import numpy as np
import polars as pl

from ats_assets.sources.schema import MEASURES

DayDigests = dict[str, bytes]
"""Day (ISO; empty for rows without one) -> digest of a file's rows of it."""


def day_digests(rows: pl.DataFrame) -> DayDigests:
    """A digest of a file's rows of each day, in their order there: of every bit of the numbers, and of the texts by their hashes."""
    ordered = rows.sort("date", maintain_order=True)
    texts = [ordered[name].hash() for name in ("symbol", "defects")]
    numbers = [ordered[name].fill_null(0.0).to_numpy().view(np.uint64) for name in MEASURES]
    clock = ordered["clock"].to_physical().fill_null(0).to_numpy().view(np.uint64)
    names = [*MEASURES, "clock", "symbol", "defects"]
    missing = sum(ordered[name].is_null().to_numpy().astype(np.uint64) << np.uint64(i) for i, name in enumerate(names))
    table = np.column_stack([*numbers, clock, *(one.to_numpy() for one in texts), missing]).astype(np.uint64)
    digests: DayDigests = {}
    start = 0
    for day, length in ordered.select(pl.col("date").rle()).unnest("date").select("value", "len").iter_rows():
        digests[day_text(day)] = hashlib.blake2b(table[start : start + length].tobytes(), digest_size=16).digest()
        start += length
    return digests


def day_text(day: date | datetime | None) -> str:
    """A day as the key of `DayDigests`."""
    return day.isoformat() if day else ""


def packed(days: DayDigests) -> bytes:
    """The digests as they are stored."""
    return b"".join((day or "none").ljust(10).encode() + digest for day, digest in days.items())


def unpacked(blob: bytes) -> DayDigests:
    """The digests that were stored."""
    found = ((blob[i : i + 10].decode().strip(), blob[i + 10 : i + 26]) for i in range(0, len(blob), 26))
    return {"" if day == "none" else day: digest for day, digest in found}
