"""What a source of bars is: symbols and sessions in, a `raw_bars` frame out, and beside it the corporate actions of these sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

import polars as pl


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What the bars of a source can be used for.

    Attributes
    ----------
    has_vwap
        Whether any bar carries a volume-weighted average price.
    adjustment
        "raw": prices as traded, so that a split looks like a return; "split": earlier prices are scaled by later splits;
        "split_and_dividend": by later dividends too; "unknown": the source does not say.
    fractional_volume
        Whether volume is counted in fractions of a unit (crypto) rather than whole shares.
    remote
        Whether each session is asked for at somebody's server: over a range, what is stored is not asked for again.
    """

    has_vwap: bool
    adjustment: Literal["raw", "split", "split_and_dividend", "unknown"]
    fractional_volume: bool
    remote: bool = False


class BarSource(Protocol):
    """Where daily bars come from.

    A source converts, it does not judge: every row that was delivered is in the bars of exactly one session, defects included. What the bars of a
    session are depends on the delivery alone, never on which sessions or symbols are asked for.
    """

    @property
    def name(self) -> str:
        """A short name for metadata and messages."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What its bars can be used for."""
        ...

    def symbols(self) -> list[str]:
        """Every symbol that has a bar in any session, sorted."""
        ...

    def first_session(self) -> date:
        """The first session that has a bar."""
        ...

    def latest_session(self) -> date:
        """The latest session that has a bar."""
        ...

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of `sessions`, as delivered.

        Parameters
        ----------
        sessions
            In any order. A session that the source has nothing for contributes no rows.
        symbols
            Only these; default: all, rows without a symbol included.

        Returns
        -------
        DataFrame with the columns of `RAW_BARS_SCHEMA`, sorted by session and symbol, then in the order of delivery.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The corporate actions whose ex-session is one of `sessions`, as delivered.

        A source whose prices are adjusted delivers none: they would be applied twice. One that knows of none delivers an empty frame.

        Parameters
        ----------
        sessions
            In any order.
        symbols
            Only these; default: all, rows without a symbol included.

        Returns
        -------
        DataFrame with the columns of `RAW_ACTIONS_SCHEMA`, sorted by session and symbol, then in the order of delivery. Its numbers are for one share as
        it was at the close before the ex-session.

        Raises
        ------
        SourceError
            If the source can't be read.
        """
        ...

    def known_at(self, session: date) -> datetime:
        """The UTC time from which this source's version of `session` was known; never before the session's close."""
        ...

    def describe(self) -> str:
        """A report for people: what is read and what was recognised in it."""
        ...


def upcoming_actions(source: BarSource, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
    """The corporate actions of sessions that need not have closed, or opened, as announced by now; else as `BarSource.actions`."""
    ask = getattr(source, "upcoming_actions", source.actions)  # of a source whose `actions` tell of closed sessions only
    return ask(sessions, symbols)


def clock_remark(source: BarSource) -> str | None:
    """What a source that goes by a clock of its own has to say of the latest session that it named: that its server could not be asked, that calendars differ."""
    remark = getattr(source, "clock_remark", None)
    return str(remark) if remark else None


def state_of(source: BarSource) -> str | None:
    """What the source's answers follow from, where it can tell without reading them: while it is the same, so are they."""
    state = getattr(source, "state", None)
    return None if state is None else state()
