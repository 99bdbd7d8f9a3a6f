"""`ats trade live`: the session loop as a service in the foreground, a replay of a stored day, and a look at either."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import typer

from ats_assets.alerts import Alert, open_alerts
from ats_assets.deployment import Deployment
from ats_assets.execution.watching import WakeSignal, stopping
from ats_assets.live.broker_to_follow import broker_to_follow
from ats_assets.live.monitors import held_frame, performance_frame, risk_frame, worked_frame
from ats_assets.live.recorded import recorded_session
from ats_assets.live.replay_plan import planned_orders
from ats_assets.live.service import Replayed, ReplayOrder, follow, replay
from ats_assets.live.session_journal import newest_followed
from ats_assets.live.step import Step, What
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.reports.live_day_report import live_day_report
from ats_assets.runs.writing import console, say, write_table
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state

_BEFORE_OPEN = timedelta(minutes=30)
_POLL_SECONDS = 1.0
_TOLD = (What.SEND, What.CANCEL, What.DONE, What.BREACH, What.HOLD, What.EVENT, What.UNWANTED, What.ENTER, What.LEAVE)


@dataclass(frozen=True, kw_only=True)
class LiveCommand:
    """What was asked for."""

    replay: str | None
    session: date | None
    speed: float
    plan: Path | None
    keep: Path | None
    page: Path | None
    status: bool
    as_json: bool
    once: bool


def live(asked: LiveCommand) -> None:
    """Follow sessions until SIGTERM or SIGINT; status 0 then. Status 1 where a replay decides something else the second time."""
    deployment = Deployment(load_settings())
    if asked.status:
        _show_status(deployment, asked)
    elif asked.replay is not None:
        _replay(deployment, asked)
    else:
        _follow(deployment, asked)


def _follow(deployment: Deployment, asked: LiveCommand) -> None:
    broker_to_follow(deployment)
    wake_signal = WakeSignal()
    send = open_alerts(deployment.settings).send

    def alert(one: Alert) -> None:
        say(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {one.severity}: {one.title}. {one.text}")
        send(one)

    with stopping(wake_signal):
        while not wake_signal.stopped:
            deployment.refresh_calendar()
            session = asked.session or current_session(deployment, datetime.now(UTC))
            opens = deployment.calendar.opens_at(session) - _BEFORE_OPEN
            if (left := (opens - datetime.now(UTC)).total_seconds()) > 0:
                say(f"{session} opens at {deployment.calendar.opens_at(session):%Y-%m-%d %H:%M} UTC; waiting")
                _wait(wake_signal, left)
            if wake_signal.stopped:
                break
            say(f"following {session}; Ctrl-C or SIGTERM ends it")
            follow(deployment, session, stopped=lambda: wake_signal.stopped, alert=alert, on_step=_teller())
            if asked.once or asked.session is not None:
                break
    say("stopped; what was heard and decided is written down")


def _wait(wake_signal: WakeSignal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not wake_signal.stopped and (left := until - time.monotonic()) > 0:
        wake_signal.sleep(min(left, _POLL_SECONDS))


def current_session(deployment: Deployment, now: datetime) -> date:
    """The session that is open, or opens next."""
    day = deployment.calendar.on_or_after(now.date() - timedelta(days=1))
    while deployment.calendar.closes_at(day) <= now:
        day = deployment.calendar.after(day)
    return day


def _replay(deployment: Deployment, asked: LiveCommand) -> None:
    wake_signal = WakeSignal()
    session = asked.session or deployment.calendar.last_closed(datetime.now(UTC))
    folder = None if asked.replay == "stored" else Path(str(asked.replay))
    settings: dict[str, Any] = {**deployment.settings.live.streams.get("replay", {}), "speed": asked.speed}
    settings |= {"folder": folder} if folder is not None else {}
    settings.pop("kind", None)
    intents = planned_orders(deployment, session, asked.plan)
    kept = nullcontext(asked.keep) if asked.keep else tempfile.TemporaryDirectory(prefix="ats-replay-")
    with stopping(wake_signal), kept as state:
        order = ReplayOrder(settings=settings, state=Path(state), intents=intents)
        told = _teller() if not asked.as_json else lambda _event, _step: None
        done = replay(deployment, session, order, stopped=lambda: wake_signal.stopped, alert=_say_alert, on_step=told)
    if asked.page is not None:
        asked.page.write_text(live_day_report(done.watched, done.compared), encoding="utf-8")
        say(f"the day is shown in {asked.page}")
    if asked.as_json:
        events = {} if done.events is None else {"events": done.events.rows}
        _write_json({**_frames(done.watched), "compared": done.compared.rows, **events})
    else:
        _show(done)
    if not done.compared.differences.is_empty() or (done.events is not None and not done.events.differences.is_empty()):
        raise typer.Exit(1)


def _show(done: Replayed) -> None:
    out = console()
    out.print(f"{done.watched.session}: {done.compared.summary}")
    if done.events is not None:
        out.print(f"{done.watched.session}: {done.events.summary}")
    for name, frame in _frames(done.watched).items():
        if frame.height:
            out.print(f"\n{name.replace('_', ' ')}")
            write_table(out, _table(frame.tail(12)))


def _show_status(deployment: Deployment, asked: LiveCommand) -> None:
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        session = asked.session or newest_followed(connection, deployment.settings.orders.strategy)
    one = None if session is None else recorded_session(deployment, session)
    if one is None:
        say("no session was followed yet: ats trade live does")
        raise typer.Exit(1)
    frames = _frames(one)
    if asked.as_json:
        _write_json(frames)
        return
    state = one.state
    age = (datetime.now(UTC) - state.now).total_seconds()
    stream = "lost" if not state.connected else "goes back in time" if not state.forward else "heard"
    console().print(f"{one.session}: stream {stream}, last event at {state.now:%H:%M:%S} UTC, {age:,.0f} s ago")
    console().print(f"stopped: {state.breached or state.held_up or 'no'}")
    for name, frame in frames.items():
        console().print(f"\n{name.replace('_', ' ')}")
        write_table(console(), _table(frame.tail(12)))


def _frames(one: Any) -> dict[str, pl.DataFrame]:
    return {"positions": held_frame(one), "orders": worked_frame(one), "risk": risk_frame(one), "performance": performance_frame(one)}


def _table(frame: pl.DataFrame) -> Any:
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, dtype in frame.schema.items():
        table.add_column(name.replace("_", " "), justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%H:%M:%S}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _write_json(frames: dict[str, pl.DataFrame]) -> None:
    told = {name: frame.to_dicts() for name, frame in frames.items()}
    sys.stdout.write(json.dumps(told, indent=2, default=str, ensure_ascii=False) + "\n")


def _say_alert(one: Alert) -> None:
    say(f"{one.at:%H:%M:%S} UTC {one.severity}: {one.title}. {one.text}")


def _teller() -> Callable[[StreamEvent, Step], None]:
    """Says what is sent, cancelled and done, and what becomes of the connection; what holds an order up once a minute at most."""

    def tell(event: StreamEvent, made: Step) -> None:
        at = f"{event.known_at:%H:%M:%S}"
        if event.kind in (EventKind.LOST, EventKind.RESUMED):
            say(f"{at} the stream is {'lost: ' if event.kind is EventKind.LOST else 'there'}{made.reason}")
        for one in made.decisions:
            if one.what in _TOLD:
                what = f"{one.fields['quantity']} at {one.fields['limit_price'] or 'the market'}" if one.what is What.SEND else ""
                say(f"{at} {one.what} {one.subject} {what} ({one.reason})")

    return tell
