"""What looks after the session loop, only where `live.enabled` says so: it tells of a session that nobody follows, and starts the loop where `live.start` says so."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from ats_assets.alerts import Alert, Severity, open_alerts
from ats_assets.deployment import Deployment
from ats_assets.execution.trading import session_at
from ats_assets.live.session_journal import SessionJournal
from ats_assets.orchestration.graph import prefixed
from ats_assets.trade_state import open_trade_state


def live_sensor(deployment: Deployment) -> dg.SensorDefinition:
    """Looks after `ats trade live`, while a session is open."""

    @dg.sensor(
        name=prefixed(deployment, "live_sensor"),
        description="While a session is open: tells where the session loop has heard nothing for live.silent_minutes, and with live.start starts it then. It launches no run.",
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def live(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(look_after(deployment, datetime.now(UTC), start=_start))

    return live


def look_after(deployment: Deployment, now: datetime, *, start: Callable[[], None]) -> str:
    """What there is to say of the loop at an instant; a silent one is told of, and started where settings say so."""
    deployment.refresh_calendar()
    live, session = deployment.settings.live, session_at(deployment.calendar, now)
    opens, closes = deployment.calendar.opens_at(session), deployment.calendar.closes_at(session)
    if not opens <= now < closes:
        return "no session is open"
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        heard = SessionJournal(session=session, strategy=deployment.settings.orders.strategy).last_heard(connection)
    since = max(heard or opens, opens)
    if now - since <= timedelta(minutes=live.silent_minutes):
        return f"the session loop has heard something at {since:%H:%M:%S} UTC"
    text = f"The session loop has heard nothing of {session} since {since:%H:%M} UTC. {'It is started' if live.start else 'Start it: ats trade live'}."
    title = "The session is not followed"
    open_alerts(deployment.settings).send(Alert(key=f"live:{session}:silent", severity=Severity.WARNING, title=title, text=text, at=now))
    if live.start:
        start()
    return text


def _start() -> None:
    """The loop in a process of its own, which outlives this one; where another one has begun meanwhile, it ends by itself."""
    subprocess.Popen([sys.executable, "-m", "ats_assets.cli", "trade", "live", "--once"], start_new_session=True)
