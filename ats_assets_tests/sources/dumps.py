"""Dumps in the layout of data.binance.vision: `data/spot/daily/klines/BTCUSDT/1d/BTCUSDT-1d-2025-01-01.zip` and its checksum, a headerless CSV inside.

Stamps of spot are in microseconds from 2025-01-01 on and in milliseconds before, as binance-public-data's README of January 2025 says.
"""

import hashlib
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

MICROSECONDS_SINCE = date(2025, 1, 1)


def stamp(day: date, *, seconds: float = 0.0) -> int:
    """Of an instant of a day, in the unit of its dumps."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    unit = timedelta(microseconds=1) if day >= MICROSECONDS_SINCE else timedelta(milliseconds=1)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // unit


def kline(day: date, price: float, volume: float = 1000.5) -> str:
    """A line of daily bars."""
    last = stamp(day + timedelta(days=1)) - 1 if day != date(2024, 12, 31) else 1735689599999
    prices = ",".join(f"{price + add:.8f}" for add in (0.0, 2.0, -1.0, 1.0))
    return f"{stamp(day)},{prices},{volume:.8f},{last},{price * volume:.8f},3500,{volume / 2:.8f},{price * volume / 2:.8f},0"


def write_dump(path: Path, lines: Sequence[str], *, checksum: bool = True) -> Path:
    """A zip with the CSV of its name, and the checksum beside it as Binance writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(path.with_suffix(".csv").name), "".join(f"{line}\n" for line in lines))
    if checksum:
        said = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        path.with_name(f"{path.name}.CHECKSUM").write_text(said, encoding="utf-8")
    return path
