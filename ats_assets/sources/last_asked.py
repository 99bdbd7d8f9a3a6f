"""What a source was asked for last: the newest session, and the corporate actions of the sessions before it, which may be announced late.

A sensor keeps it from tick to tick (as text, in its cursor), so that a server is not asked for all symbols in each idle minute.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.source import BarSource
from ats_assets.warehouse import DELIVERED, Warehouse, data_version

BARS, ACTIONS = DELIVERED


@dataclass(frozen=True, kw_only=True)
class LastAsked:
    """An answer, by its data versions.

    Attributes
    ----------
    session
        The newest session, which was asked for.
    at
        When it was.
    versions
        Asset -> session (ISO) -> data version: bars of that session, actions of it and of those before it.
    """

    session: date
    at: datetime
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def delivery(self) -> dict[str, str]:
        """Asset -> data version of the newest session."""
        return {asset: found[self.session.isoformat()] for asset, found in self.versions.items()}

    def is_fresh(self, session: date, now: datetime, *, minutes: int) -> bool:
        """Whether it is an answer about `session`, and not older than so many minutes; 0: however old it is."""
        return self.session == session and (minutes == 0 or timedelta(0) <= now - self.at < timedelta(minutes=minutes))

    def announced_late(self, warehouse: Warehouse) -> list[date]:
        """The stored sessions before the newest one whose actions are not, or no longer, those that are stored."""
        days = {date.fromisoformat(text): version for text, version in self.versions[ACTIONS].items()}
        return [
            day
            for day, version in sorted(days.items())
            if day < self.session and warehouse.exists(ACTIONS, day) and warehouse.footer(ACTIONS, day).data_version != version
        ]

    def encoded(self) -> str:
        """As text."""
        return json.dumps({"session": self.session.isoformat(), "at": self.at.isoformat(), "versions": self.versions}, sort_keys=True)

    @classmethod
    def decoded(cls, text: str | None) -> "LastAsked | None":
        """What `encoded` wrote; None where it is something else, such as the text of another version: then everything is asked for anew."""
        try:
            found = json.loads(text or "null")
            return cls(
                session=date.fromisoformat(found["session"]),
                at=datetime.fromisoformat(found["at"]),
                versions={asset: dict(found["versions"][asset]) for asset in DELIVERED},
            )
        except (ValueError, TypeError, KeyError):
            return None


def ask(source: BarSource, session: date, calendar: SessionCalendar, now: datetime, *, before: int) -> LastAsked:
    """Ask for the session, and for the actions of so many sessions before it as far as the source has them.

    Raises
    ------
    SourceError
        If the source can't be read.
    """
    first = source.first_session() if before else session
    days = [day for day in calendar.window(session, before + 1) if day >= first]
    rows = {BARS: source.bars([session]), ACTIONS: source.actions(days)}
    return LastAsked(
        session=session,
        at=now,
        versions={BARS: _versions(rows[BARS], [session]), ACTIONS: _versions(rows[ACTIONS], days)},
    )


def stored_answer(warehouse: Warehouse, session: date, now: datetime) -> LastAsked | None:
    """What is stored of a session, as if it had been asked for now; None where something of it is missing."""
    if not all(warehouse.exists(asset, session) for asset in DELIVERED):
        return None
    return LastAsked(session=session, at=now, versions={asset: warehouse.data_versions(asset, [session]) for asset in DELIVERED})


def _versions(rows: pl.DataFrame, sessions: Sequence[date]) -> dict[str, str]:
    return {day.isoformat(): data_version(rows.filter(pl.col("session") == day)) for day in sessions}
