"""The session loop of a deployment, opened: a stream, the broker, the journal, and the rules of the session; for real, or a stored day played again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ats_assets.alerts import AlertSink
from ats_assets.algorithms.price_grid import exact
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.desk_loop import PolledDesk
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import EntryKind, OrderIntent
from ats_assets.execution.trading import TradingServices, hours_after, open_trading
from ats_assets.execution.watching import WakeSignal
from ats_assets.execution.working import recorded_algorithm
from ats_assets.live.as_decided import Compared, as_decided
from ats_assets.live.broker_to_follow import broker_to_follow
from ats_assets.live.choosing import chosen_stream
from ats_assets.live.graph_compared import EventsCompared
from ats_assets.live.kept_exchange import KeptExchange, PlayedSoFar
from ats_assets.live.lane_orders import require_alone
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.loop import SessionLoop
from ats_assets.live.loop_claim import Claim
from ats_assets.live.monitors import Watched
from ats_assets.live.order_fields import parent_fields
from ats_assets.live.recorded import events_compared, recorded_rules
from ats_assets.live.session_beginning import held_before, stored_beginning, stored_closes
from ats_assets.live.session_execution import SessionExecution
from ats_assets.live.session_journal import SessionJournal
from ats_assets.live.step import Step
from ats_assets.live.stream import EventKind, Stream, StreamEvent, StreamOpening
from ats_assets.plugins import STREAMS
from ats_assets.trade_state import TradeState

AFTER_CLOSE = timedelta(minutes=2)
"""How long the loop goes on after the close: the last bars, and what the closing auction has filled."""
OnStep = Callable[[StreamEvent, Step], None]


def follow(deployment: Deployment, session: date, *, stopped: Callable[[], bool], alert: AlertSink, on_step: OnStep) -> None:
    """Follow a session at the broker that the settings name, until it has closed or `stopped`.

    Raises
    ------
    SettingsError
        If that broker has no market of its own, or the stream can't be opened.
    KeysRefusedError, AlpacaKeysError
        If the keys are refused.
    """
    broker, rules = broker_to_follow(deployment), recorded_rules(deployment, session)
    clock, wake_signal = SystemClock(), WakeSignal()
    with open_trading(deployment, alert=alert) as trading, broker.updates(wake_signal.wake) as updates:
        execution = _execution(deployment, session, trading.executor, trading.state, clock)
        begun = _begun(deployment, session, trading)
        with trading.state.begin() as connection:
            known = SessionJournal(session=session, strategy=deployment.settings.orders.strategy).last_heard(connection)
        held = {one.symbol for one in trading.broker.positions() if one.quantity}
        worked = {parent.symbol for parent, _ in execution.parents()}
        require_alone(rules, held, execution.parents())
        symbols = tuple(sorted({*deployment.settings.live.symbols, *held, *worked, *(rules.lane.symbols if rules.lane else ())}))
        if not symbols:
            raise AtsError(f"nothing is held or planned for {session}, and live.symbols is empty: there is nothing to follow")
        opening = _opening(deployment, session, symbols, known, clock, stopped)
        stream: Stream = deployment.of(chosen_stream).made(opening)

        requests = PolledDesk(trading.desk, deployment.settings.requests.poll_seconds)

        def woken() -> bool:
            updates.check()
            return requests.look() or wake_signal.wait(0.0)

        ends = deployment.calendar.closes_at(session) + AFTER_CLOSE
        with stream.events() as events:
            loop = _loop(deployment, rules, execution, begun, alert=alert, clock=clock, stream=stream, woken=woken, on_step=on_step)
            loop.run(_until(events, clock, ends))
        with trading.state.begin() as connection:
            loop.claim.give_back(connection)


def _until(events: Iterator[StreamEvent | None], clock: Clock, ends: datetime) -> Iterator[StreamEvent | None]:
    for event in events:
        yield event
        if clock.now() >= ends:
            return


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of a replay; of events None where nothing is traded at them, or the graph has none of the session."""

    watched: Watched
    compared: Compared
    exchange: KeptExchange
    events: EventsCompared | None = None


@dataclass(frozen=True, kw_only=True)
class ReplayOrder:
    """What is played.

    Attributes
    ----------
    settings
        Of the stream `replay`, as they are written.
    state
        Folder of the replay's own trade state: no order of it reaches a broker, or the real one's records. A replay of the same session that was killed
        is gone on with.
    intents
        The orders that were decided at the close before; they are executed before the open.
    held, cash
        At the beginning; None: what the warehouse has of the close before, else `backtest.initial_cash`.
    """

    settings: Mapping[str, Any]
    state: Path
    intents: tuple[OrderIntent, ...] = ()
    held: Mapping[str, float] | None = None
    cash: float | None = None
    refuses: Callable[[OrderIntent, datetime], str | None] = field(default=lambda _intent, _at: None)
    volume_share: float = 1.0


def replay(
    deployment: Deployment, session: date, order: ReplayOrder, *, stopped: Callable[[], bool], alert: AlertSink, on_step: OnStep
) -> Replayed:
    """Play a stored day through the loop, on an exchange in memory, and decide all of it again from the store.

    Raises
    ------
    SourceError
        If nothing of the session is stored.
    """
    settings, calendar = deployment.settings, deployment.calendar
    live = settings.live.model_copy(update={"look_seconds": 86_400.0})  # the exchange in memory tells when there is something to see
    deployment = Deployment(settings.model_copy(update={"live": live}))
    rules = recorded_rules(deployment, session)
    opening = _opening(deployment, session, tuple(settings.live.symbols), None, SystemClock(), stopped)
    stream = STREAMS.made("replay", order.settings, settings.plugins.folder, "live.streams.replay", opening)
    held, cash = held_before(deployment, session, order.held, order.cash)
    order.state.mkdir(parents=True, exist_ok=True)
    exchange = KeptExchange(
        requests=order.state / f"requests-{session}.jsonl",
        clock=stream.clock,
        opens_at=calendar.opens_at(session),
        closes_at=calendar.closes_at(session),
        cash=exact(round(cash, 2)),
        positions_held={symbol: exact(shares) for symbol, shares in held.items()},
        prices={symbol: exact(price) for symbol, price in stored_closes(deployment, session).items()},
        costs=settings.backtest,
        volume_share=order.volume_share,
        refuses=order.refuses,
    )
    worth = cash + sum(shares * float(exchange.prices.get(symbol, 0)) for symbol, shares in held.items())
    with TradeState(f"sqlite:///{order.state / f'trade_state-{session}.sqlite'}") as state:
        written = _written(state, SessionJournal(session=session, strategy=settings.orders.strategy))
        shown, stream.heard = _taken_up(exchange, stream.numbered(), state, written), written.heard
        stream.clock.move(written.at or stream.clock.now())
        timeouts = Timeouts(settling_seconds=0.0, retry_seconds=0.0)
        executor = Executor(
            exchange,
            state,
            settings.orders,
            alert=alert,
            clock=stream.clock,
            timeouts=timeouts,
            hours=lambda day: hours_after(calendar, day),
            algorithm=lambda plan: recorded_algorithm(plan, settings.plugins.folder),
        )
        executor.reconcile()
        if order.intents and not shown:
            executor.execute(calendar.before(session), order.intents)
        execution = _execution(deployment, session, executor, state, stream.clock)
        begun = stored_beginning(deployment, session, worth)
        require_alone(rules, {symbol for symbol, shares in held.items() if shares}, execution.parents())
        loop = _loop(
            deployment, rules, execution, begun, alert=alert, clock=stream.clock, stream=stream, woken=exchange.news, on_step=on_step
        )
        loop.unwritten = shown - written.heard
        with stream.events() as events:
            loop.run(_shown(events, exchange))
        with state.begin() as connection:
            loop.claim.give_back(connection)
            heard, decided = loop.journal.heard(connection), loop.journal.decided(connection)
    if not heard:
        raise AtsError(f"nothing was heard of {session}: the replay holds nothing of it")
    found = Watched(session=session, state=loop.state, heard=heard, decided=decided)
    market = stream.market()
    events = events_compared(deployment, session, found.decided, found.heard, market.trades)
    return Replayed(watched=found, compared=as_decided(found.heard, found.decided, loop.rules, market), exchange=exchange, events=events)


def _written(state: TradeState, journal: SessionJournal) -> PlayedSoFar:
    with state.begin() as connection:
        return PlayedSoFar.of(journal.heard(connection))


def _taken_up(exchange: KeptExchange, events: Iterable[StreamEvent], state: TradeState, written: PlayedSoFar) -> int:
    """The exchange as a process before has left it; how many events it had been shown, 0 where there was none."""

    def intent_of(name: str) -> OrderIntent:
        with state.begin() as connection:
            row = intents_state.load(connection, name)
        if row is None:
            raise AtsError(f"{name} was sent, and the trade state beside {exchange.requests} does not have it: use another folder")
        return row.intent

    return exchange.take_up(written, events, intent_of)


def _shown(events: Iterator[StreamEvent | None], exchange: KeptExchange) -> Iterator[StreamEvent | None]:
    """The events, each first shown to the exchange: what it fills was filled by then."""
    for event in events:
        if event is not None:
            exchange.show(event)
        yield event


def _opening(  # noqa: PLR0917
    deployment: Deployment, session: date, symbols: tuple[str, ...], since: datetime | None, clock: Clock, stopped: Callable[[], bool]
) -> StreamOpening:
    live = deployment.settings.live
    each = live.events.symbols if live.events.enabled else ()
    more = [kind for kind, wanted in ((EventKind.QUOTE, live.quotes), (EventKind.TRADE, live.trades or each)) if wanted]
    kinds = frozenset({EventKind.BAR, EventKind.STATUS, *more})
    how: dict[str, Any] = {"kinds": kinds, "each_trade_of": frozenset(each), "since": since, "clock": clock, "stopped": stopped}
    return StreamOpening(deployment=deployment, session=session, symbols=symbols, **how)


def _execution(deployment: Deployment, session: date, executor: Executor, state: TradeState, clock: Clock) -> SessionExecution:
    calendar = deployment.calendar
    return SessionExecution(
        executor=executor,
        state=state,
        strategy=deployment.settings.orders.strategy,
        planned=calendar.before(session),
        opens_at=calendar.opens_at(session),
        closes_at=calendar.closes_at(session),
        clock=clock,
    )


def _loop(
    deployment: Deployment, rules: LiveRules, execution: SessionExecution, begun: Mapping[str, Any], *, stream: Stream, **how: Any
) -> SessionLoop:
    def plan() -> Mapping[str, Any]:
        worked = execution.parents()
        return {
            **begun,
            "parents": [parent_fields(parent) for parent, _ in worked],
            "work": {parent.client_order_id: text for parent, text in worked},
        }

    strategy = deployment.settings.orders.strategy
    return SessionLoop(
        execution=execution,
        journal=SessionJournal(session=rules.session, strategy=strategy),
        rules=rules,
        claim=Claim(strategy=strategy),
        plan=plan,
        waiting=stream.waiting,
        **how,
    )


def _begun(deployment: Deployment, session: date, trading: TradingServices) -> dict[str, Any]:
    """What the session begins with: equity at the closes before, what was paid in or out, and the last closes."""
    stored = stored_beginning(deployment, session, None)
    moments, paid_in = stored.pop("moments"), [0.0] * len(stored["equities"])
    for entry in trading.broker.entries(moments[0]) if moments else ():
        place = next((i for i, at in enumerate(moments) if entry.at <= at), None)
        if entry.kind is EntryKind.TRANSFER and place:
            paid_in[place] += float(entry.cash)
    return stored | {"paid_in": paid_in}
