"""One vendor of several, as tests have it: the rows of one session, or nothing but an error."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from ats_assets.errors import SourceError


@dataclass(frozen=True)
class RecordedSession:
    """A `TickSource` and an `OptionSource` of rows; None: it is down."""

    rows: pl.DataFrame | None
    session: date
    known: datetime

    def sessions(self) -> list[date]:
        return [self.session]

    def ticks(self, _session: date) -> pl.DataFrame:
        if self.rows is None:
            raise SourceError("it is down: ask it later")
        return self.rows

    chains = ticks

    def known_at(self, _session: date) -> datetime:
        return self.known

    def describe(self) -> str:
        return "recorded"
