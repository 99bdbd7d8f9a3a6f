"""Target weights by Backtrader (GPLv3 or later), run in its own environment alone by `run_jobs.py`; no other file may import Backtrader.

At each close the strategy sizes its orders by the closes and the account, in whole cents, as the engine `orders` does, and sends what closes longs, opens shorts, covers, and
opens longs, in this order. The rest is Backtrader's: it fills market orders at the next open, one after the other, and refuses one that opens a position where cash, what short
sales brought in included, would fall below zero. What is not filled at that open is cancelled at its close.
"""

import datetime as dt
import math
from collections import defaultdict
from typing import Any

import backtrader as bt  # pyright: ignore[reportMissingImports] - in the child's environment alone
import numpy as np

VERSION = f"backtrader {bt.__version__}"
UNITS = 1e9
ROUNDING = 8 * np.finfo(np.float64).eps


def made_by_backtrader(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One backtest; what a job is and what is answered `run_jobs.py` and `job_files.py` say."""
    cerebro = bt.Cerebro(stdstats=False)
    broker = cerebro.broker
    broker.setcash(job["cash"])
    broker.set_checksubmit(False)  # with it, one order that is too dear has all orders after it refused, sales among them
    broker.set_filler(lambda order, _, ago: abs(order.executed.remsize) if order.data.volume[ago] > 0 else 0)
    broker.addcommissioninfo(WholeCents(job["costs"]))
    for column in range(job["columns"]):
        cerebro.adddata(Feed(job, column), name=str(column))
    cerebro.addstrategy(WeightsTraded, job=job)
    (done,) = cerebro.run(runonce=False, preload=False)
    orders = np.array(done.found, dtype=np.float64).reshape(-1, 6)
    names = ("row", "column", "ordered", "filled", "price", "fees")
    table = {name: orders[:, i].astype(np.int64) if i < 2 else orders[:, i] for i, name in enumerate(names)}
    account = np.array(done.account, dtype=np.float64).reshape(-1, 2)
    return {"orders": table, "account": {"cash": account[:, 0], "value": account[:, 1]}}


class Feed(bt.feed.DataBase):
    """One column of the market; its volume says whether anything can be traded at the open."""

    def __init__(self, job: dict[str, Any], column: int) -> None:
        super().__init__()
        fills, closes = job["open"][:, column], job["close"][:, column]
        self._tradable, closes = np.isfinite(fills), np.where(np.isfinite(closes), closes, 1.0)  # what has no price yet is not held
        self._opens, self._closes = np.where(self._tradable, fills, closes).tolist(), closes.tolist()
        self._days, self._i = [bt.date2num(dt.datetime.fromisoformat(day)) for day in job["sessions"]], 0

    def _load(self) -> bool:
        i = self._i
        if i >= len(self._days):
            return False
        opened, closed, lines = self._opens[i], self._closes[i], self.lines
        lines.datetime[0], lines.open[0], lines.close[0] = self._days[i], opened, closed
        lines.high[0], lines.low[0] = max(opened, closed), min(opened, closed)
        lines.volume[0], lines.openinterest[0] = float(self._tradable[i]), 0.0
        self._i += 1
        return True


class WholeCents(bt.CommInfoBase):
    """Commission, half of the spread and slippage, each rounded to the cent; and the notional, so that accounts are in whole cents, however fine prices and shares are."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_PERC), ("percabs", True))

    def __init__(self, costs: dict[str, float]) -> None:
        super().__init__()
        self._costs = costs

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:  # noqa: ARG002 - Backtrader's
        exact = abs(size) * price * 100.0
        notional = round(exact)
        if notional == 0:
            return -exact / 100.0 if size > 0 else exact / 100.0
        costs = self._costs
        spent = max(round(notional * costs["commission_bps"] / 1e4), round(costs["min_commission"] * 100.0))
        spent += round(notional * costs["spread_bps"] / 2e4) + round(notional * costs["slippage_bps"] / 1e4)
        return (spent + (notional - exact) * (1.0 if size > 0 else -1.0)) / 100.0


class WeightsTraded(bt.Strategy):
    """The weights of each close, traded at the next open."""

    params = (("job", None),)

    def __init__(self) -> None:
        self._weights, self._parts = self.p.job["weight"], self.p.job["fractional_shares"]
        self._last = len(self._weights) - 1
        self._waiting: dict[int, list[Any]] = {}
        self._sums: defaultdict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, math.nan, 0.0])
        self.account: list[tuple[float, float]] = []

    @property
    def found(self) -> list[tuple[float, ...]]:
        """Row, column, ordered, filled, price and fees of each session's orders of a column together."""
        return [(*key, *values) for key, values in self._sums.items()]

    def next(self) -> None:
        """A close."""
        i = len(self) - 1
        for orders in self._waiting.values():
            for order in orders:
                if order.alive():
                    self.cancel(order)
        self._waiting = {}
        self.account.append((self.broker.getcash(), self.broker.getvalue()))
        if i < self._last:
            self._send(i)

    def _send(self, i: int) -> None:
        wanted = self._weights[i + 1]
        held = {int(data._name): position.size for data, position in self.broker.positions.items() if position.size}
        columns = sorted({*held, *np.flatnonzero(~np.isnan(wanted) & (wanted != 0.0)).tolist()})
        cents = {column: round(size * self.datas[column].close[0] * 100.0) for column, size in held.items()}
        equity = round(self.broker.getcash() * 100.0) + sum(cents.values())
        if equity <= 0:
            return
        legs: tuple[list[tuple[int, float]], ...] = ([], [], [], [])
        for column in columns:
            weight, has, price = float(wanted[column]), held.get(column, 0.0), self.datas[column].close[0]
            change = weight - cents.get(column, 0) / equity
            if math.isnan(weight) or change == 0.0:
                continue
            shares = round((_down(weight * (equity / 100.0) / price, parts=self._parts and weight >= 0.0) - has) * UNITS) / UNITS
            if shares * change <= 0.0 or (weight != 0.0 and round(abs(shares) * price * 100.0) == 0):
                continue
            closing = min(abs(has), abs(shares)) if has * shares < 0.0 else 0.0
            opening = round((abs(shares) - closing) * UNITS) / UNITS
            first = 0 if shares < 0.0 else 2
            legs[first].extend([(column, math.copysign(closing, shares))] if closing else [])
            legs[first + 1].extend([(column, math.copysign(opening, shares))] if opening else [])
        for leg in legs:
            for column, shares in leg:
                self._order(i + 1, column, shares)

    def _order(self, row: int, column: int, shares: float) -> None:
        send = self.buy if shares > 0.0 else self.sell
        order = send(self.datas[column], size=abs(shares), exectype=bt.Order.Market)
        order.addinfo(row=row, column=column)
        self._sums[row, column][0] += shares
        self._waiting.setdefault(column, []).append(order)

    def notify_order(self, order: Any) -> None:
        """A fill is added to those of its session and column."""
        if order.status == order.Completed:
            sums = self._sums[order.info.row, order.info.column]
            sums[1] += order.executed.size
            sums[2] = order.executed.price
            sums[3] += order.executed.comm


def _down(shares: float, *, parts: bool) -> float:
    """Toward zero, to whole shares or to 10^-9 of one; what binary fractions have moved off a whole number is that number."""
    unit = UNITS if parts else 1.0
    units = shares * unit
    whole = float(round(units))
    if abs(units - whole) > ROUNDING * abs(whole) and abs(whole) > abs(units):
        whole -= math.copysign(1.0, units)
    return whole / unit


TRADE = made_by_backtrader
