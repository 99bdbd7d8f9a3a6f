"""Whether an order that a person asks for may be sent: the limits of `orders.limits`, by the function that cuts a plan; a person's order is refused, never cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.order_words import Side
from ats_assets.algorithms.price_grid import on_grid
from ats_assets.execution.order import Instrument
from ats_assets.portfolio import limited_trades
from ats_assets.portfolio.order_limits import least
from ats_assets.requests.request_bodies import PlaceOrderBody
from ats_assets.settings import MarginSettings, OrderLimitSettings, OrdersSettings

_SAID = {
    "short": "it would sell more than is held, and orders.limits.allow_short is false or the broker does not lend the symbol",
    "opening": "the broker takes no order that opens or enlarges a position in it",
    "order": "it is larger than orders.limits.max_order_share or max_order_notional allow",
    "day": "it is larger than orders.limits.max_day_share or max_day_notional allow",
    "position": "the position would be larger than orders.limits.max_position_share or max_position_notional allow",
    "gross": "all positions together would be larger than orders.limits.max_gross_share allows",
    "margin": "all positions together would need more margin than backtest.margin.initial_share allows",
    "buying_power": "it takes more than the account's buying power",
    "lot": "it is no whole number of lots of orders.limits.lot_shares",
    "min_trade": "it is smaller than orders.limits.min_trade_notional",
}


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """The account as an order finds it.

    Attributes
    ----------
    held
        Signed shares by symbol, with what open orders are for counted as filled.
    values
        What these are worth, by symbol, in currency.
    own
        Signed shares of the symbol in the book of people's orders, less what open orders of people sell of it.
    day_notional
        Of all orders of the session so far, in currency.
    price
        Of the symbol, by which it is judged.
    fractional
        Whether parts of a share may be traded, by the settings.
    """

    equity: float
    buying_power: float
    held: Mapping[str, float]
    values: Mapping[str, float]
    own: Decimal
    day_notional: float
    price: Decimal
    instrument: Instrument
    fractional: bool
    margin: MarginSettings | None = None
    not_opening: str | None = None


def closes_own(order: PlaceOrderBody, facts: AccountFacts) -> bool:
    """Whether it reduces what people hold."""
    return facts.own * Side(order.side).sign < 0


def refusal_of(order: PlaceOrderBody, facts: AccountFacts, settings: OrdersSettings) -> str | None:
    """Why an order may not be sent; None where it may."""
    one = facts.instrument
    if not one.tradable:
        return f"{order.symbol} can't be traded: {one.reason or 'the broker does not say why'}"
    return (
        _odd_size(order, facts)
        or _beyond_the_book(order, facts, settings.limits)
        or _odd_price(order, facts, settings)
        or _limited(order, facts, settings.limits)
    )


def _odd_size(order: PlaceOrderBody, facts: AccountFacts) -> str | None:
    one, quantity = facts.instrument, order.quantity
    if quantity != quantity.to_integral_value() and not (one.fractionable and facts.fractional):
        return f"{order.symbol} is traded in whole shares here, and {quantity:f} is none"
    if one.quantity_increment and on_grid(quantity, one.quantity_increment, up=False) != quantity:
        return f"{quantity:f} is no multiple of {one.quantity_increment:f}, which {order.symbol} is traded in"
    if one.min_quantity and quantity < one.min_quantity:
        return f"the smallest order in {order.symbol} is for {one.min_quantity:f}"
    return None


def _beyond_the_book(order: PlaceOrderBody, facts: AccountFacts, limits: OrderLimitSettings) -> str | None:
    """People sell what people have bought: the rest is of the plans, which would buy it back."""
    after = facts.own + Side(order.side).sign * order.quantity
    if facts.own * after < 0:
        return f"orders of people hold {facts.own:f} {order.symbol}, and one order can't change the side: close them first"
    if after < 0 and not limits.allow_short:
        return f"orders of people hold {max(facts.own, Decimal(0)):f} {order.symbol} that are not being sold: what else is held is of the plans, and theirs to sell"
    if not closes_own(order, facts) and facts.not_opening:
        return facts.not_opening
    return None


def _odd_price(order: PlaceOrderBody, facts: AccountFacts, settings: OrdersSettings) -> str | None:
    """A limit that is as good as none, or that a finger has slipped on."""
    if order.limit_price is None:
        return None
    sign, bound = Side(order.side).sign, Decimal(str(settings.collar_bps)) / 10_000
    if sign * (order.limit_price / facts.price - 1) > bound:
        return f"the limit {order.limit_price:f} is more than {settings.collar_bps:g} basis points (orders.collar_bps) beyond the last price of {order.symbol}, {facts.price:f}"
    return None


def _limited(order: PlaceOrderBody, facts: AccountFacts, limits: OrderLimitSettings) -> str | None:
    if facts.equity <= 0:
        return f"the equity of the account is {facts.equity:,.2f}, not above zero"
    signed = Side(order.side).sign * float(order.quantity)
    price = float(order.limit_price or facts.price)
    day = facts.day_notional + float(order.quantity) * price
    if not closes_own(order, facts) and day > least(limits.max_day_share * facts.equity, limits.max_day_notional):
        return f"{_SAID['day']}: with it, the orders of this session come to {day:,.2f} at an equity of {facts.equity:,.2f}"
    made = limited_trades(
        np.array([signed]),
        held=np.array([facts.held.get(order.symbol, 0.0)]),
        prices=np.array([price]),
        equity=facts.equity,
        limits=limits,
        fractional=np.array([facts.instrument.fractionable and facts.fractional]),
        buying_power=facts.buying_power,
        others=sum(abs(value) for symbol, value in facts.values.items() if symbol != order.symbol),
        shortable=np.array([facts.instrument.shortable]),
        openable=np.array([facts.instrument.openable]),
        margin_factors=np.array([float(facts.instrument.margin_factor)]),
        margin=facts.margin,
    )
    if made.shares[0] == signed:
        return None
    why = _SAID.get(str(made.cut_by[0]), f"it is for parts of a share, of which {order.symbol} is not sold")
    return f"{why}: {abs(made.shares[0]):,.9g} of {order.quantity:f} shares could be traded at {price:,.4f}, with an equity of {facts.equity:,.2f}"
