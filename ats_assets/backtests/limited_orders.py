"""Limit orders that are sent whole (`orders.kind`, or a rule of `orders.selection`), in a backtest: what is for the open, and what waits for its limit within the session.

Whether it comes to the same as on paper, the tests of the paper broker say: to the cent. The exits of brackets are played by `played_exits`.
"""

# ruff: noqa: PLR0917 - a session's number, the market and the account by position, as kernels take them

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.order_words import Leg, OrderKind
from ats_assets.algorithms.price_grid import exact, price_away
from ats_assets.backtests.market import Market
from ats_assets.backtests.simulation import Prices, State
from ats_assets.impact.impact_terms import free_terms, terms_at
from ats_assets.portfolio.account import Holdings, TradeLedger, trade, value_of
from ats_assets.portfolio.actions import price_after
from ats_assets.portfolio.costs import cents_of, costs_of
from ats_assets.portfolio.exit_prices import POSITION_GONE
from ats_assets.portfolio.kernel_settings import CostRules
from ats_assets.portfolio.limit_orders import NOT_REACHED, is_touched, is_within
from ats_assets.portfolio.sizing import round_one_down, rounded_one
from ats_assets.settings import OrdersSettings


@dataclass(frozen=True, kw_only=True)
class LimitedLeg:
    """An order of one leg; `sign` is +1 for a buy."""

    at: int
    decided: str
    """What its instrument was called when it was decided."""
    leg: Leg
    sign: int
    quantity: float
    limit: float
    current: float
    target: float
    exits: tuple[Decimal, Decimal] | None = None
    """Of a bracket, what it opens or enlarges a position by: take-profit and stop-loss."""


def limited_legs(
    i: int, market: Market, orders: OrdersSettings, kind: OrderKind, at: int, shares: float, closing: float, current: float, target: float
) -> Iterator[LimitedLeg]:
    """The orders for signed shares of one instrument that are decided at the close before session `i`."""
    decided, sign, price = str(market.tickers[i - 1][at]), 1 if shares > 0.0 else -1, exact(market.last_close[i - 1, at])
    limit = float(price_away(decided, price, sign * orders.collar_bps))
    profit, loss = (price_away(decided, price, sign * bps) for bps in (orders.take_profit_bps, -orders.stop_loss_bps))
    bracket = (profit, loss) if kind == OrderKind.BRACKET else None
    for leg, quantity, exits in ((Leg.CLOSE, closing, None), (Leg.OPEN, rounded_one(abs(shares) - closing), bracket)):
        if quantity > 0.0:
            yield LimitedLeg(
                at=at, decided=decided, leg=leg, sign=sign, quantity=quantity, limit=limit, current=current, target=target, exits=exits
            )


def for_the_open(i: int, market: Prices, leg: LimitedLeg) -> bool:
    """Whether it takes part in the opening auction; where nothing can be traded it does, too, and is unfilled for that."""
    if np.isnan(market.open[i, leg.at]) or not market.traded[i, leg.at] or market.ratio[i, leg.at] != 1.0:
        return True
    return is_within(leg.limit, leg.sign, leg.quantity, float(market.open[i, leg.at]), leg.at, terms_at(market.terms, i))


def fill_limited(
    i: int, market: Market, prices: Prices, state: State, waiting: Sequence[LimitedLeg], costs: CostRules, trades: TradeLedger
) -> list[tuple[LimitedLeg, float, str]]:
    """Fill what waits within session `i`, in the order of symbols: each with the shares that are filled, and why where these are not all."""
    assert market.high is not None, "bars were read with their ranges"
    assert market.low is not None, "bars were read with their ranges"
    made, most = list[tuple[LimitedLeg, float, str]](), terms_at(prices.terms, i).most_shares
    for one in sorted(waiting, key=lambda leg: f"{leg.decided}-{leg.leg}"):
        if not is_touched(one.limit, one.sign, market.low[i, one.at], market.high[i, one.at]):
            made.append((one, 0.0, NOT_REACHED))
            continue
        filled = _fill(
            i, prices, state.holdings, one, min(one.quantity, round_one_down(float(most[one.at]), costs.fractional_shares)), costs, trades
        )
        lacking = "participation" if one.quantity > most[one.at] else POSITION_GONE if one.leg is Leg.CLOSE else "cash"
        made.append((one, filled, lacking if filled < one.quantity else ""))
    return made


def _fill(i: int, prices: Prices, holdings: Holdings, one: LimitedLeg, shares: float, costs: CostRules, trades: TradeLedger) -> float:
    """Trade one at its limit, each part as a whole: what closes a position, and what opens one, as far as the cash goes."""
    held, filled = float(holdings.shares[one.at]), 0.0
    closing = min(abs(held), shares) if held * one.sign < 0.0 else 0.0
    for part, closes in ((closing, True), (rounded_one(shares - closing), False)):
        if part <= 0.0 or (not closes and one.leg is Leg.CLOSE):
            continue
        notional = cents_of(part * one.limit)
        paid = costs_of(notional, 0, costs, free_terms(1))
        if one.sign > 0 and not closes and notional + sum(paid) > _free_cash(i, prices, holdings):
            continue
        trade(holdings, trades, one.at, part, one.sign, notional, paid, one.limit, closes, False, i)
        filled += part
    return filled


def _free_cash(i: int, prices: Prices, holdings: Holdings) -> int:
    """Cash less the value of the shorts at the closes before."""
    before = price_after(prices.last_close[i - 1], prices.ratio[i], prices.paid[i])
    return int(holdings.cash[0] + value_of(holdings, np.nan_to_num(before), np.flatnonzero(holdings.shares < 0.0)))
