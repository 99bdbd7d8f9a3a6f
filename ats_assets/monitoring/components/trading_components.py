"""Trading: the trade state, halts and the kill switch, who executes, positions, alerts that wait, the session loop."""

from collections.abc import Iterator
from datetime import date, timedelta

from ats_assets.errors import AtsError, how_many
from ats_assets.monitoring.components.component import Component
from ats_assets.monitoring.components.observed import Observed
from ats_assets.monitoring.lateness import signals_deadline, signals_late
from ats_assets.monitoring.live_beat import live_beat
from ats_assets.monitoring.trading_facts import SettledAccount, TradingFacts
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets.trade_state import TradeReader
from ats_assets.trade_state.kill_switch import KillSwitch

GROUP = "trading"
UNDECIDED = ("sending", "unknown")
"""States of intents of which it is not known whether the broker has them."""


def trading_components(observed: Observed) -> Iterator[Component]:
    """What the trade state says; one component alone where it can't be read."""
    reader = TradeReader(observed.deployment.settings)
    try:
        facts = observed.trading
    except AtsError as error:
        yield Component(name="trade state", group=GROUP, state="failed", text=str(error), what_to_do="ats doctor")
        yield _kill_switch(observed)
        return
    yield Component(name="trade state", group=GROUP, state="ok", text=reader.description, since=facts.last_word)
    yield _halts(facts)
    yield _kill_switch(observed)
    yield _executor(observed, facts)
    yield _positions(observed, facts)
    yield _alerts(observed, facts)
    if observed.deployment.settings.live.enabled:
        yield _live(observed)


def _halts(facts: TradingFacts) -> Component:
    if not facts.halts:
        return Component(name="halts", group=GROUP, state="ok", text="trading is not halted")
    first = facts.halts[0]
    more = f" (and {len(facts.halts) - 1} more)" if len(facts.halts) > 1 else ""
    advice = "ats orders status; when the cause is gone: ats orders resume"
    return Component(
        name="halts", group=GROUP, state="failed", text=f"{first.kind}: {first.reason}{more}", since=first.at, what_to_do=advice
    )


def _kill_switch(observed: Observed) -> Component:
    reason = KillSwitch.of(observed.deployment.settings.orders).reason()
    if reason is None:
        return Component(name="kill switch", group=GROUP, state="ok", text="it is off")
    return Component(
        name="kill switch",
        group=GROUP,
        state="failed",
        text=reason,
        what_to_do="when it is over: set orders.kill = false, or remove the file",
    )


def _executor(observed: Observed, facts: TradingFacts) -> Component:
    undecided = sum(facts.intents.get(state, 0) for state in UNDECIDED)
    looked = max(facts.attended.values(), default=None)
    if facts.executor is not None and facts.executor[1] > observed.now:
        return Component(
            name="executor", group=GROUP, state="ok", text=f"at work: {facts.executor[0].rpartition(':')[0]}", since=facts.last_word
        )
    if undecided:
        text = f"none is at work, and of {how_many(undecided, 'order')} it is not known whether the broker has it"
        return Component(
            name="executor", group=GROUP, state="failed", text=text, since=facts.last_word, what_to_do="ats trade, or ats orders watch"
        )
    watched = f"; ats orders watch last looked at {looked:%Y-%m-%d %H:%M} UTC" if looked else ""
    return Component(
        name="executor", group=GROUP, state="ok", text=f"none is at work, and nothing waits for one{watched}", since=facts.last_word
    )


def positions_due(observed: Observed) -> date | None:
    """The newest session whose account should be settled by now: that of signals which had to be there; None where nothing is due."""
    deployment, calendar = observed.deployment, observed.deployment.calendar
    due = newest_partition(deployment, observed.market)
    if due is None or deployment.source_ends is not None:
        return None
    while signals_deadline(deployment, due) > observed.market:
        if due == calendar.first:
            return None
        due = calendar.offset(due, -1)
    return due


def positions_behind(observed: Observed, account: SettledAccount) -> int:
    """Sessions that should be settled by now, and are not; none where signals are late, which is told instead."""
    deployment, due = observed.deployment, positions_due(observed)
    if not deployment.settings.orders.enabled or due is None or account.session >= due:
        return 0
    return 0 if signals_late(deployment, observed.market) else deployment.calendar.count(account.session, due)


def _positions(observed: Observed, facts: TradingFacts) -> Component:
    account = facts.account
    if account is None:
        return Component(name="positions", group=GROUP, state="off", text="nothing was ever traded")
    text = f"{how_many(len(account.value) + account.unpriced, 'position')}, equity {account.equity:,.2f} at {account.session}"
    if account.trading_blocked:
        advice = "ask the broker"
        return Component(
            name="positions", group=GROUP, state="failed", text=f"{text}; the broker blocks trading", since=account.at, what_to_do=advice
        )
    if behind := positions_behind(observed, account):
        calendar = observed.deployment.calendar
        since = signals_deadline(observed.deployment, calendar.after(account.session))
        text += f"; {how_many(behind, 'session')} not settled"
        advice = "is trading_sensor on (ats start), and what does the trading job say? By hand: ats trade"
        overdue = max(observed.market - since, timedelta())
        return Component(name="positions", group=GROUP, state="late", text=text, since=account.at, late_by=overdue, what_to_do=advice)
    return Component(name="positions", group=GROUP, state="ok", text=text, since=account.at)


def _alerts(observed: Observed, facts: TradingFacts) -> Component:
    routes = observed.deployment.settings.alerts.routes
    if not routes:
        return Component(name="alerts", group=GROUP, state="off", text="alerts.routes names nobody to tell", what_to_do="docs/alerts.md")
    waiting = sum(facts.waiting_alerts.values())
    if facts.failing_routes:
        text = f"{', '.join(facts.failing_routes)} does not accept alerts; {how_many(waiting, 'alert')} wait"
        return Component(name="alerts", group=GROUP, state="failed", text=text, what_to_do="ats alerts test")
    text = f"{how_many(len(routes), 'route')}" + (f"; {waiting} wait to be sent" if waiting else "")
    return Component(
        name="alerts", group=GROUP, state="warning" if waiting else "ok", text=text, what_to_do="ats alerts test" if waiting else ""
    )


def _live(observed: Observed) -> Component:
    settings, calendar = observed.deployment.settings, observed.deployment.calendar
    with TradeReader(settings) as reader, reader.begin() as connection:
        beat = live_beat(connection, settings.orders.strategy)
    at = None if beat is None else beat.at
    session = calendar.on_or_before(observed.now.date()) if observed.now.date() >= calendar.first else None
    is_open = session is not None and calendar.opens_at(session) <= observed.now < calendar.closes_at(session)
    patience = timedelta(minutes=settings.live.silent_minutes)
    opened = calendar.opens_at(session) if session is not None else observed.now
    silent = observed.now - max(at or opened, opened)
    if is_open and silent > patience:
        text = f"nothing is followed of {session}"
        return Component(
            name="session loop", group=GROUP, state="late", text=text, since=at, late_by=silent - patience, what_to_do="ats trade live"
        )
    text = "the session is followed" if is_open else "no session is open"
    return Component(name="session loop", group=GROUP, state="ok", text=text, since=at)
