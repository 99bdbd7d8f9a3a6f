"""Which sessions are offered as partitions: those that the source has by its settings, and those that are stored.

The calendar begins years before most histories, and its windows count on it; what is offered is a part of it, so that nothing is shown as missing, or chosen as
the latest, that can't be made. No asset, window or version depends on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ats_assets.deployment import Deployment
from ats_assets.errors import CalendarError, SettingsError, SourceError
from ats_assets.storage.vintages import OF_MARKET

BEGINS = "first_session"
"""The setting of a source, one's own included, that says where it begins."""
FED_SESSIONS = 20
"""A source of files whose latest session is older is one that nobody feeds: it ends there. Others are offered up to the clock, for the next file may come at any time."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The first and the last session that is offered; None: up to the newest one that has closed."""

    first: date
    last: date | None

    def beyond(self, sessions: Sequence[date]) -> list[date]:
        """Those of some sessions that are not offered."""
        return [day for day in sessions if day < self.first or (self.last is not None and day > self.last)]


def offered(deployment: Deployment) -> Offered:
    """What is offered, as a process finds it when it asks for the first time (`deployment.of(offered)`).

    1. The source's first session, by its setting `first_session` where it has one, and its last by `SourcePlugin.ends`. Of files: by the files, once there are deliveries of them, since they have been read then.
    2. Earlier or later deliveries that are stored, and what this process was asked for. Ticks begin at `intraday.first_session`, chains at `options.first_session`, flow at
       `option_flow.first_session`; ticks and flow do not end where the bars do.
    3. The calendar's first session where none of these is known.
    """
    calendar = deployment.calendar
    begins, ends = _of_source(deployment)
    stored = [day for asset in OF_MARKET for day in deployment.valid_sessions(asset)]
    asked = list(deployment.asked_sessions)
    known = [*stored, *asked]
    ticks, settings = deployment.settings.intraday, deployment.settings
    own = [begins, ticks.first_session, settings.options.first_session, settings.option_flow.first_session]
    first = min([*known, *filter(None, own)], default=calendar.first)
    last = None if ends is None or ticks.has_ticks or settings.option_flow.has_flow else max([*known, ends])
    return Offered(first=max(first, calendar.first), last=last)


def _of_source(deployment: Deployment) -> tuple[date | None, date | None]:
    """Where the source begins and ends, as far as that is known without much ado."""
    begins = getattr(deployment.source_settings, BEGINS, None)
    begins = begins if isinstance(begins, date) else None
    if begins is not None or deployment.source_ends is not None or deployment.source_plugin.at is None:
        return begins, deployment.source_ends
    if deployment.asked_sessions or not deployment.warehouse.stored_sessions(OF_MARKET[0]):
        return None, None
    try:
        source = deployment.source_now()
        first, latest = source.first_session(), source.latest_session()
        closed = deployment.calendar.last_closed(datetime.now(UTC))
    except (SourceError, SettingsError, CalendarError):  # which whoever makes a partition is told
        return None, None
    return first, latest if deployment.calendar.count(latest, closed) > FED_SESSIONS else None


RELOAD = "reload its definitions (in the UI: Deployment, Reload), or restart it"


def not_offered(deployment: Deployment, sessions: Sequence[date]) -> str:
    """Why some of the sessions are no partitions of this process, and what to do; empty where all are."""
    what = deployment.of(offered)
    if not (beyond := what.beyond(sessions)):
        return ""
    until = f"to {what.last}" if what.last else "on"
    return f"{beyond[0]} came after this process had started, which offers partitions from {what.first} {until}: {RELOAD}"
