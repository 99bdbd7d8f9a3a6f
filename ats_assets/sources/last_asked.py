"""What a source was asked for last: the newest session, and the corporate actions of the sessions before it, which may be announced late.

A sensor keeps it from tick to tick (as text, in its cursor), so that a server is not asked for all symbols in each idle minute.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.source import BarSource, clock_remark, state_of
from ats_assets.storage.data_version import data_version
from ats_assets.storage.versions import code_version
from ats_assets.storage.vintages import FROM_SOURCE
from ats_assets.storage.warehouse import Warehouse

BARS, ACTIONS = FROM_SOURCE


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
    state
        Of the source (`state_of`) and of the code that reads it, before it was asked: while it is the same, the answer is. None where the source can't tell.
    latest
        The newest session that the source has, closed or not.
    remark
        What it had to say of the clock.
    """

    session: date
    at: datetime
    latest: date
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    state: str | None = None
    remark: str | None = None

    @property
    def delivery(self) -> dict[str, str]:
        """Asset -> data version of the newest session."""
        return {asset: found[self.session.isoformat()] for asset, found in self.versions.items()}

    def answers(self, session: date) -> bool:
        """Whether it is an answer about `session`."""
        return self.session == session and bool(self.versions)

    def is_fresh(self, session: date, now: datetime, *, minutes: int) -> bool:
        """Whether it is an answer about `session`, and not older than so many minutes; 0: however old it is."""
        return self.answers(session) and (minutes == 0 or timedelta(0) <= now - self.at < timedelta(minutes=minutes))

    def announced_late(self, warehouse: Warehouse) -> list[date]:
        """The stored sessions before the newest one whose actions are not, or no longer, those that are stored."""
        days = {date.fromisoformat(text): version for text, version in self.versions.get(ACTIONS, {}).items()}
        return [
            day
            for day, version in sorted(days.items())
            if day < self.session and warehouse.exists(ACTIONS, day) and warehouse.footer(ACTIONS, day).data_version != version
        ]

    def encoded(self) -> str:
        """As text."""
        return json.dumps(vars(self), sort_keys=True, default=lambda value: value.isoformat())

    @classmethod
    def decoded(cls, text: str | None) -> "LastAsked | None":
        """What `encoded` wrote; None where it is something else, such as the text of another version: then everything is asked for again."""
        try:
            found = json.loads(text or "null")
            return cls(
                session=date.fromisoformat(found["session"]),
                at=datetime.fromisoformat(found["at"]),
                versions={asset: dict(versions) for asset, versions in found["versions"].items()},
                state=found["state"],
                latest=date.fromisoformat(found["latest"]),
                remark=found["remark"],
            )
        except (ValueError, TypeError, KeyError):
            return None


def glance(source: BarSource, now: datetime) -> LastAsked:
    """The newest session that the source has, and nothing of what it holds."""
    state = _state(source)
    latest = source.latest_session()
    return LastAsked(session=latest, at=now, latest=latest, state=state, remark=clock_remark(source))


def unchanged(source: BarSource, last: LastAsked | None) -> LastAsked | None:
    """What was asked for last, where the source can tell without reading that it would say the same."""
    return last if last is not None and last.state is not None and last.state == _state(source) else None


def _state(source: BarSource) -> str | None:
    """What its answers follow from, the code that reads included."""
    found = state_of(source)
    return None if found is None else f"{found}:{code_version('ats_assets.sources')}"


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
        latest=session,
        versions={BARS: _versions(rows[BARS], [session]), ACTIONS: _versions(rows[ACTIONS], days)},
    )


def stored_answer(warehouse: Warehouse, session: date, now: datetime) -> LastAsked | None:
    """What is stored of a session, as if it had been asked for now; None where something of it is missing."""
    if not all(warehouse.exists(asset, session) for asset in FROM_SOURCE):
        return None
    return LastAsked(
        session=session, at=now, latest=session, versions={asset: warehouse.data_versions(asset, [session]) for asset in FROM_SOURCE}
    )


def _versions(rows: pl.DataFrame, sessions: Sequence[date]) -> dict[str, str]:
    return {day.isoformat(): data_version(rows.filter(pl.col("session") == day)) for day in sessions}
