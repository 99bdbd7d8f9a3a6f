"""Trading session by session, in this process: what `ats trade` does."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import typer

from ats_assets.automation.jobs import JOB
from ats_assets.automation.trading import next_to_trade
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.execution.closings import learn_closings
from ats_assets.orchestration.graph import asset_name, prefixed
from ats_assets.runs.abandoned import free_of_the_dead
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.sessions import tell_changes
from ats_assets.runs.sessions_to_trade import sessions_to_trade
from ats_assets.runs.startup import open_instance, prepare_environment, quiet
from ats_assets.runs.writing import console, say
from ats_assets.settings import load_settings


def trade_in_turn(*, first: date | None, last: date | None, verbose: bool) -> None:
    """Settle, plan and send, session by session, from the one after the last that was traded; status 1 if one fails.

    An unscheduled closing that the broker or another process reports meanwhile is skipped.
    """
    prepare_environment()
    with quiet(verbose=verbose):
        deployment = Deployment(load_settings())
        changes = learn_closings(deployment)
        tell_changes(deployment, changes)
        sessions, done = sessions_to_trade(deployment, first, last), list[PlannedRun]()
        while True:
            outcome = _trade(deployment, sessions, verbose=verbose)
            done += outcome.done
            if outcome.interrupted or not deployment.calendar_is_outdated:
                break
            if deployment.refresh_calendar():
                for message in outcome.messages:
                    say(message)
                say("the calendar has changed: trading continues with the new one")
            elif outcome.messages:
                break
            if not (sessions := _left(deployment, sessions, done, last)):
                outcome.messages.clear()
                break
    for message in outcome.messages:
        say(f"ats trade: {message}")
    for part in done:
        console().print(told_session(deployment, part.sessions[0]))
    if outcome.messages or outcome.interrupted:
        raise typer.Exit(130 if outcome.interrupted else 1)


def _trade(deployment: Deployment, sessions: Sequence[date], *, verbose: bool) -> Outcome:
    """Session by session, until one fails or another calendar has been stored."""
    definitions = build(deployment)
    orders = definitions.resolve_job_def(prefixed(deployment, JOB)).asset_layer.executable_asset_keys
    parts = [PlannedRun(job=JOB, assets=tuple(sorted(asset_name(key) for key in orders)), sessions=(day,)) for day in sessions]
    outcome = Outcome.of(sessions, parts[0].assets)
    with open_instance() as instance, RunProgress(len(sessions)) as progress:
        free_of_the_dead(instance)
        runner = Runner(deployment, definitions, instance, verbose=verbose)
        for part in parts:
            runner.run([part], outcome, progress)
            if outcome.messages or outcome.interrupted or deployment.calendar_is_outdated:
                break
    return outcome


def _left(deployment: Deployment, sessions: Sequence[date], done: Sequence[PlannedRun], last: date | None) -> list[date]:
    """What is to be traded still, under a calendar that has changed meanwhile."""
    traded = {day for part in done for day in part.sessions}
    left = [day for day in sessions if day not in traded and deployment.calendar.is_session(day)]
    due = next_to_trade(deployment, datetime.now(deployment.calendar.timezone))
    begin = min([*left, due or date.max])
    return [] if begin > (last or date.max - timedelta(days=1)) else sessions_to_trade(deployment, begin, last)


def told_session(deployment: Deployment, session: date) -> str:
    """A session's result, in a line."""
    account = deployment.warehouse.read("account", [session]).row(0, named=True)
    orders = deployment.warehouse.read("orders", [session])
    fills = deployment.warehouse.read("fills", [session])
    line = f"{session}: equity {account['equity']:,.2f}, cash {account['cash']:,.2f}, {how_many(fills.height, 'fill')}; for the next open: {_states(orders)}"
    if not deployment.warehouse.exists("option_orders", session):
        return line
    books, contracts, sent = (deployment.warehouse.read(name, [session]) for name in ("option_books", "option_fills", "option_orders"))
    return f"{line}; options: equity {books['equity'].sum():,.2f}, {how_many(contracts.height, 'fill')}; {_states(sent)}"


def _states(orders: pl.DataFrame) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(orders.group_by("state").len().iter_rows())) or "no orders"
