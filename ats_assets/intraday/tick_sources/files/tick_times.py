"""From the time of a tick as a file has it to the instant, in nanoseconds and UTC.

- Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970 in UTC, told apart by their size; with a fraction they are read to the microsecond.
- Texts are ISO dates and times, also with points, slashes or nothing between year, month and day, and with nothing between hours, minutes and seconds (`20120201 000003660`); or
  day, month and year with points (`15.01.2024 10:30:00.123`). An offset (`Z`, `+01:00`, `GMT+0100`) counts; without one the time is one of the given zone. `time_format` reads
  others.
- A time that the zone's clock shows twice is the later one: to be known too late is no look-ahead. One that it never shows is none.
"""

import polars as pl

from ats_assets.intraday.schema import NANOSECONDS

_NAIVE = pl.Datetime("ns")
_TIME = r"(\d{1,2}):?(\d{2})(?::?(\d{2}))?[.,]?(\d{1,9})?"
_ZONE = r"\s*(Z|z|UTC|(?:GMT|UTC)?[+-]\d{2}(?::?\d{2})?|GMT)?"
_FRACTION = r"^\d{8,19}\.\d*$"
_YEAR_FIRST = rf"^\s*(\d{{4}})[-/.]?(\d{{2}})[-/.]?(\d{{2}})[T\s]+{_TIME}{_ZONE}\s*$"
_DAY_FIRST = rf"^\s*(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})[T\s]+{_TIME}{_ZONE}\s*$"
_PARTS = ["hour", "minute", "second", "fraction", "zone"]


def tick_instants(times: pl.Series, zone: str, time_format: str | None = None) -> pl.Series:
    """The instants (`NANOSECONDS`); null what can't be read.

    Parameters
    ----------
    times
        Datetimes, numbers or texts.
    zone
        Of those that have none.
    time_format
        Of texts, as Polars' `str.to_datetime` takes it.

    Examples
    --------
    >>> texts = pl.Series(["2024-01-15T10:30:00.123456789Z", "15.01.2024 10:30:00.5 GMT+0100", "20240115 103000500", "1705314600000", "never"])
    >>> [None if one is None else str(one) for one in tick_instants(texts, "UTC").dt.epoch("ms")]
    ['1705314600123', '1705311000500', '1705314600500', '1705314600000', None]
    """
    if isinstance(times.dtype, pl.Datetime):
        if times.dtype.time_zone is not None:
            return times.dt.convert_time_zone("UTC").cast(NANOSECONDS)
        return _located(times.cast(_NAIVE), zone)
    if times.dtype.is_numeric():
        return _of_numbers(times)
    if times.dtype != pl.String:
        return pl.Series(times.name, [None], dtype=NANOSECONDS).new_from_index(0, len(times))
    if time_format is not None:
        read = times.str.to_datetime(time_format, time_unit="ns", strict=False)
        return tick_instants(read, zone)
    bare = times.str.strip_chars()
    numbers = _of_numbers(bare.cast(pl.Int64, strict=False))
    if numbers.null_count() == times.null_count():
        return numbers
    fractions = _of_fractions(pl.select(pl.when(bare.str.contains(_FRACTION)).then(bare)).to_series().cast(pl.Float64, strict=False))
    year_first, day_first = (_of_texts(times, pattern, names, zone) for pattern, names in _ORDERS)
    return pl.select(pl.coalesce(numbers, fractions, year_first, day_first)).to_series().alias(times.name)


_ORDERS = ((_YEAR_FIRST, ["year", "month", "day"]), (_DAY_FIRST, ["day", "month", "year"]))


def _of_numbers(numbers: pl.Series) -> pl.Series:
    if numbers.dtype == pl.Float32:  # seconds of today are told to two minutes
        return pl.Series(numbers.name, [None], dtype=NANOSECONDS).new_from_index(0, len(numbers))
    if numbers.dtype.is_float():
        return _of_fractions(numbers)
    n = pl.col("n")
    whole = numbers.to_frame("n").select(n.cast(pl.Int64, strict=False))
    scaled = pl.when(n < 10**11).then(n * 10**9).when(n < 10**14).then(n * 10**6).when(n < 10**17).then(n * 1_000).otherwise(n)
    return whole.select(pl.when(n >= 10**8).then(scaled).cast(NANOSECONDS).alias(numbers.name)).to_series()


def _of_fractions(numbers: pl.Series) -> pl.Series:
    """With a fraction, as `time.time()` gives seconds: a double tells the time of today to a microsecond, whatever its unit."""
    n = pl.col("n")
    micros = pl.when(n < 1e11).then(n * 1e6).when(n < 1e14).then(n * 1e3).when(n < 1e17).then(n).otherwise(n / 1e3)
    known = n.is_finite() & (n >= 1e8) & (n < 2.0**63)
    whole = pl.when(known).then(micros).round().cast(pl.Int64, strict=False) * 1_000
    return numbers.to_frame("n").select(whole.cast(NANOSECONDS).alias(numbers.name)).to_series()


def _of_texts(times: pl.Series, pattern: str, names: list[str], zone: str) -> pl.Series:
    g = times.str.extract_groups(pattern).struct.rename_fields([*names, *_PARTS]).struct.unnest()
    if g["year"].null_count() == len(times):
        return pl.Series(times.name, [None], dtype=NANOSECONDS).new_from_index(0, len(times))
    day = pl.concat_str(*(pl.col(name).str.zfill(4 if name == "year" else 2) for name in ("year", "month", "day"))).str.to_date(
        "%Y%m%d", strict=False
    )
    hour, minute, second = (pl.col(name).cast(pl.Int64, strict=False).fill_null(0) for name in ("hour", "minute", "second"))
    fraction = pl.col("fraction").fill_null("0").str.pad_end(9, "0").cast(pl.Int64)
    of_day = (hour * 3600 + minute * 60 + second) * 1_000_000_000 + fraction
    valid = (hour < 24) & (minute < 60) & (second < 60)
    clock = pl.when(valid).then(day.cast(_NAIVE) + pl.duration(nanoseconds=of_day, time_unit="ns"))
    digits = pl.col("zone").str.replace_all(r"[^0-9]", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(pl.col("zone").str.contains("-", literal=True)).then(-1).otherwise(1)
    offset = pl.duration(minutes=(sign * minutes).fill_null(0), time_unit="ns")
    read = g.select(clock=clock, offset=offset, told=pl.col("zone").is_not_null())
    local = pl.lit(_located(read["clock"], zone)) if not read["told"].all() else pl.lit(None, NANOSECONDS)
    told = (pl.col("clock") - pl.col("offset")).dt.replace_time_zone("UTC")
    return read.select(pl.when("told").then(told).otherwise(local).cast(NANOSECONDS).alias(times.name)).to_series()


def _located(naive: pl.Series, zone: str) -> pl.Series:
    return naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC").cast(NANOSECONDS)
