"""An order that a person asks for, from what was asked to an intent: what the desk knows of the account, and how the order is sent."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection

from ats_assets.algorithms.price_grid import price_away
from ats_assets.execution import state
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.contract_legs import is_contract
from ats_assets.execution.manual_limits import AccountFacts, closes_own, refusal_of
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Position, Side
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.refusals import not_opening
from ats_assets.execution.rows import orders_of
from ats_assets.execution.state import IntentRow
from ats_assets.requests.manual_book import NameOf, manual_shares, part_of, same_ticker
from ats_assets.requests.request_bodies import PlaceOrderBody
from ats_assets.requests.request_rows import MANUAL, Request, manual_order_id
from ats_assets.settings import MarginSettings

_GIVEN_UP = (IntentState.WITHDRAWN, IntentState.MISSED, IntentState.REJECTED)


@dataclass(frozen=True, kw_only=True)
class DeskMarket:
    """What the desk must know beside the broker.

    Attributes
    ----------
    session
        The time of the account -> the session at whose close what is decided now counts as decided.
    price
        A symbol and such a session -> its last close that is known; None where there is none.
    name_of
        What a ticker stands for.
    """

    session: Callable[[datetime], date]
    price: Callable[[str, date], Decimal | None]
    name_of: NameOf = same_ticker
    instrument: Callable[[str, date], str | None] = lambda _symbol, _session: None
    fractional: bool = True
    margin: MarginSettings | None = None


def decided_order(context: ExecutionContext, view: BrokerView, request: Request, market: DeskMarket) -> OrderIntent | str:
    """The intent of what was asked for, or why it is refused.

    Raises
    ------
    BrokerError
    """
    order = PlaceOrderBody.model_validate(request.body)
    session = market.session(view.account.at)
    price = market.price(order.symbol, session)
    if price is None or price <= 0:
        return f"no price of {order.symbol} is known at the close of {session}: is that its symbol, and are its bars stored?"
    instrument = context.broker.instruments([order.symbol])[order.symbol]
    with context.state.begin() as connection:
        known = _Known.read(connection, view, session, context.settings.strategy, market.name_of)
    name = market.name_of(order.symbol, view.account.at)
    facts = AccountFacts(
        equity=float(view.account.equity),
        buying_power=float(view.account.buying_power),
        held=known.held,
        values={symbol: shares * known.prices.get(symbol, 0.0) for symbol, shares in known.held.items()},
        own=part_of(known.book.get(name, Decimal(0)), _shares(view, order.symbol)) + known.being_sold.get(order.symbol, Decimal(0)),
        day_notional=known.day_notional,
        price=price,
        instrument=instrument,
        fractional=market.fractional,
        margin=market.margin,
        not_opening=not_opening(view.account),
    )
    if refused := refusal_of(order, facts, context.settings):
        return refused
    kind, limit = OrderKind.MARKET, order.limit_price
    if (
        limit is None and context.settings.kind != OrderKind.MARKET_ON_OPEN
    ):  # plans send nothing at the market then, and people do not either
        limit = price_away(order.symbol, price, Side(order.side).sign * context.settings.collar_bps, instrument.price_increment)
    return OrderIntent(
        client_order_id=manual_order_id(request.id),
        session=session,
        strategy=context.settings.strategy,
        symbol=order.symbol,
        side=Side(order.side),
        leg=Leg.CLOSE if closes_own(order, facts) else Leg.OPEN,
        quantity=order.quantity,
        kind=kind if limit is None else OrderKind.LIMIT,
        decision_price=price,
        limit_price=limit,
        instrument=market.instrument(order.symbol, session),
        book=MANUAL,
    )


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is recorded, with open orders counted as filled."""

    held: dict[str, float]
    prices: dict[str, float]
    book: dict[str, Decimal]
    being_sold: dict[str, Decimal]
    day_notional: float

    @classmethod
    def read(cls, connection: Connection, view: BrokerView, session: date, strategy: str, name_of: NameOf) -> "_Known":
        held: defaultdict[str, float] = defaultdict(float)
        prices: dict[str, float] = {}
        for one in view.positions:
            if not is_contract(one.symbol):
                held[one.symbol] += float(one.quantity)
                prices[one.symbol] = _price(one)
        being_sold: defaultdict[str, Decimal] = defaultdict(Decimal)
        day = 0.0
        for row in _open_intents(connection, session, strategy):
            left, done = _left(connection, row)
            intent = row.intent
            held[intent.symbol] += intent.side.sign * float(left)
            prices.setdefault(intent.symbol, float(intent.decision_price))
            if intent.session == session:
                day += float((left + done) * intent.decision_price)
            if intent.by_person and intent.leg is Leg.CLOSE:
                being_sold[intent.symbol] += intent.side.sign * left
        return cls(
            held=dict(held), prices=prices, book=manual_shares(connection, name_of=name_of), being_sold=dict(being_sold), day_notional=day
        )


def _open_intents(connection: Connection, session: date, strategy: str) -> list[IntentRow]:
    """The orders in shares of the session, and older ones that are open still; neither exits nor parts."""
    standing = [one for one in IntentState if not one.final]
    rows = {row.intent.client_order_id: row for row in state.in_states(connection, standing)}
    rows |= {row.intent.client_order_id: row for row in state.of_session(connection, session, strategy)}
    return [
        row
        for row in rows.values()
        if not row.intent.legs and row.intent.part is None and row.intent.leg is not Leg.EXIT and row.state not in _GIVEN_UP
    ]


def _left(connection: Connection, row: IntentRow) -> tuple[Decimal, Decimal]:
    """Shares that may still be filled, and those that are."""
    own = [order for _, order in orders_of(connection, [row.intent.client_order_id]) if order.client_order_id == row.intent.client_order_id]
    done = own[0].filled_quantity if own else Decimal(0)
    return (Decimal(0) if row.state.final else row.intent.quantity - done), done


def _shares(view: BrokerView, symbol: str) -> Decimal:
    return sum((one.quantity for one in view.positions if one.symbol == symbol), Decimal(0))


def _price(one: Position) -> float:
    """Of one share; where the broker has none what was paid for it."""
    if one.price is not None:
        return float(one.price)
    return 0.0 if one.cost is None or not one.quantity else float(abs(one.cost / one.quantity))
