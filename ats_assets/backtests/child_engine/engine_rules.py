"""One session of an account by our rules, or by some of another engine's: what explains a trade that differs is the rule with which it comes out.

By our rules it is `plan` and `fill`, which backtests and orders use. Each rule of `RULES` takes the place of one part of that; an engine has some of them.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import numpy as np

from ats_assets.backtests.child_engine.engine_in_child import weights_at_open
from ats_assets.backtests.engine import BacktestInputs
from ats_assets.backtests.market import Market
from ats_assets.impact.impact_terms import fixed_terms
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import Holdings, TradeLedger
from ats_assets.portfolio.allowed_changes import changes_of_all
from ats_assets.portfolio.costs import to_cents, trade_costs
from ats_assets.portfolio.kernel_settings import NO_LIMITS, WeightRules, cost_rules, limit_rules, margin_rules, weight_rules
from ats_assets.portfolio.opening import UnfilledLedger, fill
from ats_assets.portfolio.planning import PlanInputs, plan
from ats_assets.portfolio.sizing import affordable_shares
from ats_assets.settings import BacktestSettings

LIMITS, ORDER_LIMITS, MARGIN, WHOLE_SHARES, PROCEEDS, REFUSED, IN_ORDER, COSTS, CENTS = (
    "limits",
    "order_limits",
    "margin",
    "whole_shares",
    "short_proceeds",
    "refused_whole",
    "cash_in_order",
    "costs_exceed_value",
    "parts_of_a_cent",
)
RULES: Final[Mapping[str, str]] = {
    LIMITS: "limits on weights and turnover and the no-trade band are not kept",
    ORDER_LIMITS: "limits of orders are not kept",
    MARGIN: "an initial margin is not asked for, nor is margin called",
    WHOLE_SHARES: "what is traded is rounded toward zero, where ours rounds what is held; shorts may be parts of a share",
    PROCEEDS: "what short sales brought in pays for longs, where ours holds it",
    REFUSED: "a buy that cash does not pay for is refused altogether, where ours scales all buys alike",
    IN_ORDER: "buys are paid for one after the other, the smallest first, and the one that cash does not pay for is cut; covers, too",
    COSTS: "a sale that costs more than it brings in is made",
    CENTS: "sums of money and shares are not rounded, so that accounts drift apart by parts of a cent for each trade",
}
UNLIMITED: Final = WeightRules(max_weight=1e9, max_gross=1e9, max_net=1e9, max_turnover=1e9, no_trade_band=0.0)


class CashAndShares(NamedTuple):
    """Cash in currency, parts of a cent included, and shares of shape (n_instruments,)."""

    cash: float
    shares: Floats


class SessionRules:
    """The sessions of one market, each traded from any account by any rules."""

    def __init__(self, market: Market, inputs: BacktestInputs) -> None:
        self._market, self._settings = market, inputs.settings
        self._weight = weights_at_open(market)
        self._weights, self._limits, self._margin = (
            weight_rules(inputs.portfolio),
            limit_rules(inputs.limits),
            margin_rules(inputs.settings.margin),
        )

    def filled(self, i: int, account: CashAndShares, rules: Collection[str]) -> Floats:
        """What is traded at the open of session `i`, of shape (n_instruments,), negative for sales, from what the account was at the close before."""
        orders = self._rounded_trades(i, account) if WHOLE_SHARES in rules else self._planned(i, account, rules)
        fillable = ~np.isnan(self._market.open[i]) & self._market.traded[i]
        orders = np.where(fillable, orders, 0.0)
        if not {PROCEEDS, REFUSED, IN_ORDER, COSTS} & {*rules}:
            return self._by_our_fills(i, account, orders)
        opening = _Opening(account, orders, np.where(fillable, self._market.open[i], 0.0), self._marks(i), self._settings, rules)
        if IN_ORDER in rules:
            opening.in_order_of(np.nan_to_num(self._weight[i]) * self._value(i, account) - account.shares * self._closes(i))
        else:
            opening.by_legs()
        return opening.filled

    def _planned(self, i: int, account: CashAndShares, rules: Collection[str]) -> Floats:
        """`plan` of the close before."""
        market, n = self._market, len(account.shares)
        first, last = market.target_bounds[i - 1], market.target_bounds[i]
        target, yes = np.zeros(n), np.ones(n, dtype=np.bool_)
        target[market.target_columns[first:last]] = market.target_weights[first:last]
        changes = changes_of_all(n, market.target_columns[first:last], market.target_changes[first:last])
        fractional = np.full(n, self._settings.fractional_shares)
        quoted = ~np.isnan(market.open[i - 1])
        book = PlanInputs(account.shares, market.last_close[i - 1], target, quoted, market.traded[i - 1], yes, yes, fractional, changes)
        weights, limits = UNLIMITED if LIMITS in rules else self._weights, NO_LIMITS if ORDER_LIMITS in rules else self._limits
        margin = None if MARGIN in rules else self._margin
        planned = plan(book, int(to_cents(account.cash)), bool(last > first), weights, limits, margin, None, None, None)
        orders = np.zeros(n)
        orders[planned.at] = planned.shares
        return orders

    def _rounded_trades(self, i: int, account: CashAndShares) -> Floats:
        """To the weights, the trade itself toward zero."""
        weight, closes, value = self._weight[i], self._closes(i), self._value(i, account)
        if value <= 0.0:
            return np.zeros(len(weight))
        wanted = np.where(np.isnan(weight), 0.0, weight * value / closes - account.shares)
        size = np.abs(wanted) if self._settings.fractional_shares else np.abs(wanted) // 1.0
        return np.sign(wanted) * size

    def _by_our_fills(self, i: int, account: CashAndShares, orders: Floats) -> Floats:
        holdings = Holdings(to_cents([account.cash]), account.shares.copy(), np.zeros(len(orders), dtype=np.int64))
        quoted, n = ~np.isnan(self._market.open[i]), len(orders)
        ledger, left = TradeLedger.with_room(2 * n), UnfilledLedger.with_room(2 * n)
        terms = fixed_terms(self._settings, n)
        fill(holdings, ledger, left, orders, self._marks(i), quoted, self._market.traded[i], cost_rules(self._settings), terms, i)
        return holdings.shares - account.shares

    def _closes(self, i: int) -> Floats:
        """The closes before; what has had no price yet is not held."""
        before = self._market.last_close[i - 1]
        return np.where(np.isfinite(before), before, 1.0)

    def _marks(self, i: int) -> Floats:
        opens = self._market.open[i]
        return np.where(np.isnan(opens), self._closes(i), opens)

    def _value(self, i: int, account: CashAndShares) -> float:
        return account.cash + float((account.shares * self._closes(i)).sum())


class _Opening:
    """Orders filled one after the other at an open; arrays of shape (n_instruments,), prices zero where nothing is filled."""

    def __init__(  # noqa: PLR0917 - one call
        self, account: CashAndShares, orders: Floats, prices: Floats, marks: Floats, settings: BacktestSettings, rules: Collection[str]
    ) -> None:
        self._orders, self._prices, self._marks, self._settings, self._rules = orders, prices, marks, settings, rules
        self._cash, self._shares = account.cash, account.shares.copy()
        self.filled = np.zeros(len(orders))

    def in_order_of(self, values: Floats) -> None:
        """By the values of the orders, sales before buys; a buy is cut to the cash."""
        for j in np.argsort(values, kind="stable").tolist():
            order = float(self._orders[j])
            if order > 0.0:
                self._fill(j, min(order, self._most(j)))
            elif order < 0.0:
                self._fill(j, order)

    def by_legs(self) -> None:
        """Longs closed, shorts opened, shorts covered, longs opened."""
        closing = np.where(self._shares * self._orders < 0.0, np.minimum(np.abs(self._shares), np.abs(self._orders)), 0.0)
        opening: Floats = (np.abs(self._orders) - closing).round(9)
        sells, buys = np.flatnonzero(self._orders < 0.0).tolist(), np.flatnonzero(self._orders > 0.0).tolist()
        for legs, sign, at in ((closing, -1.0, sells), (opening, -1.0, sells), (closing, 1.0, buys)):
            for j in at:
                if legs[j] > 0.0 and (sign > 0.0 or COSTS in self._rules or self._brings_in(j, float(legs[j]))):
                    self._fill(j, sign * float(legs[j]))
        longs = [j for j in buys if opening[j] > 0.0]
        if REFUSED in self._rules:
            for j in longs:
                if self._price_of(j, float(opening[j])) <= self._free() + 1e-9:
                    self._fill(j, float(opening[j]))
        else:
            affordable = affordable_shares(opening[longs], self._prices[longs], int(to_cents(self._free())), self._settings)
            for j, shares in zip(longs, affordable, strict=True):
                self._fill(j, shares)

    def _fill(self, j: int, shares: float) -> None:
        if shares != 0.0:
            self._cash -= self._prices[j] * shares + self._costs(j, shares)
            self._shares[j] += shares
            self.filled[j] += shares

    def _costs(self, j: int, shares: float) -> float:
        if CENTS in self._rules:
            rate = (self._settings.commission_bps + self._settings.spread_bps / 2 + self._settings.slippage_bps) / 1e4
            return abs(shares) * self._prices[j] * rate
        return int(trade_costs(to_cents([abs(shares) * self._prices[j]]), self._settings).total[0]) / 100

    def _price_of(self, j: int, shares: float) -> float:
        return round(self._prices[j] * shares, 2) + self._costs(j, shares)

    def _brings_in(self, j: int, shares: float) -> bool:
        notional = round(self._prices[j] * shares, 2)
        return notional == 0.0 or self._costs(j, shares) < notional

    def _free(self) -> float:
        """Cash that may be spent."""
        shorts = 0.0 if PROCEEDS in self._rules else float((np.minimum(self._shares, 0.0) * self._marks).sum())
        return round(self._cash + shorts, 9)

    def _most(self, j: int) -> float:
        """The shares that cash pays for."""
        rate = (self._settings.commission_bps + self._settings.spread_bps / 2 + self._settings.slippage_bps) / 1e4
        most = max(0.0, self._free()) / (self._prices[j] * (1.0 + rate))
        return most if self._settings.fractional_shares else float(np.floor(most + 1e-9))
