"""The books of one paper account while a session is settled: loaded, moved from its open to its close, stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from ats_assets.orders.order import Leg, OrderKind, OrderStatus, Side
from ats_assets.orders.paper import tables
from ats_assets.portfolio import SHARE_DECIMALS, Account, close_delisted, fill_at_open, notional_cents, trade_costs
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.settings import BacktestSettings

CENT = Decimal("0.01")
PRICE_DIGITS = Decimal("1e-12")
"""Of an average price; fine enough that quantity times price gives the cents back."""

Row = dict[str, Any]


@dataclass
class Book:
    """Cash and holdings of shape (n_symbols,), of the symbols that are held or ordered, sorted."""

    symbols: list[str]
    account: Account
    last_close: Floats
    missing: np.ndarray
    orders: list[Row]
    """Those that wait to be filled."""
    fills: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)

    @classmethod
    def load(cls, connection: Connection, account: str, cash_cents: int) -> "Book":
        """The books as they are stored."""
        held = {row.symbol: row for row in connection.execute(tables.holdings.select().where(tables.holdings.c.account == account))}
        of_account = (tables.orders.c.account == account) & (tables.orders.c.status == OrderStatus.ACCEPTED)
        waiting = connection.execute(tables.orders.select().where(of_account).order_by(tables.orders.c.client_order_id))
        orders = [dict(row._mapping) for row in waiting]
        symbols = sorted(held.keys() | {order["symbol"] for order in orders})
        shares = np.array([float(held[s].shares) if s in held else 0.0 for s in symbols])
        basis = np.array([held[s].basis_cents if s in held else 0 for s in symbols], dtype=np.int64)
        return cls(
            symbols=symbols,
            account=Account(cash=cash_cents, shares=shares, basis=basis),
            last_close=np.array([float(held[s].last_close) if s in held else np.nan for s in symbols]),
            missing=np.array([held[s].missing_sessions if s in held else 0 for s in symbols], dtype=np.int64),
            orders=orders,
        )

    def settle(self, session: date, bars: pl.DataFrame, opens_at: datetime, closes_at: datetime, settings: BacktestSettings) -> None:
        """From the session's open to its close: delistings, orders at the open, limit orders within the session, marks at the close."""
        day = _Day.of(self.symbols, bars)
        self.missing = np.where(day.quoted, 0, self.missing + 1)
        close_delisted(self.account, self.missing > settings.max_missing_sessions, self.last_close, settings)
        self._record_delistings(session, opens_at)
        marks = np.where(day.quoted, day.open, self.last_close)
        adverse = (settings.spread_bps / 2 + settings.slippage_bps) / 1e4
        at_open = [order for order in self.orders if _trades_at_open(order, marks[self._at(order)], adverse)]
        wanted = np.zeros(len(self.symbols))
        for order in at_open:
            wanted[self._at(order)] += Side(order["side"]).sign * float(order["quantity"])
        wanted = np.round(wanted, SHARE_DECIMALS)
        unfilled = fill_at_open(self.account, wanted, marks=marks, quoted=day.quoted, traded=day.traded, settings=settings)
        self._record_fills(session, at_open, opens_at)
        for order in self.orders:
            if order["kind"] != OrderKind.MARKET_ON_OPEN and order not in at_open and day.traded[self._at(order)]:
                self._fill_within(session, order, day, closes_at, settings)
        reasons = {self.symbols[i]: one.reason for one in unfilled for i in one.at}
        for order in self.orders:
            _finish(order, reasons.get(order["symbol"]) or _why_not(order, day, self._at(order)), closes_at)
        self.last_close = np.where(day.quoted, day.close, self.last_close)

    def store(self, connection: Connection, account: str, session: date) -> None:
        """Write the books back, in the transaction that they were loaded in."""
        connection.execute(
            tables.accounts.update().where(tables.accounts.c.account == account).values(settled=session, cash_cents=self.account.cash)
        )
        connection.execute(tables.holdings.delete().where(tables.holdings.c.account == account))
        held = [
            {
                "account": account,
                "symbol": self.symbols[i],
                "shares": decimal(self.account.shares[i]),
                "basis_cents": int(self.account.basis[i]),
                "last_close": decimal(self.last_close[i]),
                "missing_sessions": int(self.missing[i]),
            }
            for i in np.flatnonzero(self.account.shares)
        ]
        for table, rows in (
            (tables.holdings, held),
            (tables.fills, self._owned(self.fills, account)),
            (tables.entries, self._owned(self.entries, account)),
        ):
            if rows:
                connection.execute(table.insert(), rows)
        for order in self.orders:
            connection.execute(tables.orders.update().where(tables.orders.c.broker_order_id == order["broker_order_id"]).values(**order))

    @staticmethod
    def _owned(rows: Iterable[Row], account: str) -> list[Row]:
        return [row | {"account": account} for row in rows]

    def _at(self, order: Row) -> int:
        return self.symbols.index(order["symbol"])

    def _record_delistings(self, session: date, at: datetime) -> None:
        for one in self.account.fills:
            for j, i in enumerate(one.at):
                symbol, sign = self.symbols[i], int(np.broadcast_to(one.sign, one.at.shape)[j])
                self.entries.append(
                    {
                        "entry_id": f"{session:%Y%m%d}-{symbol}-delisting",
                        "session": session,
                        "kind": "delisting",
                        "symbol": symbol,
                        "quantity": decimal(sign * one.shares[j]),
                        "cash_cents": int(one.cash_flow[j]),
                        "at": at,
                        "description": f"{symbol} has had no bar for {int(self.missing[i])} sessions: closed at its last close less the haircut",
                    }
                )
        self.account.fills.clear()

    def _record_fills(self, session: date, orders: Sequence[Row], at: datetime) -> None:
        """Give what the account has traded to the orders that asked for it, and take it off the account's list."""
        for one in self.account.fills:
            signs = np.broadcast_to(one.sign, one.at.shape)
            for j, i in enumerate(one.at):
                side, leg = Side.BUY if signs[j] > 0 else Side.SELL, Leg.CLOSE if one.closing else Leg.OPEN
                asked = [order for order in orders if order["symbol"] == self.symbols[i] and order["side"] == side]
                order = min(asked, key=lambda order: order["leg"] != leg)
                adverse = int(one.costs.spread[j] + one.costs.slippage[j])
                fill = {
                    "fill_id": f"{order['broker_order_id']}-{session:%Y%m%d}-{len(self.fills)}",
                    "sequence": len(self.fills),
                    "session": session,
                    "broker_order_id": order["broker_order_id"],
                    "client_order_id": order["client_order_id"],
                    "symbol": order["symbol"],
                    "side": order["side"],
                    "quantity": decimal(one.shares[j]),
                    "fees": Decimal(int(one.costs.commission[j])) * CENT,
                    "at": at,
                }
                self.fills.append(
                    fill | {"price": _filled(order, fill["quantity"], Decimal(int(one.notional[j]) + int(signs[j]) * adverse) * CENT)}
                )
        self.account.fills.clear()

    def _fill_within(self, session: date, order: Row, day: "_Day", at: datetime, settings: BacktestSettings) -> None:
        """A limit order whose price the session touches is filled at it, as far as the cash goes; the limit is the price, so only the commission is beside it."""
        i, side, limit = self._at(order), Side(order["side"]), float(order["limit_price"])
        if not (day.low[i] <= limit if side is Side.BUY else day.high[i] >= limit):
            return
        held, shares = self.account.shares[i], float(order["quantity"])
        closing = min(abs(held), shares) if held * side.sign < 0 else 0.0
        free = settings.model_copy(update={"spread_bps": 0.0, "slippage_bps": 0.0})
        for part, closes in ((closing, True), (round(shares - closing, 9), False)):
            if part <= 0.0 or (side is Side.BUY and not self._pays(part, limit, free)):
                continue
            at_one, notional = np.array([i]), notional_cents([part], [limit])
            self.account.trade(
                at_one,
                np.array([part]),
                side.sign,
                closing=closes,
                notional=notional,
                costs=trade_costs(notional, free),
                reference=np.array([limit]),
            )
            self._record_fills(session, [order], at)

    def _pays(self, shares: float, price: float, settings: BacktestSettings) -> bool:
        """Whether the free cash pays for so many."""
        notional = notional_cents([shares], [price])
        short = np.flatnonzero(self.account.shares < 0.0)
        held_back = -int(self.account.values(np.nan_to_num(self.last_close), short).sum())
        return int((notional + trade_costs(notional, settings).total)[0]) <= self.account.cash - held_back


@dataclass(frozen=True)
class _Day:
    """The bars of a session, arrays of shape (n_symbols,); NaN where there is none."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    quoted: Booleans
    traded: Booleans

    @classmethod
    def of(cls, symbols: Sequence[str], bars: pl.DataFrame) -> "_Day":
        named = pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String}).join(bars, on="symbol", how="left", maintain_order="left")
        prices = {name: named[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("open", "high", "low", "close")}
        return cls(**prices, quoted=~np.isnan(prices["open"]), traded=(named["volume"].fill_null(0) > 0).to_numpy())


def decimal(value: float) -> Decimal:
    """The shortest decimal that is read back as the same number."""
    return Decimal(repr(float(value)))


def _filled(order: Row, quantity: Decimal, paid: Decimal) -> Decimal:
    """Note an execution in its order; its price for one share."""
    before = (order["filled_average_price"] or Decimal(0)) * order["filled_quantity"]
    order["filled_quantity"] += quantity
    order["filled_average_price"] = ((before + paid) / order["filled_quantity"]).quantize(PRICE_DIGITS)
    return (paid / quantity).quantize(PRICE_DIGITS)


def _trades_at_open(order: Row, mark: float, adverse: float) -> bool:
    """Whether an order takes part in the opening auction: all market orders, and limit orders whose limit its price with costs does not exceed."""
    if order["kind"] == OrderKind.MARKET_ON_OPEN:
        return True
    sign = Side(order["side"]).sign
    return bool(sign * mark * (1.0 + sign * adverse) <= sign * float(order["limit_price"]))


def _why_not(order: Row, day: _Day, i: int) -> str:
    if not day.quoted[i]:
        return "no_bar"
    if not day.traded[i]:
        return "no_volume"
    return "limit_not_reached" if order["kind"] != OrderKind.MARKET_ON_OPEN else "cash"


def _finish(order: Row, reason: str, at: datetime) -> None:
    """All orders are for one session: what is not filled by its close has expired."""
    whole = order["filled_quantity"] == order["quantity"]
    order |= {"status": str(OrderStatus.FILLED if whole else OrderStatus.EXPIRED), "updated_at": at, "reason": None if whole else reason}
