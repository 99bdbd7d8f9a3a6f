"""Target weights traded by this project's engines, by vectorbt and by Backtrader, in turn on the same market.

Usage: python benchmarks/engines.py [--symbols 1000] [--sessions 2520] [--feeds 50] [--rounds 3] [--environments data/engines] [--json]

Every symbol has another weight at every session, so that each is traded at each: with 1,000 symbols and 2,520 sessions 2.5 million trades. Ours go from frames of bars and
targets to all tables of a backtest (equity, positions, trades, unfilled); "ours, kernel" is the engine `orders` from arrays to its ledgers, and "ours, account" the engine
`weights` from arrays to equity, cash, costs and turnover of each session. vectorbt is `Portfolio.from_orders` from
arrays to its order records, after it has been compiled; what it shows of them is made later and is not measured. Backtrader has only `--feeds` of the symbols, since all of them
take an hour, and is compared with ours on the same ones. Each measurement is a process that has traded a part before the clock starts; the engines' environments are made
ahead (`python -m ats_assets.backtests.child_engine <engine>`). Figures are the best of the rounds; only ratios of one run compare.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
REPEATS = 2


def main() -> None:
    """Make the market, measure each side in turn, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--sessions", type=int, default=2_520)
    parser.add_argument("--feeds", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=HERE.parents[1] / "data" / "engines")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--columns", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.folder, arguments.columns)))
        return
    pythons = _pythons(arguments.environments)
    work = {"vectorbt": arguments.symbols, "ours, kernel": arguments.symbols, "ours, orders": arguments.symbols}
    work |= {
        "ours, weights": arguments.symbols,
        "ours, account": arguments.symbols,
        "backtrader": arguments.feeds,
        "ours, of feeds": arguments.feeds,
    }
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name), arguments.symbols, arguments.sessions)
        for _ in range(arguments.rounds):
            for side, columns in work.items():
                found = _measure(side, Path(name), columns, pythons.get(side, sys.executable))
                best[side] = min(best.get(side, found), found, key=lambda one: one["seconds"])
    result = {"times backtrader": best["backtrader"]["seconds"] / best["ours, of feeds"]["seconds"]}
    result |= {
        f"times vectorbt, {side[6:]}": best["vectorbt"]["seconds"] / best[side]["seconds"] for side in work if side.startswith("ours, ")
    }
    result.pop("times vectorbt, of feeds")
    result |= {f"{side}, {figure}": value for side, found in best.items() for figure, value in found.items()}
    print(json.dumps(result) if arguments.json else "\n".join(f"{label:28s} {value:,.3f}" for label, value in result.items()))


def _pythons(environments: Path) -> dict[str, str]:
    """The interpreters of the other engines."""
    sys.path.insert(0, str(HERE.parents[1]))
    from ats_assets.plugins import ENGINES

    return {name: str(ENGINES.made(name, {}).environment.made(environments)) for name in ("backtrader", "vectorbt")}


def _prepare(folder: Path, symbols: int, sessions: int) -> None:
    random = np.random.default_rng(1)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, (sessions, symbols)), axis=0)), 2)
    weight = random.random((sessions, symbols))
    np.save(folder / "close.npy", close)
    np.save(folder / "open.npy", np.round(close * np.exp(random.normal(0, 0.005, close.shape)), 2))
    np.save(folder / "weight.npy", 0.9 * weight / weight.sum(axis=1, keepdims=True))


def _read(folder: Path, columns: int) -> tuple[Any, Any, Any]:
    """Opens, closes and weights of the first columns, of 90% of equity together."""
    opened, close, weight = (np.load(folder / f"{name}.npy")[:, :columns] for name in ("open", "close", "weight"))
    return opened, close, 0.9 * weight / weight.sum(axis=1, keepdims=True)


def _measure(side: str, folder: Path, columns: int, python: str) -> dict[str, float]:
    """One side in a fresh process."""
    command = [python, str(HERE), "--side", side, "--folder", str(folder), "--columns", str(columns)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _best_of(work: Callable[[], int], repeats: int = REPEATS) -> dict[str, float]:
    seconds, trades = float("inf"), 0
    for _ in range(repeats):
        began = time.perf_counter()
        trades = work()
        seconds = min(seconds, time.perf_counter() - began)
    return {"seconds": seconds, "trades": trades}


def _ours(folder: Path, columns: int, engine: str, *, kernel: bool = False) -> dict[str, float]:
    sys.path.insert(0, str(HERE.parents[1]))
    from datetime import date, timedelta

    import polars as pl

    from ats_assets.backtests import BacktestInputs, engine_of
    from ats_assets.settings import BacktestSettings, PortfolioSettings

    opened, close, weight = _read(folder, columns)
    days = [date(2010, 1, 1) + timedelta(days=i) for i in range(len(close))]
    names = [f"S{j:05d}" for j in range(columns)]
    keys = {"symbol": pl.Series(names * len(days)), "session": pl.Series(days).gather(np.repeat(np.arange(len(days)), columns))}
    bars = pl.DataFrame({**keys, "open": opened.ravel(), "close": close.ravel(), "volume": np.full(close.size, 1e6)})
    targets = pl.DataFrame({**keys, "target_weight": weight.ravel()})
    options = {"compiled": True} if engine == "orders" else {}
    settings = BacktestSettings(engine=engine, options=options, initial_cash=1e8, fractional_shares=True)
    free = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0)

    def inputs_to(last: int) -> BacktestInputs:
        return BacktestInputs(
            targets=targets.head(last * columns), bars=bars.head(last * columns), sessions=days[:last], portfolio=free, settings=settings
        )

    made = engine_of(settings)
    made.run(inputs_to(5))
    if kernel:
        return (_kernel if engine == "orders" else _account)(inputs_to(len(days)))
    whole = inputs_to(len(days))
    return _best_of(lambda: len(made.run(whole).trades))


def _kernel(inputs: Any) -> dict[str, float]:
    """The engine `orders` without frames."""
    from ats_assets.backtests.benchmark import benchmark_column
    from ats_assets.backtests.engines import orders
    from ats_assets.backtests.market import read_market
    from ats_assets.backtests.market_terms import market_terms

    settings = inputs.settings
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    prices = market.prices(settings.margin, market_terms(market, settings, None)[0])
    rules = orders.TradingRules(
        orders.weight_rules(inputs.portfolio),
        orders.limit_rules(None),
        orders.cost_rules(settings),
        orders.margin_rules(settings.margin),
        orders.brake_rules(None),
    )
    column = benchmark_column(market, None)
    return _best_of(lambda: int(orders._traded(prices, settings.initial_cash, rules, column, True)[0].trades.used[0]))


def _account(inputs: Any) -> dict[str, float]:
    """The engine `weights` without frames and without its trades one by one."""
    from ats_assets.backtests.engines.weights import WeightsEngine, WeightsEngineSettings
    from ats_assets.backtests.exact_account import held_exactly
    from ats_assets.backtests.market import read_market
    from ats_assets.backtests.market_terms import market_terms

    settings = inputs.settings
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    prices = market.prices(settings.margin, market_terms(market, settings, None)[0])
    rules = WeightsEngine(WeightsEngineSettings())._rules(settings, modelled=False)
    return _best_of(lambda: int(held_exactly(prices, rules, 1e8, tables=False).sessions.n_trades.sum()), 2 * REPEATS)


def _vectorbt(folder: Path, columns: int) -> dict[str, float]:
    import vectorbt as vbt

    opened, close, weight = _read(folder, columns)
    size, valued = np.vstack([np.full((1, columns), np.nan), weight[:-1]]), np.vstack([close[:1], close[:-1]])

    def work(last: int = len(close)) -> int:
        some = slice(0, last)
        made = vbt.Portfolio.from_orders(
            close[some],
            size=size[some],
            size_type="targetpercent",
            price=opened[some],
            val_price=valued[some],
            fees=0.0005,
            init_cash=1e8,
            cash_sharing=True,
            group_by=np.zeros(columns, dtype=np.int64),
            call_seq="auto",
            freq="1D",
        )
        return len(made.orders.values)

    work(5)
    return _best_of(work)


def _backtrader(folder: Path, columns: int) -> dict[str, float]:
    import datetime as dt

    import backtrader as bt

    opened, close, weight = _read(folder, columns)
    days = [bt.date2num(dt.datetime.fromisoformat("2010-01-01")) + i for i in range(len(close))]

    class Feed(bt.feed.DataBase):
        params = (("column", 0),)

        def start(self) -> None:
            self._i, self._opens, self._closes = 0, opened[:, self.p.column].tolist(), close[:, self.p.column].tolist()

        def _load(self) -> bool:
            i, lines = self._i, self.lines
            if i >= len(days):
                return False
            lines.datetime[0], lines.open[0], lines.close[0] = days[i], self._opens[i], self._closes[i]
            lines.high[0], lines.low[0] = max(self._opens[i], self._closes[i]), min(self._opens[i], self._closes[i])
            lines.volume[0], lines.openinterest[0] = 1e6, 0.0
            self._i += 1
            return True

    class Weights(bt.Strategy):
        def next(self) -> None:
            for data, target in zip(self.datas, weight[len(self) - 1].tolist(), strict=True):
                self.order_target_percent(data, target)

    def work() -> int:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(1e8)
        cerebro.broker.setcommission(0.0005)
        for column in range(columns):
            cerebro.adddata(Feed(column=column))
        cerebro.addstrategy(Weights)
        (done,) = cerebro.run()
        return len(done.broker.orders)

    return _best_of(work, 1)


SIDES: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "vectorbt": _vectorbt,
    "backtrader": _backtrader,
    "ours, orders": lambda folder, columns: _ours(folder, columns, "orders"),
    "ours, kernel": lambda folder, columns: _ours(folder, columns, "orders", kernel=True),
    "ours, weights": lambda folder, columns: _ours(folder, columns, "weights"),
    "ours, account": lambda folder, columns: _ours(folder, columns, "weights", kernel=True),
    "ours, of feeds": lambda folder, columns: _ours(folder, columns, "orders"),
}


if __name__ == "__main__":
    main()
