"""The books of one paper account while a session is settled: moved from its open to its close. `stored_book` reads and writes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.order_words import CLOSING
from ats_assets.brokers.paper.book_rows import (
    account_entry,
    as_text,
    expire,
    fill_row,
    is_by_person,
    left_of,
    note_fill,
    shared_out,
    signed_shares,
    trades_at_open,
    why_unfilled,
    within_limit,
)
from ats_assets.brokers.paper.bracket_exits import (
    STOP_LOSS,
    TAKE_PROFIT,
    Row,
    end_pair,
    exit_prices,
    exits_by_symbol,
    exits_of,
    fit_to_position,
    one_pair,
    split,
)
from ats_assets.brokers.paper.day import Day
from ats_assets.brokers.paper.worked_parts import PaperWorking, work_parts
from ats_assets.errors import how_many
from ats_assets.execution.order import EntryKind, Leg, OrderKind, OrderStatus, Side, exact
from ats_assets.impact.impact_terms import ImpactTerms, free_terms, terms_of_symbol
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio import (
    CANCELLED,
    SHARE_DECIMALS,
    Account,
    apply_actions,
    borrow_rates,
    close_delisted,
    counted_payment,
    fill_at_open,
    notional_cents,
    price_after,
    trade_costs,
)
from ats_assets.portfolio.exit_prices import POSITION_GONE, BarRange, exit_within
from ats_assets.portfolio.limit_orders import NOT_REACHED, is_touched
from ats_assets.portfolio.sizing import round_one_down
from ats_assets.settings import BacktestSettings

CENT = Decimal("0.01")
ACCOUNT = ""
"""Instead of a symbol, in entries of the account as a whole."""
_LIMITS = (OrderKind.LIMIT, OrderKind.BRACKET)


@dataclass
class Book:
    """Cash and holdings of shape (n_symbols,), of the symbols that are held or ordered, sorted."""

    symbols: list[str]
    account: Account
    last_close: Floats
    missing: np.ndarray
    orders: list[Row]
    """Those that wait to be filled."""
    settings: BacktestSettings
    since: date
    """The session at whose close they stand."""
    terms: ImpactTerms
    """What trades of the next one cost."""
    fills: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    working: PaperWorking | None = None
    made_at_open: set[str] = field(default_factory=set)
    """Brackets that were filled at this session's open, by their ids."""
    ended: dict[int, str] = field(default_factory=dict)
    """Places whose ticker another has taken over at this open, while they were given none, and what it was."""

    def settle(self, day: Day) -> None:
        """From the session's open to its close: delistings, orders at the open, orders within the session, marks at the close.

        An order within the session is filled where the range of its bar touches its price, an exit as `exit_prices` says.
        At the open the orders of the plan come first, so that exits are for what these leave, and for nothing that they buy: an entry and a stop-loss are two
        trades, whatever they come to together. From the close on, each symbol held has one pair of exits at most, for all of it.
        """
        terms = self.terms
        self._pay_for_what_is_borrowed(day)
        self._take_actions(day)
        self.missing = np.where(day.quoted, 0, self.missing + 1)
        gone = self.missing > self.settings.max_missing_sessions
        gone[list(self.ended)] = True
        close_delisted(self.account, gone, self.last_close, self.settings)
        self._record_delistings(day)
        marks = np.where(day.quoted, day.open, self.last_close)
        before, entering = self.account.shares.copy(), [one for one in self._at_open(marks, terms) if one["parent_id"] is None]
        planned, people = ([one for one in entering if is_by_person(one) is asked] for asked in (False, True))
        reasons = self._open(planned, day, marks, terms) | self._open_for_people(people, day, marks, terms)
        self._fit_exits(day, before)
        exits = [one for one in self._at_open(marks, terms) if one["parent_id"] is not None]
        stops = {one["parent_id"] for one in exits if one["kind"] == STOP_LOSS}
        exits = [one for one in exits if one["kind"] == STOP_LOSS or one["parent_id"] not in stops]  # of a pair one alone
        self._open(exits, day, marks, terms._replace(most_shares=np.full(len(self.symbols), np.inf)))  # an exit leaves nothing behind
        at_open = [*entering, *exits]
        for order in self._waiting():
            if order["kind"] in _LIMITS and order not in at_open and day.traded[self._at(order)]:
                reasons[order["client_order_id"]] = self._fill_within(order, day, float(terms.most_shares[self._at(order)]))
        self._work(day, marks)
        for order, at in [(one, self._at(one)) for one in self._waiting() if one["kind"] in CLOSING]:
            if day.traded[at] and within_limit(order, at, float(day.close[at]), terms):
                self._trade_one(order, float(day.close[at]), day, terms_of_symbol(terms, at))
        for order in self._waiting():
            if order["parent_id"] is None:
                why = reasons.get(order["client_order_id"], reasons.get(order["symbol"]))
                expire(order, why or why_unfilled(order, day, self._at(order)), day.closes_at)
        self._fit_exits(day, self.account.shares)
        self._exit({id(order) for order in at_open}, day)
        for symbol, exits in exits_by_symbol(self._waiting()).items():
            one_pair(exits, exact(self.account.shares[self.symbols.index(symbol)]), day.closes_at)
        self.last_close = np.where(day.quoted, day.close, self.last_close)

    def _work(self, day: Day, marks: Floats) -> None:
        """What is worked in parts within the session."""
        if (worked := [one for one in self._waiting() if one["kind"] == OrderKind.WORKED]) and self.working is not None:
            made = work_parts(self.account, worked, day, self.symbols, marks, self.settings, self.terms, self.working, len(self.fills))
            self.orders += made.orders
            self.fills += made.fills

    def _pay_for_what_is_borrowed(self, day: Day) -> None:
        """Fees of short positions and interest on cash below zero, for each calendar day since the close before."""
        days, margin = (day.session - self.since).days, self.settings.margin
        fees, interest = self.account.charge(self.last_close, [self._called(i) for i in range(len(self.symbols))], days, margin)
        for i in map(int, np.flatnonzero(fees)):
            (rate,) = borrow_rates([self._called(i)], margin)
            text = f"{-self.account.shares[i]:g} shares borrowed for {how_many(days, 'day')} at {rate:g} basis points a year"
            self._enter(day, i, EntryKind.FEE, 0.0, -int(fees[i]), text)
        if interest:
            text = f"interest on cash below zero, {how_many(days, 'day')} at {margin.debit_bps_a_year:g} basis points a year"
            self._enter(day, None, EntryKind.INTEREST, 0.0, -interest, text)

    def _take_actions(self, day: Day) -> None:
        """Corporate actions on what is held; an order in old shares is cancelled, a bracket's exits go on in new ones."""
        if not ((day.ratio != 1.0) | (day.paid != 0.0)).any():
            return
        fractional = self.settings.fractional_shares
        before = self.account.shares
        applied = apply_actions(before, self.account.basis, ratio=day.ratio, cash=day.paid, close=self.last_close, fractional=fractional)
        self.account.apply(applied)
        for i in map(int, np.flatnonzero(before)):
            ratio, paid = day.ratio[i], float(counted_payment(self.last_close, day.paid)[i])
            if paid:
                self._enter(
                    day, i, EntryKind.DIVIDEND, 0.0, int(applied.dividends[i]), f"{as_text(paid)} for each of {as_text(before[i])} shares"
                )
            if ratio != 1.0:
                text = f"{as_text(ratio)} new shares for each of {as_text(before[i])}"
                self._enter(day, i, EntryKind.SPLIT, float(applied.shares[i] - before[i]), int(applied.in_lieu[i]), text)
        self.last_close = price_after(self.last_close, day.ratio, day.paid)
        for order in self._waiting():
            ratio = day.ratio[self._at(order)]
            if ratio != 1.0 and order["parent_id"] is None:
                order |= {"status": str(OrderStatus.CANCELED), "updated_at": day.opens_at, "reason": CANCELLED}
            elif ratio != 1.0:
                split(order, exact(ratio), SHARE_DECIMALS)

    def _enter(self, day: Day, i: int | None, kind: EntryKind, shares: float, cash_cents: int, text: str) -> None:  # noqa: PLR0917
        """Note a change of the account that no order made; where it is of none of the symbols, `i` is None."""
        symbol = ACCOUNT if i is None else self._called(i)
        told = text if i is None else f"{symbol}: {text}"
        self.entries.append(account_entry(day.session, day.opens_at, symbol, kind, shares, cash_cents, told))

    def _called(self, i: int) -> str:
        """What the i-th is called, or was, where its ticker is another's now."""
        return self.ended.get(i, self.symbols[i])

    def _waiting(self) -> list[Row]:
        return [order for order in self.orders if order["status"] == OrderStatus.ACCEPTED]

    def _open(self, orders: list[Row], day: Day, marks: Floats, terms: ImpactTerms) -> dict[str, str]:
        """The opening auction; symbol -> why something was left over."""
        wanted = signed_shares([(order, self._at(order)) for order in orders], self.account.shares)
        market = {"marks": marks, "quoted": day.quoted, "traded": day.traded}
        unfilled = fill_at_open(self.account, wanted, **market, settings=self.settings, terms=terms)
        self._record_fills(orders, day.session, day.opens_at)
        for order in orders:
            if order["parent_id"] is not None and order["filled_quantity"]:
                end_pair(self.orders, order, day.opens_at)
        return {self.symbols[i]: one.reason for one in unfilled for i in one.at}

    def _open_for_people(self, orders: Sequence[Row], day: Day, marks: Floats, terms: ImpactTerms) -> dict[str, str]:
        """Orders that people have asked for, each a trade of its own after the plan's, which may be on the other side; id -> why something was left over."""
        opened = ((one, self._open([one], day, marks, left_of(terms, self.fills, self.symbols, day.opens_at))) for one in orders)
        return {one["client_order_id"]: reason for one, unfilled in opened for reason in unfilled.values()}

    def _exit(self, at_open: set[int], day: Day) -> None:
        """Make the exits of brackets that were filled now, and fill exits whose price the session touches."""
        for order in [
            one for one in self.orders if one["kind"] == OrderKind.BRACKET and one["filled_quantity"] and not one.get("has_exits")
        ]:
            order["has_exits"] = True
            self.orders += exits_of(order, day.closes_at)
            self.made_at_open |= {order["broker_order_id"]} if id(order) in at_open else set()
        self._fit_exits(day, self.account.shares)
        for stop in [one for one in self._waiting() if one["kind"] == STOP_LOSS]:
            target = next(one for one in self.orders if one["parent_id"] == stop["parent_id"] and one["kind"] == TAKE_PROFIT)
            i = self._at(stop)
            if not day.traded[i]:
                continue
            new = stop["submitted_at"] == day.closes_at and stop["parent_id"] not in self.made_at_open
            bar = BarRange(open=float(day.open[i]), low=float(day.low[i]), high=float(day.high[i]))
            if met := exit_within(exit_prices(stop, target), bar, entered_within=new):
                price, stopped = met
                self._trade_one(stop if stopped else target, price, day, terms_of_symbol(self.terms, i) if stopped else free_terms(1))
            for order in (stop, target):
                if order["filled_quantity"]:
                    end_pair(self.orders, order, day.closes_at)

    def _at_open(self, marks: Floats, terms: ImpactTerms) -> list[Row]:
        """The orders that take part in the opening auction."""
        return [order for order in self._waiting() if trades_at_open(order, i := self._at(order), float(marks[i]), terms)]

    def _fit_exits(self, day: Day, before: Floats) -> None:
        """Exits are for no more than is held, and for nothing beyond what was held `before`, signed shares."""
        now = self.account.shares
        rest = np.where(now * before > 0.0, np.sign(now) * np.minimum(np.abs(now), np.abs(before)), 0.0)
        for symbol, exits in exits_by_symbol(self._waiting()).items():
            fit_to_position(exits, exact(rest[self.symbols.index(symbol)]), day.opens_at)

    def _at(self, order: Row) -> int:
        return self.symbols.index(order["symbol"])

    def _record_delistings(self, day: Day) -> None:
        for one in self.account.fills:
            signs = np.broadcast_to(one.sign, one.at.shape)
            for j, i in enumerate(one.at):
                why = "its ticker is another's now" if int(i) in self.ended else f"no bar for {int(self.missing[i])} sessions"
                text = f"{why}: closed at its last close less the haircut"
                self._enter(day, int(i), EntryKind.CORPORATE_ACTION, float(signs[j] * one.shares[j]), int(one.cash_flow[j]), text)
        self.account.fills.clear()

    def _record_fills(self, orders: Sequence[Row], session: date, at: datetime) -> None:
        """Give what the account has traded to the orders that asked for it, and take it off the account's list."""
        for one in self.account.fills:
            signs = np.broadcast_to(one.sign, one.at.shape)
            for j, i in enumerate(one.at):
                side, leg = Side.BUY if signs[j] > 0 else Side.SELL, Leg.CLOSE if one.closing else Leg.OPEN
                asked = [order for order in orders if order["symbol"] == self.symbols[i] and order["side"] == side]
                asked.sort(key=lambda order: (order["leg"] != leg, order["parent_id"] is not None))
                paid = int(one.notional[j]) + int(signs[j]) * int(one.costs.spread[j] + one.costs.slippage[j])
                for order, quantity, cents, fees in shared_out(asked, exact(one.shares[j]), paid, int(one.costs.commission[j])):
                    fill = fill_row(order, session, at, len(self.fills), quantity, Decimal(fees) * CENT)
                    self.fills.append(fill | {"price": note_fill(order, quantity, Decimal(cents) * CENT)})
        self.account.fills.clear()

    def _fill_within(self, order: Row, day: Day, most: float = np.inf) -> str:
        """A limit order whose price the session touches is filled at it, as far as the cash goes; the limit is the price, so only the commission is beside it.

        Of no more than `most` shares. Returns why it is not filled whole, as a backtest calls it; empty where it is.
        """
        i, limit = self._at(order), float(order["limit_price"])
        if not is_touched(limit, Side(order["side"]).sign, day.low[i], day.high[i]):
            return NOT_REACHED
        self._trade_one(order, limit, day, free_terms(1), most)
        if order["filled_quantity"] == order["quantity"]:
            return ""
        return "participation" if float(order["quantity"]) > most else POSITION_GONE if order["leg"] == Leg.CLOSE else "cash"

    def _trade_one(self, order: Row, price: float, day: Day, terms: ImpactTerms, most: float = np.inf) -> None:
        """Trade one order at a price, within the session; an opening leg that the free cash does not pay for is left out."""
        i, side = self._at(order), Side(order["side"])
        shares = min(float(order["quantity"]), float(round_one_down(most, self.settings.fractional_shares)))
        held = self.account.shares[i]
        closing = min(abs(held), shares) if held * side.sign < 0 else 0.0
        for part, closes in ((closing, True), (round(shares - closing, SHARE_DECIMALS), False)):
            notional = notional_cents([part], [price])
            costs = trade_costs(notional, self.settings, terms)
            if part <= 0.0 or (not closes and order["leg"] == Leg.CLOSE):
                continue
            if side is Side.BUY and not closes and int((notional + costs.total)[0]) > self._free_cash():
                continue
            self.account.trade(
                np.array([i]), np.array([part]), side.sign, closing=closes, notional=notional, costs=costs, reference=np.array([price])
            )
            self._record_fills([order], day.session, day.closes_at)

    def _free_cash(self) -> int:
        """Cash less the value of the shorts, in cents."""
        short = np.flatnonzero(self.account.shares < 0.0)
        return self.account.cash + int(self.account.values(np.nan_to_num(self.last_close), short).sum())
