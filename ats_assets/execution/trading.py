"""What a deployment trades with: the configured broker, the trade state, the executor and the alerts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from ats_assets.alerts import AlertSink, open_alerts
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.execution.broker import Broker, BrokerOpening
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.clock import Clock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.names import identities_now, known_name_changes
from ats_assets.execution.share_splits import DeployedSplits
from ats_assets.execution.working import recorded_algorithm
from ats_assets.trade_state import TradeState, open_trade_state


@dataclass(frozen=True, kw_only=True)
class TradingServices:
    """Broker, trade state, executor and alerts of a deployment, while they are open."""

    broker: Broker
    state: TradeState
    executor: Executor
    alert: AlertSink


@contextmanager
def open_trading(
    deployment: Deployment, *, clock: Clock | None = None, timeouts: Timeouts | None = None, alert: AlertSink | None = None
) -> Iterator[TradingServices]:
    """Open the trading services of a deployment, for the time of a block.

    Parameters
    ----------
    clock, timeouts
        Of the executor; default: the machine's time.
    alert
        Default: the routes of the settings.

    Raises
    ------
    SettingsError
        If the broker that the settings name can't be opened with them.
    TradeStateError
        If the database can't be opened.
    """
    settings, chosen = deployment.settings, deployment.of(chosen_broker)  # found first: it may add tables to the trade state
    with open_trade_state(settings) as state:
        alert = alert or open_alerts(settings).send
        broker = chosen.opened(BrokerOpening(deployment=deployment, state=state, alert=alert, clock=clock))
        executor = Executor(
            broker,
            state,
            settings.orders,
            alert=alert,
            clock=clock,
            timeouts=timeouts,
            session_of=lambda at: session_at(deployment.calendar, at),
            name_changes=known_name_changes(deployment),
            identities=identities_now(deployment),
            splits=None if chosen.embedded else DeployedSplits(deployment),
            hours=lambda session: hours_after(deployment.calendar, session),
            algorithm=lambda plan: recorded_algorithm(plan, settings.plugins.folder),
        )
        yield TradingServices(broker=broker, state=state, executor=executor, alert=alert)


def hours_after(calendar: SessionCalendar, session: date) -> SessionTimes:
    """The session that what is decided at the close of `session` is for."""
    following = calendar.after(session)
    return SessionTimes(session=following, opens_at=calendar.opens_at(following), closes_at=calendar.closes_at(following))


def session_at(calendar: SessionCalendar, at: datetime) -> date:
    """The session that an instant belongs to: the last one that has opened by then; what happens after a close is of the session that closed."""
    day = calendar.on_or_before(at.date())
    while calendar.opens_at(day) > at:
        day = calendar.offset(day, -1)
    if day == calendar.last:
        return day
    following = calendar.offset(day, 1)
    return following if calendar.opens_at(following) <= at else day
