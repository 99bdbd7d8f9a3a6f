"""Orders for option contracts in Alpaca's words, and its orders of several legs in ours.

Rules, from Alpaca's documentation (docs.alpaca.markets/docs/options-trading, /options-orders, /options-level-3-trading) and alpaca-py's requests (`OrderRequest`, `OptionLegRequest`):

- whole contracts, no amount of money, for the day, within regular hours;
- an order of several legs (`mleg`) has two to four, each of another contract, with whole ratios in their simplest form, and no symbol and no side; shares are no leg of it;
- its limit is net: positive where it is paid, negative where it is received;
- outside of market hours no order at the market is taken, so one without a limit is refused here.

An order of several legs is filled as one or not at all. Each leg is an order of its own at Alpaca, under a client order id that Alpaca makes, and executions name the leg.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from ats_assets.brokers.alpaca.numbers import exact_decimal, sent_exactly, with_plain_numbers
from ats_assets.execution.broker import BrokerError, OrderRejectedError
from ats_assets.execution.contract_legs import ContractLeg, is_contract, package_symbol
from ats_assets.execution.order import OrderIntent

if TYPE_CHECKING:
    from alpaca.trading.models import Order
    from alpaca.trading.requests import OrderRequest

MOST_LEGS = 4
PACKAGE_CLASS = "mleg"
_CENT = Decimal("0.01")


def form_reason(legs: tuple[ContractLeg, ...], limit_price: Decimal | None) -> str | None:
    """Why Alpaca has no order of this form; None where it has."""
    contracts = [one for one in legs if is_contract(one.symbol)]
    if len(legs) > MOST_LEGS:
        return f"it has {len(legs)} legs, and Alpaca takes {MOST_LEGS} at most: split it"
    if contracts and len(contracts) < len(legs):
        return "Alpaca takes shares in no order with option contracts: send them apart"
    if contracts and limit_price is None:
        return "it has no limit, and Alpaca takes orders for options at the market only while the market is open: give it one"
    return None


def option_request(intent: OrderIntent, shares: str) -> "OrderRequest":
    """The request for an intent with legs. A limit is rounded to a cent so that it never pays more or takes less than was decided.

    Parameters
    ----------
    shares
        Alpaca's name of the symbol, where the one leg is shares.

    Raises
    ------
    OrderRejectedError
        If Alpaca has no such order; it is not sent.
    """
    from alpaca.trading.enums import OrderClass, OrderSide, PositionIntent, TimeInForce  # noqa: PLC0415
    from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, OptionLegRequest  # noqa: PLC0415

    limit, reason = intent.limit_price, form_reason(intent.legs, intent.limit_price)
    if reason:
        raise OrderRejectedError(f"{intent.client_order_id}: {reason}")
    common: dict[str, Any] = {
        "qty": sent_exactly(intent, intent.quantity),
        "client_order_id": intent.client_order_id,
        "time_in_force": TimeInForce.DAY,
    }
    net = None if limit is None else limit.quantize(_CENT, ROUND_FLOOR)
    if len(intent.legs) > 1:
        legs = [
            OptionLegRequest(symbol=one.symbol, ratio_qty=float(abs(one.ratio)), position_intent=PositionIntent(one.position_intent))
            for one in intent.legs
        ]
        return with_plain_numbers(LimitOrderRequest)(
            **common, order_class=OrderClass.MLEG, legs=legs, limit_price=sent_exactly(intent, net or Decimal(0))
        )
    leg = next(iter(intent.legs))
    contract = is_contract(leg.symbol)
    common |= {"symbol": leg.symbol if contract else shares, "side": OrderSide(intent.side.value)}
    common |= {"position_intent": PositionIntent(leg.position_intent)} if contract else {}
    if net is None:
        return with_plain_numbers(MarketOrderRequest)(**common)
    price = max(intent.side.sign * net, _CENT) if leg.ratio < 0 else net  # whoever sells at any price sells for a cent or more
    if price <= 0:
        raise OrderRejectedError(f"{intent.client_order_id}: nobody sells {leg.symbol} for {price}: its limit is below the smallest price")
    return with_plain_numbers(LimitOrderRequest)(**common, limit_price=sent_exactly(intent, price))


def is_package_order(order: "Order") -> bool:
    """Whether an order is one of several legs; a leg of it is of the same class, and has a symbol."""
    return order.order_class.value == PACKAGE_CLASS and not order.symbol


def package_legs(order: "Order") -> list[tuple[str, int]]:
    """Symbol and signed ratio of each leg.

    Raises
    ------
    BrokerError
        If one can't be told.
    """
    found = []
    for leg in order.legs or ():
        if not leg.symbol or leg.side is None or leg.side.value not in ("buy", "sell"):
            raise BrokerError(f"a leg of Alpaca's order {order.client_order_id} has no symbol or no side: the answer can't be used")
        given = leg.ratio_qty if leg.ratio_qty not in (None, "") else None
        ratio = (
            exact_decimal(leg.qty, "qty of a leg") / exact_decimal(order.qty, "qty") if given is None else exact_decimal(given, "ratio_qty")
        )
        if ratio != int(ratio) or ratio <= 0:
            raise BrokerError(f"a leg of Alpaca's order {order.client_order_id} has the ratio {ratio}: the answer can't be used")
        found.append((leg.symbol, int(ratio) if leg.side.value == "buy" else -int(ratio)))
    if len(found) < 2:
        raise BrokerError(f"Alpaca's order {order.client_order_id} of several legs names {len(found)} of them: the answer can't be used")
    return found


def symbol_of_package(order: "Order") -> str:
    """The name of the package that an order is for; see `package_symbol`."""
    return package_symbol(package_legs(order))
