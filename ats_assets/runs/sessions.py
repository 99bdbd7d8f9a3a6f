"""Which sessions a run is about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import typer

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.execution.closings import learn_closings
from ats_assets.intraday.choosing import tick_assets, tick_source
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets.runs.writing import say
from ats_assets.sources import BarSource, clock_remark, recognised_by
from ats_assets.storage.stored_calendar import Change


def tell_changes(deployment: Deployment, learned: Sequence[Change] = ()) -> None:
    """What has changed in the calendar since it was stored, and what was `learned` of the broker now."""
    for change in dict.fromkeys([*deployment.calendar_store.adopted, *learned]):
        say(f"calendar changed: {change}; ats stale lists what was made with it")


def _asked_source(deployment: Deployment) -> BarSource:
    """The source, once it has been asked for its latest session: one that asks the broker learns of closings. For others the broker is asked."""
    deployment.source.latest_session()
    learned = [] if deployment.source.capabilities.remote else learn_closings(deployment)
    deployment.refresh_calendar()
    tell_changes(deployment, learned)
    if remark := clock_remark(deployment.source):
        say(f"the source says: {remark}")
    return deployment.source


def _has_bars(deployment: Deployment) -> tuple[date, date, str]:
    """The first and the last session of the source of bars, and its name."""
    source = _asked_source(deployment)
    for line in recognised_by(source):
        say(f"source: {line}")
    return source.first_session(), source.latest_session(), source.name


def _has_ticks(deployment: Deployment) -> tuple[date, date, str]:
    """The same of the sources of ticks.

    Raises
    ------
    SourceError
        If they have none.
    """
    days: set[date] = set()
    for what in tick_assets(deployment):
        source = tick_source(deployment, what)
        days |= set(source.sessions())
        for line in source.describe().splitlines():
            say(f"{what}: {line}")
    if not days:
        raise SourceError(f"there are no {' and no '.join(tick_assets(deployment))} where [intraday] looks for them")
    return min(days), max(days), "ticks"


def chosen_sessions(deployment: Deployment, first: date | None, last: date | None) -> list[date]:
    """The sessions from `first` to `last` that the source and the calendar have; what is left out is said.

    Parameters
    ----------
    first, last
        As asked for; default: the source's first and latest session.

    Raises
    ------
    SourceError
        If none is left.
    """
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}", param_hint="--from")
    has_first, has_last, name = _has_ticks(deployment) if deployment.has_only_ticks else _has_bars(deployment)
    calendar = deployment.calendar
    begin = max(first or has_first, has_first, calendar.first)
    newest = newest_partition(deployment, datetime.now(UTC)) or date.min
    end = min(last or has_last, has_last, newest)
    sessions = calendar.sessions(begin, end)
    deployment.asked_sessions = tuple(sessions)
    span = f"the source ({name}) has sessions from {has_first} to {has_last}"
    if not sessions:
        raise SourceError(
            f"there is no session from {first or has_first} to {last or has_last}: {span}, calendar.first_session is {calendar.first}"
        )
    if max(first or has_first, has_first) < calendar.first:
        say(f"starting at {sessions[0]}: calendar.first_session is {deployment.settings.calendar.first_session}")
    elif first and first < has_first:
        say(f"starting at {sessions[0]}, not {first}: {span}")
    elif first and first != sessions[0]:
        say(f"starting at {sessions[0]}: {first} ({first:%A}) is not a session")
    if min(last or has_last, has_last) > newest:
        say(f"ending at {sessions[-1]}: a later session can be made from midnight UTC after its date, when it has closed everywhere")
    elif last and last > has_last:
        say(f"ending at {sessions[-1]}, not {last}: {span}")
    elif last and last != sessions[-1]:
        say(f"ending at {sessions[-1]}: {last} ({last:%A}) is not a session")
    return sessions
