"""Days and instants as deliveries of chains have them."""

from typing import Final

import polars as pl

from ats_assets.options.schema import QUOTE_TIME

_DAY_FORMATS: Final = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%Y/%m/%d")
_PER_SECOND: Final = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))
"""From which size on a number counts parts of a second, and how many a second has."""


def days_of(column: pl.Series, zone: str, date_format: str | None = None) -> pl.Series:
    """Days: as they are, of instants by the clock of a zone, or of texts; null what can't be read."""
    if column.dtype == pl.Date:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return (column.dt.convert_time_zone(zone) if column.dtype.time_zone else column).dt.date()
    texts = (column if column.dtype == pl.String else column.cast(pl.String, strict=False)).str.strip_chars()
    if date_format is not None:
        return texts.str.to_date(date_format, strict=False)
    numbers = texts.cast(pl.Int64, strict=False)
    instants = instants_of(pl.select(pl.when(numbers >= 10**9).then(numbers)).to_series(), zone)
    day_part = texts.str.replace(r"[ T]\d\d:\d\d.*$", "")
    read = [day_part.str.to_date(form, strict=False) for form in _DAY_FORMATS]
    return pl.select(pl.coalesce(*read, pl.lit(instants).dt.convert_time_zone(zone).dt.date())).to_series()


def instants_of(column: pl.Series, zone: str) -> pl.Series:
    """Instants in UTC, to the microsecond: datetimes, numbers since 1970 (seconds to nanoseconds, by their size), or ISO texts; null what can't be read."""
    if isinstance(column.dtype, pl.Datetime):
        aware = column if column.dtype.time_zone else column.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
        return aware.dt.convert_time_zone("UTC").cast(QUOTE_TIME)
    if column.dtype == pl.String:
        texts = column.str.strip_chars()
        numbers = texts.cast(pl.Int64, strict=False)
        bare = texts.str.replace(r"Z$", "+00:00")
        told = bare.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="ns", time_zone="UTC", strict=False).cast(QUOTE_TIME)
        naive = bare.str.replace(" ", "T").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        short = bare.str.replace(" ", "T").str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False)
        local = pl.select(pl.coalesce(naive, short)).to_series().dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
        return pl.select(pl.coalesce(told, _since_1970(numbers), pl.lit(local).dt.convert_time_zone("UTC").cast(QUOTE_TIME))).to_series()
    if column.dtype.is_numeric():
        return _since_1970(column.cast(pl.Int64, strict=False))
    return pl.Series([None], dtype=QUOTE_TIME).new_from_index(0, len(column))


def _since_1970(numbers: pl.Series) -> pl.Series:
    n = pl.lit(numbers)
    micros = pl.when(n < 0).then(None)
    for least, parts in _PER_SECOND:
        micros = micros.when(n >= least).then((n // (parts // 10**6)) if parts >= 10**6 else n * (10**6 // parts))
    return pl.select(micros.when(n >= 10**8).then(n * 10**6).cast(QUOTE_TIME)).to_series()
