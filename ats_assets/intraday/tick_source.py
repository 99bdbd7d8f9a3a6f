"""What a source of ticks is: sessions in, a frame of `raw_trades` or `raw_quotes` out, a session at a time, since more would not fit into memory."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.plugins import Plugin

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

    def describe(self) -> str:
        """What is read and what was recognised in it, for people."""
        ...


def _as_set(settings: BaseModel) -> BaseModel:
    return settings


@dataclass(frozen=True, kw_only=True)
class TickSourcePlugin(Plugin[S, TickSource]):
    """A source of ticks. Its `make` is called with its own settings, `what` ("trades" or "quotes") and the deployment's `SessionHours`; it must not read anything yet.

    Parameters
    ----------
    ticks_follow
        Settings -> those of them that the ticks of a session depend on, as a section. Default: all.
    """

    ticks_follow: Callable[[S], BaseModel] = _as_set
