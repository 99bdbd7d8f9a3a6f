"""The contracts of scheduled events. They state the rules a second time, independently of `screening`."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.scheduled_events.schema import ALL, CANCELLED, TIMINGS
from ats_assets.sources.contracts import satisfied

_TIMING = "; ".join(f"{name}: {text}" for name, text in TIMINGS.items())
_EVENT = "the source's name for the event, which stays while its day moves; null where it has none"
_STATUS = f"as the source says: projected, confirmed; {CANCELLED}: it will not take place"
_KNOWN = "from when the row was known, UTC; null: always"


class _Exactly(BaseConfig):
    """Exactly these columns, in this order."""

    strict = True
    ordered = True


class RawScheduledEvents(pa.DataFrameModel):
    """The schedule of events as it stood at the close of a session, with the grace: of each event the newest row that was known, defects included."""

    session: pl.Date = pa.Field(description="session at whose close it stood so: its partition")
    symbol: str = pa.Field(nullable=True, description=f"whom it concerns, as delivered; {ALL} for all")
    kind: str = pa.Field(nullable=True, description="what it is, as delivered: earnings, meeting")
    date: pl.Date = pa.Field(nullable=True, description="its day; null where there is none that can be read")
    timing: str = pa.Field(nullable=True, description=f"{_TIMING}; null where it is not told")
    event: str = pa.Field(nullable=True, description=_EVENT)
    status: str = pa.Field(nullable=True, description=_STATUS)
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description=_KNOWN)
    defects: str = pa.Field(nullable=True, description="what the reader could not convert, joined by '; '; null where nothing")

    class Config(_Exactly):
        """As every contract of the stage."""

        name = "raw_scheduled_events"


class ScheduledEvents(pa.DataFrameModel):
    """The events of the schedule that satisfy the contract, sorted by session, date, symbol, kind and what they say."""

    session: pl.Date = pa.Field(description="session at whose close they stood so: its partition")
    symbol: str = pa.Field(str_length={"min_value": 1}, description=f"whom it concerns; {ALL} for all")
    kind: str = pa.Field(str_length={"min_value": 1}, description="what it is: earnings, meeting")
    date: pl.Date = pa.Field(description="its day")
    timing: str = pa.Field(nullable=True, isin=list(TIMINGS), description=f"{_TIMING}; null where it is not told")
    event: str = pa.Field(nullable=True, description=_EVENT)
    status: str = pa.Field(nullable=True, description=_STATUS)
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description=_KNOWN)

    class Config(_Exactly):
        """As every contract of the stage."""

        name = "scheduled_events"

    @pa.check("status")
    def takes_place(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Not cancelled."""
        return satisfied(data, pl.col(data.key) != CANCELLED)

    @pa.dataframe_check
    def told_once(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No row comes twice."""
        return data.lazyframe.select(pl.struct(pl.all()).is_first_distinct())


class RejectedScheduledEvents(RawScheduledEvents):
    """Rows of the schedule that break the contract of `ScheduledEvents`, as they came, each with every reason that applies."""

    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`EVENT_REASONS`), sorted")

    class Config(RawScheduledEvents.Config):
        """As every contract of the stage."""

        name = "rejected_scheduled_events"

    @pa.check("reasons")
    def has_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A row without a reason was rejected wrongly."""
        return satisfied(data, pl.col(data.key).list.len() > 0)
