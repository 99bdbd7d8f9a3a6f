"""From the stamp of a daily bar to the day it is about, row by row, whatever the type of the column.

A stamp is a date, or a time on some clock: its own offset, its column's time zone, or (naive) the zone of the settings. Rules, in this order:

1. A date without a time is the day.
2. Midnight on the stamp's own clock is a way to write a date. It is that day, or with stamp = "close" the day that ends there, the one before; but a
   naive midnight is always that day, unless `source.files.timezone` says whose midnight it is.
3. Any other time is an instant: the session that is open then, or else the date at the exchange. With stamp = "close" the instant before it counts.

Rule 2 matters: many vendors stamp the day D with D 00:00 UTC. Converted, that is the evening before in New York, and every bar would be known a day early.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError

_ISO = (
    r"^\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?\s*$"
)
_MICROSECONDS = pl.Datetime("us")


@dataclass(frozen=True, kw_only=True)
class StampReader:
    """How stamps are read.

    Attributes
    ----------
    calendar
        Whose sessions and time zone count.
    timezone
        Of naive stamps; None: the exchange's, and a naive midnight is just a date.
    stamp
        Whether a stamp is the bar's open or its close.
    """

    calendar: SessionCalendar
    timezone: str | None
    stamp: Literal["open", "close"]

    def days(self, column: pl.Series) -> pl.DataFrame:
        """The day of each stamp.

        Returns
        -------
        DataFrame with `date` (Date; null where unreadable) and `clock` (Datetime; the stamp as written, null for a date without a time).

        Raises
        ------
        SourceError
            If the time zone of the settings is unknown.
        """
        if column.dtype == pl.Date:
            return column.to_frame("date").select(_writable(pl.col("date")), clock=pl.lit(None, _MICROSECONDS))
        read = _read_text(column) if column.dtype == pl.String else _read_times(column)
        return pl.DataFrame({"date": self._day(read), "clock": read["clock"]}).with_columns(_writable(pl.col("date")))

    def instants(self, texts: pl.Series) -> pl.Series:
        """The instants (Datetime, us, UTC) that texts name; a date without a time means the end of that day in UTC, null what can't be read."""
        read = _read_text(texts)
        local = pl.col("clock").dt.replace_time_zone(str(self._zone), ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
        exact = pl.when(pl.col("offset").is_null()).then(local).otherwise((pl.col("clock") - pl.col("offset")).dt.replace_time_zone("UTC"))
        ends = (pl.col("day") + timedelta(days=1)).cast(_MICROSECONDS).dt.replace_time_zone("UTC")
        return read.select(pl.when(pl.col("clock").is_null()).then(ends).otherwise(exact).alias(texts.name)).to_series()

    def _day(self, read: pl.DataFrame) -> pl.Series:
        if read["clock"].null_count() == read.height:
            return read["day"].rename("date")
        naive, midnight = pl.col("offset").is_null(), pl.col("clock").dt.time() == pl.time(0)
        closes = self.stamp == "close"
        before = pl.lit(timedelta(days=1 if closes else 0))
        floats = naive if self.timezone is None else pl.lit(value=False)
        local = pl.col("clock").dt.replace_time_zone(str(self._zone), ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
        instant = pl.when(naive).then(local).otherwise((pl.col("clock") - pl.col("offset")).dt.replace_time_zone("UTC"))
        plan = read.with_columns(instant=instant, midnight=midnight, floats=floats)
        inside = self.calendar.session_of(plan["instant"], stamp=self.stamp)
        at_exchange = (
            (pl.col("instant") - timedelta(microseconds=1 if closes else 0)).dt.convert_time_zone(str(self.calendar.timezone)).dt.date()
        )
        day = (
            pl.when(pl.col("clock").is_null())
            .then(pl.col("day"))
            .when(pl.col("midnight") & pl.col("floats"))
            .then(pl.col("clock").dt.date())
            .when(pl.col("midnight"))
            .then((pl.col("clock") - before).dt.date())
            .otherwise(pl.coalesce(pl.lit(inside), at_exchange))
        )
        return plan.select(day.alias("date"))["date"]

    @property
    def _zone(self) -> ZoneInfo:
        if self.timezone is None:
            return self.calendar.timezone
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise SourceError(
                f"source.files.timezone is {self.timezone!r}, which is no time zone: use a name like America/New_York or UTC"
            ) from error


def _writable(day: pl.Expr) -> pl.Expr:
    """Days that a calendar, and Python, can write; Polars knows later and earlier ones."""
    return pl.when(day.is_between(date.min, date.max)).then(day).alias("date")


def _read_times(column: pl.Series) -> pl.DataFrame:
    """`day`, `clock` and `offset` of a column of times or numbers."""
    if not isinstance(column.dtype, pl.Datetime):
        return _read_numbers(column)
    zone = column.dtype.time_zone
    at = pl.col("at")
    offset = pl.lit(None) if zone is None else at.dt.base_utc_offset() + at.dt.dst_offset()
    times = column.cast(pl.Datetime("us", zone)).to_frame("at")
    return times.select(day=at.dt.date(), clock=at.dt.replace_time_zone(None), offset=offset.cast(pl.Duration("us")))


def _read_numbers(column: pl.Series) -> pl.DataFrame:
    """Numbers are days as YYYYMMDD, or seconds, milliseconds, microseconds or nanoseconds since 1970 in UTC, told apart by their size."""
    n = pl.col("n")
    numbers = column.to_frame("n")
    if column.dtype.is_float():
        numbers = numbers.select(pl.when(n.is_finite() & (n == n.floor())).then(n))
    numbers = numbers.select(n.cast(pl.Int64, strict=False))
    # a date has eight digits, a time in seconds nine from 1973 on
    microseconds = pl.when(n < 10**11).then(n * 10**6).when(n < 10**14).then(n * 1000).when(n < 10**17).then(n).otherwise(n // 1000)
    is_time = n >= 10**8
    return numbers.select(
        day=pl.when(n.is_between(1000_01_01, 9999_12_31)).then(n).cast(pl.String).str.to_date("%Y%m%d", strict=False),
        clock=pl.when(is_time).then(microseconds).cast(_MICROSECONDS),
        offset=pl.when(is_time).then(pl.lit(timedelta(0), pl.Duration("us"))),
    )


def _read_text(column: pl.Series) -> pl.DataFrame:
    """`day`, `clock` and `offset` of texts: ISO dates and times with or without an offset, or the numbers of `_read_numbers`."""
    text = column.str.strip_chars()
    digits = _read_numbers(text.str.extract(r"^(\d+)(?:\.0*)?$").cast(pl.Int64, strict=False))
    names = ["year", "month", "day", "hour", "minute", "second", "fraction", "zone"]
    g = text.str.extract_groups(_ISO).struct.rename_fields(names).struct.unnest()
    day = pl.concat_str(pl.col("year"), pl.col("month").str.zfill(2), pl.col("day").str.zfill(2)).str.to_date("%Y%m%d", strict=False)
    hour, minute, second = (pl.col(c).cast(pl.Int64, strict=False).fill_null(0) for c in ("hour", "minute", "second"))
    fraction = pl.col("fraction").fill_null("0").str.pad_end(9, "0").str.slice(0, 6).cast(pl.Int64)
    valid_time = (hour < 24) & (minute < 60) & (second < 60)
    clock = pl.when(pl.col("hour").is_not_null() & valid_time).then(
        day.cast(_MICROSECONDS) + pl.duration(hours=hour, minutes=minute, seconds=second, microseconds=fraction, time_unit="us")
    )
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    bare = pl.col("zone").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = sign * (bare.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + bare.str.slice(2, 2).cast(pl.Int64, strict=False))
    offset = pl.when(pl.col("zone").is_not_null()).then(pl.duration(minutes=minutes, time_unit="us"))
    iso = g.select(day=pl.when(pl.col("hour").is_null() | valid_time).then(day), clock=clock, offset=offset)
    return iso.select(
        day=pl.coalesce(pl.col("day"), pl.lit(digits["day"])),
        clock=pl.coalesce(pl.col("clock"), pl.lit(digits["clock"])),
        offset=pl.coalesce(pl.col("offset"), pl.lit(digits["offset"])),
    )
