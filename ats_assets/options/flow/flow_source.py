"""What a source of flow is: sessions in, a frame of `raw_option_flow` out, a session at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.options.flow.schema import KNOWN_TIME, ORDER, RAW_OPTION_FLOW_SCHEMA
from ats_assets.plugins import Plugin
from ats_assets.sources.source import require_within

S = TypeVar("S", bound=BaseModel)


class FlowSource(Protocol):
    """Where flow comes from.

    A source converts, it does not judge: every row that was delivered is in exactly one session, the first whose close is not before it was known, defects included. What a
    session holds depends on the delivery alone, never on which sessions are asked for.
    """

    def sessions(self) -> list[date]:
        """Those that it has flow for, ascending."""
        ...

    def flow(self, session: date) -> pl.DataFrame:
        """The flow of a session as delivered, sorted as `flow_order` does: `RAW_OPTION_FLOW_SCHEMA`. Empty where there is none.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def known_at(self, session: date) -> datetime:
        """The UTC time from which this source's version of a session was known; never before its close."""
        ...

    def describe(self) -> str:
        """What is asked for, and what there is to say about it, for people."""
        ...


def _whole(settings: BaseModel) -> BaseModel:
    return settings


@dataclass(frozen=True, kw_only=True)
class FlowSourcePlugin(Plugin[S, FlowSource]):
    """A source of flow. Its `make` is called with its own settings and the deployment; it must not ask or read anything yet.

    Parameters
    ----------
    flow_follows
        Settings -> those of them that the flow of a session depends on, as a section. Default: all.
    """

    flow_follows: Callable[[S], BaseModel] = _whole


def flow_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of any columns of `RAW_OPTION_FLOW_SCHEMA` as its frame: what is absent is null, and they are sorted by `ORDER`, then in the order of delivery."""
    absent = {name: pl.lit(None, dtype) for name, dtype in RAW_OPTION_FLOW_SCHEMA.items() if name not in rows.columns}
    frame = rows.with_columns(**absent).select(RAW_OPTION_FLOW_SCHEMA.names()).cast(dict(RAW_OPTION_FLOW_SCHEMA))  # pyright: ignore[reportArgumentType]
    return frame.sort(*ORDER, nulls_last=True, maintain_order=True)


def flow_span(calendar: SessionCalendar, session: date) -> tuple[datetime | None, datetime]:
    """When a row of a session was known, in UTC: after the first and not after the second. None: there is no session before."""
    before = None if session == calendar.first else calendar.closes_at(calendar.offset(session, -1))
    return before, calendar.closes_at(session)


def known_in(rows: pl.DataFrame, calendar: SessionCalendar, session: date) -> pl.DataFrame:
    """The rows that were known in the span of a session, and those of which it is not known when."""
    before, close = flow_span(calendar, session)
    known_at = pl.col("known_at")
    inside = known_at <= pl.lit(close).cast(KNOWN_TIME)
    if before is not None:
        inside &= known_at > pl.lit(before).cast(KNOWN_TIME)
    return rows.filter(known_at.is_null() | inside)


def require_flow(source: FlowSource, sessions: Sequence[date]) -> None:
    """Refuse sessions that the source does not have yet, or from before it begins; one in between without flow is an empty session.

    Raises
    ------
    SourceError
        Naming the sessions that it has.
    """
    require_within(source, sessions, of="option flow", has="flow", remedy="correct [option_flow.source]")
