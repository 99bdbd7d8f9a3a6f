"""Daily bars: from the wire to `raw_bars`, each in the session at whose close it was known.

Alpaca stamps a bar by its start. A stock's daily bar starts at midnight in New York (04:00 or 05:00 UTC), and its session is that day. A crypto bar starts at midnight UTC
and covers 24 hours; those that once started at midnight in Chicago (05:00 or 06:00 UTC) end hours after their day does, so they were known a session later.

Each session owns a stretch of the time line, and the stretches lie end to end: a bar is asked for once, with the session that owns its stamp. One that is
stamped oddly (a day without a session, another hour) is in that session too, named in `defects`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.schema import MEASURES, RAW_BARS_SCHEMA
from ats_assets.sources.wire_frames import Raw, WireColumn, instants, to_frame, without_repeats

NEW_YORK = ZoneInfo("America/New_York")
_COLUMNS = (
    WireColumn(name="stamp", key="t", dtype=pl.String),
    *(WireColumn(name=name, key=key, dtype=pl.Float64) for name, key in zip(MEASURES, ("o", "h", "l", "c", "v", "vw"), strict=True)),
    WireColumn(name="trades", key="n", dtype=pl.Float64),
)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class DailyStamps:
    """How daily bars are stamped.

    Attributes
    ----------
    zone
        In which a bar starts at midnight.
    lasts
        Until when a bar that starts at a time goes on, as far as a session has to wait for it: a stock's session ends within its day anyway.
    calendar
        Whose sessions they belong to.
    """

    zone: ZoneInfo
    lasts: timedelta
    calendar: SessionCalendar

    def stretch(self, sessions: Sequence[date]) -> tuple[datetime, datetime]:
        """The first and the last instant (both included, UTC) of the stamps that these neighbouring sessions own."""
        first = sessions[0]
        if first != self.calendar.first:
            first = self.calendar.offset(first, -1) + timedelta(days=1)
        return self._midnight(first) - self.lasts, self._midnight(sessions[-1] + timedelta(days=1)) - _MICROSECOND - self.lasts

    def placed(self, rows: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
        """The rows that these neighbouring sessions own, sorted by session and symbol, then as they came.

        A row without a time that can be read goes to the last of them; one that another session owns is left to it.

        Parameters
        ----------
        rows
            As of `daily_rows`.

        Returns
        -------
        DataFrame with the columns of `RAW_BARS_SCHEMA`, and `trades`.
        """
        at, day, local = pl.col("at"), pl.col("date"), pl.col("at").dt.convert_time_zone(str(self.zone))
        stamped = rows.with_columns(at=instants(pl.col("stamp"))).with_columns(date=local.dt.date(), ends=(local + self.lasts).dt.date())
        owned = stamped.with_columns(session=self._owners(stamped["ends"]))
        faults = (
            _fault(at.is_null(), pl.lit("date: no time that can be read")),
            _fault(
                day > self.calendar.last,
                pl.concat_str(pl.lit("date: "), day, pl.lit(f" is after the last known session {self.calendar.last}")),
            ),
            _fault(
                local.dt.time() != time(),
                pl.concat_str(pl.lit("date: the bar starts at "), pl.col("stamp"), pl.lit(f", not at midnight ({self.zone.key})")),
            ),
        )
        joined = pl.concat_str(pl.col("defects"), *faults, separator="; ", ignore_nulls=True)
        return (
            owned.with_columns(defects=pl.when(joined != "").then(joined), session=pl.col("session").fill_null(sessions[-1]))
            .filter(pl.col("session").is_in(list(sessions)) & ~(pl.col("ends") < self.calendar.first).fill_null(value=False))
            .select(*RAW_BARS_SCHEMA.names(), "trades")
            .sort("session", "symbol", maintain_order=True)
        )

    def _owners(self, days: pl.Series) -> pl.Series:
        known = [day for day in days.drop_nulls().unique().to_list() if day <= self.calendar.last]
        sessions = [self.calendar.on_or_after(day) for day in known]
        return (
            days.replace_strict(known, sessions, default=None, return_dtype=pl.Date)
            if known
            else pl.Series([None] * days.len(), dtype=pl.Date)
        )

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def stamps_of(asset_class: str, calendar: SessionCalendar) -> DailyStamps:
    """Of stocks or crypto."""
    if asset_class == "crypto":
        return DailyStamps(zone=ZoneInfo("UTC"), lasts=timedelta(days=1) - _MICROSECOND, calendar=calendar)
    return DailyStamps(zone=NEW_YORK, lasts=timedelta(0), calendar=calendar)


def daily_rows(raw: Raw) -> pl.DataFrame:
    """The bars as delivered: symbol, stamp, open … vwap, trades, defects. An average price of no trades (0 for a bar without volume) is null."""
    frame = without_repeats(to_frame(raw, _COLUMNS))
    untraded = (pl.col("volume") == 0) & (pl.col("vwap") == 0)
    return frame.with_columns(vwap=pl.when(~untraded.fill_null(value=False)).then("vwap"))


def _fault(wrong: pl.Expr, text: pl.Expr) -> pl.Expr:
    return pl.when(wrong.fill_null(value=False)).then(text)
