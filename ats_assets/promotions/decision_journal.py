"""The journal of persons' decisions: an append-only file with a line for each promotion and rollback, written by `ats models promote` and `ats models rollback`.

    <data>/promotions/<source>/promotions.jsonl

It is to `raw_promotions` what a vendor's server is to `raw_bars`. A decision is part of the session that has not closed when it is made, so at a session's close all is there that
its partition will ever hold, and the same is delivered whenever it is asked for again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.errors import CalendarError, CorruptPartitionError
from ats_assets.promotions.schema import RAW_PROMOTIONS_SCHEMA
from ats_assets.storage.chained_lines import ChainedLines

LINES = "promotions.jsonl"
FOLDER = "promotions"
COUNTED = frozenset({"fit", "ensemble"})
"""Kinds of trials that are tries of a challenger: what was tuned inside a training window has not looked at what models are compared by."""


@dataclass(frozen=True, kw_only=True)
class PromotionDecision:
    """What a person decided.

    Parameters
    ----------
    model
        Who is champion from then on.
    known_at
        When it was decided, in UTC.
    """

    action: Literal["promote", "rollback"]
    model: str
    who: str
    reason: str
    known_at: datetime


class PromotionJournal:
    """The journal in one folder.

    Examples
    --------
    >>> import tempfile
    >>> journal = PromotionJournal(Path(tempfile.mkdtemp()))
    >>> journal.add(PromotionDecision(action="promote", model="gru", who="ann", reason="new data", known_at=datetime(2024, 3, 1, 15, tzinfo=UTC)))
    >>> [one.model for one in journal.decisions()]
    ['gru']
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._lines = ChainedLines(folder / LINES, "the journal of promotions", fsync=fsync)

    @property
    def path(self) -> Path:
        """The file."""
        return self._lines.path

    def add(self, decision: PromotionDecision) -> None:
        """Write a decision down, once: who says the same of the same moment again says nothing new.

        Raises
        ------
        SettingsError
            If the journal can't be written.
        CorruptPartitionError
            If it is damaged.
        """
        with self._lines.writing():
            self._require_sound()
            if decision in map(_decision_of, self._lines.sound()):
                return
            values = asdict(decision) | {"known_at": decision.known_at.astimezone(UTC).isoformat()}
            self._lines.append(values | {"written": datetime.now(UTC).isoformat(timespec="seconds")})

    def decisions(self) -> list[PromotionDecision]:
        """All of them, by the time from which they were known.

        Raises
        ------
        CorruptPartitionError
            If a line was changed or taken out: who trades hangs on each of them.
        """
        self._require_sound()
        return sorted(map(_decision_of, self._lines.sound()), key=lambda one: one.known_at)

    def _require_sound(self) -> None:
        if fault := self._lines.fault("decisions are missing"):
            raise CorruptPartitionError(fault)


def _decision_of(line: Mapping[str, Any]) -> PromotionDecision:
    known_at = datetime.fromisoformat(line["known_at"])
    return PromotionDecision(action=line["action"], model=line["model"], who=line["who"], reason=line["reason"], known_at=known_at)


def journal_of(deployment: Deployment) -> PromotionJournal:
    """The journal of a deployment, in its data folder; use it as `deployment.of(journal_of)`."""
    storage = deployment.settings.storage
    return PromotionJournal(storage.data / FOLDER / deployment.settings.source.kind, fsync=storage.fsync)


def effective_session(calendar: SessionCalendar, known_at: datetime) -> date | None:
    """The first session that closes after a time: its champion follows what was decided then; None beyond the calendar's end."""
    try:
        return calendar.after(calendar.last_closed(known_at))
    except CalendarError:
        return calendar.first if known_at < calendar.closes_at(calendar.first) else None


def promotions_of(
    calendar: SessionCalendar, decisions: Iterable[PromotionDecision], tries: Sequence[tuple[str, datetime]], session: date
) -> pl.DataFrame:
    """What was known at the close of a session: the rows of the contract `RawPromotions`.

    Parameters
    ----------
    tries
        What was tried (its digest), and when it was begun.
    """
    close = calendar.closes_at(session)
    rows: list[dict[str, Any]] = []
    for one in decisions:
        effective = effective_session(calendar, one.known_at)
        if effective is not None and effective <= session:
            rows.append({"session": session, **asdict(one), "effective": effective, "tries": None})
    begun = [(digest, time) for digest, time in tries if time < close]
    if begun:
        count = len({digest for digest, _ in begun})
        rows.append({"session": session, "action": "tried", "known_at": max(time for _, time in begun), "tries": count})
    return pl.DataFrame(rows, schema=RAW_PROMOTIONS_SCHEMA)
