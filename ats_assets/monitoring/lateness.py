"""What should be there by now and is not. The sensor that alerts, the state of the components and the metrics judge by these functions, so that they agree."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ats_assets.deployment import Deployment
from ats_assets.orchestration.newest_session import newest_partition


@dataclass(frozen=True, kw_only=True)
class Late:
    """What is missing of an asset.

    Attributes
    ----------
    due
        The newest session that should be there.
    stored
        The newest one that is; None: none is.
    sessions
        How many are missing at the end.
    since
        When the first of them was due.
    """

    due: date
    stored: date | None
    sessions: int
    since: datetime


def bars_late(deployment: Deployment, now: datetime) -> Late | None:
    """The sessions whose bars should be stored, `automation.late_after_minutes` after their close; None where none is missing, or none ever comes."""
    minutes = deployment.settings.automation.late_after_minutes
    if not minutes:
        return None
    return missing_at_the_end(deployment, "raw_bars", now, lambda day: deployment.calendar.closes_at(day) + timedelta(minutes=minutes))


def signals_late(deployment: Deployment, now: datetime) -> Late | None:
    """The sessions whose targets should be stored, `monitoring.signals_before_open_minutes` before the open that they are for."""
    return missing_at_the_end(deployment, "targets", now, lambda day: signals_deadline(deployment, day))


def signals_deadline(deployment: Deployment, session: date) -> datetime:
    """When the targets of a session must be there."""
    calendar = deployment.calendar
    if session >= calendar.last:
        return calendar.closes_at(session) + timedelta(days=1)
    return calendar.opens_at(calendar.after(session)) - timedelta(minutes=deployment.settings.monitoring.signals_before_open_minutes)


def missing_at_the_end(deployment: Deployment, asset: str, now: datetime, deadline: Callable[[date], datetime]) -> Late | None:
    """The sessions at the end of an asset's history that should be there by now.

    A source that ends (files, the synthetic market) makes nothing due; and what was never begun is not late.
    """
    calendar, stored = deployment.calendar, deployment.valid_sessions(asset)
    due = newest_partition(deployment, now)
    if deployment.source_ends is not None or not stored or due is None:
        return None
    while due > stored[-1] and deadline(due) > now:
        due = calendar.offset(due, -1)
    if due <= stored[-1]:
        return None
    first = calendar.after(stored[-1])
    return Late(due=due, stored=stored[-1], sessions=calendar.count(stored[-1], due), since=deadline(first))
