"""What reconciliation costs as the history grows: it must cost the same after years as on the first day.

Usage: python benchmarks/reconciliation_growth.py [--fills 1000 10000 100000 250000] [--orders 100] [--json]

For each number of fills, an account with that history (so many orders a session, settled session by session) trades one more session on an exchange in memory:
the time of one comparison, of a whole reconciliation and of a settlement, the steps of SQLite's virtual machine that they take, and, beside them, the time of
reading every fill since the baseline, which each comparison did before.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from ats_assets.execution.order import AccountState  # noqa: E402
from ats_assets.execution.reconciliation import BrokerView, compare  # noqa: E402
from ats_assets.trade_state import TradeState, tables  # noqa: E402
from ats_assets_tests.execution.exchange import EVENING, NEXT, PLAN, SESSION, Bench  # noqa: E402
from ats_assets_tests.execution.history import Steps, add_history, newest_baseline  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fills", type=int, nargs="+", default=[1_000, 10_000, 100_000, 250_000])
    parser.add_argument("--orders", type=int, default=100, help="a session")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for fills in arguments.fills:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(Path(folder), fills, arguments.orders))
        if not arguments.json:
            print("  ".join(f"{name} {value:,}" for name, value in rows[-1].items()), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=2))


def measure(folder: Path, fills: int, orders: int) -> dict[str, Any]:
    bench = Bench.at(f"sqlite:///{folder / 'trade_state.sqlite'}", folder / "KILL")
    cash = bench.exchange.cash
    start = AccountState(account_id="X1", at=EVENING, cash=cash, equity=cash, buying_power=cash)
    with TradeState(bench.url) as state:
        bench.exchange.cash = add_history(state, sessions=fills // orders, orders=orders, last=date(2024, 2, 15), account=start).cash
    told: dict[str, Any] = {"fills": fills}
    with bench.executor() as executor:
        assert executor.execute(SESSION, PLAN).stopped is None
        bench.exchange.open()
        told["reconcile_ms"] = milliseconds(executor.reconcile)
        with TradeState(bench.url) as state, state.begin() as connection:
            baseline = newest_baseline(connection)
            view = BrokerView(
                account=bench.broker.account(), positions=tuple(bench.broker.positions()), fills=(), entries=(), open_orders=()
            )
            assert compare(connection, baseline, view, Decimal("0.01")) == []
            told["compare_ms"] = milliseconds(lambda: compare(connection, baseline, view, Decimal("0.01")))
            told["read_every_fill_ms"] = milliseconds(lambda: connection.execute(select(tables.fills)).all(), repeats=1)
        steps = Steps(executor._state.engine)
        executor.reconcile()
        told["reconcile_steps"] = steps.number
        told["settle_ms"] = milliseconds(lambda: executor.settle(NEXT), repeats=1)
    return told


def milliseconds(work: Callable[[], object], *, repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return round(1e3 * statistics.median(times), 2)


if __name__ == "__main__":
    main()
