"""What a deployment trades with: the configured broker, the trade state, the executor and the alerts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ats_assets.alerts import AlertSink, open_alerts
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.execution.broker import Broker, BrokerOpening
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.manual_orders import DeskMarket
from ats_assets.execution.names import identities_now, known_identities, known_name_changes
from ats_assets.execution.order import exact
from ats_assets.execution.request_desk import RequestDesk
from ats_assets.execution.share_splits import DeployedSplits
from ats_assets.execution.working import recorded_algorithm
from ats_assets.promotions.decision_journal import effective_session
from ats_assets.promotions.promoting import already_decided, promote, roll_back
from ats_assets.requests import Request, RequestKind
from ats_assets.trade_state import TradeState, open_trade_state


@dataclass(frozen=True, kw_only=True)
class TradingServices:
    """Broker, trade state, executor, alerts, and the desk for what people ask for, of a deployment, while they are open."""

    broker: Broker
    state: TradeState
    executor: Executor
    alert: AlertSink
    desk: RequestDesk


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
        desk = request_desk(deployment, executor, state, clock)
        yield TradingServices(broker=broker, state=state, executor=executor, alert=alert, desk=desk)


def request_desk(deployment: Deployment, executor: Executor, state: TradeState, clock: Clock | None = None) -> RequestDesk:
    """The desk of a deployment."""
    return RequestDesk(
        executor=executor,
        state=state,
        settings=deployment.settings.requests,
        market=desk_market(deployment),
        promote=lambda request, known_at: promotion_of(deployment, request, known_at),
        clock=clock or SystemClock(),
    )


def desk_market(deployment: Deployment) -> DeskMarket:
    """What the desk must know of a deployment: the last closes that are stored, and who bears which ticker."""
    identities = identities_now(deployment)

    def price(symbol: str, session: date) -> Decimal | None:
        stored = [day for day in deployment.warehouse.stored_sessions("bars") if day <= session]
        if not stored:
            return None
        closes = deployment.warehouse.read("bars", stored[-1:], ["symbol", "close"])
        found = dict(closes.iter_rows()).get(symbol)
        return None if found is None else exact(found)

    def session(at: datetime) -> date:
        return deployment.calendar.last_closed(at)  # which may be another calendar than a moment ago

    return DeskMarket(
        session=session,
        price=price,
        name_of=lambda symbol, at: identities(day := session_at(deployment.calendar, at)).of(symbol, day),
        instrument=lambda symbol, session: known_identities(deployment, session).of(symbol, session),
        fractional=deployment.settings.backtest.fractional_shares,
        margin=deployment.settings.backtest.margin,
    )


def promotion_of(deployment: Deployment, request: Request, known_at: datetime) -> dict[str, Any]:
    """Write down who is champion, as a person has asked for; what was written at that time by that person already stays.

    Raises
    ------
    AtsError
        If it can't be decided like that.
    """
    decided = already_decided(deployment, who=request.who, known_at=known_at)
    remark = ""
    if decided is None:
        about = {"who": request.who, "reason": request.body["reason"], "known_at": known_at}
        made = (
            promote(deployment, request.body["model"], **about) if request.kind is RequestKind.PROMOTE else roll_back(deployment, **about)
        )
        decided, remark = made.decision, made.remark
    effective = effective_session(deployment.calendar, known_at)
    return {"model": decided.model, "effective": effective and effective.isoformat(), "remark": remark}


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
