"""What a sampler must be able to do: ticks in, bars out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, Protocol

import polars as pl
from pydantic import BaseModel

from ats_assets.plugins import Needs


class Sampler(Protocol):
    """One kind of information bars, with its settings. The docstring of its class is the description of its asset."""

    settings: BaseModel

    @property
    def source(self) -> Literal["trades", "quotes"]:
        """What is sampled."""
        ...

    def needs(self) -> tuple[Needs, ...]:
        """The windows of `trades` or `quotes` that the bars of a session are made from: its own ticks, and those that its threshold is estimated on."""
        ...

    def bars(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The bars of each of the sessions, each of its own window alone.

        Parameters
        ----------
        frames
            By the name of each asset that is read, the rows of the windows of all the sessions together, or more: the columns `tick_arrays.TRADE_COLUMNS` of trades,
            `QUOTE_COLUMNS` of quotes.
        days
            Every session of the exchange from the beginning of the first window to the last of the sessions, in order.
        sessions
            Those that are wanted, each one of `days`.

        Returns
        -------
        polars.DataFrame
            Of `INFORMATION_BARS_SCHEMA`, sorted by symbol, session, bar. A bar that the session's end has closed is known with its last tick here; the asset says
            that it is known from the session's end on (`information_bars.known_with_session`).
        """
        ...
