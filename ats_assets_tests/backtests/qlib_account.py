"""Run by test_against_qlib.py in a process of its own: qlib's exchange, executor and account trade target weights at the open.

Usage: qlib_account.py FOLDER, which holds bars.csv (symbol, session, open, close), weights.csv (symbol, session, weight: to be held from that session's open
on) and settings.json; writes account.csv (session, account, cash) there.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import qlib
from qlib.backtest import backtest
from qlib.backtest.decision import Order, OrderDir, TradeDecisionWO
from qlib.backtest.executor import SimulatorExecutor
from qlib.strategy.base import BaseStrategy


def write_qlib_data(bars: pd.DataFrame, folder: Path) -> None:
    """qlib's file format: a calendar, the instruments, and one float32 file for each symbol and field, preceded by its first day's position."""
    days = sorted(bars["session"].unique())
    for name in ("calendars", "instruments"):
        (folder / name).mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("\n".join(days))
    (folder / "instruments" / "all.txt").write_text("\n".join(f"{s}\t{days[0]}\t{days[-1]}" for s in sorted(bars["symbol"].unique())))
    for symbol, rows in bars.groupby("symbol"):
        place = folder / "features" / str(symbol).lower()
        place.mkdir(parents=True)
        table = rows.set_index("session").reindex(days).assign(factor=1.0, volume=1e9)
        for field in ("open", "close", "factor", "volume"):
            np.hstack([[0.0], table[field].to_numpy()]).astype("<f4").tofile(place / f"{field}.day.bin")


def main(folder: Path) -> None:
    given = json.loads((folder / "settings.json").read_text())
    bars, weights = pd.read_csv(folder / "bars.csv"), pd.read_csv(folder / "weights.csv")
    write_qlib_data(bars, folder / "qlib")
    qlib.init(provider_uri=str(folder / "qlib"), region="us", kernels=1)
    wanted = {pd.Timestamp(day): dict(zip(rows["symbol"], rows["weight"], strict=True)) for day, rows in weights.groupby("session")}

    before = bars.pivot_table(index="session", columns="symbol", values="close").shift(1)
    closes = {pd.Timestamp(str(day)): row.to_dict() for day, row in before.iterrows()}

    class ToWeights(BaseStrategy):
        """Orders that bring each symbol to its weight of what the account was worth at the close before."""

        def generate_trade_decision(self, execute_result: list | None = None) -> TradeDecisionWO:
            start, end = self.trade_calendar.get_step_time(self.trade_calendar.get_trade_step())
            position, orders = self.trade_position, []
            target = wanted.get(start, {})
            held = {s: position.get_stock_amount(s) for s in position.get_stock_list()}
            prices = {s: closes[start][s] for s in {*held, *target}}
            value = position.get_cash() + sum(n * prices[s] for s, n in held.items())
            for symbol in sorted(prices):
                delta = target.get(symbol, 0.0) * value / prices[symbol] - held.get(symbol, 0.0)
                direction = OrderDir.BUY if delta > 0 else OrderDir.SELL
                orders.append(Order(symbol, abs(delta), direction, start, end))
            return TradeDecisionWO(sorted(orders, key=lambda order: order.direction), self)

    first, last = bars["session"].min(), bars["session"].max()
    portfolio, _ = backtest(
        start_time=weights["session"].min(),
        end_time=sorted(bars["session"].unique())[-2],  # qlib looks one session ahead
        strategy=ToWeights(),
        executor=SimulatorExecutor(time_per_step="day", generate_portfolio_metrics=True),
        benchmark=pd.Series(0.0, index=pd.DatetimeIndex(pd.date_range(first, last))),
        account=given["cash"],
        exchange_kwargs={
            "codes": "all",
            "deal_price": "open",
            "open_cost": given["cost"],
            "close_cost": given["cost"],
            "min_cost": 0,
            "trade_unit": None,
            "limit_threshold": None,
        },
    )
    report = portfolio["1day"][0]
    report.loc[:, ["account", "cash"]].rename_axis("session").to_csv(folder / "account.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
