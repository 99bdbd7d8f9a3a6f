"""What a source of bars is: symbols and sessions in, a `raw_bars` frame out, and beside it the corporate actions of these sessions.

A source is one module of `sources/adapters/`, or one's own, with an object `PLUGIN` of the class `SourcePlugin`. Its `make` is called with its own settings, the
calendar, and all settings of the system, for a source that connects or keeps what it has read; opening it must not read, ask or simulate anything yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import polars as pl
from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.plugins import Plugin
from ats_assets.sources.respelling import respelled
from ats_assets.vendors.spelling import Spelling, as_delivered

S = TypeVar("S", bound=BaseModel)


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


class Describes(Protocol):
    """Any source that names its sessions: of ticks, of options."""

    def sessions(self) -> list[date]:
        """Those that it has something for, ascending."""
        ...

    def describe(self) -> str:
        """What is read and what was recognised in it, for people."""
        ...


def _as_they_are(settings: BaseModel) -> BaseModel:
    return settings


def _never(_settings: BaseModel) -> bool:
    return False


def _nothing(_settings: BaseModel) -> tuple[str, ...]:
    return ()


def _open_end(_settings: BaseModel) -> date | None:
    return None


@dataclass(frozen=True, kw_only=True)
class SourcePlugin(Plugin[S, BarSource]):
    """A source, and what is known of it by its settings alone, before anything is opened.

    Parameters
    ----------
    bars_follow
        Settings -> those of them that the bars of a session depend on, as a section: others may change without making a partition stale. Default: all.
    actions_follow
        Likewise for corporate actions.
    tells_name_changes
        Settings -> whether a change of name can be among its corporate actions. Default: it can't.
    ends
        Settings -> its last session, of one that no market feeds: nothing is due after it. Default: a session is due at each close.
    collects
        Settings -> the names of the assets that it has beside bars and corporate actions. Default: none.
    collecting
        The module whose function `assets(deployment)` makes these, in the group `market_data`.
    names_vendors
        Whether its bars and corporate actions have the columns of `VENDOR_SCHEMA` beside those of all sources.
    spelling
        Settings -> how it spells symbols, which are translated to and from the warehouse's spelling as it is opened. Default: alike.
    at
        Of a source that reads files: path and settings -> a source of what lies there that keeps nothing, for a look before any run. Default: none.
    """

    bars_follow: Callable[[S], BaseModel] = _as_they_are
    actions_follow: Callable[[S], BaseModel] = _as_they_are
    tells_name_changes: Callable[[S], bool] = _never
    ends: Callable[[S], date | None] = _open_end
    collects: Callable[[S], tuple[str, ...]] = _nothing
    collecting: str = ""
    names_vendors: bool = False
    spelling: Callable[[S], Spelling] = as_delivered
    at: Callable[[Path, S, SessionCalendar], BarSource] | None = None

    @property
    def code(self) -> tuple[Callable[..., Any], ...]:
        """What makes its rows."""
        return (self.make,) if self.spelling is as_delivered else (self.make, self.spelling, respelled)

    def opened(self, own: S, *given: Any) -> BarSource:
        """The source of its settings, and of the calendar and all settings beside them, with the warehouse's symbols."""
        return respelled(self.make(own, *given), self.spelling(own))


def upcoming_actions(source: BarSource, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
    """The corporate actions of sessions that need not have closed, or opened, as announced by now; else as `BarSource.actions`."""
    ask = getattr(source, "upcoming_actions", source.actions)  # of a source whose `actions` tell of closed sessions only
    return ask(sessions, symbols)


def clock_remark(source: BarSource) -> str | None:
    """What a source that goes by a clock of its own has to say of the latest session that it named: that its server could not be asked, that calendars differ."""
    remark = getattr(source, "clock_remark", None)
    return str(remark) if remark else None


def recognised_by(source: BarSource) -> list[str]:
    """What a source that recognises what it is given took, what it left, and which settings would change that, a line each; nothing of others."""
    recognised = getattr(source, "recognised", None)
    return [] if recognised is None else list(recognised())


def state_of(source: BarSource) -> str | None:
    """What the source's answers follow from, where it can tell without reading them: while it is the same, so are they."""
    state = getattr(source, "state", None)
    return None if state is None else state()


def require_within(source: Describes, sessions: Sequence[date], *, of: str, has: str, remedy: str) -> None:
    """Refuse sessions that a source does not have yet, or from before it begins; one in between for which it has nothing is an empty session.

    Parameters
    ----------
    of, has
        What it is a source of, and what it has of a session.
    remedy
        What to do where it has nothing at all.

    Raises
    ------
    SourceError
        Naming the sessions that it has.
    """
    there = source.sessions()
    if not there:
        raise SourceError(f"the source of {of} has no session that has ended: {remedy}. It says:\n{source.describe()}")
    if sessions[0] < there[0] or sessions[-1] > there[-1]:
        raise SourceError(
            f"the source of {of} has {has} from {there[0]} to {there[-1]}, but {sessions[0]} to {sessions[-1]} was asked for: choose sessions it has"
        )
