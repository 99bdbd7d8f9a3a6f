"""What a source of ticks is: sessions in, a frame of `raw_trades` or `raw_quotes` out, a session at a time, since more would not fit into memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.plugins import Plugin
from ats_assets.sources.source import require_within
from ats_assets.vendors.spelling import Spelling, as_delivered

S = TypeVar("S", bound=BaseModel)
What = Literal["trades", "quotes"]


class TickSource(Protocol):
    """Where trades or quotes come from.

    A source converts, it does not judge: every row that was delivered is in exactly one session, defects included. What a session holds depends on the delivery alone, never on
    which sessions are asked for.
    """

    def sessions(self) -> list[date]:
        """Those that it has ticks for, ascending."""
        ...

    def ticks(self, session: date) -> pl.DataFrame:
        """The ticks of a session as delivered, sorted by symbol and sequence: `RAW_TRADES_SCHEMA` or `RAW_QUOTES_SCHEMA`. Empty where there are none.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def known_at(self, session: date) -> datetime:
        """The UTC time from which this source's version of a session was known; never before the end of its hours."""
        ...

    def describe(self) -> str:
        """What is read and what was recognised in it, for people."""
        ...


def _as_set(settings: BaseModel) -> BaseModel:
    return settings


def _from_outside(_settings: BaseModel, _what: What) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class TickSourcePlugin(Plugin[S, TickSource]):
    """A source of ticks. Its `make` is called with its own settings, `what` ("trades" or "quotes"), the `SessionHours` and the deployment; it must not read anything yet.

    Parameters
    ----------
    ticks_follow
        Settings -> those of them that the ticks of a session depend on, as a section. Default: all.
    reads
        Settings and `what` -> the assets that its ticks are taken from, where they are in the warehouse already. Default: none.
    names_vendors
        Whether its ticks have the columns of `VENDOR_SCHEMA` beside those of all sources.
    spelling
        Settings -> how it spells symbols, which are translated to and from the warehouse's spelling as it is opened. Default: alike.
    """

    ticks_follow: Callable[[S], BaseModel] = _as_set
    reads: Callable[[S, What], tuple[str, ...]] = _from_outside
    names_vendors: bool = False
    spelling: Callable[[S], Spelling] = as_delivered


def require_delivered(source: TickSource, sessions: Sequence[date], what: What) -> None:
    """Refuse sessions that the source does not have yet, or from before it begins; one in between without ticks is an empty session.

    Raises
    ------
    SourceError
        Naming the sessions that it has.
    """
    require_within(source, sessions, of=what, has="ticks", remedy=f"deliver files, or correct intraday.{what}")
