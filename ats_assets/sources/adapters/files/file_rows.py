"""The rows of a delivery of files, by the day that they name: as they are read, or as they were kept (`kept_rows`)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Final, Protocol

import polars as pl

from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.day_facts import day_facts
from ats_assets.sources.adapters.files.delivery import Delivery
from ats_assets.sources.adapters.files.recognition import Recognition
from ats_assets.sources.adapters.files.table_files import DataFile
from ats_assets.sources.schema import MEASURES

ROWS_SCHEMA: Final = pl.Schema(
    {"symbol": pl.String, "date": pl.Date, "clock": pl.Datetime("us"), **dict.fromkeys(MEASURES, pl.Float64), "defects": pl.String}
)
"""The columns of `Delivery.rows`."""


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What is known of a file that was read, beside its rows.

    Attributes
    ----------
    n_rows
        All of them.
    newest
        The newest day that one of them names; None where none does.
    vintages
        The different values of its column `vintage`.
    """

    file: DataFile
    n_rows: int
    newest: date | None
    recognition: Recognition
    vintages: tuple[str, ...]

    @classmethod
    def of(cls, delivery: Delivery) -> "FileFacts":
        """The facts of a delivery."""
        newest = delivery.rows["date"].max()
        return cls(
            file=delivery.file,
            n_rows=delivery.rows.height,
            newest=newest if isinstance(newest, date) else None,
            recognition=delivery.recognition,
            vintages=delivery.vintages,
        )

    def as_text(self) -> str:
        """All but the file itself, as JSON."""
        recognition = asdict(self.recognition) | {"columns": dict(self.recognition.columns)}
        newest = str(self.newest) if self.newest else None
        return json.dumps({"n_rows": self.n_rows, "newest": newest, "vintages": self.vintages, "recognition": recognition})

    @classmethod
    def from_text(cls, file: DataFile, text: str) -> "FileFacts":
        """The facts of a file that `as_text` wrote."""
        said = json.loads(text)
        found = said["recognition"]
        choices = tuple(ReaderChoice(**choice) for choice in found["choices"])
        recognition = Recognition(columns=found["columns"], unused=tuple(found["unused"]), choices=choices)
        newest = date.fromisoformat(said["newest"]) if said["newest"] else None
        return cls(file=file, n_rows=said["n_rows"], newest=newest, recognition=recognition, vintages=tuple(said["vintages"]))


class FileRows(Protocol):
    """The rows of some files."""

    @property
    def files(self) -> Sequence[FileFacts]:
        """Of each file, in the order of delivery."""
        ...

    @property
    def days(self) -> pl.DataFrame:
        """The facts of each day that a row names (`day_facts`), sorted by date."""
        ...

    def days_of_symbols(self, first: date) -> Mapping[str, int]:
        """Each symbol, and on how many days from `first` on it has a row; one without a readable date counts as a day."""
        ...

    def rows(self, dates: Iterable[date | None]) -> pl.DataFrame:
        """The rows of these days, by file, then by day, then in the file's order: the columns of `ROWS_SCHEMA`, then `file`, the place of the file in `files`."""
        ...


class ReadRows:
    """The rows of files that have just been read.

    Parameters
    ----------
    deliveries
        In the order of delivery.
    """

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self.files: Sequence[FileFacts] = [FileFacts.of(delivery) for delivery in deliveries]
        numbered = [delivery.rows.with_columns(file=pl.lit(i, pl.UInt32)) for i, delivery in enumerate(deliveries)]
        self._rows = pl.concat(numbered).sort("date", maintain_order=True)
        runs = self._rows.select(pl.col("date").rle()).unnest("date")
        ends = runs["len"].cum_sum().to_list()
        self._bounds = {day: (end - length, length) for day, length, end in zip(runs["value"], runs["len"], ends, strict=True)}

    @property
    def days(self) -> pl.DataFrame:
        """As `FileRows.days`."""
        return self._days

    @cached_property
    def _days(self) -> pl.DataFrame:
        return day_facts(self._rows)

    def days_of_symbols(self, first: date) -> Mapping[str, int]:
        """As `FileRows.days_of_symbols`."""
        return count_days(self._rows, first)

    def rows(self, dates: Iterable[date | None]) -> pl.DataFrame:
        """As `FileRows.rows`."""
        wanted = [self._bounds[day] for day in in_time(dates) if day in self._bounds]
        return by_file([self._rows.slice(*bounds) for bounds in wanted], self._rows.clear())


def count_days(rows: pl.DataFrame, first: date) -> dict[str, int]:
    """Each symbol, and on how many days from `first` on, or without a readable date, it has a row."""
    counted = rows.filter(pl.col("symbol").is_not_null(), (pl.col("date") >= first).fill_null(value=True))
    return dict(counted.select("symbol", "date").unique().group_by("symbol").len().iter_rows())


def in_time(dates: Iterable[date | None]) -> list[date | None]:
    """Each of these once, ascending, what has no date first."""
    return sorted(set(dates), key=lambda day: day or date.min)


def by_file(days: Sequence[pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """The rows of ascending days as one frame, by file."""
    return pl.concat(days).sort("file", maintain_order=True) if days else empty
