#!/usr/bin/env bash
# Backtrader 1.9.78.123: one buy that cash does not pay for has all later orders of that bar refused, affordable buys and sales among them.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check backtrader==1.9.78.123
"$home/venv/bin/python" - <<'PY'
# The broker's check at submission takes the refused order's cost off the cash that it checks the next orders against. set_checksubmit(False) leaves the check to the execution.
import datetime

import backtrader as bt


class Flat(bt.feed.DataBase):
    """Five bars at 10."""

    def start(self):
        self.bars = 0

    def _load(self):
        if self.bars == 5:
            return False
        self.lines.datetime[0] = bt.date2num(datetime.datetime(2024, 1, 2) + datetime.timedelta(days=self.bars))
        for line in ("open", "high", "low", "close"):
            getattr(self.lines, line)[0] = 10.0
        self.lines.volume[0], self.lines.openinterest[0] = 1e6, 0
        self.bars += 1
        return True


class Strategy(bt.Strategy):
    """Holds 50 A of 1,000 in cash, then buys 1,000 B (too dear), buys 10 B (100 of the 500 left) and sells 5 A."""

    def next(self):
        if len(self) == 1:
            self.buy(self.datas[0], size=50)
        if len(self) == 2:
            self.orders = [self.buy(self.datas[1], size=1000), self.buy(self.datas[1], size=10), self.sell(self.datas[0], size=5)]


def statuses(check):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(1000)
    cerebro.broker.set_checksubmit(check)
    for name in "AB":
        cerebro.adddata(Flat(), name=name)
    cerebro.addstrategy(Strategy)
    (strategy,) = cerebro.run()
    return [order.getstatusname() for order in strategy.orders]


checked, unchecked = statuses(True), statuses(False)
print(f"too dear, affordable, a sale: {checked} by default, {unchecked} with set_checksubmit(False)")
assert checked == ["Margin", "Margin", "Margin"]
assert unchecked == ["Margin", "Completed", "Completed"]
PY
