"""Intents in Alpaca's words, and its orders in ours.

Rules, from Alpaca's documentation of orders: opening-auction orders (time in force `opg`) and brackets take whole shares only; fractional shares are bought
and sold by day orders, which are queued overnight and filled just after the open; closing-auction orders (`cls`) are taken until ten minutes before the close, in whole
shares; a price has two decimals from one dollar on, and four below (SEC Rule 612),
and of a pair the increments that its asset names. Numbers are sent as text without an exponent.
"""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ats_assets.algorithms.order_words import CLOSING
from ats_assets.algorithms.price_grid import is_pair, on_grid, price_step
from ats_assets.brokers.alpaca.answers import Unknown
from ats_assets.brokers.alpaca.numbers import exact_decimal, sent_exactly, with_plain_numbers
from ats_assets.brokers.alpaca.option_orders import is_package_order, option_request, symbol_of_package
from ats_assets.execution.broker import BrokerError, OrderRejectedError
from ats_assets.execution.order import BrokerOrder, ForeignOrder, Leg, OrderIntent, OrderKind, OrderStatus, Side

if TYPE_CHECKING:
    from alpaca.trading.models import Order
    from alpaca.trading.requests import OrderRequest

_STATUS = {
    "filled": OrderStatus.FILLED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "canceled": OrderStatus.CANCELED,
    "replaced": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
"""All others are on their way to one of these."""

_AT_MARKET = (OrderKind.MARKET_ON_OPEN, OrderKind.MARKET, OrderKind.MARKET_ON_CLOSE)

_SMALLEST = Decimal("0.0001")
"""Tick of a share's price."""


def tick(price: Decimal, *, up: bool, symbol: str = "", increment: Decimal | None = None) -> Decimal:
    """The price on Alpaca's grid: of a share the next cent, below one dollar the next hundredth of one; of a pair the next of its asset's increments.

    Examples
    --------
    >>> tick(Decimal("10.123"), up=True), tick(Decimal("10.123"), up=False), tick(Decimal("0.12345"), up=False)
    (Decimal('10.13'), Decimal('10.12'), Decimal('0.1234'))
    """
    step = price_step(symbol, price, increment if is_pair(symbol) else None)
    return on_grid(price, step if is_pair(symbol) else max(step, _SMALLEST), up=up)


def to_request(intent: OrderIntent, symbol: str, *, increment: Decimal | None = None, auction: bool = True) -> "OrderRequest":
    """The request for an intent. A limit is rounded so that it never pays more or takes less than was decided; a stop so that it triggers no later.

    Parameters
    ----------
    increment
        Of a pair's prices, as its asset says.
    auction
        Whether the opening auction still takes orders; else what is for it goes to the market at once.

    Raises
    ------
    OrderRejectedError
        If Alpaca has no such order; it is not sent.
    """
    from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce  # noqa: PLC0415
    from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest  # noqa: PLC0415

    if intent.legs:
        return option_request(intent, symbol)
    market, limit = with_plain_numbers(MarketOrderRequest), with_plain_numbers(LimitOrderRequest)
    whole, crypto, buys = intent.quantity == intent.quantity.to_integral_value(), is_pair(symbol), intent.side is Side.BUY
    common: dict[str, Any] = {
        "symbol": symbol,
        "qty": sent_exactly(intent, intent.quantity),
        "side": OrderSide(intent.side.value),
        "client_order_id": intent.client_order_id,
    }
    day = TimeInForce.GTC if crypto else TimeInForce.DAY
    _refuse_what_there_is_not(intent, whole=whole, crypto=crypto)
    if intent.kind in _AT_MARKET:
        opg = intent.kind is OrderKind.MARKET_ON_OPEN and whole and auction and not crypto
        close = intent.kind is OrderKind.MARKET_ON_CLOSE
        return market(**common, time_in_force=TimeInForce.OPG if opg else TimeInForce.CLS if close else day)
    if intent.kind is OrderKind.OCO:
        return limit(**common, time_in_force=TimeInForce.GTC, order_class=OrderClass.OCO, **_exits(intent, symbol))
    if intent.limit_price is None:
        raise OrderRejectedError(f"{intent.client_order_id} is a {intent.kind} order without a limit price: plan it with one")
    common["limit_price"] = _price(intent, tick(intent.limit_price, up=not buys, symbol=symbol, increment=increment))
    if intent.kind in (OrderKind.LIMIT, OrderKind.LIMIT_ON_CLOSE) or intent.leg is Leg.CLOSE:
        return limit(**common, time_in_force=TimeInForce.CLS if intent.kind is OrderKind.LIMIT_ON_CLOSE else day)
    return limit(**common, time_in_force=TimeInForce.GTC, order_class=OrderClass.BRACKET, **_exits(intent, symbol))


def _refuse_what_there_is_not(intent: OrderIntent, *, whole: bool, crypto: bool) -> None:
    """Refuse a kind that Alpaca has not, or has not of this."""
    if intent.kind is OrderKind.WORKED:
        raise OrderRejectedError(f"{intent.client_order_id} is worked in parts, and never sent itself")
    if intent.kind in CLOSING and (crypto or not whole):
        raise OrderRejectedError(f"{intent.client_order_id}: the closing auction takes whole shares of a stock only")


def _exits(intent: OrderIntent, symbol: str) -> dict[str, Any]:
    from alpaca.trading.requests import StopLossRequest, TakeProfitRequest  # noqa: PLC0415

    whole = intent.quantity == intent.quantity.to_integral_value()
    if not whole or is_pair(symbol) or intent.take_profit is None or intent.stop_loss is None:
        raise OrderRejectedError(
            f"{intent.client_order_id}: a bracket needs whole shares of a stock, a take-profit and a stop-loss; choose another orders.kind, or whole shares"
        )
    upwards = (intent.side is Side.BUY) == (intent.kind is OrderKind.BRACKET)  # of a bracket the side is the entry's, else the exits'
    return {
        "take_profit": TakeProfitRequest(limit_price=_price(intent, tick(intent.take_profit, up=upwards))),
        "stop_loss": StopLossRequest(stop_price=_price(intent, tick(intent.stop_loss, up=upwards))),
    }


def listed_order(order: "Order", symbol: str) -> BrokerOrder | ForeignOrder:
    """One of the account's orders, whoever made it: what is no order for one symbol, and no package whose legs are told, is described."""
    if is_package_order(order) and order.legs and order.qty not in (None, ""):
        with suppress(BrokerError):
            return from_order(order, "")
    if order.symbol and order.side is not None and order.side.value in tuple(Side) and order.qty not in (None, ""):
        with suppress(BrokerError):  # of a number that is none
            return from_order(order, symbol)
    return ForeignOrder(broker_order_id=str(order.id), client_order_id=order.client_order_id, description=_description(order))


def _description(order: "Order") -> str:
    amount = order.qty or (f"an amount of {order.notional}" if order.notional else "")
    kind = order.type or order.order_type
    words = [_word(order.order_class), _word(kind), "order", _word(order.side), amount, order.symbol or "", order.status.value]
    legs = "; ".join(f"{_word(leg.side)} {leg.qty or leg.ratio_qty or ''} {leg.symbol or ''}".strip() for leg in order.legs or ())
    return " ".join(str(word) for word in words if word) + (f" ({legs})" if legs else "")


def _word(one: Any) -> str:
    return "" if one is None else str(one.value)


def from_order(order: "Order", symbol: str) -> BrokerOrder:
    """Alpaca's order; `symbol` is ours of it. One of several legs is a package, which is bought."""
    package = is_package_order(order)
    filled = exact_decimal(order.filled_qty or 0, "filled_qty")
    return BrokerOrder(
        broker_order_id=str(order.id),
        client_order_id=order.client_order_id,
        symbol=symbol_of_package(order) if package else symbol,
        side=Side.BUY if package else Side(_given(order.side, "side").value),
        quantity=exact_decimal(order.qty, "qty"),
        status=_status(order.status, filled),
        filled_quantity=filled,
        filled_average_price=None if order.filled_avg_price is None else exact_decimal(order.filled_avg_price, "filled_avg_price"),
        submitted_at=order.submitted_at,
        updated_at=order.updated_at,
        reason=_reason(order.status),
        legs=tuple(from_order(leg, str(leg.symbol) if package else symbol) for leg in order.legs or ()),
        replaced_by=None if order.replaced_by is None else str(order.replaced_by),
    )


def _status(status: Any, filled: Decimal) -> OrderStatus:
    if isinstance(status, Unknown):
        return OrderStatus.UNKNOWN
    return _STATUS.get(status.value, OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED)


def _reason(status: Any) -> str | None:
    if isinstance(status, Unknown):
        return f"its status is {status}, which the installed alpaca-py does not know: see to it at Alpaca, or install a newer program"
    return None if status.value in ("new", "accepted", "filled", "partially_filled", "held") else status.value


def instant(value: object, name: str) -> datetime:
    """A time as Alpaca writes it.

    Examples
    --------
    >>> instant("2024-03-04T14:30:00.123Z", "filled_at")
    datetime.datetime(2024, 3, 4, 14, 30, 0, 123000, tzinfo=datetime.timezone.utc)
    """
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BrokerError(f"Alpaca's {name} is {value!r}, no time: the answer can't be used") from None
    if at.tzinfo is None:
        raise BrokerError(f"Alpaca's {name} is {value!r}, without a time zone: the answer can't be used")
    return at


def _given(value: Any, name: str) -> Any:
    if value is None:
        raise BrokerError(f"Alpaca's order has no {name}: the answer can't be used")
    return value


def _price(intent: OrderIntent, value: Decimal) -> float:
    if value <= 0:
        raise OrderRejectedError(f"{intent.client_order_id}: {intent.symbol} costs less than the smallest price that an order may name")
    return sent_exactly(intent, value)
