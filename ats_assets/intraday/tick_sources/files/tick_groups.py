"""Which part of which file holds which time: a Parquet file by the statistics of its row groups, an hour of Dukascopy's by its path. Nothing but footers is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ats_assets.errors import SourceError
from ats_assets.intraday.schema import NANOSECONDS
from ats_assets.intraday.tick_sources.files.bi5 import HourFile, hour_ticks
from ats_assets.intraday.tick_sources.files.tick_rows import RowReader, kept_schema
from ats_assets.intraday.tick_sources.files.tick_times import tick_instants

BATCH_ROWS: Final = 131_072
"""Rows of a Parquet file that are in memory at once."""
_SLACK: Final = int(timedelta(hours=3).total_seconds()) * 10**9
"""By so much the instants of naive times can be out of their order: where a clock shows an hour twice."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A row group: its number, the first and last time in it (nanoseconds, UTC; None where all are null), and whether it has rows without a time."""

    number: int
    first: int | None
    last: int | None
    untimed: bool


@dataclass(frozen=True, kw_only=True)
class ParquetTicks:
    """A Parquet file of ticks.

    Attributes
    ----------
    reader
        How its rows are read; None: they are kept ones, canonical already.
    """

    path: Path
    shown: Path
    groups: tuple[Group, ...]
    reader: RowReader | None

    def rows(self, first: int, last: int, *, untimed: bool) -> Iterator[pl.DataFrame]:
        """The rows in [first, last), and those without a time, a batch at a time; only groups that can have some are read.

        Raises
        ------
        SourceError
            If the file is damaged.
        """
        chosen = [one.number for one in self.groups if (untimed and one.untimed) or _overlaps(one, first, last)]
        if not chosen:
            return
        columns = None if self.reader is None else self.reader.needed
        at = pl.col("at").to_physical()
        wanted = (at >= first) & (at < last)
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(BATCH_ROWS, row_groups=chosen, columns=columns):
                    table = pl.DataFrame(pl.from_arrow(pa.table(batch)))
                    rows = table if self.reader is None else self.reader.rows(table)
                    found = rows.filter(wanted | (pl.col("at").is_null() if untimed else False))
                    if found.height:
                        yield found
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.shown, error) from error


@dataclass(frozen=True, kw_only=True)
class HourTicks:
    """An hour of Dukascopy's."""

    file: HourFile
    points: dict[str, float]

    @property
    def shown(self) -> Path:
        """The file."""
        return self.file.path

    @property
    def groups(self) -> tuple[Group, ...]:
        """All of it."""
        return (Group(number=0, first=self.file.first, last=self.file.last, untimed=False),)

    def rows(self, first: int, last: int, *, untimed: bool) -> Iterator[pl.DataFrame]:
        """As `ParquetTicks.rows`."""
        del untimed
        if _overlaps(self.groups[0], first, last):
            at = pl.col("at").to_physical()
            rows = hour_ticks(self.file, self.points).filter((at >= first) & (at < last))
            schema = kept_schema("quotes")
            yield rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns).select(
                schema.names()
            )


def row_groups(path: Path, column: str, zone: str) -> tuple[Group, ...] | None:
    """The groups of a Parquet file by its column of times; None where that is no time or number, or its groups have no statistics.

    Raises
    ------
    SourceError
        If it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            metadata, dtype = file.metadata, file.schema_arrow.field(column).type
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error
    if not (pa.types.is_timestamp(dtype) or pa.types.is_integer(dtype)):
        return None
    place = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == column)
    found: list[Group] = []
    for number in range(metadata.num_row_groups):
        statistics = metadata.row_group(number).column(place).statistics
        if statistics is None:
            return None
        untimed = bool(statistics.null_count) if statistics.has_null_count else True
        if not statistics.has_min_max:
            if metadata.row_group(number).num_rows != (statistics.null_count or 0):
                return None
            found.append(Group(number=number, first=None, last=None, untimed=untimed))
            continue
        first, last = _instants((statistics.min_raw, statistics.max_raw), dtype, zone)
        found.append(Group(number=number, first=first, last=last, untimed=untimed))
    return tuple(found)


def unreadable(path: Path, error: BaseException) -> SourceError:
    """What is said of a damaged file."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return SourceError(f"{path} can't be read, it may be truncated or not what its name says: {reason}. Deliver it again, or remove it")


def _instants(raw: tuple[int, int], dtype: Any, zone: str) -> tuple[int, int]:
    numbers = pl.Series(raw, dtype=pl.Int64)
    if not pa.types.is_timestamp(dtype):
        first, last = tick_instants(numbers, zone).to_physical().to_list()
        return (0 if first is None else first), (0 if last is None else last)
    parts = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[dtype.unit]
    utc = numbers * parts
    if dtype.tz is not None:
        return tuple(utc.to_list())  # pyright: ignore[reportReturnType]
    local = tick_instants(utc.cast(pl.Datetime("ns")), zone).cast(NANOSECONDS).to_physical().to_list()
    first, last = (one if one is not None else raw_one for one, raw_one in zip(local, utc.to_list(), strict=True))
    return first - _SLACK, last + _SLACK


def _overlaps(group: Group, first: int, last: int) -> bool:
    return group.first is not None and group.last is not None and group.first < last and group.last >= first
