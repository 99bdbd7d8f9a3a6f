"""At what price the legs of a decision are filled by the quotes of a session, or why they are not.

1. A contract is bought at the middle of bid and ask plus a share of the half spread (`spread_share`), and sold at the middle less it; the cent is rounded against the trader. With a
   share of 1 that is the ask and the bid.
2. To buy takes an ask; to sell takes a bid above zero. A bid of zero is a quote: nobody buys. Where one side alone is quoted, it is the price. No quote of another session is ever
   looked at, and none is made up.
3. Where a delivery has no quotes, settings may say how wide they are around the mark (`half_spread`); else its contracts can't be traded.
4. Shares are traded at the session's close, plus or less `share_cost_bps`.
5. All legs are filled or none, and only where the net price of one unit is within the limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import gcd
from typing import Any, Final

from ats_assets.option_strategies.option_strategy import Decision, OpenOrClose, OptionLeg
from ats_assets.options.contract import OptionContract

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal(0)
NOT_FILLED: Final = {
    "no_quote": "the contract has no quote at the session",
    "no_ask": "nobody sells: there is no ask",
    "no_bid": "nobody buys: there is no bid above zero",
    "no_share_price": "the underlying has no price at the session",
    "limit": "the net price is beyond the limit",
}
"""Why a decision is not filled, by the code of the reason."""


@dataclass(frozen=True, kw_only=True)
class OptionQuote:
    """What the chain of a session says of one contract; prices are for one share, None where there is none."""

    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None = None
    multiplier: int = 100
    style: str = "american"


@dataclass(frozen=True, kw_only=True)
class OptionFillRules:
    """How near to the quotes is traded, and what it costs.

    Attributes
    ----------
    spread_share
        Of the half spread, paid on either way: 0 is the middle, 1 is the quote itself.
    fee_per_contract
        Paid for each contract that is bought or sold.
    share_cost_bps
        Of the price of shares, paid on either way.
    """

    spread_share: Decimal = Decimal(1)
    fee_per_contract: Decimal = ZERO
    share_cost_bps: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class LegFill:
    """A leg that was filled.

    Attributes
    ----------
    price
        For one share.
    multiplier
        Shares for one of `quantity`: 1 for shares.
    fee
        To the cent, of the leg.
    spread_paid
        What the price is worse than the middle of the quotes, or the close of the shares, of the leg, in currency.
    """

    contract: OptionContract | None
    underlying: str
    quantity: int
    open_or_close: OpenOrClose
    price: Decimal
    multiplier: int = 1
    fee: Decimal = ZERO
    spread_paid: Decimal = ZERO
    style: str = "american"

    @property
    def cash(self) -> Decimal:
        """What the account receives, the fee left out; negative where it pays."""
        return -self.quantity * self.multiplier * self.price


@dataclass(frozen=True, kw_only=True)
class NotFilled:
    """Why a decision is not filled: the code, and the numbers."""

    reason: str
    detail: str


def decimal_of(value: float | None) -> Decimal | None:
    """A number of a frame as the decimal number that it was written as; None for null, NaN and infinity.

    Examples
    --------
    >>> decimal_of(0.1), decimal_of(None), decimal_of(float("nan"))
    (Decimal('0.1'), None, None)
    """
    return None if value is None or value != value or value in {float("inf"), float("-inf")} else Decimal(repr(value))  # noqa: PLR0124


def quote_of_row(row: Mapping[str, Any]) -> OptionQuote | None:
    """The quote of a row of `option_chains`; None where it has none.

    Parameters
    ----------
    row
        bid, ask, mark, half_spread, multiplier, style; a column may be left out. Where there is neither bid nor ask, the quotes are `half_spread` around the mark, if settings gave one
        (`options.unquoted_half_spread_share`). A mark of zero is no price.

    Examples
    --------
    >>> quote_of_row({"bid": 1.0, "ask": 1.2}).ask, quote_of_row({"mark": 2.0}), quote_of_row({"mark": 2.0, "half_spread": 0.1}).bid
    (Decimal('1.2'), None, Decimal('1.9'))
    """
    bid, ask, mark = (decimal_of(row.get(name)) for name in ("bid", "ask", "mark"))
    ask = ask if ask is not None and ask > 0 else None
    if bid is None and ask is None:
        half = decimal_of(row.get("half_spread"))
        if mark is None or mark <= 0 or half is None:
            return None
        bid, ask = max(mark - half, ZERO), mark + half
    multiplier, style = row.get("multiplier"), row.get("style")
    return OptionQuote(bid=bid, ask=ask, mark=mark, multiplier=100 if multiplier is None else int(multiplier), style=style or "american")


def traded_price(quote: OptionQuote, quantity: int, spread_share: Decimal) -> Decimal | NotFilled:
    """At what a contract is bought (a positive quantity) or sold.

    Examples
    --------
    >>> quote = OptionQuote(bid=Decimal("1.00"), ask=Decimal("1.20"))
    >>> traded_price(quote, 1, Decimal(1)), traded_price(quote, -1, Decimal("0.25")), traded_price(quote, 1, Decimal(0))
    (Decimal('1.20'), Decimal('1.07'), Decimal('1.10'))
    >>> traded_price(OptionQuote(bid=Decimal(0), ask=Decimal("0.05")), -1, Decimal(1)).reason
    'no_bid'
    """
    bid, ask = quote.bid, quote.ask
    if quantity > 0:
        if ask is None:
            return NotFilled(reason="no_ask", detail=NOT_FILLED["no_ask"])
        middle = ask if bid is None else (bid + ask) / 2
        return min(ask, (middle + spread_share * (ask - middle)).quantize(CENT, ROUND_CEILING))
    if bid is None or bid <= 0:
        return NotFilled(reason="no_bid", detail=NOT_FILLED["no_bid"])
    middle = bid if ask is None else (bid + ask) / 2
    return max(bid, (middle - spread_share * (middle - bid)).quantize(CENT, ROUND_FLOOR))


def units_of(legs: tuple[OptionLeg, ...]) -> int:
    """How many units an order is for: the greatest common divisor of the numbers of contracts, or of shares where there are no contracts.

    Examples
    --------
    >>> units_of((OptionLeg(contract=None, quantity=-300, open_or_close="close"),))
    300
    """
    of_contracts = [abs(leg.quantity) for leg in legs if leg.contract is not None]
    return gcd(*(of_contracts or [abs(leg.quantity) for leg in legs]))


def net_price(fills: tuple[LegFill, ...], units: int) -> Decimal:
    """What one unit costs per share, fees left out; negative: what is received."""
    multiplier = max(fill.multiplier for fill in fills)
    return -sum((fill.cash for fill in fills), ZERO) / units / multiplier


def decision_fills(
    decision: Decision,
    quotes: Mapping[OptionContract, OptionQuote | None],
    spots: Mapping[str, Decimal],
    rules: OptionFillRules,
) -> tuple[LegFill, ...] | NotFilled:
    """The fills of all legs of a decision, or why there are none.

    Parameters
    ----------
    quotes
        Of the session at which it is traded, by contract.
    spots
        The closes of the underlyings at that session.
    """
    fills: list[LegFill] = []
    for leg in decision.legs:
        filled = _leg(leg, decision.underlying, quotes, spots, rules)
        if isinstance(filled, NotFilled):
            return filled
        fills.append(filled)
    made = tuple(fills)
    if made and decision.limit_price is not None:
        net = net_price(made, units_of(decision.legs))
        if net > decision.limit_price:
            return NotFilled(reason="limit", detail=f"a unit costs {net:.4f}, the limit is {decision.limit_price:.4f}")
    return made


def _leg(
    leg: OptionLeg,
    underlying: str,
    quotes: Mapping[OptionContract, OptionQuote | None],
    spots: Mapping[str, Decimal],
    rules: OptionFillRules,
) -> LegFill | NotFilled:
    sign = 1 if leg.quantity > 0 else -1
    if leg.contract is None:
        spot = spots.get(underlying)
        if spot is None or spot <= 0:
            return NotFilled(reason="no_share_price", detail=f"{underlying}: {NOT_FILLED['no_share_price']}")
        price = (spot * (1 + sign * rules.share_cost_bps / 10_000)).quantize(Decimal("0.0001"), ROUND_CEILING if sign > 0 else ROUND_FLOOR)
        paid = abs(leg.quantity) * abs(price - spot)
        return LegFill(
            contract=None, underlying=underlying, quantity=leg.quantity, open_or_close=leg.open_or_close, price=price, spread_paid=paid
        )
    quote = quotes.get(leg.contract)
    if quote is None:
        return NotFilled(reason="no_quote", detail=f"{leg.contract}: {NOT_FILLED['no_quote']}")
    price = traded_price(quote, leg.quantity, rules.spread_share)
    if isinstance(price, NotFilled):
        return NotFilled(reason=price.reason, detail=f"{leg.contract}: {price.detail}")
    middle = price if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2
    return LegFill(
        contract=leg.contract,
        underlying=underlying,
        quantity=leg.quantity,
        open_or_close=leg.open_or_close,
        price=price,
        multiplier=quote.multiplier,
        fee=(abs(leg.quantity) * rules.fee_per_contract).quantize(CENT, ROUND_CEILING),
        spread_paid=abs(leg.quantity) * quote.multiplier * abs(price - middle),
        style=quote.style,
    )
