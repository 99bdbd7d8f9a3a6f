"""Ticks for tests: raw frames of a few rows, and the real ones of the data folder."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.calendar import SessionCalendar
from ats_assets.intraday.schema import NANOSECONDS, RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.settings import HoursSettings

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MONDAY = date(2024, 3, 4)
FX = HoursSettings(start="17:00", end="17:00", timezone="America/New_York")  # pyright: ignore[reportArgumentType]


def real(name: str) -> pl.DataFrame:
    """A table of the folder of real data."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: real data are kept beside the project only where it is developed")
    return pl.read_parquet(path)


def nyse(hours: dict[str, HoursSettings] | None = None, first: date = date(2013, 1, 2)) -> SessionHours:
    return SessionHours(SessionCalendar("XNYS", first), hours or {})


def raw(schema: pl.Schema, rows: Sequence[dict[str, Any]], session: date = MONDAY) -> pl.DataFrame:
    """Rows in the order of their delivery: times as texts in New York ("10:00:00.5", or with a day), what is not said by defaults."""
    said: dict[str, Any] = {"symbol": "A", "session": session, "price": 10.0, "size": 100.0, "bid": 9.0, "ask": 11.0, "part": 0}
    said |= {"bid_size": 100.0, "ask_size": 100.0, "exchange": "N"}
    full = [{name: (said | row).get(name) for name in schema} | {"sequence": i} for i, row in enumerate(rows)]
    times = [None if (at := row.get("at", "10:00")) is None else (at if " " in at else f"{session} {at}") for row in rows]
    at = pl.Series(times, dtype=pl.String).str.to_datetime(time_unit="ns", time_zone="America/New_York", strict=False)
    frame = pl.DataFrame([one | {"at": None} for one in full], schema=schema, orient="row")
    return frame.with_columns(at=at.dt.convert_time_zone("UTC").cast(NANOSECONDS))


def raw_trades(*rows: dict[str, Any], session: date = MONDAY) -> pl.DataFrame:
    return raw(RAW_TRADES_SCHEMA, rows, session)


def raw_quotes(*rows: dict[str, Any], session: date = MONDAY) -> pl.DataFrame:
    return raw(RAW_QUOTES_SCHEMA, rows, session)


def of_lean(frame: pl.DataFrame, schema: pl.Schema, hours: SessionHours) -> pl.DataFrame:
    """The tables of `us_ticks` as raw ticks, by hand: what the reader of files must agree with."""
    at = pl.col("ts").dt.convert_time_zone("UTC").cast(NANOSECONDS)
    rows = frame.with_columns(at=at, conditions=pl.concat_list("cond"), part=pl.lit(0, pl.Int32))
    placed = hours.placed(rows).with_columns(sequence=pl.int_range(pl.len()).over("symbol", "session"))
    absent = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in placed.columns}
    return placed.with_columns(**absent).select(schema.names()).sort("session", "symbol", "sequence")
